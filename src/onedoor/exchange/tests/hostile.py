"""A server that means no good, on a free port: it sends what it is told to, byte by byte if need be."""

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Self

Then = Callable[[socket.socket, Event], None]


def answering(body: bytes) -> bytes:
    """Return a whole answer with *body*."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def dripping(connection: socket.socket, over: Event) -> None:
    """Send one byte again and again."""
    while not over.wait(0.1):
        connection.sendall(b"x")


def flooding(connection: socket.socket, over: Event) -> None:
    """Send 64 MiB as fast as they are taken."""
    for _ in range(64):
        if not over.is_set():
            connection.sendall(b"x" * 2**20)


class Hostile:
    """Answers each request with *first*, does *then*, and closes."""

    def __init__(self, first: bytes, then: Then = lambda *_: None) -> None:
        self.first, self.then = first, then
        self.over = Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                Thread(target=self._answer, args=(self.listening.accept()[0],), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(2**16)
            connection.sendall(self.first)
            self.then(connection, self.over)
