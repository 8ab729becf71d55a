"""Run a witness: ``POST /add-checkpoint`` and ``GET /key`` over HTTP, until it is told to stop."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import httptools
import uvloop

from onedoor.exchange.gateway import watching
from onedoor.exchange.listening import listening
from onedoor.exchange.witness.cosigning import BROKEN, MALFORMED, OK, UNKNOWN, Answer, Witness
from onedoor.exchange.witness.record import Record, own_key
from onedoor.kernel.access import PUBLIC
from onedoor.kernel.ledger import Verifier
from onedoor.kernel.ledger.witnessing import LARGEST, Policy
from onedoor.kernel.routing import Route, route_of
from onedoor.kernel.said import said
from onedoor.kernel.settings import Settings
from onedoor.kernel.text import gettext_noop
from onedoor.kernel.watch import lines, listener, metrics
from onedoor.kernel.watch.health import Dependency, Failing, Health
from onedoor.kernel.watch.metrics import Measure

MOST_HEAD, MOST_CONNECTIONS = 8192, 256
PATIENCE = 5.0
"""Seconds for a whole request, for its answer, and for what is still under way after an answer."""
PHRASES = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           408: "Request Timeout", 409: "Conflict", 411: "Length Required", 413: "Content Too Large",
           422: "Unprocessable Entity", 500: "Internal Server Error"}  # fmt: skip
WRONG_METHOD, TOO_SLOW, NO_LENGTH, TOO_LARGE = 405, 408, 411, 413
_logger = logging.getLogger(__name__)
_asked = metrics.counter(
    "onedoor_witness_requests_total",
    "Checkpoints by outcome: cosigned, behind, second-history, inconsistent, forged, unknown, malformed, broken.",
    ("outcome",),
    "witness",
)
metrics.measured("witness", {"onedoor_witness_size": ("Entries of a ledger that it has cosigned.", ("ledger",))})


class Application:
    """What a witness answers to whole requests."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.broken = False

    def answer(self, method: str, path: str, body: bytes | None) -> Answer:
        """Answer one request; *body* is None when its length is not said."""
        route = route_of(ROUTES, path)
        if route is None:
            return Answer(UNKNOWN, "", "A witness takes checkpoints at /add-checkpoint and tells its key at /key.\n")
        if not route.takes(method):
            return Answer(WRONG_METHOD, "", f"Please ask {route.path} by {route.method}.\n")
        answer: Answer = route.answer(self, body)
        return answer

    def key(self, _body: bytes | None) -> Answer:
        """Tell the key that this witness cosigns with."""
        return Answer(OK, "", f"{self.witness.verifier}\n")

    def add(self, body: bytes | None) -> Answer:
        """Cosign a checkpoint that continues the last one of its ledger."""
        if body is None:
            return Answer(NO_LENGTH, "malformed", "Please say how long the request is.\n")
        try:
            answer = self.witness.add(body.decode())
        except UnicodeDecodeError:
            return Answer(MALFORMED, "malformed", "The request is no UTF-8.\n")
        except Exception:
            _logger.exception("witness.broken")
            self.broken = True
            return Answer(BROKEN, "broken", "This witness cannot keep what it cosigns. Its operator is told.\n")
        self.broken = False
        return answer


ROUTES = (
    Route("GET", "/key", PUBLIC, Application.key),
    Route("POST", "/add-checkpoint", PUBLIC, Application.add),
)
"""All that a witness answers."""


class _Head:
    """The head of a request, from httptools callbacks."""

    def __init__(self, data: bytes) -> None:
        self.path, self.length = "", ""
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(data)
        self.method = parser.get_method().decode("latin-1")

    def on_url(self, url: bytes) -> None:
        self.path += url.decode("latin-1").partition("?")[0]

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-length":
            self.length = value.decode("latin-1").strip()


class WitnessServer:
    """Serves an application, giving each client *patience* seconds for its whole request."""

    def __init__(self, application: Application, patience: float = PATIENCE) -> None:
        self.application, self.patience = application, patience
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                answer = await self._answer(reader)
                if answer.outcome:
                    _asked.labels(answer.outcome).inc()
                writer.write(_response(answer))
                async with asyncio.timeout(self.patience):
                    await writer.drain()
                    if answer.status == TOO_LARGE:  # one who is still sending would not see an answer cut off
                        while await reader.read(MOST_HEAD):
                            pass
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            _logger.debug("witness.client_gone")
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            async with asyncio.timeout(self.patience):
                head = _Head(await reader.readuntil(b"\r\n\r\n"))
                if len(head.length) > len(str(LARGEST)) or int(head.length or 0) > LARGEST:
                    return Answer(TOO_LARGE, "malformed", f"A request has at most {LARGEST} bytes.\n")
                body = await reader.readexactly(int(head.length)) if head.length else None
        except TimeoutError:
            return Answer(TOO_SLOW, "malformed", f"A request takes at most {self.patience:g} seconds.\n")
        except (asyncio.LimitOverrunError, httptools.HttpParserError, ValueError):
            return Answer(MALFORMED, "malformed", "The request is no HTTP, or its head is too long.\n")
        return await asyncio.to_thread(self.application.answer, head.method, head.path, body)


def _response(answer: Answer) -> bytes:
    body = answer.body.encode()
    lines = (
        f"HTTP/1.1 {answer.status} {PHRASES[answer.status]}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


def run(settings: Settings) -> None:
    """Run the witness of *settings* until SIGTERM or SIGINT."""
    lines.set_up(settings.log_level)
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    policy = Policy.read(settings.ledger_policy or Path())
    application = Application(_witness(settings, policy))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with listening(settings.listen) as kept:
        serve = WitnessServer(application).serve
        server = await asyncio.start_server(serve, sock=kept, limit=MOST_HEAD)
    metrics.scraped.sources.append(partial(_measures, application.witness, [log for log, _ in policy.logs]))
    record = Dependency(gettext_noop("record"), partial(_sound, application, policy))
    listener.begin(settings, Health("witness", settings.member, (record,), alive=lambda: watching.turns(loop)))
    _logger.info("witness.started listen=%s name=%s", settings.listen, settings.witness_name)
    await stopped.wait()
    server.close()


def _witness(settings: Settings, policy: Policy) -> Witness:
    key = own_key(settings.state / "witness" / "key")
    logs = [log for log, _ in policy.logs]
    return Witness(settings.witness_name, key, logs, Record(settings.state / "witness" / "logs"))


def _sound(application: Application, policy: Policy) -> None:
    """Raise unless the records can be read and the last request could be kept."""
    for log, _ in policy.logs:
        application.witness.last(log.name)
    if application.broken:
        raise Failing(said("what was cosigned last could not be kept"))


def _measures(witness: Witness, logs: Iterable[Verifier]) -> Iterator[Measure]:
    for name in sorted({log.name for log in logs}):
        yield Measure("onedoor_witness_size", witness.last(name).size, (name,))
