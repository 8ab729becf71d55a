"""X-Road's metaservices over SOAP (PR-MESS 4.0, PR-META): no service here speaks SOAP, so every list is empty.

A request is answered by the gateway it comes to. Its header goes back as it was written, with the request's hash.
"""

import base64
import re
from dataclasses import dataclass
from hashlib import sha512
from typing import NoReturn
from urllib.parse import quote
from uuid import uuid4
from xml.parsers import expat

from onedoor.exchange import identifiers
from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway.clients import identify, identify_any
from onedoor.exchange.gateway.faults import CLIENT, Fault, client_side, in_xml, server_side, spelt
from onedoor.exchange.gateway.local import Local
from onedoor.exchange.gateway.messages import Headers
from onedoor.exchange.gateway.systems import Asked
from onedoor.exchange.identifiers import named

LARGEST, DEEPEST = 64 * 2**10, 8
"""Bytes of a request, and how deep its elements are nested."""
SOAP, XROAD = "http://schemas.xmlsoap.org/soap/envelope/", "http://x-road.eu/xsd/xroad.xsd"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
LISTS = ("listMethods", "allowedMethods")
VERSION = "4.0"
TYPE = [(b"Content-Type", b"text/xml;charset=utf-8")]
IDENTIFIERS, MONITORED = "http://x-road.eu/xsd/identifiers", "http://x-road.eu/xsd/op-monitoring.xsd"
_PREFIXES = {SOAP: "S", XROAD: "X", IDENTIFIERS: "I", MONITORED: "M"}
PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serverCode", "serviceCode")
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NAME = re.compile(rb"<([^\s/>]+)")


@dataclass(frozen=True)
class Message:
    """A SOAP request: its texts by the way to them, its bytes up to the header's end tag, and that."""

    texts: dict[str, str]
    repeated: dict[str, list[str]]
    opened: bytes
    closed: bytes

    def header(self, name: str) -> str:
        """Return the text of a header field; raise `Fault` when there is none."""
        found = self.texts.get(f"S:Header/X:{name}")
        if found is None:
            raise Fault(f"{CLIENT}.MissingHeaderField", f"Required field '{name}' is missing")
        return found.strip()

    def identifier(self, name: str, *sizes: int) -> str:
        """Return the identifier in a header field, without the version that REST does not know; raise `Fault`."""
        self.header(name)
        return self.identifier_at(f"S:Header/X:{name}", *sizes)

    def identifier_at(self, way: str, *sizes: int) -> str:
        """Return the identifier in the element at *way*; raise `Fault`."""
        given = [self.texts.get(f"{way}/I:{part}") for part in PARTS]
        try:
            text = "/".join(quote(part.strip(), safe="") for part in given if part is not None)
            return identifiers.read_identifier(text, *sizes)
        except identifiers.BadIdentifier as bad:
            name = way.rpartition(":")[2]
            raise Fault(f"{CLIENT}.InvalidSoap", f"The field '{name}' holds no identifier: {bad}") from None

    def answer(self, body: str, raw: bytes) -> bytes:
        """Return the response with *body* to this request, which came as *raw*."""
        digest = base64.b64encode(sha512(raw).digest()).decode()
        hash_ = f'<x:requestHash xmlns:x="{XROAD}" algorithmId="{SHA512}">{digest}</x:requestHash>'
        whole = f'<s:Body xmlns:s="{SOAP}">{body}</s:Body>'
        envelope = _NAME.match(self.opened)
        end = b"</%b>" % envelope[1] if envelope else b""
        return b"".join((_XML, self.opened, hash_.encode(), self.closed, whole.encode(), end))


@dataclass(frozen=True, slots=True)
class Errand:
    """A request for the gateway of another member, or of the own: who asks, whose, which service, the message's id."""

    client: str
    member: str
    server: str
    code: str
    id: str

    @property
    def service(self) -> str:
        """Return the service as it is kept in records: one of the member itself, with no subsystem."""
        return f"{self.member}//{self.code}"


def answer(configuration: Configuration, local: Local, asked: Asked) -> bytes | Errand:
    """Return the body of the answer to a SOAP request, or to which gateway it goes; raise `Fault`."""
    if not asked.headers.first(b"content-type").lower().startswith("text/xml"):
        raise Fault(f"{CLIENT}.InvalidContentType", "Only text/xml is spoken here")
    message = read(asked.body)
    if message.header("protocolVersion") != VERSION:
        raise Fault(f"{CLIENT}.InvalidProtocolVersion", f"Only version {VERSION} of the protocol is spoken here")
    message.header("id")
    client = message.identifier("client", identifiers.MEMBER, identifiers.SUBSYSTEM)
    if message.texts.get("S:Header/X:service/I:serviceCode", "").strip() in identifiers.MONITORING:
        identify_any(configuration, local, client, asked)
        member, _, code = message.identifier("service", identifiers.SUBSYSTEM).rpartition("/")
        given = "S:Header/X:securityServer" in message.texts
        server = message.identifier("securityServer", identifiers.SERVER) if given else ""
        return Errand(client, member, server, code, message.header("id"))
    service = message.identifier("service", identifiers.SERVICE)
    identify(configuration, local, client, asked)
    provider, _, code = service.rpartition("/")
    if provider not in configuration.gateways_of:
        why = f'Could not find addresses for service provider "{named(service)}"'
        raise client_side("UnknownMember", why)
    if code in LISTS:
        return message.answer(f'<x:{code}Response xmlns:x="{XROAD}"/>', asked.body)
    offered = configuration.subsystems.get(provider)  # of a partner's nothing is known here
    rest = {one.code for one in offered.services} if offered else set()
    if code != "getWsdl":
        if code in rest:
            raise server_side("ServiceType", "Service is a REST service and cannot be called using SOAP interface")
        raise server_side("UnknownService", f"Unknown service: {named(service)}")
    wanted = message.texts.get("S:Body/X:getWsdl/X:serviceCode", "").strip()
    if not wanted:
        raise server_side("InvalidRequest", "Missing serviceCode in message body")
    if wanted in rest:
        raise server_side("ServiceType", "Service is a REST service and does not have a WSDL")
    raise server_side("UnknownService", f"Could not find wsdl URL for service SERVICE:{provider}/{wanted[:80]}")


def told(fault: Fault, *, newer: bool) -> tuple[Headers, bytes]:
    """Return headers and body of the SOAP fault that tells *fault*; *newer* spells it as version 7.8 does.

    As X-Road's it goes with the status 200, and with a prefix that clients look for by its name.
    """
    type_ = in_xml(spelt(fault.type) if newer else fault.type)
    detail = f'<x:faultDetail xmlns:x="{XROAD}">{in_xml(fault.detail) or uuid4()}</x:faultDetail>'
    body = (
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}"><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>{type_}</faultcode>'
        f"<faultstring>{in_xml(fault.message)}</faultstring><faultactor/><detail>{detail}</detail>"
        "</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
    return [*TYPE, (b"SOAPAction", b"")], _XML + body.encode()


def read(raw: bytes) -> Message:
    """Return the SOAP request in *raw*; raise `Fault` for what is none, is too large or declares anything."""
    if len(raw) > LARGEST:
        raise Fault(f"{CLIENT}.InvalidSoap", f"The message is larger than {LARGEST} bytes")
    return _Reader(raw).message()


class _Reader:
    """Collects one message from expat's callbacks."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._way, self._texts = raw, list[str](), dict[str, str]()
        self._repeated: dict[str, list[str]] = {}
        self._start = self._end = -1
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._opened
        self._parser.EndElementHandler = self._ended
        self._parser.CharacterDataHandler = self._said
        self._parser.StartDoctypeDeclHandler = _refuse

    def message(self) -> Message:
        try:
            self._parser.Parse(self._raw, True)
        except expat.ExpatError as error:
            raise Fault(f"{CLIENT}.InvalidXml", f"The message is not XML: {expat.ErrorString(error.code)}") from None
        if self._end < 0:
            raise Fault(f"{CLIENT}.MissingHeader", "Malformed SOAP message: header missing")
        if "S:Body" not in self._texts:
            raise Fault(f"{CLIENT}.MissingBody", "Malformed SOAP message: body missing")
        after = self._raw.index(b">", self._end) + 1
        return Message(self._texts, self._repeated, self._raw[self._start : self._end], self._raw[self._end : after])

    def _opened(self, name: str, _attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if self._start < 0:
            self._start = self._parser.CurrentByteIndex
            if (space, local) != (SOAP, "Envelope"):
                raise Fault(f"{CLIENT}.InvalidSoap", "The message is not a SOAP 1.1 envelope")
            return
        self._way.append(f"{_PREFIXES.get(space, '?')}:{local}")
        if len(self._way) > DEEPEST:
            raise Fault(f"{CLIENT}.InvalidSoap", "The message is nested too deep")
        way = "/".join(self._way)
        if way in self._texts and not way.startswith(("S:Body/", "S:Header/?")):
            raise Fault(f"{CLIENT}.DuplicateHeaderField", f"SOAP header contains duplicate field '{local}'")
        self._texts[way] = ""

    def _ended(self, _: str) -> None:
        if self._way[:1] == ["S:Body"]:
            way = "/".join(self._way)
            self._repeated.setdefault(way, []).append(self._texts[way])
        if self._way == ["S:Header"]:
            self._end = self._parser.CurrentByteIndex
        if self._way:
            self._way.pop()

    def _said(self, text: str) -> None:
        if self._way:
            self._texts["/".join(self._way)] += text


def _refuse(*_: object) -> NoReturn:
    raise Fault(f"{CLIENT}.InvalidXml", "A message declares no document type and no entities")
