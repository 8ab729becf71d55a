"""Random reads through every path: each is on its person's page within seconds, with purpose and legal basis.

What was read is counted where it arrives, at whoever asked, and never in the records of reads.
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from onedoor.cases import held, service
from onedoor.cases.tests.conftest import FATHER, GRANDMOTHER, HOUSEHOLD, MOTHER, NOW, Transport, work
from onedoor.cases.tests.story import BIRTH, SignIn, handed_over, only
from onedoor.exchange.service import VIA_GATEWAY, Answer, Call
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.privacy.breaches import touched, writing
from onedoor.privacy.breaches.touched import Scope
from onedoor.privacy.requests import deciding, keeping
from onedoor.privacy.service import Reader
from onedoor.privacy.tests import consent_api
from onedoor.registers import corrections
from onedoor.registers.definition import register_of
from onedoor.registers.paths import values
from onedoor.registers.storage import id_of, identity_of
from onedoor.signing import pdf

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals")]
PORTAL, POLICE, CARDS = "VN/GOV/G22/PORTAL", "VN/GOV/G01/POPULATION", "VN/GOV/G24/INSURANCE"
COMMUNE, DOSSIER = "commune-00199", f"{held.KIND}{BIRTH}"
FAMILY = {MOTHER: "mother", FATHER: "father", GRANDMOTHER: "grandmother"}
NAMES = {MOTHER: "Trần Thu Hà", FATHER: "Lê Minh Quân", GRANDMOTHER: "Phạm Thị Lan"}
MARKS = {MOTHER: "Trần Thu Hà", FATHER: "Lê Minh Quân", GRANDMOTHER: "Số 12 ngõ 91 Chùa Láng"}
"""By what an officer's page of the dossier shows something of somebody: of whose household it is, the address."""
MORE, WITHIN = 12, 5.0
WORDS = {"vi": "Hồ sơ của bạn bị lộ.", "en": "Your file was open."}
Read = tuple[str, str, str]
"""What was read (a register, a dossier, a service), for which purpose, by which agency."""


@dataclass
class Callers:
    """Everybody who asks, and what they were given of whom."""

    transport: Transport
    random: Random
    case: str = ""
    number: int = 0
    agreed: list[str] = field(default_factory=list)
    seen: dict[str, Counter[Read]] = field(default_factory=lambda: {person: Counter() for person in FAMILY})

    def saw(self, persons: Iterable[str], what: str, purpose: str, by: str) -> None:
        """Note that *by* (an agency or the system of one) was given something of *persons*."""
        members = [one.id for one in nation.current().agencies.values() if one.is_member and one.subsystem == by]
        for person in FAMILY.keys() & set(persons):
            self.seen[person][what, purpose, (members or [by])[0]] += 1

    def anybody(self) -> str:
        return self.random.choice(list(FAMILY))

    def key(self) -> str:
        self.number += 1
        return f"every-path-{self.number}"

    def carry(self, call: Call) -> Answer | OnedoorError:
        """Carry *call* as `Transport` does, and note what its sender was given by the answer, or gave away."""
        with translation.override(translation.get_language()):
            answer = Transport.carry(self.transport, call)
        assert isinstance(answer, Answer), (call, answer)
        what, by = call.service.rpartition("/")[2], call.user.partition(".")[0]
        by = by if by in nation.current().agencies else self.transport.client(call)
        if call.path == "lookup":
            self.saw(given(what, answer.body.records, call.body["by"]), what, call.reason.purpose, by)
        elif (what, call.path) == ("own-data", "of-person"):
            for one in answer.body["registers"]:
                self.saw([call.body["person"]], one["register"], call.reason.purpose, by)
        elif call.path == "hand-over":
            told = json.dumps(call.body["context"], ensure_ascii=False)
            people = {call.body["applicant"]["number"], *(one for one, mark in MARKS.items() if mark in told)}
            if call.body["context"]["names"].get("home"):
                people.add(GRANDMOTHER)
            self.saw(people, DOSSIER, call.reason.purpose, call.body["agency"])
        elif call.path == "supplement":
            self.saw([MOTHER], DOSSIER, call.reason.purpose, call.body["agency"])
        elif call.path == "outcome":
            self.saw({MOTHER, *named_in(call.body)}, DOSSIER, call.reason.purpose, PORTAL)
        elif (what, call.path) == ("breaches", "persons"):
            self.saw(call.body["persons"], what, call.reason.purpose, by)  # at the agency, from its own records
            self.saw(call.body["persons"], what, call.reason.purpose, by)  # at the portal, whether they are known
        return answer

    def ask(self, reader: Reader, method: str, path: str, body: Any = None) -> Any:
        """Ask as a system of the exchange does."""
        asked = {
            "HTTP_X_ROAD_CLIENT": reader.client,
            "HTTP_INFORMATION_MEDIATOR_CLIENT": reader.client,
            "HTTP_X_ROAD_USERID": reader.user,
            "HTTP_X_ROAD_ISSUE": reader.case,
            "HTTP_ONEDOOR_PURPOSE": reader.purpose,
            "HTTP_ONEDOOR_BASIS": reader.basis,
            VIA_GATEWAY: True,
        }
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = Client().generic(method, f"/exchange/{path}", **content, **asked)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def officer(self) -> Reader:
        """Whoever reads registers of another agency, or of its own, for the case."""
        known = [
            Reader(POLICE, "police-00199.residence", "permanent-residence", "l68-2020", self.case),
            Reader(CARDS, "vss-01.cards", "health-insurance-card", "nd63-2024.8.3", self.case),
        ]
        return self.random.choice(known)


def named_in(told: object) -> set[str]:
    """Whose name stands in what is told."""
    text = json.dumps(told, ensure_ascii=False)
    return {person for person, name in NAMES.items() if name in text}


def given(register: str, records: Iterable[Mapping[str, Any]], by: Mapping[str, str]) -> set[str]:
    """Whose something stands in *records*, by number, name or household, or who was asked for."""
    data = next(one.data for one in nation.current().documents("register") if one.data["register"] == register)
    found = {str(value) for path in data["subjects"] for one in records for value in values(one, path)}
    told = json.dumps(list(records), ensure_ascii=False)
    marks = MARKS if register == "residence" else NAMES
    return found | set(by.values()) | {person for person, mark in marks.items() if f'"{mark}"' in told}


def looked_up(callers: Callers, _sign_in: SignIn) -> None:
    """By the interface of the registers."""
    reader, register = callers.officer(), callers.random.choice(["population", "residence"])
    by = {"number" if register == "population" else "member": callers.anybody()}
    found = callers.ask(reader, "POST", f"{register}/lookup", {"by": by})
    callers.saw(given(register, found["records"], by), register, reader.purpose, reader.user.partition(".")[0])


def by_govstack(callers: Callers, _sign_in: SignIn) -> None:
    """By the GovStack interface: one record, one value of it, a list."""
    reader, person = callers.officer(), callers.anybody()
    by = reader.user.partition(".")[0]
    found = callers.ask(reader, "POST", "data/population/1/read", {"query": {"content": {"number": person}}})["content"]
    callers.saw(given("population", [found], {}), "population", reader.purpose, by)
    value = callers.ask(reader, "GET", f"data/population/1/{found['id']}/readValue/full_name.json")
    assert value == {"value": NAMES[person]}
    callers.saw([person], "population", reader.purpose, by)
    listed = callers.ask(reader, "GET", f"data/residence/1?query.household={HOUSEHOLD}")["results"]
    callers.saw(given("residence", listed, {}), "residence", reader.purpose, by)


def in_the_past(callers: Callers, _sign_in: SignIn) -> None:
    """By the interface of the registers: who wrote a record, and what it said on an earlier day."""
    reader, person = Reader(POLICE, "police-00199.residence", "permanent-residence", "l68-2020", callers.case), MOTHER
    found = callers.ask(reader, "POST", "population/provenance", {"by": {"number": person}})
    assert found["versions"]
    callers.saw([person], "population", reader.purpose, "police-00199")
    asked = {"by": {"number": person}, "valid_on": f"{NOW - timedelta(days=1):%Y-%m-%d}"}
    found = callers.ask(reader, "POST", "population/lookup", asked)
    callers.saw(given("population", found["records"], asked["by"]), "population", reader.purpose, "police-00199")


def record_id(person: str) -> str:
    """The id of a person's record, as its owner tells it to who follows."""
    register = register_of("population")
    return str(id_of(identity_of(register, {"number": person})))


def followed(callers: Callers, sign_in: SignIn) -> None:
    """By a system that follows a register, and reads the record of whose change it was told by its id."""
    reader = callers.officer()
    found = callers.ask(reader, "POST", "data/population/1/read", {"query": {"content": {"number": callers.anybody()}}})
    callers.saw(
        given("population", [found["content"]], {}), "population", reader.purpose, reader.user.partition(".")[0]
    )
    follower = Reader(CARDS, "insurance", "insurance-upkeep", "l60-2024")
    asked = {"query": {"content": {"id": found["content"]["id"]}}}
    record = callers.ask(follower, "POST", "data/population/1/read", asked)["content"]
    callers.saw(given("population", [record], {}), "population", follower.purpose, CARDS)


def task_opened(callers: Callers, sign_in: SignIn) -> None:
    """At the desk: a task, by its page."""
    page = desk_page(f"desk/{only(sign_in('civil-status'))}")
    found = {one for one, mark in MARKS.items() if mark in page}
    assert found == set(FAMILY)
    callers.saw(found, DOSSIER, "birth-registration", COMMUNE)


def found_by_name(callers: Callers, _sign_in: SignIn) -> None:
    """At the desk: a case by the name of whoever applied."""
    if "An Nhiên" in desk_page(f"desk/?q={callers.random.choice(['thu ha', 'an nhien', 'TRẦN'])}"):
        callers.saw([MOTHER], DOSSIER, "birth-registration", COMMUNE)


def desk_page(address: str) -> str:
    officer = Client()
    officer.post("/en/sign-in", {"persona": "civil-status"})
    return officer.get(f"/en/{address}").content.decode()


def looked_into(callers: Callers, sign_in: SignIn) -> None:
    """At the desk: a register of the own system, for the task."""
    registrar = sign_in("civil-status")
    marriage = service.look(only(registrar), "marriage", registrar)
    told = {str(answer.value) for record in marriage.found or () for answer in record}
    people = [one for one in FAMILY if any(one in text for text in told)]
    assert people
    callers.saw(people, "marriages", "birth-registration", COMMUNE)


def by_hand(callers: Callers, sign_in: SignIn) -> None:
    """At the desk: a look-up by hand, by a right that names the post."""
    person = callers.anybody()
    look = service.Look("birth-registration", "births", "mother")
    service.look_up(look, {"mother": person}, callers.case, sign_in("civil-status"))
    callers.saw([person], "births", "birth-registration", COMMUNE)


def case_opened(callers: Callers, _sign_in: SignIn) -> None:
    """At the portal: the case, by one of its people; what is about themself is no read."""
    reader = callers.random.choice([MOTHER, FATHER])
    address = callers.random.choice(["", "/receipt"])
    page = visiting(reader).get(f"/en/cases/{callers.case}{address}").content.decode()
    found = {one for one, mark in MARKS.items() if mark in page}
    assert found == set(FAMILY)
    callers.saw(found - {reader}, DOSSIER, "own-case", PORTAL)


def visiting(person: str) -> Client:
    visitor = Client()
    visitor.post("/en/sign-in", {"persona": FAMILY[person]})
    return visitor


def ended(callers: Callers, sign_in: SignIn) -> None:
    """The outcomes: the commune asks for a supplement, opens its file and issues the certificate both parents take."""
    registrar = sign_in("civil-status")
    task = only(registrar)
    service.ask_supplement(task, "A better picture, please.", registrar)
    work()
    service.supplement(callers.case, "Here it is.", callers.key(), sign_in("mother"), {"photo": ("a.jpg", b"picture")})
    work()
    (photo,) = service.task(task, registrar).files
    callers.saw(FAMILY, DOSSIER, "birth-registration", COMMUNE)
    assert service.file(task, photo.field, registrar).content
    callers.saw([MOTHER], DOSSIER, "birth-registration", COMMUNE)
    service.accept(task, registrar)
    work()
    for reader in (MOTHER, FATHER):
        for page in (f"/en/cases/{callers.case}/results/birth_certificate", f"/api/cases/{callers.case}"):
            answer = visiting(reader).get(page)
            assert answer.status_code == 200
            found = named_in(pdf.data_of(answer.content)) if answer["Content-Type"] == "application/pdf" else set()
            callers.saw(found - {reader}, DOSSIER, "own-case", PORTAL)


def own_data(callers: Callers, _sign_in: SignIn) -> None:
    """By the person: what registers hold about them, as a page or as a file to take along; the transport counts."""
    person = callers.anybody()
    answer = visiting(person).get(callers.random.choice(["/en/my-data/held", "/en/my-data/held.csv", "/api/my-data"]))
    assert NAMES[person] in "".join(part.decode() for part in answer)


def correction(callers: Callers, _sign_in: SignIn) -> None:
    """At the desk: what a person says is wrong, beside what the register says."""
    person, key = callers.anybody(), callers.key()
    asker = Reader(PORTAL, key, "correction", "l91-2025")
    wish = corrections.Request({"number": person}, "full_name", f"{NAMES[person]} X", "my papers")
    code = corrections.ask("population", wish, reader=asker, key=key).code
    sheet = corrections.opened(code, Actor(person="o", post="police-00199.residence", agency="police-00199", level=2))
    assert sheet.now == NAMES[person]
    callers.saw([person], "population", "correction", "police-00199")


def request(callers: Callers, _sign_in: SignIn) -> None:
    """At the desk: what a person asks about their data."""
    person, key = callers.anybody(), callers.key()
    asker = Reader(PORTAL, key, "personal-rights", "l91-2025")
    code = keeping.ask(keeping.Wanted(person, "restrict", "", "I do not want it."), reader=asker, key=key).code
    sheet = deciding.opened(code, Actor(person="c", post="police-00199.chief", agency="police-00199", level=2))
    assert sheet.said["person"] == person
    callers.saw([person], "person-requests", "personal-rights", "police-00199")


def breach(callers: Callers, _sign_in: SignIn) -> None:
    """By a job: the numbers of those whom a breach touched, to tell them; the transport counts."""
    chair = Actor(person="c", post=f"{COMMUNE}.chair", agency=COMMUNE, level=2)
    code = writing.find(writing.start(chair, callers.key(), {}).code, chair, NOW).code
    system = nation.current().agencies[COMMUNE].subsystem
    day = timedelta(days=1)
    told = touched.tell(code, chair, Scope(system, "", "", NOW - day, NOW + day), WORDS, "Office", key=callers.key())
    touched.tell_next(told.id)


def consents(callers: Callers, _sign_in: SignIn) -> None:
    """By who holds a register, whether persons agree; by the GovStack consent API, as a system and as the auditor."""
    person, purpose = callers.anybody(), consent_api.PURPOSE
    holder = Reader(consent_api.HEALTH, "system", purpose, "l91-2025", callers.case)
    answer = callers.ask(holder, "POST", "consents/agreed", {"purpose": purpose, "persons": [person]})
    assert answer == {"agreed": [False]}
    callers.saw([person], "consents", purpose, holder.client)
    who = consent_api.individual(person)
    assert consent_api.ask("GET", f"/service/individual/{who}/")["individual"]["id"] == who
    callers.saw([person], "consent", "consent-api", consent_api.HEALTH)
    consent_api.give(consent_api.agreement(), who)
    callers.agreed.append(person)
    for path, by in (("service/verification", consent_api.HEALTH), ("audit", consent_api.AUDITOR)):
        told = consent_api.ask("GET", f"/{path}/consent-records/", by=by)["consentRecords"]
        assert len(told) == len(callers.agreed)
        callers.saw(callers.agreed, "consent", "consent-api", by)


PATHS: tuple[Callable[[Callers, SignIn], None], ...] = (
    looked_up,
    by_govstack,
    in_the_past,
    followed,
    consents,
    task_opened,
    found_by_name,
    looked_into,
    by_hand,
    case_opened,
    own_data,
    correction,
    request,
    breach,
)
"""Beside the form's facts and the hand-over, with which the case begins, and how it ends; no shell, no analysis."""


def on_page(person: str) -> list[dict[str, Any]]:
    reads: list[dict[str, Any]] = json.loads(visiting(person).get("/en/reads.json").content)["reads"]
    return [one for one in reads if one["operation"] == "read"]


def test_every_read_of_every_path_is_on_its_persons_page_and_nothing_else(
    sign_in: SignIn, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = secrets.randbits(32)
    callers = Callers(transport, Random(seed))
    monkeypatch.setattr(transport, "carry", callers.carry)
    callers.case = handed_over(sign_in("mother")).code
    paths = [*PATHS, *callers.random.choices(PATHS, k=MORE)]
    callers.random.shuffle(paths)
    for path in paths:
        path(callers, sign_in)
    ended(callers, sign_in)
    asked = time.monotonic()
    for person, seen in callers.seen.items():
        assert sum(seen.values()) > len(PATHS) / 2
        while True:
            shown = on_page(person)
            found = Counter((one["register"], one["purpose"], one["agency"]) for one in shown)
            if not seen - found or time.monotonic() - asked > WITHIN:
                break
        names = [path.__name__ for path in paths]
        assert not seen - found, f"seed {seed}: read and not shown to {FAMILY[person]}, by {names}"
        assert not found - seen, f"seed {seed}: shown to {FAMILY[person]} and not read, by {names}"
        for one in shown:
            assert one["purpose_text"]["en"], one
            assert one["basis_text"]["en"], one
            assert one["law"], one
