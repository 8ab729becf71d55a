"""One edition recomputed: its countries, groups and figures, as decimals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from onedoor.measurement import tables
from onedoor.measurement.errors import (
    EditionNotThere,
    EmptyGroup,
    NoSuchCountry,
    NotAMember,
    NotAWeightedMean,
    NotRanked,
)
from onedoor.measurement.rules import ranking
from onedoor.measurement.rules.exact import Wholes
from onedoor.measurement.rules.index import Edition
from onedoor.measurement.rules.standing import Figures, Standing, stand
from onedoor.measurement.tables import Table
from onedoor.measurement.world import Definition, Group, World


@dataclass(frozen=True, slots=True)
class Row:
    """A country's recomputed and published value and rank, and whether they agree; None where there is none.

    ``rank`` to ``worst`` is the range in which the rank lies; they differ only where the data cannot decide.
    """

    country: str
    value: Decimal | None
    published_value: Decimal | None
    rank: int | None
    worst: int | None
    published_rank: int | None
    agrees: bool | None


@dataclass(frozen=True)
class Measured:
    """An edition with its figures and how its countries stand."""

    world: World
    definition: Definition
    table: Table
    standing: Standing

    @property
    def edition(self) -> Edition:
        """Return the definition of the edition."""
        return self.table.edition

    @property
    def figures(self) -> Figures:
        """Return what was published."""
        return self.table.figures

    @property
    def ranked(self) -> Wholes:
        """Return the places of those who are ranked."""
        return np.flatnonzero(self.standing.ranked)

    @property
    def settled_ranks(self) -> Wholes:
        """Return the ranks of those who are ranked: the published one where it can be right, otherwise the best."""
        best, worst, told = (
            ranks[self.ranked] for ranks in (self.standing.best, self.standing.worst, self.figures.ranks)
        )
        return np.where((best <= told) & (told <= worst), told, best)

    def must_be_weighted_mean(self) -> None:
        """Raise `NotAWeightedMean` where the index is put together in another way."""
        if not self.edition.root.exact:
            raise NotAWeightedMean(index=self.definition.data["name"])

    def decimal(self, whole: int, step: int = 1) -> Decimal:
        """Return *whole*, in units of 1 / scale, as a decimal with the digits of *step*."""
        digits = len(str(self.figures.scale // step)) - 1
        return (Decimal(int(whole)) / self.figures.scale).quantize(Decimal(1).scaleb(-digits))

    def value(self, whole: int) -> Decimal:
        """Return *whole* as a decimal with the digits of the published values, or with all where it has more."""
        return self.decimal(whole, self.figures.step if whole % self.figures.step == 0 else 1)

    def place(self, country: str) -> int:
        """Return the place of *country* (a name or code) in the table; raise `NoSuchCountry`."""
        countries = self.world.countries
        code = countries.code(country) if self.definition.data["units"] == "country" else country
        if code is None or code not in self.table.places:
            raise NoSuchCountry(
                file=self.table.file, country=country, edition=self.edition.edition, near=countries.near(country)
            )
        return self.table.places[code]

    def ranked_place(self, country: str) -> int:
        """Return the place of *country*; raise `NotRanked` when it has no rank."""
        place = self.place(country)
        if not self.standing.ranked[place]:
            raise NotRanked(country=self.table.names[place], edition=self.edition.edition)
        return place

    def members(self, group: Group) -> Wholes:
        """Return the places of the members that *group* had then; raise `EmptyGroup`."""
        codes = group.members(self.definition.day(self.edition.edition))
        places = [place for place, code in enumerate(self.table.codes) if code in codes]
        if not places:
            raise EmptyGroup(group=group.name, file=self.table.file, edition=self.edition.edition)
        return np.array(places, dtype=np.int64)

    def field(self, place: int, group: Group | None) -> Wholes:
        """Return the places of the ranked rivals of *place*: all of them, or those of its *group*."""
        rivals = self.ranked
        if group is not None:
            members = self.members(group)
            if place not in members:
                names = ", ".join(self.table.names[one] for one in members)
                raise NotAMember(
                    country=self.table.names[place], group=group.name, edition=self.edition.edition, members=names
                )
            rivals = np.intersect1d(rivals, members)
        return np.asarray(rivals[rivals != place])

    def worst_among(self, place: int, rivals: Wholes) -> int:
        """Return the rank of *place* among *rivals*, the worst one where the data cannot decide."""
        if self.edition.ranked_on == "published":
            return 1 + int((self.standing.settled[rivals] > self.standing.settled[place]).sum())
        return 1 + int((self.standing.high[rivals] > self.standing.low[place]).sum())

    def rows(self, places: Iterable[int] | None = None) -> list[Row]:
        """Return the rows at *places*, of all countries without them, by rank and then as in the table."""
        chosen = range(len(self.table.names)) if places is None else places
        last = len(self.table.names) + 1
        return sorted(map(self.row, chosen), key=lambda row: row.rank or last)

    def row(self, place: int) -> Row:
        """Return the row at *place*."""
        figures, standing = self.figures, self.standing
        assessed, ranked = bool(standing.assessed[place]), bool(standing.ranked[place])
        best, worst, told = int(standing.best[place]), int(standing.worst[place]), int(figures.ranks[place])
        agrees = bool(standing.agrees[place]) and (not ranked or not told or best <= told <= worst)
        return Row(
            country=self.table.names[place],
            value=self.value(standing.values[place]) if assessed else None,
            published_value=None if figures.blank[place, 0] else self.value(figures.published[place]),
            rank=best if ranked else None,
            worst=worst if ranked else None,
            published_rank=told or None,
            agrees=agrees if assessed else None,
        )

    def group_ranks(self, places: Sequence[int] | Wholes) -> dict[str, int]:
        """Return the rank within the group at *places* of each ranked member, by name."""
        ranked = [place for place in places if self.standing.ranked[place]]
        found = ranking.competition(self.standing.settled[ranked])
        return {self.table.names[place]: int(rank) for place, rank in zip(ranked, found, strict=True)}


def measure(world: World, file: Path, edition: int, index: str) -> Measured:
    """Return the *edition* of *index* in *file*, recomputed; raise what is wrong with any of them."""
    definition = world.index(index)
    definition.edition(edition)
    found = tables.read(file, definition, world)
    if edition not in found:
        raise EditionNotThere(file=file, edition=edition, found=", ".join(map(str, sorted(found))))
    return stood(world, definition, found[edition])


def every(world: World, file: Path, index: str) -> list[Measured]:
    """Return all editions of *index* in *file*, recomputed."""
    definition = world.index(index)
    return [stood(world, definition, table) for table in tables.read(file, definition, world).values()]


def stood(world: World, definition: Definition, table: Table) -> Measured:
    """Return the edition of *table*, recomputed."""
    return Measured(world, definition, table, stand(table.edition, table.figures))
