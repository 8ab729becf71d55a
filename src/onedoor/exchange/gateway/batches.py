"""What travels between gateways: frames, each a batch of messages with one signature over their hash chain.

A frame is ``length u32 | kind u8 | payload``. The payload of a batch is ``statement | signature | count | messages``,
each part with its length before it. The statement is text in lines: format, kind, sender, receiver, time in
nanoseconds, number of messages, chain result. Nothing of a batch is used before all of it is verified.
"""

import re
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.x509 import Certificate

from onedoor.exchange.configuration import Before, Gateway
from onedoor.exchange.gateway.chain import DIGEST, result
from onedoor.exchange.gateway.messages import Message
from onedoor.signing.asice.writing import Statement, Template
from onedoor.signing.keys import Signer

REQUESTS, RESPONSES, REFUSED = 1, 2, 3
BODY, CREDIT, RESET = 4, 5, 6
"""Frames about a large body, which is in no batch (`streams`)."""
NAMES = {REQUESTS: "requests", RESPONSES: "responses"}
LOG_FAILED, LEAVING = b"LoggingFailed", b"Leaving"
"""What a gateway says in place of an answer when it cannot write its log."""
FORMAT = "onedoor-batch-2"
MOST_MESSAGES = 256
LARGEST_FRAME = 24 * 2**20
LARGEST_HEAD = 64 * 2**10
FRAME = struct.Struct("!IB")
_SIZES = struct.Struct("!HH")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT, _NUMBER, _CHAIN = re.compile("[0-9]{1,19}"), re.compile("[0-9]{1,3}"), re.compile("[0-9a-f]{128}")
_COUNT = struct.Struct("!I")
_ENTRY = struct.Struct("!II")
_PASSED = 0x80000000 | DIGEST
"""Stands where the length of a body does when it passed as a stream: its digest is here."""


class BadBatch(Exception):
    """A batch that is refused whole; *kind* is the last part of the error type."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Batch:
    """A verified batch."""

    kind: int
    sender: str
    moment: int
    messages: list[Message]
    signer: Gateway | Before


def frame(kind: int, payload: bytes) -> bytes:
    """Return *payload* as a frame."""
    return FRAME.pack(len(payload), kind) + payload


@dataclass(frozen=True, slots=True)
class Sealer:
    """Who signs batches: the gateway *id*, its signing key and certificate, and what that makes of a statement."""

    id: str
    key: Signer
    signing: Certificate
    template: Template

    @classmethod
    def of(cls, id_: str, key: Signer, signing: Certificate) -> "Sealer":
        """Return the one who signs with *key*, whose certificate is *signing*."""
        return cls(id_, key, signing, Template(signing))


def seal(kind: int, sealer: Sealer, receiver: str, messages: Sequence[Message], moment: int) -> bytes:
    """Return the payload of a batch: *messages* under one signature over their chain, made at *moment* (ns)."""
    chain = result([message.digests.leaf for message in messages])
    lines = (FORMAT, NAMES[kind], sealer.id, receiver, str(moment), str(len(messages)), chain.hex())
    said = "\n".join(lines)
    statement, signature = said.encode(), sealer.template.sign(stated(said), sealer.key)
    parts = [_SIZES.pack(len(statement), len(signature)), statement, signature, _COUNT.pack(len(messages))]
    for message in messages:
        if message.passed:
            parts += (_ENTRY.pack(len(message.head), _PASSED), message.head, message.digests.body)
        else:
            parts += (_ENTRY.pack(len(message.head), len(message.body)), message.head, message.body)
    return b"".join(parts)


def unseal(payload: bytes, kind: int, sender: Gateway, receiver: str) -> Batch:
    """Return the batch in *payload* once its signature and every message's place are verified; raise `BadBatch`."""
    statement, signature, messages = split(payload)
    moment, count, chain = _read_statement(statement, kind, sender.id, receiver)
    told, known = stated(statement.decode()), sender.signers(time.time())
    signer = next((one for one in known if one.template.holds(told, signature, one.key)), None)
    if signer is None:
        raise BadBatch("InvalidSignatureValue", "the signature does not belong to this batch")
    if count != len(messages) or result([message.digests.leaf for message in messages]) != chain:
        raise BadBatch("InvalidSignatureValue", "the messages are not those that were signed")
    return Batch(kind, sender.id, moment, messages, signer)


def stated(said: str) -> Statement:
    """Return what XAdES signs of a batch, of which *said* is the well-formed statement as it travels."""
    lines = said.split("\n")
    return Statement(bytes.fromhex(lines[6]), _EPOCH + timedelta(milliseconds=int(lines[4]) // 10**6), said)


def split(payload: bytes) -> tuple[bytes, bytes, list[Message]]:
    """Return statement, signature and messages of a payload, nothing verified; raise `BadBatch` when malformed."""
    try:
        said, signed = _SIZES.unpack_from(payload)
        at = _SIZES.size + said + signed
        (count,) = _COUNT.unpack_from(payload, at)
        messages, end = _read_messages(payload, at + _COUNT.size, count)
    except struct.error:
        raise BadBatch("InvalidRequest", "the batch ends early") from None
    if end != len(payload) or not messages:
        raise BadBatch("InvalidRequest", "the batch is not well formed")
    return payload[_SIZES.size : _SIZES.size + said], payload[at - signed : at], messages


def heads(payload: bytes) -> Iterator[bytes]:
    """Yield the head of each message of a payload, which is known to be well formed."""
    said, signed = _SIZES.unpack_from(payload)
    at = _SIZES.size + said + signed
    (count,) = _COUNT.unpack_from(payload, at)
    at += _COUNT.size
    for _ in range(count):
        head, body = _ENTRY.unpack_from(payload, at)
        at += _ENTRY.size
        yield payload[at : at + head]
        at += head + (DIGEST if body == _PASSED else body)


def sealed(payload: bytes) -> tuple[bytes, bytes]:
    """Return statement and signature of a payload, which is known to be well formed."""
    said, signed = _SIZES.unpack_from(payload)
    middle = _SIZES.size + said
    return payload[_SIZES.size : middle], payload[middle : middle + signed]


def signer_of(said: str) -> str:
    """Return which gateway signed, as the statement says."""
    return said.split("\n")[2]


def _read_messages(payload: bytes, at: int, count: int) -> tuple[list[Message], int]:
    if count > MOST_MESSAGES:
        raise BadBatch("InvalidRequest", "the batch holds too many messages")
    messages = []
    for _ in range(count):
        head, body = _ENTRY.unpack_from(payload, at)
        at += _ENTRY.size
        end = at + head + (body if body != _PASSED else DIGEST)
        if end > len(payload) or head > LARGEST_HEAD:
            raise BadBatch("InvalidRequest", "a message of the batch is not well formed")
        made = Message.of if body != _PASSED else Message.closing
        messages.append(made(payload[at : at + head], payload[at + head : end]))
        at = end
    return messages, at


def _read_statement(statement: bytes, kind: int, sender: str, receiver: str) -> tuple[int, int, bytes]:
    lines = statement.decode("utf-8", "replace").split("\n")
    if len(lines) != 7 or lines[:2] != [FORMAT, NAMES.get(kind)]:  # noqa: PLR2004 - the seven lines named above
        raise BadBatch("InvalidRequest", "the statement of the batch is not of a known form")
    if lines[2:4] != [sender, receiver]:
        raise BadBatch("InvalidRequest", "the batch was signed by or for somebody else")
    if not (_MOMENT.fullmatch(lines[4]) and _NUMBER.fullmatch(lines[5]) and _CHAIN.fullmatch(lines[6])):
        raise BadBatch("InvalidRequest", "the statement of the batch is not well formed")
    return int(lines[4]), int(lines[5]), bytes.fromhex(lines[6])
