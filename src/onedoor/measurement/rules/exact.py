"""Weighted means in whole numbers, where binary floats could turn a rank.

Values are whole numbers of one smallest unit (1/10ᵈ); a mean is a numerator over the sum of the weights.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Wholes: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]


def numerators(parts: Wholes, weights: Sequence[int]) -> Wholes:
    """Return the weighted sums of *parts* (units × parts); divided by the sum of *weights* they are the means."""
    return parts @ np.asarray(weights, dtype=np.int64)


def rounded(sums: Wholes, denominator: int, step: int) -> Wholes:
    """Return *sums* over *denominator*, rounded half up to whole multiples of *step*."""
    return (2 * sums + denominator * step) // (2 * denominator * step) * step


def slack(weights: Sequence[int], part_steps: Sequence[int], step: int = 0) -> int:
    """Return by how much twice a numerator may differ when each part was rounded to its step and the value to *step*.

    A part that was rounded to a step is off by at most half of it, and counts by its weight.
    """
    return sum(w * s for w, s in zip(weights, part_steps, strict=True)) + sum(weights) * step


def agree(sums: Wholes, denominator: int, published: Wholes, allowed: int) -> Truths:
    """Return where *published* values are the means, within the rounding *allowed* (see `slack`)."""
    return np.asarray(2 * np.abs(sums - denominator * published) <= allowed)
