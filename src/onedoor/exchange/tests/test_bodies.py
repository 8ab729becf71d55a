"""What waits of large bodies costs no more memory than its bytes, however it is cut."""

from typing import Any

from onedoor.exchange.gateway.bodies import SMALL, Body, Limits
from onedoor.exchange.gateway.faults import server_side
from onedoor.exchange.gateway.streams import Coming


class Nothing:
    """A source and a channel of nothing."""

    coming: Any = ()

    def pause_body(self) -> None: ...

    def resume_body(self) -> None: ...

    def drop_body(self) -> None: ...


def body() -> Body:
    return Body(Nothing(), None, Limits(), set(), server_side)


def test_small_pieces_that_wait_are_put_together() -> None:
    found = body()
    for number in range(20_000):
        found.feed(bytes([number % 256]))
    assert len(found._waiting) < 20_000 / SMALL + 2
    assert b"".join(found._waiting) == bytes(number % 256 for number in range(20_000))


def test_a_piece_keeps_nothing_of_what_came_with_it() -> None:
    streams: Any = Nothing()
    coming = Coming(streams, b"key", lambda _: None)
    coming.body = body()
    received = bytes(200_000)
    coming.feed(memoryview(received)[:5000])
    coming.feed(memoryview(received)[:150_000])
    assert [type(one) for one in coming.body._waiting] == [bytes, memoryview]
