"""Moves records to the archive and destroys them when their register's rule says so: in small batches, each once.

Every batch is a transaction of its own, so who is killed goes on where they were. A record under way in a write, or
with a correction to decide, waits for the next run; no write waits for this one longer than for a batch.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.registers import history, retention, storage
from onedoor.registers.definition import Register, held
from onedoor.registers.events import RecordArchived, RecordDestroyed
from onedoor.registers.models import Archived, Record
from onedoor.registers.retention import ARCHIVE, DESTROY, KEEP, RECORDED, Retention
from onedoor.store import ledger, outbox, rows
from onedoor.store.rows import Rows

BATCH = 100
"""Records that one transaction archives or destroys."""
LOOKED_AT = 1000
"""Records that are fetched together."""
LATEST = Rows(
    Record,
    "register = %s AND recorded_until IS NULL AND id > %s AND NOT EXISTS (SELECT FROM registers_archived archived"
    " WHERE archived.identity = registers_record.identity AND (archived.destroyed IS NOT NULL OR NOT %s))"
    " ORDER BY id LIMIT %s",
)
"""The latest versions for which something may still be due: of archived records only where the rule destroys them."""
STILL = """
SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)) AND EXISTS (
    SELECT FROM registers_record WHERE id = %s AND recorded_until IS NULL) AND NOT EXISTS (
    SELECT FROM registers_correction correction JOIN registers_record record ON record.id = correction.record_id
    WHERE record.identity = %s AND correction.state = 'open')
"""
ARCHIVED = """
INSERT INTO registers_archived (identity, register, record_id, rule, archived, entry, destroyed_rule)
    VALUES (%s, %s, %s, %s, %s, %s, '')
ON CONFLICT (identity) DO NOTHING RETURNING identity
"""
DESTROYED = """
UPDATE registers_archived SET destroyed = %s, destroyed_rule = %s, destroyed_entry = %s
WHERE identity = %s AND destroyed IS NULL RETURNING identity
"""
EMPTIED = (
    "DELETE FROM registers_correction WHERE record_id IN (SELECT id FROM registers_record WHERE identity = %s)",
    "DELETE FROM registers_term WHERE record_id IN (SELECT id FROM registers_record WHERE identity = %s)",
    "UPDATE registers_record SET plain = '{}', sealed = '{}', request = '' WHERE identity = %s",
)
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Due:
    """A record for which something is due: its latest version, its identity, whether it is in the archive, and what."""

    row: UUID
    identity: bytes
    archived: bool
    what: str


@dataclass(slots=True)
class Sum:
    """What a run found due, or did, in one register."""

    register: str
    rule: str
    archived: int = 0
    destroyed: int = 0


def retain_all() -> list[Sum]:
    """Do what is due today in every register of this system that has a rule."""
    return [retain(register) for register in held().values() if register.retention]


def retain(register: Register, *, dry_run: bool = False) -> Sum:
    """Do, or with *dry_run* only count, what is due today in *register*, which has a rule; return how many records."""
    rule = register.retention
    assert rule  # noqa: S101 - the caller has looked
    total = Sum(register.id, rule.rule)
    for batch in _batches(register, rule, nation.current().today()):
        done = batch if dry_run else _done(register, rule, batch)
        total.archived += sum(one.what == ARCHIVE or not one.archived for one in done)
        total.destroyed += sum(one.what == DESTROY for one in done)
    return total


def _batches(register: Register, rule: Retention, today: date) -> Iterator[list[Due]]:
    """Yield what is due, by batches; the rows are only looked at, so nothing is held meanwhile."""
    last: UUID = FIRST
    waiting: list[Due] = []
    while found := LATEST.all(register.id, last, rule.destroyed is not None, LOOKED_AT):
        last = found[-1].id
        archived = _archived(found)
        for row in found:
            identity, what = bytes(row.identity), rule.due(_since(register, rule, row), today)
            one = Due(row.id, identity, identity in archived, what)
            if one.what != KEEP and not (one.archived and one.what == ARCHIVE):
                waiting.append(one)
        while len(waiting) >= BATCH:
            yield waiting[:BATCH]
            waiting = waiting[BATCH:]
    if waiting:
        yield waiting


def _archived(found: Sequence[Record]) -> set[bytes]:
    """Return the identities of those that are in the archive."""
    known = Archived.objects.filter(identity__in=[row.identity for row in found])
    return {bytes(identity) for identity in known.values_list("identity", flat=True)}


def _since(register: Register, rule: Retention, row: Record) -> date | None:
    """Return the day from which one counts; a field is read in memory, for nobody, and goes nowhere."""
    versions = storage.VERSIONS.all(row.identity) if row.version > 1 else [row]
    if rule.since == RECORDED:
        return nation.current().calendar.local(versions[-1].recorded_from).date()
    by_number = {one.version: one for one in versions}
    dated = [history.Version(one.version, one.valid_from, one.valid_until) for one in versions]
    held = [(span.valid_until, by_number[span.holds]) for span in history.timeline(dated) if span.holds]
    said = [(until, one) for until, one in held if not one.ends]
    if not said:
        return None
    if not rule.field:
        return retention.end_of(until for until, _ in said)
    return retention.day_in(storage.opened(register, said[-1][1]).get(rule.field))


@transaction.atomic
def _done(register: Register, rule: Retention, batch: Sequence[Due]) -> list[Due]:
    """Archive and destroy what of *batch* still stands as it was looked at; return what was done."""
    moment = clock.now()
    return [one for one in batch if _still(one) and _carried_out(register, rule, one, moment)]


def _still(one: Due) -> bool:
    """Return whether the record is as it was; if so no write touches it until the transaction ends."""
    return bool(rows.fetch(STILL, [one.identity.hex(), one.row, one.identity])[0][0])


def _carried_out(register: Register, rule: Retention, one: Due, moment: datetime) -> bool:
    done = one.archived or _archive(register, rule, one, moment)
    if done and one.what == DESTROY:
        done = _destroy(register, rule, one, moment)
    return done


def _archive(register: Register, rule: Retention, one: Due, moment: datetime) -> bool:
    entry = _entry("archived", register, rule, one, moment)
    values = [one.identity, register.id, one.row, rule.rule, moment, entry]
    if not rows.fetch(ARCHIVED, values):
        return False
    outbox.state(RecordArchived(by=_by(register), register=register.id, record=str(one.row), rule=rule.rule))
    return True


def _destroy(register: Register, rule: Retention, one: Due, moment: datetime) -> bool:
    entry = _entry("destroyed", register, rule, one, moment)
    if not rows.fetch(DESTROYED, [moment, rule.rule, entry, one.identity]):
        return False
    for statement in EMPTIED:
        rows.run(statement, [one.identity])
    outbox.state(RecordDestroyed(by=_by(register), register=register.id, record=str(one.row), rule=rule.rule))
    return True


def _entry(what: str, register: Register, rule: Retention, one: Due, moment: datetime) -> UUID:
    """Enter what happens into the ledger and return the entry's id; its commitment covers what stays on record."""
    facts = {"identity": one.identity.hex(), "register": register.id, "record": str(one.row), "rule": rule.rule}
    return ledger.append(f"registers.{what}", hashlib.sha256(content({**facts, "at": moment.isoformat()})).digest()).id


def content(facts: dict[str, Any]) -> bytes:
    """Return what is entered into the ledger: identity, register, record, rule, at, as JSON with sorted keys."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def _by(register: Register) -> Actor:
    return Actor(person="system", post="system", agency=register.subsystem)
