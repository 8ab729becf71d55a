"""A large body on its way through: digested as it passes, as fast as it is taken, and whole or never complete.

Nothing of it is kept. Who takes it gets its last bytes, or the mark of its end, only when it is known to be whole: when
its source said so, or, from another gateway, when that gateway's signature over its digest was verified and logged.
Where a system told the digest of what it sends (``Content-Digest``, RFC 9530), it is whole only if that is what came.
"""

import base64
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256, sha512
from typing import Protocol

from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.messages import Fields, Headers

HEADER = b"Onedoor-Stream"
"""In a signed head: how many bytes of a body follow beside the batch, or ``-`` where nobody knew it beforehand."""
STALLED = 60.0
"""Seconds without a byte after which a body is given up."""
MOST = 32
"""Bodies of one peer that are under way at the same time, each way, whatever links they are on."""
SMALL = 4096
"""Bytes below which pieces that wait are put together."""
_NAME = HEADER.lower()
_UNKNOWN = b"-"
_LENGTH = re.compile(rb"-|[0-9]{1,15}")
_TOLD = re.compile(rb"(?<![^\t ,])(sha-512|sha-256)=:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):")
SHA256 = "sha-256"
Piece = bytes | memoryview


class BadLength(ValueError):
    """A head that announces a body, but not so that one knows what follows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many bytes on a body passes as a stream, and how many it has at most."""

    stream_from: int = 2**20
    largest: int = 2**36


class Source(Protocol):
    """Where a body comes from."""

    def pause_body(self) -> None:
        """Send nothing for now."""

    def resume_body(self) -> None:
        """Go on."""

    def drop_body(self) -> None:
        """Nobody takes the rest."""


class Taker(Protocol):
    """Where a body goes."""

    def take(self, piece: Piece) -> None:
        """Take the next bytes, which may be kept."""

    def whole(self, digest: bytes) -> None:
        """Know that that was all of it; *digest* is its SHA-512."""

    def broken(self, fault: Fault) -> None:
        """No more comes, and what came is not the whole."""


class Body:
    """One body under way, of *length* bytes where that is known; it belongs to *under_way* until it is over.

    A *signed* one comes from another gateway. *side* makes the faults of this one; *then* is told how it ended, once;
    *account* says whose share of the bodies under way it is part of. Its digest was *told* beforehand, perhaps.
    """

    def __init__(
        self,
        source: Source,
        length: int | None,
        limits: Limits,
        under_way: "set[Body]",
        side: Callable[[str, str], Fault],
        *,
        signed: bool = False,
        told: tuple[str, bytes] | None = None,
    ) -> None:
        self.length, self.passed, self.over, self._side = length, 0, False, side
        self.complete = self._paused = False
        self.account: object = None
        self.then: Callable[[Fault | None], None] = lambda _: None
        self._source, self._signed = source, signed
        self._most = limits.largest if length is None else length
        self._hash = sha512()
        self._told = told[1] if told else None
        self._other = sha256() if told and told[0] == SHA256 else None
        self._waiting: deque[Piece] = deque()
        self._fault: Fault | None = None
        self._taker: Taker | None = None
        self._moved = time.monotonic()
        self._all = under_way
        under_way.add(self)
        source.pause_body()

    @property
    def digest(self) -> bytes:
        """Return the SHA-512 of what has come so far."""
        return self._hash.digest()

    @property
    def fresh(self) -> bool:
        """Return whether nobody has taken anything of it yet."""
        return self._taker is None and not self.over

    def feed(self, piece: Piece) -> None:
        """Take the next bytes from the source."""
        if self.over or not piece:
            return
        self.passed += len(piece)
        self._moved = time.monotonic()
        if self.passed > self._most:
            self.fail(self._side("InvalidBody", f"The body is larger than {self._most} bytes"))
            return
        self._hash.update(piece)
        if self._other:
            self._other.update(piece)
        if self._waiting and len(piece) < SMALL and len(self._waiting[-1]) < SMALL:  # each has its price in memory
            self._waiting[-1] = bytes(self._waiting[-1]) + bytes(piece)
        else:
            self._waiting.append(piece)
        self._flow()

    def finish(self, digest: bytes = b"") -> None:
        """Say that all came; *digest* is what another gateway signed of it."""
        if self.over:
            return
        if self.length not in (None, self.passed):
            self.fail(self._side("InvalidBody", "The body is not as long as it was said to be"))
        elif self._told is not None and self._told != (self._other or self._hash).digest():
            self.fail(self._side("InvalidBody", "The body is not the one whose Content-Digest was sent with it"))
        elif self._signed and digest != self.digest:
            self.fail(self._side("InvalidSignatureValue", "The body is not the one that was signed"))
        else:
            self.complete = True
            self._source.resume_body()
            self._flow()

    def attach(self, taker: Taker) -> None:
        """Let *taker* have the body from its first byte on."""
        if self._fault:
            taker.broken(self._fault)
            return
        self._taker = taker
        self._flow()
        self._go_on()

    def pause(self) -> None:
        """Let the source wait: who takes the body cannot keep up."""
        self._paused = True
        if not (self.over or self.complete):
            self._source.pause_body()

    def resume(self) -> None:
        """Let the source go on."""
        self._paused = False
        self._moved = time.monotonic()
        self._flow()
        self._go_on()

    def fail(self, fault: Fault) -> None:
        """End it: it will never be whole."""
        if self.over:
            return
        self._over(fault)
        self._source.drop_body()
        if self._taker:
            self._taker.broken(fault)

    def lost(self, why: str) -> None:
        """End it because one of its ends is gone, or does not go on."""
        self.fail(self._side("NetworkError", why))

    def drop(self) -> None:
        """End it because nobody wants the rest, which is no fault."""
        if not self.over:
            self._over(None)
            self._source.drop_body()

    def sweep(self, now: float) -> None:
        """Give it up when it has not moved for long (monotonic seconds)."""
        if now - self._moved > STALLED:
            self.lost("The body of the message did not go on")

    def _flow(self) -> None:
        """Hand on what waits, but the last bytes of a signed body only when it is known to be whole."""
        taker, waiting = self._taker, self._waiting
        if taker is None:
            return
        while waiting and not self._paused:
            if len(waiting) == 1 and self._signed and self.passed == self.length and not self.complete:
                return
            taker.take(waiting.popleft())
        if self.complete and not waiting and not self.over:
            self._over(None)
            taker.whole(self.digest)

    def _go_on(self) -> None:
        if self._taker and not (self.over or self.complete or self._paused):
            self._source.resume_body()

    def _over(self, fault: Fault | None) -> None:
        self.over, self._fault = True, fault
        self._waiting.clear()
        self._all.discard(self)
        self.then(fault)


@dataclass(slots=True)
class Passing:
    """What those who pass bodies on need to know: their limits, and which are under way."""

    limits: Limits = field(default_factory=Limits)
    bodies: set[Body] = field(default_factory=set)


def announced(body: Body | None) -> Headers:
    """Return the header that announces *body*, or none."""
    return [(HEADER, _UNKNOWN if body.length is None else b"%d" % body.length)] if body else []


def announces(headers: Fields) -> bool:
    """Return whether a body follows beside the batch."""
    return _NAME in headers.named


def announcement(headers: Fields, limits: Limits) -> tuple[int | None, Fields]:
    """Return the length that *headers* announce, None for an unknown one, and the headers without it.

    Raise `BadLength` where they do not announce exactly one body of a size that is taken here.
    """
    said = headers.every(_NAME)
    if len(said) != 1 or not _LENGTH.fullmatch(said[0]):
        raise BadLength("the head does not announce one body")
    length = None if said[0] == _UNKNOWN else int(said[0])
    if length is not None and length > limits.largest:
        raise BadLength(f"a body may have {limits.largest} bytes")
    return length, Fields([(name, value) for name, value in headers.pairs if name.lower() != _NAME])


def declared(headers: Fields) -> int | None:
    """Return the length that the headers of HTTP declare, if they do."""
    said = headers.first(b"content-length")
    return int(said) if said and b"transfer-encoding" not in headers.named else None


def told(headers: Fields) -> tuple[str, bytes] | None:
    """Return the digest that ``Content-Digest`` tells of the body, if it does so by SHA-512, or else by SHA-256."""
    found = dict(_TOLD.findall(b", ".join(headers.every(b"content-digest"))))
    name = next((one for one in (b"sha-512", b"sha-256") if one in found), None)
    return (name.decode(), base64.b64decode(found[name])) if name else None


def framed(length: int | None, piece: Piece) -> tuple[Piece, ...]:
    """Return *piece* as HTTP/1.1 sends it: as it is in a body of known length, else as a chunk."""
    return (piece,) if length is not None else (b"%x\r\n" % len(piece), piece, b"\r\n")


def framing(length: int | None) -> bytes:
    """Return the header that says how the end of a body is told."""
    return b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length


LAST = b"0\r\n\r\n"
"""The mark of the end of a body of unknown length."""
