"""A room's event types, and who follows them. Every system of the exchange is a room; this process keeps its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from onedoor.kernel import clock
from onedoor.privacy.service import Reader
from onedoor.pubsub import rules, tasks
from onedoor.pubsub.errors import (
    AlreadySubscribed,
    BadSubscription,
    EventTypeExists,
    NotSubscribed,
    TooMany,
    UnknownEventType,
)
from onedoor.pubsub.models import Delivery, EventType, Published, Subscription
from onedoor.store.locks import one_at_a_time

PUSH, PULL = "PUSH", "PULL"
HOUR = 3600
MOST = 1000
"""Event types of a room, and subscribers of one of them."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a subscriber wants events: pushed or fetched, for how many seconds, and all of them in order or not."""

    push: bool = True
    lasts: int = HOUR
    in_order: bool = False

    @classmethod
    def read(cls, item: Mapping[str, Any], before: "Terms | None" = None) -> "Terms":
        """Return the terms in *item*, a ``SubscriptionItem``; what it leaves out is as *before*."""
        known, options = before or cls(), item.get("options", {})
        return cls(
            push=item["delivery"] == PUSH if "delivery" in item else known.push,
            lasts=int(options.get("TTL", known.lasts)),
            in_order=options.get("FIFO", known.in_order),
        )


def create(name: str, schema: Mapping[str, Any]) -> EventType:
    """Return the new event type *name*; raise `EventTypeExists`, `TooMany` or `BadEventType`."""
    rules.check_schema(schema)
    with transaction.atomic():
        one_at_a_time("pubsub.types")
        types = EventType.objects.filter(ended=None)
        if types.filter(name=name).exists():
            raise EventTypeExists(name=name)
        if types.count() >= MOST:
            raise TooMany(most=MOST)
        return EventType.objects.create(name=name, schema=schema, made=clock.now())


def names() -> list[str]:
    """Return the names of the room's event types, in order."""
    return list(EventType.objects.filter(ended=None).order_by("name").values_list("name", flat=True))


def find(name: str) -> EventType:
    """Return the event type *name*; raise `UnknownEventType`."""
    found = EventType.objects.filter(name=name, ended=None).first()
    if found is None:
        raise UnknownEventType(name=name)
    return found


def end(name: str) -> None:
    """End the event type *name* with its subscriptions: what waits is stopped, what was published stays known."""
    with transaction.atomic():
        found = EventType.objects.select_for_update().filter(name=name, ended=None).first()
        if found is None:
            raise UnknownEventType(name=name)
        now = clock.now()
        found.ended = now
        found.save(update_fields=["ended"])
        Published.objects.filter(event_type=found, stopped=None, delivery__waits=True).update(stopped=now)
        Delivery.objects.filter(event__event_type=found, waits=True).update(waits=False)


def subscribe(name: str, asks: Reader, terms: Terms) -> Subscription:
    """Subscribe the system that asks to *name*, from the next event on; raise `AlreadySubscribed` or `TooMany`."""
    _check(terms)
    with transaction.atomic():
        kind = EventType.objects.select_for_update().filter(name=name, ended=None).first()
        if kind is None:
            raise UnknownEventType(name=name)
        if kind.subscription_set.filter(client=asks.client).exists():
            raise AlreadySubscribed(name=name)
        if kind.subscription_set.count() >= MOST:
            raise TooMany(most=MOST)
        return Subscription.objects.create(
            event_type=kind,
            client=asks.client,
            push=terms.push,
            lasts=terms.lasts,
            in_order=terms.in_order,
            purpose=asks.purpose,
            basis=asks.basis,
            made=clock.now(),
        )


def subscription(name: str, client: str) -> Subscription:
    """Return the subscription of *client* to *name*; raise `NotSubscribed`."""
    rows = Subscription.objects.select_related("event_type")
    found = rows.filter(event_type__name=name, event_type__ended=None, client=client).first()
    if found is None:
        raise NotSubscribed(name=name)
    return found


def subscriptions(client: str) -> list[Subscription]:
    """Return the subscriptions of *client* in this room, by the name of the type."""
    rows = Subscription.objects.select_related("event_type").filter(client=client, event_type__ended=None)
    return list(rows.order_by("event_type__name"))


def change(name: str, asks: Reader, item: Mapping[str, Any]) -> Subscription:
    """Change how the system that asks hears of *name*; what waits for it already keeps its end and its line."""
    with transaction.atomic():
        found = _locked(name, asks.client)
        terms = Terms.read(item, Terms(found.push, found.lasts, found.in_order))
        _check(terms)
        found.push, found.lasts, found.in_order = terms.push, terms.lasts, terms.in_order
        found.purpose, found.basis, found.again = asks.purpose, asks.basis, None
        found.save(update_fields=["push", "lasts", "in_order", "purpose", "basis", "again"])
        if found.push:
            tasks.push.defer(subscription=str(found.id))
    return found


def unsubscribe(name: str, client: str) -> None:
    """End the subscription of *client* to *name*, with what waits for it."""
    with transaction.atomic():
        _locked(name, client).delete()


def _locked(name: str, client: str) -> Subscription:
    """Return a subscription while nothing is published to it, and nobody else ends or changes it."""
    kind = EventType.objects.select_for_update().filter(name=name, ended=None).first()
    if kind is None:
        raise NotSubscribed(name=name)
    return subscription(name, client)


def _check(terms: Terms) -> None:
    if not rules.MINUTE <= terms.lasts <= rules.MONTH:
        raise BadSubscription(what=rules.LIFETIME)
