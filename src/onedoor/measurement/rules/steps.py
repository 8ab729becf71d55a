"""Countable features behind a part: how many there are, read from the values that were published."""

import numpy as np

from onedoor.measurement.rules.exact import Wholes

MOST_FEATURES = 1000
FITTING = 0.99
CHANCE = 1e-9
"""How likely a number of features may be to fit by chance alone, before it is not believed."""


def features(values: Wholes, scale: int, step: int) -> Wholes | None:
    """Return what 0, 1, … N features are published as, for the N of which every one of *values* is so many; or None.

    *values* are whole numbers of 1 / *scale*: k/N rounded to *step*, or cut off there, as the editions of 2010 to 2014
    are. One in a hundred may be misprinted. A number counts only when so many distinct values would hardly fit it by
    chance: an N that fits a few values says nothing.
    """
    distinct = np.unique(values[(values > 0) & (values < scale)])
    candidates = np.arange(2, min(MOST_FEATURES, scale // step) + 1)
    chance = np.minimum(1.0, (candidates + 1) * step / scale) ** (FITTING * len(distinct))
    exact = distinct[:, None] * candidates
    nearest, next_ = (2 * exact + scale) // (2 * scale), -(-exact // scale)
    rounded = 2 * np.abs(nearest * scale - exact) <= step * candidates
    cut = next_ * scale - exact < step * candidates
    for fits in (rounded, cut):
        enough = fits.sum(axis=0) >= np.ceil(FITTING * len(distinct))
        if len(found := candidates[enough & (chance < CHANCE)]):
            return shares(int(found[0]), scale, step, cut=fits is cut)
    return None


def shares(count: int, scale: int, step: int, *, cut: bool = False) -> Wholes:
    """Return what 0, 1, … *count* of *count* features are published as, in whole numbers of 1 / *scale*."""
    unit = count * step
    have = np.arange(count + 1, dtype=np.int64)
    return have * scale // unit * step if cut else (2 * have * scale + unit) // (2 * unit) * step
