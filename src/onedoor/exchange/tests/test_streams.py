"""Large bodies on one link: what leaves when it is wanted, what is wanted when it is taken, who is told of an end."""

from typing import Any, cast
from unittest.mock import Mock
from uuid import UUID

import pytest

from onedoor.exchange.gateway import batches, streams
from onedoor.exchange.gateway.batches import BODY, CREDIT, RESET
from onedoor.exchange.gateway.bodies import Body, Limits
from onedoor.exchange.gateway.faults import Fault, client_side
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.gateway.streams import WINDOW, Streams
from onedoor.kernel.ids import uuid7_text

ONE, TWO = uuid7_text(), uuid7_text()


class Link:
    """A link that keeps the kinds and the payloads of the frames that leave on it."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes]] = []
        self.streams = Streams(cast("Any", self), Limits(), set(), client_side)

    def write(self, kind: int, payload: bytes) -> None:
        self.sent.append((kind, payload))

    def write_raw(self, head: bytes, piece: bytes) -> None:
        assert head[5:] == UUID(ONE).bytes or head[5:] == UUID(TWO).bytes
        self.sent.append((head[4], bytes(piece)))

    def leaving(self, request: str = ONE) -> tuple[Body, Mock]:
        """Return a body that leaves, and what is told of its end."""
        told, found = Mock(), Body(Mock(), None, Limits(), self.streams._all, client_side)
        self.streams.send(request, found, told.whole, told.refused)
        return found, told

    def coming(self, request: str = ONE) -> tuple[Body, Mock]:
        """Return a body that comes, and who takes it."""
        taker = Mock()
        return self.streams.receive(request, None, taker.closed), taker

    def credit(self, size: int, request: str = ONE) -> None:
        self.streams.frame(CREDIT, UUID(request).bytes + size.to_bytes(4))


def reset(*, of_sender: bool, request: str = ONE) -> tuple[int, bytes]:
    return RESET, UUID(request).bytes + bytes([of_sender])


def test_a_body_leaves_as_far_as_it_is_wanted_and_while_the_link_has_room() -> None:
    link = Link()
    found, told = link.leaving()
    for piece in (b"1", b"2", b"3" * 5000, b"4" * 5000):
        found.feed(piece)
    assert not link.sent
    link.streams.clog()
    link.credit(1)
    assert not link.sent
    link.streams.clear()
    assert link.sent == [(BODY, b"12")]
    link.credit(0)
    link.credit(1)  # it had one byte more than it was wanted
    link.streams.clear()
    assert len(link.sent) == 1
    link.credit(1)
    assert link.sent[1:] == [(BODY, b"3" * 5000)]
    link.credit(10_000)
    found.finish()
    assert (len(link.sent), link.streams.leaving, told.whole.call_count) == (3, {}, 1)


def test_bodies_go_on_each_time_another_one_first() -> None:
    link = Link()
    both = [link.leaving(one)[0] for one in (ONE, TWO)]
    order = []
    for _ in range(3):
        link.streams.clear()
        order.append(next(iter(link.streams.leaving.values())).body)
    assert order == [both[1], both[0], both[1]]


def test_a_body_that_comes_is_wanted_again_when_half_of_it_was_taken() -> None:
    link = Link()
    found, taker = link.coming()
    assert not link.sent, "nobody takes it yet"
    found.attach(taker)
    link.streams.coming[UUID(ONE).bytes].feed(bytes(WINDOW // 2 - 1))
    assert [kind for kind, _ in link.sent] == [CREDIT]
    link.streams.coming[UUID(ONE).bytes].feed(b"1")
    assert link.sent[1:] == [(CREDIT, UUID(ONE).bytes + (WINDOW // 2).to_bytes(4))]
    found.pause()
    link.streams.coming[UUID(ONE).bytes].feed(bytes(WINDOW // 2))
    assert len(link.sent) == 2


def test_a_body_that_comes_far_faster_than_it_is_wanted_ends_its_link() -> None:
    link = Link()
    link.coming()
    coming = link.streams.coming[UUID(ONE).bytes]
    coming.feed(bytes(streams._SLACK))
    with pytest.raises(batches.BadBatch):
        coming.feed(b"1")


def test_who_sends_a_body_that_nobody_wants_any_more_is_told_once_and_who_receives_one_that_breaks() -> None:
    link = Link()
    found, taker = link.coming()
    found.attach(taker)
    link.sent.clear()
    coming = link.streams.coming[UUID(ONE).bytes]
    found.drop()
    coming.feed(bytes(WINDOW))
    coming.resume_body()
    assert link.sent == [reset(of_sender=False)]
    left, _ = link.leaving(TWO)
    link.credit(1, TWO)
    left.lost("its client is gone")
    assert link.sent[1:] == [reset(of_sender=True, request=TWO)]
    assert (link.streams.coming, link.streams.leaving, link.streams._all) == ({}, {}, set())


def test_a_body_that_waits_to_be_wanted_is_forgotten_with_a_word() -> None:
    link = Link()
    link.leaving()
    link.streams.forget(ONE)
    link.streams.forget(TWO)
    assert (link.sent, link.streams.leaving) == ([reset(of_sender=True)], {})


def test_a_body_that_its_receiver_does_not_want_any_more_stops() -> None:
    link = Link()
    _, told = link.leaving()
    link.streams.frame(*reset(of_sender=False))
    link.streams.frame(*reset(of_sender=False))
    assert (told.refused.call_count, link.streams.leaving) == (1, {})


def test_a_body_whose_sender_gave_it_up_is_broken_unless_its_signature_came() -> None:
    link = Link()
    given_up, signed = (link.coming(one) for one in (ONE, TWO))
    for found, taker in (given_up, signed):
        found.attach(taker)
    link.streams.closing([TWO, "of none"])
    link.sent.clear()
    for request in (ONE, TWO):
        link.streams.frame(*reset(of_sender=True, request=request))
    assert (given_up[1].broken.call_count, signed[1].broken.call_count) == (1, 0)
    assert not link.sent, "who gave it up knows"
    link.streams.close(TWO, Message.closing(b"head", b"digest"))
    assert signed[1].closed.call_count == 1


@pytest.mark.parametrize("logged", [True, False])
def test_with_a_link_all_its_bodies_end_but_those_whose_signature_is_being_logged(*, logged: bool) -> None:
    link = Link()
    (left, told), (came, taker), (signed, last) = link.leaving(), link.coming(), link.coming(TWO)
    for found, one in ((came, taker), (signed, last)):
        found.attach(one)
    link.credit(1)
    link.streams.closing([TWO])
    link.sent.clear()
    link.streams.end("lost", logged=logged)
    assert (left.over, came.over, signed.over) == (True, True, not logged)
    assert (link.sent, told.whole.call_count, link.streams.leaving) == ([], 0, {})


def test_two_bodies_of_one_request_or_of_none_are_not_told_apart_and_refused() -> None:
    link = Link()
    link.coming()
    link.leaving()
    for request in (ONE, "of none"):
        with pytest.raises(Fault, match="cannot be told"):
            link.leaving(request)
        with pytest.raises(Fault, match="cannot be told"):
            link.coming(request)
    assert [kind for kind, _ in link.sent] == [RESET] * 2, "who announced it hears so"


@pytest.mark.parametrize("kind", [CREDIT, RESET])
def test_a_frame_of_another_size_is_refused(kind: int) -> None:
    with pytest.raises(batches.BadBatch):
        Link().streams.frame(kind, bytes(streams.KEY))
