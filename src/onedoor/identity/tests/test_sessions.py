"""A session tells whose it is in one statement, until it ends; what has ended is deleted."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from onedoor.identity import sessions, tasks
from onedoor.identity.models import Session

pytestmark = pytest.mark.django_db


def key_of(client: Client) -> str:
    client.post("/en/sign-in", {"persona": "mother"})
    return str(client.cookies["onedoor"].value)


def test_a_live_session_has_an_owner_and_an_ended_one_has_none(client: Client):
    key = key_of(client)
    assert sessions.owner(key)
    assert Session.objects.get().account == sessions.owner(key).account.pk
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert sessions.owner(key) is None


@pytest.mark.parametrize("key", ["", None, "x" * 32, "a\0bcdefgh", "\u0660" * 9])
def test_an_unknown_key_is_nobody_s(key: str | None):
    assert sessions.owner(key) is None


def test_ended_sessions_are_deleted_and_live_ones_stay(client: Client):
    key = key_of(client)
    Session.objects.create(session_key="old" * 11, session_data="", expire_date=timezone.now() - timedelta(days=1))
    tasks.forget_sessions()
    assert list(Session.objects.values_list("session_key", flat=True)) == [key]
