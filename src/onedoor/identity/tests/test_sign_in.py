"""Signing in as a persona of the demonstration, and what the session says afterwards."""

from dataclasses import replace

import pytest
from django.test import Client, RequestFactory

from onedoor.identity import service
from onedoor.identity.models import Account
from onedoor.kernel import nation
from onedoor.kernel.actor import NOBODY
from onedoor.kernel.settings import current

pytestmark = pytest.mark.django_db
SIGN_IN = "/en/sign-in"


def at(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    here = replace(current(), **changes)  # type: ignore[arg-type]
    monkeypatch.setattr(service, "settings", lambda: here)


def signed_in(client: Client, persona: str = "mother", **more: str):
    return client.post(SIGN_IN, {"persona": persona, **more})


def test_a_person_who_signed_in_acts_at_level_two(client: Client):
    assert signed_in(client).status_code == 302
    request = RequestFactory().get("/")
    request.session = client.session
    actor = service.actor_of(request)
    assert (actor.level, actor.post, actor.name) == (2, "", "Trần Thu Hà")
    assert len(service.person_number(actor.person)) == 12


def test_an_officer_acts_in_a_post_of_an_agency(client: Client):
    signed_in(client, "civil-status")
    request = RequestFactory().get("/")
    request.session = client.session
    actor = service.actor_of(request)
    assert (actor.agency, actor.post) == ("commune-00199", "commune-00199.civil-status")


def test_signing_in_twice_is_one_account(client: Client):
    signed_in(client)
    signed_in(client)
    assert Account.objects.count() == 1


def test_name_and_number_are_not_stored_in_clear(client: Client):
    signed_in(client)
    account = Account.objects.get()
    kept = bytes(account.sealed) + bytes(account.number_mark)
    assert account.who()["number"].encode() not in kept
    assert "Trần".encode() not in kept


def test_an_account_is_found_by_its_number_only_after_it_signed_in(client: Client):
    number = nation.current().once(service.personas)["mother"].number
    assert service.account_of(number) == ""
    signed_in(client)
    assert service.account_of(number) == str(Account.objects.get().pk)


def test_a_session_planted_before_signing_in_is_worth_nothing_after(client: Client):
    session = client.session
    session["planted"] = "1"
    session.save()
    before = session.session_key
    client.cookies["onedoor"] = before
    signed_in(client)
    assert client.session.session_key != before
    assert "planted" not in client.session


def test_signing_out_ends_the_session(client: Client):
    signed_in(client)
    old = client.cookies["onedoor"].value
    client.post("/en/sign-out")
    client.cookies["onedoor"] = old
    request = RequestFactory().get("/")
    request.session = client.session
    assert service.actor_of(request) == NOBODY


def test_one_comes_back_to_the_page_one_wanted(client: Client):
    assert signed_in(client, next="/en/inbox").url == "/en/inbox"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_one_is_never_led_to_another_site(client: Client, elsewhere: str):
    assert signed_in(client, next=elsewhere).url == "/en/"


def test_without_a_choice_the_page_says_what_to_do(client: Client):
    answer = client.post(SIGN_IN, {})
    assert answer.status_code == 400
    assert 'href="#persona"' in answer.content.decode()


def test_an_unknown_persona_is_refused(client: Client):
    assert signed_in(client, "nobody").status_code == 404


def test_without_a_demonstration_nobody_signs_in(client: Client, monkeypatch: pytest.MonkeyPatch):
    at(monkeypatch, demonstration=False)
    assert "cannot sign in here yet" in client.get(SIGN_IN).content.decode()
    assert signed_in(client).status_code == 403
    assert not Account.objects.exists()


def test_the_portal_shows_people_and_a_node_its_own_officers(monkeypatch: pytest.MonkeyPatch):
    at(monkeypatch, role="portal")
    assert [persona.id for persona in service.demonstration()] == ["mother", "father", "grandmother"]
    at(monkeypatch, role="portal", member="G22")
    assert [persona.id for persona in service.demonstration() if persona.post] == [
        "assessor-1", "assessor-2", "reconciler", "operator-22",
    ]  # fmt: skip
    at(monkeypatch, role="node", member="G15")
    assert [persona.id for persona in service.demonstration()] == ["civil-status", "chair", "operator-15"]


def test_an_officer_of_another_member_cannot_sign_in_at_a_node(client: Client, monkeypatch: pytest.MonkeyPatch):
    at(monkeypatch, role="node", member="G01")
    assert signed_in(client, "civil-status").status_code == 404


@pytest.mark.parametrize(("language", "words"), [("vi", "bạn là ai?"), ("en", "Who are you"), ("fr", "Qui êtes-vous")])
def test_the_page_says_in_each_language_that_it_is_a_demonstration(client: Client, language: str, words: str):
    page = client.get(f"/{language}/sign-in").content.decode()
    assert words in page
    assert f'<html lang="{language}">' in page
