"""Rotation of persons' keys while everything runs: each gets a next key, and what the one before sealed is resealed.

The key before opens what it sealed until nothing is left under it; then it is destroyed. Tables are gone through by
blocks, so no transaction is longer than one envelope takes, and who is killed begins to look from the start.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from onedoor.kernel import clock
from onedoor.store import details, keys, keystore, rows, sealed
from onedoor.store.fields import SealedColumn, sealed_columns
from onedoor.store.rotation import BATCH, Progress, alone, unseen
from onedoor.store.sealed import BadEnvelope, KeyDestroyed, Place

GRACE = timedelta(seconds=60)
"""The longest that somebody may hold a key, or a row they will save, outside of a transaction."""
BLOCKS = 64
"""Blocks of a table (8 kB each) that are looked at together."""
SIZE = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
IDS = "SELECT ctid::text, {ids} FROM {table} WHERE ctid >= %s::tid AND ctid < %s::tid"
ONE_ID = "ARRAY[substring({column} FROM 2 FOR 16)]"
MANY_IDS = "ARRAY(SELECT substring(one FROM 2 FOR 16) FROM unnest({column}) AS one)"
ROW = "SELECT {row}, {column} FROM {table} WHERE ctid = %s::tid"
RESEAL = "UPDATE {table} SET {column} = %s WHERE ctid = %s::tid AND {column} = %s RETURNING {entry}"
WAITING = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND xact_start < %s)"
)
OF_OLD = "DROP INDEX IF EXISTS one_live_key"
"""A process of the version before makes it again whenever it opens the store, and knows one key of a person alone."""
CHOSEN = """
SELECT id, subject FROM person_key
WHERE wrapped IS NOT NULL AND superseded_at IS NULL AND made_at < ? AND id > ? ORDER BY id LIMIT ?
"""
OF_SUBJECT = """
SELECT id, subject FROM person_key WHERE wrapped IS NOT NULL AND superseded_at IS NULL AND subject = ?
"""
SUPERSEDE = "UPDATE person_key SET superseded_at = ? WHERE id = ? AND wrapped IS NOT NULL AND superseded_at IS NULL"
LEFT = "SELECT EXISTS (SELECT 1 FROM person_key WHERE wrapped IS NOT NULL AND superseded_at IS NOT NULL AND NOT kept)"
KEEP = "UPDATE person_key SET kept = 1 WHERE id = ?"
NEXT = """
SELECT later.id FROM person_key earlier JOIN person_key later ON later.subject = earlier.subject
WHERE earlier.id = ? AND earlier.wrapped IS NOT NULL AND earlier.superseded_at IS NOT NULL AND NOT earlier.kept
    AND later.wrapped IS NOT NULL AND later.superseded_at IS NULL
"""
DESTROY = """
UPDATE person_key SET wrapped = NULL, subject = x'', destroyed_at = ? WHERE id IN (
    SELECT id FROM person_key WHERE wrapped IS NOT NULL AND superseded_at IS NOT NULL AND NOT kept LIMIT ?)
"""


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many persons got a next key, how many envelopes were resealed, how many keys destroyed.

    *damaged* are the rows (table, column, name) with an envelope that does not open: its key is kept.
    """

    persons: int
    envelopes: int
    destroyed: int
    damaged: tuple[Place, ...] = ()


def rotate_persons(
    persons: Iterable[str] | None = None, *, older_than: timedelta = timedelta(0), progress: Progress = unseen
) -> Resealed:
    """Give *persons* (all, if none are named) whose keys are *older_than* that a next key, and reseal their data.

    A run that was stopped is gone on with first: then only those are given a next key who are named.
    """
    with alone():
        keystore.connected().execute(OF_OLD)
        chosen = 0 if persons is None and _left() else _supersede(persons, clock.now() - older_than)
        if not _left():
            return Resealed(0, 0, 0)
        damaged: list[Place] = []
        envelopes = sum(_reseal_all(damaged, progress))
        _await_others()
        while _something_left():
            envelopes += sum(_reseal_all(damaged, progress))
            _await_others()
        return Resealed(chosen, envelopes, _destroy(), tuple(damaged))


def _left() -> bool:
    return bool(keystore.connected().execute(LEFT).fetchone()[0])


def _await_others() -> None:
    """Wait until nobody is left who took a key before now, or read a row before it was resealed and may save it yet."""
    now: datetime = rows.fetch("SELECT clock_timestamp()", [])[0][0]
    while not _quiet(now + GRACE):
        time.sleep(1)


def _quiet(moment: datetime) -> bool:
    """Return whether nobody writes any more in a transaction that began before *moment*, which has passed."""
    passed, waiting = rows.fetch(f"SELECT clock_timestamp() > %s, ({WAITING})", [moment, moment])[0]
    return bool(passed and not waiting)


def _supersede(persons: Iterable[str] | None, before: datetime) -> int:
    """Give each chosen person a next key, durable before it is used; return how many."""
    done = 0
    for batch in _chosen(persons, before):
        moment = clock.now().isoformat()
        with keystore.writing() as store:
            taken = [(key, mark) for key, mark in batch if store.execute(SUPERSEDE, [moment, key]).rowcount]
            keys.make(store, dict(taken))
        done += len(taken)
    return done


def _chosen(persons: Iterable[str] | None, before: datetime) -> Iterator[list[tuple[bytes, bytes]]]:
    store, last = keystore.connected(), b""
    if persons is not None:
        for one in persons:
            yield store.execute(OF_SUBJECT, [keys.mark_of(one)]).fetchall()
        return
    while batch := store.execute(CHOSEN, [before.isoformat(), last, BATCH]).fetchall():
        yield batch
        last = batch[-1][0]


def _reseal_all(damaged: list[Place], progress: Progress) -> Iterator[int]:
    """Go through every column of envelopes once; yield how many were resealed in each part of it."""
    sizes = [(column, int(rows.fetch(SIZE, [column.table])[0][0])) for column in sealed_columns()]
    done, total = 0, sum(size for _, size in sizes)
    progress(0, total)
    for column, size in sizes:
        for start in range(0, size, BLOCKS):
            yield _reseal_part(column, start, damaged)
            progress(done + min(start + BLOCKS, size), total)
        done += size


def _something_left() -> bool:
    """Return whether an envelope is left under a superseded key, as of one moment: a row that moves is not missed."""
    with rows.one_moment():
        return any(
            _used_in(column, start)
            for column in sealed_columns()
            for start in range(0, int(rows.fetch(SIZE, [column.table])[0][0]), BLOCKS)
        )


def _reseal_part(column: SealedColumn, start: int, damaged: list[Place]) -> int:
    return sum(_reseal_row(column, ctid, damaged) for ctid in _used_in(column, start))


def _used_in(column: SealedColumn, start: int) -> list[str]:
    """Return where, in the blocks from *start* on, envelopes stand under superseded keys."""
    ids = (MANY_IDS if column.many else ONE_ID).format(column=column.column)
    asked = IDS.format(ids=ids, table=column.table)
    found = rows.fetch(asked, [f"({start},0)", f"({start + BLOCKS},0)"])
    return [ctid for ctid, used in found if any(map(_next_of, filter(None, used)))]


def _next_of(key_id: bytes) -> bytes | None:
    """Return the id of the key in use of the person whose key *key_id* is superseded; None when it is not."""
    row = keystore.connected().execute(NEXT, [bytes(key_id)]).fetchone()
    return row[0] if row else None


def _reseal_row(column: SealedColumn, ctid: str, damaged: list[Place]) -> int:
    """Reseal the envelopes of a row; who changed it meanwhile sealed anew, or is met by the next look."""
    names = {"table": column.table, "column": column.column, "row": column.row}
    names["entry"] = "entry" if column.entered else "NULL"
    found = rows.fetch(ROW.format(**names), [ctid])
    if not found or found[0][1] is None:
        return 0
    name, before = found[0]
    place = Place(column.table, column.column, name)
    envelopes = [bytes(one) for one in before] if column.many else [bytes(before)]
    resealed = [_resealed(one, place, damaged) for one in envelopes]
    if resealed == envelopes:
        return 0
    after = resealed if column.many else resealed[0]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL onedoor.resealing = 'on'")
        cursor.execute(RESEAL.format(**names), [after, ctid, before])
        done = cursor.fetchall()
        if column.entered and done:
            details.amend(column.entered, UUID(str(done[0][0])), "resealed")
        return len(done)


def _resealed(envelope: bytes, place: Place, damaged: list[Place]) -> bytes:
    later = _next_of(sealed.key_id(envelope))
    try:
        return sealed.reseal(envelope, keys.key_of(later), place=place) if later else envelope
    except KeyDestroyed:  # the person was erased meanwhile
        return envelope
    except BadEnvelope:
        damaged.append(place)
        with keystore.writing() as store:
            store.execute(KEEP, [sealed.key_id(envelope)])
        return envelope


def _destroy() -> int:
    """Destroy the keys that are superseded, now that a look through everything found nothing under them; how many."""
    total = 0
    while True:
        with keystore.writing() as store:
            done = store.execute(DESTROY, [clock.now().isoformat(), BATCH]).rowcount
        total += done
        if not done:
            keystore.forget()
            return total
