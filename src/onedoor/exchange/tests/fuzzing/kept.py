"""What the repository keeps of long runs: for each parser a ZIP file of the smallest inputs that reach the most."""

import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
MOST_BYTES, NAMED = 10_000, 100
"""Bytes of a parser's file, where the smallest inputs stay; and of what it says of each."""


def read(name: str) -> list[bytes]:
    """Return what is kept for the parser *name*."""
    path = FOLDER / f"{name}.zip"
    if not path.exists():
        return []
    with zipfile.ZipFile(path) as archive:
        return [archive.read(one) for one in archive.infolist()]


def keep(name: str, known: Iterable[bytes], folder: Path) -> None:
    """Keep the smallest set of what is *known* and of the inputs in *folder* that reaches as much."""
    with tempfile.TemporaryDirectory() as made:
        merged, before = Path(made, "merged"), Path(made, "before")
        for one in (merged, before, folder):
            one.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(known):
            (before / str(number)).write_bytes(data)
        command = [sys.executable, "-m", __package__, "merge", name, "-merge=1", *map(str, (merged, before, folder))]
        subprocess.run(command, check=True, capture_output=True)
        write(name, sorted((one.read_bytes() for one in merged.iterdir()), key=lambda one: (len(one), one)))


def write(name: str, inputs: Iterable[bytes]) -> None:
    """Write the first of *inputs* that fit as those that are kept."""
    FOLDER.mkdir(exist_ok=True)
    size = 0
    with zipfile.ZipFile(FOLDER / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number, data in enumerate(inputs):
            size += len(zlib.compress(data, 9)) + NAMED
            if size > MOST_BYTES:
                break
            archive.writestr(zipfile.ZipInfo(f"{number}"), data, zipfile.ZIP_DEFLATED)
