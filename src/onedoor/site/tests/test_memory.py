"""What is only remembered labels things and drives nothing; a law read in no source says so wherever it is shown."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.test import Client

from onedoor.kernel import nation, settings
from onedoor.kernel.nation import Nation, UnknownOrganisation
from onedoor.procedures import service as procedures
from onedoor.site import kinds

MEMORY = "memory"
DAYS = (date(2020, 6, 1), date(2025, 3, 1), date(2026, 11, 2))
SERVICE = "vn.birth-linked"


@pytest.fixture(scope="module")
def vietnam() -> Nation:
    kinds.load()
    return nation.load(settings.REPOSITORY / "nations" / "vietnam")


def test_a_remembered_code_is_shown_and_finds_nobody(vietnam: Nation) -> None:
    known, seen = vietnam.organisations, 0
    for day in DAYS:
        for one in known.all(day):
            for code in known.identifiers(one.id, day):
                if code.confidence == MEMORY:
                    seen += 1
                    assert code.code
                    assert code.code not in known.codes(code.scheme, day)
                    with pytest.raises(UnknownOrganisation):
                        known.identified(code.scheme, code.code, day)
    assert seen > 60


def test_a_remembered_row_of_an_organisation_says_nothing_of_who_took_over(vietnam: Nation) -> None:
    known = vietnam.organisations
    remembered = {one.id: one for day in DAYS for one in known.all(day) if one.confidence == MEMORY}
    assert remembered
    for one in remembered.values():
        assert one.name["vi"]
        if one.until:
            assert known.successors(one.id, one.until + timedelta(days=1)) == []
        for other in one.successors:
            assert one.id not in known.predecessors(other)


def test_no_right_and_no_register_leans_on_a_law_from_memory(vietnam: Nation) -> None:
    for right in vietnam.documents("right"):
        for basis in right.data["basis"].values():
            assert basis.get("confidence") in ("text", "press")
    for register in vietnam.documents("register"):
        for law in register.data["law"]:
            assert law.get("confidence") in ("text", "press") or law.get("illustrative")


def test_a_law_from_memory_says_that_it_is_illustrative_in_every_language() -> None:
    laws = procedures.get(SERVICE, "2026-09-01").law.values()
    remembered = [law for law in laws if law.confidence == MEMORY]
    assert {law.number for law in remembered} >= {"91/2015/QH13", "75/2022/TT-BTC", "25/2008/QH12"}
    for law in remembered:
        said = procedures.law_text(law)
        assert [said[language].endswith(f"({word})") for language, word in
                (("vi", "minh họa"), ("en", "illustrative"), ("fr", "à titre d’exemple"))] == [True] * 3  # fmt: skip
        read = replace(law, illustrative=False)
        assert procedures.law_text(read) == law.text


def test_the_page_of_a_service_says_which_of_its_laws_are_illustrative(client: Client) -> None:
    page = client.get(f"/en/services/{SERVICE}").content.decode()
    assert "Civil Code 2015, article 26(3) (illustrative)" in page
    assert "Residence registration is free for children (illustrative)" in page
    assert "Decree 63/2024/NĐ-CP, article 4 (illustrative)" not in page
