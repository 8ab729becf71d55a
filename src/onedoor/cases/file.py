"""A dossier opened for its people: clock, steps, results, history."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from onedoor.cases import directory, rules, words
from onedoor.cases.context import about
from onedoor.cases.journey import service_of, step_at
from onedoor.cases.models import Dossier, Result, Step, Transition
from onedoor.cases.opened import Opened
from onedoor.cases.views import (
    AnswerView,
    ClockView,
    DayView,
    DossierLine,
    DossierView,
    HistoryView,
    Refusal,
    Request,
    ResultView,
    StepView,
)
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.procedures.service import Service
from onedoor.store.rows import Rows

MOST_DAYS = 31
STEPS = Rows(Step, "dossier_id = %s ORDER BY position")
OPENED: Opened[dict[str, Any]] = Opened()
RESULTS = Rows(Result, "dossier_id = %s", without=["file"])
TRANSITIONS = Rows(Transition, "dossier_id = %s ORDER BY moment, id")


def filename(code: str, kind: str) -> str:
    """Return a file name without anything personal."""
    return f"{code}-{kind}.pdf"


class File:
    """One dossier with its service and its body unsealed."""

    def __init__(self, dossier: Dossier) -> None:
        self.dossier = dossier
        self.service: Service = service_of(dossier)
        self.body = OPENED.of(bytes(dossier.body), dossier.read)
        self.now = clock.now()
        self.calendar = nation.current().calendar

    def line(self, results: int) -> DossierLine:
        """Return the dossier as it stands in a list, with the number of its *results*."""
        return DossierLine(
            code=self.dossier.code,
            title=self.service.title,
            about=about(self.service, self.body),
            state=self.dossier.state,
            submitted_at=self.dossier.submitted_at,
            due=self.dossier.due,
            late=self._late(),
            results=results,
        )

    def view(self, actor: Actor) -> DossierView:
        """Return the whole dossier."""
        rows = STEPS.all(self.dossier.pk)
        results = {row.step: self._result(row) for row in RESULTS.all(self.dossier.pk)}
        history = TRANSITIONS.all(self.dossier.pk)
        mine = self.dossier.account == actor.person
        case = rules.CaseAt(tuple(step_at(self.service, row) for row in rows), self.service.supplement.times)
        return DossierView(
            code=self.dossier.code,
            service=self.dossier.service,
            version=self.dossier.version,
            service_code=self.service.code,
            title=self.service.title,
            about=about(self.service, self.body),
            state=self.dossier.state,
            clock=self._clock(rows),
            steps=tuple(self._step(row, results, history) for row in rows if row.state != rules.SKIPPED),
            results=tuple(results[row.ref] for row in rows if row.ref in results),
            history=tuple(self._history(row) for row in history),
            answers=tuple(AnswerView(**line) for line in self.body["declared"]),
            reused=self.body["reused"],
            may_withdraw=mine and rules.may_withdraw(case),
            mine=mine,
            ended_at=self.dossier.ended_at,
        )

    def _late(self) -> bool:
        return (self.dossier.ended_at or self.now) > self.dossier.due

    def _result(self, row: Result) -> ResultView:
        return ResultView(
            kind=row.kind,
            title=self.service.results[row.kind].title,
            agency=row.agency,
            agency_name=directory.agency_name(row.agency),
            number=str(row.read()["number"]),
            issued_at=row.issued_at,
            sha256=row.sha256,
            verify_url=row.verify_url,
            size=row.size,
            filename=filename(self.dossier.code, row.kind),
        )

    def _step(self, row: Step, results: Mapping[str, ResultView], history: list[Transition]) -> StepView:
        early = None
        if row.state == rules.DONE and row.done_at and row.due:
            early = rules.early_minutes(self.calendar, row.done_at, row.due)
        end = row.done_at or row.stopped_at or self.now
        return StepView(
            id=row.ref,
            title=self.service.steps[row.ref].title,
            state=row.state,
            agency=row.agency,
            agency_name=directory.agency_name(row.agency),
            limit=row.limit,
            started_at=row.started_at,
            acknowledged_at=row.acknowledged_at,
            due=row.due,
            done_at=row.done_at,
            late=bool(row.due and end > row.due),
            early_minutes=early,
            stopped_since=row.stopped_at,
            trouble=words.kept(row.trouble),
            result=results.get(row.ref),
            request=self._request(row, history),
            refusal=self._refusal(row, history),
        )

    def _request(self, row: Step, history: list[Transition]) -> Request | None:
        asked = _last(history, row.ref, "supplement") if row.asked else None
        if asked is None:
            return None
        name = directory.agency_name(asked.agency)
        return Request(row.ref, asked.words(), name, asked.moment, row.answer_by)

    def _refusal(self, row: Step, history: list[Transition]) -> Refusal | None:
        refused = _last(history, row.ref, "refuse") if row.state == rules.REFUSED else None
        if refused is None:
            return None
        article, law = words.ground(self.service, row.ref, row.ground)
        name = directory.agency_name(refused.agency)
        return Refusal(row.ref, article, law, refused.words(), name, refused.moment, self.service.appeal)

    def _history(self, row: Transition) -> HistoryView:
        title = self.service.steps[row.step].title if row.step else {}
        name = directory.agency_name(row.agency) if row.agency else {}
        return HistoryView(row.moment, row.kind, row.step, title, name, row.words(), row.entry)

    def _clock(self, rows: list[Step]) -> ClockView:
        stopped = self.dossier.state == rules.SUPPLEMENT
        today = self.calendar.local(self.now).date()
        return ClockView(
            limit=self.dossier.limit,
            submitted_at=self.dossier.submitted_at,
            counted_from=self.dossier.counted_from,
            due=self.dossier.due,
            working_days_left=self.calendar.working_days_between(today, self.calendar.local(self.dossier.due).date()),
            stopped=stopped or any(row.state == rules.SUPPLEMENT for row in rows),
            late=self._late(),
            days=tuple(self._days(today)),
        )

    def _days(self, today: date) -> Iterator[DayView]:
        first = self.calendar.local(self.dossier.counted_from).date()
        last = self.calendar.local(self.dossier.due).date()
        for number in range(min((last - first).days, MOST_DAYS) + 1):
            day = first + timedelta(days=number)
            place = "due" if day == last else "past" if day < today else "today" if day == today else "ahead"
            status = self.calendar.status(day)
            kind = "working" if self.calendar.is_working_day(day) else status.kind
            yield DayView(day, kind, status.label, place)


def _last(history: list[Transition], step: str, kind: str) -> Transition | None:
    return next((row for row in reversed(history) if row.step == step and row.kind == kind), None)
