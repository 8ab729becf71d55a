from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from onedoor.cases import rules
from onedoor.cases.errors import NotPossible, OneSupplementOnly
from onedoor.cases.rules import CaseAt, StepAt
from onedoor.kernel.clock import Calendar, Day, Limit

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
HOURS = ((time(8), time(12)), (time(13), time(17)))
CALENDAR = Calendar(HANOI, HOURS, {date(2026, 12, 9): Day("holiday", {"en": "a day off"})})
MAY = frozenset({"supplement", "refuse", "hand_over"})


def birth(*, card: bool = False) -> CaseAt:
    return rules.begin(
        [
            StepAt("birth", may=MAY),
            StepAt("residence", frozenset({"birth"}), MAY),
            StepAt("insurance", frozenset({"birth"}), MAY),
            StepAt("card", frozenset({"residence"}), MAY, rules.WAITING if card else rules.SKIPPED),
        ]
    )


def states(case: CaseAt) -> list[str]:
    return [step.state for step in case.steps]


def test_only_steps_that_wait_for_nothing_begin() -> None:
    assert states(birth(card=True)) == ["sending", "waiting", "waiting", "waiting"]


def test_what_comes_after_begins_when_its_predecessor_is_done() -> None:
    case = rules.move(rules.move(birth(), "birth", "acknowledge"), "birth", "done")
    assert states(case) == ["done", "sending", "sending", "skipped"]


def test_a_refused_step_drops_what_comes_after_it_and_ends_the_case() -> None:
    case = rules.move(birth(card=True), "birth", "refuse")
    assert states(case) == ["refused", "dropped", "dropped", "dropped"]
    assert case.state == "refused"


def test_a_refusal_beside_a_result_ends_the_case_partly() -> None:
    case = rules.move(rules.move(birth(), "birth", "done"), "residence", "refuse")
    assert case.state == "working"
    assert rules.move(case, "insurance", "done").state == "partly"


def test_a_case_is_done_when_all_its_steps_are() -> None:
    case = birth()
    for step in ("birth", "residence", "insurance"):
        case = rules.move(case, step, "done")
    assert case.state == "done"


def test_a_supplement_is_asked_as_often_as_the_law_allows() -> None:
    case = rules.move(rules.move(birth(), "birth", "supplement"), "birth", "answer")
    with pytest.raises(OneSupplementOnly):
        rules.move(case, "birth", "supplement")


def test_a_step_goes_no_way_its_definition_does_not_name() -> None:
    with pytest.raises(NotPossible):
        rules.move(rules.begin([StepAt("birth")]), "birth", "refuse")


def test_nothing_is_withdrawn_after_the_birth_is_registered() -> None:
    assert rules.withdraw(birth()).state == "withdrawn"
    with pytest.raises(NotPossible):
        rules.withdraw(rules.move(birth(), "birth", "done"))


def test_a_supplement_that_never_comes_stops_the_case() -> None:
    assert rules.move(rules.move(birth(), "birth", "supplement"), "birth", "expire").state == "stopped"


class AnyCase(RuleBasedStateMachine):
    """Any definition, any order of moves: nothing is lost, nothing done twice, the clock stops on a supplement."""

    @initialize(data=st.data())
    def define(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, 5))
        self.ids = [f"s{number}" for number in range(count)]
        self.case = rules.begin(
            StepAt(
                ref,
                data.draw(st.frozensets(st.sampled_from(self.ids[:number]))) if number else frozenset(),
                data.draw(st.frozensets(st.sampled_from(sorted(MAY)))),
                data.draw(st.sampled_from(["waiting", "waiting", "skipped"])),
            )
            for number, ref in enumerate(self.ids)
        )
        self.issued: Counter[str] = Counter()
        self.was_ended: dict[str, str] = {}

    @rule(data=st.data(), kind=st.sampled_from(sorted(rules.MOVES)))
    def step_moves(self, data: st.DataObject, kind: str) -> None:
        ref = data.draw(st.sampled_from(self.ids))
        before = self.case.step(ref)
        try:
            self.case = rules.move(self.case, ref, kind)
        except (NotPossible, OneSupplementOnly):
            return
        assert before.state in rules.ACTIVE
        if kind in rules.WAYS_OUT:
            assert kind in before.may
        if kind == "done":
            assert before.state != "supplement", "a step whose clock stands still cannot be done"
            self.issued[ref] += 1

    @rule()
    def person_withdraws(self) -> None:
        if rules.may_withdraw(self.case):
            self.case = rules.withdraw(self.case)
            assert not self.issued

    @invariant()
    def no_step_is_lost(self) -> None:
        assert [step.id for step in self.case.steps] == self.ids

    @invariant()
    def nothing_is_issued_twice(self) -> None:
        assert all(count == 1 for count in self.issued.values())
        assert {step.id for step in self.case.steps if step.state == "done"} == set(self.issued)

    @invariant()
    def what_ended_stays_ended(self) -> None:
        for step in self.case.steps:
            assert self.was_ended.get(step.id, step.state) == step.state
            if step.state in rules.ENDED:
                self.was_ended[step.id] = step.state

    @invariant()
    def somebody_always_has_the_case_until_it_ends(self) -> None:
        active = any(step.state in rules.ACTIVE for step in self.case.steps)
        assert active == any(step.state not in rules.ENDED for step in self.case.steps)
        assert active == (self.case.state in {"working", "supplement"})

    @invariant()
    def a_step_begins_only_after_its_predecessors(self) -> None:
        fulfilled = {step.id for step in self.case.steps if step.state in rules.FULFILLED}
        assert all(step.after <= fulfilled for step in self.case.steps if step.state in rules.ACTIVE | {"done"})


AnyCase.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyCase = AnyCase.TestCase


@given(st.lists(st.sampled_from(sorted(rules.TASK_MOVES)), max_size=12))
def test_a_task_ends_once_whatever_is_tried(kinds: list[str]) -> None:
    state, ended = rules.NEW, 0
    for kind in kinds:
        try:
            state = rules.move_task(state, kind)
        except NotPossible:
            continue
        ended += state in {"done", "refused", "handed_over", "withdrawn", "stopped"}
    assert ended <= 1


def test_an_officer_may_not_decide_while_the_person_is_asked() -> None:
    assert rules.task_may("supplement", MAY, asked=1, times=1) == frozenset()
    assert rules.task_may("new", MAY, asked=1, times=1) == {"accept", "refuse", "hand_over"}


moments = st.datetimes(datetime(2026, 9, 1), datetime(2027, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


limits = st.sampled_from(["24h", "10min", "2wh", "2wd", "3wd", "7d"])
PLAIN = Calendar(HANOI, HOURS, {})


@given(moments, limits, st.integers(0, 5000), st.integers(0, 90), st.integers(0, 90))
def test_a_stopped_clock_never_takes_time_away(start: datetime, limit: str, before: int, days: int, more: int) -> None:
    due = CALENDAR.due(start, Limit.parse(limit))
    stopped = start + timedelta(minutes=before)
    resumed, still_later = stopped + timedelta(days=days), stopped + timedelta(days=days + more)
    later = rules.due_after_stop(CALENDAR, limit, due, stopped, resumed)
    assert later >= due or stopped > due
    assert later <= rules.due_after_stop(CALENDAR, limit, due, stopped, still_later)
    if stopped < due and limit == "2wh":
        left = CALENDAR.working_minutes_between(stopped, due)
        assert CALENDAR.working_minutes_between(resumed, later) >= left


@given(moments, st.sampled_from(["24h", "2wd", "3wd"]), st.integers(0, 5000), st.integers(1, 20))
def test_a_clock_stopped_for_whole_weeks_is_due_so_many_weeks_later(
    start: datetime, limit: str, before: int, weeks: int
) -> None:
    due = PLAIN.due(start, Limit.parse(limit))
    stopped = start + timedelta(minutes=before)
    if stopped < due:
        resumed = stopped + timedelta(weeks=weeks)
        assert rules.due_after_stop(PLAIN, limit, due, stopped, resumed) == due + timedelta(weeks=weeks)


def test_a_clock_stopped_at_once_has_its_whole_limit_left() -> None:
    asked = datetime(2026, 12, 7, 10, tzinfo=HANOI)
    limit = Limit.parse("2wd")
    resumed = datetime(2026, 12, 8, 9, tzinfo=HANOI)
    later = rules.due_after_stop(CALENDAR, "2wd", CALENDAR.due(asked, limit), asked, resumed)
    assert later == CALENDAR.due(resumed, limit)
    assert later > datetime(2026, 12, 9, 23, tzinfo=HANOI), "the day off on the 9th is not counted"
