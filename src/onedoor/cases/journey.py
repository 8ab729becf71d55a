"""How a dossier moves: one transaction for a transition, its event, its ledger entry and the jobs it sets off."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import prefetch_related_objects

from onedoor.cases import journal, queue, rules
from onedoor.cases.errors import NoSuchCase
from onedoor.cases.events import DossierEnded
from onedoor.cases.models import Claim, Dossier, Step
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.clock import Limit
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Service, pinned

FREES = frozenset({rules.WITHDRAWN, rules.REFUSED, rules.STOPPED})
"""Endings without any result: what the dossier held for itself may be asked for again."""
ENDINGS = frozenset({rules.DONE, rules.PARTLY, rules.REFUSED, rules.STOPPED})


def service_of(dossier: Dossier) -> Service:
    """Return the definition a dossier began with, from this database."""
    return pinned(dossier.service, dossier.version, dossier.digest)


def step_at(service: Service, step: Step) -> rules.StepAt:
    """Return a step as the rules see it."""
    definition = service.steps[step.ref]
    return rules.StepAt(
        id=step.ref,
        after=frozenset(definition.after),
        may=rules.ways_out(definition.may, definition.verified, verified=verified(service, step)),
        state=step.state,
        asked=step.asked,
        round=step.round,
    )


def verified(service: Service, step: Step) -> bool:
    """Return whether the step runs under the longer limit of a verification."""
    return bool(longer := service.steps[step.ref].verified) and step.limit == longer


@dataclass
class Journey:
    """A locked dossier on the move; what it changes is saved when the transaction ends."""

    dossier: Dossier
    service: Service
    steps: dict[str, Step]
    by: Actor
    moment: datetime

    @property
    def case(self) -> rules.CaseAt:
        """Return the dossier as the rules see it."""
        return rules.CaseAt(
            tuple(step_at(self.service, step) for step in self.steps.values()), self.service.supplement.times
        )

    @property
    def facts(self) -> dict[str, Any]:
        """Return what every event of this dossier carries."""
        return {"by": self.by, "case": self.dossier.code, "service": self.dossier.service}

    def move(self, ref: str, kind: rules.Move) -> Step:
        """Move one step, start what comes after it, and return it."""
        self.put(rules.move(self.case, ref, kind))
        return self.steps[ref]

    def put(self, after: rules.CaseAt) -> None:
        """Take over where the rules say that every step stands."""
        before = self.case
        for step in after.steps:
            if step != before.step(step.id):
                self._take(self.steps[step.id], step)
        self.dossier.state = after.state
        if after.state in ENDINGS | {rules.WITHDRAWN}:
            self.dossier.ended_at = self.moment
        if after.state in FREES:
            Claim.objects.filter(dossier=self.dossier).delete()
        self.dossier.save()

    def verify(self, ref: str) -> Step:
        """Let the longer limits of a verification hold, for the step and for the whole it is part of."""
        row, calendar, dossier = self.move(ref, "verify"), nation.current().calendar, self.dossier
        definition, whole = self.service.steps[ref], self.service.clock.verified
        if row.due:
            row.due = rules.due_extended(calendar, row.due, row.limit, definition.verified)
        row.limit = definition.verified
        row.save()
        if whole and not definition.apart and dossier.limit != whole:
            dossier.due = rules.due_extended(calendar, dossier.due, dossier.limit, whole)
            dossier.limit = whole
        return row

    def end(self) -> None:
        """State that the dossier ended, when it has."""
        if self.dossier.state in ENDINGS:
            event = DossierEnded(**self.facts, state=self.dossier.state)
            journal.transition(self.dossier, f"dossier_{self.dossier.state}", event)

    def _take(self, row: Step, to: rules.StepAt) -> None:
        stopped = row.stopped_at
        row.state, row.asked, row.round = to.state, to.asked, to.round
        if to.state == rules.SENDING:
            self._start(row)
        if to.state == rules.SUPPLEMENT:
            row.stopped_at = self.moment
            calendar = nation.current().calendar
            within = Limit.parse(self.service.supplement.within)
            row.answer_by = calendar.due(calendar.next_opening(self.moment), within)
            queue.expire(row.answer_by, self.dossier.code, row)
        elif stopped:
            self._resume(row, stopped)
        if to.state != rules.SENDING:
            row.trouble = ""
            row.acknowledged_at = row.acknowledged_at or self.moment
        if to.state in rules.ENDED:
            row.done_at = self.moment
        row.save()

    def _start(self, row: Step) -> None:
        """Start the step's own clock (once) and hand it over."""
        row.started_at = row.started_at or self.moment
        row.due = row.due or procedures.due(self.service, row.ref, row.started_at)
        row.acknowledged_at, row.attempts, row.alerts, row.trouble = None, 0, 0, ""
        queue.hand_over(self.dossier.code, row)
        calendar = nation.current().calendar
        for number, limit in enumerate((self.service.clock.hand_over, self.service.clock.acknowledge), 1):
            if limit:
                queue.watch(calendar.due(self.moment, Limit.parse(limit)), self.dossier.code, row, number)

    def _resume(self, row: Step, stopped: datetime) -> None:
        """Give back, to the step and to the whole, the time the clock stood still."""
        calendar = nation.current().calendar
        row.stopped_at = row.answer_by = None
        if row.due:
            row.due = rules.due_after_stop(calendar, row.limit, row.due, stopped, self.moment)
        dossier = self.dossier
        dossier.due = rules.due_after_stop(calendar, dossier.limit, dossier.due, stopped, self.moment)


@contextmanager
def moving(code: str, by: Actor) -> Iterator[Journey]:
    """Lock the dossier *code* and let it move within one transaction."""
    with transaction.atomic():
        dossier = Dossier.objects.select_for_update().filter(code=code).first()
        if dossier is None:
            raise NoSuchCase(code=code)
        prefetch_related_objects([dossier], "steps")  # the same rows, moved here, are those that are entered
        journey = Journey(
            dossier, service_of(dossier), {step.ref: step for step in dossier.steps.all()}, by, clock.now()
        )
        yield journey
        dossier.save()


def begin(dossier: Dossier, service: Service, steps: list[Step], by: Actor) -> Journey:
    """Start a new dossier: its first steps are handed over. The caller holds the transaction."""
    journey = Journey(dossier, service, {step.ref: step for step in steps}, by, clock.now())
    waiting = journey.case
    journey.put(rules.advance(replace(waiting)))
    return journey
