"""Ranks: standard competition ranks, and the range of a rank that the data cannot decide."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onedoor.measurement.rules.exact import Wholes


def competition(values: NDArray[Any]) -> Wholes:
    """Return the rank of each of *values*, 1 for the highest; equal values share the better rank (1, 2, 2, 4)."""
    return among(values, values)


def among(values: NDArray[Any], field: NDArray[Any]) -> Wholes:
    """Return the rank that each of *values* has in *field*: 1 more than there are higher values."""
    ordered = np.sort(field)
    return len(field) - np.searchsorted(ordered, values, side="right") + 1


def ranges(low: NDArray[Any], high: NDArray[Any]) -> tuple[Wholes, Wholes]:
    """Return the best and the worst rank of values known to lie from *low* to below *high*; equal ends are a value."""
    lows, open_ = np.sort(low), high > low
    above = np.where(open_, np.searchsorted(lows, high, side="left"), np.searchsorted(lows, high, side="right"))
    best = 1 + len(low) - above
    worst = 1 + len(high) - np.searchsorted(np.sort(high), low, side="right") - open_
    return best, worst
