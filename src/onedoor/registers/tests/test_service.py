import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from onedoor.privacy.models import ReadPerson, ReadRecord
from onedoor.privacy.records import BLIND
from onedoor.privacy.service import NotPermitted, Reader, reads_of_case
from onedoor.registers import service, storage
from onedoor.registers.definition import register_of
from onedoor.registers.models import Record, Term
from onedoor.store import keys
from onedoor.store.beside import Beside
from onedoor.store.models import StatedEvent
from onedoor.store.sealed import BadEnvelope

MOTHER, FATHER, GRANDMOTHER = "001196204817", "036094117302", "001168005926"
CASE = "2611-7K4M-Q8"
PORTAL = Reader("VN/GOV/G22/PORTAL", "account-1", "birth-form", "nd63-2024.4.5", CASE)
COMMUNE = Reader("VN/GOV/G15/CIVIL-STATUS", "commune-00199.civil-status", "birth-registration", "l60-2014.16", CASE)
POLICE = Reader("VN/GOV/G01/POPULATION", "police-00199.residence", "permanent-residence", "l68-2020", CASE)
MIDWIFE = Reader("VN/GOV/G18/HEALTH", "facility-01901.midwife", "birth-notice", "nd63-2024.25")
CURIOUS = Reader("VN/GOV/G22/PORTAL", "account-1", "curiosity", "nd63-2024.4.5", CASE)
NOBODYS = "001190204813"
pytestmark = pytest.mark.django_db
lasting = pytest.mark.django_db(transaction=True)

CHILD = {
    "full_name": "Lê Trần An Nhiên",
    "born": "2026-11-01",
    "sex": "F",
    "birth_registered_in": "00199",
    "mother": MOTHER,
    "father": FATHER,
}
NOTICE = {
    "mother": MOTHER,
    "born": "2026-11-01T06:40",
    "sex": "F",
    "weight_g": 3150,
    "place": {"facility": "Lotus", "unit": "00199"},
    "facility": "facility-01901",
}
HOME: dict[str, Any] = {
    "household": "H0000000001",
    "head": GRANDMOTHER,
    "unit": "00199",
    "address": "Số 12 ngõ 91 Chùa Láng",
    "members": [{"number": GRANDMOTHER, "relation": "head"}, {"number": MOTHER, "relation": "child"}],
}


def person(number: str, name: str, born: str, sex: str) -> dict[str, Any]:
    return {"number": number, "full_name": name, "born": born, "sex": sex, "phone": "0000123456"}


def _row(number: str) -> UUID:
    (row,) = storage.versions(register_of("population"), "number", {"number": number})
    return row.id


@pytest.fixture
def parents() -> None:
    service.load("population", [
        person(MOTHER, "Trần Thu Hà", "1996-05-14", "F"), person(FATHER, "Lê Minh Quân", "1994-09-02", "M"),
    ])  # fmt: skip


@pytest.mark.usefixtures("parents")
def test_a_look_up_of_a_number_nobody_has_leaves_no_key_behind_but_is_on_record() -> None:
    assert service.lookup("population", {"number": NOBODYS}, reader=PORTAL).records == []
    with pytest.raises(NotPermitted):
        service.lookup("population", {"number": NOBODYS}, reader=CURIOUS)
    assert keys.live(NOBODYS) is None
    assert keys.live(MOTHER) is not None
    asked = ReadPerson.objects.filter(person=keys.blind(BLIND, NOBODYS))
    assert [bytes(one.sealed) for one in asked] == [b"", b""]


@pytest.mark.usefixtures("parents")
def test_the_key_that_seals_who_is_read_opens_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(keys, "_one")  # the way to a key by its id
    assert service.lookup("population", {"number": MOTHER}, reader=PORTAL).records


@pytest.mark.usefixtures("parents")
def test_a_person_is_found_by_number_in_the_fields_of_the_purpose() -> None:
    found = service.lookup("population", {"number": MOTHER}, reader=PORTAL)
    (record,) = found.records
    assert record["full_name"] == "Trần Thu Hà"
    assert "birth_registered_in" not in record
    assert ReadRecord.objects.get(id=found.record).persons.count() == 1


@pytest.mark.usefixtures("parents")
def test_a_person_is_found_by_name_without_accents_and_year() -> None:
    found = service.lookup("population", {"full_name": "tran thu ha", "born_year": "1996"}, reader=PORTAL)
    assert [record["number"] for record in found.records] == [MOTHER]


@pytest.mark.usefixtures("parents")
def test_wanted_fields_alone_are_answered() -> None:
    found = service.lookup("population", {"number": MOTHER}, reader=PORTAL, wanted=["full_name", "birth_registered_in"])
    assert found.records == [{"full_name": "Trần Thu Hà"}]


@pytest.mark.usefixtures("parents")
def test_a_number_written_otherwise_hides_no_read_from_the_person() -> None:
    found = service.lookup("population", {"number": f" {MOTHER} "}, reader=PORTAL)
    assert [record["number"] for record in found.records] == [MOTHER]
    assert ReadPerson.objects.filter(record_id=found.record, person=keys.blind(BLIND, MOTHER)).exists()


@pytest.mark.usefixtures("parents")
def test_a_look_up_that_was_led_to_another_person_past_the_programs_tells_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE registers_term DISABLE TRIGGER USER")
        cursor.execute("UPDATE registers_term SET record_id = %s WHERE record_id = %s", [_row(FATHER), _row(MOTHER)])
    with pytest.raises(BadEnvelope):
        service.lookup("population", {"number": MOTHER}, reader=PORTAL)


def test_nothing_found_is_on_record_too_with_the_person_asked_for() -> None:
    found = service.lookup("population", {"number": FATHER}, reader=PORTAL)
    assert found.records == []
    assert ReadRecord.objects.get(id=found.record).persons.count() == 1


@pytest.mark.usefixtures("parents")
def test_another_purpose_is_told_nothing() -> None:
    with pytest.raises(NotPermitted):
        service.lookup("population", {"number": MOTHER}, reader=MIDWIFE, wanted=["phone"])
    assert ReadRecord.objects.get().refused == "fields-not-granted"


@lasting
@pytest.mark.parametrize("meanwhile", [True, False], ids=["beside", "in turn"])
def test_what_cannot_be_recorded_is_not_told(meanwhile: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    service.load("population", [person(MOTHER, "Trần Thu Hà", "1996-05-14", "F")])
    if not meanwhile:
        monkeypatch.setattr(Beside, "send", lambda *_: None)
    assert service.lookup("population", {"number": MOTHER}, reader=PORTAL).records
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE privacy_readrecord ADD CONSTRAINT no_room CHECK (false) NOT VALID")
        with pytest.raises(IntegrityError):
            service.lookup("population", {"number": MOTHER}, reader=PORTAL)
        cursor.execute("ALTER TABLE privacy_readrecord DROP CONSTRAINT no_room")
    assert service.lookup("population", {"number": MOTHER}, reader=PORTAL).records
    assert ReadRecord.objects.filter(operation="read").count() == 2


def test_a_newborn_gets_a_number_of_the_documented_structure() -> None:
    written = service.write("population", CHILD, reader=COMMUNE, key="k1")
    assert written["number"].startswith("001326")
    assert len(written["number"]) == 12
    assert set(written) == {*CHILD, "number"}


def test_the_same_key_writes_once_and_answers_the_same() -> None:
    first = service.write("population", CHILD, reader=COMMUNE, key="k1")
    assert service.write("population", CHILD, reader=COMMUNE, key="k1") == first
    assert service.count("population") == 1
    with pytest.raises(service.KeyUsed):
        service.write("population", CHILD | {"sex": "M"}, reader=COMMUNE, key="k1")


@lasting
def test_the_same_key_at_the_same_time_writes_once() -> None:
    answers: list[dict[str, Any]] = []

    def write() -> None:
        answers.append(service.write("population", CHILD, reader=COMMUNE, key="k1"))
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(answers) == 4
    assert len({answer["number"] for answer in answers}) == service.count("population") == 1


def test_a_midwife_issues_notices_numbered_by_facility_and_year() -> None:
    first = service.write("birth-notices", NOTICE, reader=MIDWIFE, key="n1")
    second = service.write("birth-notices", NOTICE, reader=MIDWIFE, key="n2")
    assert (first["notice"], second["notice"]) == ("01901.GCS.00001.26", "01901.GCS.00002.26")


def test_a_second_write_is_a_new_version_and_overwrites_nothing() -> None:
    notice = service.write("birth-notices", NOTICE, reader=MIDWIFE, key="n1")["notice"]
    service.write("birth-notices", {"notice": notice, "used": True}, reader=COMMUNE, key="u1")
    (record,) = service.lookup("birth-notices", {"mother": MOTHER}, reader=PORTAL).records
    assert (record["used"], record["born"]) == (True, NOTICE["born"])
    before, after = Record.objects.order_by("version")
    assert (before.plain["used"], after.plain["used"]) == (False, True)
    assert before.recorded_until == after.recorded_from
    assert service.count("birth-notices") == 1


def test_a_write_beyond_the_granted_fields_changes_nothing() -> None:
    notice = service.write("birth-notices", NOTICE, reader=MIDWIFE, key="n1")["notice"]
    with pytest.raises(NotPermitted):
        service.write("birth-notices", {"notice": notice, "weight_g": 9}, reader=COMMUNE, key="u1")
    assert Record.objects.count() == 1


def test_a_write_that_is_turned_away_for_what_is_kept_is_on_record() -> None:
    service.load("residence", [HOME])
    members = [{"number": NOBODYS, "relation": "head"}]
    for household in (HOME["household"], "H0000000009"):
        values = {"household": household, "members": members, "address": ""}
        with pytest.raises(service.BadRecord):
            service.write("residence", values, reader=POLICE, key=household)
    one, other = ReadRecord.objects.order_by("id")
    assert (one.refused, one.operation, one.fields) == ("unfit", "write", ["household", "members", "address"])
    assert (other.refused, Record.objects.count()) == ("unfit", 1)
    assert ReadPerson.objects.filter(person=keys.blind(BLIND, NOBODYS)).count() == 2


def test_a_household_takes_in_the_child() -> None:
    service.load("residence", [HOME])
    members = [*HOME["members"], {"number": "001326123456", "relation": "grandchild"}]
    service.write("residence", {"household": HOME["household"], "members": members}, reader=POLICE, key="r1")
    found = service.lookup("residence", {"member": "001326123456"}, reader=PORTAL)
    assert found.records[0]["members"] == members
    assert ReadRecord.objects.get(id=found.record).persons.count() == 3


def test_one_destroyed_key_closes_one_persons_part() -> None:
    service.load("residence", [HOME])
    keys.destroy(MOTHER)
    (record,) = service.lookup("residence", {"household": HOME["household"]}, reader=PORTAL).records
    assert record["members"] == [HOME["members"][0]]


def test_a_bad_record_is_refused_in_words_without_its_values() -> None:
    with pytest.raises(service.BadRecord, match="sex is not of the right form") as refusal:
        service.write("population", CHILD | {"sex": "SECRET"}, reader=COMMUNE, key="k")
    assert "SECRET" not in str(refusal.value)
    assert not Record.objects.exists()


def test_a_record_that_the_scheme_has_no_number_for_is_refused_in_words() -> None:
    for given in ({**CHILD, "born": "1899-11-01"}, {**CHILD, "born": "1899-11-01", "number": MOTHER}):
        with pytest.raises(service.BadRecord, match=r"no digit for this century|does not follow the scheme"):
            service.write("population", given, reader=COMMUNE, key="c1")


def test_unknown_registers_and_lookups_are_named() -> None:
    with pytest.raises(service.UnknownRegister, match="no register “cars”"):
        service.lookup("cars", {"number": "1"}, reader=PORTAL)
    with pytest.raises(service.UnknownLookup, match="number; full_name"):
        service.lookup("population", {"phone": "1"}, reader=PORTAL)


def test_a_write_states_its_event_without_personal_data() -> None:
    written = service.write("population", CHILD, reader=COMMUNE, key="k1")
    event = StatedEvent.objects.get(name="registers.RecordWritten")
    assert event.data["register"] == "population"
    assert event.data["by"]["post"] == COMMUNE.user
    assert written["number"] not in str(event.data)


@lasting
def test_a_write_comes_with_the_transaction_it_stands_in_or_not_at_all() -> None:
    with transaction.atomic():
        service.write("population", CHILD, reader=COMMUNE, key="k1")
        transaction.set_rollback(True)
    assert not Record.objects.exists()
    assert not reads_of_case(CASE)


@pytest.mark.usefixtures("parents")
def test_nothing_in_the_tables_can_be_read_without_keys() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text FROM registers_record r")
        rows = " ".join(row[0] for row in cursor.fetchall())
    for secret in (MOTHER, "Trần", "1996-05-14", "0000123456"):
        assert secret not in rows
        assert secret.encode().hex() not in rows


def test_loading_continues_the_numbers_and_is_all_or_nothing() -> None:
    used = {**NOTICE, "notice": "01901.GCS.00041.26", "used": True}
    told: list[int] = []
    assert service.load("birth-notices", [used], told.append) == 1
    assert told == [1]
    assert service.write("birth-notices", NOTICE, reader=MIDWIFE, key="n")["notice"] == "01901.GCS.00042.26"
    with pytest.raises(service.BadRecord, match="row 2: weight_g"):
        service.load("birth-notices", [used | {"notice": "01901.GCS.00043.26"}, used | {"weight_g": 0}])
    assert service.count("birth-notices") == 2


@pytest.mark.usefixtures("parents")
def test_a_gated_look_up_takes_few_queries(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(6):
        service.lookup("population", {"number": MOTHER}, reader=PORTAL)
    assert Term.objects.count() == 4
