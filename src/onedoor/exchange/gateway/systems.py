"""HTTP/1.1 towards information systems: one connection per object, limits on everything."""
# ruff: noqa: D102 - the callbacks of asyncio and httptools are documented there

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, cast

import httptools

from onedoor.exchange.gateway.bodies import LAST, Body, Passing, Piece, declared, framed, framing, told
from onedoor.exchange.gateway.faults import Fault, bad_request, client_side
from onedoor.exchange.gateway.messages import Fields, Headers
from onedoor.exchange.gateway.wire import keep_alive, shown_by

LARGEST_HEAD = 48 * 2**10
LONGEST_UNTOLD = 2 * LARGEST_HEAD
"""Bytes of a request of which the parser tells nothing: it holds one field until that is whole, however long it is."""
MOST_FIELDS = 128
MOST_CONNECTIONS, LOOKED_AT = 4096, 256
"""Connections at the same time, and how many resting ones are compared when one has to go for another."""
MOST_PIPELINED = 8
HEAD_WITHIN, BODY_WITHIN, IDLE, WRITE_WITHIN, LINGER = 10.0, 60.0, 75.0, 30.0, 5.0
"""Seconds for a head, for a whole request, between two requests, for a client to take its answer (of a large one, each
half MiB), and to send what is not taken any more."""
BODILESS = (204, 304)
_VERSIONS = ("1.1", "1.0")


@dataclass(slots=True)
class Asked:
    """A request as it came from an information system."""

    method: bytes
    target: bytes
    headers: Fields
    body: bytes
    certificate: str
    secure: bool
    stream: Body | None = None
    """The body where it is too large to be taken at once; *body* is empty then."""

    @property
    def content(self) -> bytes | Body:
        """Return the body, whichever way it comes."""
        return self.stream or self.body


class Answering(Protocol):
    """Where the answer of a request goes."""

    def pass_on(self, status: int, reason: bytes, headers: Headers, body: Body) -> None:
        """Write the answer of the request under way as its *body* comes."""

    def answer(self, status: int, reason: bytes, headers: Headers, body: bytes, *, head_only: bool = False) -> None:
        """Write the answer of the request under way."""


class Handler(Protocol):
    """What answers the requests of systems."""

    def handle(self, asked: Asked, connection: Answering) -> None:
        """Answer *asked* on *connection*, now or later."""

    def told(self, fault: Fault, headers: Fields) -> tuple[Headers, bytes]:
        """Return headers and body of the answer that tells *fault* to who sent *headers*."""


class SystemConnection(asyncio.Protocol):
    """One connection of an information system; answers in the order of its requests."""

    def __init__(self, handler: Handler, connections: "set[SystemConnection]", passing: Passing | None = None) -> None:
        self._handler, self._all, self._passing = handler, connections, passing or Passing()
        self._most = self._passing.limits.stream_from
        self._coming: Body | None = None
        self._going: Body | None = None
        self._ends = 0.0
        self._transport: asyncio.Transport | None = None
        self._certificate, self._secure = "", False
        self._queue: deque[Asked] = deque()
        self._busy = False
        self._keep, self._over = True, False
        self._fault: Fault | None = None
        self._reading = False
        self._since = time.monotonic()
        self._blocked = 0.0
        self._target, self._size, self._untold = b"", 0, 0
        self._pairs: Headers = []
        self._headers = Fields([])
        self._chunks: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._all) >= MOST_CONNECTIONS and not self._room_made():
            self._transport.abort()
            return
        keep_alive(transport)
        self._certificate, self._secure = shown_by(transport), transport.get_extra_info("ssl_object") is not None
        self._all.add(self)

    def _room_made(self) -> bool:
        """Close another connection, that of some which has rested longest; return whether one rested at all."""
        resting = islice((one for one in self._all if not one.working), LOOKED_AT)
        longest = min(resting, key=lambda one: one.since, default=None)
        if longest is None:
            return False
        self._all.discard(longest)
        longest.abort()
        return True

    @property
    def working(self) -> bool:
        """Return whether a whole head has come that is not answered yet."""
        return self._busy or self._head_done

    @property
    def since(self) -> float:
        """Return when it last began something (monotonic seconds)."""
        return self._since

    def connection_lost(self, _: Exception | None) -> None:
        self._all.discard(self)
        self._transport = None
        self._queue.clear()
        for body in (self._coming, self._going):
            if body:
                body.lost("The system closed its connection")

    def pause_writing(self) -> None:
        self._blocked = time.monotonic()
        if self._going:
            self._going.pause()

    def resume_writing(self) -> None:
        self._blocked = 0.0
        if self._going:
            self._going.resume()

    def data_received(self, data: bytes) -> None:
        self._untold += len(data)
        while data and not self._over:
            try:
                self._parser.feed_data(data)
                if self._untold > LONGEST_UNTOLD:
                    self._refuse(bad_request("The head of the request is too large"))
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = self._offer_left_out(data[upgrade.args[0] :])
            except httptools.HttpParserCallbackError as error:
                cause = error.__context__
                self._refuse(cause if isinstance(cause, Fault) else bad_request("The request is not well formed"))
            except httptools.HttpParserError:
                self._refuse(bad_request("The request is not well formed"))

    def _offer_left_out(self, rest: bytes) -> bytes:
        """Return a request that offers another protocol once more, without the offer: its body was left unread."""
        parser, self._parser = self._parser, httptools.HttpRequestParser(self)
        method = parser.get_method()
        if method == b"CONNECT":
            self._refuse(bad_request("This method is not spoken here"))
            return b""
        first = b"%b %b HTTP/%b" % (method, self._target, parser.get_http_version().encode())
        kept = [b"%b: %b" % (name, value) for name, value in self._pairs if name.lower() != b"upgrade"]
        return b"\r\n".join([first, *kept]) + b"\r\n\r\n" + rest

    def sweep(self, now: float) -> None:
        """Close the connection when its client is too slow or has rested too long."""
        if (self._blocked and now - self._blocked > WRITE_WITHIN) or (self._ends and now > self._ends):
            self.abort()
        elif not self._busy:
            limit = (BODY_WITHIN if self._head_done else HEAD_WITHIN) if self._reading else IDLE
            if now - self._since > limit:
                self.abort()

    def leave(self) -> None:
        """Take no request after the next one, whose answer says so."""
        self._keep = False

    @property
    def rests(self) -> bool:
        """Return whether nothing is under way on it."""
        return not (self._busy or self._reading or self._queue)

    def close(self) -> None:
        """End the connection once what was written has left."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
        if self._transport:
            self._transport.abort()

    _head_done = False

    def on_message_begin(self) -> None:
        if len(self._queue) >= MOST_PIPELINED:
            raise bad_request("Too many requests were sent before their answers")
        self._target, self._pairs, self._chunks = b"", [], []
        self._size, self._reading, self._head_done = 0, True, False
        self._untold, self._since = 0, time.monotonic()

    def on_url(self, part: bytes) -> None:
        self._target += part
        self._size += len(part)
        if self._size > LARGEST_HEAD:
            raise bad_request("The head of the request is too large")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            raise bad_request("Headers after the body are not taken")
        self._pairs.append((name, value))
        self._size += len(name) + len(value)
        if self._size > LARGEST_HEAD or len(self._pairs) > MOST_FIELDS:
            raise bad_request("The head of the request is too large")

    def on_headers_complete(self) -> None:
        self._head_done, self._size, self._headers = True, 0, Fields(self._pairs)
        if self._parser.should_upgrade():
            return
        self._most = self._passing.limits.stream_from
        expected = _framed(self._headers, self._parser.get_http_version(), self._passing.limits.largest)
        if expected and self._transport and not self._busy:  # else it would stand in the answer under way
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        self._untold = 0
        self._size += len(chunk)
        if self._size > self._most:
            self._stream()
        if self._coming:
            self._coming.feed(chunk)
        else:
            self._chunks.append(chunk)

    def _stream(self) -> None:
        """Hand the request on before its body is whole; raise `Fault` for one that is too large."""
        limits = self._passing.limits
        if self._coming:
            self._coming.fail(_too_large(limits.largest))
            return
        self._most = limits.largest
        length, digest = declared(self._headers), told(self._headers)
        self._coming = Body(self, length, limits, self._passing.bodies, client_side, told=digest)
        for one in self._chunks:
            self._coming.feed(one)
        self._chunks = []
        self._ask(b"", self._coming)

    def pause_body(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_body(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()

    def drop_body(self) -> None:
        self.resume_body()  # who still sends must come to read why it was not taken

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return
        self._reading, self._head_done, self._since = False, False, time.monotonic()
        self._keep = self._keep and self._parser.should_keep_alive()
        if self._coming:
            coming, self._coming = self._coming, None
            coming.finish()
            if self._ends:
                self.close()
            return
        body = b"".join(self._chunks)
        self._chunks = []
        self._ask(body)

    def _ask(self, body: bytes, stream: Body | None = None) -> None:
        method = self._parser.get_method()
        self._queue.append(Asked(method, self._target, self._headers, body, self._certificate, self._secure, stream))
        self._next()

    def pass_on(self, status: int, reason: bytes, headers: Headers, body: Body) -> None:
        """Write the head of the answer of the request under way, then its *body* as it comes."""
        if self._transport is None or (body.length is None and self._parser.get_http_version() != "1.1"):
            body.lost("The system cannot be told the end of this answer")
            self.abort()
            return
        lines = [b"HTTP/1.1 %d %b" % (status, reason), *(b"%b: %b" % one for one in headers), framing(body.length)]
        if not (self._keep or self._queue or self._fault):
            lines.append(b"Connection: close")
        self._transport.write(b"\r\n".join(lines) + b"\r\n\r\n")
        self._going = body
        body.attach(self)

    def take(self, piece: Piece) -> None:
        if self._transport and self._going:
            self._transport.writelines(framed(self._going.length, piece))

    def whole(self, _digest: bytes) -> None:
        going, self._going = self._going, None
        self._busy, self._since = False, time.monotonic()
        if self._transport is None:
            return
        if going and going.length is None:
            self._transport.write(LAST)
        self._go_on(ends=not (self._keep or self._queue or self._fault))

    def broken(self, _fault: Fault) -> None:
        self._going = None
        self.abort()

    def answer(self, status: int, reason: bytes, headers: Headers, body: bytes, *, head_only: bool = False) -> None:
        """Write the answer of the request under way, then take the next."""
        self._busy, self._since = False, time.monotonic()
        if self._transport is None:
            return
        if self._coming:
            self._keep = False
        lines = [b"HTTP/1.1 %d %b" % (status, reason)]
        lines += [b"%b: %b" % (name, value) for name, value in headers]
        if status not in BODILESS and not head_only:
            lines.append(b"Content-Length: %d" % len(body))
        ends = not (self._keep or self._queue or self._fault)
        if ends:
            lines.append(b"Connection: close")
        self._transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if head_only or status in BODILESS else body))
        self._go_on(ends=ends)

    def _go_on(self, *, ends: bool) -> None:
        """Take the next request, or end the connection: a client that still sends has a while to read its answer."""
        if ends and self._coming:
            self._busy, self._ends = True, time.monotonic() + LINGER
        elif ends:
            self.close()
        elif self._queue:
            self._next()
        elif self._fault:
            self._tell(self._fault)

    def _next(self) -> None:
        if self._queue and not self._busy:
            self._busy = True
            self._handler.handle(self._queue.popleft(), self)

    def _refuse(self, fault: Fault) -> None:
        """Answer *fault* in its turn and close: what follows on this connection cannot be told apart any more.

        What comes after a request that was to be the last one is nothing, and not even refused.
        """
        self._over = True
        coming, self._coming = self._coming, None
        if coming:
            coming.fail(fault)
        if self._keep:
            self._keep, self._fault = False, fault
            if not self._busy:
                self._tell(fault)

    def _tell(self, fault: Fault) -> None:
        self._fault = None
        self.answer(fault.status, fault.reason, *self._handler.told(fault, Fields(self._pairs)))


def _framed(headers: Fields, version: str, largest: int) -> bool:
    """Return whether the client waits to be told to go on; raise `Fault` unless the end of its request is plain."""
    if int(headers.named.get(b"content-length", b"0")) > largest:
        raise _too_large(largest)
    if {value.strip().lower() for value in headers.every(b"transfer-encoding")} - {b"chunked"}:
        raise bad_request("The body is encoded in a way that is not spoken here")
    if version not in _VERSIONS:
        raise bad_request("This version of HTTP is not spoken here")
    hosts = len(headers.every(b"host"))
    if hosts != 1 and (hosts or version != "1.0"):
        raise bad_request("A request names exactly one host")
    return b"expect" in headers.named


def _too_large(largest: int) -> Fault:
    return bad_request(f"The body is larger than {largest} bytes")
