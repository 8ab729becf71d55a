"""An index recomputed, its rank intervals and goals, against the bare arithmetic they cannot do without."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars

from bench.measure import Ratio, compare
from onedoor.measurement import certainty, goal, service
from onedoor.measurement.measured import Measured
from onedoor.measurement.rules.intervals import Uncertain

WORLD = Path("nations/world")
TABLES = [WORLD / "data" / f"egdi-{year}.csv" for year in (2016, 2018)]
COPIES = 6
"""Of the two editions at hand: twelve tables, as many as there are editions."""
DRAWS, SEED = 20_000, 1
TIMES = 3


def measure(say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios of reading, of rank intervals and of goals."""
    world = service.world(WORLD.absolute())
    measured = service.measure(world, TABLES[1], 2018, "egdi")
    field = certainty.field(measured)
    weights = np.random.default_rng(SEED).random((DRAWS, field.parts.shape[1]))
    say("an index: reading and recomputing twelve editions")
    read = compare(
        "index: twelve editions read and recomputed (copies of two)",
        lambda: _milliseconds(lambda: [service.every(world, path, "egdi") for path in TABLES * COPIES], TIMES),
        lambda: _milliseconds(lambda: [_ranked(path) for path in TABLES * COPIES], TIMES),
        floor=3,
        note="polars reads and ranks the same files",
    )
    say("an index: rank intervals")
    sure = compare(
        f"index: {DRAWS:,} draws, rank intervals of {len(field.parts)} countries",
        lambda: _milliseconds(lambda: service.rank_intervals(measured, Uncertain(), DRAWS, SEED), 1),
        lambda: _milliseconds(lambda: _bare(field.parts, weights), 1),
        floor=3,
        note="numpy: one matrix product, one ranking",
    )
    say("an index: goals in a moving field")
    history = [service.measure(world, TABLES[0], 2016, "egdi")]
    moving = compare(
        f"index: a goal solved in a fixed field and in a moving one of {goal.DRAWS:,} draws",
        lambda: _milliseconds(lambda: _solved(measured, history), 1),
        lambda: _milliseconds(lambda: _bare(field.parts, weights), 1),
        floor=2,
        note="the same product and ranking",
    )
    return [read, sure, moving]


def _milliseconds(work: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        work()
    return 1000 * (time.perf_counter() - start) / times


def _ranked(path: Path) -> polars.DataFrame:
    return polars.read_csv(path).with_columns(polars.col("egdi").rank("min", descending=True).alias("recomputed"))


def _bare(parts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(-(weights @ parts.T), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    return ranks


def _solved(measured: Measured, history: list[Measured]) -> None:
    service.solve(measured, "Viet Nam", 78)
    service.solve(measured, "Viet Nam", 78, None, history)
