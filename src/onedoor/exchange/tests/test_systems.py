"""A connection of a system, byte by byte: what is not taken any more, and how its end is told."""

import time
from collections.abc import Callable
from typing import Any, cast
from unittest.mock import Mock

import pytest

from onedoor.exchange.gateway.bodies import Body, Limits, Passing
from onedoor.exchange.gateway.faults import client_side
from onedoor.exchange.gateway.systems import LARGEST_HEAD, LINGER, LONGEST_UNTOLD, Answering, Asked, SystemConnection

LIMITS = Limits(stream_from=10, largest=1000)


class Connected:
    """A connection whose requests are answered by *reply*, and what was written on it."""

    def __init__(self, reply: Callable[[Asked, Answering], None] | None = None) -> None:
        self.transport, self.asked = Mock(), list[Asked]()
        self.transport.get_extra_info.return_value = None
        self.transport.is_closing.return_value = False
        self.reply = reply or (lambda _, connection: connection.answer(200, b"OK", [], b"ok"))
        self.connection = SystemConnection(self, set(), Passing(LIMITS))
        self.connection.connection_made(self.transport)

    def handle(self, asked: Asked, connection: Answering) -> None:
        self.asked.append(asked)
        self.reply(asked, connection)

    def told(self, fault: Any, _headers: object) -> tuple[list[tuple[bytes, bytes]], bytes]:
        return [], str(fault.message).encode()

    @property
    def written(self) -> bytes:
        return b"".join(call.args[0] for call in self.transport.write.call_args_list)


def test_a_target_without_end_is_refused_before_its_end() -> None:
    found = Connected()
    found.connection.data_received(b"GET /" + b"x" * (LARGEST_HEAD - 100))
    assert found.written == b""
    found.connection.data_received(b"x" * 200)
    assert found.written.startswith(b"HTTP/1.1 400 ")
    found.transport.close.assert_called()


@pytest.mark.parametrize(
    "before",
    [
        b"GET / HTTP/1.1\r\nHost: g\r\nX: ",
        b"GET / HTTP/1.1\r\nHost: g\r\nX",
        b"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n2;",
        b"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: ",
    ],
    ids=["value", "name", "extension", "trailer"],
)
def test_a_field_without_end_is_refused_before_its_end(before: bytes) -> None:
    found = Connected()
    found.connection.data_received(before)
    for _ in range(LONGEST_UNTOLD // LARGEST_HEAD + 1):
        assert found.written == b""
        found.connection.data_received(b"x" * LARGEST_HEAD)
    assert found.written.startswith(b"HTTP/1.1 400 ")
    assert found.asked == []
    found.transport.close.assert_called()


def test_many_requests_and_pieces_of_a_body_are_not_taken_for_a_field() -> None:
    found, long = Connected(), b"x" * (LONGEST_UNTOLD // 6)
    for _ in range(7):
        found.connection.data_received(b"GET / HTTP/1.1\r\nHost: g\r\nX: %b\r\n\r\n" % long)
    found.connection.data_received(b"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(7):
        found.connection.data_received(b"1;%b\r\nx\r\n" % long)
    found.connection.data_received(b"0\r\n\r\n")
    assert found.written.count(b"HTTP/1.1 200 ") == len(found.asked) == 8


def test_nothing_behind_the_last_request_of_a_connection_is_answered() -> None:
    found = Connected()
    found.connection.data_received(b"GET /one HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\nnonsense\r\n\r\n")
    found.connection.data_received(b"GET /two HTTP/1.1\r\nHost: g\r\n\r\n")
    assert (found.written.count(b"HTTP/1.1 "), [one.target for one in found.asked]) == (1, [b"/one"])


def test_who_still_sends_what_was_refused_reads_the_answer_and_then_that_is_all() -> None:
    found = Connected(lambda _, connection: connection.answer(400, b"Bad Request", [], b"no"))
    found.connection.data_received(b"POST /x HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\n\r\n" + bytes(20))
    assert b"\r\nConnection: close\r\n" in found.written
    found.transport.close.assert_not_called()
    found.connection.sweep(time.monotonic())
    found.transport.abort.assert_not_called()
    found.connection.sweep(time.monotonic() + LINGER + 1)
    found.transport.abort.assert_called()


def test_a_body_of_unknown_length_goes_to_nobody_who_cannot_tell_its_end() -> None:
    body = Body(Mock(), None, LIMITS, set(), client_side)
    found = Connected(lambda _, connection: connection.pass_on(200, b"OK", [], body))
    found.connection.data_received(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert (found.written, body.over) == (b"", True)
    cast("Mock", found.transport).abort.assert_called()


def test_who_asks_on_while_an_answer_is_under_way_is_told_nothing_in_the_middle_of_it() -> None:
    expecting = b"PUT /two HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    body = Body(Mock(), 6, LIMITS, set(), client_side)
    found = Connected(lambda _, connection: connection.pass_on(200, b"OK", [], body))
    found.connection.data_received(b"GET /one HTTP/1.1\r\nHost: g\r\n\r\n")
    before = found.written
    found.connection.data_received(expecting)
    assert found.written == before
    waits = Connected()
    waits.connection.data_received(expecting)
    assert waits.written == b"HTTP/1.1 100 Continue\r\n\r\n"
