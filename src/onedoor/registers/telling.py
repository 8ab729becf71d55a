"""Tells who asked for a correction that it is decided, and who used the fact; hears both too; never with the fact."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from onedoor.exchange import service as exchange
from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.said import said
from onedoor.privacy import service as privacy
from onedoor.registers import corrections
from onedoor.registers.definition import registers
from onedoor.registers.errors import BadQuestion
from onedoor.registers.events import CorrectionAnswered, CorrectionLate, UsedFactCorrected
from onedoor.registers.models import Correction, ToldCorrection
from onedoor.store import outbox

SERVICE = "corrections"
log = structlog.get_logger("onedoor.registers")


def tell(code: str, client: str) -> None:
    """Tell *client* which of its reads found what correction *code* changed."""
    correction = Correction.objects.select_related("record").get(code=code)
    person = corrections.read(correction)["person"]
    since = correction.record.recorded_from
    uses = [
        use
        for use in privacy.uses_of(person, register=correction.register, field=correction.field, since=since)
        if use.client == client
    ]
    body = {
        "code": code,
        "register": correction.register,
        "field": correction.field,
        "reads": [use.record for use in uses],
        "cases": list(dict.fromkeys(use.case for use in uses if use.case)),
    }
    basis = next(iter(privacy.purpose(corrections.PURPOSE).basis))
    reason = exchange.Reason(corrections.PURPOSE, basis, code)
    user = correction.decided_by
    exchange.call(f"{client}/{SERVICE}", "told", body, reason=reason, user=user, key=f"correction:{code}")


def answer(code: str) -> None:
    """Tell the system where correction *code* was asked for that it is decided; never what the fact is."""
    correction = Correction.objects.get(code=code)
    accepted = correction.state == Correction.ACCEPTED
    _tell_who_asked(correction, "answered", {"accepted": accepted}, user=correction.decided_by)


def tell_late(code: str) -> None:
    """Tell the system where correction *code* was asked for that it is not decided in time, unless it is by now."""
    correction = Correction.objects.get(code=code)
    if correction.state == Correction.OPEN:
        _tell_who_asked(correction, "late", {"due": correction.due.isoformat()}, user=SERVICE)


def _tell_who_asked(correction: Correction, path: str, said: Mapping[str, Any], *, user: str) -> None:
    code = correction.code
    body = {"code": code, "register": correction.register, "field": correction.field, "account": correction.account}
    basis = next(iter(privacy.purpose(corrections.PURPOSE).basis))
    reason = exchange.Reason(corrections.PURPOSE, basis, code)
    service, key = f"{correction.client}/{SERVICE}", f"correction:{code}:{path}"
    try:
        exchange.call(service, path, {**body, **said}, reason=reason, user=user, key=key)
    except exchange.ProviderError as error:
        if error.answer.status != HTTPStatus.BAD_REQUEST:
            raise
        log.warning("nobody is there any more to be told of a correction", client=correction.client, told=path)


def hear_answer(client: str, user: str, body: Mapping[str, Any]) -> None:
    """State that a person here was answered; raise `BadQuestion` when *client* owns no such fact, or nobody asked."""
    by, which = _asked_here(client, user, body)
    with transaction.atomic():
        outbox.state(CorrectionAnswered(by=by, accepted=body["accepted"], **which))


def hear_late(client: str, user: str, body: Mapping[str, Any]) -> None:
    """State that a person here is not answered in time; raise `BadQuestion` as `hear_answer` does."""
    by, which = _asked_here(client, user, body)
    try:
        due = datetime.fromisoformat(body["due"]).astimezone(UTC)
        nation.current().calendar.local(due)  # the last hours of the calendar are none in every zone
    except (ValueError, OverflowError) as error:
        raise BadQuestion(what=said("a moment in it is none")) from error
    with transaction.atomic():
        outbox.state(CorrectionLate(by=by, due=due, **which))


def _asked_here(client: str, user: str, body: Mapping[str, Any]) -> tuple[Actor, dict[str, str]]:
    """Return who tells whom, and which request, once both are known here."""
    register = registers().get(body["register"])
    if register is None or register.subsystem != client or body["field"] not in register.fields:
        raise BadQuestion(what=said("it is about no fact of the system that sends it"))
    if not identity.is_account(UUID(body["account"])):
        raise BadQuestion(what=said("nobody here has this account"))
    by = Actor(post=user, agency=client, for_whom=body["account"])
    return by, {name: body[name] for name in ("code", "register", "field")}


def hear(owner: str, told: UsedFactCorrected) -> None:
    """State that a fact used here was corrected, once for each owner and code."""
    with transaction.atomic():
        _, new = ToldCorrection.objects.get_or_create(owner=owner, code=told.code, defaults={"told": clock.now()})
        if new:
            outbox.state(told)


def told_by(client: str, user: str, body: Mapping[str, Any]) -> UsedFactCorrected:
    """Return the fact that a checked message of *client* tells."""
    return UsedFactCorrected(
        by=Actor(post=user, agency=client),
        code=body["code"],
        register=body["register"],
        field=body["field"],
        reads=tuple(body["reads"]),
        cases=tuple(body["cases"]),
    )
