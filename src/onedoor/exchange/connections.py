"""Keep-alive connections of an information system to its own gateway: blocking, mutual TLS, safe among threads."""

import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools

CHUNK = 65536
IDLE = 30.0
"""Seconds after which a resting connection is not used again; the gateway closes it later than that."""


class ConnectionLost(Exception):
    """The gateway closed the connection before its answer was complete."""


class TooLarge(Exception):
    """The answer is larger than who asked will read."""


@dataclass(frozen=True, slots=True)
class Request:
    """What travels to the gateway: *target* is path and query; header names and values are ASCII.

    Its answer may have *most* bytes, 0 for any number.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    most: int = 0

    def wire(self, host: str) -> bytes:
        """Return the HTTP/1.1 bytes."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + self.body


@dataclass(slots=True)
class Response:
    """What came back; header names are in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Reader:
    """Collects one response from httptools callbacks."""

    def __init__(self, *, head: bool) -> None:
        self.response = Response()
        self.done = self.keep = False
        self._head = head
        self._chunks: list[bytes] = []
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.response.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def on_headers_complete(self) -> None:
        if self._head:  # no body follows, whatever length is named
            self.on_message_complete()

    def on_message_complete(self) -> None:
        self.response.status = self.parser.get_status_code()
        self.response.body = b"".join(self._chunks)
        self.keep = self.parser.should_keep_alive()  # the parser forgets it once the message is over
        self.done = True


class Connection:
    """One TLS connection; carries one request at a time."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, timeout: float) -> None:
        self._plain = socket.create_connection((host, port), timeout)
        try:
            self._plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._plain.getpeername()  # a peer that is gone already would leave wrap_socket with a socket nobody closes
            self._socket = context.wrap_socket(self._plain, server_hostname=host)
        except BaseException:
            self._plain.close()
            raise
        self.used = time.monotonic()
        self.fresh = True

    def usable(self) -> bool:
        """Return whether nothing arrived while it rested; what arrives then is only the end of the connection."""
        if time.monotonic() - self.used > IDLE:
            return False
        return not select.select([self._socket], [], [], 0)[0]

    def send(self, wire: bytes, timeout: float) -> None:
        """Send the bytes of a request."""
        self._socket.settimeout(timeout)
        self._socket.sendall(wire)

    def receive(self, deadline: float, *, head: bool = False, most: int = 0) -> Response:
        """Return the response; raise TimeoutError at *deadline* (monotonic), `ConnectionLost` at an early end.

        Raise `TooLarge` as soon as it has more than *most* bytes, if that is not 0.

        The response to a request with *head*, the method HEAD, has no body.
        """
        reader, came = _Reader(head=head), 0
        while not reader.done:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = self._socket.recv(CHUNK)
            if not chunk:
                raise ConnectionLost
            came += len(chunk)
            if most and came > most:
                raise TooLarge
            try:
                reader.parser.feed_data(chunk)
            except httptools.HttpParserError as broken:
                raise ConnectionLost from broken
        self.used, self.fresh = time.monotonic(), False
        self.keep = reader.keep
        return reader.response

    keep = True

    def close(self) -> None:
        """Close without ceremony."""
        self._socket.close()


class Connections:
    """The pool of one process to one gateway."""

    def __init__(self, url: str, certificate: Path, key: Path, trust: Path, *, most_resting: int = 32) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"a gateway is reached by https://host:port, not by {url!r}")
        self._host, self._port = parts.hostname, parts.port or 443
        self._authority = parts.netloc
        self._context = client_context(certificate, key, trust)
        self._resting: list[Connection] = []
        self._most_resting = most_resting
        self._lock = threading.Lock()

    def exchange(self, requests: Iterable[Request], timeout: float) -> list[Response | Exception]:
        """Send all *requests* at once, each on a connection of its own, and return what came of each, in order."""
        return list(self.answers(requests, timeout))

    def answers(self, requests: Iterable[Request], timeout: float) -> Iterator[Response | Exception]:
        """As `exchange`, but return once all are sent, and yield each as soon as it and those before it came.

        A request is made, where *requests* makes them one by one, once those before it are sent.
        """
        coming = self._coming(requests, timeout)
        next(coming)
        return cast("Iterator[Response | Exception]", coming)

    def _coming(self, requests: Iterable[Request], timeout: float) -> Iterator[Response | Exception | None]:
        """Send all *requests*, yield nothing once, then what came of each."""
        deadline = time.monotonic() + timeout
        left: deque[tuple[Request, Connection | Exception]] = deque()
        try:
            for one in requests:
                left.append((one, self._start(one, max(0.001, deadline - time.monotonic()), self._take)))
            yield None
            while left:
                request, begun = left.popleft()
                yield self._finish(request, begun, deadline) if isinstance(begun, Connection) else begun
        finally:
            for _, begun in left:  # nobody waits for these any more
                if isinstance(begun, Connection):
                    begun.close()

    def close(self) -> None:
        """Close the resting connections."""
        with self._lock:
            resting, self._resting = self._resting, []
        for connection in resting:
            connection.close()

    def _start(
        self, request: Request, timeout: float, connect: Callable[[float], Connection]
    ) -> Connection | Exception:
        try:
            connection = connect(timeout)
        except OSError as failed:
            return failed
        try:
            connection.send(request.wire(self._authority), timeout)
        except OSError as failed:
            connection.close()
            return failed
        return connection

    def _finish(self, request: Request, connection: Connection, deadline: float) -> Response | Exception:
        reused = not connection.fresh
        try:
            response = connection.receive(deadline, head=request.method == "HEAD", most=request.most)
        except (TimeoutError, TooLarge) as gone:
            connection.close()
            return gone
        except (OSError, ConnectionLost) as lost:
            connection.close()
            return self._again(request, deadline) if reused else lost
        self._give_back(connection)
        return response

    def _again(self, request: Request, deadline: float) -> Response | Exception:
        """Send once more what a resting connection lost: the message id is the same, so it is delivered once."""
        left = max(0.001, deadline - time.monotonic())
        started = self._start(request, left, self._connect)
        return started if isinstance(started, Exception) else self._finish(request, started, deadline)

    def _take(self, timeout: float) -> Connection:
        while True:
            with self._lock:
                connection = self._resting.pop() if self._resting else None
            if connection is None:
                return self._connect(timeout)
            if connection.usable():
                return connection
            connection.close()

    def _connect(self, timeout: float) -> Connection:
        return Connection(self._host, self._port, self._context, timeout)

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            if connection.keep and len(self._resting) < self._most_resting:
                self._resting.append(connection)
                return
        connection.close()


def client_context(certificate: Path, key: Path, trust: Path) -> ssl.SSLContext:
    """Return a TLS 1.3 context that shows *certificate* and accepts only what *trust* issued."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(trust)
    context.load_cert_chain(certificate, key)
    return context
