"""What an officer decides: recorded first, in one transaction; registers, signature and message follow it."""

from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from onedoor.cases import directory, journal, queue, rules
from onedoor.cases.desk import find, full_post
from onedoor.cases.errors import NoSuchArticle, NoSuchAuthority, NotPossible, OneSupplementOnly
from onedoor.cases.events import TaskMoved
from onedoor.cases.intake import subject_of
from onedoor.cases.models import Counter, Task
from onedoor.cases.sheet import ways_out
from onedoor.cases.words import written
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.procedures.service import pinned

ACCEPTED = frozenset({rules.DECIDING, rules.DONE})


def accept(task_id: str, actor: Actor) -> None:
    """Decide to do the step: registers are written, the result is signed and sent, without doing anything twice.

    A second click, or another officer's, finds the decision made and changes nothing.
    """
    find(task_id, actor)
    with transaction.atomic():
        row = find(task_id, actor, lock=True)
        if row.state not in ACCEPTED:
            row.state, row.trouble = rules.move_task(row.state, "accept"), ""
            work, subject = row.read("work"), subject_of(row.read("payload"))
            work.setdefault("issue", _issue(row, actor))
            _decide(row, actor, work, subject)
            row.save()
            journal.act(row, "accept", _event(row, "accept", actor))
            queue.work(row)


def verify(task_id: str, text: str, actor: Actor) -> None:
    """Take the longer limit that the law gives where an officer must verify, once, with the reason."""
    words = written(text)
    find(task_id, actor)
    with transaction.atomic():
        row = find(task_id, actor, lock=True)
        step = pinned(row.service, row.version, row.digest).steps[row.step]
        if "verify" not in ways_out(row, step):
            raise NotPossible
        row.due = rules.due_extended(nation.current().calendar, row.due, step.within, step.verified)
        _tell(row, "verify", actor, words)


def ask_supplement(task_id: str, text: str, actor: Actor) -> None:
    """Ask the person for a supplement: the clock stops."""
    words = written(text)
    find(task_id, actor)
    with transaction.atomic():
        row = find(task_id, actor, lock=True)
        times = pinned(row.service, row.version, row.digest).supplement.times
        if row.asked >= times:
            raise OneSupplementOnly(times=times)
        row.stopped_at, row.asked = clock.now(), row.asked + 1
        _tell(row, "supplement", actor, words)


def refuse(task_id: str, article: str, text: str, actor: Actor) -> None:
    """Refuse the step on a ground (*article*) of the service's list, with its article of law."""
    words = written(text)
    find(task_id, actor)
    with transaction.atomic():
        row = find(task_id, actor, lock=True)
        step = pinned(row.service, row.version, row.digest).steps[row.step]
        if article not in {ground.id for ground in step.refuse}:
            raise NoSuchArticle(what=article[:40])
        row.decided_at = clock.now()
        _tell(row, "refuse", actor, words, ground=article)


def hand_over(task_id: str, agency: str, text: str, actor: Actor) -> None:
    """Hand the step over to another authority that does it."""
    words = written(text)
    find(task_id, actor)
    with transaction.atomic():
        row = find(task_id, actor, lock=True)
        if agency not in {one for one, _name in directory.same_kind(row.agency)}:
            raise NoSuchAuthority(what=agency[:40])
        row.decided_at = clock.now()
        _tell(row, "hand_over", actor, words, to=agency)


def made(task_id: str, actor: Actor, kind: str, **said: str) -> bool:
    """Return whether this very decision stands already: a second click leads to it instead of being refused.

    *said* is what was sent with it: ``text``, and ``ground`` or ``to``.
    """
    row = find(task_id, actor)
    if kind == "accept":
        return row.state in ACCEPTED
    outcomes = row.read("work").get("outcomes", ())
    if not outcomes or (kind == "supplement" and row.state != rules.SUPPLEMENT):
        return False
    last = {name: value for name, value in outcomes[-1].items() if name != "by"}
    return last == {"kind": kind, **said}


def _tell(row: Task, kind: rules.TaskMove, actor: Actor, words: str, **facts: str) -> None:
    """Move the task and queue what the portal is told; the caller holds the transaction."""
    service = pinned(row.service, row.version, row.digest)
    row.state = rules.move_task(row.state, kind, ways_out(row, service.steps[row.step]))
    work, subject = row.read("work"), subject_of(row.read("payload"))
    work.setdefault("outcomes", []).append({"kind": kind, "text": words, "by": full_post(actor), **facts})
    _decide(row, actor, work, subject)
    row.save()
    journal.act(row, kind, _event(row, kind, actor), words=words, subject=subject)
    queue.tell(row, len(work["outcomes"]))


def _decide(row: Task, actor: Actor, work: dict[str, Any], subject: str) -> None:
    row.decided_by = full_post(actor)
    row.taken_by = actor.person
    row.write("work", work, subject=subject)


def _issue(row: Task, actor: Actor) -> dict[str, Any]:
    """Return who issues when under which number; fixed by the decision, whatever happens after it."""
    now = clock.now()
    agency = nation.current().agencies[row.agency]
    local = nation.current().calendar.local(now)
    return {
        "result": str(uuid4()),
        "serial": _serial(row, local.year),
        "year": local.year,
        "date": local.date().isoformat(),
        "at": local.isoformat(timespec="seconds"),
        "agency": {"id": agency.id, "name": next(iter(agency.name.values())), "unit": agency.unit},
        "officer": {"name": actor.name, "post": full_post(actor)},
    }


def _serial(row: Task, year: int) -> int:
    """Return the agency's next number of this kind in this year, without gaps: it stands with the decision or falls."""
    Counter.objects.get_or_create(agency=row.agency, kind=row.step, year=year)
    counter = Counter.objects.select_for_update().get(agency=row.agency, kind=row.step, year=year)
    Counter.objects.filter(pk=counter.pk).update(last=F("last") + 1)
    return counter.last + 1


def _event(row: Task, kind: str, actor: Actor) -> TaskMoved:
    return TaskMoved(by=actor, case=row.case, step=row.step, agency=row.agency, kind=kind, state=row.state)
