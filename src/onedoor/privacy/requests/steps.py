"""Every step of a request: kept with its entry in the ledger, stated, and told to the portal where it was asked."""

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.db.models import OuterRef, Subquery

from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.privacy.events import RequestStepped
from onedoor.privacy.records import BLIND, SALT_BYTES
from onedoor.privacy.requests import sealing
from onedoor.privacy.requests.definition import ERASE
from onedoor.privacy.requests.models import PersonRequest, RequestStep
from onedoor.privacy.tasks import tell_request
from onedoor.store import details, keys, ledger, outbox, sealed
from onedoor.store.keys import Erased
from onedoor.store.models import Erasure
from onedoor.store.sealed import BadEnvelope, KeyDestroyed

LEDGER_KIND: Final = "privacy.request"
ASKED, EXTENDED, GRANTED, REFUSED, LIFTED = "asked", "extended", "granted", "refused", "lifted"
FORGOTTEN: Final = "forgotten"
"""What was said in it is no more: its person was erased, or it is too long ago."""
STATES: Final = {ASKED: PersonRequest.OPEN, EXTENDED: PersonRequest.OPEN}
"""The state of a request after its last step, where that has another name."""


def take(request: PersonRequest, kind: str, actor: Actor) -> None:
    """Put the step *kind* of *request* on record as it stands now, in the transaction that makes it so."""
    enter(request, kind, actor.post or actor.person)
    outbox.state(RequestStepped(by=actor, code=request.code, right=request.right, step=kind))
    if kind != LIFTED:
        tell_request.defer(code=request.code, step=kind)


def enter(request: PersonRequest, kind: str, by: str) -> None:
    """Keep a step with its entry, which covers all of *request* as it is saved now; nobody is told of it."""
    step = RequestStep(id=_after(request), request=request, kind=kind, moment=clock.now(), by=by, due=request.due)
    step.salt = secrets.token_bytes(SALT_BYTES)
    step.stands, step.said = _stands(request, step), sealing.digest(sealing.there(request))
    step.entry = ledger.append(LEDGER_KIND, sha256(_content(step)).digest()).id
    step.save(force_insert=True)


def _after(request: PersonRequest) -> UUID:
    """Return an id that comes after that of the last step, also when the clock was set back."""
    last, name = request.steps.order_by("-id").values_list("id", flat=True).first(), uuid7()
    return name if last is None or last < name else UUID(int=last.int + 1)


def _content(step: RequestStep) -> bytes:
    """Return what the ledger commits to of a step; it tells of nobody but who took it."""
    facts = {
        "id": str(step.id),
        "request": step.request_id,
        "right": step.request.right,
        "purpose": step.request.purpose,
        "step": step.kind,
        "moment": _written(step.moment),
        "by": step.by,
        "due": _written(step.due),
    }
    if step.form > 1:
        facts |= {"stands": step.stands, "said": step.said}
    return f"onedoor request step {step.form}\n".encode() + bytes(step.salt) + _json(facts)


def _stands(request: PersonRequest, step: RequestStep) -> str:
    """Return in hex the digest of *request* after *step*, salted by it; whose it is stands in what is sealed alone.

    Who erases a person is not in it as long as that is open: it is set before they are erased, and is no step.
    """
    erasing = request.state == PersonRequest.OPEN and request.right == ERASE
    facts = {name: getattr(request, name) for name in ("code", "right", "purpose", "client", "account", "key", "state")}
    facts |= {"layer": request.layer.isoformat(), "extended": request.extended, "known": request.person is not None}
    facts |= {"asked": _written(request.asked), "due": _written(request.due), "ended": _written(request.ended)}
    facts |= {"by": "" if erasing else request.decided_by, "complete": _written(request.complete_on)}
    return sha256(bytes(step.salt) + _json(facts)).hexdigest()


def _holds(step: RequestStep) -> bool:
    """Return whether the request is today as *step*, its last one, left it."""
    request = step.request
    if step.form == 1:
        stands = (request.state, request.due) == (STATES.get(step.kind, step.kind), step.due)
    else:
        stands = _stands(request, step) == step.stands
    return stands and _is_said(request, step)


def _is_said(request: PersonRequest, step: RequestStep) -> bool:
    """Return whether what is sealed is what *step* left, and of the person by whom the request is found."""
    try:
        said = sealing.there(request)
    except Erased:  # a restore brought it back from before the erasure, or somebody put it there
        return not Erasure.objects.filter(keys__contains=[sealed.key_id(bytes(request.sealed))]).exists()
    except (BadEnvelope, KeyDestroyed):
        return False
    if not said:
        return request.person is None and not step.said
    whose = request.person is not None and bytes(request.person) == keys.blind(BLIND, said["person"])
    return whose and (step.form == 1 or sealing.digest(said) == step.said)


def _written(moment: date | None) -> str:
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC)
    return moment.isoformat() if moment else ""


def _json(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    """Yield what was entered of every step; nothing where the request is not as its last step left it."""
    if not entry:  # in no entry, so before them all
        without = PersonRequest.objects.filter(steps=None).values_list("code", flat=True)
        yield from ((details.NO_ENTRY, b"") for _ in without.iterator(chunk_size=details.AT_ONCE))
    found = RequestStep.objects.filter(entry=entry) if entry else RequestStep.objects.all()
    last = RequestStep.objects.filter(request=OuterRef("request")).order_by("-id").values("id")[:1]
    with_last = found.select_related("request").annotate(last=Subquery(last)).order_by("entry")
    for one in with_last.iterator(chunk_size=details.AT_ONCE):
        yield str(one.entry), _content(one) if one.id != one.last or _holds(one) else b""


details.register(LEDGER_KIND, _entered)
