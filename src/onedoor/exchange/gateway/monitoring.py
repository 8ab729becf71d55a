"""Answers X-Road's operational monitoring (PR-OPMON 1.6): records of a time, and the health of services.

The member whose gateway it is and the central monitoring client of the configuration are told every record, any other
client those of its own messages alone. How healthy services are is told to all, as X-Road does.
"""

import gzip
import json
import re
import time
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from onedoor.exchange import identifiers
from onedoor.exchange.configuration import Configuration, Gateway
from onedoor.exchange.gateway import healthy, records, soap
from onedoor.exchange.gateway.faults import Fault, client_side, server_side
from onedoor.exchange.gateway.healthy import Part, State
from onedoor.exchange.gateway.messages import Headers
from onedoor.exchange.gateway.records import Record

if TYPE_CHECKING:
    from onedoor.exchange.gateway.operations import Operations

DATA, HEALTH = "getSecurityServerOperationalData", "getSecurityServerHealthData"
WITHHELD = 60
"""Seconds of which records may not all be written yet: X-Road's default."""
LONGEST_ID = 255
MOST = 10_000
"""Records in one answer, X-Road's default; those of the same second stay together."""
ATTACHMENT = "operational-monitoring-data.json.gz"
_OF_MEMBER = re.compile(rb"/r1(?:/[^/]+){3}")
_ASKED, _CRITERIA = f"S:Body/M:{DATA}", f"S:Body/M:{DATA}/M:searchCriteria"
_FILTER = f"S:Body/M:{HEALTH}/M:filterCriteria/M:client"
_STATISTICS = (("request", "Duration"), ("request", "Size"), ("response", "Size"))
Wanted = Callable[[Record], bool]


def gateway_for(configuration: Configuration, errand: soap.Errand) -> Gateway:
    """Return the gateway of a member that is asked: the one that is named, or its only one; raise `Fault`."""
    theirs = [one for one in configuration.gateways.values() if one.id.rpartition("/")[0] == errand.member]
    if not theirs:
        raise client_side("UnknownMember", f'Could not find addresses for service provider "MEMBER:{errand.member}"')
    found = next((one for one in theirs if errand.server in ("", one.id)), None)
    if found is None:
        raise client_side("InvalidSecurityServer", f'Invalid security server "SERVER:{errand.server}"')
    return found


def headers(errand: soap.Errand, request_id: str) -> Headers:
    """Return the headers that the question travels with between gateways."""
    usable = errand.id.isascii() and errand.id.isprintable() and 0 < len(errand.id) <= LONGEST_ID
    names = [
        (b"X-Road-Client", identifiers.write_identifier(errand.client).encode()),
        (b"X-Road-Id", errand.id.encode() if usable else request_id.encode()),
        (b"X-Road-Request-Id", request_id.encode()),
        (b"Content-Type", b"text/xml"),
    ]
    server = identifiers.write_identifier(errand.server).encode()
    return [*names, (b"X-Road-Security-Server", server)] if server else names


def target(errand: soap.Errand) -> bytes:
    """Return where the question goes between gateways: a service of the member itself."""
    return f"/r1/{identifiers.write_identifier(errand.member)}/{errand.code}".encode()


def meant(method: str, raw: bytes) -> tuple[str, str] | None:
    """Return member and service that the *raw* target of a request between gateways asks for; nothing if another."""
    path, _, code = raw.rpartition(b"/")
    if method != "POST" or code.decode("latin-1") not in identifiers.MONITORING or not _OF_MEMBER.fullmatch(path):
        return None
    return identifiers.read_identifier(path[len(b"/r1/") :].decode("latin-1"), identifiers.MEMBER), code.decode()


def sees(configuration: Configuration, own: str, client: str) -> Wanted | None:
    """Return which records of the gateway *own* the *client* is told; nothing if none can be its."""
    if sees_all(configuration, own, client):
        return lambda _: True
    gateway = configuration.gateways.get(own)
    return (lambda record: record.owner == client) if gateway and client in gateway.clients else None


def sees_all(configuration: Configuration, own: str, client: str) -> bool:
    """Return whether *client* is the member of the gateway *own*, or the central monitoring client."""
    return client in (own.rpartition("/")[0], configuration.monitoring)


def answer(operations: "Operations", code: str, wanted: Wanted | None, raw: bytes) -> tuple[Headers, bytes]:
    """Return headers and body of the answer to the SOAP request in *raw*; raise `Fault`.

    Whose records there are none of (*wanted* is nothing) is told so without a file being read.
    """
    message = soap.read(raw)
    if f"S:Body/M:{code}" not in message.texts:
        raise server_side("InvalidRequest", f"The body of the message is not {code}")
    if code == HEALTH:
        return soap.TYPE, message.answer(_health(operations, message), raw)
    return _data(operations, wanted, message, raw)


def _data(operations: "Operations", wanted: Wanted | None, message: soap.Message, raw: bytes) -> tuple[Headers, bytes]:
    start, end = (_second(message, name) for name in ("recordsFrom", "recordsTo"))
    there = int(time.time()) - WITHHELD
    if end < start:
        raise server_side("InvalidRequest", "Records' ending timestamp is before their beginning timestamp")
    if start >= there:
        raise server_side("InvalidRequest", f"Records not available from {start} yet")
    fields = _fields(message)
    asked, until = _by_client(message, wanted or (lambda _: False)), min(end, there - 1)
    found, more = records.found(operations.folder, start, until, asked, MOST) if wanted else ([], None)
    if more is None and end >= there:
        more = there
    told = [records.told(*one) for one in found]
    if fields:
        told = [{name: value for name, value in one.items() if name in fields} for one in told]
    payload = gzip.compress(json.dumps({"records": told}, ensure_ascii=False).encode(), 5)
    return _multipart(message.answer(_data_body(len(told), more), raw), payload)


def _data_body(count: int, more: int | None) -> str:
    next_ = "" if more is None else f"<om:nextRecordsFrom>{more}</om:nextRecordsFrom>"
    return (
        f'<om:{DATA}Response xmlns:om="{soap.MONITORED}"><om:recordsCount>{count}</om:recordsCount>'
        f"<om:records>cid:{ATTACHMENT}</om:records>{next_}</om:{DATA}Response>"
    )


def _multipart(envelope: bytes, payload: bytes) -> tuple[Headers, bytes]:
    """Return the answer with its attachment (SOAP with attachments, swaRef)."""
    boundary = f"xroad{token_hex(16)}".encode()
    head = b'multipart/related; type="text/xml"; charset=UTF-8; boundary=%b' % boundary
    parts = (
        b"--%b\r\ncontent-type:text/xml\r\n\r\n%b\r\n" % (boundary, envelope),
        b"--%b\r\ncontent-type:application/gzip\r\ncontent-transfer-encoding: binary\r\n" % boundary,
        b"content-id: <%b>\r\n\r\n%b\r\n--%b--\r\n" % (ATTACHMENT.encode(), payload, boundary),
    )
    return [(b"Content-Type", head)], b"".join(parts)


def _second(message: soap.Message, name: str) -> int:
    text = message.texts.get(f"{_CRITERIA}/M:{name}", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 12):  # noqa: PLR2004 - the year 5138
        raise server_side("InvalidRequest", f"{name} is not a Unix timestamp in seconds")
    return int(text)


def _fields(message: soap.Message) -> set[str]:
    fields = {one.strip() for one in message.repeated.get(f"{_ASKED}/M:outputSpec/M:outputField", ())}
    for unknown in sorted(fields - set(records.FIELDS)):
        raise server_side("InvalidRequest", f"Unknown output field in search criteria: {unknown[:80]}")
    return fields


def _by_client(message: soap.Message, wanted: Wanted) -> Wanted:
    """Return what is *wanted*, and of the provider alone that the search criteria name, if they name one."""
    if f"{_CRITERIA}/M:client" not in message.texts:
        return wanted
    provider = _client(message, f"{_CRITERIA}/M:client")
    return lambda one: wanted(one) and _provided_by(one.service) == provider


def _client(message: soap.Message, way: str) -> str:
    try:
        return message.identifier_at(way, identifiers.MEMBER, identifiers.SUBSYSTEM)
    except Fault as fault:
        raise server_side("InvalidRequest", fault.message) from None


def _provided_by(service: str) -> str:
    return "/".join(service.split("/")[:4]).removesuffix("/")


def _health(operations: "Operations", message: soap.Message) -> str:
    provider = _client(message, _FILTER) if _FILTER in message.texts else ""
    known = operations.healthy(int(time.time()))
    events = "".join(_events(*one) for one in known if provider in ("", _provided_by(one[0])))
    return (
        f'<om:{HEALTH}Response xmlns:om="{soap.MONITORED}" xmlns:id="{soap.IDENTIFIERS}">'
        f"<om:monitoringStartupTimestamp>{operations.began}</om:monitoringStartupTimestamp>"
        f"<om:statisticsPeriodSeconds>{healthy.PERIOD}</om:statisticsPeriodSeconds>"
        f"<om:servicesEvents>{events}</om:servicesEvents></om:{HEALTH}Response>"
    )


def _events(service: str, state: State, period: Part) -> str:
    names = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode")
    named = "".join(
        f"<id:{name}>{escape(part)}</id:{name}>" for name, part in zip(names, service.split("/"), strict=True)
    )
    last = "".join(
        f"<om:last{name}RequestTimestamp>{moment}</om:last{name}RequestTimestamp>"
        for name, moment in (("Successful", state.succeeded), ("Unsuccessful", state.failed))
        if moment
    )
    return (
        f'<om:serviceEvents><om:service id:objectType="SERVICE">{named}</om:service>{last}'
        f"<om:serviceType>{state.kind}</om:serviceType>{_statistics(period)}</om:serviceEvents>"
    )


def _statistics(last: Part) -> str:
    counts = f"<om:successfulRequestCount>{last.good}</om:successfulRequestCount>"
    counts += f"<om:unsuccessfulRequestCount>{last.bad}</om:unsuccessfulRequestCount>"
    spreads = zip(_STATISTICS, last.spreads if last.good else (), strict=False)
    for (of, what), spread in spreads:
        least, mean, most, deviation = spread.told(last.good)
        counts += f"<om:{of}Min{what}>{least}</om:{of}Min{what}>"
        counts += f"<om:{of}Average{what}>{mean}</om:{of}Average{what}>"
        counts += f"<om:{of}Max{what}>{most}</om:{of}Max{what}>"
        counts += f"<om:{of}{what}StdDev>{deviation}</om:{of}{what}StdDev>"
    return f"<om:lastPeriodStatistics>{counts}</om:lastPeriodStatistics>"
