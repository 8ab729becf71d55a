"""How sure a country's rank is, and what makes it unsure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from onedoor.measurement.errors import BadCount
from onedoor.measurement.measured import Measured
from onedoor.measurement.rules import intervals
from onedoor.measurement.rules.intervals import ALONE, Field, Uncertain
from onedoor.measurement.rules.sensitivity import Factor, sobol

Tell: TypeAlias = Callable[[int], None]
MOST_DRAWS = 1_000_000
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Interval:
    """The ranks at 5 %, 50 % and 95 % of the draws."""

    low: int
    median: int
    high: int


@dataclass(frozen=True, slots=True)
class Certainty:
    """A country's rank interval with everything uncertain, and with one source of uncertainty at a time."""

    country: str
    rank: int
    published_rank: int | None
    draws: int
    seed: int
    interval: Interval
    alone: Mapping[str, Interval]


def field(measured: Measured) -> Field:
    """Return the ranked countries of *measured* for drawing."""
    measured.must_be_weighted_mean()
    figures, ranked = measured.figures, measured.ranked
    total = 2.0 * measured.standing.denominator * figures.scale
    return Field(
        parts=figures.parts[ranked] / figures.scale,
        halves=np.array(figures.steps) / (2 * figures.scale),
        weights=np.array(measured.edition.weights, dtype=np.float64),
        low=measured.standing.low[ranked] / total,
        high=measured.standing.high[ranked] / total,
    )


def rank_intervals(
    measured: Measured, uncertain: Uncertain, draws: int, seed: int, tell: Tell = lambda _done: None
) -> dict[str, Interval]:
    """Return the rank interval of every ranked country by its name, over *draws* of what is *uncertain*.

    Of rounding alone it reaches as far as the rank by the rule of the edition: who shares a published value shares a
    rank, even where the parts say who of the two is behind.
    """
    found = intervals.intervals(field(measured), uncertain, draws, seed, tell)
    if uncertain.only_rounding:
        ranks = measured.settled_ranks
        found = np.stack([np.minimum(found[:, 0], ranks), found[:, 1], np.maximum(found[:, 2], ranks)], axis=1)
    names = [measured.table.names[place] for place in measured.ranked]
    return {name: Interval(*map(int, row)) for name, row in zip(names, found, strict=True)}


def certainty(measured: Measured, country: str, draws: int, seed: int, tell: Tell = lambda _done: None) -> Certainty:
    """Return how sure the rank of *country* is; *tell* hears of draws done, of `rounds` times *draws* in all."""
    for name, value, low, high in (("--draws", draws, 1, MOST_DRAWS), ("--seed", seed, 0, LARGEST_SEED)):
        if not low <= value <= high:
            raise BadCount(name=name, value=value, low=low, high=high)
    place = measured.ranked_place(country)
    name = measured.table.names[place]
    row = measured.row(place)
    alone = {source: rank_intervals(measured, one, draws, seed, tell)[name] for source, one in ALONE.items()}
    return Certainty(
        country=name,
        rank=row.rank or 0,
        published_rank=row.published_rank,
        draws=draws,
        seed=seed,
        interval=rank_intervals(measured, Uncertain(), draws, seed, tell)[name],
        alone=alone,
    )


def rounds() -> int:
    """Return how many times its draws `certainty` takes."""
    return 1 + len(ALONE)


def sensitivity(measured: Measured, country: str, seed: int) -> list[Factor]:
    """Return what moves the rank of *country*, the strongest first: Sobol indices of weights, rounding and methods."""
    place = measured.ranked_place(country)
    unit = int(np.flatnonzero(measured.ranked == place)[0])
    return sobol(field(measured), unit, measured.edition.indicators, seed)
