"""What the portal's worker does: hand steps over until acknowledged, pass supplements on, watch the limits."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import F

from onedoor.cases import held, journal, queue, rules, words
from onedoor.cases.context import about, handed, registers_behind
from onedoor.cases.events import HandOverLate, StepAcknowledged, StepRedirected, SupplementExpired
from onedoor.cases.held import SENT, SERVICE, Given
from onedoor.cases.journey import Journey, moving, service_of, verified
from onedoor.cases.models import Attachment, Dossier, Step
from onedoor.cases.reasons import reason
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer
from onedoor.kernel import nation
from onedoor.kernel.actor import SYSTEM
from onedoor.kernel.errors import OnedoorError

PART = 2 * 1024 * 1024
TAKEN = (rules.WORKING, rules.SUPPLEMENT)
"""States of a step that its authority has."""


def ask(dossier: Dossier, step: Step, path: str, message: dict[str, Any], key: str) -> Answer:
    """Send *message* about *step* to the authority that owns it."""
    return exchange.call(
        f"{nation.current().agencies[step.agency].subsystem}/{SERVICE}",
        path,
        {"case": dossier.code, "step": step.ref, "round": step.round, "agency": step.agency, **message},
        reason=reason(SERVICE, dossier.code),
        user=dossier.account,
        key=f"{dossier.code}:{step.ref}:{step.round}:{key}",
    )


def send(code: str, ref: str, round_: int) -> None:
    """Hand one step over, on record first; an error is kept for the person to see, and raised: it is tried again."""
    step = Step.objects.select_related("dossier").get(dossier__code=code, ref=ref)
    if step.state != rules.SENDING or step.round != round_:
        return
    try:
        _record(step.dossier, step)
        answer = ask(step.dossier, step, "hand-over", _message(step.dossier, step), "hand-over")
    except OnedoorError as error:
        Step.objects.filter(pk=step.pk).update(attempts=F("attempts") + 1, trouble=words.keep(error))
        raise
    acknowledge(code, ref, round_)
    if _has_ended(answer):
        queue.go_on(code)


def _record(dossier: Dossier, step: Step) -> None:
    """Put on record that the authority is given what it needs for *step*, once for a round."""
    service, body = service_of(dossier), dossier.read()
    before = dossier.results.filter(step__in=service.before(step.ref))
    parts, about = held.parts(service, step.ref, body, results=before.exists()), held.persons(service, step.ref, body)
    given = Given(dossier.code, dossier.service, body["applicant"], parts, about)
    held.give(step.agency, given, since=step.started_at if step.attempts else None)


def acknowledge(code: str, ref: str, round_: int) -> None:
    """Keep that the authority has the step; an outcome that came first has said so already."""
    with moving(code, SYSTEM) as journey:
        step = journey.steps[ref]
        if step.state == rules.SENDING and step.round == round_:
            take(journey, step)


def take(journey: Journey, step: Step) -> None:
    """Keep, within the journey, that the authority has the step."""
    behind = registers_behind(journey.service, step.ref, journey.dossier.read())
    journey.move(step.ref, "acknowledge")
    event = StepAcknowledged(**journey.facts, step=step.ref, agency=step.agency, registers=behind)
    journal.transition(journey.dossier, "acknowledge", event, step=step.ref, agency=step.agency)


def go_on(code: str) -> None:
    """Hand over anew what an authority has ended for a withdrawal that did not come about."""
    under_way = Step.objects.select_related("dossier").filter(dossier__code=code, state__in=TAKEN)
    for step in under_way:
        if _has_ended(ask(step.dossier, step, "hand-over", _message(step.dossier, step), "hand-over")):
            with moving(code, SYSTEM) as journey:
                if journey.steps[step.ref].round == step.round:
                    _hand_over_anew(journey, step.ref)


def _has_ended(answer: Answer) -> bool:
    """Return whether the authority says of a step handed over to it that it was withdrawn."""
    return isinstance(answer.body, Mapping) and answer.body.get("state") == rules.WITHDRAWN


def _hand_over_anew(journey: Journey, ref: str) -> None:
    journey.put(rules.again(journey.case, ref))
    event = StepRedirected(**journey.facts, step=ref, agency=journey.steps[ref].agency)
    journal.transition(journey.dossier, "hand_over", event, step=ref, agency=event.agency)


def watch(code: str, ref: str, round_: int, limit: int) -> None:
    """Put an alert into the history when the hand-over has not come through by its limit."""
    with moving(code, SYSTEM) as journey:
        step = journey.steps[ref]
        if step.state != rules.SENDING or step.round != round_ or step.alerts >= limit:
            return
        step.alerts = limit
        step.save()
        event = HandOverLate(**journey.facts, step=ref, agency=step.agency, limit=limit)
        journal.transition(journey.dossier, f"late_{limit}", event, step=ref, agency=step.agency)


def expire(code: str, ref: str, asked: int) -> None:
    """Stop a step whose supplement never came, and tell its authority."""
    with moving(code, SYSTEM) as journey:
        step = journey.steps[ref]
        if step.state != rules.SUPPLEMENT or step.asked != asked:
            return
        journey.move(ref, "expire")
        event = SupplementExpired(**journey.facts, step=ref, agency=step.agency)
        row = journal.transition(journey.dossier, "expire", event, step=ref, agency=step.agency)
        queue.end(code, step, "expire")
        queue.notify(code, "expire", ref, str(row.id))
        journey.end()


def pass_on(code: str, ref: str, asked: int) -> None:
    """Pass the person's answer to a supplement on to the authority that asked for it."""
    step = Step.objects.select_related("dossier").get(dossier__code=code, ref=ref)
    dossier, body = step.dossier, step.dossier.read()
    answer = body["supplements"][f"{ref}:{asked}"]
    given = Given(dossier.code, dossier.service, body["applicant"], [SENT], {})
    held.give(step.agency, given, since=datetime.fromisoformat(answer["at"]))
    message = {
        "supplement": _supplement(dossier, step, answer),
        "due": step.due.isoformat() if step.due else None,
    }
    ask(dossier, step, "supplement", message, f"supplement:{asked}")


def end(code: str, ref: str, round_: int, kind: str) -> None:
    """Tell an authority that a step ends."""
    step = Step.objects.select_related("dossier").get(dossier__code=code, ref=ref)
    step.round = round_
    ask(step.dossier, step, "end", end_message(step.dossier, step, kind), f"end:{kind}")


def end_message(dossier: Dossier, step: Step, kind: str) -> dict[str, Any]:
    """Return the message that ends a step, also one that has not come through yet."""
    return {
        "kind": kind,
        "post": service_of(dossier).steps[step.ref].post,
        "service": {"id": dossier.service, "version": dossier.version, "digest": dossier.digest},
    }


def _message(dossier: Dossier, step: Step) -> dict[str, Any]:
    """Return what the authority needs for its step, and nothing else."""
    service, body = service_of(dossier), dossier.read()
    results = dossier.results.filter(step__in=service.before(step.ref))
    return {
        "post": service.steps[step.ref].post,
        "service": {"id": dossier.service, "version": dossier.version, "digest": dossier.digest},
        "started_at": step.started_at.isoformat() if step.started_at else None,
        "due": step.due.isoformat() if step.due else None,
        "verified": verified(service, step),
        "asked": step.asked,
        "submitted_at": dossier.submitted_at.isoformat(),
        "applicant": body["applicant"],
        "about": about(service, body),
        "persons": held.persons(service, step.ref, body),
        "context": handed(service, step.ref, body),
        "files": _send_files(dossier, step, service.steps[step.ref].shows),
        "supplements": [_supplement(dossier, step, one) for one in held.sent(body, step.ref)],
        "results": [
            {
                "kind": row.kind,
                "agency": row.agency,
                "id": row.issued_id,
                "number": row.read()["number"],
                "issued_at": row.issued_at.isoformat(),
                "sha256": row.sha256,
                "verify_url": row.verify_url,
                "size": row.size,
            }
            for row in results
        ],
    }


def _supplement(dossier: Dossier, step: Step, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": answer["text"], "at": answer["at"], "files": _send_files(dossier, step, answer["files"])}


def _send_files(dossier: Dossier, step: Step, fields: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Send the files of *fields* in parts that fit into a message, and return what the message then says of them."""
    told, applicant = {}, dossier.read()["applicant"]
    for row in Attachment.objects.filter(holder=dossier.pk, field__in=list(fields)):
        content = row.read()
        for number, start in enumerate(range(0, len(content), PART)):
            part = base64.b64encode(content[start : start + PART]).decode()
            message = {"field": row.field, "number": number, "content": part, "applicant": applicant}
            ask(dossier, step, "file", message, f"file:{row.field}:{row.sha256[:16]}:{number}")
        told[row.field] = {"name": row.title(), "size": row.size, "sha256": row.sha256}
    return told
