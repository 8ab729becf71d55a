"""Values and ranks of one edition, recomputed from its parts and held against what was published."""

from dataclasses import dataclass

import numpy as np

from onedoor.measurement.rules import exact, ranking
from onedoor.measurement.rules.composite import composite
from onedoor.measurement.rules.exact import Truths, Wholes
from onedoor.measurement.rules.index import Edition

FINE = 10**6
"""How much finer than the published unit a value is kept that whole numbers cannot give."""
UNRANKED = 0


@dataclass(frozen=True)
class Figures:
    """What was published, as whole numbers of ``1 / scale``: units × parts, and a value and a rank for each unit.

    ``steps`` are the units that parts are rounded to, ``step`` the one of the value. A rank of 0 was not published:
    who has none, and a value, is scored and not ranked; where nobody has one, those are ranked who are ``due``.
    ``blank`` says where the table holds nothing and a 0 stands here instead, of the value and of each part (units × 1 +
    parts): such a unit was not assessed.
    """

    parts: Wholes
    published: Wholes
    ranks: Wholes
    scale: int
    steps: tuple[int, ...]
    step: int
    due: Truths
    blank: Truths


@dataclass(frozen=True)
class Standing:
    """The recomputed values (numerators over ``denominator``), settled values, ranks and their ranges.

    ``settled`` is the published value where the recomputed one agrees with it within rounding, and the recomputed one,
    rounded, elsewhere: ranks are those of the settled values. ``best`` to ``worst`` is the range of a rank, ``low`` to
    ``high`` that of twice the numerator of the unrounded value.
    """

    sums: Wholes
    denominator: int
    values: Wholes
    agrees: Truths
    assessed: Truths
    ranked: Truths
    settled: Wholes
    best: Wholes
    worst: Wholes
    low: Wholes
    high: Wholes


def stand(edition: Edition, figures: Figures) -> Standing:
    """Recompute every unit of *figures* by the rules of *edition*."""
    sums, denominator, allowed = _means(edition, figures)
    values = exact.rounded(sums, denominator, figures.step)
    agrees = exact.agree(sums, denominator, figures.published, allowed)
    listed: Truths = figures.ranks != UNRANKED
    assessed = np.logical_not(figures.blank.any(axis=1))
    if edition.zero_is_unassessed:
        nothing = ~figures.parts.any(axis=1) & (listed | ~listed.any())
        assessed &= (figures.published != 0) | nothing
    ranked = assessed & (listed if listed.any() else figures.due)
    settled = np.where(agrees, figures.published, values)
    best, worst = np.zeros_like(values), np.zeros_like(values)
    low, high = _between(sums, denominator, figures, agrees, allowed)
    if edition.ranked_on == "published":
        best[ranked] = worst[ranked] = ranking.competition(settled[ranked])
    else:
        best[ranked], worst[ranked] = ranking.ranges(low[ranked], high[ranked])
    return Standing(sums, denominator, values, agrees, assessed, ranked, settled, best, worst, low, high)


def _means(edition: Edition, figures: Figures) -> tuple[Wholes, int, int]:
    """Return the recomputed values as numerators, their denominator, and what rounding allows them to differ by."""
    if edition.root.exact:
        sums = exact.numerators(figures.parts, edition.weights)
        return sums, sum(edition.weights), exact.slack(edition.weights, figures.steps, figures.step)
    values = composite(edition.root, figures.parts / figures.scale)
    sums = np.rint(values * figures.scale * FINE).astype(np.int64)
    return sums, FINE, 2 * FINE * figures.step


def _between(sums: Wholes, denominator: int, figures: Figures, agrees: Truths, allowed: int) -> tuple[Wholes, Wholes]:
    """Return twice the numerators between which each unrounded value must lie, by its parts and as published."""
    published, half = denominator * figures.published, denominator * figures.step
    own = allowed - half
    low = np.where(agrees, np.maximum(2 * sums - own, 2 * published - half), 2 * sums - own)
    high = np.where(agrees, np.minimum(2 * sums + own, 2 * published + half), 2 * sums + own)
    return low, high
