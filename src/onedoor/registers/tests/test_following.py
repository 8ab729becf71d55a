import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from onedoor.exchange import service as exchange
from onedoor.exchange.service import VIA_GATEWAY, Answer, Call
from onedoor.kernel.actor import Actor
from onedoor.privacy import rights
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.requests import deciding, keeping
from onedoor.privacy.rules import Grant, Purpose
from onedoor.privacy.service import Reader
from onedoor.registers import entries, following, service, storage, writing
from onedoor.registers.definition import register_of
from onedoor.registers.entries import Wish
from onedoor.registers.models import HeardChange
from onedoor.registers.tests.test_service import MOTHER, person
from onedoor.store.models import StatedEvent
from onedoor.store.work import run_waiting

pytestmark = pytest.mark.django_db
lasting = pytest.mark.django_db(transaction=True)
OWNER, FOLLOWER = "VN/GOV/G01/POPULATION", "VN/GOV/G24/INSURANCE"
POLICE = Reader(OWNER, "police-00199.residence", "correction", "l91-2025")
INSURANCE = Reader(FOLLOWER, "insurance", "insurance-upkeep", "l60-2024")


class Carried(list[Call]):
    """The calls that were carried; the next *lost* of them are answered by nobody who can be heard."""

    lost = 0
    client = OWNER


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> Carried:
    """Carry calls to the exchange addresses of this process, as the gateways would."""
    calls = Carried()

    def call(service: str, path: str, body: Any, *, reason: Any, user: str, key: str) -> Answer:
        if not service.endswith("/changes"):
            raise exchange.ServiceUnavailable(who=service)  # another test's job that waited
        calls.append(Call(service, path, body, reason=reason, user=user, key=key))
        status, said = tell(body, reason.purpose, reason.basis, calls.client)
        if calls.lost:
            calls.lost -= 1
            raise exchange.ServiceUnavailable(who=service)
        answer = Answer(status, said, {}, "m")
        if status >= 400:
            raise exchange._failure(service, answer)
        return answer

    monkeypatch.setattr(exchange, "call", call)
    return calls


def tell(body: Any, purpose: str = "insurance-upkeep", basis: str = "l60-2024", client: str = OWNER) -> tuple[int, Any]:
    headers = {
        "HTTP_X_ROAD_CLIENT": client,
        "HTTP_X_ROAD_USERID": client,
        "HTTP_ONEDOOR_PURPOSE": purpose,
        "HTTP_ONEDOOR_BASIS": basis,
        VIA_GATEWAY: True,
    }
    answered = Client().post("/exchange/changes/told", json.dumps(body), "application/json", **headers)
    return answered.status_code, answered.json()


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    with connection.cursor() as cursor:  # other tests leave jobs waiting: no flush knows their table
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'registers.tell_change'")
    service.load("population", [person(MOTHER, "Trần Thu Hà", "1996-05-14", "F")])


def rename(name: str, key: str = "k") -> None:
    service.write("population", {"number": MOTHER, "full_name": name}, reader=POLICE, key=key)


def change(**other: Any) -> dict[str, Any]:
    record = "01a0c0de-0000-7000-8000-000000000001"
    return {"register": "population", "record": record, "version": 2, "fields": ["born"], "ended": False} | other


@lasting
def test_a_follower_is_told_which_record_changed_and_reads_it_through_the_gate(carried: Carried) -> None:
    rename("Trần Thu Hạ")
    run_waiting()
    (call,) = carried
    assert (call.service, call.path, call.reason.purpose) == (f"{FOLLOWER}/changes", "told", "insurance-upkeep")
    assert call.body["fields"] == ["full_name"]
    assert "Hạ" not in json.dumps(call.body, ensure_ascii=False)
    assert MOTHER not in json.dumps(call.body)
    heard = StatedEvent.objects.get(name="registers.FollowedRecordChanged")
    assert (heard.data["record"], heard.data["version"]) == (call.body["record"], 2)
    before = ReadRecord.objects.filter(client=FOLLOWER, operation="read").count()
    found = entries.one(Wish("population", 1, INSURANCE), {"id": call.body["record"]})
    assert found == {"id": call.body["record"], "full_name": "Trần Thu Hạ", "born": "1996-05-14", "sex": "F"}
    assert ReadRecord.objects.filter(client=FOLLOWER, operation="read").count() == before + 1


@lasting
def test_a_follower_is_told_nothing_of_who_has_stopped_its_purpose(carried: Carried) -> None:
    chief = Actor(person="c", post="police-00199.chief", agency="police-00199", level=2)
    asker = Reader("VN/GOV/G22/PORTAL", "account-1", "personal-rights", "l91-2025")
    code = keeping.ask(keeping.Wanted(MOTHER, "object", "insurance-upkeep", "No."), reader=asker, key="k").code
    deciding.grant(code, chief)
    rename("Trần Thu Hạ")
    for job in waiting():
        following.tell(**job)
    assert carried == []
    keeping.lift(code, asker, MOTHER)
    rename("Trần Thu Hằng", key="l")
    for job in waiting():
        following.tell(**job)
    assert [one.body["version"] for one in carried] == [2, 3], "what waits is told once it may be"


def test_a_lost_answer_is_told_again_and_kept_once(carried: Carried) -> None:
    rename("Trần Thu Hạ")
    (job,) = waiting()
    carried.lost = 1
    with pytest.raises(exchange.ServiceUnavailable):
        following.tell(**job)
    following.tell(**job)
    assert [call.key for call in carried] == [f"change:{job['body']['record']}:2:insurance-upkeep:l60-2024"] * 2
    assert (
        HeardChange.objects.count() == StatedEvent.objects.filter(name__endswith="FollowedRecordChanged").count() == 1
    )


def waiting() -> list[dict[str, Any]]:
    """Return what is to be told by this test's own transaction."""
    return [job.args for job in ProcrastinateJob.objects.filter(task_name="registers.tell_change", status="todo")]


@lasting
def test_what_is_not_followed_is_told_to_nobody(carried: Carried) -> None:
    service.write("population", {"number": MOTHER, "ethnicity": "02"}, reader=POLICE, key="k")
    run_waiting()
    assert carried == []


def test_a_write_that_is_rolled_back_tells_nobody() -> None:
    def fail() -> None:
        with transaction.atomic():
            rename("Trần Thu Hạ")
            assert waiting()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert waiting() == []


@lasting
def test_who_follows_no_more_is_not_told_of_what_waited(carried: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    rename("Trần Thu Hạ")
    ended = {key: one for key, one in rights.purposes().items() if key != "insurance-upkeep"}
    monkeypatch.setattr(rights, "purposes", lambda: ended)
    run_waiting()
    assert carried == []
    assert waiting() == []


@pytest.mark.parametrize(
    ("client", "purpose", "other"),
    [
        ("VN/GOV/G15/CIVIL-STATUS", "insurance-upkeep", {}),
        (OWNER, "insurance-upkeep", {"register": "insurance"}),
        (OWNER, "correction", {}),
        (OWNER, "insurance-upkeep", {"fields": ["native_place"]}),
        (OWNER, "insurance-upkeep", {"fields": []}),
        (OWNER, "insurance-upkeep", {"version": 0}),
        (OWNER, "insurance-upkeep", {"value": "Hạ"}),
        (OWNER, "insurance-upkeep", {"record": MOTHER}),
    ],
)
def test_nobody_hears_what_its_owner_may_not_tell(client: str, purpose: str, other: dict[str, Any]) -> None:
    status, _said = tell(change(**other), purpose, client=client)
    assert status in {400, 403}
    assert not HeardChange.objects.exists()


def test_a_refused_notice_is_on_record() -> None:
    tell(change(), "correction")
    refused = ReadRecord.objects.get(operation="follow")
    assert (refused.client, refused.refused) == (OWNER, "not-granted")


def test_what_was_heard_is_read_on_from_where_one_stopped() -> None:
    for version in (2, 3, 4):
        assert tell(change(version=version))[0] == 200
    first, *rest = following.heard("population")
    assert [one.version for one in following.heard("population", first.id)] == [3, 4]
    assert [one.version for one in following.heard(after=rest[-1].id)] == []
    assert following.heard("residence") == []


def test_the_end_of_a_record_is_told_whatever_is_followed_of_it(carried: Carried) -> None:
    register = register_of("population")
    first = storage.id_of(storage.identity_of(register, {"number": MOTHER}))
    every = [replace(one, fields=tuple(register.fields)) if one.register == register.id else one
             for one in rights.purposes()["correction"].grants]  # fmt: skip
    known = {**rights.purposes(), "correction": replace(rights.purposes()["correction"], grants=tuple(every))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rights, "purposes", lambda: known)
        writing.end(register, first, writing.Request({}, POLICE, "e1"))
        (job,) = waiting()
        following.tell(**job)
    (heard,) = following.heard("population")
    assert (heard.record, heard.ended, heard.fields) == (first, True, ["born", "full_name", "sex"])
    assert carried[0].body["ended"] is True


def test_a_refused_teller_is_tried_again_and_an_unknown_record_is_not(carried: Carried) -> None:
    rename("Trần Thu Hạ")
    (job,) = waiting()
    carried.client = "VN/GOV/G15/CIVIL-STATUS"
    following.tell(**job)  # it is no register of theirs: 400, which trying again does not change
    assert not HeardChange.objects.exists()


def with_grants(*others: Grant) -> Mapping[str, Purpose]:
    """Return the rights with other grants of the follower's purpose."""
    purpose = rights.purposes()["insurance-upkeep"]
    return {**rights.purposes(), purpose.id: replace(purpose, grants=others)}


def follow(*fields: str) -> Grant:
    return Grant(FOLLOWER, "population", operations=frozenset({"follow"}), fields=fields)


def test_what_is_followed_by_two_grants_is_told_at_once(carried: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    known = with_grants(follow("full_name"), follow("number"))
    monkeypatch.setattr(rights, "purposes", lambda: known)
    rename("Trần Thu Hạ")
    (job,) = waiting()
    following.tell(**job)
    assert carried[0].body["fields"] == ["full_name", "number"]


def test_what_is_no_longer_followed_is_not_told_though_it_waited(
    carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide, narrow = with_grants(follow("full_name", "number")), with_grants(follow("number"))
    monkeypatch.setattr(rights, "purposes", lambda: wide)
    rename("Trần Thu Hạ")
    (job,) = waiting()
    monkeypatch.setattr(rights, "purposes", lambda: narrow)
    following.tell(**job)
    assert carried[0].body["fields"] == ["number"]
