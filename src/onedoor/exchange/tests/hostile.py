"""A server and a gateway that mean no good: they send what they are told to, byte by byte if need be."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Self

from onedoor.exchange.gateway import batches, messages
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.tests.nation import LOOKUP, WHY, Place
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

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


class HostileGateway:
    """A hand-made connection to a gateway's door for gateways, with the certificate of one."""

    def __init__(self, place: Place, member: str = "G22", *, name: str = "outer") -> None:
        self.place, self.state = place, place.seats[member].gateway_state
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.state / "outer-trust.pem")
        context.load_cert_chain(self.state / f"{name}.pem", self.state / f"{name}.key")
        host, _, port = place.seats["G01"].address(200).rpartition(":")
        self.socket = context.wrap_socket(socket.create_connection((host, int(port)), 5))

    def send(
        self, head: bytes, *, moment: int | None = None, flip: int | None = None, key: str = "G22", body: bytes = b"{}"
    ) -> bytes:
        payload = self.sealed(Message.of(head, body), moment=moment, key=key)
        if flip is not None:
            flip %= len(payload)
            payload = payload[:flip] + bytes([payload[flip] ^ 1]) + payload[flip + 1 :]
        self.socket.sendall(batches.frame(batches.REQUESTS, payload))
        size, kind = batches.FRAME.unpack(self._exactly(batches.FRAME.size))
        return bytes([kind]) + self._exactly(size)

    def sealed(self, message: Message, *, moment: int | None = None, key: str = "G22") -> bytes:
        folder = self.place.seats[key].gateway_state
        signing = load_certificates(folder / "signing.pem")[0]
        sealer = batches.Sealer.of("VN/GOV/G22/GATEWAY", load_key(folder / "signing.key"), signing)
        return batches.seal(batches.REQUESTS, sealer, "VN/GOV/G01/GATEWAY", [message], moment or time.time_ns())

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            if not (chunk := self.socket.recv(size - len(data))):
                raise ConnectionError("closed")
            data += chunk
        return data

    def close(self) -> None:
        self.socket.close()


def head_of(target: str = LOOKUP, *, method: bytes = b"POST", **changed: str) -> bytes:
    """Return the head of a good request for *target*, with some headers changed."""
    headers = WHY | {"X-Road-Id": f"h-{time.time_ns()}", "X-Road-Request-Id": "r-1"}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return messages.request_head(method, target.encode(), [(k.encode(), v.encode()) for k, v in headers.items()])
