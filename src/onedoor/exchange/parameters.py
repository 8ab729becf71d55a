"""The nation's configuration in X-Road's words (PR-GCONF): shared and private parameters, anchors.

They are written from the data that the directory signs for its own gateways and from nothing else: two forms, one
truth. Whoever has the same data writes the same bytes. Each document holds to the schemas of versions 5 and 6, which
differ in what may be left out.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificate

VERSIONS = (5, 6)
SHARED, PRIVATE, ANCHOR = "shared-params.xml", "private-params.xml", "configuration-anchor.xml"
OWN = "onedoor-params.json"
"""What partners that run onedoor need besides: PR-GCONF lets a source add files of its own."""
INTERNAL, EXTERNAL = "internal", "external"
"""The two sources of a directory: for the nation's own members, and for partners of a federation."""
EXTERNAL_LIST = "externalconf"
"""The signed list of what the external source has, or of its shared parameters alone."""
PROFILE = "ee.ria.xroad.common.certificateprofile.impl.BasicCertificateProfileInfoProvider"
"""How the development authority names members in certificates."""
FRESHNESS, STAMPING = 3600, 60
"""Seconds an OCSP response counts, and until signatures are time-stamped (X-Road's defaults)."""
NAMESPACE, _ID = "http://x-road.eu/xsd/xroad.xsd", "http://x-road.eu/xsd/identifiers"
_TAGS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
_MEMBER = 3
_OWNERS = ("security-server-owners", "Security server owners")
"""The group that X-Road's central server keeps by itself."""


def shared(data: Mapping[str, Any]) -> bytes:
    """Return the shared parameters: members, gateways, and whose certificates and time-stamps count."""
    root = _root("conf", data["instance"])
    _source(root, data)
    for one in data["authorities"]:
        _authority(root, one)
    for one in data.get("time_stampers", ()):
        _texts(SubElement(root, "approvedTSA"), name=one["name"], url=one["url"], cert=_cert(one["certificate"]))
    places = _members(root, data["members"])
    for one in data["gateways"]:
        _gateway(root, one, places)
    group = SubElement(root, "globalGroup")
    _texts(group, groupCode=_OWNERS[0], description=_OWNERS[1])
    for owner in dict.fromkeys(one["id"].rpartition("/")[0] for one in data["gateways"]):
        _identifier(group, "groupMember", owner)
    settings = SubElement(root, "globalSettings")
    for code in dict.fromkeys(one["id"].split("/")[1] for one in data["members"]):
        _class(settings, code)
    _texts(settings, ocspFreshnessSeconds=str(FRESHNESS))
    return _written(root)


def private(data: Mapping[str, Any]) -> bytes:
    """Return the private parameters, for the nation's own members.

    The schema asks for a management service. None answers: members are added by the directory's operator.
    """
    root = _root("conf", data["instance"])
    for one in data.get("anchors", ()):
        sources = {url: map(_cert, certificates) for url, certificates in one["sources"].items()}
        _anchor(SubElement(root, "configurationAnchor"), one["instance"], sources)
    service = SubElement(root, "managementService")
    _texts(service, authCertRegServiceAddress="")
    _identifier(service, "managementRequestServiceProviderId", data["operator"])
    _texts(root, timeStampingIntervalSeconds=str(STAMPING))
    return _written(root)


def anchor(instance: str, sources: Mapping[str, Iterable[Certificate]], moment: datetime | None = None) -> bytes:
    """Return the anchor of *sources*: by the address a list is fetched at, the certificates whose keys may sign it."""
    root = Element(f"{{{NAMESPACE}}}configurationAnchor")
    if moment:
        _texts(root, generatedAt=f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    _anchor(root, instance, {url: map(_der, certificates) for url, certificates in sources.items()})
    return _written(root)


def own(data: Mapping[str, Any]) -> bytes:
    """Return what a partner's gateways need to exchange messages with ours: no rights, no systems of members."""
    members = [{**one, "subsystems": [{**two, "systems": []} for two in one["subsystems"]]} for one in data["members"]]
    told = {"instance": data["instance"], "authorities": data["authorities"], "members": members}
    return json.dumps({**told, "gateways": data["gateways"]}, ensure_ascii=False, indent=1).encode()


def _anchor(element: Element, instance: str, sources: Mapping[str, Iterable[str]]) -> None:
    _texts(element, instanceIdentifier=instance)
    for url, certificates in sources.items():
        source = SubElement(element, "source")
        _texts(source, downloadURL=url)
        for one in certificates:
            _texts(source, verificationCert=one)


def _source(root: Element, data: Mapping[str, Any]) -> None:
    source = SubElement(root, "source")
    _texts(source, address=data["address"])
    for kind in (INTERNAL, EXTERNAL):
        for one in data.get("sources", {}).get(kind, ()):
            _texts(source, **{f"{kind}VerificationCert": _cert(one)})


def _authority(root: Element, data: Mapping[str, Any]) -> None:
    approved = SubElement(root, "approvedCA")
    _texts(approved, name=data["name"], authenticationOnly="false")
    top = SubElement(approved, "topCA")
    _texts(top, cert=_cert(data["certificate"]))
    for one in data["responders"]:
        _texts(SubElement(top, "ocsp"), url=one["url"], cert=_cert(one["certificate"]))
    _texts(approved, certificateProfileInfo=data["profile"])


def _members(root: Element, members: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Write *members* with their subsystems; return under which XML id each stands."""
    places: dict[str, str] = {}
    numbers = count()

    def placed(parent: Element, tag: str, identifier: str) -> Element:
        places[identifier] = f"id{next(numbers)}"
        return SubElement(parent, tag, id=places[identifier])

    for one in members:
        member, (_, category, code) = placed(root, "member", one["id"]), one["id"].split("/")
        _class(member, category)
        _texts(member, memberCode=code, name=one["name"])
        for two in one["subsystems"]:
            subsystem = placed(member, "subsystem", two["id"])
            _texts(subsystem, subsystemCode=two["id"].rpartition("/")[2], subsystemName=two["name"])
    return places


def _gateway(root: Element, data: Mapping[str, Any], places: Mapping[str, str]) -> None:
    server = SubElement(root, "securityServer")
    owner, _, code = data["id"].rpartition("/")
    host = urlsplit(f"//{data['address']}").hostname or ""
    _texts(server, owner=places[owner], serverCode=code, address=host)
    for one in (data, *([data["handover"]] if data.get("handover") else [])):
        _texts(server, authCertHash=base64.b64encode(bytes.fromhex(one["tls"])).decode())
    for one in data["clients"]:
        _texts(server, client=places[one])


def _class(parent: Element, code: str) -> None:
    """Write a member class; where nobody describes it, its code has to do."""
    _texts(SubElement(parent, "memberClass"), code=code, description=code)


def _identifier(parent: Element, tag: str, identifier: str) -> None:
    parts = identifier.split("/")
    kind = "MEMBER" if len(parts) == _MEMBER else "SUBSYSTEM"
    element = SubElement(parent, tag, {f"{{{_ID}}}objectType": kind})
    _texts(element, **{f"{{{_ID}}}{name}": part for name, part in zip(_TAGS, parts, strict=False)})


def _root(tag: str, instance: str) -> Element:
    root = Element(f"{{{NAMESPACE}}}{tag}")
    _texts(root, instanceIdentifier=instance)
    return root


def _texts(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = text


def _cert(pem: str) -> str:
    return _der(load_pem_x509_certificate(pem.encode()))


def _der(certificate: Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _written(root: Element) -> bytes:
    indent(root, " ")
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + body + b"\n"
