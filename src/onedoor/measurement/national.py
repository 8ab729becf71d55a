"""An index of agencies, computed from counts: what each indicator is, gives and stands on, and what is not measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from onedoor.kernel.nation import Nation, known_on
from onedoor.kernel.text import Text
from onedoor.measurement.counted import MINUTES
from onedoor.measurement.errors import DayAhead, KnownTooEarly, NoDay, NoEditionThen, NoIndexOfAgencies
from onedoor.measurement.levels import Whose
from onedoor.measurement.points_faults import OF_AGENCIES
from onedoor.measurement.rules import points
from onedoor.measurement.rules.index import Edition, Part
from onedoor.measurement.rules.points import Score
from onedoor.measurement.world import Definition

MONTHS = {"month": 1, "quarter": 3, "year": 12}
PERCENT = 100


@dataclass(frozen=True, slots=True)
class Question:
    """Which index, whose, on what day, as known at the end of what day."""

    definition: Definition
    whose: Whose
    on: date
    known: date
    year: int

    @property
    def start(self) -> date:
        """Return the first day that counts."""
        months = MONTHS[self.definition.data["period"]["length"]]
        return self.on.replace(month=(self.on.month - 1) // months * months + 1, day=1)

    @property
    def edition(self) -> Edition:
        """Return the edition that holds on the day."""
        return self.definition.edition(self.year)


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator: its definition, its counts where it has some, its value, and the points it gives.

    ``counts`` are numerator and denominator; None where it is not measured. With counts of nothing there is no value.
    """

    data: Mapping[str, Any]
    part: Part
    counts: tuple[int, int] | None
    value: Fraction | None
    score: Score

    @property
    def measured(self) -> bool:
        """Return whether it has a value."""
        return self.value is not None

    @property
    def is_time(self) -> bool:
        """Return whether its value is a time in minutes and no share."""
        return self.data.get("numerator") == MINUTES


@dataclass(frozen=True, slots=True)
class Group:
    """A group of indicators and its score."""

    data: Mapping[str, Any]
    indicators: tuple[Indicator, ...]
    score: Score


@dataclass(frozen=True, slots=True)
class Live:
    """An index of agencies: ``since`` is the first day on which anything was counted of whose it is."""

    question: Question
    groups: tuple[Group, ...]
    score: Score
    since: date | None

    @property
    def indicators(self) -> Iterator[Indicator]:
        """Yield the indicators of all groups."""
        return (one for group in self.groups for one in group.indicators)

    def rounded(self, value: Fraction) -> Decimal:
        """Return points, or a share in per cent, to the decimals of the edition."""
        return points.rounded(value, self.question.edition.decimals)


def indices(country: Nation) -> Mapping[str, Definition]:
    """Return the indices of agencies that a nation defines, by name."""
    return country.once(_indices)


def _indices(country: Nation) -> Mapping[str, Definition]:
    documents = country.documents("index")
    found = [one.data for one in documents if one.data["units"] == OF_AGENCIES]
    return {data["index"]: Definition(data["index"], data) for data in found}


def index_called(country: Nation, name: str) -> Definition:
    """Return the index of agencies called *name*; raise `NoIndexOfAgencies` with those there are."""
    known = indices(country)
    if name not in known:
        raise NoIndexOfAgencies(index=name[:60], nation=country.name, known=", ".join(known) or "–")
    return known[name]


def day(text: str | None) -> date | None:
    """Return the day that *text* names, None where it names none; raise `NoDay`."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise NoDay(day=(text or "")[:20]) from error


def asked(country: Nation, name: str, whose: Whose, on: date, known: date | None = None) -> Question:
    """Return the question; raise where there is no such index then, or a day lies ahead or before the one it is of.

    What was known on an earlier day is read by the definition that was in force at its end.
    """
    today = country.today()
    definition = index_called(country if known is None or known >= today else known_on(known), name)
    for one in filter(None, (on, known)):
        if one > today:
            raise DayAhead(day=one.isoformat(), today=today.isoformat())
    if known is not None and known < on:
        raise KnownTooEarly(known=known.isoformat(), day=on.isoformat())
    years = [year for year in definition.editions if definition.day(year) <= on.isoformat()]
    if not years:
        first = min(map(definition.day, definition.editions))
        raise NoEditionThen(index=definition.data["name"], day=on.isoformat(), first=first)
    return Question(definition, whose, on, known or today, max(years))


def computed(question: Question, counts: Mapping[str, int], since: date | None) -> Live:
    """Return the index from *counts* by measure; before *since* nothing is measured."""
    root = question.edition.root
    there = counts if since is not None and since <= question.on else None
    groups = tuple(
        _group(data, part, there) for data, part in zip(question.definition.data["parts"], root.parts, strict=True)
    )
    return Live(question, groups, points.total(group.score for group in groups), since)


def _group(data: Mapping[str, Any], part: Part, counts: Mapping[str, int] | None) -> Group:
    below = tuple(_indicators(data, part, counts))
    return Group(data, below, points.total(one.score for one in below))


def _indicators(data: Mapping[str, Any], part: Part, counts: Mapping[str, int] | None) -> Iterator[Indicator]:
    if not part.parts:
        yield _indicator(data, part, counts)
    for inner, one in zip(data.get("parts", ()), part.parts, strict=True):
        yield from _indicators(inner, one, counts)


def _indicator(data: Mapping[str, Any], part: Part, counts: Mapping[str, int] | None) -> Indicator:
    if counts is None or "numerator" not in data:
        return Indicator(data, part, None, None, points.score(part, {}))
    found = counts.get(data["numerator"], 0), counts.get(data["denominator"], 0)
    value = points.share(*found)
    return Indicator(data, part, found, value, points.score(part, {part.id: value}))


def illustrative(live: Live) -> Sequence[Text]:
    """Return what of the index was read in no source, by name; nothing more where all of it is so."""
    whole = live.question.definition.data
    if "illustrative" in whole:
        return [whole["name"]]
    parts = [*(group.data for group in live.groups), *(one.data for one in live.indicators)]
    return [data["name"] for data in parts if "illustrative" in data]
