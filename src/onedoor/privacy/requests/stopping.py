"""What a granted request stops at the gate: the purposes whose right says that a person may object."""

from collections.abc import Sequence

from onedoor.kernel import nation
from onedoor.privacy import rights
from onedoor.privacy.records import BLIND
from onedoor.privacy.requests.models import PersonRequest
from onedoor.privacy.rules import Purpose
from onedoor.store import keys, rows

RESTRICTED = "restricted"
STOPPED = f"""
SELECT DISTINCT person FROM privacy_personrequest
WHERE person = ANY(%s) AND state = '{PersonRequest.GRANTED}' AND "right" IN ('restrict', 'object')
    AND purpose IN ('', %s)
"""  # noqa: S608 - no value is in it


def stopped(purpose: Purpose, persons: Sequence[str]) -> list[str]:
    """Return those of *persons* (personal numbers) for whom *purpose* is stopped here; asked only of what can be."""
    if not purpose.objection or not persons:
        return []
    marks = {keys.blind(BLIND, number): number for number in persons if number}
    return [marks[bytes(mark)] for (mark,) in rows.fetch(STOPPED, [list(marks), purpose.id])]


def objectionable(system: str) -> list[Purpose]:
    """Return the purposes that a person may stop at *system* today, which holds a register that they use.

    A *system* of "" stands for any: a process without a subsystem of its own (tests).
    """
    documents = nation.current().documents("register")
    here = {one.data["register"] for one in documents if system in ("", one.data["subsystem"])}
    today = nation.current().today()
    return [
        one
        for one in rights.purposes().values()
        if one.objection and one.in_force(today) and any(grant.register in here for grant in one.grants)
    ]
