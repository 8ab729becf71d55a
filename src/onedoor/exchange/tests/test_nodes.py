"""Connections to a system: whom they trust, what is sent once more on another one, and what they take for an answer."""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Any, cast
from unittest.mock import Mock

import pytest

from onedoor.exchange.gateway import nodes
from onedoor.exchange.gateway.bodies import Body, Limits, Passing
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.faults import Fault, server_side
from onedoor.exchange.gateway.nodes import Errand, Node, NodeConnection, Reply

OWN, STRANGE = "own", "strange"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LIMITS = Limits(stream_from=100, largest=1000)


class Behind:
    """A system of which a test says what it sends, and what became of the errands to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = Node("127.0.0.1", 1, OWN, cast("Any", None), passing=Passing(LIMITS))
        self.shown = OWN
        monkeypatch.setattr(nodes, "shown_by", lambda _: self.shown)
        monkeypatch.setattr(nodes, "keep_alive", lambda _: None)
        monkeypatch.setattr(self.node, "_grow", lambda: None)
        self.replies: list[Reply] = []
        self.faults: list[Fault] = []
        self.streams: list[Body] = []

    def errand(self, *, repeatable: bool = False, body: Body | None = None, streams: bool = True) -> Errand:
        until, circuit = time.monotonic() + 60, Circuit("service")
        passing = (lambda _, found: self.streams.append(found)) if streams else None
        told = self.replies.append, self.faults.append
        return Errand(b"asked", "POST", repeatable, until, *told, circuit, body=body, passing=passing)

    async def connected(self) -> NodeConnection:
        connection = NodeConnection(self.node)
        connection.connection_made(Mock(is_closing=lambda: False))
        await asyncio.sleep(0)
        return connection

    @property
    def waiting(self) -> int:
        return len(self.node._waiting)

    @property
    def why(self) -> str:
        (fault,) = self.faults
        return fault.type.rpartition(".")[2]


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Behind:
    return Behind(monkeypatch)


def body_of(length: int) -> Body:
    return Body(Mock(), length, LIMITS, set(), server_side)


def closed(connection: NodeConnection) -> bool:
    return bool(cast("Any", connection._transport).abort.called)


@pytest.mark.parametrize("host", ["127.0.0.1", "a..b"], ids=["nobody there", "no name"])
def test_what_waits_for_a_system_that_cannot_be_reached_hears_so_at_once(behind: Behind, host: str) -> None:
    async def run() -> None:
        node = Node(host, 1, OWN, ssl.create_default_context(), passing=Passing(LIMITS))
        node.send(behind.errand())
        await asyncio.gather(*node._tasks)
        assert (behind.why, node._connecting) == ("NetworkError", set())

    asyncio.run(run())


def test_whoever_shows_another_certificate_than_the_registered_one_is_sent_nothing(behind: Behind) -> None:
    async def run() -> None:
        behind.shown = STRANGE
        behind.node.send(behind.errand())
        connection = await behind.connected()
        cast("Any", connection._transport).write.assert_not_called()
        assert closed(connection)
        assert behind.why == "NetworkError"
        assert not behind.node.resting

    asyncio.run(run())


@pytest.mark.parametrize(
    ("repeatable", "served", "begun", "again"),
    [(True, True, False, True), (False, True, False, False), (True, False, False, False), (True, True, True, False)],
)
def test_what_a_resting_connection_lost_is_sent_once_more_only_when_it_may_be(
    behind: Behind, repeatable: bool, served: bool, begun: bool, again: bool
) -> None:
    async def run() -> None:
        connection = await behind.connected()
        if served:
            behind.node.send(behind.errand())
            connection.data_received(GOOD)
            await asyncio.sleep(0)
        behind.node.send(behind.errand(repeatable=repeatable))
        if begun:
            connection.data_received(GOOD[:8])
        connection.connection_lost(None)
        assert (behind.waiting, len(behind.faults)) == (int(again), int(not again))

    asyncio.run(run())


def test_what_nobody_asked_for_is_no_answer_to_the_next_question(behind: Behind) -> None:
    async def run() -> None:
        connection = await behind.connected()
        connection.data_received(GOOD)
        assert closed(connection)

    asyncio.run(run())


def test_what_waits_for_a_connection_too_long_is_given_up(behind: Behind) -> None:
    async def run() -> None:
        behind.node.send(behind.errand())
        behind.node.sweep(time.monotonic())
        assert behind.waiting == 1
        behind.node.sweep(time.monotonic() + 61)
        assert (behind.waiting, behind.why) == (0, "NetworkError")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("streams", "length", "why"), [(True, 1001, "InvalidBody"), (False, 11 * 2**20, "NetworkError")]
)
def test_an_answer_that_is_too_large_is_none(behind: Behind, streams: bool, length: int, why: str) -> None:
    async def run() -> None:
        connection = await behind.connected()
        behind.node.send(behind.errand(streams=streams))
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + bytes(length - 1))
        assert (behind.why, closed(connection)) == (why, True)
        assert (behind.streams, behind.replies) == ([], [])

    asyncio.run(run())


def test_a_head_that_is_too_long_is_no_answer(behind: Behind) -> None:
    async def run() -> None:
        connection = await behind.connected()
        behind.node.send(behind.errand(streams=False))
        connection.data_received(b"HTTP/1.1 200 OK\r\n" + b"X-Own: %b\r\n" % bytes(b"x" * 2000) * 30)
        assert (behind.why, closed(connection)) == ("NetworkError", True)

    asyncio.run(run())


@pytest.mark.parametrize("before", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nX", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_field_without_end_is_no_answer(behind: Behind, before: bytes) -> None:
    async def run() -> None:
        connection = await behind.connected()
        behind.node.send(behind.errand())
        connection.data_received(before)
        for _ in range(3):
            assert not closed(connection)
            connection.data_received(b"x" * nodes.LARGEST_HEAD)
        assert (behind.why, closed(connection)) == ("NetworkError", True)

    asyncio.run(run())


def test_what_comes_before_an_answer_and_pieces_of_its_body_are_not_taken_for_a_field(behind: Behind) -> None:
    async def run() -> None:
        connection, long = await behind.connected(), b"x" * (nodes.LONGEST_UNTOLD // 6)
        behind.node.send(behind.errand(streams=False))
        for _ in range(7):
            connection.data_received(b"HTTP/1.1 103 Early Hints\r\nX: %b\r\n\r\n" % long)
        connection.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(7):
            connection.data_received(b"1;%b\r\nx\r\n" % long)
        connection.data_received(b"0\r\n\r\n")
        assert [one.body for one in behind.replies] == [b"x" * 7]

    asyncio.run(run())


def test_who_answers_before_the_request_was_whole_gets_no_more_of_it(behind: Behind) -> None:
    async def run() -> None:
        connection, body = await behind.connected(), body_of(8)
        behind.node.send(behind.errand(body=body))
        body.feed(b"half")
        connection.data_received(GOOD)
        await asyncio.sleep(0)
        assert [one.status for one in behind.replies] == [200]
        assert (body.over, closed(connection), behind.node.resting) == (True, True, [])

    asyncio.run(run())


@pytest.mark.parametrize("way", ["to", "from"])
def test_a_large_body_is_given_up_when_its_connection_is_lost(behind: Behind, way: str) -> None:
    def begin(connection: NodeConnection) -> Body:
        if way == "to":
            body = body_of(8)
            behind.node.send(behind.errand(body=body))
            return body
        behind.node.send(behind.errand())
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + bytes(200))
        return behind.streams[0]

    async def run(begin: Callable[[NodeConnection], Body]) -> None:
        connection = await behind.connected()
        body = begin(connection)
        assert not body.over
        connection.connection_lost(None)
        assert (body.over, body.complete) == (True, False)

    asyncio.run(run(begin))
