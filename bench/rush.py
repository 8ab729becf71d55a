"""The leanest load this language gives: keep-alive connections on uvloop, each with one request under way."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from typing import cast

import httptools
import uvloop

MILLI = 1000.0


class NotAnswered(Exception):
    """A server closed a connection, or answered something else than 200."""


@dataclass(frozen=True, slots=True)
class Load:
    """Where to send what: address, TLS context, and the bytes of one request."""

    host: str
    port: int
    tls: ssl.SSLContext
    wire: bytes

    def throughput(self, connections: int, seconds: float) -> float:
        """Return the requests per second of so many *connections*, each asking again as soon as it is answered."""
        return throughput([self], connections, seconds)

    def latency(self, seconds: float) -> float:
        """Return the median milliseconds of a request at one connection."""
        taken = sorted(answers([self], 1, seconds))
        return taken[len(taken) // 2] * MILLI


def throughput(loads: Sequence[Load], connections: int, seconds: float) -> float:
    """Return the requests per second of so many *connections* in all, dealt out to *loads* in turn."""
    return len(answers(loads, connections, seconds)) / seconds


def answers(loads: Sequence[Load], connections: int, seconds: float) -> list[float]:
    """Return the seconds of each answer to so many *connections* in all, dealt out to *loads* in turn."""
    return uvloop.run(_rush(loads, connections, seconds))


@dataclass
class _Run:
    """What the connections of one run share: when it ends, and the seconds of each answer since it began."""

    until: float = 0.0
    taken: list[float] = field(default_factory=list)
    failed: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class _Asking(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run, load: Load) -> None:
        self._run, self._load, self._sent = run, load, 0.0
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the run when the server ended the connection."""
        self._fail(f"the connection was lost: {error}")

    def ask(self) -> None:
        """Send the request once more."""
        self._sent = time.perf_counter()
        self._transport.write(self._load.wire)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Note the answer, and ask again while the run lasts."""
        if self._parser.get_status_code() != 200:
            self._fail(f"the answer is {self._parser.get_status_code()}")
            return
        now = time.perf_counter()
        if now < self._run.until:
            self._run.taken.append(now - self._sent)
            self.ask()

    def _fail(self, why: str) -> None:
        if not self._run.failed.done() and time.perf_counter() < self._run.until:
            self._run.failed.set_exception(NotAnswered(why))


async def _rush(loads: Sequence[Load], connections: int, seconds: float) -> list[float]:
    """Open all *connections*, then ask for so many *seconds*; return those of each answer."""
    run, loop, asking = _Run(), asyncio.get_running_loop(), []
    for load in islice(cycle(loads), connections):
        made = partial(_Asking, run, load)
        _, one = await loop.create_connection(made, load.host, load.port, ssl=load.tls, server_hostname="localhost")
        asking.append(one)
    run.until = time.perf_counter() + seconds
    for one in asking:
        one.ask()
    await asyncio.wait((run.failed,), timeout=seconds)
    run.until = 0.0  # what ends from here on is ended by us
    if run.failed.done():
        run.failed.result()
    for one in asking:
        one._transport.abort()
    return run.taken
