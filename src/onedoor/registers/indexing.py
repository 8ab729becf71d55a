"""Makes what a new look-up finds records by: terms of the records that were written before there was such a look-up.

Terms are never removed, so a look-up that records are found by cannot change; one that is gone finds nothing more.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.kernel import nation
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import BadNation
from onedoor.kernel.said import said
from onedoor.registers import storage
from onedoor.registers.definition import Register, held
from onedoor.registers.models import FoundBy, Record
from onedoor.store import rows
from onedoor.store.rows import Rows

BATCH = 1000
Progress = Callable[[str, int, int], None]
"""Hears of a register how many of how many versions have their terms."""
NEXT = Rows(Record, f"register = %s AND id > %s AND NOT (plain = '{{}}' AND sealed = '{{}}') ORDER BY id LIMIT {BATCH}")
ADD = "INSERT INTO registers_term (record_id, value) SELECT %s, unnest(%s::bytea[]) ON CONFLICT DO NOTHING"


class NotFoundBy(OnedoorError):
    """Records of the register {register} are not found by its look-ups {lookups} yet. Run: onedoor migrate."""


def bring_forward(progress: Progress) -> None:
    """Make the terms that records of the registers held here lack, all of a register or none.

    Raise `BadNation` with file and line where a look-up by which records are found says something else than before.
    """
    for register in held().values():
        before, now = _kept(register), _lookups(register)
        with transaction.atomic():
            if any(before.get(key) != [way, True] for key, way in now.items()):
                _refuse_changes(register.id, before, now)
                _add_terms(register, progress)
            gone = {key: [way, False] for key, (way, _) in before.items() if key not in now}
            kept = {"lookups": gone | {key: [way, True] for key, way in now.items()}}
            FoundBy.objects.update_or_create(register=register.id, defaults=kept)


def refuse_to_miss() -> None:
    """Raise `NotFoundBy` where `bring_forward` would have something to do: a look-up would find some records only."""
    for register in held().values():
        before = _kept(register)
        if lacking := [key for key, way in _lookups(register).items() if before.get(key) != [way, True]]:
            raise NotFoundBy(register=register.id, lookups=", ".join(lacking))


def _kept(register: Register) -> Mapping[str, Any]:
    """Return by each look-up there was how it found records, and whether all of them."""
    row = FoundBy.objects.filter(register=register.id).first()
    return row.lookups if row else {}


def _lookups(register: Register) -> Mapping[str, Any]:
    """Return how each look-up finds, as JSON gives it back."""
    return {
        key: {name: [list(one.paths), one.how] for name, one in lookup.items()}
        for key, lookup in register.lookups.items()
    }


def _refuse_changes(register: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [key for key, way in now.items() if before.get(key, [way])[0] != way]
    if changed and Record.objects.filter(register=register).exists():
        file = next(one for one in nation.current().documents("register") if one.data["register"] == register)
        wrong = said("records are found by this look-up as it was before")
        instead = said("put it back, and give the changed one another name")
        raise BadNation([file.fault(("lookups", key), wrong, instead) for key in changed])


def _add_terms(register: Register, progress: Progress) -> None:
    total, done = Record.objects.filter(register=register.id).exclude(plain={}, sealed=[]).count(), 0
    for batch in _batches(register.id):
        found = [(row.id, storage.terms_of(register, storage.opened(register, row))) for row in batch]
        with rows.one_trip():
            for row, terms in found:
                rows.run(ADD, [row, terms])
        done += len(batch)
        progress(register.id, done, total)


def _batches(register: str) -> Iterator[list[Record]]:
    last = UUID(int=0)
    while batch := NEXT.all(register, last):
        yield batch
        last = batch[-1].id
