"""Restarts, dead peers, dead systems, slow and greedy clients: nothing acknowledged is lost, nobody else is touched."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onedoor.exchange import configuration
from onedoor.exchange.connections import Connections, Request
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.nation import LOOKUP, RUN, WHY, Place, System, free_base, system_of, wait_for
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

G15 = "/r1/VN/GOV/G15/CIVIL-STATUS/births/lookup"


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        yield place


def test_an_id_is_refused_after_a_restart_as_well(place: Place, system: System, portal: Connections) -> None:
    assert place.ask(client=portal, X_Road_Id="before").status == 200
    place.kill("gateway-G01")
    place.start("gateway-G01")
    wait_for(lambda: place.ask(client=portal).status == 200, "the link is made again")
    again = place.ask(client=portal, X_Road_Id="before")
    assert again.headers["x-road-error"] == "Server.ServerProxy.InvalidRequest"


@pytest.mark.parametrize("number", [0, 99])
def test_a_gateway_starts_with_a_segment_of_its_log_whose_head_is_broken(alone: Place, number: int) -> None:
    log = alone.seats["G22"].gateway_state / "log"
    alone.start("gateway-G22")
    alone.kill("gateway-G22")
    (log / f"{number:08d}.log").write_bytes(bytes(4096))  # the newest, if the machine went down as it was begun
    alone.start("gateway-G22")
    assert not alone.output("gateway-G22").count("Traceback")


def test_a_dead_peer_is_said_at_once_and_touches_no_other(place: Place, system: System, portal: Connections) -> None:
    stuck = socket.create_server(_address(place, "G15"))  # accepts and never answers
    slow = place.client()
    late: list[object] = []
    thread = threading.Thread(target=lambda: late.extend(slow.exchange([Request("POST", G15, WHY, b"{}")], 12)))
    thread.start()
    dead = place.ask("/r1/VN/GOV/G18/HEALTH/birth-notices/lookup", client=portal)
    assert dead.headers["x-road-error"] == "Server.ClientProxy.NetworkError"
    for _ in range(5):
        assert place.ask(client=portal).status == 200
    assert not late
    thread.join()
    stuck.close()
    slow.close()
    assert late[0].headers["x-road-error"] == "Server.ClientProxy.NetworkError"  # type: ignore[attr-defined]


def test_a_system_that_is_down_is_an_error_of_the_provider(place: Place, portal: Connections) -> None:
    answer = place.ask(client=portal)
    assert (answer.status, answer.headers["x-road-error"]) == (500, "Server.ServerProxy.NetworkError")
    assert answer.headers["retry-after"] == "1"


def test_a_gateway_without_a_configuration_in_force_stops_all_traffic(alone: Place) -> None:
    path = alone.seats["G22"].gateway_state / "configuration.signed"
    data = json.loads(path.read_bytes().rpartition(b"\n\n-- ")[0])
    data["expires"] = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    folder = alone.layout.directory
    key, certificate = load_key(folder / "signing.key"), load_certificates(folder / "signing.pem")[0]
    path.write_bytes(configuration.write(data, key, certificate))
    alone.start("gateway-G22")
    client = alone.client()
    answer = alone.ask(client=client)
    assert answer.headers["x-road-error"] == "Server.ClientProxy.NetworkError", "only the other gateway is missing"
    time.sleep(4)
    for target in (LOOKUP, "/verificationconf", "/listClients"):
        method = "POST" if target == LOOKUP else "GET"
        stopped = alone.ask(target, client=client, method=method)
        assert stopped.headers["x-road-error"] == "Server.ClientProxy.OutdatedGlobalConf"
    alone.start("directory")
    wait_for(
        lambda: alone.ask(client=client).headers["x-road-error"] == "Server.ClientProxy.NetworkError",
        "the gateway takes the new configuration by itself",
        10,
    )
    client.close()


def test_a_grant_taken_back_stops_the_next_call_after_a_restart(alone: Place) -> None:
    (alone.seats["G01"].gateway_state / "grants.jsonl").write_text("")
    alone.start("gateway-G22", "gateway-G01")
    client = alone.client()
    assert alone.ask(client=client).headers["x-road-error"] == "Server.ServerProxy.AccessDenied"
    client.close()


def test_a_second_gateway_on_the_same_ports_or_log_says_so_and_does_not_start(place: Place) -> None:
    environment = {**os.environ, **place.environments["gateway-G01"]}
    assert "Another gateway already writes the log" in _refusal(environment)
    environment["ONEDOOR_STATE"] = str(place.seats["G15"].gateway_state)
    assert "Another program already uses 127.0.0.1:" in _refusal(environment)


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense",
        head_of(X_Road_Client="VN/GOV/G15/CIVIL-STATUS"),
        head_of(LOOKUP.replace("/lookup", "/%2e%2e")),
        head_of(LOOKUP.replace("population/lookup", "unknown")),
    ],
    ids=["nonsense", "stranger", "climbing", "unknown"],
)
def test_a_bad_message_costs_the_good_ones_of_its_batch_nothing(place: Place, system: System, bad: bytes) -> None:
    with closing(HostileGateway(place)) as hostile:
        answers = hostile.send(bad, head_of(X_Road_Request_Id="good-1"), bad, head_of(X_Road_Request_Id="good-2"))
        while not (b"good-1" in answers and b"good-2" in answers):
            answers += hostile.receive()
    assert answers.count(b"200\r\n") == len(system.seen) == 2
    assert answers.count(b"X-Road-Error:Server.ServerProxy.") == 2


def test_bodies_and_heads_have_an_end(place: Place, system: System, portal: Connections) -> None:
    assert place.ask(body=b"x" * (9 * 2**20), client=portal).status == 200
    assert place.ask(client=portal, X_Large="x" * 60_000).headers["x-road-error"] == "Client.BadRequest"
    assert len(system.seen) == 1
    assert place.ask(client=portal).status == 200


def test_a_client_that_sends_its_head_slowly_is_cut_off_and_others_are_served(
    place: Place, system: System, portal: Connections
) -> None:
    slow = [_raw(place) for _ in range(50)]
    for one in slow:
        one.sendall(b"POST /r1/x HTTP/1.1\r\nX-Slow: ")
    assert place.ask(client=portal).status == 200
    begun = time.monotonic()
    for one in slow:
        one.settimeout(15)
        assert one.recv(10) == b""
        one.close()
    assert time.monotonic() - begun > 5


def _sends_a_part_of_its_body(raw: ssl.SSLSocket) -> None:
    raw.sendall(_wire("part")[:-1])


def _rests_after_its_answer(raw: ssl.SSLSocket) -> None:
    raw.sendall(_wire("whole"))


def _lingers_after_an_early_answer(raw: ssl.SSLSocket) -> None:
    head = _wire("early").replace(LOOKUP.encode(), b"/r1/VN/GOV/G99/NOWHERE/x").partition(b"Content-Length")[0]
    raw.sendall(head + b"Content-Length: 9000000\r\n\r\n" + bytes(2 * 2**20))


@pytest.mark.parametrize(
    ("limit", "does"),
    [
        ("BODY_WITHIN", _sends_a_part_of_its_body),
        ("IDLE", _rests_after_its_answer),
        ("LINGER", _lingers_after_an_early_answer),
    ],
)
def test_a_client_that_is_too_slow_or_rests_is_cut_off_and_others_are_served(
    alone: Place, limit: str, does: Callable[[ssl.SSLSocket], None]
) -> None:
    with _impatient(alone, limit) as served, _raw(alone) as raw:
        does(raw)
        served()
        raw.settimeout(30)
        while raw.recv(2**16):
            pass
        served()


def test_a_client_that_does_not_take_its_answers_is_cut_off_and_others_are_served(alone: Place) -> None:
    with _impatient(alone, "WRITE_WITHIN", bytes(900_000)) as served, _raw(alone) as raw:
        raw.sendall(b"".join(_wire(f"untaken-{number}") for number in range(8)))
        own, peer = (f"0100007F:{port:04X}" for port in (raw.getpeername()[1], raw.getsockname()[1]))
        held = re.compile(f"{own} {peer} 01 ")  # of Linux: from, to, and that neither end has closed
        assert held.search(Path("/proc/net/tcp").read_text())
        served()
        wait_for(lambda: not held.search(Path("/proc/net/tcp").read_text()), "the connection is closed", 30)
        served()


@contextmanager
def _impatient(place: Place, limit: str, answer: bytes = b"{}") -> Iterator[Callable[[], None]]:
    """Run both gateways, the one that asks with a short *limit* and no other; give what a good client does."""
    limits = dict.fromkeys(("HEAD_WITHIN", "BODY_WITHIN", "IDLE", "WRITE_WITHIN", "LINGER"), 1e9) | {limit: 0.5}
    place.before = f"from onedoor.exchange.gateway import systems, wire; vars(systems).update({limits})"
    place.before += "; wire.DEAD_AFTER = 10**6"  # the system is not to be the one that closes
    place.start("gateway-G22", "gateway-G01")
    with system_of(place, "G01") as system, closing(place.client()) as client:
        system.reply = lambda _: (200, answer, "")

        def served() -> None:
            assert place.ask(client=client).status == 200

        yield served


@pytest.mark.parametrize(
    "wire",
    [
        b"POST /r1/a HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /r1/a HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /r1/a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /r1/a HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        b"POST /r1/a HTTP/1.1\r\nX : a\r\n\r\n",
        b"POST /r1/a\r\n\r\n",
        b"\x16\x03\x01 nonsense\r\n\r\n",
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_refused_and_the_connection_closed(
    place: Place, system: System, wire: bytes
) -> None:
    with _raw(place) as raw:
        raw.settimeout(5)
        raw.sendall(wire)
        answer = b""
        while chunk := raw.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert not system.seen


def test_requests_sent_at_once_are_answered_in_order(place: Place, system: System) -> None:
    with _raw(place) as raw:
        raw.settimeout(5)
        raw.sendall(b"".join(_wire(f"p-{number}") for number in range(5)))
        answer = b""
        while answer.count(b"HTTP/1.1 200") < 5:
            answer += raw.recv(65536)
    order = [line.split(b": ")[1] for line in answer.split(b"\r\n") if line.lower().startswith(b"x-road-id:")]
    assert order == [b"p-0", b"p-1", b"p-2", b"p-3", b"p-4"]


def _wire(message_id: str) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in (WHY | {"X-Road-Id": message_id}).items())
    return f"POST {LOOKUP} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 2\r\n\r\n{{}}".encode()


def _raw(place: Place) -> ssl.SSLSocket:
    state = place.seats["G22"].state
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(state / "tls-trust.pem")
    context.load_cert_chain(state / "tls.pem", state / "tls.key")
    host, _, port = place.seats["G22"].address(100).rpartition(":")
    return context.wrap_socket(socket.create_connection((host, int(port)), 5), server_hostname=host)


def _address(place: Place, member: str) -> tuple[str, int]:
    host, _, port = place.seats[member].address(200).rpartition(":")
    return host, int(port)


def _refusal(environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", RUN.format("gateway")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode != 0
    return ended.stderr
