"""What the signed configuration says of services, for anyone: who offers what, and whom rights let ask."""

import json

from onedoor.exchange.configuration import Configuration, Member, Subsystem
from onedoor.exchange.gateway.messages import Headers
from onedoor.exchange.gateway.metaservices import JSON
from onedoor.exchange.permissions import Permission


def answer(configuration: Configuration) -> tuple[Headers, bytes]:
    """Return headers and body of the catalogue of *configuration*, with its serial number."""
    rights: dict[str, list[Permission]] = {}
    for one in configuration.rights:
        rights.setdefault(one.service, []).append(one)
    told = {
        "instance": configuration.instance,
        "serial": configuration.serial,
        "generated": configuration.generated.isoformat(),
        "members": [_member(one, rights) for one in configuration.members],
    }
    return [(b"Content-Type", JSON)], json.dumps(told, ensure_ascii=False).encode()


def _member(member: Member, rights: dict[str, list[Permission]]) -> dict[str, object]:
    subsystems = [_subsystem(one, rights) for one in member.subsystems]
    return {"id": member.id, "name": member.name, "subsystems": subsystems}


def _subsystem(subsystem: Subsystem, rights: dict[str, list[Permission]]) -> dict[str, object]:
    services = [
        {
            "code": one.code,
            "kind": one.kind,
            "rights": [_right(two) for two in rights.get(f"{subsystem.id}/{one.code}", ())],
        }
        for one in subsystem.services
    ]
    return {"id": subsystem.id, "name": subsystem.name, "services": services}


def _right(one: Permission) -> dict[str, object]:
    return {"client": one.client, "purposes": list(one.purposes), "endpoints": list(one.endpoints)}
