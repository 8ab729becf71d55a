"""Every step of a request: kept with its entry in the ledger, stated, and told to the portal where it was asked."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC
from hashlib import sha256
from typing import Final

from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.privacy.events import RequestStepped
from onedoor.privacy.records import SALT_BYTES
from onedoor.privacy.requests.models import PersonRequest, RequestStep
from onedoor.privacy.tasks import tell_request
from onedoor.store import details, ledger, outbox

LEDGER_KIND: Final = "privacy.request"
ASKED, EXTENDED, GRANTED, REFUSED, LIFTED = "asked", "extended", "granted", "refused", "lifted"


def take(request: PersonRequest, kind: str, actor: Actor) -> None:
    """Put the step *kind* of *request* on record as it stands now, in the transaction that makes it so."""
    step = RequestStep(request=request, kind=kind, moment=clock.now(), by=actor.post or actor.person, due=request.due)
    step.salt = secrets.token_bytes(SALT_BYTES)
    step.entry = ledger.append(LEDGER_KIND, sha256(_content(step)).digest()).id
    step.save(force_insert=True)
    outbox.state(RequestStepped(by=actor, code=request.code, right=request.right, step=kind))
    if kind != LIFTED:
        tell_request.defer(code=request.code, step=kind)


def _content(step: RequestStep) -> bytes:
    """Return what the ledger commits to of a step; it tells of nobody but who took it."""
    facts = {
        "id": str(step.id),
        "request": step.request_id,
        "right": step.request.right,
        "purpose": step.request.purpose,
        "step": step.kind,
        "moment": step.moment.astimezone(UTC).isoformat(),
        "by": step.by,
        "due": step.due.astimezone(UTC).isoformat(),
    }
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return b"onedoor request step 1\n" + bytes(step.salt) + text.encode()


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    found = RequestStep.objects.filter(entry=entry) if entry else RequestStep.objects.all()
    for one in found.select_related("request").order_by("entry").iterator(chunk_size=details.AT_ONCE):
        yield str(one.entry), _content(one)


details.register(LEDGER_KIND, _entered)
