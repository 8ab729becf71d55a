"""Two gateway processes between a client and a real system: what passes, and what does not."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onedoor.exchange.connections import ConnectionLost, Connections, Request, client_context
from onedoor.exchange.gateway import batches, local, messages, reading, segments
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.gateway.workers import Share
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.nation import LOOKUP, PROVIDER, WHY, Place, System
from onedoor.signing.certificates import fingerprint, load_certificates


def test_a_question_goes_through_and_carries_who_asks_and_why(
    place: Place, system: System, portal: Connections
) -> None:
    answer = place.ask(body=b'{"by": {}}', client=portal, Idempotency_Key="k-1", X_Road_Id="m-1")
    asked = json.loads(answer.body)
    assert answer.status == 200
    assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/exchange/population/lookup", '{"by": {}}')
    sent = {name.lower(): value for name, value in WHY.items()} | {"idempotency-key": "k-1", "x-road-id": "m-1"}
    assert sent.items() <= asked["headers"].items()
    assert asked["headers"]["accept"] == "application/json"
    assert answer.headers["x-road-id"] == "m-1"
    assert answer.headers["x-road-client"] == "VN/GOV/G22/PORTAL"
    assert answer.headers["x-road-service"] == f"{PROVIDER}/population"
    assert answer.headers["x-road-request-id"] == asked["headers"]["x-road-request-id"]
    assert "x-road-error" not in answer.headers


def test_query_and_every_method_pass_where_they_are_granted(place: Place, system: System, portal: Connections) -> None:
    target = f"/r1/{PROVIDER}/cases/a/b%20c?x=1&y=%2F"
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "POST"):
        answer = place.ask(target, b"x", method=method, client=portal, Onedoor_Purpose="hand-over")
        asked = json.loads(answer.body)
        assert (asked["method"], asked["path"]) == (method, "/exchange/cases/a/b%20c?x=1&y=%2F")
    head = place.ask(target, b"", method="HEAD", client=portal, Onedoor_Purpose="hand-over")
    assert (head.status, head.body) == (200, b"")


def test_a_provider_cannot_set_the_names_of_the_exchange_and_its_errors_pass(
    place: Place, system: System, portal: Connections
) -> None:
    extra = "X-Road-Id: forged\r\nX-Road-Error: forged\r\nX-Road-Request-Hash: forged\r\nX-Own: kept\r\n"
    system.reply = lambda _: (404, b'{"error": "none"}', extra)
    answer = place.ask(client=portal, X_Road_Id="m-2")
    assert (answer.status, answer.body) == (404, b'{"error": "none"}')
    assert answer.headers["x-road-id"] == "m-2"
    assert answer.headers["x-own"] == "kept"
    assert "x-road-error" not in answer.headers
    assert len(answer.headers["x-road-request-hash"]) == 88


@pytest.mark.parametrize(
    ("target", "headers", "type_", "status"),
    [
        (LOOKUP, {"Onedoor_Purpose": "curiosity"}, "Server.ServerProxy.AccessDenied", 500),
        (LOOKUP, {"Onedoor_Purpose": ""}, "Server.ServerProxy.AccessDenied", 500),
        (f"/r1/{PROVIDER}/population/records", {}, "Server.ServerProxy.AccessDenied", 500),
        (f"/r1/{PROVIDER}/deaths/lookup", {}, "Server.ServerProxy.UnknownService", 500),
        ("/r1/VN/GOV/G99/NOWHERE/x/y", {}, "Server.ClientProxy.UnknownMember", 500),
        (LOOKUP, {"X_Road_Client": "VN/GOV/G15/CIVIL-STATUS"}, "Server.ClientProxy.UnknownMember", 500),
        (LOOKUP, {"X_Road_Client": ""}, "Client.BadRequest", 400),
        (LOOKUP, {"X_Road_Client": "nonsense"}, "Client.BadRequest", 400),
        (LOOKUP, {"Onedoor_Person": "1"}, "Client.BadRequest", 400),
        (f"/r1/{PROVIDER}/population/%2e%2e/lookup", {}, "Client.BadRequest", 400),
        ("/r1/VN/GOV/G01", {}, "Client.BadRequest", 400),
        (LOOKUP, {"X_Road_Security_Server": "VN/GOV/G15/GATEWAY"}, "Server.ClientProxy.InvalidSecurityServer", 500),
        (LOOKUP, {"X_Road_Security_Server": "VN/GOV/G01"}, "Client.BadRequest", 400),
    ],
)
def test_what_is_not_allowed_is_refused_with_the_documented_error(
    place: Place, system: System, portal: Connections, target: str, headers: dict[str, str], type_: str, status: int
) -> None:
    answer = place.ask(target, client=portal, **headers)
    assert (answer.status, answer.headers["x-road-error"]) == (status, type_)
    body = json.loads(answer.body)
    assert body["type"] == type_
    assert re.fullmatch(r"[0-9a-f-]{36}", body["detail"])
    assert not system.seen


def test_a_header_that_imitates_one_of_the_exchange_is_refused(
    place: Place, system: System, portal: Connections
) -> None:
    request = Request("POST", LOOKUP, WHY | {"X_Road_Client": "VN/GOV/G01/POPULATION"}, b"{}")
    (answer,) = portal.exchange([request], 5)
    assert not isinstance(answer, Exception)
    assert answer.headers["x-road-error"] == "Client.BadRequest"
    assert not system.seen


def test_a_system_with_another_certificate_is_not_that_client(place: Place, system: System) -> None:
    """The gateway's own certificate comes from the same authority, but is not registered for the portal."""
    gateway = place.seats["G22"].gateway_state
    url = f"https://{place.seats['G22'].address(100)}"
    client = Connections(url, gateway / "inner.pem", gateway / "inner.key", gateway / "inner-trust.pem")
    answer = place.ask(client=client)
    client.close()
    assert answer.headers["x-road-error"] == "Server.ClientProxy.SslAuthenticationFailed"
    assert not system.seen


def test_a_system_of_another_member_does_not_get_in(place: Place) -> None:
    client = place.client("G22", system="G01")
    with pytest.raises((OSError, ConnectionLost)):
        place.ask(client=client)
    client.close()


def test_an_id_is_served_once(place: Place, system: System, portal: Connections) -> None:
    assert place.ask(client=portal, X_Road_Id="once").status == 200
    again = place.ask(client=portal, X_Road_Id="once")
    assert again.headers["x-road-error"] == "Server.ServerProxy.InvalidRequest"
    assert len(system.seen) == 1


def test_the_metaservices_say_who_takes_part_and_what_is_offered(place: Place, portal: Connections) -> None:
    clients = place.ask("/listClients", b"", method="GET", client=portal, Accept="application/json")
    ids = [one["id"] for one in json.loads(clients.body)["member"]]
    assert {"object_type": "MEMBER", "xroad_instance": "VN", "member_class": "GOV", "member_code": "G15"} in ids
    assert any(one.get("subsystem_code") == "CIVIL-STATUS" for one in ids)
    assert b"<xroad:clientList" in place.ask("/listClients", b"", method="GET", client=portal, Accept="text/xml").body
    listed = place.ask(f"/r1/{PROVIDER}/listMethods", b"", method="GET", client=portal)
    services = {one["service_code"]: one for one in json.loads(listed.body)["service"]}
    assert set(services) == {
        "population",
        "residence",
        "api",
        "breaches",
        "cases",
        "changes",
        "corrections",
        "data",
        "events",
        "own-data",
        "own-reads",
        "person-requests",
        "pub",
        "pull",
        "reads",
        "sealed-reads",
    }
    assert {"method": "POST", "path": "/lookup"} in services["population"]["endpoint_list"]
    assert services["population"]["xroad_instance"] == "VN"
    allowed = place.ask(f"/r1/{PROVIDER}/allowedMethods", b"", method="GET", client=portal)
    assert {one["service_code"] for one in json.loads(allowed.body)["service"]} <= set(services)
    plain = place.ask(f"/r1/{PROVIDER}/getOpenAPI?serviceCode=reads", b"", method="GET", client=portal)
    assert json.loads(plain.body)["message"] == "Invalid service type: REST"
    assert services["population"]["service_type"] == "OPENAPI"


def test_a_description_is_the_one_the_system_gives(place: Place, system: System, portal: Connections) -> None:
    target = f"/r1/{PROVIDER}/getOpenAPI?serviceCode=population"
    system.reply = lambda asked: (200, json.dumps({"openapi": "3.1.0", "at": asked["path"]}).encode(), "")
    answer = place.ask(target, b"", method="GET", client=portal)
    assert json.loads(answer.body) == {"openapi": "3.1.0", "at": "/exchange/population/openapi.json"}
    system.reply = lambda _: (404, b"", "")
    failed = json.loads(place.ask(target, b"", method="GET", client=portal).body)
    assert failed["message"].startswith("Failed reading service description from https://127.0.0.1:")


def test_both_logs_hold_the_same_question_and_answer_and_verify(
    place: Place, system: System, portal: Connections
) -> None:
    place.ask(body=b'{"logged": 1}', client=portal, X_Road_Id="logged-1")
    found = {}
    for member in ("G22", "G01"):
        folder = place.seats[member].gateway_state
        verdict = reading.verify(folder / "log", None)
        assert verdict.records, verdict
        key = (folder / "log.key").read_bytes()
        logged = [one for one in reading.messages(folder / "log", key) if b"X-Road-Id:logged-1\r\n" in one.message.head]
        found[member] = [(one.kind, one.statement, one.signature, one.message) for one in logged]
    (asked, answered), (heard, said) = found["G22"], found["G01"]
    assert (asked[0], heard[0], said[0], answered[0]) == (1, 2, 3, 4)
    assert asked[1:] == heard[1:]
    assert answered[1:] == said[1:]
    for name, value in WHY.items():
        assert messages.read_request(asked[3].head).first(name.lower().encode()) == value


def test_a_gateway_runs_without_django_and_without_a_database(place: Place) -> None:
    code = (
        "import sys; from onedoor.exchange.gateway import main; from onedoor.exchange.directory import main;"
        "print([m for m in ('django', 'psycopg', 'lxml', 'pyhanko', 'yaml', 'jsonschema_rs') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    maps = Path(f"/proc/{place.running['gateway-G01'].pid}/maps").read_text()
    assert not re.search(r"psycopg|lxml|pyhanko|jsonschema", maps)


def test_a_gateway_is_not_interrupted_in_the_middle_of_a_batch_by_who_wakes_up(place: Place) -> None:
    for name in ("gateway-G22", "gateway-G01"):
        threads = list(Path(f"/proc/{place.running[name].pid}/task").iterdir())
        assert {os.sched_getscheduler(int(one.name)) for one in threads} == {os.SCHED_BATCH}


def test_a_batch_by_hand_is_served_when_all_is_right(place: Place, system: System) -> None:
    hostile = HostileGateway(place)
    answer = hostile.send(head_of())
    hostile.close()
    assert answer[0] == batches.RESPONSES
    assert len(system.seen) == 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6))
def test_a_flipped_byte_is_refused_and_logged(place: Place, system: System, anywhere: int) -> None:
    before = _refused(place)
    hostile = HostileGateway(place)
    answer = hostile.send(head_of(), flip=anywhere)
    hostile.close()
    assert answer[0] == batches.REFUSED
    assert not system.seen
    assert _refused(place) == before + 1


def test_another_members_key_is_refused(place: Place, system: System) -> None:
    hostile = HostileGateway(place)
    answer = hostile.send(head_of(), key="G15")
    hostile.close()
    assert answer == bytes([batches.REFUSED]) + b"InvalidSignatureValue"
    assert not system.seen


def test_a_gateway_speaks_only_for_its_own_members(place: Place, system: System) -> None:
    hostile = HostileGateway(place)
    answer = hostile.send(head_of(X_Road_Client="VN/GOV/G15/CIVIL-STATUS"))
    hostile.close()
    assert b"X-Road-Error:Server.ServerProxy.AccessDenied" in answer
    assert not system.seen


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_batch_signed_too_long_ago_or_ahead_is_refused(place: Place, system: System, hours: int) -> None:
    hostile = HostileGateway(place)
    answer = hostile.send(head_of(), moment=time.time_ns() + hours * 3600 * 10**9)
    hostile.close()
    assert b"X-Road-Error:Server.ServerProxy.InvalidRequest" in answer
    assert not system.seen


@pytest.mark.parametrize(
    "extra", [b"X_Road_Client:VN/GOV/G01/POPULATION", b"Onedoor-Purpose:other", b"Onedoor-Person:1"]
)
def test_a_hostile_gateway_cannot_smuggle_headers_to_a_node(place: Place, system: System, extra: bytes) -> None:
    hostile = HostileGateway(place)
    answer = hostile.send(head_of() + extra + b"\r\n")
    hostile.close()
    assert b"X-Road-Error:Server.ServerProxy.InvalidRequest" in answer
    assert not system.seen


def test_a_certificate_that_is_no_gateways_gets_no_link(place: Place) -> None:
    """The signing certificate comes from the same authority, and is not pinned as a link's."""
    hostile = HostileGateway(place, name="signing")
    with pytest.raises((OSError, ConnectionError)):
        hostile.send(head_of())
    hostile.close()


def test_the_pinned_certificates_are_those_in_use(place: Place) -> None:
    content = json.loads((place.layout.directory / "content.json").read_text())
    for gateway in content["gateways"]:
        state = place.seats[gateway["id"].split("/")[2]].gateway_state
        assert gateway["tls"] == fingerprint(load_certificates(state / "outer.pem")[0])
        assert len(sha256(b"").hexdigest()) == len(gateway["tls"])


@pytest.mark.parametrize("extra", ["X-Huge: " + "x" * 60_000 + "\r\n", "X-Bad: a\x01b\r\n", "X Bad: a\r\n"])
def test_an_answer_that_cannot_travel_is_an_error_at_once_and_touches_no_other(
    place: Place, system: System, portal: Connections, extra: str
) -> None:
    system.reply = lambda _: (200, b"{}", extra)
    answer = place.ask(client=portal)
    assert answer.headers["x-road-error"].startswith("Server.ServerProxy.")  # the provider says so
    system.reply = None
    assert place.ask(client=portal).status == 200


def _refused(place: Place) -> int:
    log = place.seats["G01"].gateway_state
    key = (log / "log.key").read_bytes()
    paths = sorted((log / "log").glob("*.log"))
    return sum(record.kind == reading.REFUSED for path in paths for record in segments.records(path, key))


OLD = ssl.TLSVersion.TLSv1_2
DOORS = {"systems": ("G22", 100, "tls"), "gateways": ("G01", 200, "outer")}
"""Doors of a gateway: whose, how far its port is from the base, and the names of the keys of who comes."""


@pytest.mark.parametrize("door", DOORS)
def test_each_door_of_a_gateway_speaks_tls_1_3_and_nothing_older(place: Place, door: str) -> None:
    member, port, name = DOORS[door]
    caller = place.seats["G22"]
    folder = caller.state if door == "systems" else caller.gateway_state
    context = client_context(*(folder / f"{name}{end}" for end in (".pem", ".key", "-trust.pem")))
    context.check_hostname = False
    host, _, number = place.seats[member].address(port).rpartition(":")

    def spoken() -> str | None:
        with socket.create_connection((host, int(number)), 5) as plain, context.wrap_socket(plain) as connection:
            return connection.version()

    assert spoken() == "TLSv1.3"
    context.minimum_version = context.maximum_version = OLD
    with pytest.raises((ssl.SSLError, ConnectionError)):
        spoken()


def test_whoever_asks_a_gateway_or_a_system_speaks_tls_1_3_and_nothing_older(place: Place) -> None:
    seat = place.seats["G22"]
    core = Core(local.read(seat.gateway_state), cast("Log", None), Share())
    system = client_context(*(seat.state / f"tls{end}" for end in (".pem", ".key", "-trust.pem")))
    system.check_hostname = False
    for client, server in (
        (system, core.inner(ssl.PROTOCOL_TLS_SERVER)),
        (core.inner(ssl.PROTOCOL_TLS_CLIENT), core.inner(ssl.PROTOCOL_TLS_SERVER)),
        (core.outer(ssl.PROTOCOL_TLS_CLIENT), core.outer(ssl.PROTOCOL_TLS_SERVER)),
    ):
        assert _shake_hands(client, server) == "TLSv1.3"
        server.minimum_version = server.maximum_version = OLD
        with pytest.raises(ssl.SSLError):
            _shake_hands(client, server)


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> str | None:
    """Return the version that both agree on; raise `ssl.SSLError` when they do not."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)]
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[0].version()
