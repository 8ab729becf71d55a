"""The smallest change that reaches a rank: of one part, of the features behind it, or of all parts together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onedoor.measurement.rules import exact
from onedoor.measurement.rules.exact import Wholes
from onedoor.measurement.rules.index import RankedOn


@dataclass(frozen=True)
class Own:
    """The unit that has the goal: its parts, in whole numbers of ``1 / scale``, with weights, steps and highest values.

    ``published`` is its value; ``features`` holds for each part what 0, 1, … countable features behind it are
    published as, if any are.
    """

    parts: tuple[int, ...]
    weights: tuple[int, ...]
    steps: tuple[int, ...]
    highest: tuple[int, ...]
    features: tuple[Wholes | None, ...]
    published: int
    scale: int
    step: int

    @property
    def sum(self) -> int:
        """Return the numerator of its value."""
        return sum(w * x for w, x in zip(self.weights, self.parts, strict=True))

    @property
    def limit(self) -> int:
        """Return the numerator of its value with every part at its highest."""
        return sum(w * x for w, x in zip(self.weights, self.highest, strict=True))

    @property
    def slack(self) -> int:
        """Return what the rounding of its parts alone leaves open, as `exact.slack`."""
        return exact.slack(self.weights, self.steps)

    @property
    def seen(self) -> int:
        """Return the least numerator that the rounding of the present value cannot explain: a change that shows."""
        total = sum(self.weights)
        return total * self.published + exact.slack(self.weights, self.steps, self.step) // 2 + 1


@dataclass(frozen=True, slots=True)
class Change:
    """What the parts must become, and by how many features where the one part that changes counts them."""

    part: int | None
    parts: tuple[int, ...]
    features: int | None = None
    of: int | None = None


def bound(rivals: Wholes, place: int, own: Own, ranked_on: RankedOn) -> int:
    """Return the least numerator that reaches *place* against *rivals*; 0 when there are not so many of them.

    *rivals* are their settled values; for ranks on unrounded values, twice the highest numerators they can have.
    """
    if place > len(rivals):
        return 0
    return int(bounds(rivals[None, :], place, own, ranked_on)[0])


def bounds(rivals: Wholes, place: int, own: Own, ranked_on: RankedOn) -> Wholes:
    """Return `bound` for many fields at once: *rivals* is fields × rivals."""
    row = rivals.shape[1] - place
    nth = np.partition(rivals, row, axis=1)[:, row]
    if ranked_on == "unrounded":
        return -((-nth - own.slack) // 2)
    total = sum(own.weights)
    return -(-(2 * total * nth - total * own.step) // 2)


def of_part(own: Own, part: int, least: int) -> Change | None:
    """Return the smallest change of one *part* that brings the numerator to *least*; None when none can."""
    weight, value = own.weights[part], own.parts[part]
    if (values := own.features[part]) is not None:
        return _of_features(own, part, least, values)
    wanted = value + max(0, -(-(least - own.sum) // weight))
    wanted = -(-wanted // own.steps[part]) * own.steps[part]
    return Change(part, _with(own, part, wanted)) if wanted <= own.highest[part] else None


def _of_features(own: Own, part: int, least: int, values: Wholes) -> Change | None:
    left = _left(own, part, values)
    more = int(np.searchsorted(own.sum + own.weights[part] * (left - own.parts[part]), least))
    if more == len(left):
        return None
    return Change(part, _with(own, part, int(left[more])), more, len(values) - 1)


def _left(own: Own, part: int, values: Wholes) -> Wholes:
    """Return what the features that the unit has, and ever one more, are published as."""
    return values[int(np.abs(values - own.parts[part]).argmin()) :]


def amounts(own: Own, part: int, least: Wholes) -> NDArray[np.float64]:
    """Return for many fields how many features, or steps, *part* alone must gain; infinite where it cannot."""
    values, weight = own.features[part], own.weights[part]
    if values is None:
        more = np.maximum(0, -((own.sum - least) // (weight * own.steps[part])))
        most = (own.highest[part] - own.parts[part]) // own.steps[part]
    else:
        left = _left(own, part, values)
        more = np.searchsorted(own.sum + weight * (left - own.parts[part]), least)
        most = len(left) - 1
    return np.where(more <= most, more, np.inf)


def together(own: Own, least: int) -> Change | None:
    """Return the least change of all parts at once, each in proportion to its weight; None when none can."""
    if own.limit < least:
        return None
    low, high = 0, max(own.highest)
    while low < high:
        middle = (low + high) // 2
        if _sum(own, _moved(own, middle)) >= least:
            high = middle
        else:
            low = middle + 1
    return Change(None, _moved(own, low))


def _moved(own: Own, by: int) -> tuple[int, ...]:
    """Return the parts moved by *by* times their share of the heaviest weight, on their steps, none past its end."""
    most = max(own.weights)
    moved = (
        min(top, -(-(value * most + by * weight) // (most * step)) * step)
        for value, weight, step, top in zip(own.parts, own.weights, own.steps, own.highest, strict=True)
    )
    return tuple(moved)


def _with(own: Own, part: int, value: int) -> tuple[int, ...]:
    return (*own.parts[:part], value, *own.parts[part + 1 :])


def _sum(own: Own, parts: Sequence[int]) -> int:
    return sum(w * x for w, x in zip(own.weights, parts, strict=True))
