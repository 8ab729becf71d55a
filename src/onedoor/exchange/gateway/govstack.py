"""GovStack's Information Mediator at a mount beside ``/r1``: the same messages and lists, under GovStack's names.

A client says who it is in ``X-GovStack-Client``; listClients, listMethods and allowedMethods answer with the names of
the directory API, version 1.0. All else is X-Road's protocol as it stands.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode

from onedoor.exchange.gateway.bodies import Body
from onedoor.exchange.gateway.faults import bad_request, client_side
from onedoor.exchange.gateway.messages import Fields, Headers
from onedoor.exchange.gateway.systems import Answering, Asked

MOUNT = b"/govstack"
CLIENT, XROAD = b"x-govstack-client", b"x-road-client"
LISTS = re.compile(rb"/listClients|/r1(/[^/]+){4}/(listMethods|allowedMethods)")
"""What a gateway answers with a list of its own; what else ends so is a service's own."""
_NAMES = {
    "object_type": "objectType",
    "xroad_instance": "instanceId",
    "member_class": "memberClass",
    "member_code": "memberCode",
    "subsystem_code": "applicationCode",
    "service_code": "serviceCode",
    "service_version": "serviceVersion",
    "service_type": "serviceType",
}


class Retelling:
    """Tells *connection* a list of X-Road's by GovStack's names; of one service, if *only* that is wanted."""

    def __init__(self, connection: Answering, only: str) -> None:
        self._connection, self._only = connection, only

    def answer(self, status: int, reason: bytes, headers: Headers, body: bytes, *, head_only: bool = False) -> None:
        """Write the answer; what is no list, such as an error, stays as it is."""
        if status == HTTPStatus.OK:
            try:
                body = json.dumps(_told(json.loads(body), self._only), ensure_ascii=False).encode()
            except (ValueError, TypeError, AttributeError, RecursionError):
                broken = client_side("InternalError", "The list of the other gateway cannot be read")
                status, reason, (headers, body) = broken.status, broken.reason, broken.told([b"application/json"])
        self._connection.answer(status, reason, headers, body, head_only=head_only)

    def pass_on(self, status: int, reason: bytes, headers: Headers, body: Body) -> None:
        """Write what is too large for a list as it comes."""
        self._connection.pass_on(status, reason, headers, body)


def mounted(asked: Asked, connection: Answering) -> tuple[Asked, Answering]:
    """Return what *asked*, below the mount, means to X-Road, and to whom its answer goes; raise `Fault`."""
    sent = asked.headers
    if sent.every(XROAD):
        raise bad_request("Below /govstack a client is named by X-GovStack-Client alone")
    pairs = [(XROAD if name.lower() == CLIENT else name, value) for name, value in sent.pairs]
    path, _, query = asked.target[len(MOUNT) :].partition(b"?")
    if path.startswith(MOUNT):
        raise bad_request("What is below /govstack is not below it once more")
    given = {name: values[0] for name, values in parse_qs(query.decode("latin-1")).items()}
    if LISTS.fullmatch(path):
        connection = Retelling(connection, given.get("serviceId", ""))
        pairs.append((b"Accept", b"application/json"))
        query = urlencode({"xRoadInstance": given["instanceId"]}).encode() if "instanceId" in given else b""
    target = path + (b"?" + query if query else b"")
    return replace(asked, target=target, headers=Fields(pairs)), connection


def _told(found: Mapping[str, Any], only: str) -> dict[str, Any]:
    """Return a list of members or of services by GovStack's names."""
    listed = [_named(one) for one in found.get("member", found.get("service", ()))]
    return {"member": [one for one in listed if not only or one.get("serviceCode") == only]}


def _named(one: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in one.items():
        if name == "id":
            told["id"] = _named(value)
        elif name == "endpoint_list":
            told["endpointList"] = {"member": value}
        else:
            told[_NAMES.get(name, name)] = "APPLICATION" if (name, value) == ("object_type", "SUBSYSTEM") else value
    return told
