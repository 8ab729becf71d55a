"""The key store of persons: one AES-256 key per subject, wrapped, in an SQLite file no data backup contains."""

import hashlib
import hmac
import os
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from django.apps import apps
from django.db import connection

from onedoor.kernel import clock
from onedoor.kernel.durable import sync_folder
from onedoor.kernel.errors import Gone, OnedoorError
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import current
from onedoor.store import fields, keystore, masters
from onedoor.store.masters import KEY_BYTES, BadKeyFile, MasterKeyMissing

T = TypeVar("T")
ID_BYTES = 16
LIVE = """
SELECT subject, id, wrapped, master FROM person_key
WHERE wrapped IS NOT NULL AND superseded_at IS NULL AND subject IN ({})
"""
ONE = "SELECT subject, wrapped, master, destroyed_at, complete_on FROM person_key WHERE id = ?"
DESTROY = """
UPDATE person_key SET wrapped = NULL, subject = x'', destroyed_at = ?, complete_on = ?
WHERE id = ? AND wrapped IS NOT NULL
"""
THERE = "SELECT id FROM person_key WHERE wrapped IS NOT NULL AND id IN ({})"
ANY = "SELECT 1 FROM person_key LIMIT 1"
INSERT = "INSERT INTO person_key (id, subject, wrapped, master, made_at) VALUES (?, ?, ?, ?, ?)"
AT_ONCE = 500
"""Subjects that one statement asks for."""
_at_hand: ContextVar[dict[bytes, "Key"] | None] = ContextVar("keys", default=None)
"""By their ids the keys that `live_for` found in this block."""


class KeyDestroyed(Gone):
    """These data can no longer be read: the key of the person they were about was destroyed."""


class Erased(KeyDestroyed):
    """These data were erased on {day}, and nobody can read them any more. The erasure is complete on {complete_on}, when the last copy of the key expires."""  # noqa: E501 - one sentence after the other


class BlindKeyMissing(OnedoorError):
    """The key {path} of the blind indexes is missing. Under another one nothing that is kept would be found and the ledger would not fit, so nothing is done. Please put it back from the archive of keys."""  # noqa: E501 - one sentence after the other


class Key(NamedTuple):
    """A person's key and its public id, in order of time: new ones stand together in the file."""

    id: bytes
    secret: bytes


def blind(purpose: str, value: str) -> bytes:
    """Return the blind index of *value* for *purpose*: HMAC-SHA256, 32 bytes, the same in one system only.

    The first call of a system makes its key; raise `BlindKeyMissing` where one was in use before.
    """
    mac = _keyed(current().state, purpose).copy()
    mac.update(value.encode())
    return mac.digest()


def blind_key() -> Path:
    """Return where the key of blind indexes is, or is to be; raise `BlindKeyMissing` where one was in use before."""
    path = keystore.folder() / "blind"
    if not path.exists() and _in_use() and not path.exists():  # another process made it before what is in use
        raise BlindKeyMissing(path=path)
    return path


def key_for(subject: str) -> Key:
    """Return the live key of *subject*; the first call makes it, durable before it is used."""
    return keys_for([subject])[subject]


def keys_for(subjects: Iterable[str]) -> dict[str, Key]:
    """Return the live keys of *subjects*; those that are not there yet are made in one durable write."""
    marks = {subject: mark_of(subject) for subject in subjects}
    found = _steady(lambda: _live(marks))
    if len(found) < len(marks):
        with keystore.writing() as store:
            found |= _live({subject: mark for subject, mark in marks.items() if subject not in found})
            found |= make(store, {subject: mark for subject, mark in marks.items() if subject not in found})
    return found


def live(subject: str) -> Key | None:
    """Return the live key of *subject*, or nothing: none is made for somebody of whom nothing is kept."""
    return live_for([subject]).get(subject)


def live_for(subjects: Iterable[str]) -> dict[str, Key]:
    """Return the live keys of those *subjects* that have one; none is made."""
    marks = {subject: mark_of(subject) for subject in subjects}
    found = _steady(lambda: _live(marks))
    if (kept := _at_hand.get()) is not None:
        kept.update((key.id, key) for key in found.values())
    return found


@contextmanager
def at_hand() -> Iterator[None]:
    """Open what is sealed under a key that `live_for` finds inside without asking for it again: it is one use."""
    token = _at_hand.set({})
    try:
        yield
    finally:
        _at_hand.reset(token)


def make(store: sqlite3.Connection, marks: Mapping[T, bytes]) -> dict[T, Key]:
    """Make a key for each of *marks*, in a write: who else looked meanwhile waits for it, so there is none yet."""
    if not marks:
        return {}
    moment, master = clock.now().isoformat(), masters.in_use()
    wrap = masters.named(master).wrap
    made = {subject: Key(uuid7().bytes, os.urandom(KEY_BYTES)) for subject in marks}
    store.executemany(
        INSERT,
        (
            (key.id, marks[subject], wrap(key.secret, key.id + marks[subject]), master, moment)
            for subject, key in made.items()
        ),
    )
    return made


def key_of(key_id: bytes) -> Key:
    """Return the key with *key_id*; raise `KeyDestroyed` when it was destroyed or is not in this store."""
    kept = _at_hand.get()
    return (kept and kept.get(key_id)) or _steady(lambda: _one(key_id))


def there_is(key_id: bytes) -> None:
    """Raise `KeyDestroyed` when the key with *key_id* was destroyed or is not in this store; it is not unwrapped."""
    _row(key_id)


def _one(key_id: bytes) -> Key:
    subject, wrapped, master, *_ = _row(key_id)
    return Key(key_id, masters.named(master).unwrap(wrapped, key_id + subject))


def _row(key_id: bytes) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = keystore.connected().execute(ONE, [key_id]).fetchone()
    if row is None or row[1] is None:
        raise Erased(day=row[3][:10], complete_on=row[4]) if row and row[4] else KeyDestroyed()
    return row


def ids_of(subjects: Iterable[str]) -> list[bytes]:
    """Return the ids of all keys of *subjects* that are not destroyed, superseded ones too."""
    asked = "SELECT id FROM person_key WHERE wrapped IS NOT NULL AND subject = ?"
    return [one for subject in subjects for (one,) in keystore.connected().execute(asked, [mark_of(subject)])]


def destroy(subject: str) -> bool:
    """Destroy every key of *subject* for good; return whether there was one. What they sealed ends being readable."""
    return destroy_ids(ids_of([subject]), clock.now())


def destroy_ids(ids: Iterable[bytes], moment: datetime, complete_on: date | None = None) -> bool:
    """Destroy the keys with these *ids*, as of *moment*; return whether there was one left.

    *complete_on* is the day on which their last copy expires, when their person was erased.
    """
    day = complete_on.isoformat() if complete_on else None
    values = [(moment.isoformat(), day, one) for one in there(list(ids))]
    if not values:
        return False
    with keystore.writing() as store:
        done = store.executemany(DESTROY, values).rowcount
    keystore.forget()
    return done > 0


def there(ids: Collection[bytes]) -> set[bytes]:
    """Return those of *ids* whose keys are not destroyed."""
    asked, found = list(ids), set()
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        found |= {one for (one,) in keystore.connected().execute(THERE.format(",".join("?" * len(some))), some)}
    return found


def _live(marks: Mapping[str, bytes]) -> dict[str, Key]:
    """Return the keys that are there, by subject."""
    found: dict[str, Key] = {}
    subjects = {mark: subject for subject, mark in marks.items()}
    asked = list(subjects)
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        for mark, key_id, wrapped, master in keystore.connected().execute(LIVE.format(",".join("?" * len(some))), some):
            found[subjects[mark]] = Key(key_id, masters.named(master).unwrap(wrapped, key_id + mark))
    return found


def _steady(read: Callable[[], T]) -> T:
    """Return what *read* returns; when a master key was retired between its row and its use, the row names another."""
    try:
        return read()
    except MasterKeyMissing:
        return read()


def mark_of(subject: str) -> bytes:
    """Return the blind index of *subject*, under which the key store holds their keys."""
    return blind("store.keys.subject", subject)


@lru_cache(maxsize=1000)
def _keyed(_state: Path, purpose: str) -> hmac.HMAC:
    """Return what has taken the key and the *purpose* already: only the value is left, on a copy."""
    return hmac.new(secret_at(blind_key()), purpose.encode() + b"\0", "sha256")


def _in_use() -> bool:
    """Return whether this system's key store or database holds something under a blind index."""
    there = (keystore.folder() / "persons.sqlite").exists()
    return bool(there and keystore.connected().execute(ANY).fetchone()) or (apps.ready and _finds_somebody())


def _finds_somebody() -> bool:
    with connection.cursor() as cursor:
        there = connection.introspection.table_names(cursor)
        for table, column in fields.blind_columns():
            if table in there:
                cursor.execute(f"SELECT 1 FROM {table} WHERE length({column}) > 0 LIMIT 1")  # noqa: S608 - our models
                if cursor.fetchone():
                    return True
    return False


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
