from collections.abc import Mapping
from datetime import date

import pytest

from onedoor.procedures.definition import Service
from onedoor.procedures.tests.births import SERVICES


@pytest.fixture(scope="module")
def versions() -> Mapping[str, Service]:
    return SERVICES


def test_the_birth_service_has_the_code_that_was_the_laws_on_the_day(versions: Mapping[str, Service]) -> None:
    on = {day: [s.code for s in versions.values() if s.in_force(day)] for day in (date(2026, 8, 31), date(2026, 9, 1))}
    assert on == {date(2026, 8, 31): ["2.002621"], date(2026, 9, 1): ["3.000722"]}


def test_no_version_is_in_force_before_the_first_one(versions: Mapping[str, Service]) -> None:
    assert not any(s.in_force(date(2024, 6, 30)) for s in versions.values())


def test_a_version_takes_away_what_it_does_not_have(versions: Mapping[str, Service]) -> None:
    assert "identity-card" in versions["2026-09-01"].steps
    assert "identity-card" not in versions["2024-07-01"].steps
    assert "wants_identity_card" not in versions["2024-07-01"].fields
    assert versions["2024-07-01"].steps["birth"].within == "0wd"


def test_a_step_waits_for_those_before_it(versions: Mapping[str, Service]) -> None:
    assert versions["2026-09-01"].before("identity-card") == {"residence", "birth"}
