"""The rows that a population gives to each register."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from onedoor.registers.definition import Register
from onedoor.registers.people.family import Marriage, Newborn, Person, Population
from onedoor.registers.people.world import World, age, birthday

Row = dict[str, Any]
PERSONS = "population"
"""The register of persons, by which everybody who is made has a number."""
PERSON = (
    *("number", "full_name", "born", "sex", "ethnicity", "nationality", "native_place", "birth_registered_in"),
    *("residence", "mother", "father", "status", "phone", "email"),
)
"""What a person is made with; the register of persons has those of these fields that its nation wants."""
SCHOOL, WORK, RETIRED = 6, 18, 61
LATEST_DAY = 60


class Rows:
    """Makes the rows of each register; identifiers follow the scheme in the register's file."""

    def __init__(self, world: World, population: Population, registers: Mapping[str, Register]) -> None:
        self.world = world
        self.population = population
        self.registers = registers
        self.taken: set[tuple[str, str]] = set()
        self.taken.update((PERSONS, person.number) for person in population.people if person.number)

    def all(self) -> dict[str, list[Row]]:
        """Return the rows by register, of those registers that the nation has."""
        makers = {
            PERSONS: self.people,
            "residence": self.households,
            "marriages": self.weddings,
            "birth-notices": self.notices,
            "births": self.births,
            "insurance": self.cards,
        }
        return {register: list(make()) for register, make in makers.items() if register in self.registers}

    def numbered(self, register: str, row: Row) -> Row:
        """Give *row* an identifier by the register's scheme that nobody has yet, and return it."""
        scheme = self.registers[register].identifier
        while not row.get(scheme.field) or (scheme.drawn and (register, row[scheme.field]) in self.taken):
            row[scheme.field] = scheme.make(register, row, self.world)
        self.taken.add((register, row[scheme.field]))
        return row

    def people(self) -> Iterator[Row]:
        """Yield everybody, in the fields that this nation's register has; numbers are given here."""
        for person in self.population.people:
            if not person.number:
                draft = {"birth_registered_in": person.registered_in, "born": _day(person.born), "sex": person.sex}
                person.number = self.numbered(PERSONS, draft)["number"]
        fields = self.registers[PERSONS].fields
        for person in self.population.people:
            yield {name: value for name, value in self._person(person).items() if name in fields}

    def _person(self, person: Person) -> Row:
        grown = person.alive and age(person.born, self.world.today) >= WORK
        home = person.home
        return {
            "number": person.number,
            "full_name": person.name,
            "born": _day(person.born),
            "sex": person.sex,
            "ethnicity": person.ethnicity,
            "nationality": self.world.nation.id,
            "native_place": person.native_place,
            "birth_registered_in": person.registered_in,
            "residence": {"unit": home.unit, "address": home.address} if home else None,
            "mother": person.mother.number if person.mother else "",
            "father": person.father.number if person.father else "",
            "status": "alive" if person.alive else "deceased",
            "phone": self.world.phone() if grown else "",
            "email": self.world.email(person.name) if grown and self.world.happens(60) else "",
        }

    def households(self) -> Iterator[Row]:
        """Yield the households."""
        for home in self.population.households:
            members = [{"number": person.number, "relation": relation} for person, relation in home.members]
            head = home.members[0][0].number
            row = {"head": head, "unit": home.unit, "address": home.address, "members": members}
            yield self.numbered("residence", row)

    def weddings(self) -> Iterator[Row]:
        """Yield the marriages in the order of their days."""
        for wedding in sorted(self.population.marriages, key=lambda one: (one.registered_on, one.place)):
            yield self.numbered("marriages", self._wedding(wedding))

    def _wedding(self, wedding: Marriage) -> Row:
        return {
            "husband": wedding.husband.number,
            "wife": wedding.wife.number,
            "registered_on": _day(wedding.registered_on),
            "place": wedding.place,
        }

    def births(self) -> Iterator[Row]:
        """Yield the births registered since the register began, in the order of their days."""
        since = date.fromisoformat(self.world.words["births_since"])
        born_here = [one for one in self.population.people if one.mother and one.born >= since and one.home]
        dated = sorted((self._registered_on(one), one.number, one) for one in born_here)
        yield from (self.numbered("births", self._birth(day, child)) for day, _, child in dated)

    def _registered_on(self, child: Person) -> date:
        return min(self.world.today, child.born + timedelta(days=1 + int(child.number[-4:]) % (LATEST_DAY - 15)))

    def _birth(self, day: date, child: Person) -> Row:
        unit = child.home.unit if child.home else ""
        notice, place = self.places[child.number]
        return {
            "child": child.number,
            "full_name": child.name,
            "born": _day(child.born),
            "sex": child.sex,
            "place": place,
            "native_place": child.native_place,
            "ethnicity": child.ethnicity,
            "nationality": self.world.nation.id,
            "mother": self._parent(child.mother),
            "father": self._parent(child.father),
            "notice": notice,
            "registered_on": _day(day),
            "registered_at": self.world.communes[unit],
            "signer": "",
        }

    def _parent(self, person: Person | None) -> Row | None:
        if person is None:
            return None
        return {
            "number": person.number,
            "full_name": person.name,
            "born_year": person.born.year,
            "ethnicity": person.ethnicity,
            "nationality": self.world.nation.id,
            "residence": person.home.address if person.home else "",
        }

    def notices(self) -> Iterator[Row]:
        """Yield the notices since they are data, used or not, in the order of the births."""
        since = date.fromisoformat(self.world.words["notices_since"])
        self.places: dict[str, tuple[str, str]] = {}
        everybody = [one for one in self.population.people if one.home]
        known: list[tuple[date, str, Person, Person | Newborn]] = []
        known += [(one.born, one.number, one.mother, one) for one in everybody if one.mother]
        known += [(one.born, one.mother.number, one.mother, one) for one in self.population.newborns]
        for born, _, mother, child in sorted(known, key=lambda one: one[:2]):
            row = self._notice(born, mother, child)
            if born >= since:
                row = self.numbered("birth-notices", row)
                yield row
            if isinstance(child, Person):
                self.places[child.number] = (row.get("notice", ""), row["place"]["facility"])

    def _notice(self, born: date, mother: Person, child: Person | Newborn) -> Row:
        fixed = child.fixed if isinstance(child, Newborn) else {}
        near = self.world.facilities[self.world.province_of(mother.home.unit if mother.home else "")]
        there = [one for one in near if one[0] == fixed.get("facility")] or near
        facility, name, unit = self.world.chance.choice(there)
        time = f"{self.world.chance.randrange(24):02d}:{self.world.chance.randrange(60):02d}"
        return {
            "mother": mother.number,
            "born": f"{born}T{fixed.get('time', time)}",
            "sex": child.sex if isinstance(child, Person) else fixed.get("sex", self.world.chance.choice("MF")),
            "weight_g": fixed.get("weight_g", max(500, round(self.world.chance.gauss(3150, 350)))),
            "place": {"facility": name, "unit": unit},
            "facility": facility,
            "child_name": child.name if isinstance(child, Person) else "",
            "used": isinstance(child, Person),
        }

    def cards(self) -> Iterator[Row]:
        """Yield the health-insurance cards of the living."""
        for person in self.population.people:
            if person.alive and person.home and self.world.happens(self.world.words["insurance"]["covered"]):
                yield self.numbered("insurance", self._card(person, person.home.unit))

    def _card(self, person: Person, unit: str) -> Row:
        years = age(person.born, self.world.today)
        year = self.world.today.year
        small = years < SCHOOL
        return {
            "number": person.number,
            "full_name": person.name,
            "clinic": self.world.chance.choice(self.world.clinics[self.world.province_of(unit)]),
            "unit": unit,
            "valid_from": _day(person.born if small else date(year, 1, 1)),
            "valid_until": _day(birthday(person.born, SCHOOL) if small else date(year, 12, 31)),
            "group": self._group(years),
        }

    def _group(self, years: int) -> str:
        groups = self.world.words["insurance"]
        if years < SCHOOL:
            return str(groups["child"])
        if years < WORK:
            return str(groups["pupil"])
        return self.world.one_of(groups["work"]) if years < RETIRED else str(groups["retired"])


def _day(day: date) -> str:
    return day.isoformat()
