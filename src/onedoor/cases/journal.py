"""Every transition is kept with its event and its entry in the ledger, in the transaction that makes it."""

import hashlib
import json
from collections.abc import Mapping
from uuid import UUID

from onedoor.cases.events import Refused
from onedoor.cases.models import Act, Attempt, Dossier, Task, Transition
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.events import Event
from onedoor.kernel.ids import uuid7
from onedoor.store import ledger, outbox, sealed

LONGEST = 64


def commitment(facts: Mapping[str, str], envelope: bytes | None) -> bytes:
    """Return what the ledger holds of a transition: SHA-256 of its facts and of the envelope of its words."""
    digest = hashlib.sha256(envelope).hexdigest() if envelope else ""
    plain = json.dumps({**facts, "detail": digest}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).digest()


def transition(
    dossier: Dossier, kind: str, event: Event, *, step: str = "", agency: str = "", words: str = ""
) -> Transition:
    """Keep one transition of *dossier* made by the actor of *event*; the caller holds the transaction."""
    row = Transition(
        id=uuid7(),
        dossier=dossier,
        step=step,
        kind=kind,
        state=dossier.state,
        agency=agency,
        by=event.by.post or event.by.person,
        moment=clock.now(),
    )
    if words:
        row.detail = sealed.seal(words, subject=dossier.account, place=row.place)
    facts = {"id": str(row.id), "case": dossier.code, "step": step, "kind": kind, "state": row.state, "by": row.by}
    envelope = bytes(row.detail) if row.detail else None
    row.entry = _entry("cases.transition", facts | {"at": row.moment.isoformat(), "agency": agency}, envelope)
    row.save(force_insert=True)
    outbox.state(event)
    return row


def act(task: Task, kind: str, event: Event, *, words: str = "", subject: str = "") -> Act:
    """Keep one act on *task* by the actor of *event*; the caller holds the transaction."""
    row = Act(
        id=uuid7(),
        task=task,
        kind=kind,
        state=task.state,
        by=event.by.post or event.by.person,
        moment=clock.now(),
    )
    if words and subject:
        row.detail = sealed.seal(words, subject=subject, place=row.place)
    facts = {"id": str(row.id), "task": task.key, "kind": kind, "state": row.state, "by": row.by}
    envelope = bytes(row.detail) if row.detail else None
    row.entry = _entry("cases.act", facts | {"at": row.moment.isoformat()}, envelope)
    row.save(force_insert=True)
    outbox.state(event)
    return row


def attempt(kind: str, what: str, by: Actor) -> Attempt:
    """Keep what somebody tried in vain; the caller holds the transaction (and lets it commit)."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in what[:LONGEST])
    row = Attempt(id=uuid7(), kind=kind, what=plain, by=by.post or by.person, moment=clock.now())
    facts = {"id": str(row.id), "kind": kind, "what": row.what, "by": row.by, "at": row.moment.isoformat()}
    row.entry = _entry("cases.attempt", facts, None)
    row.save(force_insert=True)
    outbox.state(Refused(by=by, kind=kind, what=row.what))
    return row


def issued(result: UUID, facts: Mapping[str, str]) -> str:
    """Enter an issued result into the ledger; return the entry's id."""
    return _entry("cases.issued", {**facts, "id": str(result)}, None)


def state(event: Event) -> None:
    """State an event that needs no row of its own."""
    outbox.state(event)


def _entry(kind: str, facts: Mapping[str, str], envelope: bytes | None) -> str:
    return str(ledger.append(kind, commitment(facts, envelope)).id)
