"""Telling people once, and the inbox they read it in."""

import pytest
from django.test import Client

from onedoor.identity.models import Account
from onedoor.notices import service
from onedoor.notices.models import Notice

pytestmark = pytest.mark.django_db
AGENCY = {"vi": "Công an phường", "en": "The ward police", "fr": "La police du quartier"}
TEXT = "{agency} asks about {name}."


@pytest.fixture
def mother(client: Client) -> str:
    client.post("/en/sign-in", {"persona": "mother"})
    return str(Account.objects.get().pk)


def unread(account: str) -> int:
    return Notice.objects.filter(account=account, read=None).count()


def told(account: str, key: str = "1", link: str = "cases/2611-7K4M-Q8") -> None:
    service.tell(account, TEXT, {"agency": AGENCY, "name": "An Nhiên"}, key=key, link=link)


def test_the_same_key_is_told_once(mother: str):
    told(mother)
    told(mother)
    assert unread(mother) == 1


def test_facts_are_not_stored_in_clear(mother: str):
    told(mother)
    assert "Nhiên".encode() not in bytes(Notice.objects.get().sealed)


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_facts_are_told_in_the_readers_language(client: Client, mother: str, language: str):
    told(mother)
    assert AGENCY[language] in client.get(f"/{language}/inbox").content.decode()


def test_opening_a_notice_reads_it_and_leads_to_its_case(client: Client, mother: str):
    told(mother)
    answer = client.post(f"/fr/inbox/{Notice.objects.get().pk}")
    assert answer.url == "/fr/cases/2611-7K4M-Q8"
    assert unread(mother) == 0


def test_nobody_opens_the_notice_of_somebody_else(client: Client, mother: str):
    told("another-account")
    answer = client.post(f"/fr/inbox/{Notice.objects.get().pk}")
    assert answer.url == "/fr/inbox"
    assert unread("another-account") == 1
    assert "An Nhiên" not in client.get("/fr/inbox").content.decode()


def test_the_menu_counts_what_is_unread(client: Client, mother: str):
    told(mother)
    told(mother, key="2")
    assert '<span class="count">2' in client.get("/en/inbox").content.decode()
    client.post("/en/inbox/read")
    assert '<span class="count">' not in client.get("/en/inbox").content.decode()


def test_a_full_inbox_has_pages(client: Client, mother: str):
    for number in range(21):
        told(mother, key=str(number))
    assert client.get("/en/inbox?page=2").content.decode().count("An Nhiên.</h2>") == 1


def test_an_empty_inbox_says_what_will_come(client: Client, mother: str):
    assert "Nothing here yet" in client.get("/en/inbox").content.decode()


def test_the_inbox_asks_who_comes(client: Client):
    assert client.get("/en/inbox").url == "/en/sign-in?next=%2Fen%2Finbox"
