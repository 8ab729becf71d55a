"""Agencies of a nation: the members of the exchange and the authorities that work on their systems."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onedoor.kernel.nation.documents import Document, Fault
from onedoor.kernel.nation.file_kinds import DATE_SCHEMA, UNIT_SCHEMA
from onedoor.kernel.nation.organisations import UnknownOrganisation
from onedoor.kernel.nation.schemas import nearest
from onedoor.kernel.nation.texts import TEXT_SCHEMA
from onedoor.kernel.nation.units import UnknownUnit
from onedoor.kernel.said import first_of, said
from onedoor.kernel.text import Text

if TYPE_CHECKING:
    from onedoor.kernel.nation.nation import Nation

SOURCED = [{"required": ["source"]}, {"required": ["illustrative"]}]
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["members", "agencies"],
    "additionalProperties": False,
    "properties": {
        "members": {"type": "object", "additionalProperties": {"$ref": "#/$defs/member"}},
        "agencies": {"type": "object", "additionalProperties": {"$ref": "#/$defs/agency"}},
    },
    "$defs": {
        "posts": {"type": "object", "additionalProperties": TEXT_SCHEMA},
        "member": {
            "type": "object",
            "required": ["name", "kind", "subsystem", "subsystem_name", "source"],
            "additionalProperties": False,
            "properties": {
                "name": TEXT_SCHEMA,
                "kind": {"type": "string"},
                "subsystem": {"type": "string", "pattern": "^[A-Z0-9-]+(/[A-Z0-9-]+){3}$"},
                "subsystem_name": TEXT_SCHEMA,
                "services": {
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": True,
                    "items": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9._-]{0,59}$"},
                    "description": "what its system offers; it is one of the member's own, no node of onedoor",
                },
                "gateways": {
                    "enum": [1, 2],
                    "description": "how many gateways it has: with two, one may fail; one unless it says so",
                },
                "scheme": {"type": "string"},
                "within": {"type": "string"},
                "valid_from": DATE_SCHEMA,
                "source": {"type": "string", "minLength": 1},
                "note": TEXT_SCHEMA,
                "posts": {"$ref": "#/$defs/posts"},
            },
        },
        "agency": {
            "type": "object",
            "required": ["name", "kind", "member", "unit"],
            "anyOf": SOURCED,
            "additionalProperties": False,
            "properties": {
                "name": TEXT_SCHEMA,
                "kind": {"type": "string"},
                "member": {"type": "string"},
                "unit": UNIT_SCHEMA,
                "source": {"type": "string", "minLength": 1},
                "illustrative": {"const": True},
                "note": TEXT_SCHEMA,
                "posts": {"$ref": "#/$defs/posts"},
            },
        },
    },
}


def lasting(data: Mapping[str, Any]) -> Mapping[tuple[str, ...], Any]:
    """Return what processes are started by: the members of the exchange, their order, systems and gateways."""
    return {("members",): [(key, *_processes(member)) for key, member in data["members"].items()]}


def _processes(member: Mapping[str, Any]) -> tuple[str, bool, int]:
    return member["subsystem"], "services" in member, member.get("gateways", 1)


@dataclass(frozen=True)
class Agency:
    """An agency: a member of the exchange, or an authority whose officers work on a member's system.

    ``member`` is the id of the member on whose node it works (its own for a member), ``subsystem`` that node's X-Road
    name, ``unit`` the code of its commune or province (empty for a member), ``posts`` the posts its officers hold.
    A member with ``services`` has a system of its own, which offers these in the place of those of a node, and one
    with two ``gateways`` may lose one.
    """

    id: str
    name: Text
    kind: str
    member: str
    subsystem: str
    unit: str = ""
    posts: Mapping[str, Text] = field(default_factory=dict)
    subsystem_name: Text = field(default_factory=dict)
    note: Text = field(default_factory=dict)
    illustrative: bool = False
    source: str = ""
    services: tuple[str, ...] = ()
    gateways: int = 1

    @property
    def is_member(self) -> bool:
        """Return whether this agency is itself a member of the exchange."""
        return self.id == self.member


def make_agencies(data: Mapping[str, Any]) -> Mapping[str, Agency]:
    """Return the agencies in the data of ``agencies.yaml``, by id; members come first."""
    members = {key: _agency(key, key, value, value) for key, value in data["members"].items()}
    others = {
        key: _agency(key, value["member"], value, data["members"].get(value["member"], {}))
        for key, value in data["agencies"].items()
    }
    return members | others


def check_agencies(document: Document, nation: "Nation") -> Iterable[Fault]:
    """Yield the faults of ``agencies.yaml`` that its schema cannot see."""
    members = list(document.data["members"])
    for key, member in document.data["members"].items():
        if member["subsystem"].split("/")[2] != key or member["subsystem"].split("/")[0] != nation.id:
            meant = said("write {id}/<class>/{name}/<SYSTEM>", id=nation.id, name=key)
            yield document.fault(("members", key, "subsystem"), said("this is no system of the member"), meant)
        yield from _identifier_faults(document, key, member, nation)
    for key, agency in document.data["agencies"].items():
        path = ("agencies", key)
        if agency["member"] not in members:
            wrong = said("there is no member “{member}”", member=agency["member"])
            yield document.fault((*path, "member"), wrong, nearest(agency["member"], members))
        if key in members:
            yield document.fault(path, said("“{name}” is also a member", name=key), said("give it another id"))
        try:
            nation.units.unit(agency["unit"], nation.today())
        except UnknownUnit as error:
            yield document.fault((*path, "unit"), first_of(error), said("write the code of a unit that exists today"))


def _identifier_faults(document: Document, key: str, member: Mapping[str, Any], nation: "Nation") -> Iterable[Fault]:
    """Yield a fault for each code of a member with a scheme that no public organisation has today."""
    places: list[tuple[tuple[str, ...], str]] = [(("members", key), key)]
    places += [(("members", key, "within"), member["within"])] if "within" in member else []
    for path, code in places if "scheme" in member and nation.organisations.given else ():
        try:
            nation.organisations.identified(member["scheme"], code, nation.today())
        except UnknownOrganisation:
            wrong = said(
                "no public organisation has the code “{code}” of {scheme} today", code=code, scheme=member["scheme"]
            )
            known = sorted(nation.organisations.codes(member["scheme"], nation.today()))
            yield document.fault(path, wrong, nearest(code, known))


def _agency(key: str, member: str, data: Mapping[str, Any], home: Mapping[str, Any]) -> Agency:
    return Agency(
        id=key,
        name=data["name"],
        kind=data["kind"],
        member=member,
        subsystem=home.get("subsystem", ""),
        unit=data.get("unit", ""),
        posts=data.get("posts", {}),
        subsystem_name=home.get("subsystem_name", {}),
        note=data.get("note", {}),
        illustrative=data.get("illustrative", False),
        source=data.get("source", ""),
        services=tuple(data.get("services", ())),
        gateways=data.get("gateways", 1),
    )
