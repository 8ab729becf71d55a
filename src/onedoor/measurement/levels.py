"""Whose index it is: an agency's, or that of all agencies in a unit or of a level; and how counts are filed."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import lru_cache, partial

from onedoor.kernel.nation import Agency, Nation, Unit, UnknownUnit
from onedoor.kernel.text import Text, gettext_noop
from onedoor.measurement.errors import NoAgency, NoAgencyThere, NoLevel

CENTRE = "central"
NAMES: Mapping[str, str] = {
    CENTRE: gettext_noop("All agencies of the centre"),
    "province": gettext_noop("All agencies of provinces"),
    "commune": gettext_noop("All agencies of communes"),
}
AGENCY, UNIT, LEVEL, KIND = "agency", "unit", "level", "kind"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose index is asked for: ``kind`` is agency, unit or level, ``id`` which one.

    Its dossiers are filed under ``flows``, its services under ``stocks``: the kinds of agencies that it is or has.
    """

    kind: str
    id: str
    name: Text
    level: str
    flows: str
    stocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where agencies work on a day: the units of each by its id, from its own upwards, and the kinds at each word."""

    units: Mapping[str, tuple[Unit, ...]]
    kinds: Mapping[str, tuple[str, ...]]


def word(kind: str, id_: str) -> str:
    """Return how counts are filed: an agency's under its id, others such as ``level:commune`` or ``unit:01``."""
    return id_ if kind == AGENCY else f"{kind}:{id_}"


def kind_of(agency: Agency) -> str:
    """Return the kind of agency by which services name who does a step, such as ``commune`` of ``commune-00199``."""
    return agency.id.removesuffix(f"-{agency.unit}") if agency.unit else agency.id


def above(country: Nation, agency: Agency, on: date) -> list[str]:
    """Return the words of the level and the units that *agency* counts for beside itself."""
    return _words(places(country, on).units[agency.id])


def levels(country: Nation, on: date) -> list[str]:
    """Return the levels that have agencies, from the highest."""
    found = {_level(units) for units in places(country, on).units.values()}
    order = [CENTRE, country.units.top]
    return sorted(found, key=lambda level: (order.index(level) if level in order else len(order), level))


def units(country: Nation, on: date) -> Mapping[str, Unit]:
    """Return the units that have agencies in them or below them, by code."""
    found = {unit.code: unit for units in places(country, on).units.values() for unit in units}
    return dict(sorted(found.items()))


def places(country: Nation, on: date) -> Places:
    """Return where the agencies of a nation work on a day."""
    return country.once(_places_of)(on)


def _places_of(country: Nation) -> Callable[[date], Places]:
    return lru_cache(maxsize=16)(partial(_places, country))


def _places(country: Nation, on: date) -> Places:
    units = {agency.id: tuple(_units(country, agency, on)) for agency in country.agencies.values()}
    kinds: dict[str, set[str]] = defaultdict(set)
    for agency in country.agencies.values():
        for one in (agency.id, *_words(units[agency.id])):
            kinds[one].add(word(KIND, kind_of(agency)))
    return Places(units, {one: tuple(sorted(found)) for one, found in kinds.items()})


def _units(country: Nation, agency: Agency, on: date) -> Iterator[Unit]:
    """Yield the unit that *agency* works in and those above it; none of a member, or where the unit is no more."""
    code = agency.unit
    try:
        while code:
            unit = country.units.unit(code, on)
            yield unit
            code = unit.parent
    except UnknownUnit:
        return


def _words(units: Sequence[Unit]) -> list[str]:
    return [word(LEVEL, _level(units)), *(word(UNIT, unit.code) for unit in units)]


def _level(units: Sequence[Unit]) -> str:
    """Return the level of who works in the first of *units*; the centre where there is none."""
    return units[0].level if units else CENTRE


def whose(country: Nation, kind: str, id_: str, on: date) -> Whose:
    """Return whose index *kind* and *id_* mean; raise `NoAgency`, `NoAgencyThere` or `NoLevel`."""
    return {AGENCY: _of_agency, UNIT: _of_unit, LEVEL: _of_level}[kind](country, id_, on)


def _of_agency(country: Nation, id_: str, on: date) -> Whose:
    if id_ not in country.agencies:
        (near,) = get_close_matches(id_[:60], country.agencies, 1, 0.0)
        raise NoAgency(agency=id_[:60], nation=country.name, near=near)
    found = places(country, on)
    return Whose(AGENCY, id_, country.agencies[id_].name, _level(found.units[id_]), id_, found.kinds[id_])


def _of_unit(country: Nation, code: str, on: date) -> Whose:
    known, flows = units(country, on), word(UNIT, code)
    if code not in known:
        raise NoAgencyThere(unit=code[:20], on=on.isoformat(), known=", ".join(known))
    unit = known[code]
    return Whose(UNIT, code, unit.full_name or unit.name, unit.level, flows, places(country, on).kinds[flows])


def _of_level(country: Nation, level: str, on: date) -> Whose:
    known, flows = levels(country, on), word(LEVEL, level)
    if level not in known:
        raise NoLevel(level=level[:60], known=", ".join(known))
    return Whose(LEVEL, level, {}, level, flows, places(country, on).kinds[flows])
