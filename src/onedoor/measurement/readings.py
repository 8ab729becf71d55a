"""What was counted, read for a stretch of days as known on a day: two rows a tally, however many cases there were."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from onedoor.kernel import nation
from onedoor.measurement import counting, national
from onedoor.measurement.counted import STOCKS
from onedoor.measurement.levels import Whose
from onedoor.measurement.national import Live, Question
from onedoor.store import rows

UPTO = """coalesce((SELECT total FROM measurement_count WHERE tally_id = tally.id AND day {before} %s
    ORDER BY day DESC LIMIT 1), 0)"""
FLOWS = f"""
    SELECT measure, service, {UPTO.format(before="<=")} - {UPTO.format(before="<")}
        + coalesce((SELECT sum(total) FROM measurement_late WHERE tally_id = tally.id
            AND day BETWEEN %s AND %s AND counted <= %s), 0)::bigint
    FROM measurement_tally AS tally WHERE whose = %s AND NOT split_part(measure, '.', 1) = ANY(%s::text[])
"""  # noqa: S608 - made of two constants
STOCK = f"""
    SELECT measure, service, {UPTO.format(before="<=")},
        (SELECT min(day) FROM measurement_count WHERE tally_id = tally.id)
    FROM measurement_tally AS tally WHERE whose = %s AND split_part(measure, '.', 1) = ANY(%s::text[])
"""  # noqa: S608 - made of two constants


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
    flows = rows.fetch(FLOWS, [on, start, start, on, known, whose.flows, stocks])
    held = rows.fetch(STOCK, [on, whose.stocks, stocks])
    counts: Counter[str] = Counter()
    for measure, _service, total in (*flows, *(line[:3] for line in held)):
        counts[measure] += total
    counts["services_used"] = sum(measure == "received" and total > 0 for measure, _service, total in flows)
    return Reading(dict(counts), min((line[3] for line in held if line[3]), default=None))
