"""Makes the record of a message from what was noted of it; nothing of this costs the message time.

What somebody only wrote where the name of a service or a client belongs is not told: it could be the name of a person.
"""

from typing import TYPE_CHECKING

from onedoor.exchange.gateway import records
from onedoor.exchange.gateway.records import Record
from onedoor.exchange.identifiers import META, MONITORING
from onedoor.exchange.permissions import endpoint_of

if TYPE_CHECKING:
    from onedoor.exchange.configuration import Configuration
    from onedoor.exchange.gateway.watching import Noted

ASKING = "asking"
OPENAPI3 = "OPENAPI3"
LONGEST, LONGEST_REASON = 255, 300
"""Signs of a text, and of the reason of a fault."""


def record_of(noted: "Noted") -> Record:
    """Return what is kept of a message that has ended."""
    core, asking = noted.core, noted.side == ASKING
    configuration = core.current()
    service = _service(noted, configuration)
    known = service != "" and service == noted.named
    offered = None if asking else core.local.services.get(noted.named)
    own, other = (_host(configuration, name) for name in (core.id, noted.peer))
    first, second, third, fourth = (one // 10**6 for one in noted.moments)
    return Record(
        type=records.CLIENT if asking else records.PRODUCER,
        moments=(first, second, third, fourth),
        client=noted.client if _takes_part(configuration, noted.client) else "",
        service=service,
        method=noted.method[:LONGEST],
        path=endpoint_of(offered.endpoints, noted.method, noted.path or "/") if offered else "",
        party=_header(noted, b"x-road-represented-party"),
        id=_header(noted, b"x-road-id"),
        user=_header(noted, b"x-road-userid"),
        issue=_header(noted, b"x-road-issue"),
        addresses=(core.own_address, *((own, other) if asking else (other, own))),
        sizes=(noted.sizes[0], noted.sizes[1]),
        fault=noted.fault,
        reason=noted.why[:LONGEST_REASON] if known else "",
        status=noted.status,
        kind=_kind(configuration, noted) if known else "",
    )


def _header(noted: "Noted", name: bytes) -> str:
    return noted.headers.first(name)[:LONGEST]


def _host(configuration: "Configuration | None", gateway: str) -> str:
    found = configuration.gateways.get(gateway) if configuration else None
    return found.host if found else ""


def _takes_part(configuration: "Configuration | None", client: str) -> bool:
    """Return whether *client* is a subsystem that is known, or a member of the instance itself."""
    if configuration is None:
        return False
    return client in configuration.gateways_of or any(one.id == client for one in configuration.members)


def _service(noted: "Noted", configuration: "Configuration | None") -> str:
    """Return the service as far as the configuration, this gateway, X-Road itself or the provider's answer knows it."""
    provider, _, code = noted.named.rpartition("/")
    if not _takes_part(configuration, provider.removesuffix("/")):
        return ""
    there = not noted.fault or noted.fault.lower().replace("_", "").endswith("accessdenied")
    core, name = noted.core, noted.named
    there = there or name in core.services or name in core.local.services
    there = there or code in META | MONITORING
    return name if there and len(code) <= LONGEST else provider


def _kind(configuration: "Configuration | None", noted: "Noted") -> str:
    """Return the type of a service as X-Road names it, REST or OPENAPI3; nothing for what nobody lists here."""
    provider, _, code = noted.named.rpartition("/")
    listed = configuration.subsystems.get(provider) if configuration else None
    offered = noted.core.local.services.get(noted.named)
    kind = offered.kind if offered else ""
    if not kind and listed:
        kind = next((one.kind for one in listed.services if one.code == code), "")
    return OPENAPI3 if kind == "OPENAPI" else kind
