"""What each process of a gateway leaves for the others: its share of the five minutes that are not over, and of health.

What one left that did not end well is added to the summaries when the next begins.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from onedoor.exchange.gateway import summaries
from onedoor.exchange.gateway.healthy import State
from onedoor.exchange.gateway.summaries import Summary

KIND = "share-"
SILENT = 60.0
"""Seconds after which a process that left nothing new is not there any more."""


@dataclass(slots=True)
class Share:
    """A summary as data, and the services as this process saw them."""

    told: tuple[int, list[Any], dict[int, int]]
    health: dict[str, State]

    def summary(self) -> Summary:
        """Return the summary."""
        return summaries.of(*self.told)

    def encoded(self) -> bytes:
        """Return it as JSON."""
        return msgspec.json.encode(self)


def write(folder: Path, share: bytes) -> None:
    """Leave *share* as that of this process, in the place of what it left before."""
    path = folder / f"{KIND}{os.getpid()}.json"
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(share)
    draft.replace(path)


def remove(folder: Path) -> None:
    """Take away what this process left."""
    (folder / f"{KIND}{os.getpid()}.json").unlink(missing_ok=True)


def others(folder: Path) -> Iterator[Share]:
    """Yield what the other processes left."""
    for path in folder.glob(f"{KIND}*.json"):
        with suppress(FileNotFoundError, msgspec.DecodeError, ValueError):
            if _runs(path):
                yield msgspec.json.decode(path.read_bytes(), type=Share)


def adopt(folder: Path) -> None:
    """Add what processes left that run no more to the summaries; what cannot be read or kept is lost."""
    for path in folder.glob(f"{KIND}*.json"):
        with suppress(OSError, msgspec.DecodeError, ValueError, TypeError):
            if not _runs(path):
                _add(folder, path.rename(path.with_suffix(".taken")))  # one process alone does this


def _add(folder: Path, taken: Path) -> None:
    try:
        one = msgspec.json.decode(taken.read_bytes(), type=Share).summary()
        if one.cells or one.batches:
            summaries.keep(folder, one)
    finally:
        taken.unlink()


def _runs(path: Path) -> bool:
    """Return whether the file at *path* is of another process that runs; another program may have got its number."""
    process = int(path.stem.removeprefix(KIND))
    with suppress(ProcessLookupError, PermissionError):  # there is none, or it is somebody else's
        os.kill(process, 0)
        return process != os.getpid() and time.time() - path.stat().st_mtime < SILENT
    return False
