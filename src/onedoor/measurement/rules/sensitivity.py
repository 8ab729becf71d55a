"""Which choice and which part moves a rank: Sobol indices of the rank, by SALib (Saltelli 2002; Jansen 1999)."""

from dataclasses import dataclass

import numpy as np

from onedoor.measurement.rules import intervals
from onedoor.measurement.rules.intervals import AGGREGATIONS, NORMALISATIONS, QUARTER, Field, Floats

BASE = 256
"""Points of the design, a power of 2: it takes as many ranks as this times the factors and two."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor and its share of the rank's variance: alone (``first``), and with all it works with (``total``)."""

    kind: str
    part: str | None
    first: float
    total: float
    error: float


def sobol(units: Field, unit: int, parts: tuple[str, ...], seed: int) -> list[Factor]:
    """Return the factors that move the rank of *unit*, the strongest first; none when nothing does."""
    from SALib.analyze import sobol as analysis  # scipy and pandas: loaded by whom they serve
    from SALib.sample import sobol as sampling

    names = [("weight", part) for part in parts] + [("rounding", part) for part in parts]
    named: list[tuple[str, str | None]] = [*names, ("normalisation", None), ("aggregation", None)]
    problem = {"num_vars": len(named), "names": [str(one) for one in named], "bounds": [[0.0, 1.0]] * len(named)}
    design = sampling.sample(problem, BASE, calc_second_order=False, seed=seed)
    found = _ranks(units, unit, design)
    if np.ptp(found) == 0:
        return []
    said = analysis.analyze(problem, found, calc_second_order=False, seed=seed)  # type: ignore[no-untyped-call]
    factors = [
        Factor(kind, part, float(first), float(total), float(error))
        for (kind, part), first, total, error in zip(named, said["S1"], said["ST"], said["ST_conf"], strict=True)
    ]
    return sorted(factors, key=lambda one: -one.total)


def _ranks(units: Field, unit: int, design: Floats) -> Floats:
    """Return the rank of *unit* in each row of *design*: weights, its own rounding, normalisation, aggregation."""
    count = units.parts.shape[1]
    weights = units.weights * (1 + QUARTER * (2 * design[:, :count] - 1))
    rounding = (2 * design[:, count : 2 * count] - 1) * units.halves
    normalisation = (design[:, -2] * len(NORMALISATIONS)).astype(int).clip(0, len(NORMALISATIONS) - 1)
    aggregation = (design[:, -1] * len(AGGREGATIONS)).astype(int).clip(0, len(AGGREGATIONS) - 1)
    found = np.zeros(len(design))
    for one, normal in enumerate(NORMALISATIONS):
        for other, how in enumerate(AGGREGATIONS):
            rows = np.flatnonzero((normalisation == one) & (aggregation == other))
            planes = np.repeat(units.planes, len(rows), axis=1)
            planes[:, :, unit] += rounding[rows].T
            mean = "arithmetic" if normal == "z-score" else how
            scores = intervals.combined(intervals.scaled(planes, normal), weights[rows], mean)
            found[rows] = 1 + (scores > scores[:, unit : unit + 1]).sum(axis=1)
    return found
