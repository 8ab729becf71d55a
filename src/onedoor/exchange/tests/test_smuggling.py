"""A corpus of requests and answers that two readers could take for different ones: refused alike on both sides."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from onedoor.exchange.gateway import batches
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.test_access import CLIMBING
from onedoor.exchange.tests.xroad import PETS, PORTAL, PROVIDER, XRoad

DOORS = {"G22": PORTAL, "G01": PROVIDER}  # of both gateways, for systems, and who asks there
SECOND = b"GET /listClients?second HTTP/1.1\r\nHost: g\r\n\r\n"
HEAD = b"POST %b HTTP/1.1\r\nHost: g\r\nX-Road-Client: %%b\r\n" % PETS.encode()
LENGTHS = [
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    b"Content-Length: 2, 2\r\n\r\nok",
    b"Content-Length: +2\r\n\r\nok",
    b"Content-Length: -2\r\n\r\nok",
    b"Content-Length: 0x2\r\n\r\nok",
    b"Content-Length: 2 2\r\n\r\nok",
    b"Content-Length: 2e0\r\n\r\nok",
    b"Content-Length: \xd9\xa2\r\n\r\nok",
    b"Content-Length:\r\n\r\n",
    b"Content-Length: 99999999999999999999999\r\n\r\nok",
    b"Content-Length: 18446744073709551618\r\n\r\nok",
    b"Content-Length : 2\r\n\r\nok",
    b"Content-Length\t: 2\r\n\r\nok",
    b" Content-Length: 2\r\n\r\nok",
    b"Content-Length: 2\x0b\r\n\r\nok",
    b"Content-Length: 2\x00\r\n\r\nok",
    b"Content-Length: 70000000000\r\n\r\nok",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n+2\r\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n 2\r\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nok0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n\r\nok\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Road-Client: VN/GOV/G15/CIVIL-STATUS\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 44\r\n\r\n",
]
LINES = [
    b"X-Own: a\r\n folded\r\n\r\n",
    b"X-Own: a\r\n\tX-Road-Id: folded\r\n\r\n",
    b"X-Own: a\rX-Road-Id: b\r\n\r\n",
    b"X-Own: a\nX-Road-Id: b\r\n\r\n",
    b"X-Own: a\r\r\nX-Road-Id: b\r\n\r\n",
    b"X-Own: a\x00b\r\n\r\n",
    b"X-Own: a\x01b\r\n\r\n",
    b"X-Own: a\x7fb\r\n\r\n",
    b"X-Own : a\r\n\r\n",
    b"X Own: a\r\n\r\n",
    b"X-Own(: a\r\n\r\n",
    b"X-\xc3\xa9: a\r\n\r\n",
    b"X-Own\x00: a\r\n\r\n",
    b": a\r\n\r\n",
    b"X-Own\r\n\r\n",
    b"\x0bX-Own: a\r\n\r\n",
    b"Host: other\r\n\r\n",
    b"Host : other\r\n\r\n",
    b"X-Long: " + b"x" * 2**16 + b"\r\n\r\n",
    b"X-Many: 1\r\n" * 200 + b"\r\n",
]
FIRST_LINES = [
    b"GET\t%b HTTP/1.1",
    b"GET %b HTTP/1.1 HTTP/1.1",
    b"GET %b\r HTTP/1.1",
    b"GET %b\x00 HTTP/1.1",
    b"GET %b\x80 HTTP/1.1",
    b"GET %b HTTP/9.9",
    b"GET %b HTTP/2.0",
    b"GET %b HTTP/1.1x",
    b"GET %b http/1.1",
    b"GET %b",
    b"GET%b HTTP/1.1",
    b"get %b HTTP/1.1",
    b" GET %b HTTP/1.1",
    b"GET http://other%b HTTP/1.1",
    b"GET https://g%b HTTP/1.1",
    b"GET //other%b HTTP/1.1",
    b"CONNECT %b HTTP/1.1",
    b"CONNECT other:443 HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"HTTP/1.1 200 OK",
]
HEADERS = [
    b"X_Road_Client: VN/GOV/G15/CIVIL-STATUS",
    b"X-Road_Id: a",
    b"Onedoor_Purpose: a",
    b"Onedoor-Person: 1",
    b"X-Road-Id: a\r\nX-Road-Id: b",
    b"X-Road-UserId: a\r\nx-road-userid: b",
    b"X-Road-Issue: a\r\nX-ROAD-ISSUE: b",
    b"X-Road-Security-Server: VN/GOV/G01/GATEWAY\r\nX-Road-Security-Server: VN/GOV/G01/GATEWAY",
    b"X-Road-Represented-Party: a\r\nX-Road-Represented-Party: b",
    b"X-Road-Represented-Party: a/b/c",
    b"Onedoor-Purpose: a\r\nOnedoor-Purpose: b",
    b"Idempotency-Key: a\r\nIdempotency-Key: b",
    b"Content-Type: text/xml\r\nContent-Type: application/json",
]
"""Well-formed headers that must not be: one of them stands in a good request."""
HEADS = [
    b"X-Own:a\nX-Road-Id:b\r\n",
    b"X-Own:a\rX-Road-Id:b\r\n",
    b"X-Own:a\x00\r\n",
    b"X-Own:a\r\n folded\r\n",
    b"X-Own :a\r\n",
    b"X Own:a\r\n",
    b":a\r\n",
    b"X-Own\r\n",
    b"X-Own:a",
    b"\r\n\r\n{}",
    b"X-Own:a\r\n\r\nGET /second HTTP/1.1\r\n\r\n",
    b"X-Road-Client:VN/GOV/G15/CIVIL-STATUS\r\n",
    b"x-road-client:VN/GOV/G15/CIVIL-STATUS\r\n",
    b"X-Road-Request-Id:second\r\n",
    b"Content-Length:44\r\n",
    b"Transfer-Encoding:chunked\r\n",
    b"Connection:keep-alive\r\n",
    b"Host:other\r\n",
    b"Upgrade:h2c\r\n",
    b"Expect:100-continue\r\n",
    b"TE:trailers\r\n",
]
"""What a gateway could write after a good head, besides `HEADERS`."""
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokay",
    b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX-Own: a\rX-Road-Id: b\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX-Own: a\nX-Road-Id: b\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX-Own: a\x00b\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX Own: a\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
    b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    b"\x00\x00\x12\x04\x00",
]


def answered(xroad: XRoad, member: str, wire: bytes) -> bytes:
    """Return everything that the door of *member*'s gateway says to *wire* until it closes."""
    said = b""
    with closing(xroad.connect(member)) as connection:
        connection.sendall(wire)
        while chunk := connection.recv(2**16):
            said += chunk
    return said


def refused(said: bytes) -> bool:
    """Return whether *said* is nothing, or one answer that tells the client's fault and no second one."""
    head, _, body = said.lower().partition(b"\r\n\r\n")
    kind = b"\r\nx-road-error: client.bad"
    return not said or (head.startswith(b"http/1.1 400 ") and kind in head and "client.bad" in json.loads(body)["type"])


@pytest.mark.parametrize("member", DOORS)
@pytest.mark.parametrize("rest", [*LENGTHS, *LINES])
def test_a_request_whose_end_is_in_doubt_is_refused_and_nothing_after_it_is_read(
    xroad: XRoad, member: str, rest: bytes
) -> None:
    assert refused(answered(xroad, member, HEAD % DOORS[member].encode() + rest + SECOND))
    assert not xroad.system.seen


@pytest.mark.parametrize("member", DOORS)
@pytest.mark.parametrize("line", FIRST_LINES)
def test_an_odd_request_line_is_refused(xroad: XRoad, member: str, line: bytes) -> None:
    first = line % PETS.encode() if b"%b" in line else line
    rest = b"\r\nHost: g\r\nConnection: close\r\nX-Road-Client: %b\r\n\r\n" % DOORS[member].encode()
    assert refused(answered(xroad, member, first + rest))
    assert not xroad.system.seen


@pytest.mark.parametrize("member", DOORS)
def test_lines_that_end_without_a_carriage_return_are_refused(xroad: XRoad, member: str) -> None:
    wire = HEAD % DOORS[member].encode() + b"Content-Length: 0\r\n\r\n"
    assert refused(answered(xroad, member, wire.replace(b"\r\n", b"\n") + SECOND))
    assert refused(answered(xroad, member, wire.replace(b"\r\n", b"\r") + SECOND))


@pytest.mark.parametrize("member", DOORS)
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_must_not_be_is_refused(xroad: XRoad, member: str, header: bytes) -> None:
    rest = header + b"\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    assert refused(answered(xroad, member, HEAD % DOORS[member].encode() + rest))
    assert not xroad.system.seen


@pytest.mark.parametrize("host", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nhost: b\r\n"])
def test_a_request_names_exactly_one_host(xroad: XRoad, host: bytes) -> None:
    wire = b"GET %b HTTP/1.1\r\n%bX-Road-Client: %b\r\n\r\n" % (PETS.encode(), host, PORTAL.encode())
    assert refused(answered(xroad, "G22", wire + SECOND))
    assert not xroad.system.seen


def test_what_follows_a_good_request_is_one_of_its_own(xroad: XRoad) -> None:
    body = b"GET /listClients HTTP/1.1\r\nHost: g\r\n\r\n"
    wire = HEAD % PORTAL.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
    said = answered(xroad, "G22", wire + SECOND.replace(b"Host", b"Connection: close\r\nHost"))
    assert (said.count(b"HTTP/1.1 200 OK"), said.count(b"clientList")) == (1, 2)
    assert [one["body"] for one in xroad.system.seen] == [body.decode()]


@pytest.mark.parametrize("line", [b"GET  %b HTTP/1.1", b"GET %b  HTTP/1.1", b"\r\nGET %b HTTP/1.1"])
def test_spaces_too_many_change_nothing_about_what_is_asked(xroad: XRoad, line: bytes) -> None:
    rest = b"\r\nHost: g\r\nConnection: close\r\nX-Road-Client: %b\r\n\r\n" % PORTAL.encode()
    assert answered(xroad, "G22", line % PETS.encode() + rest + SECOND).count(b"HTTP/1.1 200 ") == 1
    assert [one["path"] for one in xroad.system.seen] == ["/petstore"]


def test_good_requests_are_answered_before_a_bad_one_behind_them_is_refused(xroad: XRoad) -> None:
    good = b"GET %b HTTP/1.1\r\nHost: g\r\nX-Road-Client: %b\r\n\r\n" % (PETS.encode(), PORTAL.encode())
    said = answered(xroad, "G22", good * 3 + b"nonsense\r\n\r\n" + SECOND)
    assert [one[:3] for one in said.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"200", b"400"]
    assert said.count(b"Connection: close") == 1
    assert len(xroad.system.seen) == 3


@pytest.mark.parametrize(
    "body", [b"\r\n", b"Content-Length: 2\r\n\r\nok", b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"]
)
def test_another_protocol_is_not_taken_up(xroad: XRoad, body: bytes) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    wire = HEAD % PORTAL.encode() + offer + body
    said = answered(xroad, "G22", wire + SECOND.replace(b"Host", b"Connection: close\r\nHost"))
    assert (said.count(b"HTTP/1.1 200 "), said.count(b"clientList")) == (2, 2)
    assert xroad.system.seen[0]["body"] == ("ok" if b"ok" in body else "")
    assert "upgrade" not in xroad.system.seen[0]["headers"]


@pytest.fixture(scope="module")
def hostile(both: XRoad) -> Iterator[HostileGateway]:
    with closing(HostileGateway(both.place)) as gateway:
        yield gateway


@pytest.mark.parametrize("rest", [*HEADS, *(one.replace(b": ", b":") + b"\r\n" for one in HEADERS)])
def test_a_gateway_that_signs_such_a_head_is_refused_by_the_other(
    xroad: XRoad, hostile: HostileGateway, rest: bytes
) -> None:
    if rest.lower().startswith((b"x-road-id:", b"x-road-userid", b"x-road-issue", b"onedoor-purpose")):
        rest = rest.partition(b"\r\n")[2]  # the good head holds the first one
    answer = hostile.send(head_of() + rest)
    assert answer[:1] == bytes([batches.RESPONSES])
    assert b"X-Road-Error:Server.ServerProxy.InvalidRequest\r\n" in answer
    assert not xroad.system.seen


@pytest.mark.parametrize("path", CLIMBING)
def test_a_gateway_that_signs_a_path_that_climbs_is_refused_by_the_other(
    xroad: XRoad, hostile: HostileGateway, path: str
) -> None:
    answer = hostile.send(head_of(f"/r1/{PROVIDER}/guarded{path}"))
    assert b"X-Road-Error:Server.ServerProxy.InvalidRequest\r\n" in answer
    assert not xroad.system.seen


def test_a_good_head_is_served_on_the_same_link(xroad: XRoad, hostile: HostileGateway) -> None:
    assert b"200\r\n" in hostile.send(head_of(f"/r1/{PROVIDER}/guarded/deep/a"))
    assert len(xroad.system.seen) == 1


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_whose_end_is_in_doubt_is_an_error_and_touches_no_other(xroad: XRoad, answer: bytes) -> None:
    xroad.system.raw = answer
    assert xroad.ask()["x-road-error"].startswith("Server.ServerProxy.")
    xroad.system.raw = b""
    assert xroad.ask().status == 200


def test_what_a_system_says_after_its_body_is_no_header_of_the_answer(xroad: XRoad) -> None:
    xroad.system.raw = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\nAge: 1\r\n\r\n"
    )
    answer = xroad.ask()
    assert (answer.status, answer.body, answer["x-late"], answer["age"]) == (200, b"ok", "", "")
