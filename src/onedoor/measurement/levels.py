"""Levels of agencies: that of the administrative unit each works in, and the centre, and whose counts are whose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from onedoor.kernel.nation import Agency, Nation, UnknownUnit
from onedoor.kernel.text import Text, gettext_noop
from onedoor.measurement.errors import NoAgency, NoLevel

CENTRE = "central"
NAMES: Mapping[str, str] = {
    CENTRE: gettext_noop("All agencies of the centre"),
    "province": gettext_noop("All agencies of provinces"),
    "commune": gettext_noop("All agencies of communes"),
}


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose index is asked for: an agency or all of a level.

    ``flows`` and ``stocks`` are how its counts are filed: services are counted by kind of agency.
    """

    id: str
    name: Text
    level: str
    agency: bool
    flows: str
    stocks: str


def level_of(country: Nation, agency: Agency, on: date) -> str:
    """Return the level of the unit that *agency* works in; of a unit that is no more, and of members, the centre."""
    try:
        return country.units.unit(agency.unit, on).level if agency.unit else CENTRE
    except UnknownUnit:
        return CENTRE


def levels(country: Nation, on: date) -> list[str]:
    """Return the levels that have agencies, from the highest."""
    found = {level_of(country, one, on) for one in country.agencies.values()}
    order = [CENTRE, country.units.top]
    return sorted(found, key=lambda level: (order.index(level) if level in order else len(order), level))


def level_word(level: str) -> str:
    """Return how the counts of a *level* are filed."""
    return f"level:{level}"


def kind_word(kind: str) -> str:
    """Return how the services of a *kind* of agency are filed, such as ``commune`` of ``commune-00199``."""
    return f"kind:{kind}"


def kind_of(agency: Agency) -> str:
    """Return the kind of agency by which services name who does a step."""
    return agency.id.removesuffix(f"-{agency.unit}") if agency.unit else agency.id


def of_agency(country: Nation, name: str, on: date) -> Whose:
    """Return the agency called *name* by its id; raise `NoAgency` with the nearest there is."""
    if name not in country.agencies:
        (near,) = get_close_matches(name[:60], country.agencies, 1, 0.0)
        raise NoAgency(agency=name[:60], nation=country.name, near=near)
    agency = country.agencies[name]
    level = level_of(country, agency, on)
    return Whose(name, agency.name, level, agency=True, flows=name, stocks=kind_word(kind_of(agency)))


def of_level(country: Nation, level: str, on: date) -> Whose:
    """Return all agencies of a *level*; raise `NoLevel`."""
    known = levels(country, on)
    if level not in known:
        raise NoLevel(level=level[:60], known=", ".join(known))
    word = level_word(level)
    return Whose(level, {}, level, agency=False, flows=word, stocks=word)
