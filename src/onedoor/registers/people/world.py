"""What synthetic people are made from: the words of the nation's demonstration, its places, a seeded chance."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from onedoor.kernel.nation import Nation
from onedoor.kernel.text import fold, pick

YEAR = timedelta(days=365.2425)


@dataclass
class World:
    """The nation as the generator sees it on *today*, with the one source of chance."""

    nation: Nation
    today: date
    chance: random.Random
    serials: dict[str, int] = field(default_factory=dict)

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """Return the nation's demonstration file."""
        data: Mapping[str, Any] = self.nation.documents("demonstration")[0].data
        return data

    @cached_property
    def words(self) -> Mapping[str, Any]:
        """Return what names, addresses and groups are drawn from."""
        words: Mapping[str, Any] = self.data["people"]
        return words

    @cached_property
    def communes(self) -> Mapping[str, str]:
        """Return the communes that take part, by the code of their unit: the id of the authority."""
        return {agency.unit: agency.id for agency in self.nation.agencies.values() if agency.kind == "commune"}

    @cached_property
    def facilities(self) -> Mapping[str, Sequence[tuple[str, str, str]]]:
        """Return the health facilities (id, name, unit) by province."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        for one in self.nation.agencies.values():
            if one.kind == "health_facility":
                name = pick(one.name, self.nation.languages[0])
                found.setdefault(self.province_of(one.unit), []).append((one.id, name, one.unit))
        return found

    @cached_property
    def clinics(self) -> Mapping[str, Sequence[str]]:
        """Return the places of first care by the province they lie in."""
        found: dict[str, list[str]] = {}
        for item in self.nation.list("clinics").items.values():
            found.setdefault(self.province_of(item.unit), []).append(item.code)
        return found

    @cached_property
    def provinces_today(self) -> Sequence[str]:
        """Return the codes of today's provinces, which are the units of the highest level."""
        return [unit.code for unit in self.nation.units.of_level(self.nation.units.top, self.today)]

    def provinces(self, day: date) -> Sequence[str]:
        """Return the codes of the provinces on *day*, or of the oldest known."""
        known = max(day, self.nation.units.since(self.nation.units.top) or day)
        return self._provinces.setdefault(
            (known.year, known.month), [unit.code for unit in self.nation.units.of_level(self.nation.units.top, known)]
        )

    @cached_property
    def _provinces(self) -> dict[tuple[int, int], Sequence[str]]:
        return {}

    def province_of(self, code: str) -> str:
        """Return the province of a unit; a province, also one of old, is its own."""
        return self._province.get(code) or self._province.setdefault(code, self._parent(code))

    def _parent(self, code: str) -> str:
        if code in self.provinces(date.min):
            return code
        unit = self.nation.units.unit(code, self.today)
        return unit.parent or unit.code

    @cached_property
    def _province(self) -> dict[str, str]:
        return {}

    def serial(self, scope: str) -> int:
        """Return the next number of *scope*."""
        self.serials[scope] = self.serials.get(scope, 0) + 1
        return self.serials[scope]

    def digits(self, count: int) -> str:
        """Return *count* digits by chance."""
        return f"{self.chance.randrange(10**count):0{count}d}"

    def one_of(self, weights: Mapping[str, int]) -> str:
        """Return one of the keys of *weights* by chance."""
        return self.chance.choices(list(weights), list(weights.values()))[0]

    def happens(self, percent: float) -> bool:
        """Return true in *percent* of a hundred cases."""
        return self.chance.random() * 100 < percent

    def between(self, first: date, last: date) -> date:
        """Return a day from *first* to *last* by chance; *first* when *last* is earlier."""
        return first + timedelta(days=self.chance.randint(0, max(0, (last - first).days)))

    def name(self, family: str, sex: str) -> str:
        """Return a full name of the family *family*."""
        middle = self.one_of(self.words["middle"][sex]) if "middle" in self.words else ""
        given = self.chance.choice(self.words["given"][sex])
        return " ".join(str(self.words["order"]).format(family=family, middle=middle, given=given).split())

    def phone(self) -> str:
        """Return a telephone number of a prefix nobody uses; empty when the nation has no word for one."""
        return str(self.words["phone"]).format(digits=self.digits(6)) if "phone" in self.words else ""

    def email(self, name: str) -> str:
        """Return an address in the domain reserved for examples; empty when the nation has no word for one."""
        if "email" not in self.words:
            return ""
        word = fold(name).replace(" ", ".") + self.digits(2)
        return str(self.words["email"]).format(word=word)


def age(born: date, day: date) -> int:
    """Return the age in whole years on *day*."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def birthday(born: date, years: int) -> date:
    """Return the day on which somebody born on *born* is *years* old (28 February for one of a leap day)."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return born.replace(year=born.year + years, day=28)
