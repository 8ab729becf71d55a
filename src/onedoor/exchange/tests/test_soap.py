"""X-Road's metaservices over SOAP: what a client that asks for WSDLs meets (PR-MESS 4.0, PR-META)."""

import base64
import json
import re
import time
import xml.etree.ElementTree as ET
from contextlib import suppress
from hashlib import sha512

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.gateway import monitoring, soap
from onedoor.exchange.gateway.faults import Fault, told_by
from onedoor.exchange.tests.xroad import HALF, PORTAL, PROVIDER, Answer, XRoad

ID = "http://x-road.eu/xsd/identifiers"
S, X = (f"{{{one}}}" for one in (soap.SOAP, soap.XROAD))
FIELDS = ("client", "service", "id", "userId", "issue", "protocolVersion")


def identifier(name: str, kind: str, text: str) -> str:
    tags = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode")
    parts = "".join(f"<id:{tag}>{part}</id:{tag}>" for tag, part in zip(tags, text.split("/"), strict=False))
    return f'<xrd:{name} id:objectType="{kind}">{parts}</xrd:{name}>'


def envelope(code: str, body: str = "", by: str = PORTAL, **changed: str) -> str:
    fields = {
        "client": identifier("client", "SUBSYSTEM", by),
        "service": identifier("service", "SERVICE", f"{PROVIDER}/{code}"),
        "id": "<xrd:id>an id &amp; more</xrd:id>",
        "userId": "<xrd:userId>EE12345678901</xrd:userId>",
        "issue": "<!-- none --><xrd:issue/>",
        "protocolVersion": "<xrd:protocolVersion> 4.0 </xrd:protocolVersion>",
    } | changed
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<soapenv:Envelope xmlns:soapenv="{soap.SOAP}" xmlns:xrd="{soap.XROAD}" xmlns:id="{ID}">\n'
        f"<soapenv:Header>{''.join(fields.values())}</soapenv:Header>"
        f"<soapenv:Body>{body or f'<xrd:{code}/>'}</soapenv:Body></soapenv:Envelope>"
    )


def ask(xroad: XRoad, text: str, kind: str = "text/xml; charset=utf-8", **how: object) -> Answer:
    return xroad.ask("/", "POST", [("Content-Type", kind)], text.encode(), **how)


def fault(answer: Answer) -> tuple[str, str]:
    assert (answer.status, answer["content-type"]) == (200, "text/xml;charset=utf-8")
    assert re.search(b"<SOAP-ENV:Envelope.+</SOAP-ENV:Envelope>", answer.body)  # how clients find it
    found = ET.fromstring(answer.body).find(f"{S}Body/{S}Fault")
    assert found is not None
    assert len(found.findtext(f"detail/{X}faultDetail") or "") == 36
    return found.findtext("faultcode") or "", found.findtext("faultstring") or ""


@pytest.mark.parametrize("service", ["listMethods", "allowedMethods"])
def test_the_list_of_soap_services_is_empty(xroad: XRoad, service: str) -> None:
    answer = ask(xroad, envelope(service))
    assert (answer.status, answer["content-type"]) == (200, "text/xml;charset=utf-8")
    (response,) = ET.fromstring(answer.body).iterfind(f"{S}Body/*")
    assert (response.tag, list(response)) == (f"{X}{service}Response", [])


def test_a_response_repeats_the_header_in_order_and_adds_the_hash_of_the_request(xroad: XRoad) -> None:
    sent = envelope("listMethods")
    asked, answered = ET.fromstring(sent), ET.fromstring(ask(xroad, sent).body)
    before, after = (root.find(f"{S}Header") for root in (asked, answered))
    assert before is not None
    assert after is not None
    assert [one.tag for one in after] == [*(f"{X}{name}" for name in FIELDS), f"{X}requestHash"]
    assert [ET.tostring(one) for one in after][:-1] == [ET.tostring(one) for one in before]
    assert after[-1].get("algorithmId") == "http://www.w3.org/2001/04/xmlenc#sha512"
    assert after[-1].text == base64.b64encode(sha512(sent.encode()).digest()).decode()


@pytest.mark.parametrize(
    ("code", "type_", "message"),
    [
        ("", "Server.ServerProxy.InvalidRequest", "Missing serviceCode in message body"),
        ("population", "Server.ServerProxy.ServiceType", "Service is a REST service and does not have a WSDL"),
        ("a&lt;b", "Server.ServerProxy.UnknownService", f"Could not find wsdl URL for service SERVICE:{PROVIDER}/a<b"),
    ],
)
def test_there_is_no_wsdl_of_any_service(xroad: XRoad, code: str, type_: str, message: str) -> None:
    body = f"<xrd:getWsdl><xrd:serviceCode>{code}</xrd:serviceCode></xrd:getWsdl>"
    assert fault(ask(xroad, envelope("getWsdl", body))) == (type_, message)


def test_a_service_is_not_called_by_soap(xroad: XRoad) -> None:
    why = "Service is a REST service and cannot be called using SOAP interface"
    assert fault(ask(xroad, envelope("population"))) == ("Server.ServerProxy.ServiceType", why)
    type_ = "Server.ServerProxy.UnknownService"
    assert fault(ask(xroad, envelope("none"))) == (type_, f"Unknown service: SERVICE:{PROVIDER}/none")


def test_who_asks_by_soap_shows_who_it_is_as_by_rest(xroad: XRoad) -> None:
    assert fault(ask(xroad, envelope("listMethods"), shown=False))[0] == "Server.ClientProxy.SslAuthenticationFailed"
    assert ask(xroad, envelope("listMethods", by=HALF), shown=False).status == 200
    assert fault(ask(xroad, envelope("listMethods", by=PROVIDER)))[0] == "Server.ClientProxy.UnknownMember"
    own = envelope("listMethods", by=PROVIDER, service=identifier("service", "SERVICE", "VN/GOV/G99/X/listMethods"))
    assert fault(ask(xroad, own, member="G01"))[0] == "server.clientproxy.unknown_member"


@pytest.mark.parametrize("name", ["client", "service", "id", "protocolVersion"])
def test_a_mandatory_field_is_missed(xroad: XRoad, name: str) -> None:
    why = ("Client.MissingHeaderField", f"Required field '{name}' is missing")
    assert fault(ask(xroad, envelope("listMethods", **{name: ""}))) == why


GOOD = envelope("listMethods")
AFTER = GOOD.partition("\n")[2]
FILE = "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>"
LAUGHS = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
OLD = "<xrd:protocolVersion>3.1</xrd:protocolVersion>"
BAD = [
    ("nonsense", "Client.InvalidXml"),
    ("", "Client.InvalidXml"),
    ("<a/>", "Client.InvalidSoap"),
    (GOOD.replace(soap.SOAP, "http://www.w3.org/2003/05/soap-envelope"), "Client.InvalidSoap"),
    (GOOD.replace("soapenv:Header>", "soapenv:Other>"), "Client.MissingHeader"),
    (GOOD.replace("soapenv:Body>", "soapenv:Other>"), "Client.MissingBody"),
    (envelope("listMethods", id="<xrd:id>1</xrd:id><xrd:id>2</xrd:id>"), "Client.DuplicateHeaderField"),
    (envelope("listMethods", protocolVersion=OLD), "Client.InvalidProtocolVersion"),
    (envelope("listMethods", client=identifier("client", "MEMBER", "VN/GOV")), "Client.InvalidSoap"),
    (envelope("listMethods", client=identifier("client", "MEMBER", "VN/GOV/a b")), "Client.InvalidSoap"),
    (envelope("listMethods", client="<xrd:client>VN/GOV/G22</xrd:client>"), "Client.InvalidSoap"),
    (envelope("listMethods", id="<xrd:id>" + "<a>" * 9 + "</a>" * 9 + "</xrd:id>"), "Client.InvalidSoap"),
    (FILE + AFTER, "Client.InvalidXml"),
    (f"<!DOCTYPE a [{LAUGHS}]><a>&a9;</a>", "Client.InvalidXml"),
    (envelope("listMethods", id=f"<xrd:id>{'x' * soap.LARGEST}</xrd:id>"), "Client.InvalidSoap"),
    (GOOD.replace("UTF-8", "UTF-16"), ""),
]


@pytest.mark.parametrize(("text", "type_"), BAD, ids=range(len(BAD)))
def test_what_is_no_request_is_a_fault_at_once(xroad: XRoad, text: str, type_: str) -> None:
    begun = time.monotonic()
    answer = ask(xroad, text)
    assert fault(answer)[0] == type_ if type_ else b"listMethodsResponse" in answer.body
    assert time.monotonic() - begun < 20


def test_another_type_or_method_is_not_soap(xroad: XRoad) -> None:
    assert fault(ask(xroad, envelope("listMethods"), "application/soap+xml"))[0] == "Client.InvalidContentType"
    assert xroad.ask("/", headers=[])["x-road-error"] == "Client.BadRequest"


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=80), st.integers(0, 900))
def test_any_bytes_are_a_message_or_a_fault(noise: bytes, where: int) -> None:
    good = envelope("getWsdl").encode()
    for raw in (noise, good[:where] + noise + good[where:], good[:where] + noise):
        with suppress(Fault):
            ET.fromstring(soap.read(raw).answer("<a/>", raw))


@pytest.mark.parametrize(
    ("id_", "kept"),
    [
        ("an id", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("", False),
        ("a\r\nX-Road-UserId:b", False),
        ("é", False),
    ],
    ids=["an id", "long", "too long", "empty", "two lines", "not ASCII"],
)
def test_an_id_in_soap_becomes_a_header_only_if_it_can_be_one(id_: str, kept: bool) -> None:
    errand = soap.Errand("VN/GOV/G22", "VN/GOV/G01", "", "getSecurityServerHealthData", id_)
    headers = dict(monitoring.headers(errand, "request"))
    assert headers[b"X-Road-Id"] == (id_.encode() if kept else b"request")


def test_a_fault_that_another_gateway_told_is_a_text_and_nothing_else() -> None:
    hostile = "</x:faultDetail></detail><a/>\ud800\x00&b;"
    body = json.dumps({"message": hostile, "detail": hostile}).encode()
    assert told_by(f"Server.{hostile}", body, after="") is None
    told = told_by("Server.Of.It", body, after="")
    assert told
    assert (told.type, told.message) == ("Server.Of.It", "</x:faultDetail></detail><a/>&b;")
    assert hostile not in told.detail
    _, body = soap.told(Fault(f"Server.{hostile}", hostile, detail=hostile), newer=False)
    found = ET.fromstring(body).find(f"{S}Body/{S}Fault")
    assert found is not None
    assert [one.tag for one in found] == ["faultcode", "faultstring", "faultactor", "detail"]
    text = "</x:faultDetail></detail><a/>&b;"
    texts = [found.findtext(one) for one in ("faultcode", "faultstring", f"detail/{X}faultDetail")]
    assert texts == [f"Server.{text}", text, text]


@pytest.mark.parametrize("part", ["G%30%31", "G01/POPULATION", "%2F", " G01 "])
def test_a_part_of_an_identifier_in_soap_means_what_it_says(part: str) -> None:
    texts = dict(zip(("w/I:xRoadInstance", "w/I:memberClass", "w/I:memberCode"), ("VN", "GOV", part), strict=True))
    message = soap.Message(texts, {}, b"", b"")
    if part.strip() == "G01":
        assert message.identifier_at("w", 3) == "VN/GOV/G01"
    else:
        with pytest.raises(Fault, match="holds no identifier"):
            message.identifier_at("w", 3, 4)
