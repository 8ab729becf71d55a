"""Public organisations: names and codes of the day, who took over, and nothing decided by memory."""

from datetime import date

import pytest

from onedoor.kernel import nation, settings
from onedoor.kernel.nation import UnknownOrganisation

VIETNAM = settings.REPOSITORY / "nations" / "vietnam"
G = "QCVN 102 / Decision 20/2020"
BEFORE, TODAY = date(2024, 6, 1), date(2026, 9, 1)


@pytest.fixture(scope="module")
def vietnam() -> nation.Nation:
    return nation.load(VIETNAM)


def ids(organisations):
    return [one.id for one in organisations]


def test_ministries_and_provinces_are_those_of_the_day(vietnam):
    known = vietnam.organisations
    assert [sum(one.kind == "ministry" for one in known.all(day)) for day in (BEFORE, TODAY)] == [18, 14]
    provinces = [[one for one in known.all(day) if one.kind in ("province", "city")] for day in (BEFORE, TODAY)]
    assert [len(one) for one in provinces] == [63, 34]
    for day, of_the_day in zip((BEFORE, TODAY), provinces, strict=True):
        assert {one.unit for one in of_the_day} == {unit.code for unit in vietnam.units.of_level("province", day)}


def test_an_organisation_has_the_name_of_the_day(vietnam):
    known = vietnam.organisations
    assert known.organisation("hue", date(2024, 12, 31)).name["vi"] == "Tỉnh Thừa Thiên Huế"
    assert known.organisation("hue", date(2025, 1, 1)).name["vi"] == "Thành phố Huế"
    assert known.organisation("dong-nai-2025", date(2026, 4, 29)).kind == "province"
    assert known.organisation("dong-nai-2025", date(2026, 4, 30)).kind == "city"
    assert known.organisation("viet-nam-social-security", TODAY).within == "ministry-of-finance"
    with pytest.raises(UnknownOrganisation):
        known.organisation("ministry-of-transport", TODAY)


def test_a_code_belongs_to_the_organisation_that_had_it_on_the_day(vietnam):
    known = vietnam.organisations
    assert known.identified(G, "G10", BEFORE).id == "ministry-of-agriculture-and-rural-development"
    assert known.identified(G, "G10", TODAY).id == "ministry-of-agriculture-and-environment"
    assert {one.code for one in known.identifiers("ministry-of-construction", BEFORE)} == {"G17"}
    assert {one.code for one in known.identifiers("ministry-of-construction", TODAY)} == {"G04", "G17"}
    assert {one.scheme for one in known.identifiers("cao-bang", TODAY)} == {G, "GSO"}
    with pytest.raises(UnknownOrganisation):
        known.identified(G, "G07", TODAY)


def test_who_took_over_is_found_and_where_one_came_from(vietnam):
    known = vietnam.organisations
    assert ids(known.successors("ha-giang", TODAY)) == ["tuyen-quang-2025"]
    assert ids(known.successors("ha-giang", BEFORE)) == ["ha-giang"]
    assert ids(known.successors("ministry-of-transport", TODAY)) == ["ministry-of-construction"]
    assert known.predecessors("can-tho-2025") == ["can-tho", "hau-giang", "soc-trang"]
    assert "ministry-of-planning-and-investment" in known.predecessors("ministry-of-finance")


def test_what_is_only_remembered_labels_and_never_decides(vietnam):
    known = vietnam.organisations
    code = next(one for one in known.identifiers("ha-noi", TODAY) if one.scheme == G)
    assert (code.code, code.confidence) == ("H26", "memory")
    with pytest.raises(UnknownOrganisation):
        known.identified(G, "H26", TODAY)
    assert "H26" not in known.codes(G, TODAY)
    remembered = "commission-for-the-management-of-state-capital-at-enterprises"
    assert known.organisation(remembered, BEFORE).successors == ("ministry-of-finance",)
    assert ids(known.successors(remembered, TODAY)) == []
    assert remembered not in known.predecessors("ministry-of-finance")


def test_every_row_names_its_source_and_all_three_languages(vietnam):
    for day in (BEFORE, TODAY):
        for one in vietnam.organisations.all(day):
            assert one.source
            assert set(one.name) == set(vietnam.languages)


def test_a_nation_need_not_name_its_organisations():
    known = nation.Organisations()
    assert not known.given
    assert known.all(TODAY) == []


def test_the_calendar_covers_2018_to_2027_and_only_decisions_decide(vietnam):
    assert vietnam.calendar.covers == (date(2018, 1, 1), date(2027, 12, 31))
    assert all(day.decision for day in vietnam.calendar.days.values())
    for day, special in vietnam.calendar.days.items():
        if not special.decided:
            assert vietnam.calendar.is_working_day(day) == (day.weekday() < 5)
