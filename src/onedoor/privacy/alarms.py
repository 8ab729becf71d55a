"""Alarms: a post that reads data of very many persons within minutes; how many is said in the nation's file."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import first_id
from onedoor.kernel.watch import metrics
from onedoor.privacy.events import ManyPersonsRead
from onedoor.store import outbox, rows
from onedoor.store.models import StatedEvent

log = structlog.get_logger("onedoor.privacy")
_raised = metrics.counter(
    "onedoor_privacy_alarms_total",
    "Alarms: posts that read data of more persons within minutes than the nation's file lets pass.",
    (),
    "portal-worker, node",
)
MANY = """
SELECT client, "user", count(DISTINCT person), min(record.id::text), max(record.id::text)
FROM privacy_readrecord record JOIN privacy_readperson about ON about.record_id = record.id
WHERE record.id >= %s AND record.moment >= %s AND refused = '' AND operation = 'read'
    AND register <> 'breaches' AND "user" LIKE '%%.%%'
GROUP BY 1, 2 HAVING count(DISTINCT person) > %s ORDER BY 1, 2
"""
"""Ids are in order of time, so of all records only the last minutes' are looked at; a user with a dot is a post.

Numbers read to tell their persons of a breach go to the portal and not to the post that decided so: they raise none.
"""


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many persons a post may read of within how many minutes before an alarm is raised."""

    persons: int
    minutes: int


def threshold() -> Threshold | None:
    """Return what the nation's file says; None when it has none: then nothing raises an alarm."""
    found = nation.current().documents("alarm")
    return Threshold(found[0].data["persons"], found[0].data["minutes"]) if found else None


def look() -> list[ManyPersonsRead]:
    """State an alarm for each post over the threshold that none was raised of within its minutes; return them."""
    limit = threshold()
    if limit is None:
        return []
    since = clock.now() - timedelta(minutes=limit.minutes)
    found = rows.fetch(MANY, [first_id(since), since, limit.persons])
    return [_raise(limit, *one) for one in found if not _raised_since(since, one[0], one[1])]


def _raised_since(moment: datetime, client: str, user: str) -> bool:
    stated = StatedEvent.objects.filter(name=ManyPersonsRead.name(), stated_at__gte=moment)
    return stated.filter(data__client=client, data__user=user).exists()


@transaction.atomic
def _raise(limit: Threshold, client: str, user: str, persons: int, first: str, last: str) -> ManyPersonsRead:
    alarm = ManyPersonsRead(
        by=Actor(person="system", post="system"),
        client=client,
        user=user,
        persons=persons,
        minutes=limit.minutes,
        records=(first, last),
    )
    outbox.state(alarm)
    _raised.inc()
    log.warning("many persons read", client=client, user=user, persons=persons, minutes=limit.minutes)
    return alarm
