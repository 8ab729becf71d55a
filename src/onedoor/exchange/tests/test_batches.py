"""Batches: signed once, verified whole."""

import asyncio
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.configuration import Before, Gateway
from onedoor.exchange.gateway import batches, streams
from onedoor.exchange.gateway.batches import REQUESTS, RESPONSES, BadBatch, Sealer
from onedoor.exchange.gateway.bodies import Passing
from onedoor.exchange.gateway.faults import client_side
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.gateway.wire import FEW, MOST_BYTES, Frames, Link, Outbox
from onedoor.signing.asice.writing import Template
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import PrivateKey, new_key

A, B = "VN/GOV/G22/GATEWAY", "VN/GOV/G01/GATEWAY"
MESSAGES = [Message.of(b"POST\r\n/r1/%d\r\n" % n, b"body %d" % n if n % 2 else b"") for n in range(5)]


def gateway(folder: Path, identifier: str, key: PrivateKey) -> Gateway:
    certificate = Authority.open(folder).issue(Subject(identifier), key.public_key(), "sign")
    how = key.public_key(), Template(certificate)
    return Gateway(identifier, "127.0.0.1", 1, "", certificate, frozenset(), *how)


KEY = new_key()
with TemporaryDirectory() as _folder:
    SENDER = gateway(Path(_folder), A, KEY)
SEALER = Sealer.of(A, KEY, SENDER.signing)
SEALED = {kind: batches.seal(kind, SEALER, B, MESSAGES, 17) for kind in (REQUESTS, RESPONSES)}
PAYLOAD = SEALED[REQUESTS]
either = pytest.mark.parametrize("kind", SEALED, ids=["requests", "responses"])


@pytest.fixture(scope="module")
def sender() -> Gateway:
    return SENDER


@either
def test_a_batch_is_read_as_it_was_sealed(sender: Gateway, kind: int) -> None:
    batch = batches.unseal(SEALED[kind], kind, sender, B)
    assert (batch.messages, batch.moment, batch.sender) == (MESSAGES, 17, A)


@pytest.mark.parametrize("left", [60.0, -1.0])
def test_a_batch_under_the_key_before_counts_until_its_end(sender: Gateway, left: float, tmp_path: Path) -> None:
    new, ends = gateway(tmp_path, A, new_key()), time.time() + left
    before = Before(0.0, ends, sender.tls, sender.signing, sender.key, sender.template)
    changed = replace(new, before=before)
    if left > 0:
        assert batches.unseal(PAYLOAD, REQUESTS, changed, B).signer is before
    else:
        with pytest.raises(BadBatch):
            batches.unseal(PAYLOAD, REQUESTS, changed, B)
    with pytest.raises(BadBatch):
        batches.unseal(PAYLOAD, REQUESTS, new, B)


@either
@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, min(map(len, SEALED.values())) - 1), change=st.integers(1, 255))
def test_a_batch_with_any_byte_changed_is_refused(sender: Gateway, kind: int, place: int, change: int) -> None:
    forged = bytearray(SEALED[kind])
    forged[place] ^= change
    with pytest.raises(BadBatch):
        batches.unseal(bytes(forged), kind, sender, B)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_without_a_crash(sender: Gateway, data: bytes) -> None:
    for payload in (data, PAYLOAD[: len(data)], PAYLOAD + data[:1]):
        if payload != PAYLOAD:
            with pytest.raises(BadBatch):
                batches.unseal(payload, REQUESTS, sender, B)


@either
def test_a_batch_of_another_sender_receiver_or_kind_is_refused(sender: Gateway, kind: int) -> None:
    (other,) = SEALED.keys() - {kind}
    for wrong in (
        batches.seal(kind, replace(SEALER, key=new_key()), B, MESSAGES, 17),
        batches.seal(kind, replace(SEALER, id="VN/GOV/G24/GATEWAY"), B, MESSAGES, 17),
        batches.seal(kind, SEALER, "VN/GOV/G24/GATEWAY", MESSAGES, 17),
        SEALED[other],
    ):
        with pytest.raises(BadBatch):
            batches.unseal(wrong, kind, sender, B)


@either
def test_messages_moved_between_batches_are_refused(sender: Gateway, kind: int) -> None:
    payload = SEALED[kind]
    statement, signature, _ = batches.split(batches.seal(kind, SEALER, B, MESSAGES[::-1], 17))
    _, replaced, messages = batches.split(payload)
    start = payload.index(replaced) + len(replaced)
    forged = len(statement).to_bytes(2) + len(signature).to_bytes(2) + statement + signature + payload[start:]
    assert batches.split(forged)[2] == messages
    with pytest.raises(BadBatch, match="not those that were signed"):
        batches.unseal(forged, kind, sender, B)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 30))
def test_frames_arrive_whole_however_they_are_cut(payloads: list[bytes], size: int) -> None:
    wire = b"".join(batches.frame(REQUESTS, payload) for payload in payloads)
    frames = Frames()
    found = [frame for at in range(0, len(wire), size) for frame in frames.feed(wire[at : at + size])]
    assert found == [(REQUESTS, payload) for payload in payloads]


@pytest.mark.parametrize(
    "much", [MESSAGES[:1] * (batches.MOST_MESSAGES + 1), [Message.of(bytes(batches.LARGEST_HEAD + 1), b"")]]
)
def test_a_batch_of_too_much_is_refused_though_it_is_well_signed(sender: Gateway, much: list[Message]) -> None:
    with pytest.raises(BadBatch, match=r"too many|not well formed"):
        batches.unseal(batches.seal(REQUESTS, SEALER, B, much, 17), REQUESTS, sender, B)


def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadBatch):
        list(Frames().feed(batches.FRAME.pack(batches.LARGEST_FRAME + 1, REQUESTS)))


@pytest.mark.parametrize("size", [batches.LARGEST_FRAME + 1, streams.KEY - 1])
def test_a_frame_of_a_body_is_no_longer_nor_shorter_for_coming_behind_another(size: int) -> None:
    frames, first = Frames(), batches.frame(batches.BODY, bytes(streams.KEY) + b"body")
    assert [bytes(piece) for _, piece in frames.feed(first[:-1])] == [b"bod"]
    with pytest.raises(BadBatch):
        list(frames.feed(first[-1:] + batches.FRAME.pack(size, batches.BODY) + bytes(streams.KEY)))


def test_what_was_to_leave_waits_when_the_link_is_full_and_nothing_leaves_when_it_was_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, sent = Mock(), []
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    outbox = Outbox(sent.append, lambda: 0)
    outbox.free()
    outbox.put(MESSAGES[0])
    (flush,) = loop.call_soon.call_args.args
    outbox.busy = True
    flush()
    assert not sent
    outbox.free()
    outbox.withdraw(MESSAGES[:1])
    flush()
    assert not sent


class OneSided(Link):
    side = staticmethod(client_side)


def test_whose_certificate_counts_no_more_gets_no_link() -> None:
    shown, transport = Mock(), Mock()
    shown.getpeercert.return_value = b"shown"
    transport.get_extra_info = lambda name: shown if name == "ssl_object" else None
    known = SimpleNamespace(gateway_by_tls={sha256(b"shown").hexdigest(): Mock(shows=lambda *_: False)})
    core = SimpleNamespace(passing=Passing(), current=lambda: known)
    link = OneSided(cast("Any", core))
    link.connection_made(transport)
    assert link.peer is None
    transport.abort.assert_called()


@pytest.mark.parametrize("others", [0, 1, FEW, FEW + 1, 100])
def test_a_message_waits_a_millisecond_for_others_and_not_at_all_when_few_are_under_way(
    monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    loop, sent = Mock(), []
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    outbox = Outbox(sent.append, lambda: others)
    outbox.free()
    for message in MESSAGES:
        outbox.put(message)
    if others <= FEW:
        (flush,) = loop.call_soon.call_args.args
    else:
        wait, flush = loop.call_later.call_args.args
        assert 0 < wait <= 0.001
    assert len(loop.method_calls) == 1, "those that come close together leave as one"
    assert not sent
    flush()
    outbox.put(MESSAGES[0])
    assert sent == [MESSAGES]
    assert len(loop.method_calls) == 1, "the next waits until the last batch is done with"
    outbox.free()
    assert len(loop.method_calls) == 2


def test_answers_wait_for_those_that_are_sure_to_come_and_leave_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, sent, others = Mock(), [], 2
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    outbox = Outbox(sent.append, lambda: others, sure=True)
    outbox.free()
    for message in MESSAGES[:2]:
        outbox.put(message)
        others -= 1
    loop.call_soon.assert_not_called()
    (wait, _), timer = loop.call_later.call_args.args, loop.call_later.return_value
    assert 0 < wait <= 0.001
    timer.cancel.assert_not_called()
    outbox.put(MESSAGES[2])
    timer.cancel.assert_called_once()
    (flush,) = loop.call_soon.call_args.args
    flush()
    assert sent == [MESSAGES[:3]]


@pytest.mark.parametrize(("size", "most"), [(10, batches.MOST_MESSAGES), (MOST_BYTES // 3, 2), (2 * MOST_BYTES, 1)])
def test_a_batch_is_never_more_than_the_other_end_takes(monkeypatch: pytest.MonkeyPatch, size: int, most: int) -> None:
    loop, sent = Mock(), []
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    outbox, message = Outbox(sent.append, lambda: 0), Message.of(b"head", bytes(size))
    for _ in range(most + 1):
        outbox.put(message)
    outbox.free()
    loop.call_soon.call_args.args[0]()
    assert ([len(one) for one in sent], len(outbox)) == ([most], 1)
