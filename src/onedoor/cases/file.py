"""A dossier opened for its people: clock, steps, results, history."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property

from onedoor.cases import directory, rules, shown, words
from onedoor.cases.context import about
from onedoor.cases.held import ABOUT, DECIDED, RESULTS
from onedoor.cases.journey import step_at, verified
from onedoor.cases.models import Dossier, Result, Step, Transition
from onedoor.cases.opened import Opened
from onedoor.cases.shown import DECLARED
from onedoor.cases.views import (
    Answers,
    ClockView,
    DayView,
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
NUMBERS: Opened[str] = Opened(3 * 32)
"""The numbers of results: three for each dossier that is kept."""
TRANSITIONS = Rows(Transition, "dossier_id = %s ORDER BY moment, id")


def filename(code: str, kind: str) -> str:
    """Return a file name without anything personal."""
    return f"{code}-{kind}.pdf"


def late(dossier: Dossier, now: datetime) -> bool:
    """Return whether the dossier ended, or stands open, after its day."""
    return (dossier.ended_at or now) > dossier.due


class DossierView:
    """A dossier as its applicant (or a parent named in it) sees it; each part is worked out when it is looked at.

    Of what is personal in it there is only what is *seen* (see `shown.ALL`): the rest was not put on record.
    """

    def __init__(
        self, dossier: Dossier, steps: list[Step], results: Mapping[str, Result], actor: Actor, seen: Collection[str]
    ) -> None:
        self.dossier, self._rows, self._issued, self._seen = dossier, steps, results, seen
        self.known = shown.opened(dossier)
        self.definition: Service = self.known.service
        self.body = self.known.body
        self.now, self.calendar = clock.now(), nation.current().calendar
        self.mine = dossier.account == actor.person
        self.code, self.service, self.version = dossier.code, dossier.service, dossier.version
        self.state, self.ended_at = dossier.state, dossier.ended_at
        self.service_code, self.title = self.definition.code, self.definition.title
        self.reused: int = self.body["reused"]

    @cached_property
    def about(self) -> str:
        """Whom it is about."""
        return about(self.definition, self.body) if ABOUT in self._seen else ""

    @cached_property
    def clock(self) -> ClockView:
        """How much time there is."""
        return self._clock()

    @cached_property
    def steps(self) -> tuple[StepView, ...]:
        """The steps that are part of it."""
        return tuple(self._step(row) for row in self._rows if row.state != rules.SKIPPED)

    @cached_property
    def running(self) -> tuple[StepView, ...]:
        """The steps that are not at their end."""
        return tuple(step for step in self.steps if step.open)

    @property
    def counted(self) -> bool:
        """Whether the dossier's own clock counts for a step that is not at its end."""
        return any(not step.apart for step in self.running)

    @cached_property
    def results(self) -> tuple[ResultView, ...]:
        """The signed results, in the order of the steps."""
        return tuple(self._results[row.ref] for row in self._rows if row.ref in self._results)

    @cached_property
    def history(self) -> tuple[HistoryView, ...]:
        """Every transition, oldest first."""
        return tuple(self._line(row) for row in self._transitions)

    @property
    def answers(self) -> Answers:
        """What was declared."""
        return self.known.answers if DECLARED in self._seen else Answers()

    @property
    def parts(self) -> list[str]:
        """The names of what is seen, as they stand in the record of it."""
        return shown.parts(self.definition, self.body, self._seen, self._issued)

    @property
    def asked(self) -> int:
        """How many questions the person answered, which no register could."""
        return sum(not any(line["source"].values()) for line in self.body["declared"])

    @cached_property
    def may_withdraw(self) -> bool:
        """Whether the actor may still withdraw it."""
        if not self.mine or self.ended_at:
            return False
        case = (step_at(self.definition, row) for row in self._rows)
        return rules.may_withdraw(rules.CaseAt(tuple(case), self.definition.supplement.times))

    @property
    def request(self) -> Request | None:
        """The supplement that waits for the person, if any."""
        waiting = (row for row in self._rows if row.state == rules.SUPPLEMENT)
        return next(filter(None, map(self._request, waiting)), None)

    @cached_property
    def _results(self) -> dict[str, ResultView]:
        return {row.step: self._result(row) for row in self._issued.values()}

    @cached_property
    def _transitions(self) -> list[Transition]:
        return TRANSITIONS.all(self.dossier.pk)

    def _result(self, row: Result) -> ResultView:
        return ResultView(
            kind=row.kind,
            title=self.definition.results[row.kind].title,
            agency=row.agency,
            agency_name=directory.agency_name(row.agency),
            number=self._number(row) if RESULTS in self._seen else "",
            issued_at=row.issued_at,
            sha256=row.sha256,
            verify_url=row.verify_url,
            size=row.size,
            filename=filename(self.dossier.code, row.kind),
        )

    def _number(self, row: Result) -> str:
        return NUMBERS.of(bytes(row.body), lambda: str(row.read()["number"]))

    def _step(self, row: Step) -> StepView:
        early = None
        if row.state == rules.DONE and row.done_at and row.due:
            early = rules.early_minutes(self.calendar, row.done_at, row.due)
        end = row.done_at or row.stopped_at or self.now
        return StepView(
            id=row.ref,
            title=self.definition.steps[row.ref].title,
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
            apart=self.definition.steps[row.ref].apart,
            stopped_since=row.stopped_at,
            trouble=words.kept(row.trouble),
            result=self._results.get(row.ref),
            request=self._request(row),
            refusal=self._refusal(row),
            verifies=self._verifies(row),
        )

    def _request(self, row: Step) -> Request | None:
        asked = self._last(row.ref, "supplement") if row.asked and DECIDED in self._seen else None
        if asked is None:
            return None
        name = directory.agency_name(asked.agency)
        return Request(row.ref, asked.words(), name, asked.moment, row.answer_by)

    def _refusal(self, row: Step) -> Refusal | None:
        refused = self._last(row.ref, "refuse") if row.state == rules.REFUSED and DECIDED in self._seen else None
        if refused is None:
            return None
        article, law = words.ground(self.definition, row.ref, row.ground)
        name = directory.agency_name(refused.agency)
        return Refusal(row.ref, article, law, refused.words(), name, refused.moment, self.definition.appeal)

    def _verifies(self, row: Step) -> str:
        asked = self._last(row.ref, "verify") if verified(self.definition, row) and DECIDED in self._seen else None
        return asked.words() if asked else ""

    def _last(self, step: str, kind: str) -> Transition | None:
        rows = reversed(self._transitions)
        return next((row for row in rows if row.step == step and row.kind == kind), None)

    def _line(self, row: Transition) -> HistoryView:
        title = self.definition.steps[row.step].title if row.step else {}
        name = directory.agency_name(row.agency) if row.agency else {}
        words_said = row.words() if DECIDED in self._seen else ""
        return HistoryView(row.moment, row.kind, row.step, title, name, words_said, row.entry)

    def _clock(self) -> ClockView:
        today = self.calendar.local(self.now).date()
        return ClockView(
            limit=self.dossier.limit,
            submitted_at=self.dossier.submitted_at,
            counted_from=self.dossier.counted_from,
            due=self.dossier.due,
            working_days_left=self.calendar.working_days_between(today, self.calendar.local(self.dossier.due).date()),
            stopped=self.state == rules.SUPPLEMENT or any(row.state == rules.SUPPLEMENT for row in self._rows),
            late=late(self.dossier, self.now),
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
