"""How many services there are of each kind, found out from their definitions and kept as of the day."""

from collections.abc import Iterator
from datetime import date

from django.db import transaction

from onedoor.kernel import nation
from onedoor.kernel.ids import uuid7
from onedoor.measurement import levels
from onedoor.measurement.counted import STOCKS
from onedoor.measurement.counting import LOCK, TALLIES
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Service
from onedoor.store import locks, rows

SET = """
    INSERT INTO measurement_count (tally_id, day, total)
    SELECT tally.id, %s, one.total FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
        AS one(whose, measure, service, total) JOIN measurement_tally AS tally USING (whose, measure, service)
    WHERE one.total IS DISTINCT FROM (SELECT total FROM measurement_count
        WHERE tally_id = tally.id AND day <= %s ORDER BY day DESC LIMIT 1)
    ON CONFLICT (tally_id, day) DO UPDATE SET total = excluded.total
"""
KEPT = """
    SELECT whose, measure, service FROM measurement_tally WHERE split_part(measure, '.', 1) = ANY(%s::text[])
"""
Key = tuple[str, str, str]


def take() -> None:
    """Keep what the definitions say today, where it is not what was kept already."""
    with transaction.atomic():
        locks.one_at_a_time(LOCK)
        today = nation.current().today()
        found = stocks(today)
        gone: dict[Key, int] = dict.fromkeys(rows.fetch(KEPT, [list(STOCKS)]), 0)
        lines = [(*key, total) for key, total in (gone | found).items()]
        names = [[line[n] for line in lines] for n in range(3)]
        rows.run(TALLIES, [[uuid7() for _ in lines], *names])
        rows.run(SET, [today, *names, [line[3] for line in lines], today])


def stocks(on: date) -> dict[Key, int]:
    """Return 1 for whatever is so on a day, by the kind of agency with a step of the service, measure and service."""
    return {
        (levels.word(levels.KIND, kind), measure, service.id): 1
        for service in procedures.services(on)
        for kind in {step.agency_kind for step in service.steps.values()}
        for measure in measures(service)
    }


def measures(service: Service) -> Iterator[str]:
    """Yield what counts of *service*."""
    yield "services"
    if "online" in service.filing:
        yield "services_online"
    if procedures.is_complete(service):
        yield "services_complete"
    if due := procedures.fees_due(service):
        yield "services_with_fee"
        if all(fee.paid == "online" for fee in due):
            yield "services_paid_online"
    yield from (f"services_reading.{one}" for one in sorted({source.register for source in service.data.values()}))
    if service.data:
        yield "services_reading"
