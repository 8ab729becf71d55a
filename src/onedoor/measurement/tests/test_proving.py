"""What a case proves of its service: each condition, each fault, each visit."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.cases.service import Course, Evidence, Passage
from onedoor.kernel.nation.layers import overlay
from onedoor.measurement import proving
from onedoor.procedures import reading
from onedoor.procedures.service import Scale, Service
from onedoor.procedures.tests.births import PLAIN
from onedoor.procedures.tests.test_stages import ALL, FEE, PAPER, TEXT, VISIT, WAYS

MOMENT = datetime(2026, 12, 7, 9, tzinfo=UTC)
STEPS = {"birth": "done", "residence": "done", "insurance": "done", "identity-card": "skipped"}
KINDS = {"birth": "birth_certificate", "residence": "residence_notice", "insurance": "insurance_card"}
COURSE = Course("2612-AAAA-A1", "me", "vn.birth-linked", "2026-09-01", "d", "done", MOMENT, MOMENT, STEPS, KINDS)
PASSED = (
    Passage("submit", "", "me", recorded=True),
    *(Passage("done", one, "officer", recorded=True) for one in KINDS),
)
EVIDENCE = Evidence(5, 12, PASSED, frozenset(KINDS.values()))
WHOLE, OLD = ALL["vn-2026"], ALL["vn-2011"]


def service(**change: Any) -> Service:
    return reading.read(overlay(deepcopy(PLAIN["2026-09-01"]), change))


def judged(one: Service | None = None, course: Course = COURSE, evidence: Evidence = EVIDENCE) -> proving.Judgement:
    return proving.judge(one or service(), course, evidence, "d")


def test_the_steps_and_results_are_those_of_the_definition() -> None:
    assert set(STEPS) == set(service().steps)
    assert all(service().steps[step].issues == kind for step, kind in KINDS.items())


def test_a_case_with_all_its_results_shows_every_condition_but_the_proactive_ones() -> None:
    found = judged()
    assert found.passed
    assert set(found.shown) == {need for level in (*WHOLE.levels, *OLD.levels) for need in level.needs}
    assert [proving.proved(scale, len(scale.levels), found.shown) for scale in (WHOLE, OLD)] == [2, 4]
    assert proving.proved(ALL["vn-2026-proactive"], 4, found.shown) == 0


@pytest.mark.parametrize(
    ("course", "evidence", "faults"),
    [
        ({"state": "partly"}, {}, ["state"]),
        ({"digest": "e"}, {}, ["changed"]),
        ({"results": {}}, {}, ["result"] * 3),
        ({}, {"sealed": frozenset()}, ["result"] * 3),
        ({"results": {**KINDS, "birth": "insurance_card"}}, {}, ["result"]),
        ({}, {"passages": PASSED[1:]}, ["applicant"]),
        ({}, {"passages": (*PASSED, PASSED[0])}, ["applicant"]),
        ({}, {"passages": (replace(PASSED[0], by="officer"), *PASSED[1:])}, ["applicant"]),
        ({}, {"passages": (replace(PASSED[0], recorded=False), *PASSED[1:])}, ["ledger"]),
        ({}, {"passages": PASSED[:-1]}, ["ledger"]),
        ({}, {"passages": ()}, ["applicant", "ledger", "ledger", "ledger"]),
    ],
)
def test_a_forged_or_incomplete_run_is_refused_and_says_why(
    course: dict[str, Any], evidence: dict[str, Any], faults: list[str]
) -> None:
    found = judged(course=replace(COURSE, **course), evidence=replace(EVIDENCE, **evidence))
    assert [what for what, _part in found.faults] == faults
    assert (found.passed, found.shown) == (False, ())


@pytest.mark.parametrize(
    ("change", "evidence", "missing"),
    [
        ({}, {"answers": 0}, {"form", "interactive"}),
        ({}, {"reused": 0}, {"reuse"}),
        ({"steps": {"birth": {"visit": VISIT}}}, {}, {"handling"}),
        ({"papers": PAPER}, {}, {"originals"}),
        ({"fees": {"one": {**FEE, "paid": "office"}}}, {}, {"payment"}),
        ({"fees": {"one": {**FEE, "paid": "online"}}}, {}, {"payment"}),
    ],
)
def test_what_a_case_did_not_show_is_not_proved(
    change: dict[str, Any], evidence: dict[str, Any], missing: set[str]
) -> None:
    found = judged(service(**change), evidence=replace(EVIDENCE, **evidence))
    assert found.passed
    assert set(proving.unshown(WHOLE, 2, found.shown)) == missing
    assert proving.proved(WHOLE, 2, found.shown) == 1


@given(level=st.integers(0, 4), shown=st.sets(st.sampled_from([*STEPS, *(n for one in OLD.levels for n in one.needs)])))
def test_nothing_is_proved_beyond_the_definition_or_without_every_condition_below(level: int, shown: set[str]) -> None:
    found = proving.proved(OLD, level, sorted(shown))
    assert found <= level
    assert all(set(one.needs) <= shown for one in OLD.levels[:found])
    assert found == level or not set(OLD.levels[found].needs) <= shown
    assert bool(proving.unshown(OLD, level, sorted(shown))) == (found < level)


@pytest.mark.parametrize(
    ("change", "course", "away"),
    [
        ({}, {}, True),
        ({}, {"state": "partly"}, True),
        ({}, {"state": "refused", "steps": {**STEPS, "birth": "refused"}, "results": {}}, False),
        ({}, {"state": "refused", "steps": {"birth": "refused"}, "results": {}}, True),
        ({}, {"state": "withdrawn"}, False),
        ({}, {"state": "stopped"}, False),
        ({}, {"results": {}}, False),
        ({"steps": {"birth": {"visit": VISIT}}}, {}, False),
        ({"steps": {"identity-card": {"visit": VISIT}}}, {}, True),
        ({"papers": PAPER}, {}, False),
        ({"papers": PAPER, "ways": {**WAYS, "filing": ["online", "post"]}}, {}, True),
        ({"fees": {"one": {**FEE, "paid": "office"}}}, {}, False),
        ({"fees": {"one": {**FEE, "text": TEXT, "paid": "online"}}}, {}, True),
    ],
)
def test_a_case_ended_without_a_visit_or_not(change: dict[str, Any], course: dict[str, Any], away: bool) -> None:
    assert proving.away(service(**change), replace(COURSE, **course)) is away


def test_a_scale_without_levels_proves_nothing() -> None:
    empty: Scale = replace(WHOLE, levels=())
    assert proving.proved(empty, 0, []) == 0
