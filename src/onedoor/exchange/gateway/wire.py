"""Links between gateways: TLS 1.3 both ways, pinned certificates, frames in and out, batches as they come."""
# ruff: noqa: D102 - the callbacks of asyncio and httptools are documented there

import asyncio
import hashlib
import logging
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, cast

from onedoor.exchange.configuration import Before, Gateway
from onedoor.exchange.gateway import batches, streams
from onedoor.exchange.gateway.core import STREAMS, Core
from onedoor.exchange.gateway.log import Callback
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.gateway.streams import Streams

MOST_BYTES = 4 * 2**20
"""Bytes of messages in one batch, unless a single message is larger."""
GATHER, FEW = 0.001, 2
"""Seconds in which messages gather for one batch while more than so many others are under way; none when idle."""
CONNECT = 5.0
"""Seconds in which a connection is made."""
DEAD_AFTER = 20_000
"""Milliseconds without an acknowledgement after which the system gives a connection up."""
MOST_UNREAD = 32 * 2**20
"""Bytes of a link that wait for the log; above that it is not read."""
FRAME_WITHIN = 60.0
"""Seconds for a frame of another gateway, from its first byte to its last."""
_logger = logging.getLogger(__name__)


class Frames:
    """Takes bytes as they arrive and gives whole frames; *count* is how many.

    Of a frame of a body it gives what came, and in *key* whose body it is.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.count = self._left = 0
        self.key = b""

    @property
    def begun(self) -> bool:
        """Return whether a part of a frame is here."""
        return bool(self._buffer)

    def feed(self, data: bytes | memoryview) -> Iterator[tuple[int, bytes | memoryview]]:
        """Yield kind and payload of each frame that is complete; raise `BadBatch` for one that is too long."""
        buffer = self._buffer
        if self._left:
            data = yield from self._body(memoryview(data))
        buffer += data
        while len(buffer) >= batches.FRAME.size:
            size, kind = batches.FRAME.unpack_from(buffer)
            if size > batches.LARGEST_FRAME:
                raise batches.BadBatch("InvalidRequest", "a frame is too long")
            end = batches.FRAME.size + size
            if kind == batches.BODY:
                if len(buffer) < streams.BODY_HEAD.size and size >= streams.KEY:
                    return
                self._left = self._begin(buffer)
                piece = bytes(memoryview(buffer)[streams.BODY_HEAD.size : end])
                self._left -= len(piece)
                del buffer[: streams.BODY_HEAD.size + len(piece)]
                self.count += 1
                yield kind, piece
                continue
            if len(buffer) < end:
                return
            payload = bytes(memoryview(buffer)[batches.FRAME.size : end])
            del buffer[:end]
            self.count += 1
            yield kind, payload

    def _body(self, data: memoryview) -> Generator[tuple[int, memoryview], None, memoryview]:
        """Yield, uncopied, what *data* holds of bodies from its start on; return what is behind them."""
        while True:
            piece, data = data[: self._left], data[self._left :]
            self._left -= len(piece)
            self.count += 1
            yield batches.BODY, piece
            if self._left or len(data) < streams.BODY_HEAD.size or data[4] != batches.BODY:
                return data
            self._left = self._begin(data)
            data = data[streams.BODY_HEAD.size :]
            if not (self._left and data):
                return data

    def _begin(self, frame: bytearray | memoryview) -> int:
        """Read the head of a frame of a body; return how many bytes of it follow."""
        size, _ = batches.FRAME.unpack_from(frame)
        if not streams.KEY <= size <= batches.LARGEST_FRAME:
            raise batches.BadBatch("InvalidRequest", "a frame of a body is not well formed")
        self.key = bytes(frame[batches.FRAME.size : streams.BODY_HEAD.size])
        return int(size) - streams.KEY


class Outbox:
    """Messages waiting for one link: those that come close together leave as one batch, and what is alone at once.

    *coming* says how many others are under way. If it is *sure* that each of them brings a message, a batch waits for
    one already, and leaves when the last is there; else it waits for more than a few, whose next ones may come.
    """

    def __init__(self, send: Callable[[list[Message]], None], coming: Callable[[], int], *, sure: bool = False) -> None:
        self._send, self._coming, self._sure = send, coming, sure
        self._queue: deque[Message] = deque()
        self._flushing: asyncio.Handle | None = None
        self.busy = True
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, message: Message) -> None:
        """Queue *message*; it leaves at the end of this turn of the loop, or with those that are about to come."""
        self._queue.append(message)
        self.bytes += message.size
        if self._flushing and self._sure and not self._coming():
            self._flushing.cancel()
            self._flushing = None
        if self._flushing is None and not self.busy:
            self._begin()

    def free(self) -> None:
        """Say that the last batch is done with."""
        self.busy = False
        if self._queue and self._flushing is None:
            self._begin()

    def withdraw(self, unwanted: Iterable[Message]) -> set[int]:
        """Take back what has not left of *unwanted*; return the ids (of Python) of those messages."""
        known = {id(one) for one in unwanted}
        taken = [one for one in self._queue if id(one) in known]
        if taken:
            self._queue = deque(one for one in self._queue if id(one) not in known)
            self.bytes -= sum(one.size for one in taken)
        return {id(one) for one in taken}

    def drop(self) -> list[Message]:
        """Empty the queue and return what was in it."""
        left = list(self._queue)
        self._queue.clear()
        self.bytes = 0
        return left

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        crowded = self._coming() > (0 if self._sure else FEW)
        self._flushing = loop.call_later(GATHER, self._flush) if crowded else loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        if self.busy or not self._queue:
            return
        taken: list[Message] = []
        size = 0
        while self._queue and len(taken) < batches.MOST_MESSAGES:
            if taken and size + self._queue[0].size > MOST_BYTES:
                break
            taken.append(self._queue.popleft())
            size += taken[-1].size
        self.bytes -= size
        self.busy = True
        self._send(taken)


class Link(asyncio.Protocol):
    """One connection to another gateway; subclasses say what to do with its frames."""

    side: streams.Side
    """Makes the faults of the side that the link is on."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.peer: Gateway | None = None
        self.transport: asyncio.Transport | None = None
        self._frames = Frames()
        self.streams = Streams(self, core.passing.limits, core.passing.bodies, self.side)
        self.carries = False
        self._left = False
        """Whether nothing counts any more that comes."""
        self._reads, self._logging = True, 0
        self._whole, self._since = 0, time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        keep_alive(self.transport)
        self.carries = transport.get_extra_info("ssl_object").selected_alpn_protocol() == STREAMS
        self.peer = self._pinned()
        if self.peer is None:
            _logger.warning("link.refused certificate is of no gateway in the configuration")
            self.transport.abort()
        else:
            self.streams.peer = self.peer.id

    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._frames.feed(data):
                if self._left or not self.peer:
                    continue
                if kind < batches.BODY:
                    self.frame_received(kind, payload, self.peer)  # type: ignore[arg-type]  # only of bodies come views
                elif kind > batches.BODY:
                    self.streams.frame(kind, bytes(payload))
                elif coming := self.streams.coming.get(self._frames.key):
                    coming.feed(payload)
        except batches.BadBatch as bad:
            _logger.warning("link.broken why=%s", bad)
            self.abort()

    def frame_received(self, kind: int, payload: bytes, peer: Gateway) -> None:
        """Take one frame of *peer*."""
        raise NotImplementedError

    def _keep(
        self, kind: int, payload: bytes, signer: Gateway | Before, durable: Callback, *, lazy: bool = False
    ) -> None:
        """Log a batch that came, as `Core.keep` does; while much waits for the log, no more is read."""

        def logged(error: OSError | None) -> None:
            self._logging -= len(payload)
            durable(error)
            self._flow()

        self._logging += len(payload)
        self._flow()
        self.core.keep(kind, payload, signer, logged, lazy=lazy)

    def _waiting(self) -> float:
        """Return how much of what came waits, as a part of what may."""
        return self._logging / MOST_UNREAD

    def _flow(self) -> None:
        """Read no more while too much waits."""
        if self.transport is None or self.transport.is_closing():
            return
        waiting = self._waiting()
        if self._reads and waiting > 1:
            self.transport.pause_reading()
            self._reads = False
        elif not self._reads and waiting < 1 / 2:
            self.transport.resume_reading()
            self._reads = True

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

    def write_raw(self, head: bytes, piece: bytes | memoryview) -> None:
        """Send a frame whose head is made already."""
        if self.transport and not self.transport.is_closing():
            self.transport.writelines((head, piece))

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
