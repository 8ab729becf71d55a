"""Every nation in the repository is sound, and the invented one shows that the engine assumes no country."""

import shutil
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from onedoor.kernel import nation, settings
from onedoor.kernel.clock import Limit
from onedoor.registers.people import generator
from onedoor.site import kinds

NATIONS = sorted(file.parent for file in (settings.REPOSITORY / "nations").glob("*/nation.yaml"))


@pytest.fixture
def testland() -> nation.Nation:
    kinds.load()
    return nation.load(settings.REPOSITORY / "nations" / "testland")


@pytest.mark.parametrize("folder", NATIONS, ids=lambda folder: folder.name)
def test_a_nation_of_the_repository_has_no_fault(folder: Path) -> None:
    kinds.load()
    assert nation.check(folder) == []


def test_there_is_more_than_one_nation() -> None:
    assert {folder.name for folder in NATIONS} >= {"testland", "vietnam"}


def test_its_week_runs_from_sunday_to_thursday_in_its_own_zone(testland: nation.Nation) -> None:
    calendar = testland.calendar
    assert calendar.is_working_day(date(2026, 3, 1))
    assert not calendar.is_working_day(date(2026, 3, 13))
    assert not calendar.is_working_day(date(2026, 3, 4))
    assert calendar.is_working_day(date(2026, 3, 6))
    due = calendar.due(datetime(2026, 3, 2, 21, tzinfo=UTC), Limit.parse("3wd"))
    assert (due.date(), due.time()) == (date(2026, 3, 6), time(16))


def test_its_texts_are_in_its_own_languages_only(testland: nation.Nation) -> None:
    assert testland.languages == ("fr", "en")
    assert set(testland.agencies["town-N101"].name) == {"en", "fr"}
    assert testland.units.find("hill", "commune", date(2026, 3, 1))[0].code == "N101"


def test_everything_in_it_says_that_it_is_invented(testland: nation.Nation) -> None:
    for agency in testland.agencies.values():
        assert agency.illustrative or "invented" in agency.source
    for kind in ("list", "right", "service", "register"):
        for document in testland.documents(kind):
            assert "illustrative: true" in document.path.read_text() or "invented" in document.path.read_text()


def test_a_nation_without_words_for_people_begins_with_the_records_in_its_file(testland: nation.Nation) -> None:
    assert generator.generate(10, nation=testland) == {
        "bicycles": [{"mark": "B00001", "owner": "P0001", "marked_on": "2026-01-05", "place": "N101", "colour": "blue"}]
    }


def test_a_record_that_does_not_fit_its_register_is_a_fault(tmp_path: Path) -> None:
    kinds.load()
    country = shutil.copytree(settings.REPOSITORY / "nations" / "testland", tmp_path / "testland")
    file = country / "demonstration.yaml"
    file.write_text(file.read_text("utf-8").replace("mark: B00001", "mark: 00001"), "utf-8")
    (fault,) = nation.check(country)
    assert "this record does not fit its register" in fault.wrong
    assert file.read_text("utf-8").splitlines()[fault.line - 1].strip().startswith("- {mark: 00001")
