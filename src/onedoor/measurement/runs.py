"""Synthetic runs at the portal: announced by its operator, judged by what the portal itself recorded of their case.

A case is a run's when its applicant is a made-up person, and the run was announced for them before they submitted it.
Every other case is a real one, and counts in the achieved share. Nobody tells the portal what a run showed.
"""

import hashlib
import json
from datetime import UTC, timedelta

from django.db import transaction

from onedoor.cases import service as cases
from onedoor.cases.service import Course
from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.errors import BadInput
from onedoor.kernel.ids import uuid7
from onedoor.measurement import proving
from onedoor.measurement.models import EndedCase, Run
from onedoor.procedures import service as procedures
from onedoor.store import details, ledger, rows

HOLDS = timedelta(hours=1)
"""How long an announced run waits for its case to be submitted."""
MOST = 1000
ENTRY = "measurement.run"
COUNTED = """
INSERT INTO measurement_ended (id, service, day, ended, away) VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (service, day) DO UPDATE SET
    ended = measurement_ended.ended + 1, away = measurement_ended.away + excluded.away
"""


class NotMadeUp(BadInput):
    """“{persona}” is no made-up person of this demonstration, and a run is played by one. It has: {known}."""


class TooManyRuns(BadInput):
    """Of 1 to {most} runs that can be announced at a time, {times} were asked for."""


def announce(service_id: str, persona: str, by: str, times: int = 1) -> list[Run]:
    """Announce runs: the next cases that *persona* submits of the service within `HOLDS` are not a real person's.

    Raise `NoSuchService`, `NotMadeUp` or `TooManyRuns`.
    """
    if not 1 <= times <= MOST:
        raise TooManyRuns(most=MOST, times=times)
    service = procedures.in_force(service_id, nation.current().today())
    known = [one.id for one in identity.demonstration() if one.kind == "person"]
    if persona not in known:
        raise NotMadeUp(persona=persona, known=", ".join(sorted(known)) or "–")
    now = clock.now()
    runs = [Run(service=service.id, persona=persona, by=by, announced_at=now) for _ in range(times)]
    return Run.objects.bulk_create(runs)


def take(code: str) -> None:
    """Give a submitted case to the run that was announced for it, if one was."""
    with transaction.atomic():
        _taken(cases.course(code))


def end(code: str) -> None:
    """Judge the run whose case ended, or count a real case; once, however often it is told."""
    with transaction.atomic():
        course = cases.course(code)
        run = _taken(course)
        if run is None:
            _count(course)
        elif run.passed is None:
            _judge(run, course)


def _taken(course: Course) -> Run | None:
    """Return the run that *course* is the case of; the first that waits takes it."""
    run = Run.objects.filter(case=course.code).first()
    if run:
        return run
    persona = identity.persona_of(course.account)
    waiting = Run.objects.select_for_update().filter(service=course.service, persona=persona, case="")
    since = course.submitted_at - HOLDS
    run = waiting.filter(announced_at__gt=since, announced_at__lte=course.submitted_at).order_by("id").first()
    if run:
        run.case, run.version, run.digest = course.code, course.version, course.digest
        run.save()
    return run


def _judge(run: Run, course: Course) -> None:
    service = procedures.pinned(course.service, course.version, course.digest)
    judgement = proving.judge(service, course, cases.evidence(course.code), _in_force(course.service))
    run.passed, run.ended_at = judgement.passed, course.ended_at
    run.shown, run.results = list(judgement.shown), list(judgement.results)
    run.faults = [list(fault) for fault in judgement.faults]
    run.entry = entered(run)
    run.save()


def entered(run: Run) -> str:
    """Enter what *run* came to into the ledger, in the caller's transaction; return the entry's id."""
    return str(ledger.append(ENTRY, hashlib.sha256(_content(run)).digest()).id)


def _in_force(service_id: str) -> str:
    try:
        return procedures.digest(procedures.in_force(service_id, nation.current().today()))
    except procedures.NoSuchService:
        return ""


def _count(course: Course) -> None:
    if course.ended_at is None:
        return
    _, new = EndedCase.objects.get_or_create(case=course.code)
    if new:
        service = procedures.pinned(course.service, course.version, course.digest)
        day = nation.current().calendar.local(course.ended_at).date()
        rows.run(COUNTED, [uuid7(), course.service, day, int(proving.away(service, course))])


def _content(run: Run) -> bytes:
    """Return what is entered into the ledger of a run."""
    facts: dict[str, object] = {"id": str(run.pk), "case": run.case, "service": run.service}
    facts |= {"digest": run.digest, "passed": run.passed}
    came_to = {"shown": run.shown, "results": run.results, "faults": run.faults}
    if run.form > 1:
        moments = {"announced": run.announced_at, "ended": run.ended_at}
        facts |= {name: one.astimezone(UTC).isoformat() if one else "" for name, one in moments.items()}
        facts |= {"form": run.form, "persona": run.persona, "by": run.by, "version": run.version}
    return json.dumps(facts | came_to, sort_keys=True).encode()


details.register(ENTRY, lambda entry: details.behind(Run.objects.exclude(entry=""), entry, _content))
