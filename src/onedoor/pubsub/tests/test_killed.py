"""A process is killed between two steps: what was answered is kept, nothing is kept by halves, what waits goes on."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer
from onedoor.kernel import clock
from onedoor.privacy.service import Reader
from onedoor.pubsub import arriving, delivering, publishing, room, tasks
from onedoor.pubsub.models import Arrived, Delivery, EventType, Published, Subscription
from onedoor.pubsub.room import Terms
from onedoor.store import outbox
from onedoor.store.models import StatedEvent

TYPE, OWNER, IS_TOLD = "births", "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G24/INSURANCE"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def subscription(monkeypatch: pytest.MonkeyPatch) -> UUID:
    monkeypatch.setattr(exchange, "call", lambda *_, **__: Answer(200, None, {}, "m"))
    monkeypatch.setattr(delivering, "_later", lambda _: clock.now() + timedelta(milliseconds=20))
    room.create(TYPE, {})
    return room.subscribe(TYPE, Reader(IS_TOLD, IS_TOLD, "events", "nd278-2025", ""), Terms()).id


def killed(does: Callable[[], object], owner: object, name: str) -> None:
    """Do something in a process of its own that is killed where it would call *name* of *owner*."""
    connection.close()
    if (child := os.fork()) == 0:
        try:
            setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
            does()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def publish(call: str = "k") -> Published:
    return publishing.publish(TYPE, OWNER, call, {"record": call})


def test_an_event_whose_publisher_was_not_answered_yet_is_taken_as_a_whole_or_not_at_all(subscription: UUID) -> None:
    killed(publish, publishing, "_send")
    assert (EventType.objects.get().number, Published.objects.count()) == (0, 0)
    killed(publish, publishing.published, "inc")
    kept = Published.objects.get()
    assert (publish().id, publish("other").number) == (kept.id, 2)
    assert Delivery.objects.filter(subscription=subscription, waits=True).count() == 2


@pytest.mark.parametrize(
    ("owner", "name"),
    [(exchange, "call"), (delivering, "_tried"), (delivering, "go_on")],
    ids=["before it leaves", "when it has come", "before the others' turn"],
)
def test_who_is_killed_while_it_pushes_lets_go_of_what_waits(subscription: UUID, owner: Any, name: str) -> None:
    publish(), publish("other")
    killed(lambda: delivering.push(subscription), owner, name)
    while Delivery.objects.filter(waits=True).exists():
        delivering.push(subscription)
    assert [one.state for one in Delivery.objects.all()] == ["delivered"] * 2


def refuse(*_: object, **__: object) -> Answer:
    error = exchange.ProviderError(who=IS_TOLD, status=422)
    error.answer = Answer(422, None, {}, "m")
    raise error


def unanswered(*_: object, **__: object) -> Answer:
    raise exchange.ServiceUnavailable(who=IS_TOLD)


@pytest.mark.parametrize("fails", [refuse, unanswered])
def test_nothing_is_left_alone_for_which_no_next_try_is_queued(
    subscription: UUID, fails: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    monkeypatch.setattr(exchange, "call", fails)
    killed(lambda: delivering.push(subscription), tasks.push, "defer_at")
    assert Delivery.objects.get().again is None
    assert Subscription.objects.get().again is None


@pytest.mark.usefixtures("subscription")
def test_what_arrives_is_kept_and_stated_together() -> None:
    publish()
    item = delivering.item(Published.objects.select_related("event_type").get())
    sender = Reader(OWNER, OWNER, "events", "nd278-2025", "")
    killed(lambda: arriving.hear(sender, item), outbox, "state")
    assert kept() == (0, 0)
    arriving.hear(sender, item)
    assert kept() == (1, 1)


def kept() -> tuple[int, int]:
    """Return how many events arrived, and how many were stated."""
    return Arrived.objects.count(), StatedEvent.objects.filter(name__startswith="pubsub.").count()
