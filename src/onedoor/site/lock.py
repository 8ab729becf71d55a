"""One at a time in the folder of an installation: whoever works there holds its lock, whose file says who."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from onedoor.kernel import refusals
from onedoor.kernel.errors import OnedoorError

NAME = "lock"


class AlreadyRunning(OnedoorError):
    """A nation already runs in {var} (process {process}). Stop it, or choose others: --var DIR --port {other}."""


class InUse(OnedoorError):
    """“onedoor {work}” is at work in {var} (process {process}). Please wait until it is done, then try again."""


class CannotWrite(OnedoorError):
    """Nothing can be written to {var}: {why}. Please choose another folder: --var DIR."""


@contextmanager
def held(var: Path, work: str, *, other: int = 9000) -> Iterator[None]:
    """Hold the installation in *var* for this process, which is ``onedoor`` *work*; the lock goes when it ends.

    Raise `AlreadyRunning`, which proposes port *other*, when a nation runs there, `InUse` when a command is at work.
    """
    try:
        lock = _taken(var, other)
    except OSError as error:
        raise CannotWrite(var=var, why=refusals.why(error)) from error
    with lock:
        lock.truncate(0)
        lock.write(f"{os.getpid()} {work}")
        lock.flush()
        yield


def take(lock: IO[str]) -> bool:
    """Return whether the open file *lock* is this process's alone from now on."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken(var: Path, other: int) -> IO[str]:
    """Return the lock, taken; a lock whose file was removed meanwhile, with its folder, holds nobody off."""
    while True:
        var.mkdir(parents=True, exist_ok=True)
        var.chmod(0o711)
        lock = (var / NAME).open("a+")
        if not take(lock):
            with lock:
                raise _told(var, lock, other)
        if (var / NAME).exists() and os.path.samestat(os.fstat(lock.fileno()), (var / NAME).stat()):
            return lock
        lock.close()


def _told(var: Path, lock: IO[str], other: int) -> OnedoorError:
    lock.seek(0)
    process, _, work = lock.read().strip().partition(" ")
    if work in ("", "up"):
        return AlreadyRunning(var=var, process=process or "?", other=other)
    return InUse(var=var, process=process, work=work)
