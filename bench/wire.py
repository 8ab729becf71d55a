"""A lean browser for measuring: one keep-alive connection that sends the same bytes again and again."""

import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httptools
import requests

CHUNK = 65536
TIMING = "server-timing"


class NotAnswered(Exception):
    """The server closed the connection, or answered something else than was expected."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as bytes, where it goes, and the status of its answer."""

    host: str
    port: int
    wire: bytes
    status: int = 200


def ask(session: requests.Session, address: str, *, status: int = 200, **sent: Any) -> Ask:  # noqa: ANN401 - as requests takes it
    """Return the request that *session* (its cookies and headers) would send to *address*."""
    method = "POST" if sent else "GET"
    prepared = session.prepare_request(requests.Request(method, address, **sent))
    parts = urlsplit(address)
    lines = [f"{method} {prepared.path_url} HTTP/1.1", f"Host: {parts.netloc}"]
    kept = {name: value for name, value in prepared.headers.items() if name != "Connection"}
    lines += [f"{name}: {value}" for name, value in kept.items()]
    body = prepared.body or b""
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return Ask(
        parts.hostname or "", parts.port or 80, head + (body.encode() if isinstance(body, str) else body), status
    )


class Wire:
    """One connection to a server; `milliseconds` is what one request took there, other agencies' part taken off."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def milliseconds(self, one: Ask) -> float:
        """Send *one* and return how long its answer took, without the waiting that the server names.

        A server may end a connection between two requests, as browsers know: then *one* is sent once more, anew.
        """
        taken = self._try(one)
        if taken is None:
            self.close()
            self._open()
            taken = self._try(one)
        if taken is None:
            raise NotAnswered(one.wire.split(b"\r\n", 1)[0])
        return taken

    def _try(self, one: Ask) -> float | None:
        """Return the milliseconds of one request; nothing when the connection had ended before it."""
        answer = _Answer()
        start = time.perf_counter()
        try:
            self._socket.sendall(one.wire)
            while not answer.done:
                chunk = self._socket.recv(CHUNK)
                if not chunk:
                    return None
                answer.parser.feed_data(chunk)
        except ConnectionError:
            return None
        taken = 1000 * (time.perf_counter() - start)
        if answer.parser.get_status_code() != one.status:
            raise NotAnswered(one.wire.split(b"\r\n", 1)[0], answer.parser.get_status_code())
        return taken - answer.waited

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


class _Answer:
    """Collects of one answer what counts: that it is whole, and its Server-Timing."""

    def __init__(self) -> None:
        self.done = False
        self.waited = 0.0
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.decode().lower() == TIMING:
            self.waited = float(value.decode().partition("dur=")[2])

    def on_message_complete(self) -> None:
        self.done = True
