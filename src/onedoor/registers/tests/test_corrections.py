import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import lxml.html
import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from onedoor.exchange import service as exchange
from onedoor.exchange.service import VIA_GATEWAY, Answer, Call
from onedoor.identity.models import Account
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.privacy import rights
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.records import BLIND
from onedoor.privacy.service import NotPermitted, Reader
from onedoor.registers import corrections, definition, errors, service, storage, writing
from onedoor.registers.corrections import Request
from onedoor.registers.models import Correction
from onedoor.registers.tests.test_service import FATHER, HOME, MOTHER, POLICE, PORTAL, person
from onedoor.store import keys
from onedoor.store.models import StatedEvent
from onedoor.store.work import run_waiting

pytestmark = pytest.mark.django_db
lasting = pytest.mark.django_db(transaction=True)
FRIDAY = datetime(2026, 12, 11, 9, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
ASKER = Reader("VN/GOV/G22/PORTAL", "account-1", "correction", "l91-2025")
OFFICER = Actor(person="o", post="police-00199.residence", agency="police-00199", level=2, name="Officer")
COMMUNE = Actor(person="c", post="commune-00199.civil-status", agency="commune-00199", level=2)
WRONG = Request({"number": MOTHER}, "full_name", "Trần Thu Hạ", "my birth certificate")


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    mother = person(MOTHER, "Trần Thu Hà", "1996-05-14", "F")
    service.load("population", [mother, person(FATHER, "Lê Minh Quân", "1994-09-02", "M")])


def ask(request: Request = WRONG, key: str = "k1") -> Correction:
    return corrections.ask("population", request, reader=ASKER, key=key)


def name() -> str:
    return str(service.lookup("population", {"number": MOTHER}, reader=POLICE).records[0]["full_name"])


def test_what_a_person_says_is_kept_sealed_with_its_limit_and_stated_without_it() -> None:
    with clock.freeze(FRIDAY):
        correction = ask()
    assert correction.due.astimezone(FRIDAY.tzinfo).date().isoformat() == "2026-12-17"
    assert "Hạ".encode() not in bytes(correction.sealed)
    assert corrections.read(correction)["value"] == "Trần Thu Hạ"
    stated = StatedEvent.objects.get()
    assert (stated.name, stated.data["field"]) == ("registers.CorrectionAsked", "full_name")
    assert name() == "Trần Thu Hà", "nothing is corrected before its owner decides"


def test_the_same_key_asks_once() -> None:
    assert ask().code == ask().code
    assert Correction.objects.count() == 1


@pytest.mark.parametrize(
    ("request_", "reader"),
    [
        (WRONG, replace(ASKER, user="account-2")),
        (replace(WRONG, by={"number": FATHER}), ASKER),
        (replace(WRONG, field="born", value="1996-05-15"), ASKER),
        (replace(WRONG, value="Trần Thu Hằng"), ASKER),
    ],
    ids=["another user", "about another person", "another field", "another value"],
)
def test_a_key_used_for_something_else_gives_nothing_of_it_away(request_: Request, reader: Reader) -> None:
    ask()
    with pytest.raises(errors.KeyUsed):
        corrections.ask("population", request_, reader=reader, key="k1")
    assert Correction.objects.count() == 1


@lasting
def test_the_same_key_sent_at_the_same_time_asks_once() -> None:
    def once(_number: int) -> str:
        try:
            return ask().code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        codes = list(threads.map(once, range(6)))
    assert len(set(codes)) == 1
    assert Correction.objects.count() == 1
    assert StatedEvent.objects.filter(name="registers.CorrectionAsked").count() == 1


def test_a_field_that_is_not_granted_cannot_be_disputed_and_the_attempt_is_recorded() -> None:
    with pytest.raises(NotPermitted):
        ask(Request({"number": MOTHER}, "status", "dead", "no"))
    assert ReadRecord.objects.get().operation == "correct"


def test_a_number_written_otherwise_hides_no_request_from_the_person() -> None:
    correction = ask(Request({"number": f" {MOTHER} "}, "full_name", "Trần Thu Hà", "no"))
    assert corrections.read(correction)["person"] == MOTHER
    about = ReadRecord.objects.get(id=correction.permit).persons.get()
    assert bytes(about.person) == keys.blind(BLIND, MOTHER)
    assert keys.live(f" {MOTHER} ") is None


def turned_away() -> list[list[str]]:
    """Return the fields of each request that was refused for what is kept, as recorded."""
    found = ReadRecord.objects.filter(refused="unfit", operation="correct", persons__isnull=False)
    return list(found.order_by("id").values_list("fields", flat=True))


def test_a_value_that_cannot_be_so_is_refused_at_once() -> None:
    with pytest.raises(errors.BadRecord):
        ask(Request({"number": MOTHER}, "sex", "X", "no"))
    with pytest.raises(errors.BadRecord, match="scheme"):
        ask(Request({"number": MOTHER}, "born", "1990-05-14", "the number tells the year"))
    assert turned_away() == [["sex"], ["born"]]


def test_nobody_the_register_does_not_know_can_be_corrected() -> None:
    with pytest.raises(errors.NothingToCorrect):
        ask(Request({"number": "001196204818"}, "full_name", "Ai", "no"))
    assert turned_away() == [["full_name"]]


def test_a_register_without_a_limit_takes_no_corrections(monkeypatch: pytest.MonkeyPatch) -> None:
    register = replace(definition.register_of("population"), corrections=None)
    monkeypatch.setattr(corrections, "register_of", lambda _id: register)
    with pytest.raises(errors.NotCorrectable):
        ask()


def test_a_correction_of_a_record_that_ended_meanwhile_corrects_its_past_alone() -> None:
    service.load("residence", [HOME])
    asked = Request({"member": MOTHER}, "address", "Số 2", "my contract")
    code = corrections.ask("residence", asked, reader=ASKER, key="k1").code
    register = definition.register_of("residence")
    first = storage.id_of(storage.identity_of(register, HOME))
    writing.end(register, first, writing.Request({}, POLICE, "e1"))
    corrections.decide(code, OFFICER, accept=True, words="Thank you.")
    house = {"household": HOME["household"]}
    assert service.lookup("residence", house, reader=POLICE).records == []
    yesterday = nation.current().today() - timedelta(days=1)
    (before,) = service.lookup("residence", house, reader=POLICE, valid_on=yesterday).records
    assert before["address"] == "Số 2"


def test_only_the_posts_of_the_owner_decide() -> None:
    code = ask().code
    assert [one.code for one in corrections.at_desk(OFFICER)] == [code]
    assert corrections.at_desk(COMMUNE) == []
    chair = replace(COMMUNE, post="commune-00199.chair")
    assert [service.may_decide(one) for one in (OFFICER, COMMUNE, chair)] == [True, True, False]
    with pytest.raises(errors.NoSuchCorrection):
        corrections.decide(code, COMMUNE, accept=True, words="")


BIRTH = {
    "registered_at": "commune-00199", "number": "7/2020", "child": MOTHER, "full_name": "Trần Thu Hà", "sex": "F",
    "born": "2020-05-14", "place": "Hà Nội", "registered_on": "2020-05-20",
}  # fmt: skip
WEDDING = {"number": "3/2020", "husband": FATHER, "wife": MOTHER, "registered_on": "2020-02-02", "place": "00199"}
NOTICE = {
    "notice": "01901.GCS.00001.26", "mother": MOTHER, "born": "2026-10-01T08:00", "sex": "F", "weight_g": 3200,
    "place": {"facility": "Hoa Sen", "unit": "00199"}, "facility": "facility-01901",
}  # fmt: skip
CARD = {
    "card": "DN1012345678901", "number": MOTHER, "full_name": "Trần Thu Hà", "clinic": "01-A", "group": "DN",
    "valid_from": "2026-01-01", "valid_until": "2026-12-31",
}  # fmt: skip


@pytest.mark.parametrize(
    ("register", "record", "way", "field", "value", "post"),
    [
        ("births", BIRTH, "child", "full_name", "Trần Thu Hạ", "commune-00199.civil-status"),
        ("marriages", WEDDING, "person", "registered_on", "2020-02-03", "commune-00199.civil-status"),
        ("birth-notices", NOTICE, "mother", "born", "2026-10-01T09:00", "facility-01901.records"),
        ("insurance", CARD, "number", "clinic", "01-B", "vss-01.cards"),
    ],
)
def test_each_owner_corrects_its_register(
    register: str, record: dict[str, Any], way: str, field: str, value: str, post: str
) -> None:
    service.load(register, [record])
    code = corrections.ask(register, Request({way: MOTHER}, field, value, "a paper"), reader=ASKER, key="k").code
    officer = Actor(person="o", post=post, agency=post.partition(".")[0], level=2, name="Officer")
    assert [one.code for one in corrections.at_desk(officer)] == [code]
    assert corrections.opened(code, officer).now == record[field]
    corrections.decide(code, officer, accept=True, words="So it is.")
    owned, by, today = definition.register_of(register), {way: MOTHER}, nation.current().today()
    (now,) = storage.find(owned, owned.lookup_of(by), by, valid_on=today).values()
    assert now[field] == value


def test_an_accepted_correction_is_a_new_version_with_its_provenance_and_the_old_stays_known() -> None:
    code = ask().code
    before = clock.now()
    corrections.decide(code, OFFICER, accept=True, words="Thank you.")
    assert name() == "Trần Thu Hạ"
    found = service.lookup("population", {"number": MOTHER}, reader=POLICE, known_on=before)
    assert found.records[0]["full_name"] == "Trần Thu Hà"
    _, written = service.provenance("population", {"number": MOTHER}, reader=POLICE)
    assert (written.user, written.case) == (OFFICER.post, code)
    assert written.grounds
    assert written.grounds.purpose == "correction"
    with pytest.raises(errors.Decided):
        corrections.decide(code, OFFICER, accept=False, words="no")


def test_a_declined_correction_changes_nothing_and_answers_its_person() -> None:
    code = ask().code
    corrections.decide(code, OFFICER, accept=False, words="The paper says Hà.")
    assert name() == "Trần Thu Hà"
    (told,) = corrections.asked_by("population", reader=ASKER)
    assert (told.state, corrections.read(told)["words"]) == ("declined", "The paper says Hà.")
    other = Reader(ASKER.client, "account-2", ASKER.purpose, ASKER.basis)
    assert corrections.asked_by("population", reader=other) == []


def test_an_officer_sees_the_fact_only_once_the_look_is_on_record() -> None:
    sheet = corrections.opened(ask().code, OFFICER)
    assert (sheet.now, sheet.said["value"]) == ("Trần Thu Hà", "Trần Thu Hạ")
    record = ReadRecord.objects.get(operation="read")
    assert (record.user, record.purpose, record.fields) == (OFFICER.post, "correction", ["full_name"])


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Carry calls to the exchange addresses of this process, as the gateways would."""
    calls: list[Call] = []

    def carry(call: Call, client: str) -> Answer:
        headers = {
            "HTTP_X_ROAD_CLIENT": client,
            "HTTP_X_ROAD_USERID": call.user,
            "HTTP_X_ROAD_ISSUE": call.reason.case,
            "HTTP_ONEDOOR_PURPOSE": call.reason.purpose,
            "HTTP_ONEDOOR_BASIS": call.reason.basis,
            "HTTP_IDEMPOTENCY_KEY": call.key,
            VIA_GATEWAY: True,
        }
        calls.append(call)
        path = f"/exchange/{call.service.rpartition('/')[2]}/{call.path}"
        with translation.override(translation.get_language()):
            answered = Client().post(path, json.dumps(call.body), "application/json", **headers)
        return Answer(answered.status_code, answered.json(), {}, "m")

    def call_many(questions: Any, timeout: float = 10.0) -> list[Any]:
        answers = [carry(one, "VN/GOV/G22/PORTAL") for one in questions]
        return [one if one.status < 400 else exchange._failure("owner", one) for one in answers]

    def call(service: str, path: str, body: Any, *, reason: Any, user: str, key: str = "") -> Answer:
        return carry(Call(service, path, body, reason=reason, user=user, key=key), "VN/GOV/G01/POPULATION")

    monkeypatch.setattr(exchange, "call_many", call_many)
    monkeypatch.setattr(exchange, "ask_each", call_many)
    monkeypatch.setattr(exchange, "call", call)
    return calls


@lasting
def test_everybody_who_used_the_fact_is_told_once_and_never_the_fact(carried: list[Call]) -> None:
    read = service.lookup("population", {"number": MOTHER}, reader=PORTAL, wanted=["full_name"])
    service.lookup("population", {"number": MOTHER}, reader=PORTAL, wanted=["born"])
    service.lookup("population", {"number": FATHER}, reader=PORTAL, wanted=["full_name"])
    code = ask().code
    corrections.decide(code, OFFICER, accept=True, words="")
    run_waiting()
    told = [call for call in carried if call.path == "told" and call.service.endswith("/corrections")]
    assert [(call.service, call.body) for call in told] == [
        (
            "VN/GOV/G22/PORTAL/corrections",
            {
                "code": code,
                "register": "population",
                "field": "full_name",
                "reads": [read.record],
                "cases": [PORTAL.case],
            },
        )
    ]
    exchange.call(told[0].service, "told", told[0].body, reason=told[0].reason, user=told[0].user)
    (heard,) = StatedEvent.objects.filter(name="registers.UsedFactCorrected")
    assert heard.data["cases"] == [PORTAL.case]
    assert "Hạ" not in json.dumps([call.body for call in told], ensure_ascii=False)


@lasting
@pytest.mark.parametrize(("accept", "told"), [(True, "has corrected"), (False, "has not corrected")])
def test_a_person_reads_in_their_inbox_that_it_is_decided_and_nothing_tells_the_fact(
    carried: list[Call], accept: bool, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    mother = signed_in("mother")
    mother.post("/en/corrections/new", {"fact": "population.full_name", "value": "Trần Thu Hạ", "why": "a paper"})
    code = Correction.objects.get().code
    assert "Nothing here yet" in text(mother.get("/en/inbox"))
    corrections.decide(code, OFFICER, accept=accept, words="So it is.")
    run_waiting()
    (answered,) = [call for call in carried if call.path == "answered"]
    exchange.call(answered.service, "answered", answered.body, reason=answered.reason, user=answered.user)
    run_waiting()
    for language, field in (("en", "Full name"), ("vi", "Họ, chữ đệm và tên"), ("fr", "Nom complet")):
        inbox = mother.get(f"/{language}/inbox")
        assert len(lxml.html.fromstring(inbox.content).xpath("//ol[@class='reads text']/li")) == 1, "told once"
        assert code in text(inbox)
        assert field in text(inbox)
    assert told in text(mother.get("/en/inbox"))
    assert "Nothing here yet" in text(signed_in("father").get("/en/inbox"))
    said = json.dumps([*StatedEvent.objects.values_list("data", flat=True), answered.body], ensure_ascii=False)
    for fact in ("Trần Thu H", "So it is.", MOTHER, "a paper"):
        assert fact not in said + caplog.text
    assert StatedEvent.objects.filter(name="registers.CorrectionAnswered").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "01a2123b-52ec-7c33-a608-1a6bfd74f7aa"},
        {"account": "x"},
        {"register": "births", "field": "sex"},
        {"register": "nothing"},
        {"field": "nothing"},
    ],
)
def test_an_owner_answers_nobody_but_who_is_here_and_of_nothing_but_its_own_facts(wrong: dict[str, str]) -> None:
    signed_in("mother")
    account = str(Account.objects.get().id)
    headers = {
        "HTTP_X_ROAD_CLIENT": POLICE.client,
        "HTTP_X_ROAD_USERID": OFFICER.post,
        "HTTP_ONEDOOR_PURPOSE": ASKER.purpose,
        "HTTP_ONEDOOR_BASIS": ASKER.basis,
        VIA_GATEWAY: True,
    }
    good = {"code": "2612-AAAA-AA", "register": "population", "field": "sex", "account": account, "accepted": True}
    for body, status in ((good, 200), ({**good, **wrong}, 400)):
        answer = Client().post("/exchange/corrections/answered", json.dumps(body), "application/json", **headers)
        assert answer.status_code == status
    assert StatedEvent.objects.filter(name="registers.CorrectionAnswered").count() == 1
    headers["HTTP_X_ROAD_CLIENT"] = "VN/GOV/G22/PORTAL"
    answer = Client().post("/exchange/corrections/answered", json.dumps(good), "application/json", **headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("why", ["", "a\0b", "\ud800", 7])
def test_what_has_not_the_right_form_is_refused(why: object) -> None:
    headers = {
        "HTTP_X_ROAD_CLIENT": ASKER.client,
        "HTTP_ONEDOOR_PURPOSE": ASKER.purpose,
        "HTTP_ONEDOOR_BASIS": ASKER.basis,
        "HTTP_IDEMPOTENCY_KEY": "k",
        VIA_GATEWAY: True,
    }
    body = {"by": {"number": MOTHER}, "field": "full_name", "value": "Trần Thu Hạ", "why": why}
    for path, sent in (("population/corrections", body), ("corrections/told", {"code": why})):
        headers["HTTP_X_ROAD_CLIENT"] = ASKER.client if path.startswith("pop") else POLICE.client
        answer = Client().post(f"/exchange/{path}", json.dumps(sent), "application/json", **headers)
        assert answer.status_code == 400, path
    assert not Correction.objects.exists()


@pytest.mark.parametrize("read", ["a\0b", "x", ""])
def test_what_was_read_is_named_by_ids_alone(read: str) -> None:
    headers = {"HTTP_X_ROAD_CLIENT": POLICE.client, "HTTP_ONEDOOR_PURPOSE": ASKER.purpose, VIA_GATEWAY: True}
    body = {"code": "2612-AAAA-AA", "register": "population", "field": "sex", "reads": [read], "cases": []}
    headers["HTTP_ONEDOOR_BASIS"] = ASKER.basis
    answer = Client().post("/exchange/corrections/told", json.dumps(body), "application/json", **headers)
    assert answer.status_code == 400
    assert not StatedEvent.objects.exists()


def signed_in(persona: str) -> Client:
    client = Client()
    client.post("/en/sign-in", {"persona": persona})
    return client


def text(page: Any) -> str:
    return " ".join(lxml.html.fromstring(page.content).text_content().split())


@lasting
@pytest.mark.parametrize("typed", ["3/4/1996", "03/04/1996", "1996-04-03"])
@pytest.mark.usefixtures("carried")
def test_a_day_is_written_day_first_or_as_the_register_keeps_it(typed: str) -> None:
    mother, officer = signed_in("mother"), signed_in("residence")
    said = {"fact": "population.born", "value": typed, "why": "my birth certificate"}
    assert mother.post("/en/corrections/new", said).status_code == 302
    correction = Correction.objects.get()
    assert corrections.read(correction)["value"] == "1996-04-03"
    page = text(officer.get(f"/en/desk/corrections/{correction.code}"))
    assert "3 April 1996" in page
    assert "14 May 1996" in page


@lasting
def test_a_person_says_it_at_the_portal_and_reads_the_owners_answer_there(carried: list[Call]) -> None:
    mother, officer = signed_in("mother"), signed_in("residence")
    assert "Which fact about you is wrong" in text(mother.get("/en/corrections/new"))
    empty = mother.post("/en/corrections/new", {})
    assert empty.status_code == 422
    assert "Choose the fact that is wrong" in text(empty)
    typed = {"fact": "population.full_name", "value": "Trần Thu Hạ", "why": "my birth certificate"}
    impossible = mother.post("/en/corrections/new", {**typed, "fact": "population.sex"})
    assert "cannot stand in the register" in text(impossible)
    typed["key"] = "01a2123b-52ec-7c33-a608-1a6bfd74f7aa"
    assert mother.post("/en/corrections/new", typed).status_code == 302
    assert mother.post("/en/corrections/new", typed).status_code == 302, "a second click is no second request"
    assert "sent already" in text(mother.post("/en/corrections/new", {**typed, "value": "Trần Thu Hằng"}))
    assert "Being looked into" in text(mother.get("/en/corrections/"))
    code = Correction.objects.get().code
    assert b"/en/desk/corrections/" in officer.get("/en/desk/").content
    assert b"/en/desk/corrections/" not in signed_in("chair").get("/en/desk/").content
    assert code in text(officer.get("/en/desk/corrections/"))
    assert "Trần Thu Hạ" in text(officer.get(f"/en/desk/corrections/{code}"))
    assert officer.post(f"/en/desk/corrections/{code}", {"decision": "decline"}).status_code == 422
    done = {"decision": "accept", "words": "You are right."}
    assert officer.post(f"/en/desk/corrections/{code}", done).status_code == 302
    assert "Corrected" in text(mother.get("/en/corrections/"))
    assert "You are right." in text(mother.get("/en/corrections/"))
    again = officer.post(f"/en/desk/corrections/{code}", {"decision": "decline", "words": "No."}, follow=True)
    for shown in (again, officer.get(f"/en/desk/corrections/{code}")):
        assert "The fact is corrected" in text(shown), "who comes too late sees what was decided"
        assert "Decided on" in text(shown)
        assert "“You are right.”" in text(shown)
        assert "No." not in text(shown)
        assert "Is the fact corrected?" not in text(shown)
    listed = text(officer.get("/en/desk/corrections/"))
    assert "Nothing is said to be wrong" in listed
    assert code in listed
    assert name() == "Trần Thu Hạ"


def test_a_stranger_and_an_officer_of_another_agency_see_nothing() -> None:
    code = ask().code
    assert Client().get("/en/corrections/").status_code in (302, 401)
    assert signed_in("civil-status").get(f"/en/desk/corrections/{code}").status_code == 404


def test_a_nation_without_the_right_offers_no_corrections(monkeypatch: pytest.MonkeyPatch) -> None:
    link = "/en/corrections/"
    assert link in signed_in("mother").get("/en/inbox").content.decode()
    known = {key: one for key, one in rights.purposes().items() if key != corrections.PURPOSE}
    monkeypatch.setattr(rights, "purposes", lambda: known)
    monkeypatch.setattr(nation.Nation, "daily", lambda _, make, *facts: make(*facts))
    assert service.correctable() == {}
    assert link not in signed_in("mother").get("/en/inbox").content.decode()


@lasting
@pytest.mark.parametrize(
    ("language", "says"), [("en", "Female"), ("vi", "Nữ"), ("fr", "Féminin")], ids=["en", "vi", "fr"]
)
@pytest.mark.usefixtures("carried")
def test_the_form_shows_what_the_register_says_now_and_takes_a_code_in_words(language: str, says: str) -> None:
    mother, officer = signed_in("mother"), signed_in("residence")
    page = text(mother.get(f"/{language}/corrections/new"))
    assert "Trần Thu Hà" in page
    assert says in page
    read = ReadRecord.objects.get(register="population")
    assert (read.operation, read.purpose) == ("read", "correction")
    typed = {"fact": "population.sex", "value": says.lower(), "why": "my birth certificate"}
    assert mother.post(f"/{language}/corrections/new", typed).status_code == 302
    assert corrections.read(Correction.objects.get())["value"] == "F"
    assert says in text(officer.get(f"/{language}/desk/corrections/{Correction.objects.get().code}"))


@lasting
@pytest.mark.usefixtures("carried")
def test_a_fact_of_a_register_without_one_record_of_the_person_is_not_offered_and_said_so_to_who_comes_for_it() -> None:
    mother, none = signed_in("mother"), "This register holds nothing about you that could be corrected here."
    page = mother.get("/en/corrections/new").content.decode()
    assert 'value="population.sex"' in page
    assert 'value="births.sex"' not in page
    assert none not in page
    assert none in mother.get("/en/corrections/new?fact=births.sex").content.decode()


def test_a_register_that_is_silent_leaves_the_form_open(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = exchange.ServiceUnavailable(who="VN/GOV/G01/POPULATION")
    monkeypatch.setattr(exchange, "ask_each", lambda calls: [silent for _ in calls])
    page = text(signed_in("mother").get("/en/corrections/new"))
    assert "Some registers do not answer" in page
    assert "Which fact about you is wrong" in page
