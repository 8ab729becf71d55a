"""Files that outlast a crash: on disk with their folder before the call returns; whose they are."""

import ctypes
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE, _EXCHANGE = -100, 2
"""``AT_FDCWD`` and ``RENAME_EXCHANGE`` of renameat2(2)."""


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file, whole or not at all, with its folders if there are none; for its owner's eyes alone by default."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file, whole or not at all, whoever else writes it at the same time; the disk is not waited for."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode)
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def append_durably(path: Path, data: bytes) -> None:
    """Add *data* to the end of a file that is there; a crash may leave a part of it."""
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make durable which files *folder* holds."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_folder(draft: Path, place: Path) -> None:
    """Let the folder *draft* be at *place* from now on, durably; what was there is deleted.

    At each moment one or the other is there, unless the file system cannot exchange two folders, as NFS.
    """
    if place.exists():
        ways = os.fsencode(draft), os.fsencode(place)
        rename = getattr(ctypes.CDLL(None), "renameat2", None)
        if not rename or rename(_HERE, ways[0], _HERE, ways[1], _EXCHANGE):
            shutil.rmtree(place)
    if place.exists():
        sync_folder(place.parent)
        shutil.rmtree(draft)
    else:
        draft.rename(place)
        sync_folder(place.parent)


@contextmanager
def alone(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Work in *folder* while nobody else who asks for it does: what one reads there is what it writes over.

    Raise BlockingIOError where somebody does and it is not to *wait*.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """Have root work as the owner of *folder*: who can read what is written, and lead root nowhere by a link."""
    found, group, groups = folder.stat(), os.getegid(), os.getgroups()
    if os.geteuid() or not found.st_uid:
        yield
        return
    os.setgroups([])
    os.setegid(found.st_gid)
    os.seteuid(found.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
