"""Several push to one subscriber at once: events of one key keep their order, and none comes twice."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest
from django.db import connection

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer
from onedoor.kernel import clock
from onedoor.privacy.service import Reader
from onedoor.pubsub import delivering, publishing, room, rules
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
