"""From the nation's YAML to what the exchange needs: which services there are, who may call them for what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onedoor.exchange.directory.layout import PORTAL
from onedoor.exchange.permissions import Permission
from onedoor.kernel.nation import Agency
from onedoor.kernel.nation.documents import parse

REGISTER_ENDPOINTS = {
    "read": ("POST /lookup", "POST /v*/lookup", "GET /v*/openapi.json", "POST /provenance"),
    "write": ("POST /records", "POST /v*/records", "POST /v*/try"),
    "correct": ("POST /corrections", "POST /corrections/asked"),
}
SERVICE_ENDPOINTS = ("* /**",)
DESCRIPTION = "/openapi.json"
"""Where a service describes itself, below its own address."""
DATA = "data"
"""A node's registers by the GovStack interface."""
CONSENTS, CONSENT = "consents", "consent"
"""Services of the portal alone: whether persons agreed, and the GovStack consent API."""
CONSENT_ENDPOINTS = {
    "configure": ("* /config/**",),
    "read": ("GET /service/**",),
    "write": ("POST /service/**", "PUT /service/**", "DELETE /service/**"),
    "audit": ("GET /audit/**",),
}
"""What a right to call the latter opens there, by its operations; `decide` is about what may be written."""
PUBSUB, EVENTS = "pubsub", "events"
"""A right to the rooms of a system, which are three services by the GovStack interface; what they push to."""
ROOM_ENDPOINTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "manage": {"api": ("* /v1/eventType", "* /v1/eventType/*")},
    "publish": {"pub": ("POST /v1/*", "GET /v1/*/*", "DELETE /v1/*/*")},
    "subscribe": {
        "api": ("GET /v1/eventType", "GET /v1/eventType/*", "GET /v1/subs", "* /v1/subs/*"),
        "pull": ("GET /v1/*", "DELETE /v1/*/*"),
    },
}
"""What such a right opens, by its operations and by service."""
CHANGES = "changes"
EVERYWHERE = ("api", "breaches", "cases", CHANGES, "corrections", EVENTS, "person-requests", "pub", "pull")
READS = ("reads", "own-reads", "sealed-reads", "own-data")
"""Services that every node has besides its registers; the portal has no data."""
DATA_ENDPOINTS = {
    "read": (
        "GET /{}/*",
        "POST /{}/*/exists",
        "POST /{}/*/read",
        "GET /{}/*/*/readValue/*",
        "GET /{}/*/*/read-value/*",
    ),
    "write": (
        "POST /{}/*/create",
        "PUT /{}/*/update",
        "PUT /{}/*/updateEntries",
        "PUT /{}/*/update-entries",
        "POST /{}/*/updateOrCreate",
        "POST /{}/*/update-or-create",
        "DELETE /{}/*/*/delete",
    ),
}
"""The same below the service `DATA`, the GovStack interface, with the register in the address."""
FOLLOW = "follow"
"""The operation by which a register's owner may tell the reader of changes: it opens a service of the reader."""
USAGE_ENDPOINTS = ("GET /myPersonalDataUsage", "GET /my-personal-data-usage")
"""What a right to call the service `DATA` as such opens there."""


@dataclass(frozen=True)
class Offer:
    """A service, what can be done there, and where below it its description stands."""

    service: str
    endpoints: tuple[str, ...]
    description: str


def offers(nation: Path, member: Agency, *, portal: bool) -> Iterator[Offer]:
    """Yield the services of *member*'s system: its registers, then cases and reads; or what one of its own offers."""
    if member.services:
        yield from (Offer(f"{member.subsystem}/{one}", SERVICE_ENDPOINTS, "") for one in member.services)
        return
    for data in _files(nation / "registers"):
        if data.get("subsystem") == member.subsystem:
            endpoints = tuple(one for found in REGISTER_ENDPOINTS.values() for one in found)
            yield Offer(f"{data['subsystem']}/{data['register']}", endpoints, DESCRIPTION)
    for one in _besides_registers(portal=portal):
        yield Offer(f"{member.subsystem}/{one}", SERVICE_ENDPOINTS, DESCRIPTION)


def _besides_registers(*, portal: bool) -> tuple[str, ...]:
    return (*EVERYWHERE, *((CONSENTS, CONSENT) if portal else (*READS, DATA)))


def named(member: Agency) -> tuple[str, ...]:
    """Return what a right may call a service of *member*'s system: no register, for which it names fields."""
    if member.services:
        return member.services
    return (*_besides_registers(portal=member.subsystem.rpartition("/")[2] == PORTAL), PUBSUB)


def permissions(nation: Path) -> Iterator[Permission]:
    """Yield what the nation's rights allow, by reader, service and purpose, with the laws they stand on."""
    owners = {data["register"]: data["subsystem"] for data in _files(nation / "registers") if "subsystem" in data}
    for data in _files(nation / "rights"):
        for grant in data.get("grants", ()):
            bases = tuple(grant.get("basis") or data.get("basis", ()))
            yield from (replace(one, bases=bases) for one in _permissions(str(data["purpose"]), grant, owners))


def _permissions(purpose: str, grant: Mapping[str, Any], owners: Mapping[str, str]) -> Iterator[Permission]:
    reader = grant["reader"]
    if grant.get("service") == PUBSUB:
        for one in grant["operations"]:
            for service, endpoints in ROOM_ENDPOINTS.get(one, {}).items():
                yield Permission(reader, f"{grant['provider']}/{service}", (purpose,), endpoints)
        if "subscribe" in grant["operations"]:
            yield Permission(grant["provider"], f"{reader}/{EVENTS}", (purpose,), ("POST /v1/*",))
    elif "register" not in grant:
        opened: tuple[str, ...] = USAGE_ENDPOINTS if grant["service"] == DATA else SERVICE_ENDPOINTS
        if grant["service"] == CONSENT:
            opened = tuple(one for kind in grant["operations"] for one in CONSENT_ENDPOINTS.get(kind, ()))
        yield Permission(reader, f"{grant['provider']}/{grant['service']}", (purpose,), opened)
    elif owner := owners.get(register := str(grant["register"])):
        kinds = grant["operations"]
        endpoints = tuple(one for kind in kinds for one in REGISTER_ENDPOINTS.get(kind, ()))
        yield Permission(reader, f"{owner}/{register}", (purpose,), endpoints)
        data = tuple(one.format(register) for kind in kinds for one in DATA_ENDPOINTS.get(kind, ()))
        if data:
            yield Permission(reader, f"{owner}/{DATA}", (purpose,), data)
        if FOLLOW in kinds:
            yield Permission(owner, f"{reader}/{CHANGES}", (purpose,), ("POST /told",))


def _files(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        document, faults = parse(path, path.name)
        if not faults and isinstance(document.data, dict):
            yield document.data
