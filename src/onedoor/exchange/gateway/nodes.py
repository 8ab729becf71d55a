"""Connections to the systems behind this gateway: kept alive, mutual TLS with the gateway's certificate, bounded."""
# ruff: noqa: D102 - the callbacks of asyncio and httptools are documented there

import asyncio
import logging
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

from onedoor.exchange.gateway.circuits import FAILURES, Circuit
from onedoor.exchange.gateway.faults import Fault, server_side
from onedoor.exchange.gateway.messages import Headers
from onedoor.exchange.gateway.wire import keep_alive, shown_by
from onedoor.kernel.addresses import Allowed, chosen, literal, operators_own, public

CONNECT = 5.0
IDLE = 15.0
"""Seconds a resting connection is kept: less than any server closes it after, so that no request meets its end."""
MOST_CONNECTIONS = 32
MOST_WAITING = 512
"""With those under way less than a link serves at a time: one system that hangs must not stop it for the others."""
LOOK = 10.0
"""Seconds between two looks at a system that says where its health is asked; an answer is waited for half as long."""
UNWELL = 500
LARGEST_BODY = 10 * 2**20
LARGEST_HEAD = 48 * 2**10
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


class Node:
    """One system: its connections and what waits for one of them; *health* is where it is asked how it is."""

    def __init__(
        self, host: str, port: int, certificate: str, context: ssl.SSLContext, allows: Allowed = public
    ) -> None:
        self.host, self.port, self.certificate, self._context = host, port, certificate, context
        self.circuit = Circuit(f"{host}:{port}")
        self.health, self._look = "", 0.0
        self._allows = operators_own if literal(host) else allows
        self.resting: list[NodeConnection] = []
        self.all: set[NodeConnection] = set()
        self._waiting: deque[Errand] = deque()
        self._connecting = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def admit(self, circuit: Circuit, now: float) -> None:
        """Raise `Fault` unless there is room at *now* for an errand of the service with *circuit*, and hope for it."""
        if (self.circuit.failures or circuit.failures) and (wait := max(self.circuit.wait(now), circuit.wait(now))):
            raise server_side("NetworkError", "The service failed several times in a row", retry=wait)
        if len(self._waiting) >= MOST_WAITING:
            raise server_side("Overloaded", "Too many requests wait for this service", retry=True)

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

    def lost(self, connection: "NodeConnection") -> None:
        """Forget *connection*."""
        self.all.discard(connection)
        if connection in self.resting:
            self.resting.remove(connection)
        if self._waiting:
            self._grow()

    def sweep(self, now: float) -> None:
        """Give up what is late; close what rested long; look how the system is."""
        for connection in list(self.all):
            connection.sweep(now)
        while self._waiting and self._waiting[0].until < now:
            self._waiting.popleft().failed(server_side("NetworkError", "The service did not answer in time"))
        if self.health and now >= self._look and not self._waiting:
            self._look = now + LOOK
            wire = f"GET {self.health} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode()
            self.send(Errand(wire, "GET", True, now + LOOK / 2, self._looked, self._unwell, Circuit("")))

    def reached(self) -> None:
        """Take note that the system took a connection; whoever can be asked how it is, is not well for that alone."""
        if not self.health:
            self.circuit.held()

    def _looked(self, reply: Reply) -> None:
        if reply.status >= UNWELL:
            self._unwell()
        else:
            self.circuit.held()

    def _unwell(self, _: Fault | None = None) -> None:
        """Open the circuit until the next look: whoever can be asked how it is need not be tried by messages."""
        self.circuit.failed(time.monotonic(), times=FAILURES, rest=2 * LOOK)

    def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        for connection in list(self.all):
            connection.abort()

    def _grow(self) -> None:
        if len(self.all) + self._connecting < min(MOST_CONNECTIONS, len(self.all) + len(self._waiting)):
            self._connecting += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            await asyncio.wait_for(self._reach(), CONNECT)
        except (OSError, TimeoutError) as error:
            self._connecting -= 1
            _logger.warning("node.unreachable port=%s error=%s", self.port, type(error).__name__)
            if not self.all:
                self.circuit.failed(time.monotonic())
            if not self.all and not self._connecting:
                self._give_up()
        else:
            self._connecting -= 1

    async def _reach(self) -> None:
        """Connect to the address that was looked at, whatever the name says next."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        address = chosen([str(one[4][0]) for one in found], self._allows)
        await loop.create_connection(
            lambda: NodeConnection(self), address, self.port, ssl=self._context, server_hostname=self.host
        )

    def refused(self) -> None:
        """Fail what waits: the other end is not the registered system."""
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
        self._begun = False
        self._trusted = False
        self._used = time.monotonic()
        self._served, self._head, self._in_head = 0, 0, True
        self._chunks: list[bytes] = []

    @property
    def usable(self) -> bool:
        """Return whether an errand may start here."""
        return self._errand is None and self._transport is not None and not self._transport.is_closing()

    def start(self, errand: Errand) -> None:
        """Send *errand*."""
        self._errand, self._begun = errand, False
        self._reply, self._chunks, self._size = Reply(), [], 0
        self._parser = httptools.HttpResponseParser(self)
        if self._transport:
            self._transport.write(errand.wire)

    def sweep(self, now: float) -> None:
        """Give up a late errand; close after a long rest."""
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
            self._node.all.add(self)
            self._node.reached()
            self._node.free(self)
        else:
            _logger.error("node.refused port=%s certificate is not the registered one", self._node.port)
            self._transport.abort()
            self._node.refused()

    def connection_lost(self, _: Exception | None) -> None:
        errand, self._errand = self._errand, None
        self._node.lost(self)
        if errand is None:
            return
        if self._served and not self._begun and errand.repeatable:
            self._node.send(errand)
        else:
            errand.failed(server_side("NetworkError", "The service closed the connection", retry=True))

    def data_received(self, data: bytes) -> None:
        if self._errand is None:
            self.abort()
            return
        self._begun = True
        self._size += len(data)
        if self._size > LARGEST_BODY + LARGEST_HEAD:
            self._fail("The answer of the service is too large")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("The answer of the service is not HTTP")

    def on_message_begin(self) -> None:
        self._reply, self._head, self._in_head = Reply(), 0, True

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
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:  # noqa: PLR2004 - 1xx is not the answer yet
            self._finish(keep=self._parser.should_keep_alive())

    def _finish(self, *, keep: bool) -> None:
        errand, self._errand = self._errand, None
        if errand is None:
            return
        reply = self._reply
        reply.status, reply.body = self._parser.get_status_code(), b"".join(self._chunks)
        self._used, self._served = time.monotonic(), self._served + 1
        if errand.circuit.failures:
            errand.circuit.held()
        if keep:
            asyncio.get_running_loop().call_soon(self._rest)
        else:
            self.abort()
        errand.done(reply)

    def _rest(self) -> None:
        if self.usable:
            self._node.free(self)

    def _fail(self, why: str) -> None:
        errand, self._errand = self._errand, None
        self.abort()
        if errand:
            errand.failed(server_side("NetworkError", why, retry=True))
