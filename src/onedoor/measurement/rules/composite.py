"""Indices by the usual methods, in floats: treatment, normalisation and aggregation as the R package COINr has them.

Arrays are units × indicators; sources of the methods: OECD/JRC, Handbook on Constructing Composite Indicators (2008),
and COINr's documentation (Treat, Normalise, Aggregate).
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from onedoor.measurement.rules import ranking
from onedoor.measurement.rules.index import Aggregation, Part

Floats: TypeAlias = NDArray[np.float64]
SKEW, KURTOSIS, MOST_WINSORISED = 2.0, 3.5, 5
"""COINr's thresholds: an indicator is at fault when both are passed; it is moved inwards at most five times."""
LOG_SHIFT = 0.01
FOR_SKEW, FOR_KURTOSIS = 3, 4
"""Values that each needs."""


def composite(root: Part, raw: Floats) -> Floats:
    """Return the index of each unit from its *raw* indicators, in the order of ``root.indicators``."""
    columns = iter(raw.T)
    return _score(root, columns)


def _score(part: Part, columns: Iterator[Floats]) -> Floats:
    if not part.parts:
        return normalise(part, treat(part, next(columns)))
    scores = np.stack([_score(one, columns) for one in part.parts], axis=-1)
    weights = np.array([one.weight for one in part.parts], dtype=np.float64)
    return aggregate(scores, weights, part.aggregation, part.power)


def treat(part: Part, values: Floats) -> Floats:
    """Return *values* with outliers treated as *part* says; values whose shape is no fault stay as they are."""
    if part.treatment == "none" or _passes(values):
        return values
    if part.treatment == "log":
        return _logarithm(values)
    winsorised = winsorise(values)
    return winsorised if part.treatment == "winsorise" or _passes(winsorised) else _logarithm(values)


def skew(values: Floats) -> float:
    """Return the sample skewness (adjusted Fisher-Pearson, G₁); 0 for fewer than three or equal values."""
    n = len(values)
    if n < FOR_SKEW or (spread := values.std(ddof=1)) == 0:
        return 0.0
    return float(n / ((n - 1) * (n - 2)) * (((values - values.mean()) / spread) ** 3).sum())


def kurtosis(values: Floats) -> float:
    """Return the sample excess kurtosis (G₂); 0 for fewer than four or equal values."""
    n = len(values)
    if n < FOR_KURTOSIS or (spread := values.std(ddof=1)) == 0:
        return 0.0
    fourth = (((values - values.mean()) / spread) ** 4).sum()
    return float(n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourth - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))


def _passes(values: Floats) -> bool:
    return not (abs(skew(values)) > SKEW and kurtosis(values) > KURTOSIS)


def winsorise(values: Floats) -> Floats:
    """Return *values* with the outermost one set to the next, time and again, until their shape passes."""
    moved = values.copy()
    for _ in range(MOST_WINSORISED):
        if _passes(moved):
            break
        end = moved.max() if skew(moved) > 0 else moved.min()
        rest = moved[moved != end]
        moved[moved == end] = rest.max() if skew(moved) > 0 else rest.min()
    return moved


def _logarithm(values: Floats) -> Floats:
    """Return ln(x − min + 1 % of the range)."""
    span = np.ptp(values)
    return np.log(values - values.min() + LOG_SHIFT * span) if span else values


def normalise(part: Part, values: Floats) -> Floats:
    """Return *values* on the scale that *part* asks for, higher being better."""
    if part.direction == "lower" and part.normalisation != "none":
        flipped = -values
        ends = (part.maximum, part.minimum)
        low, high = (None if end is None else -float(end) for end in ends)
        goal = None if part.goal is None else -float(part.goal)
    else:
        flipped = values
        low, high, goal = (None if end is None else float(end) for end in (part.minimum, part.maximum, part.goal))
    match part.normalisation:
        case "min-max":
            return min_max(flipped, low, high)
        case "z-score":
            return z_score(flipped)
        case "rank":
            return ranks(flipped)
        case "distance to goal":
            return np.minimum(min_max(flipped, low, goal), 1.0)
    return flipped


def min_max(values: Floats, low: float | None = None, high: float | None = None) -> Floats:
    """Return *values* from 0 at *low* to 1 at *high*, by default the ends of the values; equal values are all 0."""
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    return (values - low) / (high - low) if high != low else np.zeros_like(values)


def z_score(values: Floats) -> Floats:
    """Return how many sample standard deviations *values* lie from their mean; equal values are all 0."""
    spread = values.std(ddof=1) if len(values) > 1 else 0.0
    return (values - values.mean()) / spread if spread else np.zeros_like(values)


def ranks(values: Floats) -> Floats:
    """Return the rank of *values* from the lowest, 1, to the highest; equal values share the lower one."""
    return ranking.competition(-values).astype(np.float64)


def aggregate(scores: Floats, weights: Floats, how: Aggregation, power: float = 1.0) -> Floats:
    """Return the weighted mean of *scores* (… × parts): *power* is that of the generalised mean.

    Geometric and harmonic means of a score that is 0 are 0; negative scores have none (nan).
    """
    shares = weights / weights.sum(axis=-1, keepdims=True)
    if how == "arithmetic" or (how == "generalised" and power == 1):
        return np.asarray((scores * shares).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        if how == "geometric" or (how == "generalised" and power == 0):
            return np.asarray(np.exp((np.log(scores) * shares).sum(axis=-1)))
        exponent = -1.0 if how == "harmonic" else power
        return np.asarray((scores**exponent * shares).sum(axis=-1) ** (1 / exponent))
