"""A register's fact through both gateways, against the same question straight to the node that holds it."""

import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.load import Target, latency, throughput
from bench.measure import Ratio, compare
from onedoor.exchange.connections import client_context
from onedoor.exchange.directory.layout import EXCHANGE, SYSTEMS, Layout
from onedoor.exchange.gateway import local

LATENCY_FLOOR, THROUGHPUT_FLOOR = 4.0, 0.5
CLIENTS = 64
SECONDS = 2.0
REPEATS = 5
PROVIDER, REGISTER = "VN/GOV/G01/POPULATION", "population"
PURPOSE, BASIS = "birth-form", "nd63-2024.4.5"
CASE, USER = "2611-BENCH-00", "bench"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the register: the address, the path, and the identity shown there."""

    address: str
    path: str
    certificate: Path
    key: Path
    trust: Path

    def target(self, body: bytes) -> Target:
        """Return where and what to send."""
        host, _, port = self.address.rpartition(":")
        context: ssl.SSLContext = client_context(self.certificate, self.key, self.trust)
        return Target(host, int(port), context, self._head(len(body)), body)

    def _head(self, size: int) -> bytes:
        headers = {
            "Host": self.address,
            "Content-Type": "application/json",
            "Content-Length": str(size),
            "X-Road-Client": "VN/GOV/G22/PORTAL",
            "X-Road-UserId": USER,
            "X-Road-Issue": CASE,
            "Onedoor-Purpose": PURPOSE,
            "Onedoor-Basis": BASIS,
            "X-Road-Id": "{id}",
        }
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def measure(layout: Layout, number: str, say: Callable[[str], None]) -> Iterator[Ratio]:
    """Yield the ratio at one client, and that of the throughput at many."""
    ours, anchor = (way.target(question(number)) for way in (_through(layout), straight(layout)))
    yield from beside("register fact", ours, anchor, say, clients=CLIENTS, floors=(LATENCY_FLOOR, THROUGHPUT_FLOOR))


def beside(
    name: str,
    ours: Target,
    anchor: Target,
    say: Callable[[str], None],
    *,
    clients: int,
    floors: tuple[float, float],
    repeats: int = REPEATS,
    notes: tuple[str, str] = ("", ""),
) -> Iterator[Ratio]:
    """Yield the ratio of two ways to the same answer at one client, and that of the throughput at many."""
    say(f"{name}, one client")
    yield compare(
        f"{name}, 1 client, p50",
        lambda: latency(ours, SECONDS),
        lambda: latency(anchor, SECONDS),
        floor=floors[0],
        repeats=repeats,
        note=notes[0],
    )
    say(f"{name}, {clients} clients")
    yield compare(
        f"{name}, {clients} clients",
        lambda: throughput(ours, clients, SECONDS),
        lambda: throughput(anchor, clients, SECONDS),
        floor=floors[1],
        unit="/s",
        more=True,
        repeats=repeats,
        note=notes[1],
    )


def question(number: str) -> bytes:
    """Return the body that asks for the person *number*."""
    return json.dumps({"by": {"number": number}}).encode()


def straight(layout: Layout) -> Way:
    """Return the way straight to the node, with its own gateway's key."""
    provider = next(seat for seat in layout.seats() if seat.member.subsystem == PROVIDER)
    inner = provider.gateway_state / local.INNER
    files = (inner.with_name(f"{inner.name}{end}") for end in (".pem", ".key", "-trust.pem"))
    return Way(provider.address(EXCHANGE), f"/exchange/{REGISTER}/lookup", *files)


def _through(layout: Layout) -> Way:
    """Return the way through both gateways, from the portal."""
    portal = next(iter(layout.seats()))
    state = portal.state
    path = f"/r1/{PROVIDER}/{REGISTER}/lookup"
    return Way(portal.address(SYSTEMS), path, state / "tls.pem", state / "tls.key", state / "tls-trust.pem")
