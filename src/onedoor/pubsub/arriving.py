"""Events that other systems' rooms push to this one: kept once, and stated to the rooms of this system."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.privacy.service import Reader
from onedoor.pubsub import openapi, rules
from onedoor.pubsub.events import EventArrived
from onedoor.pubsub.models import Arrived
from onedoor.store import outbox
from onedoor.store.locks import one_at_a_time

KEPT = 30
"""Days that an event which arrived can be read here."""


def hear(sender: Reader, item: dict[str, Any]) -> None:
    """Keep the event *item* that *sender*'s room pushed, and state that it came; sent again it changes nothing.

    Ids are given one after the other, so that whoever asks for what came `arrived` *after* one misses none. Raise
    `BadEvent` or `PersonInEvent` for what no room may have taken.
    """
    rules.check_content(item["event"], nation.current().person_number)
    with transaction.atomic():
        one_at_a_time("pubsub.arrived")
        _, new = Arrived.objects.get_or_create(
            room=sender.client,
            event=UUID(item["id"]),
            defaults={
                "id": _next(),
                "name": item["eventType"],
                "number": item["sequence"],
                "publisher": "/".join(item["publisherId"][part] for part in openapi.PARTS),
                "body": item["event"],
                "moment": clock.now(),
            },
        )
        if new:
            by = Actor(agency=sender.client)
            outbox.state(EventArrived(by=by, source=sender.client, event_type=item["eventType"], event=item["id"]))


def _next() -> UUID:
    """Return an id behind all that are here, whatever the clock says."""
    made, last = uuid7(), Arrived.objects.order_by("id").values_list("id", flat=True).last()
    return max(made, UUID(int=last.int + 1)) if last else made


def arrived(after: UUID | None = None, *, most: int = 1000) -> list[Arrived]:
    """Return the events that were pushed to this system, the oldest first: those *after* the id of another."""
    found = Arrived.objects.filter(id__gt=after) if after else Arrived.objects.all()
    return list(found.order_by("id")[:most])


def sweep() -> None:
    """Forget events that are long here."""
    Arrived.objects.filter(moment__lt=clock.now() - timedelta(days=KEPT)).delete()
