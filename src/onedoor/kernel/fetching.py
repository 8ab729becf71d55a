"""Asks an HTTP server that is not trusted: each whole answer has a limit on its bytes and on its time.

No redirection is followed, and no Transfer-Encoding taken: what is fetched here says how long it is, or ends.
"""

import select
import socket
import ssl
import time
from urllib.parse import quote, urlsplit

import httptools

from onedoor.kernel.addresses import Allowed, resolved
from onedoor.kernel.said import Said, said

OK = 200
CHUNK, MOST_HEAD = 2**16, 2**14
SAFE = "/%:@!$&'()*+,;=~"
"""What stays as it is in the path of an address (RFC 3986)."""


class BadAnswer(OSError):
    """The answer is no HTTP, not whole, or of a kind that is not taken."""


class TooLong(BadAnswer):
    """The answer has more bytes than it may have."""


class _Answer:
    """Collects one answer from httptools callbacks."""

    def __init__(self) -> None:
        self.headers: set[bytes] = set()
        self.body = bytearray()
        self.status = 0
        self.headed = self.done = self.keep = False
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, _value: bytes) -> None:
        self.headers.add(name.lower())

    def on_headers_complete(self) -> None:
        if not self.headed:
            self.status, self.keep, self.headed = self.parser.get_status_code(), self.parser.should_keep_alive(), True

    def on_body(self, piece: bytes) -> None:
        if not self.done:
            self.body += piece

    def on_message_complete(self) -> None:
        self.done = True


class Server:
    """The server at *url*, given *patience* seconds for each whole answer; one thread at a time.

    Where somebody else named the address, *allowed* says which ones may be connected to.
    """

    def __init__(self, url: str, patience: float, allowed: Allowed | None = None) -> None:
        self.url, self.patience, self._allowed = url.rstrip("/"), patience, allowed
        self._socket: socket.socket | None = None

    def ask(
        self, method: str, path: str, most: int, body: bytes = b"", until: float = 0.0, kind: str = ""
    ) -> tuple[int, bytes]:
        """Return status and body, of *most* bytes at most, by the moment *until* (monotonic) if that is sooner.

        *kind* is the media type of the *body* sent; without a *path*, the address itself is asked.

        Raise `OSError`: `TooLong`, `BadAnswer`, `TimeoutError`, or what the connection says.
        """
        patient = time.monotonic() + self.patience
        until = min(patient, until) if until else patient
        try:
            parts = urlsplit(f"{self.url}/{path}" if path else self.url)
            host, port, secure = parts.hostname or "", parts.port, parts.scheme == "https"
            host.encode("idna")  # as who connects does, where nobody takes its error for one
            where = quote(parts.path or "/", safe=SAFE) + (f"?{quote(parts.query, safe=SAFE)}" if parts.query else "")
            head = f"{method} {where} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            head += f"Content-Type: {kind}\r\n" if kind else ""
            head += f"Content-Length: {len(body)}\r\n\r\n" if body else "\r\n"
            request = head.encode("ascii") + body
        except ValueError as error:
            raise BadAnswer(f"{self.url} is no address") from error
        try:
            connection = self._connected(host, port or (443 if secure else 80), until, secure=secure)
            connection.settimeout(_left(until))
            connection.sendall(request)
            answer = _received(connection, most, until)
        except BaseException:
            self.close()
            raise
        if not answer.keep:
            self.close()
        return answer.status, bytes(answer.body)

    def close(self) -> None:
        """Close the connection, if one is kept."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def __del__(self) -> None:
        """Keep no connection that nobody can use any more."""
        self.close()

    def _connected(self, host: str, port: int, until: float, *, secure: bool) -> socket.socket:
        """Return the connection that is kept, or a new one; what arrives while one rests is only its end."""
        if self._socket and select.select([self._socket], [], [], 0)[0]:
            self.close()
        if not self._socket:
            address = resolved(host, port, self._allowed) if self._allowed else host
            self._socket = socket.create_connection((address, port), _left(until))
            if secure:
                self._socket.settimeout(_left(until))
                self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=host)
        return self._socket


def why(error: Exception, strange: Said) -> Said:
    """Return in words why nothing came from an address; *strange* when something answers, and not as it should."""
    if isinstance(error, TimeoutError):
        return said("the answer did not come in time")
    if isinstance(error, BadAnswer) or not isinstance(error, OSError):
        return strange
    if isinstance(error, ssl.SSLError):
        return said("what answers there does not prove its name")
    if isinstance(error, ValueError):
        return said("this is no address of a server")
    return said("nobody answers there")


def _received(connection: socket.socket, most: int, until: float) -> _Answer:
    answer, taken = _Answer(), 0
    while not answer.done:
        connection.settimeout(_left(until))
        piece = connection.recv(CHUNK)
        taken += len(piece)
        try:
            answer.parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:  # two trees of errors
            raise BadAnswer("the answer is no HTTP") from error
        if b"transfer-encoding" in answer.headers:
            raise BadAnswer("the answer has a Transfer-Encoding")
        if len(answer.body) > most or taken > most + MOST_HEAD:
            raise TooLong(f"the answer has more than {most} bytes")
        if not piece:
            if not answer.headed or b"content-length" in answer.headers:
                raise BadAnswer("the answer is not whole")
            break
    return answer


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer took too long")
    return left
