"""Who sent a logged X-Road message to whom, as its head says: REST (PR-REST r1) and SOAP (PR-MESS 4.0)."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from onedoor.signing.asice import documents
from onedoor.signing.asice.findings import Broken, Reason, Why

ENTRY = "message.xml"
MEMBER = 3
_SERVICE_PARTS = (4, 5, 6)
_REST_SERVICE_PARTS = 5
_CLIENT_PARTS = (3, 4)
_LARGEST_HEAD, _MOST_LINES = 1 << 20, 2_000
_PARTIAL = "206"
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
_HASHES = {"sha-512": "sha512", "sha-256": "sha256"}
_DIGEST = re.compile(r"(sha-512|sha-256)=:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):")
_STATUS = re.compile(r"\d{3}")
_VERBS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))
_ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
_ID = "{http://x-road.eu/xsd/identifiers}"
_XROAD = "{http://x-road.eu/xsd/xroad.xsd}"
_PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode", "serviceVersion")


@dataclass(frozen=True)
class Part:
    """That a response brought the bytes from *start* to before *end* of a file of *total*, with its *digests*.

    These are by the names of hashlib (``Content-Range``, RFC 9110; ``Repr-Digest``, RFC 9530).
    """

    start: int
    end: int
    total: int
    digests: Mapping[str, bytes]


@dataclass(frozen=True)
class Message:
    """What the head of a message tells: identifiers in X-Road's order, parts with ``/`` between; no personal data."""

    kind: str
    id: str
    client: str
    service: str
    purpose: str = ""
    basis: str = ""
    streamed: bool = False
    """Whether its body passed as a stream, so that its gateways keep the digest alone."""
    part: Part | None = None

    @property
    def sender(self) -> str:
        """Return the member that sent it and must have signed it: instance/class/code."""
        side = self.service if self.kind.endswith("response") else self.client
        return "/".join(side.split("/")[:MEMBER])

    @property
    def instance(self) -> str:
        """Return the instance of its sender."""
        return self.sender.partition("/")[0]


def read(message: bytes) -> Message:
    """Return what the head of *message* tells; raise `Broken` when it does not name its two sides."""
    found = _soap(message) if message.lstrip().startswith((b"<", b"\xef\xbb\xbf<")) else _rest(message)
    if len(found.client.split("/")) not in _CLIENT_PARTS or len(found.service.split("/")) not in _SERVICE_PARTS:
        raise _unreadable(Why.SIDES)
    return found


def _rest(message: bytes) -> Message:
    try:
        lines = message.decode().split("\r\n")
    except UnicodeDecodeError:
        raise _unreadable(Why.NOT_UTF8) from None
    if len(message) > _LARGEST_HEAD or len(lines) > _MOST_LINES or len(lines) < MEMBER:
        raise _unreadable(Why.HEAD)
    response = bool(_STATUS.fullmatch(lines[0]))
    if not response and lines[0] not in _VERBS:
        raise _unreadable(Why.HEAD)
    pairs = (line.partition(":") for line in lines[2:] if line)
    heads = {name.lower(): value.strip() for name, _, value in pairs}  # of several the last one counts (PR-REST 4.3)
    service = heads.get("x-road-service", "") if response else _target(lines[1])
    return Message(
        kind="REST response" if response else "REST request",
        id=heads.get("x-road-id", ""),
        client=_identifier(heads.get("x-road-client", "").split("/")),
        service=_identifier(service.split("/")),
        purpose=heads.get("onedoor-purpose", ""),
        basis=heads.get("onedoor-basis", ""),
        streamed="onedoor-stream" in heads,
        part=_part(heads) if lines[0] == _PARTIAL else None,
    )


def _part(heads: Mapping[str, str]) -> Part | None:
    found = _CONTENT_RANGE.fullmatch(heads.get("content-range", ""))
    if found is None:
        return None
    start, last, total = (int(one) for one in found.groups())
    if not start <= last < total:  # names no part of anything (RFC 9110, 14.4)
        return None
    said = {name: base64.b64decode(value) for name, value in _DIGEST.findall(heads.get("repr-digest", ""))}
    return Part(start, last + 1, total, {_HASHES[name]: value for name, value in said.items()})


def _target(path: str) -> str:
    """Return the service's identifier in a request's path; what follows it is nobody's business here."""
    pieces = path.partition("?")[0].split("/")
    if pieces[:2] != ["", "r1"]:
        raise _unreadable(Why.HEAD)
    return "/".join(pieces[2 : 2 + _REST_SERVICE_PARTS])


def _identifier(parts: list[str]) -> str:
    decoded = [unquote(part) for part in parts]
    if any(not part or "/" in part or not part.isprintable() for part in decoded):
        raise _unreadable(Why.SIDES)
    return "/".join(decoded)


def _soap(message: bytes) -> Message:
    root = documents.parse_message(message.lstrip(), ENTRY)
    if root.tag != f"{_ENVELOPE}Envelope":
        raise _unreadable(Why.HEAD)
    header, body = (documents.only(root, f"{_ENVELOPE}{name}", ENTRY) for name in ("Header", "Body"))
    content = next(iter(body), None)
    response = content is not None and etree.QName(content).localname.endswith("Response")
    return Message(
        kind="SOAP response" if response else "SOAP request",
        id=documents.text(documents.only(header, f"{_XROAD}id", ENTRY), ENTRY),
        client=_named(documents.only(header, f"{_XROAD}client", ENTRY)),
        service=_named(documents.only(header, f"{_XROAD}service", ENTRY)),
    )


def _named(element: etree._Element) -> str:
    parts = {one.tag: documents.text(one, ENTRY) for one in element}
    return _identifier([parts[f"{_ID}{name}"] for name in _PARTS if f"{_ID}{name}" in parts])


def _unreadable(why: Why) -> Broken:
    return Broken(Reason.MESSAGE_UNREADABLE, why=why)
