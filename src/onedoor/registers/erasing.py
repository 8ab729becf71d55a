"""What of a person the registers must keep: every record, until its register's rule has destroyed it."""

from collections.abc import Iterator

from onedoor.kernel.errors import OnedoorError
from onedoor.registers.definition import held
from onedoor.registers.errors import CorrectionOpen, RecordHeld, RecordHeldForGood
from onedoor.registers.models import Correction
from onedoor.store import erasure, rows
from onedoor.store.erasure import Person

SEALED_UNDER = """
SELECT DISTINCT register FROM registers_record WHERE EXISTS (
    SELECT FROM unnest(sealed) AS one WHERE substring(one FROM 2 FOR 16) = ANY(%s))
ORDER BY register
"""
"""The registers in which a person has a part of a record; `retain` empties one when its time has come."""


def holds(person: Person) -> Iterator[OnedoorError]:
    """Yield each register that must keep records about the person, and by which rule; and a correction to decide."""
    registers = held()
    for (name,) in rows.fetch(SEALED_UNDER, [list(person.keys)]):
        known = registers.get(name)
        rule, called = (known.retention, known.name) if known else (None, name)
        ends = rule and rule.destroyed
        yield RecordHeld(register=called, rule=rule.rule) if rule and ends else RecordHeldForGood(register=called)
    if erasure.holds("registers_correction", ["sealed"], person, f"state = '{Correction.OPEN}'"):
        yield CorrectionOpen()


erasure.register(holds=holds)
