"""The SQLite file of persons' keys: its tables, this thread's connection, and writes that are durable when they end."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from onedoor.kernel import clock
from onedoor.kernel.settings import FILE, current

FIRST_MASTER = "master"
"""The master key of stores that were made before master keys had names; its file has this name."""


def _first(store: sqlite3.Connection, _folder: Path) -> None:
    store.execute("""
        CREATE TABLE IF NOT EXISTS person_key (
            id BLOB PRIMARY KEY,
            subject BLOB NOT NULL,
            wrapped BLOB,
            made_at TEXT NOT NULL,
            destroyed_at TEXT,
            CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
        ) WITHOUT ROWID""")


def _rotated(store: sqlite3.Connection, folder: Path) -> None:
    """Name the master key each key is wrapped by, which key of a person is in use, and every copy of the store."""
    store.execute(f"ALTER TABLE person_key ADD COLUMN master TEXT NOT NULL DEFAULT '{FIRST_MASTER}'")
    store.execute("ALTER TABLE person_key ADD COLUMN superseded_at TEXT")
    store.execute("ALTER TABLE person_key ADD COLUMN complete_on TEXT")
    store.execute("ALTER TABLE person_key ADD COLUMN kept INTEGER NOT NULL DEFAULT 0")
    store.execute("DROP INDEX IF EXISTS one_live_key")
    store.execute("""
        CREATE UNIQUE INDEX one_key_in_use ON person_key (subject)
            WHERE wrapped IS NOT NULL AND superseded_at IS NULL""")
    store.execute("CREATE INDEX superseded_keys ON person_key (subject, id) WHERE superseded_at IS NOT NULL")
    store.execute("""
        CREATE TABLE master_key (
            name TEXT PRIMARY KEY,
            place TEXT NOT NULL,
            made_at TEXT NOT NULL,
            retired_at TEXT
        )""")
    store.execute("CREATE TABLE copy (id TEXT PRIMARY KEY, made_at TEXT NOT NULL, expires_at TEXT NOT NULL)")
    if (folder / FIRST_MASTER).exists() or store.execute("SELECT 1 FROM person_key LIMIT 1").fetchone():
        register_master(store, FIRST_MASTER, FILE)


STEPS: tuple[Callable[[sqlite3.Connection, Path], None], ...] = (_first, _rotated)
"""What makes the tables of one version from those of the one before; the file counts which were taken."""
_threads = threading.local()


def register_master(store: sqlite3.Connection, name: str, place: str) -> None:
    """Have new keys wrapped by the master key *name* from now on."""
    values = [name, place, clock.now().isoformat()]
    store.execute("INSERT INTO master_key (name, place, made_at) VALUES (?, ?, ?)", values)


def connected() -> sqlite3.Connection:
    """Return this thread's connection to the key store of the current settings."""
    owner = (current().state, os.getpid())
    if getattr(_threads, "owner", None) != owner:
        _threads.connection = _opened(folder() / "persons.sqlite")
        _threads.owner = owner
    connection: sqlite3.Connection = _threads.connection
    return connection


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if _steps_taken(connection) < len(STEPS):
        with _alone(connection):
            for step in STEPS[_steps_taken(connection) :]:
                step(connection, path.parent)
            connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    return connection


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to the key store at *path*, whichever system's it is."""
    with closing(_opened(path)) as connection:
        yield connection


def _steps_taken(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def writing() -> Iterator[sqlite3.Connection]:
    """Give the connection in a transaction that no other write stands beside; it is durable when it ends."""
    with _alone(connected()) as store:
        yield store


@contextmanager
def _alone(store: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    store.execute("BEGIN IMMEDIATE")
    try:
        yield store
    except BaseException:
        store.execute("ROLLBACK")
        raise
    store.execute("COMMIT")


def forget() -> None:
    """Leave nothing of what was overwritten in the file beside the store."""
    connected().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def folder() -> Path:
    """Return the folder of the key store, made with its first use; for its owner alone."""
    return _folder_in(current().state)


@cache
def _folder_in(state: Path) -> Path:
    found = state / "keys"
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    return found
