"""Whose index it is: an agency's, or that of all agencies in a unit or of a level; and how counts are filed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

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

    ``flows`` and ``stocks`` are how its counts are filed: the services of an agency by what kind of agency it is.
    """

    kind: str
    id: str
    name: Text
    level: str
    flows: str
    stocks: str


def word(kind: str, id_: str) -> str:
    """Return how counts are filed: an agency's under its id, others such as ``level:commune`` or ``unit:01``."""
    return id_ if kind == AGENCY else f"{kind}:{id_}"


def units_of(country: Nation, agency: Agency, on: date) -> Iterator[Unit]:
    """Yield the unit that *agency* works in and those above it; none of a member, or where the unit is no more."""
    code = agency.unit
    try:
        while code:
            unit = country.units.unit(code, on)
            yield unit
            code = unit.parent
    except UnknownUnit:
        return


def level_of(country: Nation, agency: Agency, on: date) -> str:
    """Return the level of the unit that *agency* works in; the centre where it works in none."""
    return next((unit.level for unit in units_of(country, agency, on)), CENTRE)


def kind_of(agency: Agency) -> str:
    """Return the kind of agency by which services name who does a step, such as ``commune`` of ``commune-00199``."""
    return agency.id.removesuffix(f"-{agency.unit}") if agency.unit else agency.id


def above(country: Nation, agency: Agency, on: date) -> list[str]:
    """Return the words of the level and the units that *agency* counts for beside itself."""
    units = [word(UNIT, unit.code) for unit in units_of(country, agency, on)]
    return [word(LEVEL, level_of(country, agency, on)), *units]


def levels(country: Nation, on: date) -> list[str]:
    """Return the levels that have agencies, from the highest."""
    found = {level_of(country, one, on) for one in country.agencies.values()}
    order = [CENTRE, country.units.top]
    return sorted(found, key=lambda level: (order.index(level) if level in order else len(order), level))


def units(country: Nation, on: date) -> Mapping[str, Unit]:
    """Return the units that have agencies in them or below them, by code."""
    found = {unit.code: unit for one in country.agencies.values() for unit in units_of(country, one, on)}
    return dict(sorted(found.items()))


def whose(country: Nation, kind: str, id_: str, on: date) -> Whose:
    """Return whose index *kind* and *id_* mean; raise `NoAgency`, `NoAgencyThere` or `NoLevel`."""
    return {AGENCY: _of_agency, UNIT: _of_unit, LEVEL: _of_level}[kind](country, id_, on)


def _of_agency(country: Nation, id_: str, on: date) -> Whose:
    if id_ not in country.agencies:
        (near,) = get_close_matches(id_[:60], country.agencies, 1, 0.0)
        raise NoAgency(agency=id_[:60], nation=country.name, near=near)
    agency = country.agencies[id_]
    return Whose(AGENCY, id_, agency.name, level_of(country, agency, on), id_, word(KIND, kind_of(agency)))


def _of_unit(country: Nation, code: str, on: date) -> Whose:
    known = units(country, on)
    if code not in known:
        raise NoAgencyThere(unit=code[:20], on=on.isoformat(), known=", ".join(known))
    unit = known[code]
    return Whose(UNIT, code, unit.full_name or unit.name, unit.level, *2 * [word(UNIT, code)])


def _of_level(country: Nation, level: str, on: date) -> Whose:
    known = levels(country, on)
    if level not in known:
        raise NoLevel(level=level[:60], known=", ".join(known))
    return Whose(LEVEL, level, {}, level, *2 * [word(LEVEL, level)])
