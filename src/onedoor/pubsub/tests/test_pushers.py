"""Several at once: who pushes to one subscriber keeps the order, who makes a type or hears an event waits in turn."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest
from django.db import connection, transaction

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer
from onedoor.kernel import clock
from onedoor.privacy.service import Reader
from onedoor.pubsub import arriving, delivering, publishing, room, rules
from onedoor.pubsub.errors import EventTypeExists
from onedoor.pubsub.models import Delivery
from onedoor.pubsub.room import Terms

TYPE, PUBLISHER, TOLD = "birthRegistered", "VN/GOV/G18/HEALTH", "VN/GOV/G24/INSURANCE"
PUSHERS, KEYS, EACH = 2, ("a", "b", "c"), 6
REFUSED, LOST = 2, 5
pytestmark = pytest.mark.django_db(transaction=True)


class Subscriber:
    """Takes its time over what it is pushed; of every eight it refuses one, and of one nobody hears that it came."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []
        self.tries = self.lost = 0
        self._lock = Lock()

    def call(self, _service: str, _path: str, body: Mapping[str, Any], **_: object) -> Answer:
        with self._lock:
            self.tries += 1
            turn = self.tries % 8
        time.sleep(0.005)
        if turn == REFUSED:
            raise exchange._failure(TOLD, Answer(422, None, {}, "m"))
        with self._lock:
            self.heard.append((body["event"]["record"], body["event"]["step"]))
            self.lost += turn == LOST
        if turn == LOST:
            raise exchange.ServiceUnavailable(who=TOLD)
        return Answer(200, None, {}, "m")


@pytest.fixture
def subscriber(monkeypatch: pytest.MonkeyPatch) -> Subscriber:
    found = Subscriber()
    monkeypatch.setattr(exchange, "call", found.call)
    monkeypatch.setattr(delivering, "_later", lambda _: clock.now() + timedelta(milliseconds=20))
    return found


def push(subscription: Any) -> None:
    try:
        while Delivery.objects.filter(waits=True).exists():
            delivering.push(subscription)
    finally:
        connection.close()


@pytest.mark.parametrize("in_order", [False, True])
def test_with_two_who_push_every_key_keeps_its_order(subscriber: Subscriber, in_order: bool) -> None:
    room.create(TYPE, {"type": "object", "properties": {"record": {"type": "string"}}, rules.ORDERED_BY: "record"})
    asks = Reader(TOLD, TOLD, "events", "nd278-2025", "")
    subscription = room.subscribe(TYPE, asks, Terms(push=True, lasts=3600, in_order=in_order))
    for step in range(EACH):
        for key in KEYS:
            publishing.publish(TYPE, PUBLISHER, f"{key}{step}", {"record": key, "step": step})
    with ThreadPoolExecutor(PUSHERS) as pushers:
        list(pushers.map(push, [subscription.id] * PUSHERS))
    lines = [[step for key, step in subscriber.heard if key == one] for one in KEYS]
    assert [sorted(set(line)) for line in lines] == [list(range(EACH))] * len(KEYS)
    assert lines == [sorted(line) for line in lines]
    assert subscriber.lost
    assert len(subscriber.heard) == len(KEYS) * EACH + subscriber.lost, "nothing else comes twice"


def elsewhere(does: Callable[[], object]) -> object:
    try:
        return does()
    finally:
        connection.close()


def meanwhile(first: Callable[[], object], second: Callable[[], object]) -> Future[object]:
    """Do the *first* in a transaction, for the end of which the *second* of another process waits."""
    with ThreadPoolExecutor(1) as other, transaction.atomic():
        first()
        found = other.submit(elsewhere, second)
        with pytest.raises(TimeoutError):
            found.result(0.3)
    return found


def test_a_type_that_two_make_at_once_is_there_once() -> None:
    made = meanwhile(lambda: room.create(TYPE, {}), lambda: room.create(TYPE, {}))
    assert isinstance(made.exception(), EventTypeExists)


def test_of_events_that_arrive_at_once_none_is_behind_what_was_read_already() -> None:
    room.create(TYPE, {})
    sender = Reader(PUBLISHER, PUBLISHER, "events", "nd278-2025", "")
    one, two = (delivering.item(publishing.publish(TYPE, PUBLISHER, key, {})) for key in "ab")
    meanwhile(lambda: arriving.hear(sender, one), lambda: arriving.hear(sender, two)).result()
    assert [str(found.event) for found in arriving.arrived()] == [one["id"], two["id"]]
