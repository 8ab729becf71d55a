"""A lean client for load: keep-alive HTTP/1.1 connections over mutual TLS, each sending the same question."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from uuid import uuid4

ID = b"{id}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send what: host, port, TLS context, head and body of one request; ``{id}`` is new in each."""

    host: str
    port: int
    tls: ssl.SSLContext
    head: bytes
    body: bytes

    def request(self) -> bytes:
        """Return the bytes of one more request."""
        return self.head.replace(ID, str(uuid4()).encode()) + self.body


class Refused(Exception):
    """The server answered something else than 200."""


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
    """Send *request*, read its answer, and return whether the connection may be used again."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0] + b" ":
        raise Refused(head[:300])
    lowered = head.lower()
    if b"content-length:" in lowered:
        at = lowered.index(b"content-length:") + 15
        await reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
    else:
        await _chunks(reader)
    return b"connection: close" not in lowered


async def _chunks(reader: asyncio.StreamReader) -> None:
    size = 1
    while size:
        size = int(await reader.readuntil(b"\r\n"), 16)
        await reader.readexactly(size + 2)


async def _client(target: Target, until: float, counts: list[float]) -> None:
    while time.perf_counter() < until:
        reader, writer = await asyncio.open_connection(
            target.host, target.port, ssl=target.tls, server_hostname="localhost"
        )
        open_ = True
        while open_ and time.perf_counter() < until:
            request = target.request()
            start = time.perf_counter()
            open_ = await _one(reader, writer, request)
            counts.append(time.perf_counter() - start)
        writer.close()


async def _run(target: Target, clients: int, seconds: float) -> list[float]:
    counts: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_client(target, until, counts) for _ in range(clients)))
    return counts


def latency(target: Target, seconds: float) -> float:
    """Return the median milliseconds of a request at one client."""
    taken = sorted(asyncio.run(_run(target, 1, seconds)))
    return taken[len(taken) // 2] * 1000


def throughput(target: Target, clients: int, seconds: float) -> float:
    """Return the requests per second at *clients* connections."""
    start = time.perf_counter()
    done = len(asyncio.run(_run(target, clients, seconds)))
    return done / (time.perf_counter() - start)
