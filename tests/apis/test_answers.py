"""Every operation of every API answers a valid request with what its OpenAPI document says: a walk through a nation."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from onedoor.cases import service
from onedoor.cases.tests.conftest import (
    FATHER,
    GRANDMOTHER,
    HOUSEHOLD,
    MOTHER,
    NOTICE,
    fathers_origin,
    lab,
    monday,
    people,
    seals,
    sign_in,
    transport,
    weddings,
    work,
)
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.exchange.service import VIA_GATEWAY
from onedoor.identity.models import Account
from onedoor.kernel import clock, nation
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import REPOSITORY
from onedoor.privacy.breaches import authority
from onedoor.privacy.service import Reader, permit
from onedoor.privacy.tests.test_breaches import CHIEF, reported, tell
from onedoor.site import published
from onedoor.store import ledger
from tests.apis.holding import Held, operations

__all__ = ["fathers_origin", "lab", "monday", "people", "seals", "sign_in", "transport", "weddings"]
PORTAL, POLICE = "VN/GOV/G22/PORTAL", "VN/GOV/G01/POPULATION"
COMMUNE, HEALTH, INSURANCE = "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G18/HEALTH", "VN/GOV/G24/INSURANCE"
FORM = Reader(PORTAL, "account-1", "birth-form", "nd63-2024.4.5", "2611-7K4M-Q8")
REGISTRAR = Reader(COMMUNE, "commune-00199.civil-status", "birth-registration", "l60-2014.14", "2611-7K4M-Q8")
RESIDENCE = Reader(POLICE, "police-00199.residence", "permanent-residence", "l68-2020", "2611-7K4M-Q8")
ROADS = Reader("TL/GOV/ROADS/BICYCLES", "account-1", "bicycle-marking", "act-7.2", "C-1")
DOOR = "TL/GOV/DOOR/PORTAL"
USAGE = ("myPersonalDataUsage", "my-personal-data-usage")
WAYS = {
    "update": "PUT", "updateEntries": "PUT", "update-entries": "PUT", "updateOrCreate": "POST",
    "update-or-create": "POST",
}  # fmt: skip


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Hold the answers of every API but the consent API, whose own tests walk through it."""
    found = Held(operations(r"(?!consent\.json|testland-).*"))
    monkeypatch.setattr(Client, "request", found.carries())
    return found


def by(client: str, purpose: str, basis: str = "l91-2025", user: str = "", case: str = "") -> Reader:
    return Reader(client, user or "account-1", purpose, basis, case)


def ask(path: str, body: object, reader: Reader, method: str = "POST", key: str = "k-1") -> Any:
    """Ask what must be answered; return its JSON, where it has some."""
    content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    known = {
        "HTTP_X_ROAD_CLIENT": reader.client,
        "HTTP_X_ROAD_USERID": reader.user,
        "HTTP_X_ROAD_ISSUE": reader.case,
        "HTTP_ONEDOOR_PURPOSE": reader.purpose,
        "HTTP_ONEDOOR_BASIS": reader.basis,
        "HTTP_IDEMPOTENCY_KEY": key,
        "HTTP_INFORMATION_MEDIATOR_CLIENT": reader.client,
        VIA_GATEWAY: True,
    }
    response = Client().generic(method, f"/exchange/{path}", **content, **known)
    assert response.status_code < 300, (path, response.status_code, response.content.decode())
    return json.loads(response.content or "null")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("people", "seals", "transport")
def test_every_operation_answers_a_valid_request_as_its_document_says(
    held: Held, sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = declare_births(sign_in)
    mother = str(Account.objects.get(persona="mother").id)
    write_registers()
    correct_facts(mother)
    tell_systems(mother)
    ask_about_the_mother(mother)
    use_govstack("residence", {"household": HOUSEHOLD}, HOME | {"household": "H0000000007"}, "address", RESIDENCE)
    for words in USAGE:
        assert ask(
            f"data/{words}?userId={MOTHER}&databaseId=residence", None, by(PORTAL, "own-case", case=FORM.case), "GET"
        )
    tell_of_an_event()
    give_notice_of_a_breach()
    postpone_a_sealed_read()
    monkeypatch.setattr(published, "folder_in", lambda _state: tmp_path)
    ledger.integrate()
    published.Publisher(tmp_path)
    look_as_the_mother(code)
    assert not held.wrong
    assert not held.never()


def declare_births(sign_in: SignIn) -> str:
    """Declare a birth and take it back; declare it again, answer a supplement with a picture, have it done."""
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    service.withdraw(handed_over(mother).code, mother)
    code = handed_over(mother, key="key-2").code
    service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar)
    work()
    service.supplement(code, "Đây ạ.", "s-1", mother, {"photo": ("a.jpg", b"picture")})
    work()
    service.accept(only(registrar), registrar)
    work()
    return code


BORN = {"full_name": "Lê Trần Bảo An", "born": "2026-11-01", "sex": "F", "birth_registered_in": "00199"}
HOME = {
    "household": HOUSEHOLD, "head": MOTHER, "unit": "00199", "address": "Số 14 ngõ 91 Chùa Láng",
    "members": [{"number": MOTHER, "relation": "head"}],
}  # fmt: skip
BIRTH = {
    "number": "7/2026", "full_name": "Lê Trần Bảo An", "born": "2026-11-01", "sex": "F", "place": "Bệnh viện Sen",
    "registered_on": "2026-12-07", "registered_at": "commune-00199",
}  # fmt: skip
CARD = {
    "card": "TE1010000000001", "number": MOTHER, "full_name": "Trần Thu Hà", "clinic": "01-A",
    "valid_from": "2026-12-07", "valid_until": "2027-12-31", "group": "TE",
}  # fmt: skip


def write_registers() -> None:
    """Write a record into every register as who may, look it up as the portal, ask who wrote it."""
    number = ask("population/records", BORN | {"mother": MOTHER, "father": FATHER}, REGISTRAR)["record"]["number"]
    officer, insurer = by(COMMUNE, "correction", user="commune-00199.civil-status"), "vss-01.cards"
    health = by(HEALTH, "birth-notice", "nd63-2024.25", "facility-01901.midwife", REGISTRAR.case)
    notice = {name: one for name, one in NOTICE.items() if name not in ("notice", "used")} | {"mother": GRANDMOTHER}
    written = {
        "births": (BIRTH | {"child": number}, REGISTRAR, {"child": number}),
        "residence": (HOME, RESIDENCE, {"household": HOUSEHOLD}),
        "marriages": ({"number": "15/2024", "place": "00199", "registered_on": "2024-03-09"}, officer,
                      {"person": FATHER}),
        "birth-notices": (notice, health, {"mother": GRANDMOTHER}),
        "insurance": (CARD, by(INSURANCE, "health-insurance-card", "nd63-2024.8.3", insurer, REGISTRAR.case),
                      {"number": MOTHER}),
    }  # fmt: skip
    for register, (record, writer, known_by) in written.items():
        ask(f"{register}/records", record, writer)
        assert ask(f"{register}/lookup", {"by": known_by}, FORM)["records"], register
    for register, known_by in (("population", {"number": number}), ("residence", {"household": HOUSEHOLD})):
        assert ask(f"{register}/provenance", {"by": known_by}, RESIDENCE)["versions"]


WRONG = {
    "population": ({"number": MOTHER}, "full_name", "Trần Thu Hạ"),
    "residence": ({"member": MOTHER}, "address", "Số 15"),
    "births": ({"mother": MOTHER}, "place", "Bệnh viện"),
    "marriages": ({"person": FATHER}, "registered_on", "2024-03-07"),
    "birth-notices": ({"mother": MOTHER}, "child_name", "An"),
    "insurance": ({"number": MOTHER}, "full_name", "Trần Thu Hạ"),
}


def correct_facts(mother: str) -> None:
    """Say of every register that a fact in it is wrong, as the mother's portal; ask what became of it."""
    asker = by(PORTAL, "correction", user=mother)
    for register, (known_by, field, value) in WRONG.items():
        said = {"by": known_by, "field": field, "value": value, "why": "a paper"}
        code = ask(f"{register}/corrections", said, asker, key=register)["code"]
        assert code in {one["code"] for one in ask(f"{register}/corrections/asked", None, asker)["corrections"]}


def tell_systems(mother: str) -> None:
    """Tell other systems what they must hear: a correction, its answer, a change, a step of a request."""
    code = {"code": "2612-AAAA-AA"}
    fact = code | {"register": "population", "field": "sex"}
    owner = by(POLICE, "correction", user="police-00199.residence")
    ask("corrections/told", fact | {"reads": [str(uuid7())], "cases": ["2611-7K4M-Q8"]}, owner)
    ask("corrections/answered", fact | {"account": mother, "accepted": True}, owner)
    ask("corrections/late", fact | {"account": mother, "due": clock.now().isoformat()}, owner)
    change = {"register": "population", "record": str(uuid7()), "version": 2, "fields": ["born"], "ended": False}
    ask("changes/told", change, by(POLICE, "insurance-upkeep", "l60-2024"))
    step = {"right": "restrict", "step": "granted", "due": clock.now().isoformat(), "complete_on": None}
    ask("person-requests/told", code | step | {"account": mother}, by(POLICE, "personal-rights"))


def ask_about_the_mother(mother: str) -> None:
    """Ask the services that answer to a person's portal, as it does."""
    rights, own = by(PORTAL, "personal-rights", user=mother), by(PORTAL, "own-reads", user=mother)
    wish = {"person": MOTHER, "right": "restrict", "purpose": "", "words": "I do not want it."}
    code = ask("person-requests/ask", wish, rights)["code"]
    assert ask("person-requests/asked", {"person": MOTHER}, rights)["requests"][0]["code"] == code
    assert ask("person-requests/lift", {"person": MOTHER, "code": code}, rights)["state"] == "lifted"
    read = ask("own-reads/of-person", {"person": MOTHER, "most": 1}, own)["reads"][0]["record"]
    for name in ("one", "proof"):
        ask(f"own-reads/{name}", {"person": MOTHER, "record": read}, own)
    assert ask("own-data/of-person", {"person": MOTHER}, by(PORTAL, "own-data", user=mother))["registers"]
    persons = {"purpose": "birth-suggestion", "persons": [MOTHER]}
    assert ask("consents/agreed", persons, by(HEALTH, "birth-suggestion")) == {"agreed": [False]}


def use_govstack(
    register: str, known_by: Mapping[str, str], new: Mapping[str, Any], field: str, writer: Reader
) -> None:
    """Read, write, list and end records by the GovStack interface, each of its paths in both spellings."""
    base, query = f"data/{register}/1", {"query": {"content": known_by}}
    name = ask(f"{base}/read", query, writer)["content"]["id"]
    assert ask(f"{base}/exists", query, writer)["answer"]["status"]
    assert ask(f"{base}?{urlencode({f'query.{key}': one for key, one in known_by.items()})}", None, writer, "GET")[
        "count"
    ]
    for way, method in WAYS.items():
        ask(f"{base}/{way}", query | {"write": {"content": {field: way}}}, writer, method, way)
    for way in ("readValue", "read-value"):
        assert ask(f"{base}/{name}/{way}/{field}.json", None, writer, "GET") == {"value": [*WAYS][-1]}
    made = ask(f"{base}/create", {"write": {"content": new}}, writer, key="create")["content"]["id"]
    ask(f"{base}/{made}/delete", None, writer, "DELETE", "delete")


def tell_of_an_event() -> None:
    """Make an event type, subscribe, publish two events, fetch one and stop the other; be told of one; end it all."""
    who, name = by(COMMUNE, "events", "nd278-2025"), "birthRegistered"
    kind = {"eventType": name}
    ask("api/v1/eventType", kind | {"schema": {"type": "object"}}, who)
    ask("api/v1/eventType", None, who, "GET")
    ask(f"api/v1/eventType/{name}", None, who, "GET")
    ask(f"api/v1/subs/{name}", kind, who)
    ask(f"api/v1/subs/{name}", kind | {"delivery": "PULL"}, who, "PATCH")
    ask("api/v1/subs", None, who, "GET")
    ask(f"api/v1/subs/{name}", None, who, "GET")
    first, second = (ask(f"pub/v1/{name}", kind | {"event": {"n": n}}, who, key=f"e-{n}")["id"] for n in (1, 2))
    event = ask(f"pull/v1/{name}", None, who, "GET")
    assert event["id"] == first
    ask(f"pull/v1/{name}/{first}", None, who, "DELETE")
    ask(f"pub/v1/{name}/{second}", None, who, "DELETE")
    assert ask(f"pub/v1/{name}/{second}", None, who, "GET")["deliveries"][0]["state"] == "stopped"
    ask(f"events/v1/{name}", event, who)
    ask(f"api/v1/subs/{name}", None, who, "DELETE")
    ask(f"api/v1/eventType/{name}", None, who, "DELETE")


def give_notice_of_a_breach() -> None:
    """Give the authority notice, have it acknowledged, have the persons told whom it touched."""
    with clock.freeze(datetime.now(UTC)):  # whom it touched is looked for among the ids of that time
        permit(REGISTRAR, register="births", persons=[MOTHER])
        tell(reported())
    work()
    (row,) = authority.listed(CHIEF)
    authority.acknowledge(row.id, CHIEF)
    work()
    ask("breaches/counts", None, by(PORTAL, "breach-notice"))


def postpone_a_sealed_read() -> None:
    """Have a second officer decide the day after that a sealed read is shown later."""
    record = permit(
        by(POLICE, "investigation", user="police-00199.identity"), register="births", persons=[MOTHER]
    ).record
    chief = by(POLICE, "investigation", user="police-00199.chief")
    with clock.freeze(clock.now() + timedelta(days=1)):
        until = nation.current().today() + timedelta(days=90)
        assert ask("sealed-reads/waiting", None, chief)["waiting"]
        ask("sealed-reads/postpone", {"record": record, "until": until.isoformat()}, chief)
    ask("sealed-reads/counts", None, by(PORTAL, "own-reads"))


def look_as_the_mother(code: str) -> None:
    """Ask what the site answers outside its pages, as a program that the mother signed in."""
    client = Client()
    client.post("/en/sign-in", {"persona": "mother"})
    own = (f"api/cases/{code}", f"api/cases/{code}/reads", "api/my-data")
    for path in ("health", "health/empty", "api/ledger", "ledger/checkpoint", "api/sealed-reads", *own):
        response = client.get(f"/{path}")
        assert response.status_code == 200, path
        response.close()


@pytest.mark.django_db(transaction=True)
def test_every_operation_on_a_register_with_versions_answers_a_valid_request(monkeypatch: pytest.MonkeyPatch) -> None:
    country = nation.load(REPOSITORY / "nations" / "testland")
    monkeypatch.setattr(nation, "current", lambda: country)
    held = Held(operations(r"testland-.*"))
    monkeypatch.setattr(Client, "request", held.carries())
    bicycle = {"mark": "B00007", "owner": "P0001", "marked_on": "2026-03-02", "place": "N101", "colour": "red"}
    for path in ("bicycles", "bicycles/v1"):
        for what in ("records", "lookup"):
            body = bicycle if what == "records" else {"by": {"mark": bicycle["mark"]}}
            assert ask(f"{path}/{what}", body, ROADS, key=path)
    for version in (1, 2):
        assert "faults" in ask(f"bicycles/v{version}/try", bicycle, ROADS)
    use_govstack("bicycles", {"mark": "B00007"}, bicycle | {"mark": "B00008"}, "colour", ROADS)
    for words in USAGE:
        assert ask(
            f"data/{words}?userId=P0001&databaseId=bicycles",
            None,
            by(DOOR, "own-case", "act-8.2", case="C-1"),
            method="GET",
        )
    assert not held.wrong
    assert not held.never()
