"""How far two assessors agree, where they differ, and what an assessment comes to, by code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Answers = Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers that are the same, of all; ``kappa`` is what is beyond chance, None where chance alone agrees on all."""

    same: int
    all: int
    kappa: Fraction | None

    @property
    def share(self) -> Fraction:
        """Return the share of answers that are the same."""
        return Fraction(self.same, self.all)


def agreement(first: Answers, second: Answers) -> Agreement:
    """Return how far two assessors agree, with Cohen's kappa (Educational and Psychological Measurement 20, 1960).

    Both answer the same codes, at least one.
    """
    same = sum(present == second[code] for code, present in first.items())
    return counted(same, len(first), sum(first.values()), sum(second.values()))


def counted(same: int, size: int, first: int, second: int) -> Agreement:
    """Return `agreement` of two of whom *first* and *second* say how many of *size* codes each finds present."""
    yes, other = Fraction(first, size), Fraction(second, size)
    chance = yes * other + (1 - yes) * (1 - other)
    beyond = None if chance == 1 else (Fraction(same, size) - chance) / (1 - chance)
    return Agreement(same, size, beyond)


def differences(first: Answers, second: Answers) -> Sequence[str]:
    """Return the codes that the two answer differently, in the order of the first."""
    return [code for code, present in first.items() if present != second[code]]


def settled(first: Answers, second: Answers, decided: Answers) -> dict[str, bool]:
    """Return what holds of each code: what both say, and what was *decided* where they differ."""
    return {code: decided[code] if present != second[code] else present for code, present in first.items()}
