"""How sure a rank is: seeded Monte-Carlo over weights, normalisation, aggregation and rounding.

Planes are parts × draws × units, so that each part of all draws lies together in memory. Method: OECD/JRC, Handbook on
Constructing Composite Indicators (2008), step 7; weights vary by a quarter, as in COINr's sensitivity analysis.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from onedoor.measurement.rules.exact import Wholes
from onedoor.measurement.rules.index import Aggregation, Normalisation

Floats: TypeAlias = NDArray[np.float64]
Method: TypeAlias = tuple[Normalisation, Aggregation]
NORMALISATIONS: tuple[Normalisation, ...] = ("none", "min-max", "z-score", "rank")
AGGREGATIONS: tuple[Aggregation, ...] = ("arithmetic", "geometric", "harmonic")
AS_PUBLISHED: Method = ("none", "arithmetic")
QUARTER = 0.25
LOW, HIGH = 0.05, 0.95
AT_ONCE = 500
"""Draws that are worked on together: their planes stay in the processor's cache."""
FLOOR = 0.01
"""Where min-max starts, and the least that products and inverses take, of 1: they need more than nothing."""


@dataclass(frozen=True)
class Uncertain:
    """What is uncertain of an index: its weights, its methods, the rounding of what was published."""

    weights: float = QUARTER
    normalisations: tuple[Normalisation, ...] = NORMALISATIONS
    aggregations: tuple[Aggregation, ...] = AGGREGATIONS
    rounding: bool = True

    @property
    def methods(self) -> tuple[Method, ...]:
        """Return the pairs of methods that go together: products and inverses of z-scores mean nothing."""
        pairs = [(one, how) for one in self.normalisations for how in self.aggregations]
        return tuple(pair for pair in pairs if pair[0] != "z-score" or pair[1] == "arithmetic")

    @property
    def only_rounding(self) -> bool:
        """Return whether the index itself is certain."""
        return self.weights == 0 and self.methods == (AS_PUBLISHED,)


CERTAIN = Uncertain(0.0, ("none",), ("arithmetic",), rounding=False)
ALONE: dict[str, Uncertain] = {
    "weights": replace(CERTAIN, weights=QUARTER),
    "normalisation": replace(CERTAIN, normalisations=NORMALISATIONS),
    "aggregation": replace(CERTAIN, aggregations=AGGREGATIONS),
    "rounding": replace(CERTAIN, rounding=True),
}
"""Each source of uncertainty by itself."""


@dataclass(frozen=True)
class Field:
    """All ranked units: their parts (units × parts), how far rounding may have moved each, and their published values.

    ``low`` and ``high`` are the ends between which the unrounded value of each unit lies.
    """

    parts: Floats
    halves: Floats
    weights: Floats
    low: Floats
    high: Floats
    planes: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "planes", np.ascontiguousarray(self.parts.T)[:, None, :])


def intervals(
    units: Field, uncertain: Uncertain, draws: int, seed: int, tell: Callable[[int], None] = lambda _done: None
) -> Wholes:
    """Return for each unit the ranks at 5 %, 50 % and 95 % of *draws* (units × 3); *tell* hears how many are done."""
    count = len(units.parts)
    heard = np.zeros(count * count, dtype=np.int64)
    ties = uncertain.only_rounding or not uncertain.rounding
    for scores in _scores(units, uncertain, draws, np.random.default_rng(seed)):
        order, places = _sorted(scores, ties=ties)
        heard += np.bincount((order * count + places).ravel(), minlength=count * count)
        tell(len(scores))
    reached = heard.reshape(count, count).cumsum(axis=1)
    levels = [(reached < np.ceil(share * draws)).sum(axis=1) + 1 for share in (LOW, 0.5, HIGH)]
    return np.stack(levels, axis=1)


def _sorted(scores: Floats, *, ties: bool) -> tuple[Wholes, Wholes]:
    """Return which unit comes where in each draw, the lowest score first, and the places from 0 that these hold.

    Equal scores share the better place where there may be *ties*.
    """
    order = np.argsort(scores, axis=1)
    places: Wholes = np.arange(scores.shape[1] - 1, -1, -1)
    if not ties:
        return order, places
    risen = np.take_along_axis(scores, order, axis=1)
    equal = risen[:, :-1] == risen[:, 1:]
    places = np.repeat(places[None, :], len(scores), axis=0)
    places[:, :-1][equal] = 0
    return order, np.maximum.accumulate(places[:, ::-1], axis=1)[:, ::-1]


def positions(scores: Floats, *, ties: bool = True) -> Wholes:
    """Return the place from 0 of each unit in each draw (draws × units), the highest first, equal ones alike."""
    order, places = _sorted(scores, ties=ties)
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.broadcast_to(places, order.shape), axis=1)
    return found


def _scores(units: Field, uncertain: Uncertain, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield the scores of the draws, block by block, the methods in equal shares.

    Means of one normalisation are taken of the same rounded parts, each with weights of its own.
    """
    methods = uncertain.methods
    shares = dict(zip(methods, (draws + np.arange(len(methods))[::-1]) // len(methods), strict=True))
    for normalisation in uncertain.normalisations:
        means = [(how, int(shares[normalisation, how])) for one, how in methods if one == normalisation]
        for start in range(0, max(share for _, share in means), AT_ONCE):
            size = min(AT_ONCE, max(share for _, share in means) - start)
            planes = _rounded(units, size, rng) if uncertain.rounding else units.planes
            planes = scaled(planes, normalisation, ties=not uncertain.rounding)
            for how, share in means:
                count = min(size, share - start)
                if count > 0:
                    weights = _weights(units, uncertain, count, rng)
                    scores = combined(planes[:, :count], weights, how)
                    yield np.clip(scores, units.low, units.high) if uncertain.only_rounding else scores


def _weights(units: Field, uncertain: Uncertain, size: int, rng: np.random.Generator) -> Floats:
    drawn = rng.random((size, len(units.weights)))
    return np.asarray(units.weights * (1 + uncertain.weights * (2 * drawn - 1)))


def _rounded(units: Field, size: int, rng: np.random.Generator) -> Floats:
    """Return the parts as they may have been before they were rounded."""
    noise = rng.random((len(units.halves), size, len(units.parts)))
    noise -= 0.5
    noise *= 2 * units.halves[:, None, None]
    noise += units.planes
    return noise


def scaled(planes: Floats, normalisation: Normalisation, *, ties: bool = True) -> Floats:
    """Return *planes* normalised; *ties* says whether two values of a part may be equal.

    Where z-scores start changes no order in a sum, so it is left out.
    """
    match normalisation:
        case "rank":
            return 1 + np.stack([positions(-plane, ties=ties) for plane in planes]).astype(np.float64)
        case "min-max":
            low = planes.min(axis=2, keepdims=True)
            return np.asarray(FLOOR + (1 - FLOOR) / _span(planes.max(axis=2, keepdims=True) - low) * (planes - low))
        case "z-score":
            return np.asarray(planes / _span(planes.std(axis=2, ddof=1, keepdims=True)))
    return planes


def combined(planes: Floats, weights: Floats, aggregation: Aggregation) -> Floats:
    """Return scores (draws × units) that rank as the mean of *planes* with *weights* (draws × parts) does.

    The last root or inverse of a mean changes no order, so it is left out.
    """
    shares = weights.T / weights.sum(axis=1)
    if aggregation == "geometric":
        return _sum(np.log(np.maximum(planes, FLOOR)), shares)
    if aggregation == "harmonic":
        return np.asarray(-_sum(1 / np.maximum(planes, FLOOR), shares))
    return _sum(planes, shares)


def _sum(planes: Floats, shares: Floats) -> Floats:
    total = planes[0] * shares[0][:, None]
    for plane, share in zip(planes[1:], shares[1:], strict=True):
        total += plane * share[:, None]
    return np.asarray(total)


def _span(spans: Floats) -> Floats:
    return np.where(spans > 0, spans, 1.0)
