"""What a change between two editions is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one part adds to the change of the index: by its own change, and by that of its weight."""

    part: str
    value: Fraction
    weight: Fraction


def contributions(
    before: Mapping[str, Fraction], after: Mapping[str, Fraction],
    weights_before: Mapping[str, Fraction], weights_after: Mapping[str, Fraction],
) -> list[Contribution]:  # fmt: skip
    """Return the contributions of the parts of a weighted mean; they add up to its change exactly.

    Each change counts with the mean of the other factor (Shapley's value of two factors). Weights add up to 1.
    """
    return [
        Contribution(
            part,
            (after[part] - before[part]) * (weights_before[part] + weights_after[part]) / 2,
            (weights_after[part] - weights_before[part]) * (before[part] + after[part]) / 2,
        )
        for part in after
    ]
