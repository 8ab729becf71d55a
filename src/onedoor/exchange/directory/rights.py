"""From the nation's YAML to what the exchange needs: which services there are, who may call them for what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onedoor.exchange.permissions import Permission
from onedoor.kernel.nation.documents import parse

REGISTER_ENDPOINTS = {
    "read": ("POST /lookup", "POST /v*/lookup", "GET /v*/openapi.json"),
    "write": ("POST /records", "POST /v*/records", "POST /v*/try"),
    "correct": ("POST /corrections", "POST /corrections/asked"),
}
SERVICE_ENDPOINTS = ("* /**",)
DESCRIPTION = "/openapi.json"
"""Where a service describes itself, below its own address."""
CASES, CORRECTIONS, READS = "cases", "corrections", "reads"
"""Services that every system has besides its registers; the portal has no reads."""


@dataclass(frozen=True)
class Offer:
    """A service, what can be done there, and where below it its description stands."""

    service: str
    endpoints: tuple[str, ...]
    description: str


def offers(nation: Path, subsystems: Mapping[str, bool]) -> Iterator[Offer]:
    """Yield the services of *subsystems* (id → is it the portal's): their registers, then cases and reads."""
    for data in _files(nation / "registers"):
        if data.get("subsystem") in subsystems:
            endpoints = tuple(one for found in REGISTER_ENDPOINTS.values() for one in found)
            yield Offer(f"{data['subsystem']}/{data['register']}", endpoints, DESCRIPTION)
    for subsystem, portal in subsystems.items():
        yield Offer(f"{subsystem}/{CASES}", SERVICE_ENDPOINTS, DESCRIPTION)
        yield Offer(f"{subsystem}/{CORRECTIONS}", SERVICE_ENDPOINTS, DESCRIPTION)
        if not portal:
            yield Offer(f"{subsystem}/{READS}", SERVICE_ENDPOINTS, DESCRIPTION)


def permissions(nation: Path) -> Iterator[Permission]:
    """Yield what the nation's rights allow, by reader, service and purpose."""
    owners = {data["register"]: data["subsystem"] for data in _files(nation / "registers") if "subsystem" in data}
    for data in _files(nation / "rights"):
        for grant in data.get("grants", ()):
            found = _permission(str(data["purpose"]), grant, owners)
            if found:
                yield found


def _permission(purpose: str, grant: Mapping[str, Any], owners: Mapping[str, str]) -> Permission | None:
    if "register" in grant:
        register = str(grant["register"])
        if register not in owners:
            return None
        endpoints = tuple(one for kind in grant["operations"] for one in REGISTER_ENDPOINTS.get(kind, ()))
        return Permission(grant["reader"], f"{owners[register]}/{register}", (purpose,), endpoints)
    return Permission(grant["reader"], f"{grant['provider']}/{grant['service']}", (purpose,), SERVICE_ENDPOINTS)


def _files(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        document, faults = parse(path, path.name)
        if not faults and isinstance(document.data, dict):
            yield document.data
