"""Where rivals will stand: each one's own trend over the editions, with how far a trend has missed."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
LINE = 2
"""Editions that a line needs; what there is beyond says how far it misses."""


@dataclass(frozen=True)
class Forecast:
    """The expected value of each unit and its standard error; ``measured`` says whether trends could be seen to miss.

    With two editions no trend can: the error is then how differently the units moved.
    """

    expected: Floats
    error: Floats
    measured: bool


def forecast(years: Floats, values: Floats, year: float) -> Forecast:
    """Return the least-squares line of each unit through *values* (editions × units, nan where not known) at *year*.

    A unit known in one edition moves as the median unit does. The error is that of a prediction, its variance pooled
    over all units.
    """
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    middle = np.where(known, years[:, None], 0).sum(axis=0) / n
    mean = np.where(known, values, 0).sum(axis=0) / n
    away = np.where(known, years[:, None] - middle, 0)
    spread = (away**2).sum(axis=0)
    with np.errstate(invalid="ignore"):
        slope = (away * np.where(known, values - mean, 0)).sum(axis=0) / spread
    slope = np.where(n >= LINE, slope, np.median(slope[n >= LINE]) if (n >= LINE).any() else 0.0)
    rests = np.where(known, values - mean - slope * away, 0)
    freedom = int((n[n > LINE] - LINE).sum())
    horizon = year - middle
    expected = mean + slope * horizon
    if not freedom:
        return Forecast(expected, _differently(slope[n >= LINE]) * np.abs(year - years.max()) + 0 * expected, False)
    variance = (rests[:, n > LINE] ** 2).sum() / freedom
    leverage = 1 + 1 / n + np.where(spread > 0, horizon**2 / np.where(spread > 0, spread, 1), 0)
    return Forecast(expected, np.sqrt(variance * leverage), True)


def _differently(slopes: Floats) -> float:
    return float(slopes.std(ddof=1)) if len(slopes) > 1 else 0.0
