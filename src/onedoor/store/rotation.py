"""Rotation of the master key while everything runs: each person's key is wrapped anew, then the old one is retired.

Who is stopped anywhere on the way goes on where they were: what is done stands in the key store alone.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from onedoor.kernel import clock
from onedoor.kernel.errors import Unavailable
from onedoor.kernel.settings import FILE, PKCS11, current
from onedoor.store import keystore, masters

LOCK = "lock"
BATCH = 500
"""Keys that are wrapped anew in one write, which is all that others wait for."""
Progress = Callable[[int, int], None]
"""Told how much is done, of how much."""
COUNT = "SELECT count(*) FROM person_key WHERE wrapped IS NOT NULL AND master <> ?"
BEHIND = """
SELECT id, subject, wrapped, master FROM person_key
WHERE wrapped IS NOT NULL AND master <> ? AND id > ? ORDER BY id LIMIT ?
"""
REWRAP = "UPDATE person_key SET wrapped = ?, master = ? WHERE id = ? AND wrapped = ?"
RETIRE = """
UPDATE master_key SET retired_at = ? WHERE retired_at IS NULL AND name <> ?
    AND NOT EXISTS (SELECT 1 FROM person_key WHERE wrapped IS NOT NULL AND master = name)
"""


class RotationRuns(Unavailable):
    """Keys of this system are being rotated or copied right now. Please wait until that is done."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The master key in use, how many keys were wrapped anew, how many masters retired; whether it was begun before."""

    master: str
    keys: int
    retired: int
    resumed: bool


@contextmanager
def alone(folder: Path | None = None) -> Iterator[None]:
    """Be the only one who rotates, erases or copies keys of this system, or of the *folder*; raise `RotationRuns`."""
    handle = os.open((folder or keystore.folder()) / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RotationRuns from error
        yield


def unseen(_done: int, _total: int) -> None:
    """Show nobody how far it is."""


def rotate_master(progress: Progress = unseen) -> Rotated:
    """Begin a new master key, or go on with one begun; wrap every key by it; retire those that nothing is wrapped by.

    Only then are these destroyed. Others read and write meanwhile: a key opens by the master that its row names.
    """
    with alone():
        _sweep()
        master, resumed = _begun()
        done = _rewrap_all(master, progress)
        with keystore.writing() as store:
            retired = store.execute(RETIRE, [clock.now().isoformat(), master]).rowcount
        _sweep()
        keystore.forget()
        return Rotated(master, done, retired, resumed)


def _begun() -> tuple[str, bool]:
    """Return the master key that all keys are to be wrapped by, and whether an earlier run had begun it."""
    with keystore.writing() as store:
        alive = store.execute("SELECT count(*) FROM master_key WHERE retired_at IS NULL").fetchone()[0]
        return (masters.in_use(), True) if alive > 1 else (masters.begin(), False)


def _rewrap_all(master: str, progress: Progress) -> int:
    store = keystore.connected()
    total: int = store.execute(COUNT, [master]).fetchone()[0]
    done, last = 0, b""
    progress(0, total)
    while batch := store.execute(BEHIND, [master, last, BATCH]).fetchall():
        done += _rewrap(master, batch)
        last = batch[-1][0]
        progress(done, total)
    return done


def _rewrap(master: str, batch: list[tuple[bytes, bytes, bytes, str]]) -> int:
    """Wrap the keys of *batch* anew; one that was destroyed meanwhile stays so."""
    wrap = masters.named(master).wrap
    values = [
        (wrap(masters.named(old).unwrap(wrapped, key_id + mark), key_id + mark), master, key_id, wrapped)
        for key_id, mark, wrapped, old in batch
    ]
    with keystore.writing() as store:
        return sum(_counted(store.execute(REWRAP, one)) for one in values)


def _counted(done: sqlite3.Cursor) -> int:
    return done.rowcount


def _sweep() -> None:
    """Destroy every master key that is retired, or was made by a run that ended before it was in use."""
    with keystore.writing() as store:
        alive = dict(store.execute("SELECT name, place FROM master_key WHERE retired_at IS NULL"))
        for where in {FILE, PKCS11 if current().pkcs11_token else FILE}:
            place = masters.place(where)
            for name in place.names() - {one for one, kept in alive.items() if kept == where}:
                place.destroy(name)
