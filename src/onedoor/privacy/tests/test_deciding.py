"""Two decisions on one consent at the same moment: one comes after the other and knows what the first said."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections

from onedoor.kernel.actor import Actor
from onedoor.privacy.consents import decisions
from onedoor.privacy.models import Consent

MOTHER, PURPOSE, WAIT = "001196204817", "birth-suggestion", 2.0
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def abreast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each of two that decide wait until the other has also read the last decision, or for a while."""
    met, newest = Barrier(2), decisions.NEWEST

    def first(*values: Any) -> Consent | None:
        found = newest.first(*values)
        with suppress(BrokenBarrierError):  # the other is kept from reading, as it should be
            met.wait(WAIT)
        return found

    monkeypatch.setattr(decisions, "NEWEST", SimpleNamespace(first=first))


def agree(_: int) -> str:
    try:
        return str(decisions.decide(MOTHER, PURPOSE, 1, given=True, by=Actor(person="account-1")).id)
    finally:
        connections.close_all()


@pytest.mark.usefixtures("abreast")
def test_the_same_word_said_twice_at_once_is_kept_once() -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(agree, range(2))
    assert first == second == str(Consent.objects.get().id)
