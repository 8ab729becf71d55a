"""Families: who is born to whom, who married whom and when, who lives with whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from onedoor.registers.people.world import World, age, birthday

DAY = timedelta(days=1)
LAST_CHILD = 44
LEAVES_HOME = 24
OLDEST = 92
KINDS: Mapping[str, int] = {"single": 12, "couple": 14, "family": 46, "three-generations": 20, "one-parent": 8}
SMALLEST: Mapping[str, int] = {"couple": 2, "family": 3, "three-generations": 4, "one-parent": 2}


@dataclass(eq=False)
class Person:
    """A synthetic person; parents only where they are themselves in the population."""

    name: str
    family: str
    sex: str
    born: date
    mother: "Person | None" = None
    father: "Person | None" = None
    ethnicity: str = ""
    native_place: str = ""
    registered_in: str = ""
    number: str = ""
    alive: bool = True
    registered: bool = True
    home: "Household | None" = None


@dataclass(eq=False)
class Household:
    """People at one address; the head comes first."""

    unit: str
    address: str
    members: list[tuple[Person, str]] = field(default_factory=list)
    number: str = ""


@dataclass(eq=False)
class Marriage:
    """A marriage registered at a commune."""

    husband: Person
    wife: Person
    registered_on: date
    place: str


@dataclass(eq=False)
class Newborn:
    """A child whose birth is not registered yet: known only from the notice; *fixed* are values of that notice."""

    mother: Person
    born: date
    fixed: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Population:
    """Everybody, and what ties them."""

    people: list[Person] = field(default_factory=list)
    households: list[Household] = field(default_factory=list)
    marriages: list[Marriage] = field(default_factory=list)
    newborns: list[Newborn] = field(default_factory=list)

    def take_in(self, home: Household) -> None:
        """Add a household and everybody in it."""
        self.households.append(home)
        for person, _ in home.members:
            person.home = home
            self.people.append(person)


class Founder:
    """Founds households of a world, one after another."""

    def __init__(self, world: World, population: Population) -> None:
        self.world = world
        self.population = population

    def found(self, most: int) -> None:
        """Add one household of at most *most* people."""
        kinds = {kind: weight for kind, weight in KINDS.items() if SMALLEST.get(kind, 1) <= most}
        home = self._home()
        members = list(self._members(self.world.one_of(kinds), home))
        home.members = [(person, relation) for person, relation in members if person.registered][:most]
        for person, _ in members:
            if not person.registered and person.mother:
                self.population.newborns.append(Newborn(person.mother, person.born))
        self.population.take_in(home)
        if len(home.members) < most:
            self._remember_the_late(home)

    def _remember_the_late(self, home: Household) -> None:
        """Give the child of a lone grandparent the other parent, no longer alive."""
        head, child = home.members[0][0], home.members[1][0] if len(home.members) > 1 else None
        if child is None or head not in (child.mother, child.father) or not self.world.happens(60):
            return
        years = age(head.born, self.world.today)
        late = self._adult("M" if head.sex == "F" else "F", years, min(years + 4, 99))
        self._make_parent(late, child)
        late.alive, late.home = False, home
        self.population.people.append(late)

    def _home(self) -> Household:
        unit = self.world.chance.choice(sorted(self.world.words["streets"]))
        street = self.world.chance.choice(self.world.words["streets"][unit])
        address = self.world.words["address"].format(number=self.world.chance.randint(1, 400), street=street)
        return Household(unit, address)

    def _members(self, kind: str, home: Household) -> Iterator[tuple[Person, str]]:
        if kind == "single":
            yield self._adult(self.world.chance.choice("MF"), 20, OLDEST), "head"
            return
        wife, husband, married = self._couple(22 if kind != "couple" else 24)
        if kind == "one-parent":
            yield wife, "head"
            yield from ((child, "child") for child in self._children(wife, None, married, home))
            return
        if kind == "three-generations":
            yield from self._with_grandparent(wife, husband)
        else:
            yield husband, "head"
            yield wife, "spouse"
        self.population.marriages.append(Marriage(husband, wife, married, home.unit))
        relation = "grandchild" if kind == "three-generations" else "child"
        if kind != "couple":
            yield from ((child, relation) for child in self._children(wife, husband, married, home))

    def _couple(self, youngest: int) -> tuple[Person, Person, date]:
        wife = self._adult("F", youngest, 62)
        difference = round(self.world.chance.gauss(3, 3))
        husband = self._adult("M", max(youngest, age(wife.born, self.world.today) + difference), None)
        adult = self.world.words["adult"]
        earliest = max(birthday(wife.born, adult["F"]), birthday(husband.born, adult["M"]))
        latest = min(self.world.today, birthday(earliest, 9))
        return wife, husband, self.world.between(earliest, latest)

    def _with_grandparent(self, wife: Person, husband: Person) -> Iterator[tuple[Person, str]]:
        child = husband if self.world.happens(70) else wife
        other = wife if child is husband else husband
        youngest = age(child.born, self.world.today) + 20
        parent = self._adult(self.world.chance.choice("MF"), youngest, min(youngest + 14, 99))
        self._make_parent(parent, child)
        yield parent, "head"
        yield child, "child"
        yield other, "child-in-law"

    def _make_parent(self, parent: Person, child: Person) -> None:
        if parent.sex == "M":
            parent.family = child.family
            parent.name = self.world.name(parent.family, "M")
            child.father = parent
        else:
            child.mother = parent
        parent.ethnicity = child.ethnicity

    def _children(self, mother: Person, father: Person | None, married: date, home: Household) -> Iterator[Person]:
        born = married + timedelta(days=self.world.chance.randint(270, 1400))
        for _ in range(self.world.chance.choices((1, 2, 3), (45, 45, 10))[0]):
            if born > self.world.today or age(mother.born, born) > LAST_CHILD:
                return
            if age(born, self.world.today) < LEAVES_HOME:
                yield self._child(mother, father, born, home)
            born += timedelta(days=self.world.chance.randint(550, 2200))

    def _child(self, mother: Person, father: Person | None, born: date, home: Household) -> Person:
        sex = self.world.one_of({"M": 527, "F": 473})
        leading = father or mother
        child = Person(self.world.name(leading.family, sex), leading.family, sex, born, mother, father)
        child.ethnicity, child.native_place = leading.ethnicity, leading.native_place
        child.registered_in = home.unit
        child.registered = (self.world.today - born).days >= self.world.chance.randint(1, 50)
        return child

    def _adult(self, sex: str, youngest: int, oldest: int | None) -> Person:
        years = youngest if oldest is None else self.world.chance.randint(youngest, max(youngest, oldest))
        last = birthday(self.world.today, -years)
        born = self.world.between(birthday(last, -1) + DAY, last)
        family = self.world.one_of(self.world.words["families"])
        person = Person(self.world.name(family, sex), family, sex, born)
        if groups := self.world.words.get("ethnicities"):
            person.ethnicity = self.world.one_of(groups)
        person.native_place = self.world.chance.choice(self.world.provinces_today)
        person.registered_in = self._registered_in(born)
        return person

    def _registered_in(self, born: date) -> str:
        """Return the province of birth registration, as provinces were then."""
        return self.world.chance.choice(self.world.provinces(born))
