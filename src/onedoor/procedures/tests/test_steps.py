from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.procedures import handing, limits, rules
from onedoor.procedures.definition import Step
from onedoor.procedures.expressions import Context
from onedoor.procedures.rules import Inputs
from onedoor.procedures.tests.births import BEFORE, GRANDMOTHER, MOTHER, NOW, VIETNAM
from onedoor.procedures.tests.test_form import ALL, WORLD, filing

CALENDAR = VIETNAM.calendar
CHILD = {"number": "001326000417", "full_name": "Lê Trần An Nhiên", "born": "2026-11-19", "sex": "F"}
ISSUE = {
    "serial": 88,
    "year": 2026,
    "date": "2026-11-23",
    "at": "2026-11-23T09:00:00+07:00",
    "agency": {"id": "police-00199", "name": "Công an phường Láng", "unit": "00199"},
    "officer": {"name": "Vũ Đức Thắng", "post": "police-00199.residence"},
}
moments = st.datetimes(datetime(2018, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001


def known(**answers: Any) -> Context:
    inputs = filing(**{**ALL, **answers})
    return rules.context(NOW, replace(inputs, written={"child": CHILD}), WORLD)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM.zone)


def test_each_step_belongs_to_the_agency_of_the_childs_home() -> None:
    at = known(wants_identity_card=True)
    assert {step.id: rules.agency_of(step, at) for step in rules.steps_of(NOW, at)} == {
        "birth": "commune-00199",
        "residence": "police-00199",
        "insurance": "vss-01",
        "identity-card": "police-00199",
    }


def test_an_identity_card_nobody_asked_for_is_no_step() -> None:
    assert [step.id for step in rules.steps_of(NOW, known())] == ["birth", "residence", "insurance"]


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ("insurance", {"form", "fact", "home", "child"}),
        ("identity-card", {"form", "fact", "home", "child"}),
        ("residence", {"form", "fact", "home", "child", "mother", "father"}),
    ],
)
def test_an_agency_is_handed_only_what_its_step_needs(step: str, names: set[str]) -> None:
    assert set(handing.handed(NOW, NOW.steps[step], known())) == names


def test_social_insurance_learns_neither_the_parents_nor_the_household() -> None:
    handed = handing.handed(NOW, NOW.steps["insurance"], known())
    assert handed["home"] == {"unit": "00199"}
    assert MOTHER not in str(handed)
    assert GRANDMOTHER not in str(handed)


@pytest.mark.parametrize("step", [*NOW.steps.values()], ids=str)
def test_what_is_handed_is_enough_for_the_step(step: Step) -> None:
    names = handing.handed(NOW, step, known(wants_identity_card=True))
    empty = rules.context(NOW, Inputs("2026-11-23", {}, issue=ISSUE), WORLD)
    at = handing.received(NOW, names, empty)
    for write in step.writes:
        at = at.but(**{write.name: {**rules.values_of(write, at), **CHILD, "number": "7/2026", "card": "x"}})
    assert rules.document(NOW.results[step.issues], at)["child"]["full_name"] == "Lê Trần An Nhiên"


def test_the_number_of_a_result_is_a_text_whatever_gives_it() -> None:
    slip = replace(NOW.results["birth_certificate"], data={"number": "issue.serial", "at": "issue.serial"})
    assert rules.document(slip, known().but(issue={"serial": 88})) == {"number": "88", "at": 88}


def test_received_in_time_the_clock_starts_at_once_and_late_on_the_next_working_day() -> None:
    in_time, late = local("2026-11-20T15:00"), local("2026-11-20T15:01")
    assert limits.start(NOW, in_time, CALENDAR) == in_time
    assert limits.start(NOW, late, CALENDAR) == local("2026-11-23T08:00")


def test_before_september_2026_a_birth_was_due_on_the_same_working_day() -> None:
    assert limits.step_due(BEFORE, BEFORE.steps["birth"], local("2026-08-20T10:00"), CALENDAR) == local(
        "2026-08-20T17:00"
    )
    assert limits.step_due(NOW, NOW.steps["birth"], local("2026-11-18T10:00"), CALENDAR) == local("2026-11-19T10:00")


def test_what_an_agency_receives_after_the_cutoff_counts_from_its_next_working_day() -> None:
    birth, residence = NOW.steps["birth"], NOW.steps["residence"]
    assert limits.step_due(NOW, birth, local("2026-12-07T15:01"), CALENDAR) == local("2026-12-09T08:00")
    assert limits.step_due(NOW, residence, local("2026-12-07T15:00"), CALENDAR) == local("2026-12-08T17:00")
    assert limits.step_due(NOW, residence, local("2026-12-07T15:01"), CALENDAR) == local("2026-12-09T17:00")


def test_verification_makes_the_limit_longer() -> None:
    start = local("2026-12-07T10:00")
    assert limits.step_due(NOW, NOW.steps["residence"], start, CALENDAR) == local("2026-12-08T17:00")
    assert limits.step_due(NOW, NOW.steps["residence"], start, CALENDAR, verified=True) == local("2026-12-11T17:00")
    assert limits.whole_due(NOW, start, CALENDAR, verified=True) == local("2026-12-11T17:00")


def test_the_longest_way_is_as_long_as_the_law_says() -> None:
    assert limits.critical_path(NOW) == (3, ["birth", "residence"])


@given(moments)
def test_steps_that_take_all_their_time_end_by_the_total_unless_a_clock_hour_runs_into_a_day_off(
    moment: datetime,
) -> None:
    start = limits.start(NOW, moment, CALENDAR)
    birth = limits.step_due(NOW, NOW.steps["birth"], start, CALENDAR)
    residence = limits.step_due(NOW, NOW.steps["residence"], birth, CALENDAR)
    assert start < birth <= residence
    assert birth - start == timedelta(hours=24)
    if CALENDAR.is_working_day(birth.date()):
        assert residence <= limits.whole_due(NOW, start, CALENDAR)


@given(moments, moments)
def test_what_is_submitted_later_is_never_due_earlier(one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    starts = [limits.start(NOW, moment, CALENDAR) for moment in (first, second)]
    assert starts[0] <= starts[1]
    assert limits.whole_due(NOW, starts[0], CALENDAR) <= limits.whole_due(NOW, starts[1], CALENDAR)


@given(moments)
def test_a_clock_starts_and_ends_on_working_days(moment: datetime) -> None:
    start = limits.start(NOW, moment, CALENDAR)
    assert start >= moment
    assert CALENDAR.is_working_day(start.date())
    assert CALENDAR.is_working_day(limits.whole_due(NOW, start, CALENDAR).date())
    assert CALENDAR.working_days_between(start.date(), limits.whole_due(NOW, start, CALENDAR).date()) == 2


def test_a_unit_of_another_day_keeps_its_code() -> None:
    from onedoor.procedures.world import world_of

    functions = world_of(VIETNAM, date(2026, 11, 22)).functions
    assert functions["unit_name"]("99999") == "99999"
    assert functions["province"]("99999") is None
    assert functions["province"]("00199") == "01"
    assert functions["residence_text"](None) == ""
    assert functions["agency"]("commune", "99999") is None
    assert functions["list_text"]("clinics", "no-such") == "no-such"


def test_a_condition_is_checked_again_only_where_all_it_names_was_handed() -> None:
    birth = NOW.steps["birth"]
    assert handing.enough(NOW, birth, "known(notice) && on_time(fact.born, today, 60)")
    assert not handing.enough(NOW, birth, "size(notices) > 0")
    assert not handing.enough(NOW, birth, "known(mother_home) || known(father_home)")


def test_an_answer_is_said_in_words_where_the_choices_are_not_known() -> None:
    names = handing.handed(NOW, NOW.steps["birth"], known())
    at = handing.received(NOW, names, rules.context(NOW, Inputs("2026-11-23", {}, issue=ISSUE), WORLD))
    assert rules.said(NOW.fields["native_place"], at) == "Thành phố Hà Nội"
    assert str(rules.said(NOW.fields["home"], at)).endswith("Phường Láng, Thành phố Hà Nội")
