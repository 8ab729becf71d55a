"""What must be true before anything starts; each fault is one sentence that says what to do."""

import contextlib
import errno
import fcntl
import importlib.metadata
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import BadNation, Nation
from onedoor.site import kinds

ENOUGH = 1024**3
"""Bytes that must be free: database, logs and results of a demonstration need about half."""
GIBI = 1024**3
PATIENCE = 10.0
"""Seconds that processes of a supervisor that was killed are given to end."""


class AlreadyRunning(OnedoorError):
    """A nation already runs in {var} (process {process}). Stop it, or choose: onedoor up --var DIR --port 9000."""


class PortTaken(OnedoorError):
    """Port {port} is taken by another program. Stop that program, or choose other ports: onedoor up --port {other}."""


class DiskFull(OnedoorError):
    """Only {free} GiB are free on the disk of {var}, and {enough} GiB are needed. Please free some space."""


class CannotWrite(OnedoorError):
    """Nothing can be written to {var}: {why}. Please choose another folder: onedoor up --var DIR."""


class Missing(OnedoorError):
    """These Python packages are missing: {names}. Please run “make install”."""


@contextlib.contextmanager
def alone(var: Path, port: int) -> Iterator[None]:
    """Hold *var* and the ports from *port* on for this process; the locks go with it, however it ends."""
    try:
        var.mkdir(parents=True, exist_ok=True)
        var.chmod(0o711)
        lock = (var / "lock").open("a+")
    except OSError as error:
        raise CannotWrite(var=var, why=error.strerror) from error
    range_lock = Path(tempfile.gettempdir()) / f"onedoor-{os.geteuid()}-ports-{port}.lock"
    with lock, open(range_lock, "a+", opener=_own) as ports_lock:
        if not _held(lock):
            lock.seek(0)
            raise AlreadyRunning(var=var, process=lock.read().strip() or "?")
        if not _held(ports_lock):
            raise PortTaken(port=port, other=port + 1000)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _own(path: str, flags: int) -> int:
    """Open a file in a folder that everybody may write to; a link planted there is not followed."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _held(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def packages() -> None:
    """Raise `Missing` unless every package this needs is installed."""
    missing = []
    for line in importlib.metadata.requires("onedoor") or []:
        name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        raise Missing(names=", ".join(missing))


def sound_nation(folder: Path) -> Nation:
    """Return the nation in *folder*; raise `BadNation` with every fault in its files."""
    kinds.load()
    faults = nations.check(folder)
    if faults:
        raise BadNation(faults)
    return nations.load(folder)


def space(var: Path) -> None:
    """Raise `DiskFull` unless there is room."""
    free = shutil.disk_usage(var).free
    if free < ENOUGH:
        raise DiskFull(var=var, free=f"{free / GIBI:.1f}", enough=f"{ENOUGH / GIBI:.0f}")


def ports(numbers: Iterable[int], base: int, *, patient: bool) -> None:
    """Raise `PortTaken` unless every port is free; *patient* gives what a killed supervisor left a moment to end."""
    deadline = time.monotonic() + (PATIENCE if patient else 0)
    waiting = sorted(numbers)
    while taken := [number for number in waiting if not _free(number)]:
        if time.monotonic() >= deadline:
            raise PortTaken(port=taken[0], other=base + 1000)
        time.sleep(0.2)
        waiting = taken


def _free(port: int) -> bool:
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
