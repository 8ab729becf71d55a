"""Populations in files: one gzipped file of JSON lines per register."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SUFFIX = ".jsonl.gz"
EVERY = 1000
NOTE = "The people in these files are synthetic: made by chance, nobody is real. Any likeness is chance.\n"


def write(
    folder: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]], progress: Callable[[int], None] = lambda _rows: None
) -> dict[str, int]:
    """Write *rows* by register to *folder*, ``<register>.jsonl.gz`` each, and return how many; whole or not at all.

    *progress* is told how many rows of all are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SYNTHETIC.txt").write_text(NOTE, "utf-8")
    written: dict[str, int] = {}
    for register, some in rows.items():
        written[register] = _write(folder / f"{register}{SUFFIX}", some, sum(written.values()), progress)
    return written


def _write(path: Path, rows: Iterable[Mapping[str, Any]], before: int, progress: Callable[[int], None]) -> int:
    draft = path.with_name(f".{path.name}.draft")
    count = 0
    with gzip.GzipFile(draft, "wb", compresslevel=5, mtime=0) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
            if count % EVERY == 0:
                progress(before + count)
    progress(before + count)
    draft.replace(path)
    return count


def holds(folder: Path, register: str) -> bool:
    """Return whether there are people in *folder* for *register*: the generator does not know every register."""
    return (folder / f"{register}{SUFFIX}").is_file()


def count(folder: Path, register: str) -> int:
    """Return how many rows *register* has in *folder*; raise FileNotFoundError when there is no such file."""
    with gzip.open(folder / f"{register}{SUFFIX}") as file:
        return sum(1 for _ in file)


def read(folder: Path, register: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of *register* in *folder*; raise FileNotFoundError when there is no such file."""
    with gzip.open(folder / f"{register}{SUFFIX}", "rt", encoding="utf-8") as file:
        yield from (json.loads(line) for line in file)
