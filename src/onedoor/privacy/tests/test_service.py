import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from itertools import chain

import msgspec
import psycopg
import pytest
from django.db import OperationalError, connection, connections, transaction
from procrastinate.contrib.django.utils import connector_params

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7
from onedoor.privacy import entered, records, service
from onedoor.privacy.models import ReadPerson, ReadRecord
from onedoor.privacy.records import About
from onedoor.privacy.service import NotPermitted, Reader, permit, permitting
from onedoor.store import keys, sealed
from onedoor.store.models import LedgerEntry
from onedoor.store.sealed import Place

MOTHER, FATHER, GRANDMOTHER = "001196204817", "036094117302", "001168005926"
THREADS = 8
PORTAL = "VN/GOV/G22/PORTAL"
READER = Reader(PORTAL, "account-1", "birth-form", "nd63-2024.4.5", "2611-7K4M-Q8")
STRANGER = Reader(PORTAL, "account-1", "curiosity", "nd63-2024.4.5", "2611-7K4M-Q8")
END_OF_WHO_WAITS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%privacy_readrecord%'
"""
lasting = pytest.mark.django_db(transaction=True)
pytestmark = pytest.mark.django_db


def test_the_gate_opens_the_fields_of_the_purpose() -> None:
    opened = permit(READER, register="marriages", persons=[MOTHER, FATHER])
    assert opened.fields == ("number", "husband", "wife", "registered_on", "place")
    record = ReadRecord.objects.get(id=opened.record)
    assert (record.client, record.user, record.case) == (PORTAL, "account-1", "2611-7K4M-Q8")
    assert record.fields == list(opened.fields)


def test_wanted_fields_beyond_the_purpose_are_absent() -> None:
    assert permit(READER, register="population", persons=[MOTHER], wanted=["full_name", "secret"]).fields == (
        "full_name",
    )


def test_a_refusal_is_raised_and_recorded() -> None:
    with pytest.raises(NotPermitted) as refusal:
        permit(STRANGER, register="population", persons=[MOTHER])
    record = ReadRecord.objects.get()
    assert record.refused == refusal.value.facts["reason"] == "unknown-purpose"
    assert record.persons.count() == 1


@pytest.mark.parametrize("user", ["u" * 5000, "a\0b", "\ud800"])
def test_nobody_escapes_the_record_of_a_refusal_by_asking_what_cannot_be_stored(user: str) -> None:
    hidden = Reader("c" * 500, user, "p" * 500, "b" * 500, "k" * 500)
    with pytest.raises(NotPermitted):
        permit(
            hidden,
            register="population",
            persons=["\ud800", "9" * 500] * 80,
            wanted=["f" * 500, "\0"],
            operation="write",
        )
    record = ReadRecord.objects.get()
    assert record.refused == "malformed"
    assert record.user.startswith(("u", "a?b", "?"))


def test_the_ledger_entry_commits_to_the_details_and_holds_no_personal_data() -> None:
    record = ReadRecord.objects.get(id=permit(READER, register="population", persons=[MOTHER]).record)
    details = entered.of(record)
    entry = LedgerEntry.objects.get(id=record.entry)
    assert bytes(entry.commitment) == sha256(details.content()).digest()
    assert MOTHER.encode() not in details.told()


def test_persons_are_kept_blind_and_sealed() -> None:
    keys.key_for(MOTHER)
    record = permit(READER, register="population", persons=[MOTHER, MOTHER, ""]).record
    person = ReadPerson.objects.get(record_id=record)
    assert bytes(person.person) == keys.blind("privacy.person", MOTHER)
    place = Place("privacy_readperson", "sealed", f"{record}.{bytes(person.person).hex()}")
    assert sealed.unseal(bytes(person.sealed), place=place) == MOTHER


@lasting
def test_a_read_is_refused_inside_an_open_transaction() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        permit(READER, register="population", persons=[MOTHER])


@lasting
def test_reads_at_the_same_time_are_each_recorded_with_their_own_person_and_entry() -> None:
    numbers = [f"0011962{number:05}" for number in range(THREADS * 4)]

    def read(number: str) -> str:
        try:
            return permit(READER, register="population", persons=[number]).record
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as threads:
        records = dict(zip(numbers, threads.map(read, numbers), strict=True))
    for number, record in records.items():
        row = ReadRecord.objects.get(id=record)
        assert [bytes(one.person) for one in row.persons.all()] == [keys.blind("privacy.person", number)]
        commitment = LedgerEntry.objects.get(id=row.entry).commitment
        assert bytes(commitment) == sha256(entered.of(row).content()).digest()
    assert LedgerEntry.objects.count() == len(numbers)


@lasting
def test_what_was_asked_is_recorded_sign_by_sign() -> None:
    odd = ['a,b"c\\d', "{e}", "ệ'f"]
    with pytest.raises(NotPermitted):
        permit(STRANGER, register="population", persons=[MOTHER], wanted=odd)
    record = ReadRecord.objects.get()
    assert record.fields == odd
    assert bytes(LedgerEntry.objects.get().commitment) == sha256(entered.of(record).content()).digest()


@lasting
def test_no_record_no_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("onedoor.privacy.records.rows.run", full)
    with pytest.raises(OSError, match="disk full"):
        permit(READER, register="population", persons=[MOTHER])
    assert not ReadRecord.objects.exists()


@lasting
@pytest.mark.parametrize("lost", [False, True])
def test_fields_wait_for_their_record_and_do_not_leave_without_it(*, lost: bool) -> None:
    def read() -> bool:
        with permitting(READER, register="population", persons=[MOTHER]):
            pass
        connections.close_all()
        return True

    with psycopg.connect(**connector_params()) as other, ThreadPoolExecutor(1) as beside:
        other.execute("LOCK TABLE privacy_readrecord IN EXCLUSIVE MODE")  # as a disk that takes its time
        asked = beside.submit(read)
        with pytest.raises(TimeoutError):
            asked.result(0.3)
        if lost:
            assert other.execute(END_OF_WHO_WAITS).rowcount == 1
            with pytest.raises(OperationalError):
                asked.result(10)
        other.rollback()
        assert lost or asked.result(10)
    assert ReadRecord.objects.count() == (not lost)


ODD = ["number", 'a "quoted" \\ one', "{,}", "NULL", "số"]
"""Names of fields with all that an array or a text may stumble over."""


@lasting
@pytest.mark.parametrize("hidden_until", [None, date(2027, 2, 28)])
@pytest.mark.parametrize("fields", [ODD, [], [""]])
@pytest.mark.parametrize("persons", [{MOTHER: ODD[:2], FATHER: None, GRANDMOTHER: []}, {}])
def test_a_record_kept_by_itself_is_the_one_that_is_kept_with_others(
    fields: list[str], persons: About, hidden_until: date | None
) -> None:
    keys.key_for(MOTHER)
    row = records.row_of(READER, "marriages", "read", fields, "", persons, hidden_until)
    with records.keeping(row):
        pass
    others = [row | {"id": str(uuid7()), "entry": str(uuid7())} for _ in range(2)]
    records.keep(*others)
    assert told(row["id"]) == told(others[0]["id"]) == told(others[1]["id"])
    record = ReadRecord.objects.get(id=row["id"])
    entry = LedgerEntry.objects.get(id=record.entry)
    assert bytes(entry.commitment) == sha256(entered.of(record).content()).digest()


def told(record: str) -> list[dict[str, object]]:
    """Return every column of a record, its persons and its entry, but for their ids."""
    found = ReadRecord.objects.filter(id=record).values()
    persons = ReadPerson.objects.filter(record=record).order_by("person").values()
    entries = LedgerEntry.objects.filter(id=found[0]["entry"]).values()
    ids = ("id", "entry", "record_id")
    return [{name: value for name, value in one.items() if name not in ids} for one in chain(found, persons, entries)]


@lasting
def test_a_write_is_recorded_with_its_transaction_or_not_at_all() -> None:
    officer = Reader("VN/GOV/G15/CIVIL-STATUS", "commune-00199.civil-status", "birth-registration", "l60-2014.16", "c")
    with transaction.atomic():
        permit(officer, register="birth-notices", persons=[MOTHER], wanted=["notice", "used"], operation="write")
        transaction.set_rollback(True)
    assert not ReadRecord.objects.exists()


@lasting
def test_a_refusal_stays_on_record_when_the_transaction_around_it_is_undone() -> None:
    with pytest.raises(NotPermitted), transaction.atomic():
        permit(STRANGER, register="population", persons=[MOTHER], operation="write")
    assert ReadRecord.objects.get().refused == "unknown-purpose"


def test_reads_of_a_case_are_shown_in_words() -> None:
    permit(READER, register="residence", persons=[MOTHER], wanted=["address"])
    officer = Reader(
        "VN/GOV/G15/CIVIL-STATUS", "commune-00199.civil-status", "birth-registration", "l60-2014.13", READER.case
    )
    permit(officer, register="births", persons=[MOTHER])
    with pytest.raises(NotPermitted):
        permit(STRANGER, register="births", persons=[MOTHER])
    first, second, third = service.reads_of_case(READER.case)
    assert (first.by_agency, second.by_agency) == ("G22", "commune-00199")
    assert first.fields == ("address",)
    assert first.field_texts[0]["en"] == "Address"
    assert first.purpose_text["vi"].startswith("Điền sẵn")
    assert second.law == "60/2014/QH13 13"
    assert (first.refused, third.refused) == (False, True)
    assert service.reads_of_case("") == [] == service.reads_of_case("other")


def test_views_travel_as_json() -> None:
    permit(READER, register="residence", persons=[MOTHER])
    views = service.reads_of_case(READER.case)
    answered = json.dumps({"reads": [view.to_json() for view in views]})
    assert msgspec.json.decode(answered, type=service.Reads) == service.Reads(tuple(views))


@pytest.mark.parametrize(
    "change", [{"record": "1"}, {"moment": 1}, {"moment": "2026-11-30T08:00:00"}, {"fields": None}]
)
def test_what_is_no_view_is_none(change: dict[str, object]) -> None:
    permit(READER, register="residence", persons=[MOTHER])
    (view,) = service.reads_of_case(READER.case)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps({"reads": [view.to_json() | change]}), type=service.Reads)


def test_purposes_are_known_by_id_with_their_law() -> None:
    purpose = service.purpose("birth-form")
    assert purpose.basis["nd63-2024.4.5"].reference == "63/2024/NĐ-CP 4(5)"
    assert "filled in" in service.basis_text("birth-form", "nd63-2024.4.5")["en"]
    for wrong in (lambda: service.purpose("no"), lambda: service.basis_text("birth-form", "no")):
        with pytest.raises(service.UnknownPurpose):
            wrong()


def test_a_gated_read_takes_few_queries(django_assert_max_num_queries) -> None:
    clock.now()
    with django_assert_max_num_queries(5):
        permit(READER, register="marriages", persons=[MOTHER, FATHER])
    assert connection.vendor == "postgresql"


def test_records_are_told_by_their_ids_with_their_basis() -> None:
    opened = permit(READER, register="marriages", persons=[MOTHER])
    (told,) = service.records_of([opened.record, "00000000-0000-7000-8000-000000000000"]).values()
    assert (told.record, told.basis, told.law) == (opened.record, READER.basis, "63/2024/NĐ-CP 4(5)")
