"""Which system holds a register, and which systems take part: from the nation's files."""

from typing import Any

from onedoor.kernel import nation
from onedoor.kernel.nation.layers import united
from onedoor.kernel.text import Text


def holder(register: str) -> str:
    """Return the subsystem that holds *register*."""
    return str(_register(register)["subsystem"])


def register_name(register: str) -> Text:
    """Return the name of *register*."""
    name: Text = _register(register)["name"]
    return name


def fields(register: str) -> dict[str, Any]:
    """Return the fields of *register* as its file describes them, in whatever version."""
    return united(_register(register), "fields")


def lookups(register: str) -> dict[str, Any]:
    """Return the look-ups of *register* as its file describes them; none of a register that is not there."""
    documents = nation.current().documents("register")
    return next((dict(one.data["lookups"]) for one in documents if one.data["register"] == register), {})


def agency_name(agency: str) -> Text:
    """Return the name of an agency."""
    found = nation.current().agencies.get(agency)
    return found.name if found else dict.fromkeys(nation.current().languages, agency)


def same_kind(agency: str) -> tuple[tuple[str, Text], ...]:
    """Return the other authorities of the same kind on the same system: to those a step may be handed over."""
    agencies = nation.current().agencies
    own = agencies[agency]
    return tuple((one.id, one.name) for one in agencies.values() if one.kind == own.kind and one.id != agency)


def systems() -> dict[str, Text]:
    """Return every member's subsystem with the member's name."""
    return {one.subsystem: one.name for one in nation.current().members.values()}


def _register(register: str) -> dict[str, Any]:
    documents = nation.current().documents("register")
    found: dict[str, Any] = next(one.data for one in documents if one.data["register"] == register)
    return found
