"""Erasure of a person: their keys are destroyed, and with them every blind index of theirs; what proves acts stays.

Rooms say under which other names they seal a person's data, what still holds them, and forget their blind indexes.
The erasure is committed before a key is destroyed, so who is killed in between ends it at the next call.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.durable import append_durably, write_durably
from onedoor.kernel.errors import Conflict, NotFound, OnedoorError
from onedoor.kernel.settings import current
from onedoor.store import copies, details, keys, ledger, rows
from onedoor.store.models import Erasure
from onedoor.store.rotation import alone

KIND = "store.erased"
AT_ONCE = 500
"""Erasures that are looked at together for keys that are still there."""
CHANGED = "SELECT coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_xact_user_tables"
"""How many rows this transaction has changed or deleted so far."""
HOLDS = "SELECT EXISTS (SELECT FROM {table} WHERE substring({column} FROM 2 FOR 16) = ANY(%s) AND {where})"


class NobodyToErase(NotFound):
    """This system keeps nothing under a key of this person, so there is nothing to erase."""


class StillHeld(Conflict):
    """The person cannot be erased from this system yet:{reasons}Please ask again when that has ended."""

    def __init__(self, reasons: Iterable[OnedoorError]) -> None:
        self.reasons = tuple(reasons)
        super().__init__()

    def text(self, translate: Callable[[str], str] = str, language: str = "en") -> str:
        """Return the sentence with every reason on its line."""
        self.facts["reasons"] = "".join(f"\n- {one.text(translate, language)}" for one in self.reasons) + "\n"
        return super().text(translate, language)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is erased: their personal number, the names their data are sealed under, the ids of their keys."""

    number: str
    subjects: tuple[str, ...]
    keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure came to: when, on which day it is complete, how many keys, and its entry in the ledger."""

    erased_at: datetime
    complete_on: date
    keys: int
    entry: UUID


Names = Callable[[str], Iterable[str]]
"""Returns under which names, other than their number, a room seals data of the person with that number."""
Holds = Callable[[Person], Iterable[OnedoorError]]
"""Yields why a room must keep what it has of a person."""
Forgets = Callable[[Person], Iterable[tuple[str, UUID]]]
"""Takes away every blind index of a person; yields kind and id of the ledger's entries it stood behind."""
_names: list[Names] = []
_holds: list[Holds] = []
_forgets: list[Forgets] = []


def register(*, names: Names | None = None, holds: Holds | None = None, forgets: Forgets | None = None) -> None:
    """Have a room asked about persons who are erased."""
    _names.extend(filter(None, [names]))
    _holds.extend(filter(None, [holds]))
    _forgets.extend(filter(None, [forgets]))


def subjects_of(number: str) -> tuple[str, ...]:
    """Return every name under which this system seals data of the person with this personal *number*."""
    return (number, *(one for names in _names for one in names(number)))


def erase(number: str, *, request: str = "") -> Erased:
    """Erase the person with this *number* from this system; raise `NobodyToErase` or `StillHeld`.

    *request* is the id of what asked for it. The entry in the ledger tells of nobody. Whose keys are destroyed already
    is erased again where a restore brought blind indexes back.
    """
    with alone():
        subjects = subjects_of(number)
        person = Person(number, subjects, tuple(keys.ids_of(subjects)))
        if left := list(Erasure.objects.filter(keys__overlap=list(person.keys))):
            _destroy(left)
            person = Person(number, subjects, tuple(keys.ids_of(subjects)))
        if reasons := [one for holds in _holds for one in holds(person)]:
            raise StillHeld(reasons)
        row = _commit(person, request)
        _destroy([row])
        return Erased(row.erased_at, row.complete_on, len(person.keys), row.entry)


@transaction.atomic
def _commit(person: Person, request: str) -> Erasure:
    """Take away the blind indexes and put the erasure on record, durable together; raise `NobodyToErase`."""
    moment, before = clock.now(), rows.fetch(CHANGED, [])
    forgotten = [one for forgets in _forgets for one in forgets(person)]
    if not person.keys and rows.fetch(CHANGED, []) == before:
        raise NobodyToErase
    for kind, entry in forgotten:
        details.amend(kind, entry, "erased")
    complete = nation.current().calendar.local(copies.last_expiry(moment) or moment).date()
    row = Erasure(keys=list(person.keys), request=request, erased_at=moment, complete_on=complete)
    row.entry = ledger.append(KIND, hashlib.sha256(_content(row)).digest()).id
    row.save(force_insert=True)
    return row


def _destroy(erasures: Iterable[Erasure]) -> None:
    """Destroy the keys of everybody whose erasure is on record there, and publish that they are."""
    for row in erasures:
        keys.destroy_ids([bytes(one) for one in row.keys], row.erased_at, row.complete_on)
        _publish(row)


def _lines(row: Erasure) -> bytes:
    said = f"{row.erased_at.isoformat()} {row.complete_on.isoformat()}\n"
    return "".join(f"{bytes(one).hex()} {said}" for one in row.keys).encode()


def _publish(row: Erasure) -> None:
    """Add the keys of one erasure to what is published, durably; write all of it where the file is not whole."""
    path = published_in(current().state / "ledger" / "published")
    if path.exists() and _is_whole(path):
        append_durably(path, _lines(row))
    else:
        _publish_all()


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        return file.seek(0, os.SEEK_END) > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read() == b"\n"


def _publish_all() -> None:
    if said := b"".join(map(_lines, Erasure.objects.order_by("id").iterator())):
        path = published_in(current().state / "ledger" / "published")
        if not path.exists() or path.read_bytes() != said:
            write_durably(path, said, mode=0o666)


def published_in(folder: Path) -> Path:
    """Return the file among what a system publishes that names the keys of erased persons; it tells of nobody."""
    return folder / "erased-keys"


def repeat(folder: Path) -> int:
    """Destroy again, after a restore, every key that *folder* names as erased; return how many had come back."""
    path = published_in(folder)
    whole = path.read_text("utf-8").rpartition("\n")[0] if path.exists() else ""
    lines = [line.split() for line in whole.splitlines()]
    return sum(
        keys.destroy_ids([bytes.fromhex(key)], datetime.fromisoformat(moment), date.fromisoformat(day))
        for key, moment, day in lines
    )


def finish() -> None:
    """End what a killed process left of an erasure, whichever it was, or a restore brought back."""
    with alone():
        erasures = Erasure.objects.order_by("id").iterator()
        while batch := list(islice(erasures, AT_ONCE)):
            there = keys.there([bytes(one) for row in batch for one in row.keys])
            for row in batch:
                keys.destroy_ids([one for one in map(bytes, row.keys) if one in there], row.erased_at, row.complete_on)
        _publish_all()


def holds(table: str, columns: Iterable[str], person: Person, where: str = "TRUE") -> bool:
    """Return whether an envelope of *person* stands in one of the *columns* of *table*, in a row with *where* (SQL)."""
    with connection.cursor() as cursor:
        for column in columns:
            cursor.execute(HOLDS.format(table=table, column=column, where=where), [list(person.keys)])
            if cursor.fetchone()[0]:
                return True
    return False


def _content(row: Erasure) -> bytes:
    facts = {"keys": [bytes(one).hex() for one in row.keys], "request": row.request}
    facts |= {"at": row.erased_at.isoformat(), "complete_on": row.complete_on.isoformat()}
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    found = Erasure.objects.filter(entry=entry) if entry else Erasure.objects.all()
    for row in found.order_by("entry").iterator(chunk_size=details.AT_ONCE):
        yield str(row.entry), _content(row)


details.register(KIND, _entered)
