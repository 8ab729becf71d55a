"""Errors that nobody thought of, systems at rest and clients in a hurry: each costs no other anything."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass

import pytest

from onedoor.exchange.connections import Request, Response
from onedoor.exchange.gateway import batches
from onedoor.exchange.gateway.main import SWEEP
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.gateway.systems import MOST_PIPELINED
from onedoor.exchange.tests.hostile import HostileGateway, HostileProvider, answer_to, head_of
from onedoor.exchange.tests.large import FILES, MIB, Client, Files
from onedoor.exchange.tests.nation import LOOKUP, WHY, Place, System, free_base, system_of, wait_for
from onedoor.exchange.tests.test_failures import _raw, _wire
from onedoor.exchange.tests.test_hostile_answers import refused

BREAKS = """
import os, pathlib, time
from onedoor.exchange.gateway import asking, bodies, nodes, providing, systems, wire

def waiting(handle, sync=os.fdatasync):
    while pathlib.Path("{stuck}").exists():
        time.sleep(0.05)
    sync(handle)

def breaking(owner, name, of):
    whole = getattr(owner, name)

    def broken(self, *given, **named):
        if b"break" in of(self, *given):
            raise RuntimeError
        return whole(self, *given, **named)

    setattr(owner, name, broken)

breaking(providing.Question, "serve", lambda question, _: question._message.head)
breaking(systems.SystemConnection, "answer", lambda _, *given: given[3])
os.fdatasync = waiting
nodes.IDLE, bodies.STALLED = 0.5, 1.0
asking.MOST_BYTES, wire.MOST_UNREAD, providing.MOST_UNREAD, providing.MOST_HELD = (2**20,) * 4
asking.CONNECT, asking.PATIENCE = 3.0, 6.0
"""
LARGE = bytes(700_000)
HANGING = "/r1/VN/GOV/G15/CIVIL-STATUS/births/lookup"


@dataclass
class Counting(System):
    """A system that counts its connections that have ended."""

    ended: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super().serve(reader, writer)
        self.ended += 1


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    var = tmp_path_factory.mktemp("var")
    with Place(var, free_base(), before=BREAKS.replace("{stuck}", str(var / "stuck"))) as place:
        place.start("gateway-G22")
        yield place


@pytest.fixture
def providing(fragile: Place) -> Iterator[Place]:
    fragile.start("gateway-G01")
    yield fragile
    fragile.kill("gateway-G01", 15)


def test_an_error_in_one_message_costs_the_others_of_its_batch_nothing_where_they_are_served(providing: Place) -> None:
    with system_of(providing, "G01") as system, closing(HostileGateway(providing)) as hostile:
        answers = hostile.send(head_of(X_Road_Id="break"), head_of(X_Road_Request_Id="good"))
        while b"good" not in answers or b"InternalError" not in answers:
            answers += hostile.receive()
    assert answers.count(b"200\r\n") == len(system.seen) == 1
    assert "providing.message" in providing.output("gateway-G01")


def test_a_connection_to_a_system_that_rests_is_closed_and_made_again(providing: Place) -> None:
    system = Counting()
    with system_of(providing, "G01", system), closing(providing.client()) as client:
        for number in (1, 2):
            assert providing.ask(client=client).status == 200
            wait_for(lambda number=number: system.ended == number, "the connection rests")  # type: ignore[misc]


def test_a_client_that_sends_too_much_before_its_answers_is_refused(providing: Place) -> None:
    system = System(reply=lambda _: (time.sleep(0.1), (200, b"{}", ""))[1])
    with system_of(providing, "G01", system), _raw(providing) as raw:
        raw.settimeout(20)
        raw.sendall(b"".join(_wire(f"hurry-{number}") for number in range(4 * MOST_PIPELINED)))
        answer = b""
        while chunk := raw.recv(65536):
            answer += chunk
    assert b"Too many requests were sent before their answers" in answer
    assert len(system.seen) <= MOST_PIPELINED + 1


def test_a_gateway_that_does_not_take_its_answers_is_asked_for_no_more_until_it_does(providing: Place) -> None:
    system, many = System(reply=lambda _: (200, LARGE, "")), 150
    with system_of(providing, "G01", system), closing(HostileGateway(providing)) as hostile:
        hostile.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        for number in range(many):
            asked = Message.of(head_of(X_Road_Id=f"unread-{number}"), b"{}")
            hostile.socket.sendall(batches.frame(batches.REQUESTS, hostile.sealed(asked)))
            with suppress(TimeoutError):
                wait_for(lambda number=number: len(system.seen) > number, "it is forwarded", 3)  # type: ignore[misc]
                continue
            break
        assert len(system.seen) < many, "memory for answers has an end"
        left = number + 1
        while left:
            left -= hostile.receive().count(b"X-Road-Request-Hash:")
        assert len(system.seen) == number + 1, "the one that was not read then"


def test_bytes_of_a_gateway_that_wait_for_systems_have_an_end_and_then_more_are_taken(providing: Place) -> None:
    go_on = threading.Event()
    system = System(reply=lambda _: (200, b"{}" if go_on.wait(10) else b"", ""))
    with system_of(providing, "G01", system), closing(HostileGateway(providing)) as hostile:
        turned = hostile.send(head_of(X_Road_Id="held"), head_of(X_Road_Id="not-held"), body=LARGE)
        assert b"Server.ServerProxy.Overloaded" in turned
        assert turned.count(b"X-Road-Request-Hash:") == 1
        go_on.set()
        assert b"200\r\n" in hostile.receive()
        assert b"200\r\n" in hostile.send(head_of(X_Road_Id="not-held"), body=LARGE)


def test_bytes_that_wait_for_the_log_have_an_end(providing: Place) -> None:
    stuck = providing.var / "stuck"
    with closing(HostileGateway(providing)) as hostile:
        asked = [hostile.sealed(Message.of(head_of(), LARGE)) for _ in range(40)]
        hostile.socket.settimeout(3)
        stuck.touch()
        try:
            with pytest.raises(TimeoutError):
                hostile.socket.sendall(b"".join(batches.frame(batches.REQUESTS, one) for one in asked))
        finally:
            stuck.unlink()


def test_bytes_of_answers_that_wait_for_the_log_have_an_end(fragile: Place) -> None:
    stuck, many = fragile.var / "stuck", 40

    def ask(number: int) -> int:
        with closing(fragile.client()) as client:
            return fragile.ask(client=client, X_Road_Id=f"stuck-{number}").status

    with HostileProvider(fragile) as provider, ThreadPoolExecutor(many) as pool:
        provider.awaited, provider.apart = many, True
        provider.forged = lambda asked: [Message.of(answer_to(one), LARGE) for one in asked]
        stuck.touch()
        try:
            found = pool.map(ask, range(many))
            wait_for(lambda: provider.unread, "what is sent is not taken")
        finally:
            stuck.unlink()
        wait_for(lambda: not provider.unread, "it is taken once the log can be written")
        assert set(found) <= {200, 500}


def test_of_a_gateway_that_sends_what_is_refused_the_first_is_logged_and_nothing_after_it(providing: Place) -> None:
    before = refused(providing, "G01")
    with closing(HostileGateway(providing)) as hostile:
        hostile.socket.sendall(batches.frame(batches.RESPONSES, b"nonsense") * 100)
        assert hostile.receive()[0] == batches.REFUSED
    assert refused(providing, "G01") == before + 1


def test_the_first_frame_of_a_link_has_as_much_time_as_any_other(providing: Place) -> None:
    with system_of(providing, "G01"), closing(HostileGateway(providing)) as hostile:
        asked = batches.frame(batches.REQUESTS, hostile.sealed(Message.of(head_of(), b"{}")))
        hostile.socket.sendall(asked[:100])
        hostile.socket.settimeout(3 * SWEEP)
        with pytest.raises(TimeoutError):
            hostile.receive()
        hostile.socket.settimeout(10)
        hostile.socket.sendall(asked[100:])
        assert b"200\r\n" in hostile.receive()


def test_a_large_body_that_does_not_go_on_is_given_up_and_never_complete(providing: Place) -> None:
    with system_of(providing, "G01", Files()), Client(providing) as client:
        client.ask("GET", f"{FILES}/{4 * MIB}?wait=9")
        answer = client.answer()
    assert (answer.status, answer.whole) == (200, False)
    assert answer.size < 4 * MIB


def test_bytes_that_wait_for_a_gateway_have_an_end(fragile: Place) -> None:
    host, _, port = fragile.seats["G15"].address(200).rpartition(":")
    with closing(socket.create_server((host, int(port)))), closing(fragile.client()) as client:
        found = client.exchange([Request("POST", HANGING, WHY, LARGE)] * 6, 20)
    told = Counter(one.headers["x-road-error"] for one in found if isinstance(one, Response))
    assert set(told) == {"Server.ClientProxy.Overloaded", "Server.ClientProxy.NetworkError"}
    assert told["Server.ClientProxy.NetworkError"] * len(LARGE) <= 2 * 2**20


def test_bytes_of_requests_whose_answers_are_awaited_have_an_end_and_then_more_are_taken(fragile: Place) -> None:
    with HostileProvider(fragile) as provider, closing(fragile.client()) as client:
        for _ in range(2):
            turned = refusals(fragile) + 4

            def forged(asked: list[Message], turned: int = turned) -> list[Message]:
                wait_for(lambda: refusals(fragile) == turned, "the others are turned away")
                return [Message.of(answer_to(one), b"{}") for one in asked]

            provider.awaited, provider.forged = 2, forged
            found = client.exchange([Request("POST", LOOKUP, WHY, LARGE)] * 6, 20)
            told = Counter(one.headers.get("x-road-error") for one in found if isinstance(one, Response))
            assert told == {None: 2, "Server.ClientProxy.Overloaded": 4}


def refusals(place: Place) -> int:
    return place.output("gateway-G22").count("Server.ClientProxy.Overloaded")


def test_a_gateway_that_takes_no_requests_gets_no_more_than_wait_for_it(fragile: Place) -> None:
    many = 40

    def ask(number: int) -> str:
        with closing(fragile.client()) as client:
            return fragile.ask(body=LARGE, client=client, X_Road_Id=f"deaf-{number}").headers["x-road-error"]

    with HostileProvider(fragile) as provider, ThreadPoolExecutor(many) as pool:
        provider.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        provider.deaf = True
        told = Counter(pool.map(ask, range(many)))
    assert set(told) == {"Server.ClientProxy.Overloaded", "Server.ClientProxy.NetworkError"}
    assert told["Server.ClientProxy.Overloaded"] > many / 4


def test_an_error_in_one_answer_costs_the_others_of_its_batch_nothing_where_they_were_asked(fragile: Place) -> None:
    fragile.kill("gateway-G22")
    fragile.start("gateway-G22")
    with HostileProvider(fragile) as provider, _raw(fragile) as bad, _raw(fragile) as good:
        provider.awaited = 2
        provider.forged = lambda asked: [Message.of(answer_to(one), told(one)) for one in sorted(asked, key=told)]
        bad.sendall(_wire("b-bad"))
        good.sendall(_wire("g-good"))
        good.settimeout(10)
        assert good.recv(65536).startswith(b"HTTP/1.1 200")
    assert "asking.callback" in fragile.output("gateway-G22")


def told(asked: Message) -> bytes:
    return b"break" if b"b-bad" in asked.head else b"good"
