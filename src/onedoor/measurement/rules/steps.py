"""Countable features behind a part: how many there are, read from the values that were published."""

import numpy as np

from onedoor.measurement.rules.exact import Wholes

MOST_FEATURES = 1000
FITTING = 0.99
CHANCE = 1e-9
"""How likely a number of features may be to fit by chance alone, before it is not believed."""


def features(values: Wholes, scale: int, step: int) -> int | None:
    """Return the number of features N for which every one of *values* is k/N rounded to *step*; None when none fits.

    *values* are whole numbers of 1 / *scale*. One in a hundred may be misprinted. A number counts only when so many
    distinct values would hardly fit it by chance: an N that fits a few values says nothing.
    """
    distinct = np.unique(values[(values > 0) & (values < scale)])
    candidates = np.arange(2, min(MOST_FEATURES, scale // step) + 1)
    nearest = (2 * distinct[:, None] * candidates + scale) // (2 * scale)
    off = 2 * np.abs(nearest * scale - distinct[:, None] * candidates)
    fits = (off <= step * candidates).sum(axis=0) >= np.ceil(FITTING * len(distinct))
    chance = np.minimum(1.0, (candidates + 1) * step / scale) ** (FITTING * len(distinct))
    found = candidates[fits & (chance < CHANCE)]
    return int(found[0]) if len(found) else None


def shares(count: int, scale: int, step: int) -> Wholes:
    """Return what 0, 1, … *count* of *count* features are published as, in whole numbers of 1 / *scale*."""
    unit = count * step
    return (2 * np.arange(count + 1, dtype=np.int64) * scale + unit) // (2 * unit) * step
