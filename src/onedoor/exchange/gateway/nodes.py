"""Connections to the systems behind this gateway: kept alive, mutual TLS with the gateway's certificate, bounded."""
# ruff: noqa: D102 - the callbacks of asyncio and httptools are documented there

import asyncio
import logging
import math
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

from onedoor.exchange.gateway.bodies import LAST, Body, Passing, Piece, declared, framed, told
from onedoor.exchange.gateway.circuits import FAILURES, Circuit
from onedoor.exchange.gateway.faults import Fault, server_side
from onedoor.exchange.gateway.local import Provided, authority
from onedoor.exchange.gateway.messages import Fields, Headers, Request
from onedoor.exchange.gateway.wire import CONNECT, keep_alive, shown_by
from onedoor.exchange.identifiers import Target
from onedoor.kernel.addresses import Allowed, chosen, literal, operators_own, public

IDLE = 15.0
"""Seconds a resting connection is kept: less than any server closes it after, so that no request meets its end."""
MOST_CONNECTIONS = 32
MOST_STREAMING = 128
"""Connections set apart for large bodies: twice as many as one gateway that asks may have under way, both ways."""
MOST_WAITING = 512
"""With those under way less than a link serves at a time: one system that hangs must not stop it for the others."""
LOOK = 10.0
"""Seconds between two looks at a system that says where its health is asked; an answer is waited for half as long."""
UNWELL = 500
LARGEST_BODY = 10 * 2**20
LARGEST_HEAD = 48 * 2**10
LONGEST_UNTOLD = 2 * LARGEST_HEAD
"""Bytes of an answer of which the parser tells nothing: it holds one field until that is whole, however long it is."""
REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Reply:
    """What a node answered."""

    status: int = 0
    reason: bytes = b""
    headers: Headers = field(default_factory=list)
    body: bytes = b""


@dataclass(slots=True)
class Errand:
    """A request for a node; *repeatable* ones are sent again when a resting connection lost them.

    *circuit* is that of its service.
    """

    wire: bytes
    method: str
    repeatable: bool
    until: float
    done: Callable[[Reply], None]
    failed: Callable[[Fault], None]
    circuit: Circuit
    body: Body | None = None
    """What follows *wire*, and after which the answer is due within *patience* seconds."""
    patience: float = 0.0
    passing: Callable[[Reply, Body], None] | None = None
    """Takes an answer whose body is too large to be taken at once."""


class Node:
    """One system: its connections and what waits for one of them; *health* is where it is asked how it is."""

    def __init__(
        self,
        host: str,
        port: int,
        certificate: str,
        context: ssl.SSLContext,
        allows: Allowed = public,
        passing: Passing | None = None,
    ) -> None:
        self.host, self.port, self.certificate, self._context = host, port, certificate, context
        self.passing = passing or Passing()
        self.circuit = Circuit(f"{host}:{port}")
        self.health, self._look = "", 0.0
        self._allows = operators_own if literal(host) else allows
        self.resting: list[NodeConnection] = []
        self.all: set[NodeConnection] = set()
        self.streaming: set[NodeConnection] = set()
        self._waiting: deque[Errand] = deque()
        self._connecting: set[NodeConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def admit(self, circuit: Circuit, now: float, *, large: bool = False) -> None:
        """Raise `Fault` unless there is room at *now* for an errand of the service with *circuit*, and hope for it.

        A *large* one has a body that follows it.
        """
        if (self.circuit.failures or circuit.failures) and (wait := max(self.circuit.wait(now), circuit.wait(now))):
            raise server_side("NetworkError", "The service failed several times in a row", retry=wait)
        if len(self._waiting) >= MOST_WAITING:
            raise server_side("Overloaded", "Too many requests wait for this service", retry=True)
        if large and self.full:
            raise _full()

    @property
    def full(self) -> bool:
        """Return whether as many connections are set apart, or soon will be, as may be."""
        return len(self.streaming) + sum(one.body is not None for one in self._waiting) >= MOST_STREAMING

    def send(self, errand: Errand) -> None:
        """Run *errand* on a connection, or queue it; one of its callbacks is called later."""
        if self.circuit.failures or errand.circuit.failures:
            self.circuit.trying(errand.until)
            errand.circuit.trying(errand.until)
        while self.resting:
            connection = self.resting.pop()
            if connection.usable:
                connection.start(errand)
                return
        self._waiting.append(errand)
        self._grow()

    def free(self, connection: "NodeConnection") -> None:
        """Give *connection* its next errand, or let it rest."""
        if self._waiting:
            connection.start(self._waiting.popleft())
        else:
            self.resting.append(connection)

    def set_apart(self, connection: "NodeConnection") -> None:
        """Count *connection* no more while a large body passes on it: a slow one must not hold up the others."""
        self.all.discard(connection)
        self.streaming.add(connection)
        if self._waiting:
            self._grow()

    def take_back(self, connection: "NodeConnection") -> None:
        """Count *connection* again."""
        if connection in self.streaming:
            self.streaming.remove(connection)
            self.all.add(connection)

    def lost(self, connection: "NodeConnection") -> None:
        """Forget *connection*."""
        self.all.discard(connection)
        self.streaming.discard(connection)
        if connection in self.resting:
            self.resting.remove(connection)
        if self._waiting:
            self._grow()

    def sweep(self, now: float) -> None:
        """Give up what is late; close what rested long; look how the system is."""
        for connection in [*self.all, *self.streaming]:
            connection.sweep(now)
        while self._waiting and self._waiting[0].until < now:
            self._waiting.popleft().failed(server_side("NetworkError", "The service did not answer in time"))
        if self.health and now >= self._look and not self._waiting:
            self._look = now + LOOK
            wire = f"GET {self.health} HTTP/1.1\r\nHost: {authority(self.host, self.port)}\r\n\r\n".encode()
            self.send(Errand(wire, "GET", True, now + LOOK / 2, self._looked, self._unwell, Circuit("")))

    def reached(self, connection: "NodeConnection") -> None:
        """Take *connection*, which the system took; whoever can be asked how it is, is not well for that alone."""
        self._connecting.discard(connection)
        self.all.add(connection)
        if not self.health:
            self.circuit.held()
        self.free(connection)

    def _looked(self, reply: Reply) -> None:
        if reply.status >= UNWELL:
            self._unwell()
        else:
            self.circuit.held()

    def _unwell(self, _: Fault | None = None) -> None:
        """Open the circuit until a look says better: whoever can be asked how it is need not be tried by messages."""
        self.circuit.failed(time.monotonic(), times=FAILURES, rest=math.inf)

    def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        for connection in [*self.all, *self.streaming]:
            connection.abort()

    def _grow(self) -> None:
        if len(self._connecting) < min(MOST_CONNECTIONS - len(self.all), len(self._waiting)):
            connection = NodeConnection(self)
            self._connecting.add(connection)
            task = asyncio.get_running_loop().create_task(self._connect(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: "NodeConnection") -> None:
        try:
            await asyncio.wait_for(self._reach(connection), CONNECT)
        except (OSError, UnicodeError, TimeoutError) as error:
            self._connecting.discard(connection)
            _logger.warning("node.unreachable port=%s error=%s", self.port, type(error).__name__)
            if not self.all:
                self.circuit.failed(time.monotonic())
            if not self.all and not self._connecting:
                self._give_up()

    async def _reach(self, connection: "NodeConnection") -> None:
        """Connect to the address that was looked at, whatever the name says next."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        address = chosen([str(one[4][0]) for one in found], self._allows)
        await loop.create_connection(
            lambda: connection, address, self.port, ssl=self._context, server_hostname=self.host
        )

    def refused(self, connection: "NodeConnection") -> None:
        """Fail what waits: the other end of *connection* is not the registered system."""
        self._connecting.discard(connection)
        self.circuit.failed(time.monotonic())
        if not self.resting:
            self._give_up("The service showed a certificate that is not registered for it")

    def _give_up(self, why: str = "The service cannot be reached") -> None:
        waiting, self._waiting = self._waiting, deque()
        for errand in waiting:
            errand.failed(server_side("NetworkError", why, retry=True))


class NodeConnection(asyncio.Protocol):
    """One connection to a node; carries one errand at a time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._transport: asyncio.Transport | None = None
        self._errand: Errand | None = None
        self._going: Body | None = None
        self._coming: Body | None = None
        self._begun = False
        self._trusted = False
        self._used = time.monotonic()
        self._served, self._head, self._in_head = 0, 0, True
        self._chunks: list[bytes] = []

    @property
    def usable(self) -> bool:
        """Return whether an errand may start here."""
        free = self._errand is None and self._coming is None
        return free and self._transport is not None and not self._transport.is_closing()

    def start(self, errand: Errand) -> None:
        """Send *errand*."""
        self._errand, self._begun = errand, False
        self._reply, self._chunks, self._size, self._untold = Reply(), [], 0, 0
        self._most = LARGEST_BODY + LARGEST_HEAD if errand.passing is None else self._node.passing.limits.stream_from
        self._parser = httptools.HttpResponseParser(self)
        if self._transport:
            self._transport.write(errand.wire)
        if errand.body:
            self._node.set_apart(self)
            self._going, errand.until = errand.body, float("inf")
            errand.body.attach(self)

    def take(self, piece: Piece) -> None:
        """Send what came of the request's body."""
        if self._transport and self._going and not self._transport.is_closing():
            self._transport.writelines(framed(self._going.length, piece))

    def whole(self, _digest: bytes) -> None:
        """End the request: all of its body came."""
        going, self._going = self._going, None
        if self._transport and going and going.length is None:
            self._transport.write(LAST)
        if self._errand:
            self._errand.until = time.monotonic() + self._errand.patience

    def broken(self, fault: Fault) -> None:
        """Give the request up: its body will never be whole."""
        self._going = None
        errand, self._errand = self._errand, None
        self.abort()
        if errand:
            errand.failed(fault)

    def pause_writing(self) -> None:
        if self._going:
            self._going.pause()

    def resume_writing(self) -> None:
        if self._going:
            self._going.resume()

    def pause_body(self) -> None:
        """Read nothing for now."""
        if self._transport and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_body(self) -> None:
        """Read on."""
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()

    def drop_body(self) -> None:
        """Take nothing more of the answer."""
        self.abort()

    def sweep(self, now: float) -> None:
        """Give up a late errand; close after a long rest."""
        if self._coming:
            return
        if self._errand is None and now - self._used > IDLE:
            self.abort()
        elif self._errand and self._errand.until < now:
            self._errand.circuit.failed(now)
            self._fail("The service did not answer in time")

    def abort(self) -> None:
        """End the connection now."""
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        keep_alive(transport)
        self._trusted = shown_by(transport) == self._node.certificate
        if self._trusted:
            self._node.reached(self)
        else:
            _logger.error("node.refused port=%s certificate is not the registered one", self._node.port)
            self._transport.abort()
            self._node.refused(self)

    def connection_lost(self, _: Exception | None) -> None:
        errand, self._errand = self._errand, None
        self._node.lost(self)
        for body in (self._going, self._coming):
            if body:
                body.lost("The service closed the connection")
        if errand is None:
            return
        if self._served and not self._begun and errand.repeatable:
            self._node.send(errand)
        else:
            errand.failed(server_side("NetworkError", "The service closed the connection", retry=True))

    def data_received(self, data: bytes) -> None:
        if self._errand is None and self._coming is None:
            self.abort()
            return
        self._begun = True
        self._size += len(data)
        self._untold += len(data)
        try:
            self._parser.feed_data(data)
            if self._untold > LONGEST_UNTOLD:
                self._fail("The answer of the service is not HTTP")
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("The answer of the service is not HTTP")
        if self._size > self._most and self._errand:
            self._stream(self._errand)

    def _stream(self, errand: Errand) -> None:
        """Hand the answer on before its body is whole."""
        if errand.passing is None or self._going:
            self._fail("The answer of the service is too large")
        elif not self._in_head and self._parser.get_status_code() >= 200:  # noqa: PLR2004 - 1xx is not the answer yet
            reply, passing = self._reply, self._node.passing
            headers = Fields(reply.headers)
            reply.status, length = self._parser.get_status_code(), declared(headers)
            self._errand = None
            if length and length > passing.limits.largest:
                self._coming = None
                self.abort()
                errand.failed(server_side("InvalidBody", "The answer of the service is too large"))
                return
            if errand.circuit.failures:
                errand.circuit.held()
            if self._node.full and self not in self._node.streaming:
                self.abort()
                errand.failed(_full())
                return
            self._node.set_apart(self)
            self._coming = Body(self, length, passing.limits, passing.bodies, server_side, told=told(headers))
            for one in self._chunks:
                self._coming.feed(one)
            self._chunks = []
            errand.passing(reply, self._coming)

    def on_message_begin(self) -> None:
        self._reply, self._head, self._in_head, self._untold = Reply(), 0, True, 0

    def on_status(self, reason: bytes) -> None:
        self._reply.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # what comes after the body is no header of the answer
            return
        self._reply.headers.append((name, value))
        self._head += len(name) + len(value)
        if self._head > LARGEST_HEAD:
            raise ValueError("too long a head")

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._errand and self._errand.method == "HEAD":
            self._finish(keep=False)

    def on_body(self, chunk: bytes) -> None:
        self._untold = 0
        if self._coming:
            self._coming.feed(chunk)
        else:
            self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:  # noqa: PLR2004 - 1xx is not the answer yet
            self._finish(keep=self._parser.should_keep_alive())

    def _finish(self, *, keep: bool) -> None:
        errand, self._errand = self._errand, None
        coming, self._coming = self._coming, None
        if errand is None and coming is None:
            return
        self._used, self._served = time.monotonic(), self._served + 1
        if errand and errand.circuit.failures:
            errand.circuit.held()
        if keep and self._going is None:
            asyncio.get_running_loop().call_soon(self._rest)
        else:
            self.abort()
        if coming:
            coming.finish()
            return
        reply = self._reply
        reply.status, reply.body = self._parser.get_status_code(), b"".join(self._chunks)
        going, self._going = self._going, None
        if going:  # answered before the request was whole: the rest of it is not wanted
            going.lost("The service answered before it had the whole request")
        if errand:
            errand.done(reply)

    def _rest(self) -> None:
        if self.usable:
            self._node.take_back(self)
            self._node.free(self)

    def _fail(self, why: str) -> None:
        errand, self._errand = self._errand, None
        self.abort()
        for body in (self._going, self._coming):
            if body:
                body.lost(why)
        if errand:
            errand.failed(server_side("NetworkError", why, retry=True))


def wire(request: Request, target: Target, provided: Provided, framed: bytes, traced: tuple[bytes, bytes]) -> bytes:
    """Return the HTTP/1.1 bytes of the head for a system; *framed* says how the body ends, if there is one."""
    query = f"?{target.query}" if b"?" in request.target else ""
    host = authority(provided.host, provided.port)
    lines = [f"{request.method} {provided.at(target.path)}{query} HTTP/1.1\r\nHost: {host}".encode()]
    travelling = [(name, value) for name, value in request.headers.pairs if name.lower() != traced[0]]
    lines += [b"%b: %b" % one for one in (*travelling, traced)]
    if framed:
        lines.append(framed)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _full() -> Fault:
    return server_side("Overloaded", "Too many large bodies are under way to and from this service", retry=True)
