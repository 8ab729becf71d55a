"""X-Road metaservices: who takes part, what a provider offers, what a client may use, how a service is described."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

from onedoor.exchange import openapi
from onedoor.exchange.configuration import Configuration, Member
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import Fault, client_side, kinds, server_side
from onedoor.exchange.gateway.local import Provided, authority
from onedoor.exchange.gateway.messages import Fields, Headers, printable
from onedoor.exchange.gateway.nodes import Errand, Node, Reply
from onedoor.exchange.identifiers import Target

CODES = frozenset(("listMethods", "allowedMethods", "getOpenAPI"))
"""What a provider's gateway answers itself, to GET alone."""
JSON = b"application/json;charset=utf-8"
_NAMES = ("xroad_instance", "member_class", "member_code", "subsystem_code", "service_code")
_logger = logging.getLogger(__name__)
_TAGS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")


def methods(core: Core, target: Target, client: str) -> tuple[Headers, bytes]:
    """Return headers and body of listMethods or allowedMethods: services with endpoints, for the latter *client*'s."""
    offered = [one for one in core.local.services.values() if one.service.startswith(f"{target.provider}/")]
    listed: list[tuple[Provided, Sequence[tuple[str, str]]]] = [(one, one.endpoints) for one in offered]
    if target.code == "allowedMethods":
        listed = [(one, found) for one in offered if (found := core.callable_by(client, one.service, one.endpoints))]
    body = {"service": [_method(*one) for one in listed]}
    return [(b"Content-Type", JSON)], json.dumps(body, ensure_ascii=False).encode()


def list_clients(configuration: Configuration, query: str, accept: list[bytes]) -> tuple[Headers, bytes]:
    """Return the members and subsystems of an instance, as JSON when *accept* wants it, otherwise as XML.

    It is our own, or the one that the *query* names: of a partner of the federation what it publishes is told.
    """
    instance = parse_qs(query).get("xRoadInstance", [configuration.instance])[0]
    known = {configuration.instance: configuration.members}
    known |= {one.instance: one.members for one in configuration.partners}
    if instance not in known:
        raise client_side("UnknownMember", "This instance does not take part in the federation")
    members = known[instance]
    if "application/json" in kinds(accept):
        body = {"member": [one for member in members for one in _clients(member)]}
        return [(b"Content-Type", JSON)], json.dumps(body, ensure_ascii=False).encode()
    return [(b"Content-Type", b"text/xml;charset=utf-8")], _client_list(members).encode()


def described(core: Core, target: Target) -> Provided:
    """Return the service whose description getOpenAPI asks for; raise the fault of one that has none."""
    given = {name.lower(): value for name, value in parse_qsl(target.query)}
    code = given.get("servicecode", "")
    if not code:
        raise server_side("InvalidRequest", "Missing serviceCode in message body")
    provided = core.local.services.get(f"{target.provider}/{code}")
    if provided is None:
        raise server_side("InternalError", f"Service not found: SERVICE:{target.provider}/{code[:80]}")
    if provided.kind == "REST":
        raise server_side("InternalError", "Invalid service type: REST")
    return provided


def fetch(
    provided: Provided,
    node: Node,
    circuit: Circuit,
    done: Callable[[Headers, bytes], None],
    failed: Callable[[Fault], None],
) -> None:
    """Ask the service's own system for its description; *done* gets its headers and text, or *failed* the reason."""
    node.admit(circuit, time.monotonic())
    path = provided.at(provided.description)
    host = authority(provided.host, provided.port)
    url = f"https://{host}{path}"
    accept = "Accept: application/json, application/yaml"
    wire = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{accept}\r\n\r\n".encode()

    def came(reply: Reply) -> None:
        if reply.status != HTTPStatus.OK:
            why = f"Status: {reply.status} Reason: {printable(reply.reason).decode()}"
            failed(server_side("InternalError", f"Failed reading service description from {url}. {why}"))
            return
        work = asyncio.get_running_loop().run_in_executor(None, openapi.anonymous, reply.body)
        work.add_done_callback(lambda work: hidden(work, Fields(reply.headers).first(b"content-type")))

    def hidden(work: "asyncio.Future[bytes]", kind: str) -> None:
        if work.cancelled() or work.exception():
            error = None if work.cancelled() else work.exception()
            _logger.warning("description.refused service=%s", provided.service, exc_info=error)
            why = "Failed overwriting origin URL for the openapi servers for"
            failed(server_side("InternalError", f"{why} {url}"))
        else:
            done([(b"Content-Type", kind.encode("latin-1") or b"text/plain")], work.result())

    node.send(Errand(wire, "GET", True, time.monotonic() + provided.timeout, came, failed, circuit))


def _method(one: Provided, endpoints: Iterable[tuple[str, str]]) -> dict[str, Any]:
    names = dict(zip(_NAMES, one.service.split("/"), strict=True))
    listed = [{"method": method, "path": path} for method, path in endpoints]
    return {"object_type": "SERVICE", "service_type": one.kind, **names, "endpoint_list": listed}


def _clients(member: Member) -> list[dict[str, Any]]:
    found = [{"id": {"object_type": "MEMBER", **_id(member.id)}, "name": member.name}]
    for one in member.subsystems:
        entry = {"object_type": "SUBSYSTEM", **_id(one.id)}
        found.append({"id": entry, "name": member.name, "subsystem_name": one.name})
    return found


def _id(identifier: str) -> dict[str, str]:
    return dict(zip(_NAMES, identifier.split("/"), strict=False))


def _client_list(members: Iterable[Member]) -> str:
    entries: list[str] = []
    for member in members:
        entries.append(_client_xml("MEMBER", member.id, member.name))
        entries += [_client_xml("SUBSYSTEM", one.id, member.name, one.name) for one in member.subsystems]
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<xroad:clientList xmlns:id="http://x-road.eu/xsd/identifiers" xmlns:xroad="http://x-road.eu/xsd/xroad.xsd">'
        + "".join(entries)
        + "</xroad:clientList>\n"
    )


def _client_xml(kind: str, identifier: str, name: str, subsystem: str = "") -> str:
    parts = "".join(
        f"<id:{tag}>{escape(part)}</id:{tag}>" for tag, part in zip(_TAGS, identifier.split("/"), strict=False)
    )
    called = f"<xroad:subsystemName>{escape(subsystem)}</xroad:subsystemName>" if subsystem else ""
    return (
        f'<xroad:member><xroad:id id:objectType="{kind}">{parts}</xroad:id>'
        f"<xroad:name>{escape(name)}</xroad:name>{called}</xroad:member>"
    )
