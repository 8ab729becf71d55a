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

FLOWS = """
    SELECT measure, service, sum(edge.sign * (
        coalesce((SELECT total FROM measurement_count WHERE tally_id = tally.id AND day <= edge.day
            ORDER BY day DESC LIMIT 1), 0)
        + coalesce((SELECT sum(total) FROM measurement_late WHERE tally_id = tally.id AND day <= edge.day
            AND counted > edge.day AND counted <= least(%s, edge.day + tally.lag)), 0)))::bigint
    FROM measurement_tally AS tally CROSS JOIN (VALUES (%s::date, 1), (%s::date, -1)) AS edge(day, sign)
    WHERE whose = %s AND NOT split_part(measure, '.', 1) = ANY(%s::text[]) GROUP BY measure, service
"""
"""To what was known at the end of an edge comes what was counted after it of facts up to it: none later than `lag`."""
STOCK = """
    SELECT measure, service,
        coalesce((SELECT total FROM measurement_count WHERE tally_id = tally.id AND day <= %s
            ORDER BY day DESC LIMIT 1), 0),
        (SELECT min(day) FROM measurement_count WHERE tally_id = tally.id)
    FROM measurement_tally AS tally WHERE whose = ANY(%s::text[]) AND split_part(measure, '.', 1) = ANY(%s::text[])
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counts by measure; ``since`` is the first day on which anything was, None where nothing is yet."""

    counts: dict[str, int]
    since: date | None


def live(question: Question) -> Live:
    """Return the index that *question* asks for, from what is counted."""
    if question.known < nation.current().today():
        counting.wait_for_the_others()
    found = read(question.whose, question.start, question.on, question.known)
    return national.computed(question, found.counts, found.since)


def read(whose: Whose, start: date, on: date, known: date) -> Reading:
    """Return what was counted of *whose* from *start* to *on*, as known at the end of the day *known*."""
    stocks = list(STOCKS)
    asked = (FLOWS, [known, on, start - DAY, whose.flows, stocks]), (STOCK, [on, list(whose.stocks), stocks])
    flows, held = rows.fetch_each(*asked)
    counts: Counter[str] = Counter()
    for measure, _service, total in flows:
        counts[measure] += total
    counts.update(measure for measure, _service in {line[:2] for line in held if line[2]})
    counts["services_used"] = sum(measure == "received" and total > 0 for measure, _service, total in flows)
    return Reading(dict(counts), min((line[3] for line in held if line[3]), default=None))
