"""Events reach their subscribers: fetched and confirmed, or pushed until they answer; at least once, in their lines."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from onedoor.exchange import service as exchange
from onedoor.kernel import clock
from onedoor.kernel.settings import current
from onedoor.kernel.watch import metrics
from onedoor.privacy.service import Reader, may_be_told
from onedoor.pubsub import room, tasks
from onedoor.pubsub.errors import NoSuchEvent, NotByPull, NothingWaits, NotItsTurn
from onedoor.pubsub.models import Delivery, EventType, Published, Subscription
from onedoor.pubsub.publishing import KEPT

SERVICE = "events"
"""The service of a subscriber that events are pushed to."""
AT_ONCE = 100
"""Events taken at a time."""
LONGEST = 60
"""Seconds between two tries, at most."""
TURN, PATIENCE = 5.0, 5.0
"""Seconds for which one subscriber is served before others are, and for which it may think about one event."""
LOOKED_AT = 50
LARGEST_ANSWER = 65_536
"""Bytes that a subscriber may answer; nothing of it is read."""
DELIVERED, REFUSED, DENIED, UNAVAILABLE = "delivered", "refused", "denied", "unavailable"
_places = threading.BoundedSemaphore(2)
"""Pushing takes so many of the worker's places at most: who answers slowly holds up no other job."""
pushed = metrics.counter(
    "onedoor_pubsub_pushed_total",
    "Tries to push an event to a subscriber, by how they ended: delivered, refused, denied, unavailable.",
    ("outcome",),
    "portal-worker, node",
)


def item(event: Published) -> dict[str, Any]:
    """Return *event* as GovStack's ``EventItem``, with the moment of its publication besides."""
    return {
        "id": str(event.id),
        "sequence": event.number,
        "publisherId": parts(event.client),
        "eventType": event.event_type.name,
        "event": event.body,
        "publishedAt": event.moment.isoformat(),
    }


def parts(subsystem: str) -> dict[str, str]:
    """Return a subsystem ``VN/GOV/G15/CIVIL-STATUS`` by the four parts of its name."""
    names = ("instanceId", "memberClass", "memberCode", "applicationCode")
    return dict(zip(names, subsystem.split("/"), strict=False))


def pull(name: str, client: str) -> Published:
    """Return the next event of *name* that *client* has not confirmed; raise `NotByPull` or `NothingWaits`."""
    waiting = _waiting(_pulled(name, client).id).select_related("event__event_type")
    found = waiting.order_by("number").first()
    if found is None:
        raise NothingWaits(name=name)
    return found.event


def confirm(name: str, client: str, event: UUID) -> None:
    """Note that *client* has got *event*; twice is as once. Raise `NoSuchEvent` or `NotItsTurn`."""
    subscription = _pulled(name, client)
    with transaction.atomic():
        found = subscription.delivery_set.select_for_update().filter(event=event).first()
        if found is None:
            raise NoSuchEvent(days=KEPT)
        before = _waiting(subscription.id).filter(line=found.line, number__lt=found.number)
        if found.waits and before.exists():
            raise NotItsTurn
        _done(found)


def push(subscription: UUID) -> None:
    """Give *subscription* its turn, then somebody else; whoever finds it taken may go, for the other looks again."""
    if not _places.acquire(blocking=False):
        return
    try:
        served = _turn(subscription)
    finally:
        _places.release()
    if served:
        go_on()


def go_on() -> None:
    """Queue the turn of a subscriber for whom something can be pushed; every one has the same chance."""
    now = clock.now()
    waits = Exists(Delivery.objects.filter(subscription=OuterRef("id"), waits=True, ends__gt=now))
    due = Subscription.objects.filter(Q(again=None) | Q(again__lte=now), waits, push=True).order_by("?")
    for one in due.values_list("id", flat=True)[:LOOKED_AT]:
        if _heads(one):
            tasks.push.defer(subscription=str(one))
            return


def _turn(subscription: UUID) -> bool:
    """Push what waits for *subscription* for a while; return whether nobody else does so."""
    until = time.monotonic() + TURN
    with _alone(subscription) as alone:
        if not alone or not _may_be_told(subscription):
            return alone
        while heads := _heads(subscription):
            held_up = ""
            for delivery in heads:
                if delivery.line == held_up or not _may_go(delivery):
                    continue
                outcome = _push(delivery)
                if outcome in (DENIED, UNAVAILABLE) or time.monotonic() > until:
                    return True
                if outcome == REFUSED:
                    held_up = delivery.line
    return True


def _may_be_told(subscription: UUID) -> bool:
    """Return whether the nation's rights still let a system be told; who may not is left alone, with what waits."""
    one = Subscription.objects.filter(id=subscription).first()
    if one is None:
        return False
    own = current().subsystem
    if may_be_told(Reader(own, own, one.purpose, one.basis, ""), subscriber=one.client):
        return True
    Subscription.objects.filter(id=subscription).update(again=clock.now() + timedelta(seconds=LONGEST))
    return False


def _may_go(delivery: Delivery) -> bool:
    """Return whether an event still waits to be pushed: it may have been stopped since the look that found it."""
    waiting = _waiting(delivery.subscription_id)
    return waiting.filter(id=delivery.id, subscription__push=True).exists()


def _heads(subscription: UUID) -> list[Delivery]:
    """Return the first event of each line that may be pushed now, the oldest first, of so many lines at most.

    A line that stands alone comes with what follows: each look goes through all that waits.
    """
    now = clock.now()
    waiting = _waiting(subscription).select_related("event__event_type", "subscription")
    ready = waiting.filter(subscription__push=True).exclude(subscription__again__gt=now).exclude(again__gt=now)
    first = _waiting(subscription).filter(line=OuterRef("line")).order_by("number").values("number")[:1]
    heads = list(ready.filter(number=Subquery(first)).order_by("number")[:AT_ONCE])
    if len(heads) == 1:
        return list(waiting.filter(line=heads[0].line).order_by("number")[:AT_ONCE])
    return heads


def _push(delivery: Delivery) -> str:
    """Push one event; return how that ended."""
    subscription = delivery.subscription
    reason = exchange.Reason(subscription.purpose, subscription.basis)
    service = f"{subscription.client}/{SERVICE}"
    said, key = item(delivery.event), f"event:{delivery.event_id}"
    try:
        exchange.call(
            service,
            f"v1/{said['eventType']}",
            said,
            reason=reason,
            user=current().subsystem,
            key=key,
            timeout=PATIENCE,
            most=LARGEST_ANSWER,
        )
    except exchange.ServiceUnavailable:
        outcome = UNAVAILABLE
        _leave_alone(subscription)
    except exchange.Refused:
        outcome = DENIED
        _tried(delivery, answer=HTTPStatus.FORBIDDEN)
        _leave_alone(subscription)
    except exchange.ProviderError as error:
        outcome = REFUSED
        _try_later(delivery, error.answer.status)
    else:
        outcome = DELIVERED
        Subscription.objects.filter(id=subscription.id, silent__gt=0).update(silent=0, again=None)
        _done(delivery)
    pushed.labels(outcome).inc()
    return outcome


def _done(delivery: Delivery) -> None:
    """Note that *delivery* has come, also when it was stopped or its time was over meanwhile."""
    _tried(delivery, waits=False, done=clock.now())


def _tried(delivery: Delivery, **found: object) -> None:
    """Note what a try *found*, once for what has come."""
    Delivery.objects.filter(id=delivery.id, done=None).update(tried=F("tried") + 1, **found)


def _try_later(delivery: Delivery, answer: int) -> None:
    """Leave an event alone that its subscriber did not take, and those behind it in its line; the others go on."""
    again = _later(delivery.tried)
    with transaction.atomic():
        _tried(delivery, again=again, answer=answer)
        tasks.push.defer_at(again, subscription=str(delivery.subscription_id))


def _leave_alone(subscription: Subscription) -> None:
    """Leave a subscriber alone whose system is silent or lets no event in, with all that waits for it."""
    again = _later(subscription.silent)
    with transaction.atomic():
        Subscription.objects.filter(id=subscription.id).update(silent=F("silent") + 1, again=again)
        tasks.push.defer_at(again, subscription=str(subscription.id))


def _later(tried: int) -> datetime:
    return clock.now() + timedelta(seconds=min(2**tried, LONGEST))


def _pulled(name: str, client: str) -> Subscription:
    found = room.subscription(name, client)
    if found.push:
        raise NotByPull(name=name)
    return found


def _waiting(subscription: UUID) -> QuerySet[Delivery]:
    return Delivery.objects.filter(subscription=subscription, waits=True, ends__gt=clock.now())


@contextmanager
def _alone(subscription: UUID) -> Iterator[bool]:
    """Yield whether this process alone pushes to *subscription* now; a process that is killed lets go."""
    name = f"pubsub:{subscription}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        (held,) = cursor.fetchone()
        try:
            yield held
        finally:
            if held:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def sweep() -> None:
    """Let go what nobody fetched in time; forget old events, for which nobody waits any more, and types that ended."""
    now = clock.now()
    Delivery.objects.filter(waits=True, ends__lte=now).update(waits=False)
    long_ago = now - timedelta(days=KEPT)
    Published.objects.filter(moment__lt=long_ago).delete()
    EventType.objects.filter(ended__lt=long_ago).delete()
