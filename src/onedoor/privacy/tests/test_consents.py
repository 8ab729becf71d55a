"""What stands on consent is read only of who agrees to what is asked today, and no more from the next read on."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import lxml.html
import pytest
from django.http import HttpResponse
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import Unavailable
from onedoor.kernel.ids import uuid7
from onedoor.privacy import erasing, own, records, rights, rules, service
from onedoor.privacy.consents import asking, decisions
from onedoor.privacy.errors import NothingToAgreeTo, SaidNoThemselves, TermsChanged
from onedoor.privacy.models import Consent, ReadPerson, ReadRecord
from onedoor.privacy.rules import Purpose, Reader, Terms
from onedoor.privacy.service import NotPermitted, permit
from onedoor.store import details, erasure, keys
from onedoor.store.models import LedgerEntry, StatedEvent

MOTHER, FATHER = "001196204817", "036094117302"
PORTAL, HEALTH, PURPOSE = "VN/GOV/G22/PORTAL", "VN/GOV/G18/HEALTH", "birth-suggestion"
READER = Reader(PORTAL, "account-1", PURPOSE, "l91-2025")
ACTOR = Actor(person="account-1")
TEXT = {"vi": "a", "en": "b", "fr": "c"}
pytestmark = pytest.mark.django_db


def read(*persons: str) -> service.Permit:
    return permit(READER, register="birth-notices", persons=persons or [MOTHER])


def say(given: bool, version: int = 1, person: str = MOTHER) -> Consent:
    return decisions.decide(person, PURPOSE, version, given=given, by=ACTOR)


@pytest.fixture
def two_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for a second version of the consent, which the first does not cover."""
    known = dict(rights.purposes())
    again = Terms(2, date(2026, 2, 1), TEXT)
    known[PURPOSE] = replace(known[PURPOSE], consent=(*known[PURPOSE].consent, again))
    monkeypatch.setattr(rights, "purposes", lambda: known)


@pytest.fixture
def at_the_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be the system that holds the register."""
    monkeypatch.setattr(asking, "settings", lambda: SimpleNamespace(subsystem=HEALTH))


def test_silence_is_no_consent() -> None:
    with pytest.raises(NotPermitted) as refusal:
        read()
    record = ReadRecord.objects.get()
    assert record.refused == refusal.value.facts["reason"] == "no-consent"
    assert record.persons.count() == 1


def test_who_agrees_is_read_and_from_the_next_read_on_no_more() -> None:
    say(given=True)
    assert read().fields == ("notice", "mother", "born", "sex", "used")
    say(given=False)
    with pytest.raises(NotPermitted):
        read()
    say(given=True)
    assert read().record


def test_no_trail_of_a_case_tells_who_has_not_agreed() -> None:
    named = replace(READER, case="2611-7K4M-QK")
    with pytest.raises(NotPermitted):
        permit(named, register="birth-notices", persons=[FATHER])
    assert service.reads_of_case(named.case) == []
    (seen,) = own.reads_of_person(FATHER, own.Wanted())
    assert seen.refused


def test_everybody_whose_data_are_read_must_agree() -> None:
    say(given=True)
    for persons in ([MOTHER, FATHER], [FATHER], [""], [MOTHER, ""]):
        with pytest.raises(NotPermitted):
            permit(READER, register="birth-notices", persons=persons)
    told = own.reads_of_person(MOTHER, own.Wanted())
    assert told == [], "whoever else has not agreed is not told to one who has"
    say(given=True, person=FATHER)
    assert read(MOTHER, FATHER).record


def test_other_purposes_ask_for_no_consent() -> None:
    reader = Reader(PORTAL, "account-1", "birth-form", "nd63-2024.4.5", "2611-7K4M-Q8")
    assert permit(reader, register="birth-notices", persons=[MOTHER]).record


def test_a_consent_to_words_that_were_changed_suffices_no_more(two_versions: None) -> None:
    with pytest.raises(TermsChanged):
        say(given=True)
    say(given=True, version=2)
    assert read().record


def test_an_older_consent_is_said_to_be_outdated(request: pytest.FixtureRequest) -> None:
    say(given=True)
    request.getfixturevalue("two_versions")
    with pytest.raises(NotPermitted):
        read()
    (standing,) = decisions.standings(MOTHER)
    assert standing.outdated
    assert not standing.agreed
    say(given=False, version=2)
    assert [(one.version, one.given) for one in decisions.standings(MOTHER)[0].said] == [(1, False), (1, True)]


def test_saying_the_same_again_changes_nothing_and_each_change_is_an_event_and_an_entry() -> None:
    first = say(given=True)
    assert say(given=True).id == first.id
    say(given=False)
    say(given=False)
    assert Consent.objects.count() == LedgerEntry.objects.filter(kind=decisions.LEDGER_KIND).count() == 2
    names = list(StatedEvent.objects.order_by("stated_at").values_list("name", flat=True))
    assert [name.rpartition(".")[2] for name in names] == ["ConsentGiven", "ConsentWithdrawn"]


def test_no_system_says_yes_for_a_person_whose_own_last_word_was_no() -> None:
    system = Actor(agency=HEALTH)
    decisions.decide(MOTHER, PURPOSE, 1, given=True, by=system)
    decisions.decide(MOTHER, PURPOSE, 1, given=False, by=system)
    assert decisions.decide(MOTHER, PURPOSE, 1, given=True, by=system).given, (
        "what a system brought, it may bring again"
    )
    say(given=False)
    with pytest.raises(SaidNoThemselves):
        decisions.decide(MOTHER, PURPOSE, 1, given=True, by=system)
    assert say(given=True).given


def test_the_entry_commits_to_the_words_and_the_person() -> None:
    row = say(given=True)
    assert row.said == decisions.digest(rights.purposes()[PURPOSE].consent[0].text)
    entered = dict(decisions._entered(str(row.entry)))
    assert bytes(LedgerEntry.objects.get(id=row.entry).commitment) == sha256(entered[str(row.entry)]).digest()
    assert MOTHER.encode() not in entered[str(row.entry)]


def test_a_purpose_that_asks_nothing_cannot_be_agreed_to() -> None:
    for purpose in ("birth-form", "unknown", ""):
        with pytest.raises(NothingToAgreeTo):
            decisions.decide(MOTHER, purpose, 1, given=True, by=ACTOR)


def test_the_last_word_holds_though_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uuid7()
    say(given=True)
    monkeypatch.setattr(decisions, "uuid7", lambda: before)
    say(given=False)
    assert decisions.agreed(PURPOSE, [MOTHER]) == [False]
    say(given=True)
    assert decisions.agreed(PURPOSE, [MOTHER]) == [True]


@pytest.mark.django_db(transaction=True)
def test_what_is_said_or_read_during_an_erasure_leaves_the_ledger_right(monkeypatch: pytest.MonkeyPatch) -> None:
    keys.key_for(MOTHER)
    say(given=True)
    read()
    erased, blind = erasing.entered.of, keys.blind("privacy.person", MOTHER)

    def meanwhile(row: ReadRecord) -> Any:
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as beside:
            beside.submit(
                records._write_beside, READER, "birth-notices", "read", ["notice"], "", {MOTHER: None}
            ).result()
        return erased(row)

    monkeypatch.setattr(erasing.entered, "of", meanwhile)
    erasure.erase(MOTHER)
    assert {one.what for one in details.findings()} == {details.AMENDED}, "the consent alone says less"
    assert not ReadPerson.objects.filter(person=blind).exists()


@pytest.mark.django_db(transaction=True)
def test_who_was_erased_has_agreed_to_nothing() -> None:
    keys.key_for(MOTHER)
    say(given=True)
    erasure.erase(MOTHER)
    assert decisions.agreed(PURPOSE, [MOTHER]) == [False]
    assert Consent.objects.get().person is None


def test_the_holder_of_a_register_asks_the_portal_and_reads_nothing_when_it_is_away(
    monkeypatch: pytest.MonkeyPatch, at_the_holder: None
) -> None:
    asked: list[Any] = []

    def away(service: str, path: str, body: Any, **reason: Any) -> Any:
        asked.append((service, path, body, reason["reason"].purpose))
        raise asking.exchange.ServiceUnavailable(who="portal")

    monkeypatch.setattr(asking.exchange, "call", away)
    with pytest.raises(Unavailable):
        read()
    assert asked == [(f"{PORTAL}/consents", "agreed", {"purpose": PURPOSE, "persons": [MOTHER]}, PURPOSE)]
    assert not ReadRecord.objects.exists()


@pytest.mark.parametrize(
    "said", [{}, {"agreed": []}, {"agreed": [True, True]}, {"agreed": ["yes"]}, {"agreed": [1]}, []]
)
def test_an_answer_that_does_not_say_yes_to_each_opens_nothing(
    said: Any, monkeypatch: pytest.MonkeyPatch, at_the_holder: None
) -> None:
    monkeypatch.setattr(asking.exchange, "call", lambda *_, **__: type("Answer", (), {"body": said}))
    with pytest.raises((NotPermitted, Unavailable)):
        read()


def post(client: Client, body: object, **headers: str) -> HttpResponse:
    who = {
        "X-Road-Client": HEALTH,
        "Onedoor-Purpose": PURPOSE,
        "Onedoor-Basis": "l91-2025",
        "X-Road-UserId": "consents",
    }
    meta: dict[str, Any] = {"onedoor.gateway": True}
    kind = "application/json"
    return client.post("/exchange/consents/agreed", json.dumps(body), kind, headers={**who, **headers}, **meta)


def test_the_portal_answers_the_holder_once_the_question_is_on_record(client: Client) -> None:
    say(given=True)
    answer = post(client, {"purpose": PURPOSE, "persons": [FATHER, MOTHER]})
    assert (answer.status_code, json.loads(answer.content)) == (200, {"agreed": [False, True]})
    record = ReadRecord.objects.get(register="consents")
    assert (record.client, record.persons.count()) == (HEALTH, 2)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"purpose": PURPOSE, "persons": []}, {}, 400),
        ({"purpose": PURPOSE, "persons": ["\0"]}, {}, 400),
        ([], {}, 400),
        ({"purpose": "insurance-upkeep", "persons": [MOTHER]}, {}, 403),
        ({"purpose": PURPOSE, "persons": [MOTHER]}, {"X-Road-Client": "VN/GOV/G24/INSURANCE"}, 403),
    ],
)
def test_nobody_else_and_for_nothing_else_is_told(client: Client, body: Any, headers: Any, status: int) -> None:
    assert post(client, body, **headers).status_code == status


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=4), st.integers(0, 10), st.booleans())
def test_a_consent_suffices_for_its_version_and_those_that_it_is_covered_by(
    covers: list[tuple[int, int]], version: int, withdrawn: bool
) -> None:
    terms = Terms(9, date(2026, 1, 1), TEXT, frozenset(one for pair in covers for one in pair))
    agreed = rules.agreed(terms, None if withdrawn else version)
    assert agreed == (not withdrawn and (version == 9 or version in terms.covers))
    assert not rules.agreed(None, version)


@given(st.dates(date(2025, 12, 1), date(2027, 1, 1)))
def test_the_version_of_a_day_is_the_last_that_has_begun(day: date) -> None:
    versions = tuple(Terms(number, date(2026, number, 1), TEXT) for number in range(1, 6))
    found = rules.terms_on(Purpose(PURPOSE, TEXT, {}, (), consent=versions), day)
    assert found == next((one for one in reversed(versions) if one.since <= day), None)


def test_no_register_is_read_on_consent_whose_holder_could_not_ask() -> None:
    registers = {one.data["register"]: one.data for one in nation.current().documents("register")}
    for purpose in rights.purposes().values():
        asking_systems = {one.reader for one in purpose.grants if one.service == rules.CONSENTS}
        holders = {registers[one.register]["subsystem"] for one in purpose.grants if one.register}
        assert not purpose.consent or holders <= asking_systems


@pytest.fixture
def mother() -> Client:
    client = Client()
    client.post("/en/sign-in", {"persona": "mother"})
    return client


def words_of(response: HttpResponse) -> str:
    return " ".join(lxml.html.fromstring(response.content).find(".//main").text_content().split())


def test_a_person_agrees_and_withdraws_with_one_click_each_and_sees_what_they_said(mother: Client) -> None:
    assert "nothing is read" in words_of(mother.get("/en/consents"))
    for answer, said in (("yes", "You agree"), ("no", "You do not agree")):
        kept = mother.post("/en/consents", {"purpose": PURPOSE, "version": "1", "answer": answer}, follow=True)
        assert said in words_of(kept)
    shown = words_of(mother.get("/en/consents"))
    assert shown.index("You said no to version 1") < shown.index("You agreed to version 1")
    with pytest.raises(NotPermitted):
        read()


@pytest.mark.parametrize(
    "form",
    [
        {"purpose": PURPOSE, "version": "1"},
        {"purpose": PURPOSE, "version": "1", "answer": "perhaps"},
        {"purpose": PURPOSE, "version": "x", "answer": "yes"},
        {"purpose": PURPOSE, "version": "9" * 40, "answer": "yes"},
        {"purpose": PURPOSE, "version": "2", "answer": "yes"},
        {"purpose": "birth-form\0", "version": "1", "answer": "yes"},
    ],
)
def test_a_form_that_says_nothing_clear_changes_nothing(mother: Client, form: dict[str, str]) -> None:
    assert mother.post("/en/consents", form).status_code in (404, 422)
    assert not Consent.objects.exists()


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_the_page_says_who_reads_what_in_each_language(mother: Client, language: str) -> None:
    shown = words_of(mother.get(f"/{language}/consents"))
    for words in (rights.purposes()[PURPOSE].text, rights.purposes()[PURPOSE].consent[0].text):
        assert " ".join(words[language].split()) in shown
