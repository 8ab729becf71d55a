"""What registers hold about a person: of each record what is theirs, to read and to take along."""

import csv
import io
import json
from typing import Any

import jsonschema_rs
import lxml.html
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel import nation
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.service import NotPermitted, Reader
from onedoor.privacy.tests.test_own import Transport, person, text
from onedoor.privacy.tests.test_own import transport as transport
from onedoor.registers import own_data, own_data_pages, service
from onedoor.registers.definition import registers
from onedoor.registers.tests import test_service as people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("transport")]
MOTHER, FATHER, CHILD = people.MOTHER, people.FATHER, "001326000001"
ASKER = Reader("VN/GOV/G22/PORTAL", "account-1", "own-data", "l91-2025")
WEDDING = {"number": "12/2024", "husband": FATHER, "wife": MOTHER, "registered_on": "2024-03-08", "place": "00199"}


@pytest.fixture(autouse=True)
def loaded(db: None) -> None:
    service.load("population", [people.person(MOTHER, "Trần Thu Hà", "1996-05-14", "F")])
    service.load("residence", [people.HOME])
    service.load("marriages", [WEDDING])


def held(number: str) -> dict[str, list[dict[str, Any]]]:
    return {one.register: one.records for one in own_data.of_person(number, reader=ASKER)}


def test_each_register_gives_what_it_holds_and_records_the_look_with_its_fields() -> None:
    found = held(MOTHER)
    assert set(found) == set(registers())
    assert found["population"][0]["full_name"] == "Trần Thu Hà"
    assert found["insurance"] == []
    reads = {one.register: one for one in ReadRecord.objects.filter(purpose="own-data")}
    assert set(reads) == set(registers())
    assert reads["marriages"].fields == ["number", "wife", "registered_on", "place"]
    assert [len(one.persons.all()) for one in reads.values()] == [1] * len(reads)


def test_of_a_record_about_several_each_is_told_their_own_and_what_is_shared() -> None:
    (wife,), (husband,) = held(MOTHER)["marriages"], held(FATHER)["marriages"]
    assert (wife, husband) == (
        {name: value for name, value in WEDDING.items() if name != "husband"},
        {name: value for name, value in WEDDING.items() if name != "wife"},
    )
    (home,) = held(MOTHER)["residence"]
    assert [one["number"] for one in home["members"]] == [MOTHER]
    assert home["address"] == people.HOME["address"]
    assert FATHER not in json.dumps(held(MOTHER))


BIRTH = {
    "number": "1/2026", "child": CHILD, "full_name": "Lê An", "born": "2026-11-20", "sex": "F", "place": "Hà Nội",
    "mother": {"number": MOTHER, "full_name": "Trần Thu Hà"}, "father": {"number": FATHER, "full_name": "Lê Minh Quân"},
    "registered_on": "2026-11-25", "registered_at": "commune-00199",
}  # fmt: skip


def test_each_person_a_birth_is_about_is_found_and_told_their_part_of_it() -> None:
    service.load("births", [BIRTH])
    (of_father,), (of_mother,), (of_child,) = (held(one)["births"] for one in (FATHER, MOTHER, CHILD))
    shared = {"number", "registered_on", "registered_at"}
    assert (set(of_father), set(of_mother)) == (shared | {"father"}, shared | {"mother"})
    assert of_father["father"]["number"] == FATHER
    assert of_child["full_name"] == "Lê An"
    assert MOTHER not in json.dumps(of_father)


@given(asker=st.sampled_from([MOTHER, FATHER, CHILD, "001196204818"]))
def test_nobody_is_told_what_is_another_persons_alone(asker: str) -> None:
    births = registers()["births"]
    record = {**dict.fromkeys(births.fields, ""), **BIRTH}
    told = own_data.theirs(births, record, asker)
    own = {MOTHER: {"mother"}, FATHER: {"father"}, CHILD: set(births.fields) - {"mother", "father"}}
    shared = {"number", "registered_on", "registered_at"}
    assert set(told) == (own[asker] | shared if asker in own else set())


@given(members=st.lists(st.integers(1, 9), min_size=1, unique=True), place=st.integers(0, 8))
def test_a_member_of_a_household_is_told_their_own_entry_and_where_they_live(members: list[int], place: int) -> None:
    numbers = [f"00119600000{one}" for one in members]
    entries = [{"number": one, "relation": "other"} for one in numbers]
    home = {"household": "H1", "head": numbers[0], "unit": "00199", "address": "Số 1", "members": entries}
    asker = numbers[place % len(numbers)]
    told = own_data.theirs(registers()["residence"], home, asker)
    assert told["members"] == [{"number": asker, "relation": "other"}]
    assert told["address"] == "Số 1"
    assert not [one for one in numbers if one != asker and one in json.dumps(told)]


def test_the_purpose_of_another_is_refused_and_recorded() -> None:
    with pytest.raises(NotPermitted):
        own_data.of_person(MOTHER, reader=Reader("VN/GOV/G24/INSURANCE", "u", "own-data", "l91-2025"))
    assert ReadRecord.objects.get().refused == "not-granted"


def test_the_page_names_facts_registers_forms_and_who_is_silent(transport: Transport) -> None:
    transport.silent = {"VN/GOV/G24/INSURANCE"}
    response = person().get("/en/my-data/held")
    tree = lxml.html.document_fromstring(response.content.decode())
    said = text(tree)
    assert "Trần Thu Hà" in said
    assert "14/05/1996" in said
    assert "Viet Nam Social Security" in said
    links = tree.xpath("//a[contains(@href, 'corrections/new')]/@href")
    assert "/en/corrections/new?fact=population.full_name" in links


def test_the_file_to_take_along_is_as_it_is_described_and_the_table_has_the_same_facts() -> None:
    client = person()
    taken = client.get("/api/my-data")
    assert jsonschema_rs.validator_for(own_data_pages.OWN).is_valid(taken.json())
    facts = [fact for one in taken.json()["registers"] for record in one["records"] for fact in record]
    rows = list(csv.DictReader(io.StringIO(client.get("/vi/my-data/held.csv").content.decode("utf-8-sig"))))
    assert len(rows) >= len(facts) - 1
    assert "Trần Thu Hà" in [row["Giá trị"] for row in rows]
    assert taken["Content-Disposition"].endswith(f'my-data-{nation.current().today():%Y-%m-%d}.json"')


def test_a_file_holds_no_more_records_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as small:
        small.setattr(own_data, "MOST", 0)
        found = own_data.of_person(MOTHER, reader=ASKER)
    assert all(not one.records for one in found)
    assert any(one.more for one in found)
    monkeypatch.setattr(own_data_pages, "MOST", 1)
    told = person().get("/api/my-data").json()["registers"]
    assert sum(len(one["records"]) for one in told) == 1
    assert any(one["more"] for one in told)


def test_strangers_and_officers_are_refused() -> None:
    assert Client().get("/api/my-data").status_code in (401, 302)
    assert person("chief").get("/en/my-data/held").status_code == 403
