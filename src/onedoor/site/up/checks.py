"""What must be true before anything starts; each fault is one sentence that says what to do."""

import contextlib
import errno
import importlib.metadata
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import BadNation, Nation
from onedoor.site import archives, kinds, lock

ENOUGH = 1024**3
"""Bytes that must be free: database, logs and results of a demonstration need about half."""
GIBI = 1024**3
HIGHEST = 65_535
PATIENCE = 10.0
"""Seconds that processes of a supervisor that was killed are given to end."""


class NoSuchPort(OnedoorError):
    """There is no port {port}: the last one is {highest}. A nation takes about 500 ports from --port on."""


class PortTaken(OnedoorError):
    """Port {port} is taken by another program. Stop that program, or choose other ports: --port {other}."""


class DiskFull(OnedoorError):
    """Only {free} GiB are free on the disk of {var}, and {enough} GiB are needed. Please free some space."""


class RestoredWithoutKeys(OnedoorError):
    """{var} was restored without its keys, to be looked at only: a start would make new keys, and sign beside the old ones. Please restore again into an empty folder with --keys."""  # noqa: E501 - one sentence after the other


class Missing(OnedoorError):
    """These Python packages are missing: {names}. Please run “make install”."""


@contextlib.contextmanager
def alone(var: Path, port: int) -> Iterator[None]:
    """Hold *var* and the ports from *port* on for this process; the locks go with it, however it ends."""
    range_lock = Path(tempfile.gettempdir()) / f"onedoor-{os.geteuid()}-ports-{port}.lock"
    with lock.held(var, "up", other=port + 1000), open(range_lock, "a+", opener=_own) as ports_lock:
        if not lock.take(ports_lock):
            raise PortTaken(port=port, other=port + 1000)
        yield


def has_its_keys(var: Path) -> None:
    """Raise `RestoredWithoutKeys` when *var* is for looking at only."""
    if (var / archives.KEYLESS).exists():
        raise RestoredWithoutKeys(var=var)


def _own(path: str, flags: int) -> int:
    """Open a file in a folder that everybody may write to; a link planted there is not followed."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


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
    if waiting and not 0 < waiting[0] <= waiting[-1] <= HIGHEST:
        raise NoSuchPort(port=waiting[-1], highest=HIGHEST)
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
