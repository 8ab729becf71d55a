"""Every transition is kept with its event and its entry in the ledger, in the transaction that makes it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from uuid import UUID

from django.db import transaction

from onedoor.cases.events import Refused
from onedoor.cases.models import Act, Attempt, Dossier, IssuedResult, Task, Transition, standing
from onedoor.exchange.events import RefusedOnTheWay
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.events import Event
from onedoor.kernel.ids import uuid7
from onedoor.store import ledger, outbox, sealed

LONGEST = 64


def content(facts: Mapping[str, object], envelope: bytes | None) -> bytes:
    """Return what is entered into the ledger: *facts*, and the SHA-256 of the envelope of the words, as JSON."""
    digest = hashlib.sha256(envelope).hexdigest() if envelope else ""
    return json.dumps({**facts, "detail": digest}, sort_keys=True, separators=(",", ":")).encode()


def transition_facts(row: Transition) -> dict[str, str]:
    """Return what the ledger covers of a transition, beside its words."""
    facts = {"id": str(row.id), "case": row.dossier.code, "step": row.step, "kind": row.kind, "state": row.state}
    return facts | {"by": row.by, "at": row.moment.isoformat(), "agency": row.agency} | _stood(row)


def act_facts(row: Act) -> dict[str, str]:
    """Return what the ledger covers of an act, beside its words."""
    facts = {"id": str(row.id), "task": row.task.key, "kind": row.kind, "state": row.state, "by": row.by}
    return facts | {"at": row.moment.isoformat()} | _stood(row)


def _stood(row: Transition | Act) -> dict[str, str]:
    return {"stands": row.stands} if row.stands else {}


def attempt_facts(row: Attempt) -> dict[str, str]:
    """Return what the ledger covers of an attempt."""
    return {"id": str(row.id), "kind": row.kind, "what": row.what, "by": row.by, "at": row.moment.isoformat()}


def issued_facts(row: IssuedResult, body: str, file: str) -> dict[str, object]:
    """Return what the ledger covers of an issued result; *body* and *file* are the SHA-256 of its envelopes, in hex."""
    facts: dict[str, object] = {"id": str(row.id), "kind": row.kind, "agency": row.agency, "sha256": row.sha256}
    if row.form == 1:
        return facts
    facts |= {
        "form": row.form,
        "task": str(row.task_id),
        "title": row.title,
        "state": row.state,
        "body": body,
        "file": file,
    }
    moments = {"at": row.issued_at, "until": row.lasts_until}
    return facts | {name: one.astimezone(UTC).isoformat() if one else "" for name, one in moments.items()}


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
        stands=standing.of_dossier(dossier),
    )
    if words:
        row.detail = sealed.seal(words, subject=dossier.account, place=row.place)
    row.entry = _entry("cases.transition", transition_facts(row), bytes(row.detail) if row.detail else None)
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
        stands=standing.of_task(task),
    )
    if words and subject:
        row.detail = sealed.seal(words, subject=subject, place=row.place)
    row.entry = _entry("cases.act", act_facts(row), bytes(row.detail) if row.detail else None)
    row.save(force_insert=True)
    outbox.state(event)
    return row


def attempt(kind: str, what: str, by: Actor, *, name: UUID | None = None) -> Attempt:
    """Keep what somebody tried in vain, under *name*; the caller holds the transaction (and lets it commit)."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in what[:LONGEST])
    row = Attempt(id=name or uuid7(), kind=kind, what=plain, by=by.post or by.person, moment=clock.now())
    row.entry = _entry("cases.attempt", attempt_facts(row), None)
    row.save(force_insert=True)
    outbox.state(Refused(by=by, kind=kind, what=row.what))
    return row


def issued(row: IssuedResult) -> str:
    """Enter an issued result into the ledger; return the entry's id."""
    envelopes = (hashlib.sha256(bytes(one)).hexdigest() for one in (row.body, row.file))
    return _entry("cases.issued", issued_facts(row, *envelopes), None)


def state(event: Event) -> None:
    """State an event that needs no row of its own."""
    outbox.state(event)


def _entry(kind: str, facts: Mapping[str, object], envelope: bytes | None) -> str:
    return str(ledger.append(kind, hashlib.sha256(content(facts, envelope)).digest()).id)


def refused_on_the_way(refused: RefusedOnTheWay) -> None:
    """Keep, once, that a gateway refused a question of this system; *what* is its case, purpose and service."""
    asked = f"{refused.case} {refused.purpose} {refused.service.rpartition('/')[2]}".strip()
    with transaction.atomic():
        if not Attempt.objects.filter(pk=refused.refusal).exists():
            attempt("refused-on-the-way", asked, refused.by, name=refused.refusal)
