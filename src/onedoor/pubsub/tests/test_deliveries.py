"""Events on their way while something happens: they are stopped, their time is over, or nobody lets them in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer
from onedoor.kernel import clock
from onedoor.kernel.ids import first_id
from onedoor.privacy.service import Reader
from onedoor.pubsub import arriving, delivering, publishing, room, rules, service, tasks
from onedoor.pubsub.errors import NoSuchEvent, TooMany, UnknownEventType
from onedoor.pubsub.models import Arrived, Delivery, Published, Subscription
from onedoor.pubsub.room import Terms

TYPE, OWNER, IS_TOLD = "births", "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G24/INSURANCE"
ASKS = Reader(IS_TOLD, IS_TOLD, "events", "nd278-2025", "")
NOON = datetime(2026, 11, 10, 5, tzinfo=UTC)
pytestmark = pytest.mark.django_db
REFUSED = exchange.ProviderError(who=IS_TOLD, status=422)
REFUSED.answer = Answer(422, None, {}, "m")
Happening = Callable[[UUID], object]


class Subscriber:
    """What the gateways carry to a subscriber; *meanwhile* happens before it answers."""

    def __init__(self) -> None:
        self.heard: list[UUID] = []
        self.meanwhile: Happening = lambda _: None

    def call(self, service: str, _path: str, body: dict[str, Any], *, most: int, **_: object) -> Answer:
        assert service == f"{IS_TOLD}/{delivering.SERVICE}"
        assert 0 < most <= 2**16, "a subscriber could answer without end"
        self.heard.append(UUID(body["id"]))
        self.meanwhile(self.heard[-1])
        return Answer(200, None, {}, "m")


@pytest.fixture
def subscriber(monkeypatch: pytest.MonkeyPatch) -> Subscriber:
    found = Subscriber()
    monkeypatch.setattr(exchange, "call", found.call)
    room.create(TYPE, {})
    return found


def publish(count: int) -> list[UUID]:
    return [publishing.publish(TYPE, OWNER, f"{number}", {}).id for number in range(count)]


def push() -> None:
    tasks.push(str(Subscription.objects.get().id))


def state(event: UUID) -> str:
    return Delivery.objects.get(event=event).state


def stop(event: UUID) -> None:
    publishing.stop(TYPE, OWNER, event)


@pytest.mark.parametrize("in_order", [False, True])
def test_what_is_stopped_while_another_one_is_pushed_goes_to_nobody(subscriber: Subscriber, in_order: bool) -> None:
    room.subscribe(TYPE, ASKS, Terms(in_order=in_order))
    first, second, third = publish(3)
    subscriber.meanwhile = lambda _: stop(second)
    push()
    assert subscriber.heard == [first, third]
    assert [state(one) for one in (first, second, third)] == ["delivered", "stopped", "delivered"]


@pytest.mark.parametrize(
    "happens", [lambda _: room.unsubscribe(TYPE, IS_TOLD), lambda _: room.end(TYPE)], ids=["unsubscribed", "ended"]
)
def test_who_ends_while_an_event_is_pushed_is_told_no_more(subscriber: Subscriber, happens: Happening) -> None:
    room.subscribe(TYPE, ASKS, Terms())
    publish(2)
    subscriber.meanwhile = happens
    push()
    assert len(subscriber.heard) == 1


@pytest.mark.usefixtures("subscriber")
def test_an_event_whose_type_ends_while_it_is_checked_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "check_event", lambda *_: room.end(TYPE))
    with pytest.raises(UnknownEventType):
        publish(1)
    assert not Published.objects.exists()


@pytest.mark.usefixtures("subscriber")
def test_what_waits_when_its_type_ends_is_said_to_be_stopped() -> None:
    room.subscribe(TYPE, ASKS, Terms(push=False))
    first, second = publish(2)
    delivering.confirm(TYPE, IS_TOLD, first)
    room.end(TYPE)
    assert [state(first), state(second)] == ["delivered", "stopped"]


@pytest.mark.usefixtures("subscriber")
def test_a_room_has_so_many_types_and_a_type_so_many_subscribers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 1)
    with pytest.raises(TooMany):
        room.create("deaths", {})
    room.subscribe(TYPE, ASKS, Terms())
    with pytest.raises(TooMany):
        room.subscribe(TYPE, Reader(OWNER, OWNER, "events", "nd278-2025", ""), Terms())
    room.end(TYPE)
    assert room.create("deaths", {}).name == "deaths"


def test_who_wants_to_fetch_from_now_on_is_pushed_no_more(subscriber: Subscriber) -> None:
    room.subscribe(TYPE, ASKS, Terms())
    _, second = publish(2)
    subscriber.meanwhile = lambda _: room.change(TYPE, ASKS, {"delivery": room.PULL})
    push()
    assert len(subscriber.heard) == 1
    assert delivering.pull(TYPE, IS_TOLD).id == second


def test_what_had_come_when_it_was_stopped_is_said_to_have_come(subscriber: Subscriber) -> None:
    room.subscribe(TYPE, ASKS, Terms())
    (event,) = publish(1)
    subscriber.meanwhile = stop
    push()
    assert (state(event), Delivery.objects.get().tried) == ("delivered", 1)


@pytest.mark.usefixtures("subscriber")
def test_what_was_fetched_before_it_was_stopped_or_swept_is_said_to_have_come() -> None:
    with clock.freeze(NOON):
        room.subscribe(TYPE, ASKS, Terms(push=False, lasts=60))
        (first,) = publish(1)
        assert delivering.pull(TYPE, IS_TOLD).id == first
        stop(first)
        delivering.confirm(TYPE, IS_TOLD, first)
        second = publishing.publish(TYPE, OWNER, "later", {}).id
        assert delivering.pull(TYPE, IS_TOLD).id == second
    with clock.freeze(NOON + timedelta(seconds=60)):
        tasks.sweep()
        delivering.confirm(TYPE, IS_TOLD, second)
        delivering.confirm(TYPE, IS_TOLD, second)
    assert [state(first), state(second)] == ["delivered"] * 2
    assert [one.tried for one in Delivery.objects.all()] == [1, 1]


def test_what_was_fetched_while_it_was_pushed_has_come_once(subscriber: Subscriber) -> None:
    room.subscribe(TYPE, ASKS, Terms())
    publish(1)

    def fetch(event: UUID) -> None:
        room.change(TYPE, ASKS, {"delivery": room.PULL})
        delivering.confirm(TYPE, IS_TOLD, event)

    subscriber.meanwhile = fetch
    push()
    assert Delivery.objects.get().tried == 1


def test_an_event_is_expired_as_soon_as_its_time_is_over_and_stays_so(subscriber: Subscriber) -> None:
    with clock.freeze(NOON):
        room.subscribe(TYPE, ASKS, Terms(push=False, lasts=60))
        event, stopped = publish(2)
        stop(stopped)
        assert (state(event), state(stopped)) == ("waiting", "stopped")
    with clock.freeze(NOON + timedelta(seconds=60)):
        assert state(event) == "expired"
        stop(event), stop(stopped)
        assert (state(event), state(stopped)) == ("expired", "stopped")


@pytest.mark.usefixtures("subscriber")
def test_an_event_is_known_under_the_name_of_its_type_alone() -> None:
    (event,) = publish(1)
    room.create("deaths", {})
    assert publishing.status(TYPE, OWNER, event).id == event
    with pytest.raises(NoSuchEvent):
        publishing.status("deaths", OWNER, event)


def test_who_has_no_grant_for_a_room_is_left_alone_with_all_that_waits(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try stands in the ledger as a refusal on the way: one is enough for all events."""
    tried = []

    def refuse(*_: object, **__: object) -> Answer:
        tried.append(1)
        raise exchange.Refused(who=IS_TOLD)

    with clock.freeze(NOON):
        room.subscribe(TYPE, ASKS, Terms())
        first, second = publish(2)
        with monkeypatch.context() as patched:
            patched.setattr(exchange, "call", refuse)
            push()
            push()
        assert len(tried) == 1
        found = {one.event_id: (one.tried, one.answer) for one in Delivery.objects.all()}
        assert found == {first: (1, 403), second: (0, None)}
    with clock.freeze(NOON + timedelta(seconds=1)):
        push()
        assert subscriber.heard == [first, second]


def test_who_changes_how_it_hears_has_what_it_refused_no_sooner(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change holds up all who publish: it touches nothing of what was ever on its way."""
    with clock.freeze(NOON):
        room.subscribe(TYPE, ASKS, Terms())
        (event,) = publish(1)
        with monkeypatch.context() as patched:
            patched.setattr(exchange, "call", Mock(side_effect=REFUSED))
            push()
        room.change(TYPE, ASKS, {"options": {"TTL": 60}})
        push()
        assert subscriber.heard == []
    with clock.freeze(NOON + timedelta(seconds=1)):
        push()
        assert subscriber.heard == [event]


@pytest.mark.usefixtures("subscriber")
def test_who_wants_to_be_pushed_again_is_so_at_once_and_for_what_it_says_now(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    monkeypatch.setattr(tasks.push, "defer", lambda **queued: turns.append(queued["subscription"]))
    row = room.subscribe(TYPE, ASKS, Terms(push=False))
    room.change(TYPE, ASKS, {"options": {"TTL": 60}})
    assert turns == []
    room.change(TYPE, replace(ASKS, purpose="other", basis="law"), {"delivery": room.PUSH})
    row.refresh_from_db()
    assert (turns, row.purpose, row.basis) == ([str(row.id)], "other", "law")


@pytest.mark.usefixtures("subscriber")
@pytest.mark.parametrize("fails", [REFUSED, exchange.ServiceUnavailable(who=IS_TOLD)])
def test_nobody_has_a_turn_for_whom_nothing_can_be_pushed_now(
    fails: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn queues the next one: there would be no end of them."""
    turns: list[str] = []
    monkeypatch.setattr(tasks.push, "defer", lambda **queued: turns.append(queued["subscription"]))
    monkeypatch.setattr(exchange, "call", Mock(side_effect=fails))
    with clock.freeze(NOON):
        room.subscribe(TYPE, ASKS, Terms(in_order=True))
        publish(2)
        turns.clear()
        push()
        delivering.go_on()
        assert turns == []
    with clock.freeze(NOON + timedelta(seconds=1)):
        delivering.go_on()
        assert turns == [str(Subscription.objects.get().id)]


def test_what_arrives_stands_behind_what_came_before_whatever_the_clock_says(subscriber: Subscriber) -> None:
    publish(2)
    items = [delivering.item(one) for one in Published.objects.select_related("event_type").order_by("number")]
    arriving.hear(Reader(OWNER, OWNER, "events", "nd278-2025", ""), items[0])
    ahead = first_id(datetime.now(UTC) + timedelta(hours=1))
    Arrived.objects.update(id=ahead)
    arriving.hear(Reader(OWNER, OWNER, "events", "nd278-2025", ""), items[1])
    assert [str(one.event) for one in service.arrived(ahead)] == [items[1]["id"]]
