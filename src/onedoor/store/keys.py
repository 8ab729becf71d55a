"""The key store of persons: one AES-256 key per subject, wrapped, in an SQLite file no data backup contains."""

import hashlib
import hmac
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onedoor.kernel import clock
from onedoor.kernel.durable import sync_folder
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import current

KEY_BYTES = 32
ID_BYTES = 16
NONCE_BYTES = 12
SCHEMA = """
CREATE TABLE IF NOT EXISTS person_key (
    id BLOB PRIMARY KEY,
    subject BLOB NOT NULL,
    wrapped BLOB,
    made_at TEXT NOT NULL,
    destroyed_at TEXT,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_live_key ON person_key (subject) WHERE wrapped IS NOT NULL;
"""
LIVE = "SELECT subject, id, wrapped FROM person_key WHERE wrapped IS NOT NULL AND subject IN ({})"
AT_ONCE = 500
"""Subjects that one statement asks for."""


class KeyDestroyed(OnedoorError):
    """These data can no longer be read: the key of the person they were about was destroyed."""


class BadKeyFile(OnedoorError):
    """The key file {path} must hold exactly {size} bytes. Please restore it from the copy of the key store."""


class Key(NamedTuple):
    """A person's key and its public id, in order of time: new ones stand together in the file."""

    id: bytes
    secret: bytes


def blind(purpose: str, value: str) -> bytes:
    """Return the blind index of *value* for *purpose*: HMAC-SHA256, 32 bytes, the same in one system only."""
    return hmac.digest(_secret("blind"), purpose.encode() + b"\0" + value.encode(), "sha256")


def key_for(subject: str) -> Key:
    """Return the live key of *subject*; the first call makes it, durable before it is used."""
    return keys_for([subject])[subject]


def keys_for(subjects: Iterable[str]) -> dict[str, Key]:
    """Return the live keys of *subjects*; those that are not there yet are made in one durable write."""
    marks = {subject: _mark(subject) for subject in subjects}
    found = _live(_store(), marks)
    if len(found) < len(marks):
        with _writing() as store:
            missing = {subject: mark for subject, mark in marks.items() if subject not in found}
            found |= _live(store, missing)
            found |= _make(store, {subject: mark for subject, mark in missing.items() if subject not in found})
    return found


def live(subject: str) -> Key | None:
    """Return the live key of *subject*, or nothing: none is made for somebody of whom nothing is kept."""
    return live_for([subject]).get(subject)


def live_for(subjects: Iterable[str]) -> dict[str, Key]:
    """Return the live keys of those *subjects* that have one; none is made."""
    return _live(_store(), {subject: _mark(subject) for subject in subjects})


def _make(store: sqlite3.Connection, marks: Mapping[str, bytes]) -> dict[str, Key]:
    """Make a key for each of *marks*: who else looked meanwhile waits for this write, so there is none yet."""
    moment = clock.now().isoformat()
    made = {subject: Key(uuid7().bytes, os.urandom(KEY_BYTES)) for subject in marks}
    store.executemany(
        "INSERT INTO person_key (id, subject, wrapped, made_at) VALUES (?, ?, ?, ?)",
        ((key.id, marks[subject], _wrap(key, marks[subject]), moment) for subject, key in made.items()),
    )
    return made


def key_of(key_id: bytes) -> Key:
    """Return the key with *key_id*; raise `KeyDestroyed` when it was destroyed or is not in this store."""
    row = _store().execute("SELECT subject, wrapped FROM person_key WHERE id = ?", [key_id]).fetchone()
    if row is None or row[1] is None:
        raise KeyDestroyed
    return Key(key_id, _unwrap(key_id, row[0], row[1]))


def destroy(subject: str) -> bool:
    """Destroy the key of *subject* for good; return whether there was one. What it sealed ends being readable."""
    with _writing() as store:
        done = store.execute(
            "UPDATE person_key SET wrapped = NULL, destroyed_at = ? WHERE subject = ? AND wrapped IS NOT NULL",
            [clock.now().isoformat(), _mark(subject)],
        )
    _store().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return bool(done.rowcount)


def _live(store: sqlite3.Connection, marks: Mapping[str, bytes]) -> dict[str, Key]:
    """Return the keys that are there, by subject."""
    found: dict[str, Key] = {}
    subjects = {mark: subject for subject, mark in marks.items()}
    asked = list(subjects)
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        for mark, key_id, wrapped in store.execute(LIVE.format(",".join("?" * len(some))), some):
            found[subjects[mark]] = Key(key_id, _unwrap(key_id, mark, wrapped))
    return found


def _mark(subject: str) -> bytes:
    return blind("store.keys.subject", subject)


def _wrap(key: Key, mark: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _master(_secret("master")).encrypt(nonce, key.secret, key.id + mark)


def _unwrap(key_id: bytes, mark: bytes, wrapped: bytes) -> bytes:
    return _master(_secret("master")).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], key_id + mark)


@cache
def _master(secret: bytes) -> AESGCM:
    return AESGCM(secret)


_threads = threading.local()


def _store() -> sqlite3.Connection:
    """Return this thread's connection to the key store of the current settings."""
    owner = (current().state, os.getpid())
    if getattr(_threads, "owner", None) != owner:
        _threads.connection = _opened(_folder() / "persons.sqlite")
        _threads.owner = owner
    connection: sqlite3.Connection = _threads.connection
    return connection


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(SCHEMA)
    return connection


@contextmanager
def _writing() -> Iterator[sqlite3.Connection]:
    store = _store()
    store.execute("BEGIN IMMEDIATE")
    try:
        yield store
    except BaseException:
        store.execute("ROLLBACK")
        raise
    store.execute("COMMIT")


def _folder() -> Path:
    return _folder_in(current().state)


@cache
def _folder_in(state: Path) -> Path:
    folder = state / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _secret(name: str) -> bytes:
    return _secret_in(current().state, name)


@cache
def _secret_in(state: Path, name: str) -> bytes:
    return secret_at(_folder_in(state) / name)


@cache
def secret_at(path: Path) -> bytes:
    """Return the secret in *path*, made at the first call of the first process; durable before it is used."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
            draft.write(os.urandom(KEY_BYTES))
            draft.flush()
            os.fsync(draft.fileno())
        try:
            os.link(draft.name, path)
        except FileExistsError:
            pass  # another process was first: its secret holds
        finally:
            Path(draft.name).unlink()
        sync_folder(path.parent)
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise BadKeyFile(path=path, size=KEY_BYTES)
    return secret


def fingerprint() -> str:
    """Return a short mark of this key store, to tell whether two copies belong together; no secret."""
    return hashlib.sha256(blind("store.keys.fingerprint", "")).hexdigest()[:16]
