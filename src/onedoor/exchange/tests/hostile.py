"""A server and a gateway that mean no good: they send what they are told to, byte by byte if need be."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread, Timer
from typing import Self

from onedoor.exchange.gateway import batches, messages
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.tests.nation import LOOKUP, PROVIDER, WHY, Place
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

UNREAD_AFTER = 2.0
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
    """Answers each request with *first*, does *then*, and closes; over TLS where it is given a context for it."""

    def __init__(self, first: bytes, then: Then = lambda *_: None, tls: ssl.SSLContext | None = None) -> None:
        self.first, self.then = first, then
        self.over = Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.listening.getsockname()[1]}"
        if tls:
            self.listening = tls.wrap_socket(self.listening, server_side=True)

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
        self,
        *heads: bytes,
        moment: int | None = None,
        flip: int | None = None,
        key: str = "G22",
        body: bytes = b"{}",
    ) -> bytes:
        """Send one batch of requests with *heads*; return the first frame that comes back."""
        payload = self.sealed(*(Message.of(head, body) for head in heads), moment=moment, key=key)
        self.socket.sendall(batches.frame(batches.REQUESTS, payload if flip is None else flipped(payload, flip)))
        return self.receive()

    def sealed(self, *asked: Message, moment: int | None = None, key: str = "G22") -> bytes:
        """Return the payload of a batch of what is *asked*, signed as G22 with the key of the member *key*."""
        sealer = _sealer("VN/GOV/G22/GATEWAY", self.place, key)
        return batches.seal(batches.REQUESTS, sealer, "VN/GOV/G01/GATEWAY", asked, moment or time.time_ns())

    def receive(self) -> bytes:
        """Return kind and payload of the next frame."""
        kind, payload = _frame(self.socket)
        return bytes([kind]) + payload

    def close(self) -> None:
        self.socket.close()


class HostileProvider:
    """Stands at the address of G01's gateway, with its keys, and answers G22's gateway with what *forged* says.

    *forged* gets the requests that came, as many as *awaited*, and returns the answers; they are sealed with the key of
    the member *key*, each *apart* or all in one batch, and the byte at *flip* is changed. While it is *deaf* it reads
    nothing; it is *unread* while what it sends is not taken for seconds.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.awaited, self.key = 1, "G01"
        self.flip: int | None = None
        self.deaf = self.apart = self.unread = False
        self.links: list[ssl.SSLSocket] = []
        self.forged: Callable[[list[Message]], list[Message]] = lambda asked: [Message.of(answer_to(asked[0]), b"{}")]
        state = place.seats["G01"].gateway_state
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(state / "outer-trust.pem")
        self.context.load_cert_chain(state / "outer.pem", state / "outer.key")
        host, _, port = place.seats["G01"].address(200).rpartition(":")
        self.listening = socket.create_server((host, int(port)))

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.deaf = False
        for one in (self.listening, *self.links):
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        self.listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self.listening.accept()
                with suppress(OSError), self.context.wrap_socket(plain, server_side=True) as link:
                    self.links.append(link)
                    self._serve(link)

    def _serve(self, link: socket.socket) -> None:
        asked: list[Message] = []
        while self.deaf:
            time.sleep(0.1)
        while True:
            _, payload = _frame(link)
            asked += batches.split(payload)[2]
            if len(asked) >= self.awaited:
                answers, asked = self.forged(asked), []
                self._send(link, *([one] for one in answers) if self.apart else [answers])

    def _send(self, link: socket.socket, *answers: list[Message]) -> None:
        sealer, frames = _sealer("VN/GOV/G01/GATEWAY", self.place, self.key), b""
        for some in answers:
            payload = batches.seal(batches.RESPONSES, sealer, "VN/GOV/G22/GATEWAY", some, time.time_ns())
            frames += batches.frame(batches.RESPONSES, payload if self.flip is None else flipped(payload, self.flip))
        late = Timer(UNREAD_AFTER, setattr, (self, "unread", True))
        late.start()
        link.sendall(frames)
        late.cancel()
        self.unread = False


def _sealer(gateway: str, place: Place, key: str) -> batches.Sealer:
    """Return one who signs as *gateway* with the key of the member *key*."""
    folder = place.seats[key].gateway_state
    return batches.Sealer.of(gateway, load_key(folder / "signing.key"), load_certificates(folder / "signing.pem")[0])


def _frame(link: socket.socket) -> tuple[int, bytes]:
    size, kind = batches.FRAME.unpack(_exactly(link, batches.FRAME.size))
    return kind, _exactly(link, size)


def _exactly(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (chunk := link.recv(size - len(data))):
            raise ConnectionError("closed")
        data += chunk
    return data


def flipped(payload: bytes, at: int) -> bytes:
    """Return *payload* with one bit of the byte at *at* changed."""
    at %= len(payload)
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]


def answer_to(asked: Message, **changed: str) -> bytes:
    """Return the head of a good answer to the request *asked* to `LOOKUP`, with some headers changed."""
    fields = messages.read_request(asked.head).headers
    same = ("X-Road-Id", "X-Road-Request-Id", "X-Road-Client")
    headers = {name: fields.first(name.lower().encode()) for name in same}
    headers |= {"X-Road-Service": f"{PROVIDER}/population", "X-Road-Request-Hash": asked.digests.request_hash}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return messages.response_head(200, b"OK", [(name.encode(), value.encode()) for name, value in headers.items()])


def head_of(target: str = LOOKUP, *, method: bytes = b"POST", **changed: str) -> bytes:
    """Return the head of a good request for *target*, with some headers changed."""
    headers = WHY | {"X-Road-Id": f"h-{time.time_ns()}", "X-Road-Request-Id": "r-1"}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return messages.request_head(method, target.encode(), [(k.encode(), v.encode()) for k, v in headers.items()])
