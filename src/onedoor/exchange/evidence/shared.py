"""What X-Road's shared parameters say of who takes part, as our own gateways read it (PR-GCONF 5 and 6).

They say nothing of a gateway's port, of the certificate it signs with, and of services: that a source may tell in a
file of its own, which adds to the shared parameters and overrules nothing in them.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from onedoor.exchange.evidence.anchors import certificate, text
from onedoor.exchange.parameters import SHARED
from onedoor.signing.asice import documents
from onedoor.signing.certificates import pem

_SUBSYSTEM = 4


def told(shared: bytes, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return members, gateways and authorities of the instance that *shared* is of, completed by what *own* adds.

    A gateway of which *own* does not tell how it is reached and signs is not among them. Raise ValueError, KeyError,
    TypeError, AttributeError or `Broken` for what is not well formed, or speaks of others than *shared* does.
    """
    root = documents.parse_message(shared, SHARED)
    instance = text(root, "instanceIdentifier")
    if own.get("instance", instance) != instance:
        raise ValueError("another instance")
    places: dict[str, str] = {}
    services = {two["id"]: two for one in own.get("members", ()) for two in one["subsystems"]}
    members = [_member(one, instance, places, services) for one in root.iterfind("member")]
    adds = {one["id"]: one for one in own.get("gateways", ())}
    known = dict(_servers(root, places))
    if not (adds.keys() <= known.keys() and services.keys() <= set(places.values())):
        raise ValueError("others than the shared parameters name")
    gateways = [_gateway(one, adds[name]) for name, one in known.items() if name in adds]
    return {"instance": instance, "authorities": list(_authorities(root)), "members": members, "gateways": gateways}


def _member(
    element: etree._Element, instance: str, places: dict[str, str], services: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a member; enter into *places* which XML ids it and its subsystems have."""
    identifier = f"{instance}/{text(element, 'memberClass/code')}/{text(element, 'memberCode')}"
    places[element.get("id", "")] = identifier
    subsystems = []
    for one in element.iterfind("subsystem"):
        code = text(one, "subsystemCode")
        places[one.get("id", "")] = below = f"{identifier}/{code}"
        name = one.findtext("subsystemName") or code
        adds = {name: list(services[below][name]) if below in services else [] for name in ("systems", "services")}
        subsystems.append({"id": below, "name": name, **adds})
    return {"id": identifier, "name": text(element, "name"), "subsystems": subsystems}


def _servers(root: etree._Element, places: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield identifier and what is told of each security server."""
    for one in root.iterfind("securityServer"):
        name = f"{places[text(one, 'owner')]}/{text(one, 'serverCode')}"
        clients = [places[client.text or ""] for client in one.iterfind("client")]
        yield (
            name,
            {
                "id": name,
                "host": text(one, "address"),
                "tls": [
                    base64.b64decode(mark.text or "", validate=True).hex() for mark in one.iterfind("authCertHash")
                ],
                "clients": [client for client in clients if client.count("/") == _SUBSYSTEM - 1],
            },
        )


def _gateway(server: Mapping[str, Any], adds: Mapping[str, Any]) -> dict[str, Any]:
    """Return a gateway: its certificates of TLS, also that of before, are of those that the server may show."""
    before = adds.get("handover")
    if not {adds["tls"], *([before["tls"]] if before else [])} <= set(server["tls"]):
        raise ValueError("a certificate that the shared parameters do not name")
    port = int(str(adds["address"]).rpartition(":")[2])
    kept = {name: server[name] for name in ("id", "clients")}
    kept |= {name: adds[name] for name in ("tls", "signing", "handover") if name in adds}
    return {**kept, "address": f"{server['host']}:{port}"}


def _authorities(root: etree._Element) -> Iterator[dict[str, Any]]:
    for one in root.iterfind("approvedCA"):
        for level in (*one.findall("topCA"), *one.findall("intermediateCA")):
            responders = [{"url": text(named, "url")} for named in level.findall("ocsp")]
            yield {"certificate": pem([certificate(text(level, "cert"))]).decode(), "responders": responders}
