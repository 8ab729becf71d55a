"""A body of a GiB through two gateways that sign, log and digest it, against two of nginx that pass it on; and memory.

Part of `bench.exchange`, whose gateways and proxies it uses.
"""

import asyncio
import ssl
import time
from collections.abc import Iterator
from functools import partial
from typing import cast

import uvloop

from bench.measure import Ratio, compare
from onedoor.exchange.tests.large import GATEWAYS, MIB, Watched, resident
from onedoor.exchange.tests.nation import Place

LARGE, TOGETHER, REPEATS = 1024 * MIB, 8, 5
FLOOR, GOAL, GROWTH, SPAN = 0.35, 0.60, 8.0, 64.0
"""Part of nginx's rate that must be kept, and that is aimed at; MiB for one body, and for several at once."""
Rate = partial[float]
"""`rate` of all but size and times."""


class _Taking(asyncio.BufferedProtocol):
    """One connection that asks once and counts what comes of the body."""

    def __init__(self, wire: bytes, size: int) -> None:
        self._wire, self._left = wire, size
        self._head, self._buffer = b"", bytearray(256 * 1024)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._wire)

    def get_buffer(self, _hint: int) -> bytearray:
        """Return where to read to."""
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        """Count."""
        if not self._head.endswith(b"\r\n\r\n"):
            head, end, _ = (self._head + self._buffer[:count]).partition(b"\r\n\r\n")
            count -= len(head) + len(end) - len(self._head)
            self._head = head + end
            if not self._head.startswith(b"HTTP/1.1 200"):
                self.done.set_exception(RuntimeError(self._head[:300]))
        self._left -= count
        if self._left <= 0 and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail unless all came."""
        if not self.done.done():
            self.done.set_exception(RuntimeError(f"the connection was lost: {error}"))


async def _take(port: int, tls: ssl.SSLContext, wire: bytes, size: int, times: int) -> float:
    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Taking(wire, size), "127.0.0.1", port, ssl=tls, server_hostname="localhost"
        )
        for _ in range(times)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    taken = time.perf_counter() - begun
    for transport, _ in made:
        transport.abort()
    return taken


def rate(port: int, tls: ssl.SSLContext, head: bytes, size: int = LARGE, times: int = 1) -> float:
    """Return the MB/s of so many bodies of *size* bytes at once; *head* asks for ``{size}``."""
    wire = head.replace(b"{size}", b"%d" % size)
    return times * size / 1e6 / uvloop.run(_take(port, tls, wire, size, times))


def memory(place: Place, ours: Rate) -> Iterator[Ratio]:
    """Yield how much the gateways of *place*, which have just been started, grow by large bodies."""
    ours(size=8 * MIB)
    idle = {name: resident(place, name) for name in GATEWAYS}
    with Watched(place) as watched:
        ours()
    yield _mib("exchange: memory growth, a body of 1 GiB", watched, idle, GROWTH)
    with Watched(place) as watched:
        ours(times=TOGETHER)
    yield _mib(f"exchange: memory more than idle, {TOGETHER} bodies of 1 GiB at once", watched, idle, SPAN)


def ratio(ours: Rate, anchor: Rate) -> Ratio:
    """Return the rate of one large body through the gateways and the proxies."""
    return compare(
        "exchange: 1 GiB attachment, digest on both sides",
        ours,
        anchor,
        floor=FLOOR,
        unit="MB/s",
        more=True,
        repeats=REPEATS,
        note=f"goal {GOAL:.2f}; against nginx→nginx",
    )


def _mib(name: str, watched: Watched, idle: dict[str, int], floor: float) -> Ratio:
    grown = max(watched.most[one] - idle[one] for one in idle) / MIB
    return Ratio(name, grown, 1.0, "MiB", grown, grown, grown, floor, note="the gateway that grows more")
