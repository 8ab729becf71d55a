"""Sealed reads: recorded at once, shown on their day, later only by a second officer, counted in public."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import lxml.html
import pytest
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.privacy import asking, postponing, rules, sealing, service
from onedoor.privacy.models import Postponement, ReadRecord
from onedoor.privacy.rules import Basis, Grant, Purpose, Seal, Sealed
from onedoor.privacy.service import NotPermitted, Reader, permit
from onedoor.privacy.tests.test_own import (
    CASE,
    FATHER,
    MOTHER,
    PORTAL,
    Transport,
    asked_of_holder,
    items,
    page,
    person,
    publish,
    read,
    text,
    transport,
)
from onedoor.store import details, ledger

__all__ = ["publish", "transport"]
pytestmark = pytest.mark.django_db
POLICE = "VN/GOV/G01/POPULATION"
FIRST = Reader(POLICE, "police-00199.identity", "investigation", "l91-2025", CASE)
CHIEF = Reader(POLICE, "police-00199.chief", "investigation", "l91-2025")
TODAY = date(2026, 12, 7)
DUE = TODAY + timedelta(days=90)


def on(day: date) -> Any:
    return clock.freeze(datetime(day.year, day.month, day.day, 12, tzinfo=nation.current().zone))


@pytest.fixture
def record() -> str:
    with on(TODAY):
        return permit(FIRST, register="births", persons=[MOTHER]).record


def shown(day: date) -> int:
    with on(day):
        return len(items(page(person())))


def postpone(record: str, until: date, reader: Reader = CHIEF, day: date = TODAY) -> str:
    with on(day):
        return service.postpone(UUID(record), until, reader)


def test_it_is_recorded_at_once_and_shown_on_its_day(record: str) -> None:
    assert ReadRecord.objects.get(id=record).hidden_until == DUE
    assert [shown(TODAY), shown(DUE - timedelta(days=1)), shown(DUE)] == [0, 0, 1]
    with on(TODAY):
        assert not service.reads_of_case(CASE)
        assert not service.readers_of(MOTHER, register="births")
    with on(DUE):
        assert len(service.reads_of_case(CASE)) == len(service.readers_of(MOTHER, register="births")) == 1


@pytest.mark.parametrize("part", ["", "/proof", "/details", "/key"])
def test_opened_early_it_is_refused_and_that_is_recorded(record: str, part: str, publish: Callable[[], None]) -> None:
    publish()
    with on(TODAY):
        answer = person().get(f"/en/reads/VN.GOV.G15.CIVIL-STATUS/{record}{part}")
        assert answer.status_code == 403
        assert ReadRecord.objects.latest("id").refused == "not-yours"
        assert asked_of_holder("proof", {"person": MOTHER, "record": record}).status_code == 403
    with on(DUE):
        assert asked_of_holder("proof", {"person": MOTHER, "record": record}).status_code == 200
        assert person().get(f"/en/reads/VN.GOV.G15.CIVIL-STATUS/{record}").status_code == 200


def test_a_second_officer_postpones_it_and_both_decisions_stand_in_the_ledger(record: str) -> None:
    later = DUE - timedelta(days=1) + timedelta(days=60)
    entry = postpone(record, later, day=DUE - timedelta(days=1))
    assert [shown(DUE), shown(later - timedelta(days=1)), shown(later)] == [0, 0, 1]
    ledger.integrate()
    assert entry in {str(leaf.id) for leaf in ledger.leaves(0, ledger.check()) if leaf.kind == "privacy.postponement"}
    assert not list(details.findings())
    Postponement.objects.update(until=DUE)
    assert [one.what for one in details.findings()] == [details.ALTERED]


OTHER_CHIEF = Reader(POLICE, "police-26740.chief", "investigation", "l91-2025")
REASONS = {
    "same-officer": (CHIEF, DUE + timedelta(days=20), TODAY),
    "not-granted": (Reader(POLICE, "police-00199.residence", "investigation", "l91-2025"), DUE + timedelta(1), TODAY),
    "not-so-long": (OTHER_CHIEF, DUE + timedelta(days=91), TODAY),
    "shown-already": (OTHER_CHIEF, DUE + timedelta(days=50), DUE + timedelta(days=10)),
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_no_second_decision_is_refused_and_recorded(record: str, reason: str) -> None:
    postpone(record, DUE + timedelta(days=10), day=DUE - timedelta(days=80))
    reader, until, day = REASONS[reason]
    with pytest.raises(NotPermitted) as refusal:
        postpone(record, until, reader, day)
    assert refusal.value.facts["reason"] == reason
    assert ReadRecord.objects.latest("id").refused == reason


@given(
    st.sampled_from(["a-1.chief", "a-2.chief", "a-1.clerk"]),
    st.sampled_from(["X/GOV/1/A", "X/GOV/1/B"]),
    st.integers(0, 40),
    st.integers(-5, 200),
    st.booleans(),
)
@example("a-2.chief", "X/GOV/1/B", 10, 35, True)
@example("a-1.clerk", "X/GOV/1/A", 10, 35, True)
@example("a-2.chief", "X/GOV/1/A", 10, 35, True)
def test_nothing_is_postponed_past_the_rule(user: str, client: str, day: int, until: int, sealed: bool) -> None:
    start = date(2026, 1, 1)
    grant = Grant("X/GOV/1/A", register="r", operations=frozenset({"read"}), fields=("f",))
    basis = {"b": Basis("b", "1", "", {})}
    seal = Seal(30, frozenset({"chief"})) if sealed else None
    purpose = Purpose("p", {}, basis, (grant,), without_case=True, sealed=seal)
    read = Sealed("X/GOV/1/A", frozenset({"a-1.chief"}), start + timedelta(days=30))
    now, then = start + timedelta(days=day), start + timedelta(days=until)
    reason = rules.why_not_postponed(purpose, read, Reader(client, user, "p", "b"), then, now)
    allowed = sealed and user == "a-2.chief" and client == "X/GOV/1/A" and day < 30 < until <= day + 30
    assert bool(reason) != allowed


def test_a_day_is_put_off_only_for_the_purpose_on_its_basis_and_while_it_is_in_force() -> None:
    basis = {"b": Basis("b", "1", "", {})}
    purpose = Purpose("p", {}, basis, (), valid_until=TODAY, sealed=Seal(30, frozenset({"chief"})))
    chief = Reader(POLICE, "a-1.chief", "p", "b")
    assert rules.may_postpone(purpose, chief, TODAY)
    for other, day in (
        (chief, TODAY + timedelta(days=1)),
        (replace(chief, purpose="q"), TODAY),
        (replace(chief, basis="c"), TODAY),
        (replace(chief, user="a-1.chief.clerk"), TODAY),
    ):
        assert not rules.may_postpone(purpose, other, day)
    assert not rules.may_postpone(None, chief, TODAY)


def test_an_officer_decides_at_the_system_of_the_own_agency_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    chief = Actor(post=CHIEF.user, agency="police-00199")
    for here, may in (("", True), (POLICE, True), (PORTAL, False)):
        monkeypatch.setattr(postponing, "settings", lambda here=here: SimpleNamespace(subsystem=here))
        with on(TODAY):
            assert postponing.may_postpone(chief) == may


def test_an_unsealed_read_is_never_hidden() -> None:
    with on(TODAY):
        record = permit(
            Reader("VN/GOV/G15/CIVIL-STATUS", "commune-00199.civil-status", "birth-registration", "l60-2014.13", "c"),
            register="births",
            persons=[MOTHER],
        ).record
    with pytest.raises(NotPermitted):
        postpone(record, DUE)
    assert shown(TODAY) == 1


def test_a_stranger_hides_no_attempt_behind_a_sealed_purpose_and_the_police_tell_nothing_by_a_refused_one() -> None:
    with on(TODAY):
        for client in ("VN/GOV/G24/INSURANCE", POLICE):
            reader = Reader(client, "somebody", "investigation", "l91-2025")
            with pytest.raises(NotPermitted):
                permit(reader, register="population", persons=[MOTHER])
    assert [shown(TODAY), shown(DUE)] == [1, 2]


def test_everybody_sees_how_many_there_are_and_nothing_of_anybody(record: str) -> None:
    read([MOTHER])  # one that is not sealed counts for nothing
    postpone(record, DUE + timedelta(days=1), day=DUE - timedelta(days=40))
    told = Client().get("/api/sealed-reads").json()
    assert told == {"counts": [{"agency": "police-00199", "month": "2026-12", "reads": 1, "postponed": 1}]}
    asking.sealed_counts.cache_clear()
    said = text(lxml.html.document_fromstring(Client().get("/en/sealed-reads").content.decode()))
    asking.sealed_counts.cache_clear()
    assert "12/2026" in said
    assert "Lang Ward Police" in said


def test_the_reading_system_postpones_through_the_exchange() -> None:
    with on(TODAY):
        record = permit(FIRST, register="births", persons=[MOTHER]).record
        body = json.dumps({"record": record, "until": str(TODAY + timedelta(days=90))})
        headers = {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": POLICE, "HTTP_X_ROAD_USERID": CHIEF.user}
        said = {"HTTP_ONEDOOR_PURPOSE": "investigation", "HTTP_ONEDOOR_BASIS": "l91-2025"}

        def post(body: str) -> int:
            address = "/exchange/sealed-reads/postpone"
            return Client().post(address, body, "application/json", **headers, **said).status_code

        assert post(body) == 403, "no later than it is already"
        assert post("{}") == 400
    with on(TODAY + timedelta(days=1)):
        assert post(json.dumps({"record": record, "until": str(DUE + timedelta(days=1))})) == 200
    assert Postponement.objects.get().by == CHIEF.user


def test_at_the_desk_a_second_officer_puts_a_day_off_once(record: str, transport: Transport) -> None:
    transport.client = POLICE
    with on(TODAY):
        permit(FIRST, register="marriages", persons=[FATHER])
    address = f"/en/desk/sealed-reads/VN.GOV.G15.CIVIL-STATUS/{record}"
    with on(TODAY + timedelta(days=30)):
        chief, officer = person("chief"), person("residence")
        listed = lxml.html.document_fromstring(chief.get("/en/desk/sealed-reads").content.decode())
        assert listed.xpath("//nav//a[contains(@href, '/desk/sealed-reads')]")
        assert f"{address}" in listed.xpath("//main//li//a/@href")
        said = text(listed)
        assert said.count("Shown on 7 March 2027") == 2
        assert MOTHER not in said
        assert [officer.get(one).status_code for one in ("/en/desk/sealed-reads", address)] == [404, 404]
        assert chief.get(f"/en/desk/sealed-reads/VN.GOV.G01.POPULATION/{record}").status_code == 404
        for typed, words in (
            ({"until": "08/03/2027"}, "Choose the article it stands on."),
            ({"until": "soon", "basis": "l91-2025"}, "Enter a day as in 31/12/2026."),
            ({"until": "7/3/2027", "basis": "l91-2025"}, "after 07/03/2027 and not after 06/04/2027"),
            ({"until": "7/4/2027", "basis": "l91-2025"}, "after 07/03/2027 and not after 06/04/2027"),
        ):
            answer = chief.post(address, typed)
            assert answer.status_code == 422
            assert words in text(lxml.html.document_fromstring(answer.content.decode()))
        assert chief.post(address, {"until": "20/03/2027", "basis": "l91-2025"}).status_code == 302
        assert "another officer decides" in chief.get("/en/desk/sealed-reads").content.decode()
        assert "needs a second officer" in chief.get(address).content.decode()
        assert chief.post(address, {"until": "25/03/2027", "basis": "l91-2025"}).status_code == 422
        transport.silent = {"VN/GOV/G15/CIVIL-STATUS"}
        (silent,) = postponing.waiting(Actor(post=CHIEF.user, agency="police-00199")).silent
        assert silent["en"] == "Ministry of Justice"
    said = Postponement.objects.get()
    assert (str(said.record_id), said.by, said.until) == (record, CHIEF.user, date(2027, 3, 20))


def test_a_post_that_may_not_postpone_is_told_of_no_sealed_read(record: str) -> None:
    with on(TODAY):
        assert [one.record for one in sealing.waiting(CHIEF)] == [record]
        for reader in (FIRST, Reader(PORTAL, "a", "own-reads", "l91-2025"), replace(CHIEF, client="X/GOV/1/A")):
            assert not sealing.waiting(reader)
    postpone(record, DUE + timedelta(days=1), day=DUE - timedelta(days=40))
    with on(DUE + timedelta(days=1)):
        assert not sealing.waiting(CHIEF)
