"""An event is taken, durably and once, and put on its way to everybody who is subscribed at that moment."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.watch import metrics
from onedoor.pubsub import room, rules, tasks
from onedoor.pubsub.errors import NoSuchEvent, OtherEvent, UnknownEventType
from onedoor.pubsub.models import Delivery, EventType, Published

KEPT = rules.MONTH // 86_400
"""Days that an event is known here after its publication: so long it may wait for a subscriber at most."""
published = metrics.counter(
    "onedoor_pubsub_published_total", "Events that this room took from their publishers.", (), "portal-web, node"
)


def publish(name: str, client: str, call: str, event: Mapping[str, Any]) -> Published:
    """Take *event* of the type *name* from *client*, once for its *call*; return it.

    Raise `BadEvent` or `PersonInEvent` for what it may not hold, `OtherEvent` if the call brought another one before.
    """
    checked = room.find(name)
    rules.check_event(checked.schema, event, nation.current().person_number)
    with transaction.atomic():
        kind = EventType.objects.select_for_update().filter(id=checked.id, ended=None).first()
        if kind is None:
            raise UnknownEventType(name=name)
        before = Published.objects.filter(event_type=kind, client=client, call=call).first()
        if before is not None:
            if before.body != event:
                raise OtherEvent
            return before
        kind.number += 1
        kind.save(update_fields=["number"])
        row = Published.objects.create(
            event_type=kind, number=kind.number, client=client, call=call, body=event, moment=clock.now()
        )
        _send(kind, row)
    published.inc()
    return row


def _send(kind: EventType, row: Published) -> None:
    """Put an event on its way to every subscriber of its type."""
    subscribers = list(kind.subscription_set.all())
    Delivery.objects.bulk_create(
        Delivery(
            event=row,
            subscription=one,
            line=rules.line(kind.schema, row.body, row.number, in_order=one.in_order),
            number=row.number,
            ends=row.moment + timedelta(seconds=one.lasts),
        )
        for one in subscribers
    )
    for one in subscribers:
        if one.push:
            tasks.push.defer(subscription=str(one.id))


def status(name: str, client: str, event: UUID) -> Published:
    """Return an event that *client* published; raise `NoSuchEvent`."""
    found = Published.objects.filter(id=event, event_type__name=name, client=client).first()
    if found is None:
        raise NoSuchEvent(days=KEPT)
    return found


def stop(name: str, client: str, event: UUID) -> None:
    """Have an event that *client* published go to nobody any more who has not got it; twice is as once."""
    with transaction.atomic():
        found = status(name, client, event)
        found.stopped = found.stopped or clock.now()
        found.save(update_fields=["stopped"])
        found.delivery_set.filter(waits=True).update(waits=False)
