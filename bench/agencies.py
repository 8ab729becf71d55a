"""An agency's index on any day: as quick after a million cases over years as after ten thousand in a month.

``python -m bench.agencies FOLDER`` measures in a process on a PostgreSQL of its own and prints JSON; `measure` runs it
so. Cases are counted a day at a time, which leaves the very rows that counting them one by one does; one in fifty is
counted the day after.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from itertools import repeat
from pathlib import Path

from bench.measure import Ratio, apart, compare, told
from bench.registers import MILLI, median_of, served

FLAT, REPEATS = 1.3, 9
INDEX, FEW, MANY = "decision-766", "commune-00199", "commune-26740"
SIZES = {FEW: (10_000, 30), MANY: (1_000_000, 1_000)}
"""Cases of each agency, and the days over which they came."""
LATE = 50
SERVICE = "vn.birth-linked"
COUNTED = "INSERT INTO measurement_counted SELECT uuidv7() FROM generate_series(1, %s)"


def measure(var: Path, say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratio, measured in a process of its own with its state in *var*."""
    say("an agency's index: ten thousand and a million cases")
    return apart("bench.agencies", var / "agencies")


def main(folder: Path) -> None:
    """Measure on a server of its own and print the ratio as JSON."""
    with served(folder):
        print(told(_ratios()))


def _ratios() -> Iterator[Ratio]:
    from django.db import connection

    from onedoor.kernel import nation
    from onedoor.measurement import stocks

    today = nation.current().today()
    stocks.take()
    for agency, (cases, days) in SIZES.items():
        _fill(agency, cases, days, today)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE measurement_tally, measurement_count, measurement_late, measurement_counted")
    few, many = (partial(_reading, agency, today, random.Random(1)) for agency in SIZES)
    yield compare(
        "an agency's index on any day, a million cases over 1,000 days",
        lambda: median_of(many),
        lambda: median_of(few),
        floor=FLAT,
        repeats=REPEATS,
        note="against ten thousand over 30 days",
    )


def _reading(agency: str, today: date, dice: random.Random) -> float:
    """Return the milliseconds of the index of *agency* on one of its last days, as known on that day or a later one."""
    from onedoor.kernel import nation
    from onedoor.measurement import levels, national, readings

    on = today - timedelta(days=dice.randrange(SIZES[FEW][1]))
    known = on + timedelta(days=dice.randrange((today - on).days + 1))
    start = time.perf_counter()
    country = nation.current()
    whose = levels.whose(country, levels.AGENCY, agency, on)
    readings.live(national.asked(country, INDEX, whose, on, known))
    return MILLI * (time.perf_counter() - start)


def _fill(agency: str, cases: int, days: int, today: date) -> None:
    """Count *cases* of an agency, as many on each of the last *days*."""
    from django.db import connection, transaction

    from onedoor.measurement import counting

    each = cases // days
    for day in (today - timedelta(days=n) for n in reversed(range(days))):
        late = each // LATE if day < today else 0
        with transaction.atomic():
            for more, counted in ((each - late, day), (late, day + timedelta(days=1))):
                if more:
                    counting.add([agency], SERVICE, _counts(more), day, counted)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [2 * cases])


def _counts(cases: int) -> dict[str, int]:
    flows = ("received", "received_reusing", "received_reusing.population", "received_reusing.marriages")
    ends = ("settled", "settled_on_time", "settled_on_time_asked_once", "settled_with_result", "settled_without_visit")
    return dict(zip((*flows, *ends, "settled_minutes"), repeat(cases)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
