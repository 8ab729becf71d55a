"""X-Road's message protocol for REST, fact by fact, through two gateways (PR-REST 1.0.4; identifiers: 4.8)."""

import base64
import json
import re
import xml.etree.ElementTree as ET
from hashlib import sha512
from ssl import SSLContext
from types import SimpleNamespace
from typing import cast

import pytest

from onedoor.exchange.configuration import Gateway
from onedoor.exchange.gateway import messages, reading
from onedoor.exchange.gateway.asking import Awaited, Peer
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.tests.xroad import PETS, PORTAL, PROVIDER, Answer, XRoad
from onedoor.kernel.settings import LARGEST_BODY

CLIENT = ("X-Road-Client", PORTAL)
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
FILTERED = [
    "Transfer-Encoding", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Upgrade",
    "Connection", "User-Agent", "Host", "Content-Length", "Server", "Expect", "X-Road-Request-Id",
    "X-Road-Request-Hash",
]  # fmt: skip
FRAMING = ("Transfer-Encoding", "Content-Length", "Expect")
"""What says where a body begins and ends has tests of its own."""
UNTOUCHED = {
    "Authorization": "Bearer a.b.c",
    "Cookie": "a=1; b=2",
    "Cache-Control": "no-cache",
    "Origin": "https://page.example",
    "Accept-Encoding": "br",
    "Proxy-Connection": "keep-alive",
    "X-Forwarded-For": "192.0.2.1",
    "X-Own": 'a "b"; c',
}


def asked(xroad: XRoad) -> dict[str, str]:
    """Return the headers of the last request that reached the provider's system."""
    return cast("dict[str, str]", xroad.system.seen[-1]["headers"])


def refused(answer: Answer, type_: str) -> bool:
    assert (answer["x-road-error"], answer.json["type"]) == (type_, type_)
    return True


# Identifiers


def test_each_part_of_an_identifier_is_percent_encoded_on_its_own(xroad: XRoad) -> None:
    answer = xroad.ask("/r1/V%4E/GOV/G01/POPUL%41TION/pet%73tore", headers=[("X-Road-Client", "VN/G%4fV/G22/PORTAL")])
    assert answer.status == 200
    assert (answer["x-road-client"], answer["x-road-service"]) == (PORTAL, f"{PROVIDER}/petstore")
    assert asked(xroad)["x-road-client"] == "VN/G%4fV/G22/PORTAL"


@pytest.mark.parametrize("target", ["/r1/VN%2FGOV%2FG01%2FPOPULATION%2Fpetstore", f"/r1/{PROVIDER}%2Fpetstore/pets/1"])
def test_an_encoded_slash_does_not_part_an_identifier(xroad: XRoad, target: str) -> None:
    assert refused(xroad.ask(target), "Client.BadRequest")


@pytest.mark.parametrize("sign", "'()+,-.=?aZ0")
def test_an_identifier_may_hold_the_signs_of_pr_rest(xroad: XRoad, sign: str) -> None:
    encoded = "%3F" if sign == "?" else sign
    assert refused(xroad.ask(f"/r1/{PROVIDER}/x{encoded}y"), "Server.ServerProxy.UnknownService")


@pytest.mark.parametrize("sign", ["%2F", "%3A", "%3B", "%25", "%5C", "%20", "%00", "%0A", "_", "%C3%A9", "%FF"])
def test_an_identifier_holds_no_other_sign(xroad: XRoad, sign: str) -> None:
    assert refused(xroad.ask(f"/r1/{PROVIDER}/x{sign}y"), "Client.BadRequest")


@pytest.mark.parametrize("target", ["/r1/VN/GOV/G01/petstore", "/r2" + PETS[3:], "/r10" + PETS[3:], "/R1" + PETS[3:]])
def test_a_service_has_five_parts_and_the_version_is_r1(xroad: XRoad, target: str) -> None:
    assert refused(xroad.ask(target), "Client.BadRequest")


# Requests


@pytest.mark.parametrize("method", METHODS)
def test_a_method_passes(xroad: XRoad, method: str) -> None:
    assert xroad.ask(method=method).status == 200
    assert xroad.system.seen[-1]["method"] == method


def test_the_answer_to_head_says_nothing_of_a_length_that_it_does_not_know(xroad: XRoad) -> None:
    answer = xroad.ask(method="HEAD")
    assert (answer.status, answer.body, answer["content-length"]) == (200, b"", "")


def test_another_method_does_not_pass(xroad: XRoad) -> None:
    assert refused(xroad.ask(method="PROPFIND"), "Client.BadRequest")


@pytest.mark.parametrize("rest", ["?a=1&a=2&b=%2F%20+;&c", "?", "?x=/../y?z", "/pets/1?q=%C3%A9", "/", "", "/pets/"])
def test_path_and_query_pass_unmodified(xroad: XRoad, rest: str) -> None:
    xroad.ask(PETS + rest)
    assert xroad.system.seen[-1]["path"] == f"/petstore{rest}"


@pytest.mark.parametrize(("rest", "path"), [("", "/"), ("/", "/"), ("/a/b", "/a/b")])
def test_a_service_may_stand_at_the_root_of_its_system(xroad: XRoad, rest: str, path: str) -> None:
    assert xroad.ask(f"/r1/{PROVIDER}/bare{rest}").json["path"] == path


@pytest.mark.parametrize("body", [b"{}", b"<a/>", bytes(range(256)), b"x" * 300_000])
def test_any_payload_passes(xroad: XRoad, body: bytes) -> None:
    xroad.system.reply = lambda _: (200, body, "")
    answer = xroad.ask(method="POST", headers=[CLIENT, ("Content-Type", "application/x-any; a=b")], body=body)
    assert answer.body == body
    assert cast("str", xroad.system.seen[-1]["body"]).encode("latin-1") == body
    assert asked(xroad)["content-type"] == "application/x-any; a=b"


def test_a_body_in_chunks_passes(xroad: XRoad) -> None:
    head = f"POST {PETS} HTTP/1.1\r\nHost: g\r\nX-Road-Client: {PORTAL}\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert xroad.send(head.encode() + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").json["body"] == "abcde"
    assert (asked(xroad).get("transfer-encoding"), asked(xroad)["content-length"]) == (None, "5")


def test_a_client_that_expects_continue_is_told_so(xroad: XRoad) -> None:
    head = f"POST {PETS} HTTP/1.1\r\nHost: g\r\nX-Road-Client: {PORTAL}\r\nExpect: 100-continue\r\nContent-Length: 2"
    with xroad.connect() as connection:
        connection.sendall(head.encode() + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ok")
        assert connection.recv(2000).startswith(b"HTTP/1.1 200 ")
    assert "expect" not in asked(xroad)


def test_the_header_of_the_client_is_mandatory(xroad: XRoad) -> None:
    assert refused(xroad.ask(headers=[]), "Client.BadRequest")


@pytest.mark.parametrize("client", ["VN", "VN/GOV", "VN/GOV/G22/PORTAL/x", "", "VN/GOV//PORTAL"])
def test_a_client_has_three_or_four_parts(xroad: XRoad, client: str) -> None:
    assert refused(xroad.ask(headers=[("X-Road-Client", client)]), "Client.BadRequest")
    answer = xroad.ask(headers=[("X-Road-Client", "VN/GOV/G22")])
    assert refused(answer, "Server.ClientProxy.UnknownMember")
    assert answer.json["message"] == "Client 'MEMBER:VN/GOV/G22' not found"


def test_of_several_clients_the_last_one_counts(xroad: XRoad) -> None:
    last = xroad.ask(headers=[("X-Road-Client", "VN/GOV/G99/OTHER"), ("x-road-client", PORTAL)])
    assert (last.status, asked(xroad)["x-road-client"]) == (200, PORTAL)
    assert refused(
        xroad.ask(headers=[CLIENT, ("X-Road-Client", "VN/GOV/G99/OTHER")]), "Server.ClientProxy.UnknownMember"
    )


def test_names_of_headers_are_not_case_sensitive(xroad: XRoad) -> None:
    assert xroad.ask(headers=[("x-ROAD-client", PORTAL)]).status == 200


def test_an_id_is_kept_and_made_when_there_is_none(xroad: XRoad) -> None:
    assert xroad.ask(headers=[CLIENT, ("X-Road-Id", "my-id: 1")])["x-road-id"] == "my-id: 1"
    made = [xroad.ask()["x-road-id"] for _ in range(2)]
    assert re.fullmatch(UUID, made[0])
    assert made[0] != made[1]
    assert asked(xroad)["x-road-id"] == made[1]


def test_user_and_issue_reach_the_provider(xroad: XRoad) -> None:
    xroad.ask(headers=[CLIENT, ("X-Road-UserId", "EE12345678901"), ("X-Road-Issue", "MT324223MSD")])
    assert (asked(xroad)["x-road-userid"], asked(xroad)["x-road-issue"]) == ("EE12345678901", "MT324223MSD")


def test_a_security_server_is_named_by_exactly_four_parts(xroad: XRoad) -> None:
    name = "X-Road-Security-Server"
    assert xroad.ask(headers=[CLIENT, (name, "VN/GOV/G01/GATEW%41Y")]).status == 200
    for server in ("VN/GOV/G01", "VN/GOV/G01/GATEWAY/x", ""):
        assert refused(xroad.ask(headers=[CLIENT, (name, server)]), "Client.BadRequest")
    for server, why in (("VN/GOV/G15/GATEWAY", "Invalid"), ("VN/GOV/G99/GATEWAY", "Could not find")):
        answer = xroad.ask(headers=[CLIENT, (name, server)])
        assert refused(answer, "Server.ClientProxy.InvalidSecurityServer")
        assert answer.json["message"] == f'{why} security server "SERVER:{server}"'


def test_a_represented_party_is_a_code_or_class_and_code(xroad: XRoad) -> None:
    for party in ("GOV/G15", "0123456789"):
        assert xroad.ask(headers=[CLIENT, ("X-Road-Represented-Party", party)]).status == 200
        assert asked(xroad)["x-road-represented-party"] == party
    for party in ("VN/GOV/G15", "", "GOV/", "a%2Fb"):
        assert refused(xroad.ask(headers=[CLIENT, ("X-Road-Represented-Party", party)]), "Client.BadRequest")


def test_who_accepts_nothing_by_name_accepts_json(xroad: XRoad) -> None:
    xroad.ask()
    assert asked(xroad)["accept"] == "application/json"
    xroad.ask(headers=[CLIENT, ("Accept", "text/csv, */*;q=0.1")])
    assert asked(xroad)["accept"] == "text/csv, */*;q=0.1"


# Headers that pass and headers that do not


@pytest.mark.parametrize("name", [one for one in FILTERED if one not in FRAMING])
def test_a_header_of_one_connection_or_host_does_not_reach_the_provider(xroad: XRoad, name: str) -> None:
    value = {"Upgrade": "h2c", "Connection": "close, Cookie"}.get(name, "from-the-client")
    if name == "Host":
        xroad.send(f"GET {PETS} HTTP/1.1\r\nHost: {value}\r\nX-Road-Client: {PORTAL}\r\n\r\n".encode())
    else:
        xroad.ask(headers=[CLIENT, (name, value), ("Cookie", "kept")])
        assert asked(xroad)["cookie"] == "kept"
    assert value not in asked(xroad).values()


@pytest.mark.parametrize("name", UNTOUCHED)
def test_any_other_header_reaches_the_provider_and_comes_back(xroad: XRoad, name: str) -> None:
    value = UNTOUCHED[name]
    xroad.system.reply = lambda _: (200, b"", f"{name}: {value}\r\n")
    answer = xroad.ask(headers=[CLIENT, (name, value)])
    assert (asked(xroad)[name.lower()], answer[name.lower()]) == (value, value)


def test_a_header_that_stands_twice_comes_back_twice(xroad: XRoad) -> None:
    xroad.system.reply = lambda _: (200, b"", "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n")
    assert [value for name, value in xroad.ask().headers if name == "set-cookie"] == ["a=1", "b=2"]


def test_headers_of_the_providers_connection_do_not_come_back(xroad: XRoad) -> None:
    extra = (
        "Server: secret/1.0\r\nKeep-Alive: timeout=5\r\nTrailer: X\r\nUser-Agent: x\r\nProxy-Authenticate: Basic\r\n"
    )
    xroad.system.reply = lambda _: (200, b"{}", extra)
    names = {name for name, _ in xroad.ask().headers}
    assert names.isdisjoint({"server", "keep-alive", "trailer", "user-agent", "proxy-authenticate"})


def test_the_gateway_does_nothing_about_other_origins(xroad: XRoad) -> None:
    names = ("Origin", "Access-Control-Request-Method")
    answer = xroad.ask(method="OPTIONS", headers=[CLIENT, *((name, "x") for name in names)])
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]
    assert asked(xroad)["origin"] == "x"


# Responses


def test_a_response_names_client_service_id_request_and_hash(xroad: XRoad) -> None:
    answer = xroad.ask(headers=[CLIENT, ("X-Road-Id", "an-id")])
    assert (answer["x-road-client"], answer["x-road-service"]) == (PORTAL, f"{PROVIDER}/petstore")
    assert answer["x-road-id"] == "an-id"
    assert re.fullmatch(UUID, answer["x-road-request-id"])
    assert len(base64.b64decode(answer["x-road-request-hash"])) == 64
    assert not answer["x-road-error"]


@pytest.mark.parametrize("name", ["Client", "Service", "Id", "Request-Id", "Request-Hash", "Error"])
def test_what_a_provider_sets_of_these_is_overwritten(xroad: XRoad, name: str) -> None:
    xroad.system.reply = lambda _: (200, b"{}", f"X-Road-{name}: forged\r\n")
    answer = xroad.ask()
    values = [value for found, value in answer.headers if found == f"x-road-{name}".lower()]
    assert (answer.status, len(values), "forged" in values) == (200, 0 if name == "Error" else 1, False)


@pytest.mark.parametrize("body", [b"", b"a body"])
def test_the_request_hash_is_that_of_the_bytes_that_travelled(xroad: XRoad, body: bytes) -> None:
    id_ = f"hash-{len(body)}"
    answer = xroad.ask(f"{PETS}/a?b=c", "POST", [CLIENT, ("X-Road-Id", id_), ("X-Own", "  v  ")], body)
    for member, kind in (("G22", reading.SENT_REQUESTS), ("G01", reading.RECEIVED_REQUESTS)):
        folder = xroad.place.seats[member].gateway_state
        logged = reading.messages(folder / "log", (folder / "log.key").read_bytes())
        (head,) = [
            one.message.head
            for one in logged
            if one.kind == kind and f"X-Road-Id:{id_}\r\n".encode() in one.message.head
        ]
        assert head.startswith(f"POST\r\n{PETS}/a?b=c\r\nX-Road-Client:{PORTAL}\r\n".encode())
        assert b"\r\nX-Own:v\r\n" in head
        assert head.endswith(f"\r\nX-Road-Request-Id:{answer['x-road-request-id']}\r\n".encode())
        both = sha512(sha512(head).digest() + sha512(body).digest()) if body else sha512(head)
        assert answer["x-road-request-hash"] == base64.b64encode(both.digest()).decode()


def test_a_response_with_another_request_hash_is_refused_by_the_clients_gateway() -> None:
    failed: list[Fault] = []
    for sent, count in (("right", 0), ("wrong", 1)):
        peer = Peer(cast("Core", None), cast("Gateway", SimpleNamespace(id="g")), cast("SSLContext", None))
        peer.awaited["r"] = Awaited(("right",), lambda *_: None, failed.append, 0.0, Message.of(b"", b""))
        names = [(b"X-Road-Request-Id", b"r"), (b"X-Road-Request-Hash", sent.encode())]
        peer.answer(Message.of(messages.response_head(200, b"OK", names), b""))
        assert [one.type for one in failed] == ["Server.ClientProxy.InconsistentResponse"] * count


@pytest.mark.parametrize("status", [201, 204, 304, 400, 401, 403, 404, 418, 429, 500, 503])
def test_a_providers_own_status_passes_as_it_is(xroad: XRoad, status: int) -> None:
    body = b"" if status in (204, 304) else b'{"mine": true}'
    xroad.system.reply = lambda _: (status, body, "X-Mine: 1\r\n")
    answer = xroad.ask()
    assert (answer.status, answer.body, answer["x-mine"], answer["x-road-error"]) == (status, body, "1", "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_passed_on_and_never_followed(xroad: XRoad, status: int) -> None:
    xroad.system.reply = lambda _: (status, b"", "Location: /petstore/elsewhere\r\n")
    answer = xroad.ask()
    assert (answer.status, answer["location"]) == (status, "/petstore/elsewhere")
    assert len(xroad.system.seen) == 1


# Errors


def test_a_fault_of_the_client_is_400(xroad: XRoad) -> None:
    answer = xroad.ask(headers=[])
    assert (answer.status, answer["x-road-error"]) == (400, "Client.BadRequest")


def test_a_fault_of_the_clients_gateway_is_500(xroad: XRoad) -> None:
    answer = xroad.ask("/r1/VN/GOV/G99/NOWHERE/x")
    assert (answer.status, answer["x-road-error"]) == (500, "Server.ClientProxy.UnknownMember")
    assert answer.json["message"] == 'Could not find addresses for service provider "SERVICE:VN/GOV/G99/NOWHERE/x"'


def test_a_fault_of_the_providers_gateway_is_500(xroad: XRoad) -> None:
    answer = xroad.ask(f"/r1/{PROVIDER}/nothing")
    assert (answer.status, answer["x-road-error"]) == (500, "Server.ServerProxy.UnknownService")
    assert answer.json["message"] == f"Unknown service: SERVICE:{PROVIDER}/nothing"


FAULTS = [("", []), (f"/r1/{PROVIDER}/nothing", [CLIENT]), ("/r1/VN/GOV/G99/NOWHERE/x", [CLIENT])]
"""A fault of the client, of the provider's gateway, and of the client's."""


@pytest.mark.parametrize(("target", "headers"), FAULTS)
def test_a_fault_is_json_with_a_uuid_as_detail(xroad: XRoad, target: str, headers: list[tuple[str, str]]) -> None:
    answer = xroad.ask(target or PETS, headers=headers)
    assert answer["content-type"] == "application/json;charset=utf-8"
    assert list(answer.json) == ["type", "message", "detail"]
    assert answer.json["type"] == answer["x-road-error"]
    assert re.fullmatch(UUID, answer.json["detail"])


@pytest.mark.parametrize(("target", "headers"), FAULTS)
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/xml", "text/xml"),
        ("Application/XML;q=0.1", "application/xml"),
        ("text/csv, text/*", "text/xml"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("foobarbaz", "application/json"),
        ("text/xml-patch+xml", "application/json"),
        ("application/xml, text/xml", "application/xml"),
        ("text/xml, application/xml, application/json", "text/xml"),
    ],
)
def test_a_fault_is_xml_for_who_accepts_xml(
    xroad: XRoad, target: str, headers: list[tuple[str, str]], accept: str, kind: str
) -> None:
    answer = xroad.ask(target or PETS, headers=[*headers, ("Accept", accept)])
    assert answer["content-type"] == f"{kind};charset=utf-8"
    if kind != "application/json":
        root = ET.fromstring(answer.body)
        assert (root.tag, [one.tag for one in root]) == ("error", ["type", "message", "detail"])
        assert (root[0].text, bool(re.fullmatch(UUID, root[2].text or ""))) == (answer["x-road-error"], True)


def test_7_8_spells_types_its_own_way_by_a_setting(xroad: XRoad) -> None:
    own = [("X-Road-Client", PROVIDER)]
    types = {
        "client.bad_request": xroad.ask(headers=[], member="G01"),
        "server.clientproxy.unknown_member": xroad.ask("/r1/VN/GOV/G99/NOWHERE/x", headers=own, member="G01"),
        "server.serverproxy.unknown_service": xroad.ask(f"/r1/{PORTAL}/nothing", headers=own, member="G01"),
        "server.serverproxy.access_denied": xroad.ask(f"/r1/{PROVIDER}/petstore", headers=own, member="G01"),
    }
    for type_, answer in types.items():
        assert refused(answer, type_)
        assert (answer.status, len(answer.json["detail"])) == (400 if type_[0] == "c" else 500, 36)


def test_a_request_that_is_not_http_is_a_fault_in_the_form_and_spelling_of_this_side(xroad: XRoad) -> None:
    broken = b"GET / HTTP/1.1\r\nHost: g\r\nAccept: text/xml\r\nContent-Length: x\r\n\r\n"
    answer = xroad.send(broken, member="G01")
    assert (answer.status, answer["x-road-error"]) == (400, "client.bad_request")
    assert ET.fromstring(answer.body).findtext("type") == "client.bad_request"


def test_a_provider_that_does_not_answer_in_time_is_a_network_error(xroad: XRoad) -> None:
    def late(_: dict[str, object]) -> tuple[int, bytes, str]:
        import time

        time.sleep(1.2)
        return 200, b"late", ""

    xroad.system.reply = late
    answer = xroad.ask(f"/r1/{PROVIDER}/slow")
    assert (answer.status, answer["x-road-error"]) == (500, "Server.ServerProxy.NetworkError")
    assert answer.body != b"late"


def test_a_body_above_the_limit_is_a_fault(xroad: XRoad) -> None:
    length = LARGEST_BODY * 2**20 + 1
    head = f"POST {PETS} HTTP/1.1\r\nHost: g\r\nX-Road-Client: {PORTAL}\r\nContent-Length: {length}\r\n\r\n"
    assert refused(xroad.send(head.encode() + b"x" * 2**16), "Client.BadRequest")
    assert json.loads(b"[]") == xroad.system.seen
