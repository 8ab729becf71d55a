"""Large bodies for tests: a system that sends and takes them, and clients that read slowly, stop, or count."""

import asyncio
import base64
import hashlib
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from onedoor.exchange.connections import client_context
from onedoor.exchange.tests.nation import PROVIDER, WHY, Place, System, wait_for

MIB = 2**20
BLOCK = hashlib.shake_256(b"block").digest(MIB)
GATEWAYS = ("gateway-G22", "gateway-G01")
FILES = f"/r1/{PROVIDER}/cases"
HELD = 1.5
"""Seconds in which nothing is read of what is sent to ``…/held``."""
_RANGE = re.compile(r"bytes=(\d+)-")


def content(size: int) -> Iterator[bytes]:
    """Yield *size* bytes that are no two of them alike where it matters: block after block, each with its number."""
    for number in range(-(-size // MIB)):
        block = number.to_bytes(8) + BLOCK[8:]
        yield block[: min(MIB, size - number * MIB)]


def digest(size: int) -> str:
    """Return the SHA-512 of the content of *size* bytes."""
    running = hashlib.sha512()
    for block in content(size):
        running.update(block)
    return running.hexdigest()


@dataclass
class Files(System):
    """A system that answers ``GET …/SIZE`` with content, and digests what it is sent.

    It answers in chunks (``?chunked``), breaks off (``stop=BYTES``), or waits before the last block (``wait=SECONDS``).
    """

    taken: list[tuple[int, str, bool]] = field(default_factory=list)
    """Of each body sent to it: how many bytes came, their SHA-512, and whether it was whole."""
    told: str = ""
    """The ``Content-Digest`` of its answers, if they have one."""

    def whole(self) -> list[bool]:
        """Return of each body sent to it whether it was whole, once it knows of one: who asked may be told before."""
        wait_for(lambda: bool(self.taken), "the system hears of a body")
        return [whole for _, _, whole in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, OSError), closing(writer):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                method, path, _ = first.split(" ")
                self.seen.append({"method": method, "path": path, "headers": headers})
                if path.endswith("/held"):
                    await asyncio.sleep(HELD)
                if method == "POST":
                    await self._take(reader, writer, headers)
                else:
                    await self._send(writer, path, headers)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]) -> None:
        size, running, whole = 0, hashlib.sha512(), False
        try:
            async for piece in _body(reader, headers):
                size += len(piece)
                running.update(piece)
            whole = True
        finally:
            self.taken.append((size, running.hexdigest(), whole))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    async def _send(self, writer: asyncio.StreamWriter, path: str, headers: dict[str, str]) -> None:
        name, _, query = path.rpartition("/")[2].partition("?")
        size, stop, wait = int(name), int(query.partition("stop=")[2] or 0), float(query.partition("wait=")[2] or 0)
        asked = _RANGE.fullmatch(headers.get("range", ""))
        start = int(asked[1]) if asked else 0
        lines = [f"Repr-Digest: sha-512=:{base64_of(digest(size))}:", 'ETag: "1"', "Accept-Ranges: bytes"]
        if self.told:
            lines.append(f"Content-Digest: {self.told}")
        if asked:
            lines.append(f"Content-Range: bytes {start}-{size - 1}/{size}")
        chunked = "chunked" in query
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {size - start}")
        status = "206 Partial Content" if asked else "200 OK"
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode())
        at = 0
        for block in content(size):
            part = block[max(0, start - at) :]
            at += len(block)
            if stop and at > stop:
                writer.transport.abort()
                return
            if wait and at == size:
                await asyncio.sleep(wait)
            if part:
                writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
                await writer.drain()
        if chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()


def base64_of(hexadecimal: str) -> str:
    """Return in base64 what is given in hexadecimal."""
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    if "content-length" in headers:
        left = int(headers["content-length"])
        while left:
            piece = await reader.read(min(left, 2**18))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(piece)
            yield piece
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


@dataclass
class Answer:
    """What came of an answer: its head, how many bytes of its body, their SHA-512, and whether it was whole."""

    status: int
    headers: dict[str, str]
    size: int
    digest: str
    whole: bool
    start: bytes = b""

    @property
    def facts(self) -> tuple[int, int, str, bool]:
        """Return status, size, digest, and whether it is whole."""
        return self.status, self.size, self.digest, self.whole


class Client:
    """A connection of a system to its own gateway that leaves everything about a request to the test."""

    def __init__(self, place: Place, member: str = "G22") -> None:
        seat = place.seats[member]
        host, _, port = seat.address(100).rpartition(":")
        context = client_context(seat.state / "tls.pem", seat.state / "tls.key", seat.state / "tls-trust.pem")
        self.socket = context.wrap_socket(socket.create_connection((host, int(port)), 30), server_hostname=host)
        self._left = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, method: str, target: str, **headers: str) -> None:
        """Send the head of a request."""
        sent = WHY | {"Content-Type": "application/octet-stream", "Onedoor-Purpose": "hand-over"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {target} HTTP/1.1", "Host: g", *(f"{name}: {value}" for name, value in sent.items())]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def upload(self, target: str, blocks: Iterable[bytes], size: int | None, **headers: str) -> None:
        """Send a request with *blocks*, in chunks unless their *size* is given."""
        framing = {"Transfer_Encoding": "chunked"} if size is None else {"Content_Length": str(size)}
        self.ask("POST", target, **framing, **headers)
        for block in blocks:
            self.socket.sendall(block if size is not None else b"%x\r\n%b\r\n" % (len(block), block))
        if size is None:
            self.socket.sendall(b"0\r\n\r\n")

    def head(self) -> tuple[int, dict[str, str]]:
        """Return status and headers of an answer."""
        while b"\r\n\r\n" not in self._left:
            self._left += self._more()
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        return int(first.split(" ")[1]), {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }

    def answer(self) -> Answer:
        """Return the answer; its body is only counted and digested."""
        return self._told(*self.head())

    def answer_of(self, size: int) -> Answer:
        """Return the answer of which only the body is left, of *size* bytes."""
        return self._told(200, {"content-length": str(size)})

    def _told(self, status: int, headers: dict[str, str]) -> Answer:
        running, size, start, whole = hashlib.sha512(), 0, b"", True
        try:
            for piece in self._pieces(headers):
                start = start or piece[:4096]
                size += len(piece)
                running.update(piece)
        except (OSError, EOFError):
            whole = False
        return Answer(status, headers, size, running.hexdigest(), whole, start)

    def _pieces(self, headers: dict[str, str]) -> Iterator[bytes]:
        if "content-length" in headers:
            yield from self._exactly(int(headers["content-length"]))
            return
        while size := int(self._line(), 16):
            yield from self._exactly(size)
            self._line()
        self._line()

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            self._left = self._left or self._more()
            piece, self._left = self._left[:size], self._left[size:]
            size -= len(piece)
            yield piece

    def _line(self) -> bytes:
        while b"\r\n" not in self._left:
            self._left += self._more()
        line, _, self._left = self._left.partition(b"\r\n")
        return line

    def _more(self) -> bytes:
        try:
            piece = self.socket.recv(2**18)
        except ssl.SSLError as error:
            raise EOFError from error
        if not piece:
            raise EOFError
        return piece


class Watched:
    """The most resident memory of each gateway, in bytes, while something passes."""

    def __init__(self, place: Place) -> None:
        self._place, self._over = place, threading.Event()
        self.most = dict.fromkeys(GATEWAYS, 0)
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for name in GATEWAYS:
                self.most[name] = max(self.most[name], resident(self._place, name))


def resident(place: Place, name: str) -> int:
    """Return the resident bytes of a process of *place*."""
    told = Path(f"/proc/{place.running[name].pid}/status").read_text()
    return int(told.partition("VmRSS:")[2].split()[0]) * 1024
