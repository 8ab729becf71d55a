"""What moves each rank of an edition, worked out in a process of its own (scipy, some seconds) and kept in a file."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock, Thread

import structlog

from onedoor.kernel.durable import write_whole
from onedoor.measurement import drawing
from onedoor.measurement.certainty import sensitivity
from onedoor.measurement.measured import measure
from onedoor.measurement.rules.sensitivity import Factor
from onedoor.measurement.shelf import SEED, Shelf
from onedoor.measurement.world import world

Factors = Mapping[str, list[Factor]]
LONGEST = 300
"""Seconds after which the process is stopped."""
log = structlog.get_logger("onedoor.measurement")
_lock, _one_at_a_time = Lock(), Lock()
_known: dict[Path, Factors] = {}
_begun: set[Path] = set()


def of(shelf: Shelf, year: int) -> Factors | None:
    """Return what moves the rank of each country of the edition of *year*, by its code; None while it is worked out."""
    file = _file(shelf, year)
    if file not in _known and file.is_file():
        told = json.loads(file.read_text("utf-8"))
        _known[file] = {code: [Factor(**one) for one in factors] for code, factors in told.items()}
    if file not in _known:
        begin(shelf, year)
    return _known.get(file)


def begin(shelf: Shelf, year: int) -> Thread | None:
    """Start to work it out, unless that was begun; the thread ends when the file is there, or cannot be."""
    file = _file(shelf, year)
    with _lock:
        if file in _begun:
            return None
        _begun.add(file)
    thread = Thread(target=_ask, args=(shelf, year, file), name="sensitivities", daemon=True)
    thread.start()
    return thread


def _file(shelf: Shelf, year: int) -> Path:
    return drawing.kept() / f"{shelf.definition.id}-{year}-{shelf.digest}.json"


def _ask(shelf: Shelf, year: int, file: Path) -> None:
    asked = [str(shelf.world.path), str(shelf.editions[year].table.file), shelf.definition.id, str(year), str(file)]
    command = [sys.executable, "-m", __name__, *asked]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time:
            subprocess.run(command, check=True, timeout=LONGEST, env={}, capture_output=True)  # noqa: S603 - our own
    except (subprocess.SubprocessError, OSError) as error:
        log.warning("what moves ranks cannot be worked out", edition=year, why=type(error).__name__)
        _begun.discard(file)  # who asks next tries again


def write(folder: str, table: str, index: str, year: str, file: str) -> None:
    """Work out what moves the rank of every ranked country and write it to *file*, whole or not at all."""
    measured = measure(world(Path(folder)), Path(table), int(year), index)
    codes = [measured.table.codes[place] for place in measured.ranked]
    found = {code: [_plain(one) for one in sensitivity(measured, code, SEED)] for code in codes}
    write_whole(Path(file), json.dumps(found).encode())


def _plain(factor: Factor) -> dict[str, object]:
    return {name: getattr(factor, name) for name in ("kind", "part", "first", "total", "error")}


if __name__ == "__main__":
    write(*sys.argv[1:])
