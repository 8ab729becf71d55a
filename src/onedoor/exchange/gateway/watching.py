"""What a gateway tells of itself: a line, a count and a duration for each message, its figures, its health."""

import asyncio
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from onedoor.exchange.gateway import local as files
from onedoor.exchange.gateway import reading, recording
from onedoor.exchange.gateway.messages import Fields
from onedoor.exchange.gateway.records import Record
from onedoor.kernel.said import said
from onedoor.kernel.text import gettext_noop
from onedoor.kernel.watch import health, lines, metrics, spans, trace
from onedoor.kernel.watch.health import Dependency, Failing
from onedoor.kernel.watch.metrics import Measure
from onedoor.signing import ends

if TYPE_CHECKING:
    from onedoor.exchange.gateway.bodies import Body
    from onedoor.exchange.gateway.core import Core
    from onedoor.exchange.gateway.main import GatewayServer

ASKING, PROVIDING = "asking", "providing"
ANSWERED, ERROR, FAULT = "answered", "error", "fault"
"""How a message ended: an answer; an answer that is the provider's own error; a fault of the exchange."""
OTHER = "other"
LATE_STAMP = 300.0
"""Seconds without a time-stamp after which whoever watches is told."""
TURN = 2.0
"""Seconds in which the loop must come round, or the process counts as stuck."""
_BAD = 400
_TRACE = trace.HEADER.encode()
_SAFE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_logger = logging.getLogger("onedoor.exchange.messages")
_messages = metrics.counter(
    "onedoor_exchange_messages_total",
    "Messages by side of this gateway, service and how they ended.",
    ("side", "service", "outcome"),
    "gateway",
)
_seconds = metrics.histogram(
    "onedoor_exchange_message_seconds",
    "From the request to its answer, as this gateway sees it.",
    ("side", "service"),
    "gateway",
)
metrics.measured(
    "gateway",
    {
        "onedoor_exchange_under_way": ("Messages that wait for their answer, by side.", ("side",)),
        "onedoor_exchange_links": ("Open links to other gateways, by side.", ("side",)),
        "onedoor_exchange_circuit_open": (
            "1 while messages to a gateway, system or service fail at once.",
            ("to",),
        ),
        "onedoor_exchange_log_writable": ("1 while the message log can be written: without it nothing passes.", ()),
        "onedoor_exchange_unstamped_seconds": ("How long the oldest signature has waited for its time-stamp.", ()),
        "onedoor_exchange_unstamped": ("Signatures at hand that wait for a time-stamp.", ()),
        "onedoor_exchange_log_bytes": ("Bytes that the message log takes.", ()),
        "onedoor_exchange_log_free_bytes": ("Bytes that are free where the message log lies.", ()),
    },
)
metrics.measured(
    "gateway",
    {"onedoor_exchange_faults_total": ("Faults this gateway gave, by type.", ("type",))},
    type_="counter",
)
metrics.measured(
    "gateway, directory",
    {
        "onedoor_configuration_days_left": ("Days until the exchange's signed configuration ends; 0 without one.", ()),
        "onedoor_configuration_serial": ("Serial number of the configuration in use.", ()),
    },
)


class Noted:
    """One message under way, from its arrival here to its answer."""

    __slots__ = (
        *("client", "core", "fault", "headers", "here", "message", "method", "moments", "named", "path", "peer"),
        *("recorded", "service", "side", "sizes", "status", "why", "_received", "_started"),
    )

    def __init__(self, core: "Core", side: str, headers: Fields) -> None:
        self.core, self.side, self._started, self.headers = core, side, time.perf_counter(), headers
        self._received = trace.read(headers.first(_TRACE))
        self.here = spans.enter(self._received)
        self.service, self.message, self.peer = OTHER, "", ""
        self.client, self.named, self.recorded = "", "", False
        self.method, self.path = "", ""
        self.moments, self.sizes = [time.time_ns(), 0, 0, 0], [0, 0]

    def header(self) -> tuple[bytes, bytes]:
        """Return the header that carries the request's id on."""
        return _TRACE, self.here.header().encode()

    def begins(self, method: str, arrived: int = 0) -> None:
        """Say that it is a message, so that a record is kept of it, and when (ns) it came if not just now."""
        self.method, self.recorded = method, True
        if arrived:
            self.moments[0] = arrived

    def asked_by(self, client: str, headers: Fields) -> None:
        """Say which client's it is and with which *headers* it travels."""
        self.client, self.headers = client, headers

    def about(self, service: str, message: str, peer: str, path: str = "") -> None:
        """Say which service of the configuration it is for, its id between gateways, and the other gateway."""
        if service in self.core.services:
            self.service = service
        self.message, self.peer, self.named = message if _SAFE_ID.fullmatch(message) else "", peer, service
        self.path = path

    def sent(self) -> None:
        """Say that the request leaves."""
        self.moments[1] = time.time_ns()

    def came(self, arrived: int = 0) -> None:
        """Say that the answer came, and when (ns) if not just now."""
        self.moments[2] = arrived or time.time_ns()

    def passed(self, request: "Body | None", response: "Body | None") -> None:
        """Say how much of large bodies passed, before the message ends."""
        for place, body in enumerate((request, response)):
            self.sizes[place] += body.passed if body else 0

    def record(self) -> Record:
        """Return what is kept of the message; called once it has ended, from another thread."""
        return recording.record_of(self)

    def end(self, status: int, fault: str = "", why: str = "") -> None:
        """Tell how it ended: the *status* of its answer, or the type of a *fault* of the exchange and its reason."""
        seconds = time.perf_counter() - self._started
        if self.recorded and self.core.operations:
            self.moments[3], self.status, self.fault, self.why = time.time_ns(), status, fault, why
            self.core.operations.put(self)
        outcome = FAULT if fault else ERROR if status >= _BAD else ANSWERED
        count, duration = _cells(self.side, self.service, outcome)
        count.inc()
        duration.observe(seconds)
        if self.here.kept:
            kind = spans.CLIENT if self.side == ASKING else spans.SERVER
            facts: dict[str, str | int] = {"onedoor.service": self.service, "onedoor.outcome": outcome}
            name = f"{self.side} {self.service}"
            spans.leave(self.here, self._received, name, kind, seconds, failed=bool(fault), **facts)
        if _logger.isEnabledFor(logging.INFO):
            told: dict[str, object] = {"event": "message", "request": self.here.id, "message": self.message}
            told |= {"side": self.side, "service": self.service, "peer": self.peer, "outcome": outcome}
            told |= {"status": status, "fault": fault, "milliseconds": round(1000 * seconds, 1)}
            self.core.journal.put(lines.line("info", _logger.name, time.time(), told))


@cache
def _cells(side: str, service: str, outcome: str) -> tuple[Counter, Histogram]:
    """Return what counts such messages; services of the configuration are few."""
    return _messages.labels(side, service, outcome), _seconds.labels(side, service)


class Journal:
    """Lines of one turn of the loop, written together: a line for each message must not cost a system call each."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def put(self, line: str) -> None:
        """Write *line* at the end of this turn."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(line)

    def _flush(self) -> None:
        waiting, self._lines = self._lines, []
        lines.write(waiting)


def measures(server: "GatewayServer") -> Iterator[Measure]:
    """Yield the figures of *server* at this moment (another thread may ask: only sizes and numbers are read)."""
    core, links = server.core, list(server.links)
    yield Measure("onedoor_exchange_under_way", sum(len(one.awaited) for one in server.peers.values()), (ASKING,))
    yield Measure("onedoor_exchange_under_way", sum(one.serving for one in links), (PROVIDING,))
    yield Measure("onedoor_exchange_links", sum(one.linked for one in server.peers.values()), (ASKING,))
    yield Measure("onedoor_exchange_links", len(links), (PROVIDING,))
    for circuit in server.circuits():
        yield Measure("onedoor_exchange_circuit_open", float(circuit.open), (circuit.name,))
    yield Measure("onedoor_exchange_log_writable", float(core.log.failed is None))
    yield Measure("onedoor_exchange_unstamped_seconds", server.stamping.longest)
    yield Measure("onedoor_exchange_unstamped", server.stamping.waiting)
    yield Measure("onedoor_exchange_log_bytes", reading.size(server.local.log))
    yield Measure("onedoor_exchange_log_free_bytes", shutil.disk_usage(server.local.log).free)
    for type_, count in dict(core.counts).items():
        yield Measure("onedoor_exchange_faults_total", count, (type_,))
    if core.operations:
        yield from core.operations.measures()
    found = core.current()
    yield Measure("onedoor_configuration_days_left", (found.ends - time.time()) / ends.DAY if found else 0.0)
    yield Measure("onedoor_configuration_serial", found.serial if found else 0)
    paths = [server.local.folder / f"{name}.pem" for name in (files.OUTER, files.INNER, "signing")]
    yield from (Measure(ends.METRIC, days, (name,)) for name, days in ends.days_left(paths))


def health_of(server: "GatewayServer", member: str, loop: asyncio.AbstractEventLoop) -> health.Health:
    """Return what *server* depends on: without configuration and log nothing passes; the rest only limits it."""
    nodes = sorted({f"{one.host}:{one.port}" for one in server.local.services.values()})
    return health.Health(
        "gateway",
        member,
        (
            Dependency(gettext_noop("configuration"), lambda: _configuration(server.core)),
            Dependency(gettext_noop("log"), lambda: _log(server.core)),
            Dependency(gettext_noop("time-stamps"), lambda: _stamps(server), needed=False),
            Dependency(gettext_noop("directory"), lambda: _directory(server), needed=False),
            Dependency(gettext_noop("circuits"), lambda: _circuits(server), needed=False),
            *(
                Dependency(f"{gettext_noop('system')} {one}", partial(health.answers, one), needed=False)
                for one in nodes
            ),
        ),
        alive=lambda: turns(loop),
    )


def turns(loop: asyncio.AbstractEventLoop) -> None:
    """Raise `Failing` unless *loop* comes round; asked from another thread."""
    came: threading.Event = threading.Event()
    act: Callable[[], None] = came.set
    loop.call_soon_threadsafe(act)
    if not came.wait(TURN):
        raise Failing(said("the event loop is stuck"))


def _configuration(core: "Core") -> None:
    if core.current() is None:
        raise Failing(said("no configuration is in force"))


def _log(core: "Core") -> None:
    if core.log.failed is not None:
        raise Failing(said("the message log cannot be written"))


def _stamps(server: "GatewayServer") -> None:
    if server.stamping.longest > LATE_STAMP:
        raise Failing(
            said("no time-stamps come; traffic stops when they are away for longer than ONEDOOR_STAMP_WITHIN")
        )


def _circuits(server: "GatewayServer") -> None:
    if failing := sorted(one.name for one in server.circuits() if one.open):
        raise Failing(said("messages to them fail at once: several in a row failed"), ", ".join(failing))


def _directory(server: "GatewayServer") -> None:
    if not server.directory_answers:
        raise Failing(said("the directory does not answer; the last configuration holds until it ends"))
