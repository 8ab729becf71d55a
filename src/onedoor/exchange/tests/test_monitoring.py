"""Operational monitoring asked as X-Road's clients ask it (PR-OPMON 1.6): SOAP, an attachment, who sees what."""

import gzip
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from onedoor.exchange import configuration
from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.gateway import local, monitoring, records, soap
from onedoor.exchange.tests.nation import wait_for
from onedoor.exchange.tests.test_operations import kept, record
from onedoor.exchange.tests.test_soap import envelope, fault, identifier
from onedoor.exchange.tests.xroad import HALF, PETS, PORTAL, PROVIDER, Answer, XRoad
from onedoor.signing.certificates import load_certificates

OWNER, CONSUMER = "VN/GOV/G01", "VN/GOV/G22"
M = f"{{{soap.MONITORED}}}"
LONG, INT, DOUBLE = "long", "int", "double"
STATISTICS = [("successfulRequestCount", INT, 1), ("unsuccessfulRequestCount", INT, 1)] + [
    (f"{of}{before}{what}{after}", kind, 0)
    for of, what in (("request", "Duration"), ("request", "Size"), ("response", "Size"))
    for before, after, kind in (("Min", "", LONG), ("Average", "", DOUBLE), ("Max", "", LONG), ("", "StdDev", DOUBLE))
]
"""The elements of a service's statistics, in their order: name, type, how often at least."""


def schema() -> etree.XMLSchema:
    """Return the schema of both answers, as the protocol describes them."""

    def sequence(*elements: str) -> str:
        return f"<xs:complexType><xs:sequence>{''.join(elements)}</xs:sequence></xs:complexType>"

    def one(name: str, kind: str, least: int = 1) -> str:
        return f'<xs:element name="{name}" type="xs:{kind}" minOccurs="{least}"/>'

    def of(name: str, inside: str, how: str = "") -> str:
        return f'<xs:element name="{name}" {how}>{inside}</xs:element>'

    any_service = '<xs:complexType><xs:sequence><xs:any maxOccurs="6" processContents="skip"/></xs:sequence>'
    any_service += '<xs:anyAttribute processContents="skip"/></xs:complexType>'
    event = sequence(
        of("service", any_service),
        one("lastSuccessfulRequestTimestamp", LONG, 0),
        one("lastUnsuccessfulRequestTimestamp", LONG, 0),
        one("serviceType", "string", 0),
        of("lastPeriodStatistics", sequence(*(one(*row) for row in STATISTICS))),
    )
    events = of("serviceEvents", event, 'minOccurs="0" maxOccurs="unbounded"')
    health = [one("monitoringStartupTimestamp", LONG), one("statisticsPeriodSeconds", INT)]
    data = [one("recordsCount", INT), one("records", "anyURI"), one("nextRecordsFrom", LONG, 0)]
    return etree.XMLSchema(
        etree.fromstring(
            f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{soap.MONITORED}"'
            ' elementFormDefault="qualified">'
            + of(f"{monitoring.HEALTH}Response", sequence(*health, of("servicesEvents", sequence(events))))
            + of(f"{monitoring.DATA}Response", sequence(*data))
            + "</xs:schema>"
        )
    )


def question(code: str, body: str = "", by: str = PORTAL, to: str = OWNER, **changed: str) -> str:
    kind = "MEMBER" if by.count("/") == 2 else "SUBSYSTEM"
    fields = {
        "service": identifier("service", "SERVICE", f"{to}/X/{code}").replace(
            "<id:subsystemCode>X</id:subsystemCode>", ""
        )
    }
    server = identifier("securityServer", "SERVER", f"{to}/GATEWAY").replace("subsystemCode", "serverCode")
    fields |= {"client": identifier("client", kind, by), "securityServer": server}
    fields["id"] = f"<xrd:id>id-{time.monotonic_ns()}</xrd:id>"
    inside = f'<om:{code} xmlns:om="{soap.MONITORED}">{body}</om:{code}>'
    return envelope(code, inside, by, **(fields | changed))


def criteria(start: int, end: int, client: str = "", *fields: str) -> str:
    whom = identifier("client", "SUBSYSTEM", client).replace("xrd:client", "om:client") if client else ""
    search = f"<om:recordsFrom>{start}</om:recordsFrom><om:recordsTo>{end}</om:recordsTo>{whom}"
    spec = "".join(f"<om:outputField>{one}</om:outputField>" for one in fields)
    return f"<om:searchCriteria>{search}</om:searchCriteria>" + (
        f"<om:outputSpec>{spec}</om:outputSpec>" if spec else ""
    )


def ask(xroad: XRoad, text: str, member: str = "G22") -> Answer:
    return xroad.ask("/", "POST", [("Content-Type", "text/xml")], text.encode(), member=member)


def read(answer: Answer) -> tuple[Any, list[dict[str, Any]]]:
    """Return the element in the body of an answer with an attachment, valid by its schema, and the records in it."""
    assert answer.status == 200
    found = re.fullmatch(r'multipart/related; type="text/xml"; charset=UTF-8; boundary=(\S+)', answer["content-type"])
    assert found, answer.body
    before, first, second, after = answer.body.split(f"--{found[1]}".encode())
    assert (before, after) == (b"", b"--\r\n")
    head, _, body = second.partition(b"\r\n\r\n")
    assert b"content-type:application/gzip" in head
    assert b"content-id: <operational-monitoring-data.json.gz>" in head
    (element,) = etree.fromstring(first.partition(b"\r\n\r\n")[2].strip()).find(f"{{{soap.SOAP}}}Body")
    schema().assertValid(element)
    told = json.loads(gzip.decompress(body.removesuffix(b"\r\n")))["records"]
    assert element.findtext(f"{M}recordsCount") == str(len(told))
    assert element.findtext(f"{M}records") == "cid:operational-monitoring-data.json.gz"
    return element, told


@pytest.fixture(scope="module")
def past(both: XRoad) -> Iterator[int]:
    """Put records of an earlier time beside those of the provider's gateway; return their second."""
    folder = both.place.seats["G01"].gateway_state / records.FOLDER
    second = int(time.time()) - 3600
    other = f"{PROVIDER.rpartition('/')[0]}/OTHER"
    known = [
        record(id="theirs"),
        record(id="others", service=f"{other}/cards"),
        record(id="asked", type=records.CLIENT, client=PROVIDER, service="VN/GOV/G15/X/y"),
    ]
    path = folder / f"{records.KIND}{second:011d}-1-0.jsonl"
    path.write_bytes(b"".join(records.line(second, one) for one in known))
    yield second
    path.unlink()


def ids(told: list[dict[str, Any]]) -> set[str]:
    return {one["messageId"] for one in told}


def test_the_owner_is_told_every_record(xroad: XRoad, past: int) -> None:
    text = question(monitoring.DATA, criteria(past, past), OWNER)
    element, told = read(ask(xroad, text, "G01"))
    assert ids(told) == {"theirs", "others", "asked"}
    assert element.find(f"{M}nextRecordsFrom") is None
    (one,) = (one for one in told if one["messageId"] == "theirs")
    assert set(records.FIELDS) - set(one) == {
        *("serviceVersion", "requestMimeSize", "responseMimeSize", "faultCode", "faultString")
    }


def test_a_client_is_told_its_own_records_alone(xroad: XRoad, past: int) -> None:
    assert ids(read(ask(xroad, question(monitoring.DATA, criteria(past, past), PROVIDER), "G01"))[1]) == {
        "theirs",
        "asked",
    }
    assert read(ask(xroad, question(monitoring.DATA, criteria(past, past))))[1] == []  # of another member's
    assert read(ask(xroad, question(monitoring.DATA, criteria(past, past), CONSUMER)))[1] == []  # nor its owner


def test_records_are_filtered_by_provider_and_field(xroad: XRoad, past: int) -> None:
    wanted = criteria(past, past, PROVIDER, "messageId", "statusCode")
    told = read(ask(xroad, question(monitoring.DATA, wanted, OWNER), "G01"))[1]
    assert told == [{"messageId": "theirs", "statusCode": 200}]


def test_the_last_minute_is_withheld_and_where_to_go_on_is_told(xroad: XRoad, past: int) -> None:
    now = int(time.time())
    element, told = read(ask(xroad, question(monitoring.DATA, criteria(past, now + 9), OWNER), "G01"))
    assert "theirs" in ids(told)
    assert now - 60 <= int(element.findtext(f"{M}nextRecordsFrom")) <= int(time.time()) - 60
    assert all(one["monitoringDataTs"] < now - 59 for one in told)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (criteria(5, 4), "Records' ending timestamp is before their beginning timestamp"),
        (criteria(2 * 10**9, 2 * 10**9), "Records not available from 2000000000 yet"),
        (criteria(1, 2, "", "speed"), "Unknown output field in search criteria: speed"),
        ("", "recordsFrom is not a Unix timestamp in seconds"),
        (criteria(1, 2).replace(">1<", ">-1<"), "recordsFrom is not a Unix timestamp in seconds"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_with_a_reason(xroad: XRoad, body: str, why: str) -> None:
    type_, told = fault(ask(xroad, question(monitoring.DATA, body)))
    assert (type_, told) == ("Server.ServerProxy.InvalidRequest", why)


def test_who_names_the_owner_shows_a_certificate_of_its_systems(xroad: XRoad, past: int) -> None:
    text = question(monitoring.DATA, criteria(past, past), OWNER)
    assert fault(ask(xroad, text))[0] == "Server.ClientProxy.UnknownMember"  # at another member's gateway
    own = question(monitoring.DATA, criteria(past, past), CONSUMER, CONSUMER)
    shown = xroad.ask("/", "POST", [("Content-Type", "text/xml")], own.encode(), shown=False)
    assert fault(shown)[0] == "Server.ClientProxy.SslAuthenticationFailed"
    for_rest = xroad.ask(PETS, "GET", [("X-Road-Client", CONSUMER)])
    assert for_rest["x-road-error"] == "Server.ClientProxy.UnknownMember"  # a member asks for no service of others


def test_another_gateway_or_member_is_not_answered_for(xroad: XRoad) -> None:
    server = identifier("securityServer", "SERVER", f"{OWNER}/OTHER").replace("subsystemCode", "serverCode")
    assert fault(ask(xroad, question(monitoring.DATA, criteria(1, 2), securityServer=server)))[0].endswith(
        "InvalidSecurityServer"
    )
    assert fault(ask(xroad, question(monitoring.DATA, criteria(1, 2), to="VN/GOV/G99")))[0].endswith("UnknownMember")


def test_health_tells_each_service_of_the_last_ten_minutes(xroad: XRoad) -> None:
    xroad.ask(f"{PETS}/pets/7")
    xroad.ask(f"/r1/{PROVIDER}/guarded/no")

    def events() -> dict[str, Any]:
        answer = ask(xroad, question(monitoring.HEALTH, "", PORTAL))
        assert answer["content-type"] == "text/xml;charset=utf-8"
        (element,) = etree.fromstring(answer.body).find(f"{{{soap.SOAP}}}Body")
        schema().assertValid(element)
        assert element.findtext(f"{M}statisticsPeriodSeconds") == "600"
        assert 0 < time.time() * 1000 - int(element.findtext(f"{M}monitoringStartupTimestamp")) < 10**6
        return {one[0].findtext("{*}serviceCode"): one for one in element.iter(f"{M}serviceEvents")}

    wait_for(lambda: {"petstore", "guarded"} <= set(events()), "both services")
    found = events()["petstore"].find(f"{M}lastPeriodStatistics")
    assert int(found.findtext(f"{M}successfulRequestCount")) >= 1
    assert int(found.findtext(f"{M}requestMinSize")) <= float(found.findtext(f"{M}requestAverageSize"))
    assert events()["guarded"].findtext(f"{M}lastUnsuccessfulRequestTimestamp")
    whom = identifier("client", "SUBSYSTEM", f"{OWNER}/NONE").replace("xrd:client", "om:client")
    none = ask(xroad, question(monitoring.HEALTH, f"<om:filterCriteria>{whom}</om:filterCriteria>"))
    assert b"serviceEvents>" not in none.body.replace(b"servicesEvents>", b"")


def test_questions_for_records_are_messages_with_records_of_their_own(xroad: XRoad) -> None:
    text = question(monitoring.DATA, criteria(1, 2), id="<xrd:id>asked-for-records</xrd:id>")
    read(ask(xroad, text))
    assert fault(ask(xroad, text))[1] == "A message with this X-Road-Id was already received"

    def found(member: str) -> list[dict[str, Any]]:
        return [one for one in kept(xroad, member) if one.get("messageId") == "asked-for-records"]

    for member in ("G22", "G01"):
        wait_for(lambda member=member: len(found(member)) == 2, f"records at {member}")
        assert {one["succeeded"] for one in found(member)} == {True, False}
        assert {(one["serviceMemberCode"], one["serviceCode"]) for one in found(member)} == {("G01", monitoring.DATA)}
        assert not any("serviceSubsystemCode" in one for one in found(member))


def test_the_central_monitoring_client_is_told_every_record(xroad: XRoad) -> None:
    path = xroad.place.layout.directory / "content.json"
    before = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(before) | {"monitoring": PORTAL}))
        signed = Publisher(xroad.place.layout.directory).publish()
    finally:
        path.write_text(before)
    anchors = load_certificates(xroad.place.seats["G01"].gateway_state / local.ANCHOR)
    found = configuration.read(signed, anchors, moment=datetime.now(UTC))
    for client, told in ((PORTAL, True), (OWNER, True), (PROVIDER, True), (HALF, False), (CONSUMER, False)):
        sees = monitoring.sees(found, f"{OWNER}/GATEWAY", client)  # nothing for clients of other gateways
        assert (sees and sees(record(client=HALF))) is (told or None)


def operations(xroad: XRoad, client: str, member: str, query: str = "") -> Answer:
    return xroad.ask(f"/operations{query}", headers=[("X-Road-Client", client)], member=member)


def test_an_operators_page_is_told_how_the_gateway_works(xroad: XRoad) -> None:
    xroad.ask(f"{PETS}/pets/7")
    xroad.ask(f"/r1/{PROVIDER}/guarded/no")

    def services() -> dict[str, Any]:
        return {one["name"]: one for one in operations(xroad, OWNER, "G01", "?period=3600").json["services"]}

    wait_for(lambda: {f"{PROVIDER}/petstore", f"{PROVIDER}/guarded"} <= set(services()), "both services")
    told = operations(xroad, OWNER, "G01", "?period=3600").json
    assert sum(point["count"] for point in told["series"]) == sum(one["count"] for one in told["services"])
    assert services()[f"{PROVIDER}/petstore"]["p50"] <= services()[f"{PROVIDER}/petstore"]["p99"]
    assert {one["type"].casefold().replace("_", "") for one in told["faults"]} >= {"server.serverproxy.accessdenied"}
    assert CONSUMER in {one["name"] for one in told["clients"] if one["side"] == "Producer"}
    assert sum(one["count"] for one in told["batches"]) > 0
    assert {one["name"] for one in told["certificates"]} == {"outer", "inner", "signing"}
    assert told["configuration"]["ends"] > told["now"]
    assert (told["log"]["writable"], told["log"]["taken"] > 0, told["log"]["free"] > 0) == (True, True, True)


def test_a_system_is_told_of_its_own_messages_alone(xroad: XRoad) -> None:
    xroad.ask(f"{PETS}/pets/7")
    wait_for(lambda: bool(operations(xroad, PORTAL, "G22").json["services"]), "an own message")
    told = operations(xroad, PORTAL, "G22").json
    assert not {"log", "certificates", "batches"} & set(told)
    assert {one["side"] for one in told["services"]} == {"Client"}
    assert f"{PROVIDER}/petstore" not in {one["name"] for one in operations(xroad, HALF, "G22").json["services"]}
    assert operations(xroad, OWNER, "G22")["x-road-error"] == "Server.ClientProxy.UnknownMember"
    assert operations(xroad, PORTAL, "G22", "?period=1")["x-road-error"] == "Client.BadRequest"
    assert xroad.ask("/operations", headers=[])["x-road-error"] == "Client.BadRequest"


def test_anyone_is_told_which_services_there_are_and_whom_rights_let_ask(xroad: XRoad) -> None:
    told = xroad.ask("/catalogue", headers=[], shown=False).json
    services = {
        f"{two['id']}/{one['code']}": one
        for member in told["members"]
        for two in member["subsystems"]
        for one in two["services"]
    }
    found = services[f"{PROVIDER}/population"]
    assert PORTAL in {one["client"] for one in found["rights"]}
    assert (told["instance"], found["kind"]) == ("VN", "OPENAPI")
