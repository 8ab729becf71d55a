"""What an index is made of: its parts, how they are treated, normalised, weighted and put together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

Aggregation: TypeAlias = Literal["arithmetic", "geometric", "harmonic", "generalised"]
Normalisation: TypeAlias = Literal["none", "min-max", "z-score", "rank", "distance to goal"]
Treatment: TypeAlias = Literal["none", "winsorise", "log", "winsorise, else log"]
Direction: TypeAlias = Literal["higher", "lower"]
RankedOn: TypeAlias = Literal["published", "unrounded"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an index: an indicator, or an aggregate of parts of its own.

    ``minimum`` and ``maximum`` are the ends of an indicator's scale in its unit; ``goal`` is the value that counts as
    reached for “distance to goal”. ``direction`` says which end is good; ``weight`` counts against its sisters'.
    """

    id: str
    weight: int = 1
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    goal: Decimal | None = None
    direction: Direction = "higher"
    treatment: Treatment = "none"
    normalisation: Normalisation = "none"
    parts: tuple["Part", ...] = ()
    aggregation: Aggregation = "arithmetic"
    power: float = 1.0

    @property
    def indicators(self) -> Iterator["Part"]:
        """Yield the indicators below this part, or itself."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.indicators

    @property
    def exact(self) -> bool:
        """Return whether the index is a weighted mean of its indicators as they are: whole numbers decide then."""
        plain = all(not one.parts and one.direction == "higher" for one in self.parts)
        untouched = all(one.normalisation == one.treatment == "none" for one in self.parts)
        return self.aggregation == "arithmetic" and plain and untouched


@dataclass(frozen=True, slots=True)
class Edition:
    """An index as one edition computes it: its parts, how it rounds, and on what it ranks.

    ``decimals`` are the fewest it is published to. ``zero_is_unassessed``: a value of 0 beside parts that are not 0
    means “not assessed”.
    """

    index: str
    edition: int
    root: Part
    decimals: int
    ranked_on: RankedOn = "published"
    zero_is_unassessed: bool = False
    value: str = "value"
    beside: tuple[str, ...] = field(default=())

    @property
    def weights(self) -> tuple[int, ...]:
        """Return the weights of the parts, in their order."""
        return tuple(part.weight for part in self.root.parts)

    @property
    def indicators(self) -> tuple[str, ...]:
        """Return the ids of the indicators, in their order."""
        return tuple(part.id for part in self.root.indicators)
