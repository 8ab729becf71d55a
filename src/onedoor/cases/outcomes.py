"""What authorities tell the portal of their steps: done, verify, supplement, refuse, hand over; each taken in once."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from onedoor.cases import arriving, claims, directory, handover, journal, queue, rules, seals
from onedoor.cases.errors import NoSuchCase, OtherAgency
from onedoor.cases.events import (
    StepDone,
    StepRedirected,
    StepRefused,
    StepVerified,
    SupplementAsked,
)
from onedoor.cases.journey import Journey, moving, service_of
from onedoor.cases.models import Received, Result, Step
from onedoor.exchange.service import Caller
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.clock import MINUTE
from onedoor.kernel.errors import BadInput
from onedoor.kernel.ids import uuid7
from onedoor.kernel.said import said
from onedoor.procedures import service as procedures
from onedoor.store import sealed

Message = Mapping[str, Any]


class NotItsStep(OtherAgency):
    """This step belongs to another authority."""


def receive(caller: Caller, message: Message) -> dict[str, Any]:
    """Take in one outcome; the answer leaves after it is kept for good."""
    by = Actor(person=message["by"], post=message["by"], agency=message["agency"])
    step = Step.objects.select_related("dossier").filter(dossier__code=message["case"], ref=message["step"]).first()
    if step is None:
        raise NoSuchCase(code=message["case"])
    if Received.objects.filter(key=Received.key_of(caller)).exists():
        return {"received": True}
    if step.agency != message["agency"] or nation.current().agencies[step.agency].subsystem != caller.client:
        _record("outcome-of-another", message, by)
        raise NotItsStep
    others = {agency for agency, _name in directory.same_kind(step.agency)}
    if false := claims.wrong(service_of(step.dossier).steps[step.ref], message, authorities=others):
        _record("false-outcome", message, by)
        raise BadInput(what=said("the service does not let this step say that ({false})", false=false))
    if (result := message.get("result")) and step.state in rules.ACTIVE:
        arriving.check(step, result, by)
    _take(caller, message, by)
    return {"received": True}


def _record(kind: str, message: Message, by: Actor) -> None:
    with transaction.atomic():
        journal.attempt(kind, f"{message['case']}:{message['step']}", by)


def _take(caller: Caller, message: Message, by: Actor) -> None:
    with moving(message["case"], by) as journey:
        defaults = {"client": caller.client, "kind": message["kind"], "received_at": clock.now()}
        _, new = Received.objects.get_or_create(key=Received.key_of(caller), defaults=defaults)
        step = journey.steps[message["step"]]
        if new and step.round == message["round"]:
            if step.state == rules.SENDING:  # an outcome that came before the acknowledgement is one
                handover.take(journey, step)
            KINDS[message["kind"]](journey, message)


def _done(journey: Journey, message: Message) -> None:
    step = journey.steps[message["step"]]
    result = message.get("result")
    _keep_records(journey, message)
    if result:
        _keep_result(journey, step, result)
    journey.move(step.ref, "done")
    event = StepDone(**_settled(journey, step), result=result["kind"] if result else "")
    row = journal.transition(journey.dossier, "done", event, step=step.ref, agency=step.agency)
    queue.notify(journey.dossier.code, "done", step.ref, str(row.id))
    journey.end()


def _settled(journey: Journey, step: Step) -> dict[str, Any]:
    """Return what events say of a *step* that its authority has just settled."""
    started, done = step.started_at or journey.moment, step.done_at or journey.moment
    return {
        **journey.facts,
        "step": step.ref,
        "agency": step.agency,
        "on_time": step.due is None or done <= step.due,
        "asked": step.asked,
        "minutes": (done - started) // MINUTE,
        "visit": procedures.needs_visit(journey.service, step.ref),
    }


def _keep_records(journey: Journey, message: Message) -> None:
    """Keep what the step wrote into registers: the steps that come after it need it."""
    body = journey.dossier.read()
    body["records"] = {**body.get("records", {}), **message.get("records", {})}
    journey.dossier.write(body)


def _keep_result(journey: Journey, step: Step, result: Message) -> None:
    file = base64.b64decode(result["file"], validate=True)
    row = Result(
        id=uuid7(),
        dossier=journey.dossier,
        step=step.ref,
        kind=result["kind"],
        agency=step.agency,
        issued_id=result["id"],
        issued_at=datetime.fromisoformat(result["issued_at"]),
        sha256=result["sha256"],
        size=len(file),
        verify_url=result["verify_url"],
        lasts_until=seals.check(file, twice=False).lasts_until,
    )
    subject = journey.dossier.account
    row.body = sealed.seal(
        {"number": result["number"], "data": result["data"]}, subject=subject, place=row.place("body")
    )
    row.file = sealed.seal_bytes(file, subject=subject, place=row.place("file"))
    row.save(force_insert=True)


def _verify(journey: Journey, message: Message) -> None:
    step = journey.verify(message["step"])
    event = StepVerified(**journey.facts, step=step.ref, agency=step.agency, limit=step.limit)
    row = journal.transition(journey.dossier, "verify", event, step=step.ref, agency=step.agency, words=message["text"])
    queue.notify(journey.dossier.code, "verify", step.ref, str(row.id))


def _supplement(journey: Journey, message: Message) -> None:
    step = journey.move(message["step"], "supplement")
    event = SupplementAsked(**journey.facts, step=step.ref, agency=step.agency)
    row = journal.transition(
        journey.dossier, "supplement", event, step=step.ref, agency=step.agency, words=message["text"]
    )
    queue.notify(journey.dossier.code, "supplement", step.ref, str(row.id))


def _refuse(journey: Journey, message: Message) -> None:
    step = journey.steps[message["step"]]
    step.ground = message["ground"]
    journey.move(step.ref, "refuse")
    event = StepRefused(**_settled(journey, step), ground=step.ground)
    row = journal.transition(journey.dossier, "refuse", event, step=step.ref, agency=step.agency, words=message["text"])
    queue.notify(journey.dossier.code, "refuse", step.ref, str(row.id))
    journey.end()


def _hand_over(journey: Journey, message: Message) -> None:
    step = journey.steps[message["step"]]
    step.agency = message["to"]
    journey.move(step.ref, "hand_over")
    event = StepRedirected(**journey.facts, step=step.ref, agency=step.agency)
    row = journal.transition(
        journey.dossier, "hand_over", event, step=step.ref, agency=step.agency, words=message["text"]
    )
    queue.notify(journey.dossier.code, "hand_over", step.ref, str(row.id))


KINDS: Mapping[str, Callable[[Journey, Message], None]] = {
    "done": _done,
    "verify": _verify,
    "supplement": _supplement,
    "refuse": _refuse,
    "hand_over": _hand_over,
}
