"""What a page is asked: which index, country, edition and group; what cannot be chosen is refused in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest

from onedoor.kernel import nation
from onedoor.kernel.text import semicolons
from onedoor.measurement import shelf as shelves
from onedoor.measurement.countries import loose
from onedoor.measurement.errors import NoChoice, NotListed
from onedoor.measurement.measured import Measured
from onedoor.measurement.pages import words
from onedoor.measurement.shelf import Shelf
from onedoor.measurement.world import Group

LONGEST = 80


@dataclass(frozen=True)
class Question:
    """One country in one edition of an index, and the group it is looked at in, if any."""

    shelf: Shelf
    measured: Measured
    place: int
    group: Group | None

    @property
    def year(self) -> int:
        """Return the year of the edition."""
        return self.measured.edition.edition

    @property
    def code(self) -> str:
        """Return the code of the country."""
        return self.measured.table.codes[self.place]

    @property
    def key(self) -> tuple[str, str, int, str, str]:
        """Return what stands for the question and the figures that answer it."""
        shelf = self.shelf
        return (shelf.definition.id, shelf.digest, self.year, self.code, self.group.id if self.group else "")

    @cached_property
    def groups(self) -> list[Group]:
        """Return the groups that had members among those who are ranked, but not all of them."""
        return [self.shelf.world.groups[id_] for id_ in self.shelf.groups(self.year)]

    @cached_property
    def own_groups(self) -> list[Group]:
        """Return the groups that the country was a member of."""
        return [one for one in self.groups if self.place in self.members(one)]

    def members(self, group: Group) -> Sequence[int]:
        """Return the places of the members that *group* had then."""
        return self.shelf.groups(self.year)[group.id]

    @property
    def earlier(self) -> list[int]:
        """Return the years of the editions before that ranked the country too, the latest first."""
        years = sorted(self.shelf.editions, reverse=True)
        return [one for one in years if one < self.year and is_ranked(self.shelf.editions[one], self.code)]


def is_ranked(measured: Measured, code: str) -> bool:
    """Return whether the country *code* has a rank."""
    place = measured.table.places.get(code)
    return place is not None and bool(measured.standing.ranked[place])


def question(request: HttpRequest, index: str, country: str = "") -> Question:
    """Return what *request* asks of *index*: the last edition and the nation's own country where it does not say."""
    shelf = shelves.shelf(index)
    year = chosen(request, "edition", [str(one) for one in shelf.editions], str(max(shelf.editions)))
    measured = shelf.editions[int(year)]
    name = country or request.GET.get("country", "").strip() or own(measured)
    code = meant(measured, name[:LONGEST]) or name.upper()
    if code not in measured.table.places:
        raise NotListed(country=name[:LONGEST], edition=year)
    asked = Question(shelf, measured, measured.table.places[code], None)
    group = chosen(request, "group", ["", *(one.id for one in asked.groups)], "")
    return Question(shelf, measured, asked.place, shelf.world.groups[group]) if group else asked


def meant(measured: Measured, name: str) -> str | None:
    """Return the code of the country that *name* means, remembering nothing of what anybody asks."""
    return measured.world.countries.codes.get(loose(name))


def since(request: HttpRequest, asked: Question) -> Measured | None:
    """Return the earlier edition that *request* compares with; the latest where it names none, or a later one."""
    named = chosen(request, "since", ["", *(str(one) for one in asked.shelf.editions)], "")
    year = next((one for one in asked.earlier if str(one) == named), next(iter(asked.earlier), None))
    return None if year is None else asked.shelf.editions[year]


def own(measured: Measured) -> str:
    """Return the code of the nation's own country; that of the first in rank where it is not in the table."""
    here = nation.current()
    named = (measured.world.countries.code(name) for name in here.name.values())
    if here.id in named and here.id in measured.table.places:
        return here.id
    return measured.table.codes[int(measured.ranked[measured.standing.best[measured.ranked].argmin()])]


def chosen(request: HttpRequest, name: str, known: Sequence[str], otherwise: str) -> str:
    """Return the choice *name* of the query, one of those *known*; raise `NoChoice`."""
    value = request.GET.get(name, "") or otherwise
    if value not in known:
        listed = semicolons([one for one in known if one], words.language())
        raise NoChoice(value=value[:LONGEST], known=listed)
    return value


def shown(asked: Question) -> Sequence[int]:
    """Return the places in the table that are shown: those of the group, or all."""
    return range(len(asked.measured.table.codes)) if asked.group is None else asked.members(asked.group)
