"""What holds for every register of every nation in the repository, by its files alone."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

import pytest
import yaml

from onedoor.kernel import clock, nation
from onedoor.kernel.nation import present
from onedoor.kernel.settings import REPOSITORY
from onedoor.privacy import rights
from onedoor.privacy.rules import WRITE
from onedoor.privacy.service import Reader
from onedoor.registers import archiving, own_data, people, retention, rules, service, storage
from onedoor.registers.definition import Register, register_of

CASE = "2611-7K4M-Q8"
FILES = sorted((REPOSITORY / "nations").glob("*/registers/*.yaml"))
REGISTERS = [(path.parts[-3], path.stem) for path in FILES]
RETAINED = [(path.parts[-3], path.stem) for path in FILES if "retention" in yaml.safe_load(path.read_text("utf-8"))]
CHANGES: Mapping[str, dict[str, str]] = {
    "bicycles": {"colour": "red"},
    "birth-notices": {"child_name": "An"},
    "births": {"place": "Trạm y tế"},
    "insurance": {"full_name": "Nguyễn An"},
    "marriages": {"registered_on": "1992-01-31"},
    "population": {"full_name": "Nguyễn An"},
    "residence": {"address": "Số 1"},
}
pytestmark = pytest.mark.django_db


class Held(NamedTuple):
    """A register of the nation that is present, and one of its records."""

    register: Register
    row: dict[str, Any]


@cache
def country(name: str) -> nation.Nation:
    return nation.load(REPOSITORY / "nations" / name)


@cache
def made(name: str) -> Mapping[str, list[dict[str, Any]]]:
    return people.generate(60, seed=1, nation=country(name))


@pytest.fixture(params=REGISTERS, ids="-".join)
def held(request: pytest.FixtureRequest) -> Iterator[Held]:
    """Give each register of each nation in turn, with one record in it."""
    name, register = request.param
    before = present._held.set(country(name))
    row = made(name)[register][0]
    service.load(register, [row])
    yield Held(register_of(register), row)
    present._held.reset(before)


def by(held: Held) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each look-up of the register that the record has values for, with them."""
    for key, lookup in held.register.lookups.items():
        values = {name: value(held.row, one.paths[0]) for name, one in lookup.items()}
        if all(values.values()):
            yield key, {name: one[:4] if lookup[name].how == "year" else one for name, one in values.items()}


def value(row: Any, path: str) -> str:
    for step in path.split("."):
        row = (row or [{}])[0] if step == "*" else (row or {}).get(step, "")
    return str(row)


def who_may(register: Register, operation: str, fields: set[str]) -> Reader:
    """Return somebody whom a right of the nation lets do *operation* on these *fields* of the register."""
    return next(
        Reader(grant.reader, "account-1", purpose.id, next(iter(grant.basis or purpose.basis)), CASE)
        for purpose in rights.purposes().values()
        for grant in purpose.grants
        if grant.register == register.id and operation in grant.operations and fields <= set(grant.fields)
    )


def theirs(held: Held, person: str) -> dict[str, Any]:
    return own_data.theirs(held.register, rules.completed(held.register, {}, held.row), person)


def found_by(register: Register, person: str) -> bool:
    """Return whether a look-up by a person's number alone finds something of *person*."""
    today = nation.current().today()
    alone = [(key, *one.items()) for key, one in register.lookups.items() if len(one) == 1]
    asked = [(key, {name: person}) for key, (name, parameter) in alone if parameter.person]
    return any(storage.find(register, key, by, valid_on=today) for key, by in asked)


def test_each_declared_look_up_finds_the_record_as_it_is(held: Held) -> None:
    asked = list(by(held))
    assert asked
    for key, values in asked:
        (record,) = storage.find(held.register, key, values, valid_on=nation.current().today()).values()
        assert {name: record[name] for name in held.row} == held.row


def test_who_may_writes_a_version_and_what_was_known_before_stays(held: Held) -> None:
    change = CHANGES[held.register.id]
    own = {path.partition(".")[0] for path in held.register.identity}
    writer = who_may(held.register, WRITE, own | set(change))
    asked, (name,), known_on = next(by(held)), change, clock.now() + timedelta(minutes=30)
    with clock.freeze(clock.now() + timedelta(hours=1)):
        service.write(held.register.id, {one: held.row[one] for one in own} | change, reader=writer, key="k")
        today = nation.current().today()
        (now,) = storage.find(held.register, *asked, valid_on=today).values()
        (then,) = storage.find(held.register, *asked, valid_on=today, known_on=known_on).values()
    assert (now[name], then.get(name)) == (change[name], held.row.get(name, then.get(name)))
    assert now[name] != then.get(name)


def test_a_number_made_by_the_scheme_agrees_with_its_record(held: Held) -> None:
    scheme, record = held.register.identifier, rules.completed(held.register, {}, held.row)
    made = {scheme.make(held.register.id, record, storage.StoredDraw()) for _ in range(3)}
    for number in made:
        assert rules.faults(held.register, {**record, scheme.field: number}) == []
    assert rules.faults(held.register, {**record, scheme.field: "?"})


def test_each_person_of_a_record_is_told_what_is_theirs_and_a_stranger_nothing(held: Held) -> None:
    right = rights.of_service(own_data.SERVICE)
    assert right
    (client,) = {one.reader for one in rights.purposes()[right.purpose].grants if one.service == own_data.SERVICE}
    asker = Reader(client, "account-1", right.purpose, right.basis)
    first, *others = rules.persons(held.register, held.row)
    stranger = f"{first[:-1]}{(int(first[-1]) + 5) % 10}"
    assert stranger not in others
    for person in (first, *others, stranger):
        told = {one.register: one.records for one in own_data.of_person(person, reader=asker)}[held.register.id]
        assert told == [own for own in [theirs(held, person)] if own and found_by(held.register, person)]
        assert told or person != first


@pytest.mark.parametrize("held", RETAINED, ids="-".join, indirect=True)
def test_a_record_leaves_reach_and_ends_on_the_days_that_its_rule_says(held: Held) -> None:
    rule, (key, values) = held.register.retention, next(by(held))
    assert rule
    since = retention.day_in(held.row[rule.field])
    assert since
    assert rule.destroyed

    def done(day: date) -> tuple[int, int, int]:
        with clock.freeze(datetime.combine(day, time(12), nation.current().zone)):
            total = archiving.retain(register_of(held.register.id))
            return total.archived, total.destroyed, len(storage.find(held.register, key, values, valid_on=day))

    reach, end, night = rule.in_reach.after(since), rule.destroyed.after(since), timedelta(days=1)
    assert [done(day) for day in (reach - night, reach, end - night, end)] == [
        (0, 0, 1), (1, 0, 0), (0, 0, 0), (0, 1, 0),
    ]  # fmt: skip
