"""Who may not be told any more is not asked at all: the room does not leave it to the subscriber to refuse."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from onedoor.exchange import service as exchange
from onedoor.kernel import clock
from onedoor.privacy.service import Reader
from onedoor.pubsub import delivering, publishing, room, tasks
from onedoor.pubsub.models import Subscription

NOON = datetime(2026, 11, 10, 5, tzinfo=UTC)
OWNER, IS_TOLD = "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G24/INSURANCE"
pytestmark = pytest.mark.django_db


def test_nothing_leaves_for_who_may_not_be_told_or_fetches_or_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(exchange, "call", lambda service, *_, **__: called.append(service))
    with clock.freeze(NOON):
        room.create("births", {})
        one = room.subscribe("births", Reader(IS_TOLD, IS_TOLD, "events", "nd278-2025", ""), room.Terms())
        publishing.publish("births", OWNER, "k", {})
        row = Subscription.objects.filter(id=one.id)
        row.update(basis="that-ended")
        tasks.push(str(one.id))
        assert row.get().again == NOON + timedelta(seconds=delivering.LONGEST), "it is not looked at all the time"
        row.update(basis="nd278-2025", again=None, push=False)
        tasks.push(str(one.id))
        tasks.push(str(uuid4()))
        assert called == []
        row.update(push=True)
        tasks.push(str(one.id))
    assert called == [f"{IS_TOLD}/events"]
