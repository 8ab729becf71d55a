"""Acts on a breach: each is kept sealed and entered into the ledger, in the transaction that makes it so."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from onedoor.kernel.ids import uuid7
from onedoor.privacy.breaches.models import LEDGER_KIND, BreachAct, ReceivedBreach
from onedoor.store import ledger, sealed
from onedoor.store.sealed import Place

NOTICE: Final = ("what", "from", "until", "kinds", "persons", "consequences", "measures", "contact", "why_late")
"""What a notice says; ``kinds`` are registers and fields such as ``births.child_name``."""


def keep(
    system: str, code: str, kind: str, *, by: str, moment: datetime, said: Mapping[str, Any], key: str = ""
) -> BreachAct:
    """Keep an act in the caller's transaction, what is *said* sealed; return it."""
    act = BreachAct(id=uuid7(), system=system, code=code, kind=kind, key=key, moment=moment, by=by)
    act.sealed = sealed.seal(dict(said), subject=subject(system, code), place=_place(act))
    act.entry = ledger.append(LEDGER_KIND, sha256(content(act)).digest()).id
    act.save(force_insert=True)
    return act


def subject(system: str, code: str) -> str:
    """Return the name under whose key everything about a breach is sealed."""
    return f"breach {system} {code}"


def of(system: str, code: str, *kinds: str) -> list[BreachAct]:
    """Return the acts of these *kinds* on a breach, the oldest first."""
    return list(BreachAct.objects.filter(system=system, code=code, kind__in=kinds).order_by("id"))


def said(act: BreachAct) -> dict[str, Any]:
    """Return what is sealed in an act."""
    found: dict[str, Any] = sealed.unseal(bytes(act.sealed), place=_place(act))
    return found


def parts(system: str, code: str, *kinds: str) -> list[tuple[BreachAct, dict[str, Any]]]:
    """Return the acts of these *kinds* that say something of a breach, each with every field of a notice."""
    return [(act, dict.fromkeys(NOTICE, "") | {"kind": act.kind} | said(act)) for act in of(system, code, *kinds)]


def _place(act: BreachAct) -> Place:
    return Place("privacy_breachact", "sealed", str(act.id))


def notice(row: ReceivedBreach) -> dict[str, str]:
    """Return what a row at the authority says of a notice that came in, to be sealed with its first part."""
    moments = {name: getattr(row, name) for name in ("found", "due", "reported", "received")}
    said = {name: one.astimezone(UTC).isoformat() if one else "" for name, one in moments.items()}
    return {"id": str(row.id), "agency": row.agency, **said}


def content(act: BreachAct) -> bytes:
    """Return what the ledger commits to of an act: its facts, and the SHA-256 of the envelope of what it says."""
    facts = {name: str(getattr(act, name)) for name in ("id", "system", "code", "kind", "key", "by")}
    facts |= {"moment": act.moment.isoformat(), "sealed": sha256(bytes(act.sealed)).hexdigest()}
    return b"onedoor breach 1\n" + json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
