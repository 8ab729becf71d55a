"""A large body under way: whole or never complete, as fast as it is taken, at no more memory than its bytes."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from onedoor.exchange.gateway.bodies import SMALL, STALLED, BadLength, Body, Limits, announcement, declared
from onedoor.exchange.gateway.faults import Fault, server_side
from onedoor.exchange.gateway.messages import Fields
from onedoor.exchange.gateway.streams import Coming


class End:
    """A source, a taker and a channel that keep in mind what was asked of them."""

    coming: Any = ()

    def __init__(self) -> None:
        self.source: list[str] = []
        self.taken: list[bytes] = []
        self.ended: list[str] = []

    def pause_body(self) -> None:
        self.source.append("pause")

    def resume_body(self) -> None:
        self.source.append("resume")

    def drop_body(self) -> None:
        self.source.append("drop")

    def take(self, piece: bytes) -> None:
        self.taken.append(bytes(piece))

    def whole(self, _digest: bytes) -> None:
        self.ended.append("whole")

    def broken(self, fault: Fault) -> None:
        self.ended.append(fault.type.rpartition(".")[2])


def body(end: End | None = None, length: int | None = None, *, signed: bool = False, most: int = 100_000) -> Body:
    return Body(end or End(), length, Limits(largest=most), set(), server_side, signed=signed)


def digest(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def test_small_pieces_that_wait_are_put_together() -> None:
    found = body()
    for number in range(20_000):
        found.feed(bytes([number % 256]))
    assert len(found._waiting) < 20_000 / SMALL + 2
    assert b"".join(found._waiting) == bytes(number % 256 for number in range(20_000))


def test_a_piece_keeps_nothing_of_what_came_with_it() -> None:
    streams: Any = End()
    coming = Coming(streams, b"key", lambda _: None)
    coming.body = body(most=2**20)
    received = bytes(200_000)
    coming.feed(memoryview(received)[:5000])
    coming.feed(memoryview(received)[:150_000])
    assert [type(one) for one in coming.body._waiting] == [bytes, memoryview]


@pytest.mark.parametrize("length", [4, None])
def test_more_than_was_said_or_is_taken_at_most_is_never_handed_on(length: int | None) -> None:
    end = End()
    found = body(end, length, most=4)
    found.attach(end)
    found.feed(b"1234")
    found.feed(b"5")
    found.feed(b"6")
    found.finish()
    assert (end.taken, end.ended, end.source[-1]) == ([b"1234"], ["InvalidBody"], "drop")


def test_less_than_was_said_is_never_whole() -> None:
    end = End()
    found = body(end, 4)
    found.attach(end)
    found.feed(b"123")
    found.finish()
    assert end.ended == ["InvalidBody"]


def test_the_last_bytes_of_a_signed_body_wait_for_its_signature() -> None:
    for signed, taken, ended in ((b"1234", [b"12", b"34"], "whole"), (b"", [b"12"], "InvalidSignatureValue")):
        end = End()
        found = body(end, 4, signed=True)
        found.attach(end)
        found.feed(b"12")
        found.feed(b"34")
        assert end.taken == [b"12"]
        found.finish(digest(signed))
        assert (end.taken, end.ended) == (taken, [ended])


def test_who_takes_a_body_gets_nothing_while_it_cannot_keep_up_and_its_source_waits() -> None:
    end = End()
    found = body(end)
    found.feed(b"1")
    assert end.source == ["pause"], "nobody takes it yet"
    found.attach(end)
    found.pause()
    found.feed(b"2")
    assert (end.taken, end.source) == ([b"1"], ["pause", "resume", "pause"])
    found.finish()
    assert not end.ended
    found.resume()
    assert (end.taken, end.ended) == ([b"1", b"2"], ["whole"])
    assert end.source[3:] == ["resume"], "once, for what comes behind it"


@pytest.mark.parametrize(("move", "moves"), [("feed", True), ("resume", True), ("feed nothing", False)])
def test_a_body_is_given_up_that_does_not_move_for_long_and_no_other(move: str, *, moves: bool) -> None:
    end = End()
    found = body(end)
    found._moved -= 10 * STALLED
    if move == "resume":
        found.resume()
    else:
        found.feed(b"1" if moves else b"")
    found.sweep(time.monotonic() + STALLED / 2)
    assert found.over != moves
    found.sweep(time.monotonic() + 2 * STALLED)
    found.attach(end)
    assert end.ended == ["NetworkError"]


@pytest.mark.parametrize("last", [lambda one: one.lost("gone"), Body.drop])
def test_what_comes_after_the_end_of_a_body_is_nothing(last: Callable[[Body], None]) -> None:
    end, told = End(), list[Fault | None]()
    found = body(end, 2)
    found.then = told.append
    found.feed(b"1")
    last(found)
    assert (list(found._waiting), found._all, end.source[-1]) == ([], set(), "drop")
    found.feed(b"2")
    found.finish()
    found.lost("again")
    found.resume()
    assert not found._waiting
    assert (len(told), end.source.count("drop"), end.source.count("resume")) == (1, 1, 0)


def test_who_comes_late_to_a_body_that_broke_hears_of_it() -> None:
    end = End()
    found = body()
    found.lost("gone")
    found.attach(end)
    assert (end.taken, end.ended) == ([], ["NetworkError"])


@pytest.mark.parametrize("said", [[b"5x"], [b""], [b"-1"], [b"5", b"5"], [b"1001"], [b"1" * 5000]])
def test_a_head_announces_one_body_of_a_size_that_is_taken(said: list[bytes]) -> None:
    with pytest.raises(BadLength):
        announcement(Fields([(b"onedoor-STREAM", one) for one in said]), Limits(largest=1000))


def test_the_announcement_does_not_travel_on() -> None:
    for said, length in ((b"1000", 1000), (b"-", None)):
        headers = Fields([(b"onedoor-STREAM", said), (b"X-Other", b"1")])
        found, left = announcement(headers, Limits(largest=1000))
        assert (found, left.pairs) == (length, [(b"X-Other", b"1")])


def test_a_length_beside_chunks_is_none() -> None:
    length = (b"Content-Length", b"5")
    assert declared(Fields([length])) == 5
    assert declared(Fields([length, (b"Transfer-Encoding", b"chunked")])) is None
