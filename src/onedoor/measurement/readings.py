"""What was counted, read for a stretch of days as known on a day: two rows a tally, however many cases there were."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from onedoor.kernel import nation
from onedoor.kernel.clock import DAY
from onedoor.measurement import counting, national
from onedoor.measurement.counted import STOCKS
from onedoor.measurement.levels import Whose
from onedoor.measurement.national import Live, Question
from onedoor.store import rows

COUNTED = """
    SELECT measure, service, sum(edge.sign * (
        coalesce((SELECT total FROM measurement_count WHERE tally_id = tally.id AND day <= edge.day
            ORDER BY day DESC LIMIT 1), 0)
        + coalesce((SELECT sum(total) FROM measurement_late WHERE tally_id = tally.id AND day <= edge.day
            AND counted > edge.day AND counted <= least(%s, edge.day + tally.lag)), 0)))::bigint, NULL::date
    FROM measurement_tally AS tally CROSS JOIN (VALUES (%s::date, 1), (%s::date, -1)) AS edge(day, sign)
    WHERE whose = %s AND NOT split_part(measure, '.', 1) = ANY(%s::text[]) GROUP BY measure, service
    UNION ALL
    SELECT measure, service,
        coalesce((SELECT total FROM measurement_count WHERE tally_id = tally.id AND day <= %s
            ORDER BY day DESC LIMIT 1), 0),
        (SELECT min(day) FROM measurement_count WHERE tally_id = tally.id)
    FROM measurement_tally AS tally WHERE whose = ANY(%s::text[]) AND split_part(measure, '.', 1) = ANY(%s::text[])
"""
"""To what was known at the end of an edge comes what was counted after it of facts up to it: none later than `lag`.

Below it what services are, and since when that is counted: flows have no such day.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counts by measure; ``since`` is the first day on which anything was, None where nothing is yet."""

    counts: dict[str, int]
    since: date | None


def live(question: Question) -> Live:
    """Return the index that *question* asks for, from what is counted."""
    found = counted(question)
    return national.computed(question, found.counts, found.since)


def counted(question: Question) -> Reading:
    """Return what was counted for the index that *question* asks for."""
    if question.known < nation.current().today():
        counting.wait_for_the_others()
    return read(question.whose, question.start, question.on, question.known)


def read(whose: Whose, start: date, on: date, known: date) -> Reading:
    """Return what was counted of *whose* from *start* to *on*, as known at the end of the day *known*."""
    stocks = list(STOCKS)
    asked = [known, on, start - DAY, whose.flows, stocks, on, list(whose.stocks), stocks]
    counts: Counter[str] = Counter()
    held, days = set(), []
    for measure, service, total, since in rows.fetch(COUNTED, asked):
        if since is not None:
            days.append(since)
            if total:
                held.add((measure, service))
        else:
            counts[measure] += total
            counts["services_used"] += measure == "received" and total > 0
    counts.update(measure for measure, _service in held)
    return Reading(dict(counts), min(days, default=None))
