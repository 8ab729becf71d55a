"""A portal and its nodes in one process and one database.

Only the transport is replaced: instead of two gateways the test client carries the message to the same address with the
same headers, and ``onedoor.gateway`` set as the mutual TLS listener sets it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models.functions import Now
from django.test import Client, RequestFactory
from procrastinate.contrib.django.models import ProcrastinateJob

from onedoor.cases import trail
from onedoor.exchange import service as exchange
from onedoor.exchange.connections import Response
from onedoor.exchange.service import Answer, Call, Refused, ServiceUnavailable
from onedoor.identity import service as identity
from onedoor.identity.sessions import SessionStore
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.settings import current as settings
from onedoor.privacy.tests.one_process import of_one_each, tell_nothing_here
from onedoor.registers import service as registers
from onedoor.signing.certificates import Subject, save_certificates
from onedoor.signing.keys import load_key, new_key, save_key
from onedoor.signing.tests.authorities import AIA, Lab
from onedoor.store.work import run_waiting

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 12, 7, 9, 0, tzinfo=HANOI)  # a Monday
MOTHER, FATHER, GRANDMOTHER = "001196204817", "036094117302", "001168005926"
HOUSEHOLD = "H0000000001"
NOTICE = {
    "notice": "01901.GCS.00001.26",
    "mother": MOTHER,
    "born": "2026-12-04T06:40",
    "sex": "F",
    "weight_g": 3150,
    "place": {"facility": "Bệnh viện Sen", "unit": "00199"},
    "facility": "facility-01901",
    "child_name": "",
    "used": False,
}
AGENCIES = ("commune-00199", "police-00199", "vss-01", "commune-26740", "commune-20242")


@dataclass
class Transport:
    """Carries calls to the exchange addresses of this process; what is in ``silent`` does not answer."""

    silent: set[str] = field(default_factory=set)
    carried: list[Call] = field(default_factory=list)
    lose_answers_of: set[str] = field(default_factory=set)

    def ask_each(self, calls: Iterable[Call], *, timeout: float = 10.0) -> Iterator[Answer | OnedoorError]:
        yield from of_one_each([self.carry(call) for call in calls])

    def carry(self, call: Call) -> Answer | OnedoorError:
        system, _, code = call.service.rpartition("/")
        if system in self.silent:
            return ServiceUnavailable(who=system)
        self.carried.append(call)
        response = Client().post(
            f"/exchange/{code}/{call.path}",
            data=json.dumps(call.body),
            content_type="application/json",
            headers={"Accept": "application/json"},
            **self.meta(call),
        )
        if call.path in self.lose_answers_of:
            return ServiceUnavailable(who=system)
        if response.status_code in (401, 403):
            return Refused(who=system)
        headers = {"content-type": response["Content-Type"], "x-road-id": "message-1"}
        return exchange._answer(call, Response(response.status_code, headers, response.content))

    def meta(self, call: Call) -> dict[str, Any]:
        return {
            "onedoor.gateway": True,
            "HTTP_X_ROAD_CLIENT": self.client(call),
            "HTTP_X_ROAD_USERID": call.user,
            "HTTP_X_ROAD_ISSUE": call.reason.case,
            "HTTP_ONEDOOR_PURPOSE": call.reason.purpose,
            "HTTP_ONEDOOR_BASIS": call.reason.basis,
            "HTTP_IDEMPOTENCY_KEY": call.key,
        }

    def client(self, call: Call) -> str:
        """An officer's post tells the system that sends; an account is the portal's."""
        agency = nation.current().agencies.get(call.user.partition(".")[0])
        return agency.subsystem if agency else "VN/GOV/G22/PORTAL"


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Transport:
    found = Transport()
    monkeypatch.setattr(exchange, "ask_each", found.ask_each)
    tell_nothing_here(monkeypatch)
    monkeypatch.setattr(trail, "_own", lambda *_: [])  # the others tell them
    return found


@pytest.fixture(autouse=True)
def monday() -> Iterator[None]:
    with clock.freeze(NOW):
        yield


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The authority of the agencies' seals, with a time-stamper whose certificate ends in 49 days."""
    return Lab(tmp_path_factory.mktemp("ca"), NOW.astimezone(UTC), 50, NOW - timedelta(days=1))


@pytest.fixture(scope="session")
def seals(lab: Lab) -> Path:
    authority = lab.authority
    folder = settings().state / "seals"
    for agency in AGENCIES:
        if not (folder / f"{agency}.key").exists():
            save_key(folder / f"{agency}.key", new_key())
        name = nation.current().agencies[agency].name["vi"]
        public = load_key(folder / f"{agency}.key").public_key()
        subject = Subject(agency, organisation=name, identifier=agency, country="VN")
        save_certificates(
            folder / f"{agency}.pem", [authority.issue(subject, public, "seal", days=700, moment=lab.start, status=AIA)]
        )
    save_certificates(folder / "trust.pem", [authority.certificate])
    return folder


@pytest.fixture
def weddings() -> list[dict[str, str]]:
    """Who is married in the tests."""
    return [{"number": "15/2024", "husband": FATHER, "wife": MOTHER, "registered_on": "2024-03-08", "place": "00199"}]


@pytest.fixture
def fathers_origin() -> str:
    """The father's native place: where it is not the mother's, the form asks which is the child's."""
    return "01"


@pytest.fixture
def people(weddings: list[dict[str, str]], fathers_origin: str) -> None:
    """The family of the demonstration, at home in Lang Ward, with a notice of birth."""
    registers.load(
        "population",
        [
            person(MOTHER, "Trần Thu Hà", "1996-05-14", "F", mother=GRANDMOTHER),
            person(FATHER, "Lê Minh Quân", "1994-09-02", "M") | {"native_place": fathers_origin},
            person(GRANDMOTHER, "Phạm Thị Lan", "1968-11-20", "F"),
        ],
    )
    relations = [(GRANDMOTHER, "head"), (MOTHER, "child"), (FATHER, "child-in-law")]
    members = [{"number": number, "relation": relation} for number, relation in relations]
    home = {"household": HOUSEHOLD, "head": GRANDMOTHER, "unit": "00199", "address": "Số 12 ngõ 91 Chùa Láng"}
    registers.load("residence", [home | {"members": members}])
    registers.load("marriages", weddings)
    registers.load("birth-notices", [NOTICE])


def person(number: str, name: str, born: str, sex: str, mother: str = "") -> dict[str, Any]:
    return {
        "number": number,
        "full_name": name,
        "born": born,
        "sex": sex,
        "ethnicity": "Kinh",
        "nationality": "VN",
        "native_place": "01",
        "residence": {"unit": "00199", "address": "Số 12 ngõ 91 Chùa Láng"},
        "mother": mother,
        "father": "",
        "status": "alive",
        "phone": "",
        "email": "",
    }


@pytest.fixture
def sign_in() -> Callable[[str], Actor]:
    def enter(persona: str) -> Actor:
        request = RequestFactory().get("/")
        request.session = SessionStore()
        return identity.sign_in(request, persona)

    return enter


def work(rounds: int = 6) -> None:
    """Let the worker do what waits, and what that sets off, in as many turns at most."""
    waiting = ProcrastinateJob.objects.filter(status="todo").exclude(scheduled_at__gt=Now())
    while rounds and waiting.exists():
        run_waiting()
        rounds -= 1
