"""X-Road's hash chain: SHA-512 over the DER of each step, leaves first; one value stands for a batch of messages.

A step is ``SEQUENCE OF SEQUENCE { digest OCTET STRING, method UTF8String, transforms SEQUENCE }`` over its children
in order (namespace http://cyber.ee/hashchain). A message is a step over its head and, when it has one, its body.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha512

METHOD = b"http://www.w3.org/2001/04/xmlenc#sha512"
DIGEST = 64
FANOUT = 16
"""Children of one step of a batch: with 256 messages, 30 digests prove one of them."""
_TAIL = b"\x0c" + bytes([len(METHOD)]) + METHOD + b"\x30\x00"
_HEAD = b"\x30" + bytes([2 + DIGEST + len(_TAIL)]) + b"\x04" + bytes([DIGEST])
_BETWEEN = _TAIL + _HEAD
_LONG = 0x80


@dataclass(slots=True)
class Digests:
    """The SHA-512 digests of a message's *head* and *body* (empty when there is none)."""

    head: bytes
    body: bytes

    @property
    def leaf(self) -> bytes:
        """Return the message's own step in the chain."""
        return step([self.head, self.body] if self.body else [self.head])

    @property
    def request_hash(self) -> str:
        """Return X-Road-Request-Hash: base64 of SHA-512 over both digests, or of the head's digest alone."""
        return base64.b64encode(sha512(self.head + self.body).digest() if self.body else self.head).decode()


def digests(head: bytes, body: bytes) -> Digests:
    """Return the digests of a message."""
    return Digests(sha512(head).digest(), sha512(body).digest() if body else b"")


def step(children: Sequence[bytes]) -> bytes:
    """Return the value of a step over the digests *children*, at most `FANOUT`."""
    return sha512(_START[len(children)] + _BETWEEN.join(children) + _TAIL).digest()


def result(leaves: Sequence[bytes]) -> bytes:
    """Return the chain's result over at least one leaf: steps of up to `FANOUT` children until one is left."""
    level = list(leaves)
    if not level:
        raise ValueError("a chain has at least one leaf")
    while True:
        level = [step(children) for children in _groups(level)]
        if len(level) == 1:
            return level[0]


def way(leaves: Sequence[bytes], index: int) -> list[tuple[list[bytes], int]]:
    """Return how the result leads to the leaf at *index*: each step's children, and which of them goes on to it."""
    level, steps = list(leaves), list[tuple[list[bytes], int]]()
    while True:
        groups = _groups(level)
        steps.insert(0, (groups[index // FANOUT], index % FANOUT))
        if len(groups) == 1:
            return steps
        level, index = [step(children) for children in groups], index // FANOUT


def _groups(level: list[bytes]) -> list[list[bytes]]:
    return [level[start : start + FANOUT] for start in range(0, len(level), FANOUT)]


def _start(children: int) -> bytes:
    """Return what stands before the first digest of a step over so many *children*."""
    size = children * (len(_HEAD) + DIGEST + len(_TAIL))
    if size < _LONG:
        return b"\x30" + bytes([size]) + _HEAD
    raw = size.to_bytes((size.bit_length() + 7) // 8)
    return b"\x30" + bytes([_LONG | len(raw)]) + raw + _HEAD


_START = [_start(children) for children in range(FANOUT + 1)]
