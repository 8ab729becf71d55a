"""Who stands near, and who stands at the frontier."""

import numpy as np

from onedoor.measurement.rules.exact import Truths, Wholes


def nearest(parts: Wholes, unit: int, count: int) -> Wholes:
    """Return the *count* units whose *parts* (units × parts) lie nearest to those of *unit*, the nearest first."""
    distance = ((parts - parts[unit]).astype(np.float64) ** 2).sum(axis=1)
    order = np.argsort(distance, kind="stable")
    return np.asarray(order[order != unit][:count])


def frontier(parts: Wholes) -> Truths:
    """Return which units no other one dominates: is at least as good in every part and better in one."""
    return np.array([not dominating(parts, unit).any() for unit in range(len(parts))])


def dominating(parts: Wholes, unit: int) -> Truths:
    """Return which units are at least as good as *unit* in every part and better in one."""
    own = parts[unit]
    return np.asarray((parts >= own).all(axis=1) & (parts > own).any(axis=1))
