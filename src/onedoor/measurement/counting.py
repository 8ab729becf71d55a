"""Counts kept as events come: each event once, in one transaction, on the day it is counted.

All counting takes one lock, and a day is read under it: when a day is over, nothing is added to it any more. Who asks
what was known on an earlier day waits for whoever is counting just now (`wait_for_the_others`).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from django.db import connection, transaction

from onedoor.cases.events import StepAcknowledged, StepDone, StepSettled
from onedoor.kernel import nation
from onedoor.kernel.ids import uuid7
from onedoor.measurement import levels
from onedoor.store import locks, rows
from onedoor.store.outbox import Stated

LOCK = "measurement.counting"
NEW = "INSERT INTO measurement_counted (event) VALUES (%s) ON CONFLICT DO NOTHING RETURNING 1"
TALLIES = """
    INSERT INTO measurement_tally (id, whose, measure, service)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
BEGIN = """
    INSERT INTO measurement_count (tally_id, day, total)
    SELECT id, %s, coalesce((SELECT total FROM measurement_count WHERE tally_id = tally.id AND day < %s
        ORDER BY day DESC LIMIT 1), 0)
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS one(whose, measure, service)
    JOIN measurement_tally AS tally USING (whose, measure, service) ON CONFLICT DO NOTHING
"""
ADD = """
    UPDATE measurement_count AS kept SET total = kept.total + one.more
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS one(whose, measure, service, more)
    JOIN measurement_tally AS tally USING (whose, measure, service)
    WHERE kept.tally_id = tally.id AND kept.day >= %s
"""
LATE = """
    WITH lagging AS (UPDATE measurement_tally AS tally SET lag = greatest(lag, %s::date - %s::date)
        FROM unnest(%s::text[], %s::text[], %s::text[]) AS one(whose, measure, service)
        WHERE (tally.whose, tally.measure, tally.service) = (one.whose, one.measure, one.service))
    INSERT INTO measurement_late (tally_id, day, counted, total)
    SELECT id, %s, %s, more FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
        AS one(whose, measure, service, more) JOIN measurement_tally AS tally USING (whose, measure, service)
    ON CONFLICT (tally_id, counted, day) DO UPDATE SET total = measurement_late.total + excluded.total
"""
Counts = Mapping[str, int]


def count_taking_on(stated: Stated[StepAcknowledged]) -> None:
    """Count that an agency took a dossier on, and which registers spared the person a question."""
    event = stated.event
    found = {"received": 1} | {f"received_reusing.{register}": 1 for register in event.registers}
    count(stated, found | ({"received_reusing": 1} if event.registers else {}))


def count_settling(stated: Stated[StepSettled]) -> None:
    """Count that an agency settled a dossier, and how; what was stated before events said so is not counted."""
    event = stated.event
    if event.on_time is None:
        return
    found = {
        "settled": 1,
        "settled_on_time": event.on_time,
        "settled_on_time_asked_once": event.on_time and event.asked <= 1,
        "settled_with_result": isinstance(event, StepDone) and bool(event.result),
        "settled_without_visit": not event.visit,
        "settled_minutes": event.minutes,
    }
    count(stated, {measure: int(more) for measure, more in found.items() if more})


def count(stated: "Stated[StepAcknowledged] | Stated[StepSettled]", found: Counts) -> None:
    """Count *found* once for the agency of the event, its level and its units."""
    country = nation.current()
    agency = country.agencies.get(stated.event.agency)
    if agency is None:  # its nation's files name it no more
        return
    with transaction.atomic():
        locks.one_at_a_time(LOCK)
        if not new(stated.id):
            return
        today = country.today()
        fact = min(country.calendar.local(stated.moment).date(), today)
        add([agency.id, *levels.above(country, agency, today)], stated.event.service, found, fact, today)


def new(event: UUID) -> bool:
    """Keep that an event is counted; return whether it was not yet."""
    return bool(rows.fetch(NEW, [event]))


def add(whose: Iterable[str], service: str, found: Counts, fact: date, counted: date) -> None:
    """Add *found* to what was *counted* on a day of the day of the *fact*; the caller holds the lock."""
    lines = [(one, measure, service, more) for one in whose for measure, more in found.items()]
    names, more = [[line[n] for line in lines] for n in range(3)], [line[3] for line in lines]
    with rows.one_trip():
        rows.run(TALLIES, [[uuid7() for _ in lines], *names])
        rows.run(BEGIN, [counted, counted, *names])
        rows.run(ADD, [*names, more, counted])
        if fact < counted:
            rows.run(LATE, [counted, fact, *names, fact, counted, *names, more])


def wait_for_the_others() -> None:
    """Wait until whoever is counting has done so: what an earlier day knew stands from then on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [LOCK])
