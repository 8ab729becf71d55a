"""Heads of messages and the rules for headers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.gateway import messages
from onedoor.exchange.gateway.messages import BadMessage, Fields

NAMES = st.from_regex(rb"[A-Za-z-]{1,20}", fullmatch=True)
VALUES = st.from_regex(rb"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=10))
def test_a_head_is_read_as_it_was_written(headers: list[tuple[bytes, bytes]]) -> None:
    head = messages.request_head(b"POST", b"/r1/a?b=c", headers)
    asked = messages.read_request(head)
    assert (asked.method, asked.target, asked.headers.pairs) == ("POST", b"/r1/a?b=c", headers)
    answer = messages.read_response(messages.response_head(404, b"Not Found", headers))
    assert (answer.status, answer.reason, answer.headers.pairs) == (404, b"Not Found", headers)


def test_a_head_has_the_bytes_that_x_road_hashes() -> None:
    head = messages.request_head(b"GET", b"/r1/p", [(b"X-Road-Client", b" a/b/c/d "), (b"X-Road-Request-Id", b"1")])
    assert head == b"GET\r\n/r1/p\r\nX-Road-Client:a/b/c/d\r\nX-Road-Request-Id:1\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET\r\n",
        b"GET\r\n/r1/p\r\nName: a\nInjected: b\r\n",
        b"GET\r\n/r1/p\r\nName : a\r\n",
        b"GET\r\n/r1/p\r\n folded\r\n",
        b"GET\r\n/r1/p HTTP/1.1\r\n",
        b"GET\r\n/r1/p\r\nName:a\0b\r\n",
        b"GET\r\n/r1/p\r\nName:a",
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(head: bytes) -> None:
    with pytest.raises(BadMessage):
        messages.read_request(head)


def test_headers_of_one_connection_do_not_travel_and_it_names_no_others() -> None:
    sent = [
        (b"Connection", b"close, Cookie"),
        (b"Transfer-Encoding", b"chunked"),
        (b"X-Road-Request-Hash", b"forged"),
        (b"Cookie", b"kept"),
        (b"Authorization", b"kept"),
    ]
    assert [name for name, _ in messages.travelling(sent)] == [b"Cookie", b"Authorization"]


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Onedoor-Purpose", b"a"), (b"onedoor-purpose", b"b")],
        [(b"Onedoor-Person", b"1")],
        [(b"X_Road_Client", b"VN/GOV/G01/POPULATION")],
        [(b"X-Road_Client", b"VN/GOV/G01/POPULATION")],
        [(b"Onedoor_Purpose", b"x")],
        [(b"X_GovStack_Client", b"x")],
        [(b"X-GovStack-Client", b"x")],
        [(b"Idempotency_Key", b"x")],
        [(b"Idempotency-Key", b"x"), (b"Idempotency-Key", b"x")],
        [(b"Traceparent", b"x"), (b"traceparent", b"y")],
    ],
)
def test_headers_that_imitate_those_of_the_exchange_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(BadMessage):
        messages.check(Fields(headers))


def test_of_a_reason_travels_what_can_be_printed() -> None:
    assert messages.printable(b"Not\0 \r\n\x1bFound\x7f\xe9" + b"!" * 99) == b"Not Found" + b"!" * 45
