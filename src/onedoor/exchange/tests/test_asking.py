"""What becomes of requests under way when the other gateway refuses, or the link ends."""

import time
from hashlib import sha512
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock
from uuid import uuid4

import pytest

from onedoor.exchange.gateway import batches, bodies, messages
from onedoor.exchange.gateway.asking import PATIENCE, AskingLink, Peer
from onedoor.exchange.gateway.bodies import Body, Limits, Passing
from onedoor.exchange.gateway.faults import UNKNOWN, UNTAKEN, Fault, client_side
from onedoor.exchange.gateway.log import Callback
from onedoor.exchange.gateway.messages import Message, Response
from onedoor.exchange.gateway.wire import FRAME_WITHIN

NAMES = ("came", "waits")


class Core:
    """Keeps what is logged until the test says that it is durable."""

    id, operations = "VN/GOV/G22/GATEWAY", None

    def __init__(self) -> None:
        self.passing = Passing()
        self.durable: list[Callback] = []

    def check_signer(self, _: object) -> None: ...

    def keep(self, _kind: int, _payload: bytes, _signer: object, durable: Callback, *, lazy: bool = False) -> None:
        self.durable.append(durable)


class Ends:
    """What became of each request."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *more: tuple[bytes, bytes]) -> None:
        self.told: dict[str, str] = {}
        self.core = Core()
        gateway = cast("Any", SimpleNamespace(id="VN/GOV/G01/GATEWAY"))
        self.peer = Peer(cast("Any", self.core), gateway, cast("Any", None))
        monkeypatch.setattr(self.peer, "_reach", lambda: None)
        self.link = AskingLink(self.peer)
        self.link.peer = gateway
        for name in NAMES:
            self._ask(name)
        self.peer.outbox.drop()
        self.peer.ready(self.link)
        self.link.ask(b"", len(NAMES))
        batch = SimpleNamespace(messages=[answer_to(self.peer, NAMES[0], *more)], signer=SimpleNamespace(signing=None))
        monkeypatch.setattr(batches, "unseal", lambda *_: batch)
        self.link.frame_received(batches.RESPONSES, b"", gateway)

    def _ask(self, name: str) -> None:
        def answered(_response: Response, _body: bytes, _stream: object) -> None:
            self.told[name] = "answered"

        def failed(fault: Fault) -> None:
            self.told[name] = fault.type

        head = messages.request_head(b"GET", b"/r1/x", [(b"X-Road-Request-Id", name.encode())])
        self.peer.ask(head, b"", name, answered, failed)


@pytest.mark.parametrize("how", ["refused", "lost"])
def test_an_answer_that_is_being_logged_when_the_link_ends_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ends = Ends(monkeypatch)
    if how == "refused":
        ends.link.frame_received(batches.REFUSED, batches.LOG_FAILED, cast("Any", ends.link.peer))
    ends.link.connection_lost(None)
    why = "Server.ServerProxy.LoggingFailed" if how == "refused" else "Server.ClientProxy.NetworkError"
    assert ends.told == {"waits": why}
    ends.core.durable[0](None)
    assert ends.told == {"came": "answered", "waits": why}
    assert not ends.peer.awaited


def test_an_answer_whose_large_body_can_come_no_more_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends(monkeypatch, (bodies.HEADER, b"5"))
    ends.link.connection_lost(None)
    assert ends.told == dict.fromkeys(NAMES, "Server.ClientProxy.NetworkError")


@pytest.mark.parametrize("lost", [True, False])
def test_a_gateway_that_leaves_is_asked_again_for_what_it_answered_not(
    monkeypatch: pytest.MonkeyPatch, *, lost: bool
) -> None:
    ends = Ends(monkeypatch)
    more = batches.frame(batches.RESPONSES, b"")
    ends.link.data_received(batches.frame(batches.REFUSED, batches.LEAVING) + more)
    assert len(ends.core.durable) == 1, "nothing counts that comes after it"
    ends.link.resume_writing()
    assert ends.peer.outbox.busy, "nothing is sent there any more"
    if lost:
        ends.link.connection_lost(None)
    assert (ends.told, len(ends.peer.outbox)) == ({}, 0), "an answer that is being logged is one"
    ends.core.durable[0](None)
    assert (ends.told, list(ends.peer.awaited), len(ends.peer.outbox)) == ({"came": "answered"}, ["waits"], 1)


def test_an_answer_that_cannot_be_logged_is_none_though_the_link_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends(monkeypatch)
    ends.link.connection_lost(None)
    ends.core.durable[0](OSError(28, "no room"))
    assert ends.told == {"came": "Server.ClientProxy.LoggingFailed", "waits": "Server.ClientProxy.NetworkError"}


class Asking:
    """A peer whose link a test makes, what it was asked, and what became of that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: dict[str, str] = {}
        gateway = cast("Any", SimpleNamespace(id="VN/GOV/G01/GATEWAY"))
        self.peer = Peer(cast("Any", Core()), gateway, cast("Any", None))
        monkeypatch.setattr(self.peer, "_reach", lambda: None)
        self.body = Body(Mock(), 8, Limits(), set(), cast("Any", client_side))

    def ask(self, name: str, body: bytes | Body = b"") -> None:
        head = messages.request_head(b"POST", b"/r1/x", [(b"X-Road-Request-Id", name.encode())])

        def failed(fault: Fault) -> None:
            self.told[name] = fault.fate

        self.peer.ask(head, body, name, lambda *_: None, failed)

    def linked(self) -> AskingLink:
        """Return a new link, on which all that waits was sent."""
        link = AskingLink(self.peer)
        link.peer = self.peer.gateway
        self.peer._link = link
        self.peer.outbox.drop()
        return link


def test_what_a_gateway_that_left_had_not_taken_is_sent_once_more_and_no_third_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asking = Asking(monkeypatch)
    asking.ask("sent")
    first = asking.linked()
    asking.ask("queued")
    asking.peer.left(first)
    assert (asking.told, len(asking.peer.outbox)) == ({}, 2)
    asking.peer.left(asking.linked())
    assert (asking.told, len(asking.peer.outbox)) == ({"sent": UNTAKEN}, 1), "the other one was sent once alone"
    asking.peer.left(first)
    assert len(asking.peer.outbox) == 1, "a link that is over says nothing"


def test_a_large_body_of_which_some_has_gone_is_not_sent_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch)
    asking.ask("large", asking.body)
    link = asking.linked()
    asking.body.attach(Mock())
    asking.peer.left(link)
    assert (asking.told, len(asking.peer.outbox)) == ({"large": UNKNOWN}, 0)


def test_what_has_not_left_when_it_is_given_up_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch)
    asking.ask("sent")
    asking.linked()
    asking.ask("queued")
    asking.peer.sweep(time.monotonic() + PATIENCE + 1)
    assert asking.told == {"sent": "", "queued": UNTAKEN}
    assert (len(asking.peer.outbox), asking.peer.outbox.bytes) == (0, 0)


def test_a_link_that_is_over_fails_nothing_that_goes_by_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch)
    over = asking.linked()
    asking.linked()
    asking.ask("next")
    over.connection_lost(None)
    assert (asking.told, len(asking.peer.outbox)) == ({}, 1)


def test_a_link_on_which_an_answer_does_not_come_to_its_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    asking, now = Asking(monkeypatch), time.monotonic()
    link = asking.linked()
    link.transport = transport = Mock()
    link.data_received(batches.FRAME.pack(9, batches.RESPONSES))
    asking.peer.sweep(now + FRAME_WITHIN - 1)
    transport.abort.assert_not_called()
    asking.peer.sweep(now + FRAME_WITHIN + 1)
    transport.abort.assert_called()


def test_an_answer_ends_a_row_of_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends(monkeypatch)
    ends.peer.circuit.failed(0.0)
    ends.core.durable[0](None)
    assert ends.peer.circuit.failures == 0


def test_a_body_whose_request_is_answered_or_whose_link_is_lost_goes_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asking = Asking(monkeypatch)
    asking.ask("large", asking.body)
    asking.peer.answer(answer_to(asking.peer, "large"), asking.linked())
    assert (asking.body.over, asking.body.complete) == (True, False)
    asking.peer.lost(asking.peer._link, "the link is gone")
    assert not asking.peer._announced


def test_a_body_that_nobody_sends_any_more_waits_for_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    asking, name = Asking(monkeypatch), str(uuid4())
    asking.ask(name, asking.body)
    (sent,), link = asking.peer.outbox.drop(), asking.linked()
    asking.peer._leave([sent], link)
    assert link.streams.leaving
    asking.body.lost("its client is gone")
    assert (asking.told, link.streams.leaving) == ({name: ""}, {})


def test_a_request_with_a_large_body_is_given_up_some_time_after_all_of_it_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asking, late = Asking(monkeypatch), time.monotonic() + 2 * PATIENCE
    asking.ask("large", asking.body)
    asking.linked()
    asking.peer.sweep(late)
    assert not asking.told
    before = asking.peer.awaited["large"].hashes
    asking.peer._close("large", b"", sha512().digest())
    assert len(set(asking.peer.awaited["large"].hashes) - set(before)) == 1, "its answer may name the whole"
    asking.peer.sweep(late)
    assert asking.told == {"large": ""}


@pytest.mark.parametrize("same", [True, False])
def test_a_body_is_whole_only_when_the_head_that_announced_it_is_signed_with_its_digest(
    monkeypatch: pytest.MonkeyPatch, *, same: bool
) -> None:
    asking, name, came = Asking(monkeypatch), str(uuid4()), list[Body | None]()
    head = messages.request_head(b"GET", b"/r1/x", [(b"X-Road-Request-Id", name.encode())])
    asking.peer.ask(head, b"", name, lambda _, __, body: came.append(body), lambda _: None)
    link = asking.linked()
    announcing = answer_to(asking.peer, name, (bodies.HEADER, b"0"))
    asking.peer.answer(announcing, link)
    other = messages.response_head(404, b"No", [(b"X-Road-Request-Id", name.encode())])
    asking.peer.answer(Message.closing(announcing.head if same else other, sha512().digest()), link)
    assert came[0]
    assert (came[0].complete, came[0].over) == (same, not same)


def answer_to(peer: Peer, name: str, *more: tuple[bytes, bytes]) -> Message:
    """Return an answer to the request *name*, which awaits one."""
    told = (b"X-Road-Request-Id", name.encode()), (b"X-Road-Request-Hash", peer.awaited[name].hashes[0].encode())
    return Message.of(messages.response_head(200, b"OK", [*told, *more]), b"")


def test_another_gateway_at_the_address_is_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate counts, but not here: who took the address of another must not be handed its messages."""
    asking = Asking(monkeypatch)
    asking.ask("waits")
    link, transport = AskingLink(asking.peer), Mock()
    monkeypatch.setattr(link, "_pinned", lambda: cast("Any", SimpleNamespace(id="VN/GOV/G15/GATEWAY")))
    link.connection_made(transport)
    transport.abort.assert_called()
    assert (link.peer, asking.peer.linked, asking.peer.outbox.busy) == (None, False, True)
    link.connection_lost(None)
    assert asking.told == {"waits": UNTAKEN}
    assert asking.peer.circuit.failures == 1
