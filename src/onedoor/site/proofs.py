"""What the portal of a running nation tells of its services: the runs that prove their levels, and its real cases."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onedoor.kernel import fetching
from onedoor.kernel.errors import BadInput, Unavailable
from onedoor.kernel.said import Said, said
from onedoor.site.up.supervisor import RECORD
from onedoor.site.visiting import visit

OK = 200
PROOF = ("level", "name", "case", "ended")


class NoFigures(Unavailable):
    """{address} did not tell its figures ({why}). Please name a running portal: --portal ADDRESS."""


class NoPortal(BadInput):
    """No nation runs on this computer, and a portal must be visited for that. Please name one: --portal ADDRESS."""


@dataclass(frozen=True)
class Proofs:
    """What the portal at *address* tells, by service, scale and digest; without an address nothing was asked."""

    address: str = ""
    told: Mapping[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    share: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Of the real cases of a service that ended, how many did without a visit, and how many there are."""


def address_of(given: str | None, var: Path) -> str:
    """Return the portal that was named, that of the nation which runs from *var*, or nothing."""
    record = var / RECORD
    if given is not None or not record.exists():
        return (given or "").rstrip("/")
    return f"http://localhost:{json.loads(record.read_text())['port']}"


def ask(address: str, language: str) -> Proofs:
    """Ask the portal at *address*, if there is one; raise `NoFigures`."""
    if not address:
        return Proofs()
    try:
        answer = visit(f"{address}/{language}/figures/stages.json")
        if answer.status != OK:
            raise NoFigures(address=address, why=answer.status)
        rows = json.loads(answer.content)["stages"]
        told = {(row["service"], row["scale"], row["digest"]): _whole(row) for row in rows}
        share = {row["service"]: (row["achieved"]["without_visit"], row["achieved"]["ended"]) for row in rows}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NoFigures(address=address, why=why(error)) from error
    return Proofs(address, told, share)


def why(error: Exception) -> Said:
    """Return in words why a portal tells no figures: the *error* of visiting it, or of reading what it answered."""
    return fetching.why(error, said("what it answers is not what a portal tells"))


def _whole(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *row*; raise `LookupError` or `TypeError` unless what it says of a proof is whole."""
    for name in PROOF if row["proved"] else ():
        row["proved"][name]
    return row
