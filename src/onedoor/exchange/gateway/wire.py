"""Links between gateways: TLS 1.3 both ways, pinned certificates, frames in and out, batches as they come."""
# ruff: noqa: D102 - the callbacks of asyncio and httptools are documented there

import asyncio
import hashlib
import logging
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, cast

from onedoor.exchange.configuration import Gateway
from onedoor.exchange.gateway import batches
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.messages import Message

MOST_BYTES = 4 * 2**20
"""Bytes of messages in one batch, unless a single message is larger."""
GATHER, FEW = 0.001, 2
"""Seconds in which messages gather for one batch while more than so many others are under way; none when idle."""
DEAD_AFTER = 20_000
"""Milliseconds without an acknowledgement after which the system gives a connection up."""
FRAME_WITHIN = 60.0
"""Seconds for a frame of another gateway, from its first byte to its last."""
_logger = logging.getLogger(__name__)


class Frames:
    """Takes bytes as they arrive and gives whole frames; *count* is how many."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.count = 0

    @property
    def begun(self) -> bool:
        """Return whether a part of a frame is here."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield kind and payload of each frame that is complete; raise `BadBatch` for one that is too long."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= batches.FRAME.size:
            size, kind = batches.FRAME.unpack_from(buffer)
            if size > batches.LARGEST_FRAME:
                raise batches.BadBatch("InvalidRequest", "a frame is too long")
            end = batches.FRAME.size + size
            if len(buffer) < end:
                return
            payload = bytes(memoryview(buffer)[batches.FRAME.size : end])
            del buffer[:end]
            self.count += 1
            yield kind, payload


class Outbox:
    """Messages waiting for one link: those that come close together leave as one batch, and what is alone at once.

    *coming* says how many others are under way, whose next messages a batch may wait for.
    """

    def __init__(self, send: Callable[[list[Message]], None], coming: Callable[[], int]) -> None:
        self._send, self._coming = send, coming
        self._queue: deque[Message] = deque()
        self._flushing: asyncio.Handle | None = None
        self.busy = True
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, message: Message) -> None:
        """Queue *message*; it leaves at the end of this turn of the loop, or with those that are about to come."""
        self._queue.append(message)
        self.bytes += len(message.head) + len(message.body)
        if self._flushing is None and not self.busy:
            self._begin()

    def free(self) -> None:
        """Say that the last batch is done with."""
        self.busy = False
        if self._queue and self._flushing is None:
            self._begin()

    def drop(self) -> list[Message]:
        """Empty the queue and return what was in it."""
        left = list(self._queue)
        self._queue.clear()
        self.bytes = 0
        return left

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        crowded = self._coming() > FEW
        self._flushing = loop.call_later(GATHER, self._flush) if crowded else loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        if self.busy or not self._queue:
            return
        taken: list[Message] = []
        size = 0
        while self._queue and len(taken) < batches.MOST_MESSAGES:
            length = len(self._queue[0].head) + len(self._queue[0].body)
            if taken and size + length > MOST_BYTES:
                break
            taken.append(self._queue.popleft())
            size += length
        self.bytes -= size
        self.busy = True
        self._send(taken)


class Link(asyncio.Protocol):
    """One connection to another gateway; subclasses say what to do with its frames."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.peer: Gateway | None = None
        self.transport: asyncio.Transport | None = None
        self._frames = Frames()
        self._whole, self._since = 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        keep_alive(self.transport)
        self.peer = self._pinned()
        if self.peer is None:
            _logger.warning("link.refused certificate is of no gateway in the configuration")
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._frames.feed(data):
                if self.peer:
                    self.frame_received(kind, payload, self.peer)
        except batches.BadBatch as bad:
            _logger.warning("link.broken why=%s", bad)
            self.abort()

    def frame_received(self, kind: int, payload: bytes, peer: Gateway) -> None:
        """Take one frame of *peer*."""
        raise NotImplementedError

    def sweep(self, now: float) -> None:
        """End the link when a frame does not come to its end in time, unless it is we who do not read."""
        reading = self.transport is not None and self.transport.is_reading()
        if not (reading and self._frames.begun) or self._frames.count != self._whole:
            self._whole, self._since = self._frames.count, now
        elif now - self._since > FRAME_WITHIN:
            _logger.warning("link.slow peer=%s", self.peer.id if self.peer else "")
            self.abort()

    def still_trusted(self) -> bool:
        """Return whether the peer's certificate stands in the configuration of this moment; renew what is known."""
        found = self._pinned() if self.transport else None
        if found is None:
            self.abort()
            return False
        self.peer = found
        return True

    def abort(self) -> None:
        """End the connection now."""
        if self.transport:
            self.transport.abort()

    def write(self, kind: int, payload: bytes) -> None:
        """Send a frame."""
        if self.transport and not self.transport.is_closing():
            self.transport.writelines((batches.FRAME.pack(len(payload), kind), payload))

    def seal(self, kind: int, messages: list[Message], peer: Gateway) -> bytes:
        """Return *messages* as the payload of a batch for *peer*, signed now."""
        if self.core.operations:
            self.core.operations.batch(len(messages))
        return batches.seal(kind, self.core.sealer, peer.id, messages, time.time_ns())

    def _pinned(self) -> Gateway | None:
        configuration = self.core.current()
        shown = shown_by(self.transport) if self.transport else ""
        found = configuration.gateway_by_tls.get(shown) if configuration else None
        return found if found and found.shows(shown, time.time()) else None


def shown_by(transport: asyncio.BaseTransport) -> str:
    """Return the fingerprint of the certificate the other end showed, or nothing."""
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    shown = tls.getpeercert(binary_form=True) if tls else None
    return hashlib.sha256(shown).hexdigest() if shown else ""


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Let the system find out when the other end is gone, and send small frames at once."""
    raw: Any = transport.get_extra_info("socket")
    if raw is None:
        return
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER)
