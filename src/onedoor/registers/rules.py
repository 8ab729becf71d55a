"""How a record is checked, divided among the persons it is about, and found again: pure decisions."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from onedoor.kernel.said import Said, said
from onedoor.kernel.text import fold
from onedoor.registers.definition import Field, Parameter, Register
from onedoor.registers.paths import first, values

Json = Any
Fragments = dict[str, dict[str, Json]]
"""By person's number: ``fields`` (name → value) and ``items`` (name → position → entry) about that person."""

SEPARATOR = "\x1f"


def completed(register: Register, before: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the record after a write: *given* over what was known *before*, over the defaults, in field order."""
    known = {**register.defaults, **before, **given}
    ordered = {name: known[name] for name in register.fields if name in known}
    if len(ordered) < len(known):
        ordered |= {name: value for name, value in known.items() if name not in register.fields}
    return ordered


def faults(register: Register, record: Mapping[str, Json]) -> list[Said]:
    """Return what is wrong with *record*, naming fields, never values."""
    if wrong := form_faults(register, record):
        return wrong
    if not register.identifier.agrees(record):
        return [said("{field} does not follow the scheme for this record", field=register.identifier.field)]
    return []


def form_faults(register: Register, record: Mapping[str, Json], without: str = "") -> list[Said]:
    """Return how *record* does not fit the register's schema; the field *without* may be missing yet."""
    if register.validator.is_valid(record):
        return []
    wrong = dict.fromkeys(_fault(register, error) for error in register.validator.iter_errors(dict(record)))
    wrong.pop(_missing(without), None)
    return list(wrong)


def _missing(field: str) -> Said:
    return said("{field} is missing", field=field)


def _fault(register: Register, error: Any) -> Said:  # noqa: ANN401 - jsonschema-rs has no types
    place = ".".join(str(part) for part in error.instance_path)
    facts = error.kind.as_dict()
    if "property" in facts:
        return _missing(f"{place}{'.' if place else ''}{facts['property']}")
    if "unexpected" in facts:
        names = ", ".join(str(name)[:40] for name in facts["unexpected"])
        return said("{place} has no field {names}", place=place or register.id, names=names)
    return said("{field} is not of the right form ({kind})", field=place, kind=error.kind.name)


def persons(register: Register, record: Mapping[str, Json]) -> list[str]:
    """Return the numbers of all persons *record* is about."""
    found = (str(value) for path in register.subjects for value in values(record, path))
    return list(dict.fromkeys(found))


def shares(
    register: Register,
    records: Iterable[Mapping[str, Json]],
    asked: Sequence[str] = (),
    wanted: Collection[str] | None = None,
) -> dict[str, Collection[str] | None]:
    """Return the persons that *records* are about, those *asked* for first, each with the fields that are their own.

    A field about one subject is that person's alone. What is about the record as a whole is its first subject's and
    theirs who were asked for. Who was asked for is told of it though nothing *wanted* is their own: None, all of it.
    """
    found: dict[str, set[str]] = {person: set() for person in asked}
    for record in records:
        for place, path in enumerate(register.subjects):
            for person in map(str, values(record, path)):
                own = found.setdefault(person, set())
                own |= register.belonging.get(path, frozenset())
                own |= register.belonging.get("", frozenset()) if place == 0 or person in asked else frozenset()
    seen = register.fields if wanted is None else wanted
    return {person: None if person in asked and own.isdisjoint(seen) else own for person, own in found.items()}


def shares_asked(
    register: Register, key: str, asked: Sequence[str], wanted: Collection[str]
) -> dict[str, Collection[str] | None] | None:
    """Return what `shares` gives for whatever the look-up *key* finds; None where that hangs on what is found.

    It does not where records are about one person alone, and the question names that person, as records do, and
    nothing else.
    """
    (subject, *others), (named, *more) = register.subjects, register.lookups[key].values()
    if others or more or named.field != subject or not named.person or named.how != "exact":
        return None
    if any(_compared(named, person) != person for person in asked):
        return None
    own = register.belonging.get(subject, frozenset()) | register.belonging.get("", frozenset())
    return {person: None if own.isdisjoint(wanted) else own for person in asked}


def divided(register: Register, record: Mapping[str, Json]) -> tuple[dict[str, Json], Fragments]:
    """Return the part of *record* that is not personal, and the rest by the person it is about."""
    main = persons(register, record)[0]
    plain = {name: record[name] for name in register.plain}
    fragments: Fragments = {}
    if register.own:
        _of(fragments, main)["fields"] = {name: record[name] for name in register.own}
    for field in register.of_others:
        _place(fragments, field, record, main)
    return plain, fragments


def _place(fragments: Fragments, field: Field, record: Mapping[str, Json], main: str) -> None:
    value = record[field.id]
    if isinstance(value, list):
        for position, entry in enumerate(value):
            about = str(first(entry, field.of) or main)
            _of(fragments, about)["items"].setdefault(field.id, {})[str(position)] = entry
        return
    about = str(first(record, field.of) or main)
    _of(fragments, about)["fields"][field.id] = value


def _of(fragments: Fragments, person: str) -> dict[str, Json]:
    return fragments.setdefault(person, {"fields": {}, "items": {}})


def joined(
    register: Register, plain: Mapping[str, Json], fragments: Iterable[Mapping[str, Json]], schema: int | None = None
) -> dict[str, Json]:
    """Return the record again from its parts; what a missing part held is null, or absent from its list.

    It was written under the version *schema* of the register: what that had no field for is as if it was left out.
    """
    known: dict[str, Json] = dict(plain)
    entries: dict[str, dict[int, Json]] = {}
    for fragment in fragments:
        known.update(fragment["fields"])
        for name, positions in fragment["items"].items():
            entries.setdefault(name, {}).update({int(position): entry for position, entry in positions.items()})
    known |= {name: [found[position] for position in sorted(found)] for name, found in entries.items()}
    added = register.added_since(schema or register.version)
    return {name: known.get(name, added.get(name)) for name in register.fields}


def terms(register: Register, record: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield look-up and term for everything by which *record* is to be found."""
    for key, lookup in register.lookups.items():
        for row in product(*[_found(parameter, record) for parameter in lookup.values()]):
            yield key, SEPARATOR.join(row)


def term(register: Register, key: str, by: Mapping[str, str]) -> str:
    """Return the term under which the look-up *key* finds what *by* asks for."""
    return SEPARATOR.join(_compared(parameter, by[name]) for name, parameter in register.lookups[key].items())


def persons_asked(register: Register, key: str, by: Mapping[str, str]) -> list[str]:
    """Return the personal numbers that stand in the question itself, as records hold them."""
    return [by[name].strip() for name, parameter in register.lookups[key].items() if parameter.person]


def identity(register: Register, record: Mapping[str, Json]) -> str | None:
    """Return what makes the record one and the same through its versions; None while it is not complete."""
    found = [first(record, path) for path in register.identity]
    return None if None in found else SEPARATOR.join(str(value) for value in found)


def _found(parameter: Parameter, record: Mapping[str, Json]) -> list[str]:
    if parameter.field:
        value = first(record, parameter.field)
        return [] if value is None else [_compared(parameter, str(value))]
    found = [_compared(parameter, str(value)) for path in parameter.paths for value in values(record, path)]
    return sorted(set(found)) if len(found) > 1 else found


def _compared(parameter: Parameter, value: str) -> str:
    if parameter.how == "folded":
        return fold(value)
    return value[:4] if parameter.how == "year" else value.strip()
