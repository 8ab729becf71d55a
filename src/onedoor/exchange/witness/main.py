"""Run a witness: ``POST /add-checkpoint`` and ``GET /key`` over HTTP, until it is told to stop."""

import logging
import signal
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

from cheroot.wsgi import Server

from onedoor.exchange.listening import listening
from onedoor.exchange.witness.cosigning import BROKEN, MALFORMED, OK, UNKNOWN, Answer, Witness
from onedoor.exchange.witness.record import Record, own_key
from onedoor.kernel.ledger import Verifier
from onedoor.kernel.ledger.witnessing import LARGEST, Policy
from onedoor.kernel.settings import Settings
from onedoor.kernel.watch import lines, listener, metrics
from onedoor.kernel.watch.health import Dependency, Failing, Health
from onedoor.kernel.watch.metrics import Measure

THREADS, MOST_HEADER, PATIENCE = 4, 8192, 5
PHRASES = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           409: "Conflict", 411: "Length Required", 413: "Content Too Large", 422: "Unprocessable Entity",
           500: "Internal Server Error"}  # fmt: skip
WRONG_METHOD, NO_LENGTH, TOO_LARGE = 405, 411, 413
_logger = logging.getLogger(__name__)
_asked = metrics.counter(
    "onedoor_witness_requests_total",
    "Checkpoints by outcome: cosigned, behind, second-history, inconsistent, forged, unknown, malformed, broken.",
    ("outcome",),
    "witness",
)
metrics.measured("witness", {"onedoor_witness_size": ("Entries of a ledger that it has cosigned.", ("ledger",))})
Start = Callable[[str, list[tuple[str, str]]], object]


class Application:
    """The witness as a WSGI application."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.broken = False

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        body = answer.body.encode()
        headers = [("Content-Type", answer.kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
        start(f"{answer.status} {PHRASES[answer.status]}", headers)
        return [body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        asked = (environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if asked == ("GET", "/key"):
            return Answer(OK, "", f"{self.witness.verifier}\n")
        if asked[1] != "/add-checkpoint":
            return Answer(UNKNOWN, "", "A witness takes checkpoints at /add-checkpoint and tells its key at /key.\n")
        if asked[0] != "POST":
            return Answer(WRONG_METHOD, "", "Please send a checkpoint by POST.\n")
        answer = self._added(environ)
        _asked.labels(answer.outcome).inc()
        return answer

    def _added(self, environ: dict[str, Any]) -> Answer:
        length = str(environ.get("CONTENT_LENGTH") or "")
        if not length.isdecimal():
            return Answer(NO_LENGTH, "malformed", "Please say how long the request is.\n")
        if len(length) > len(str(LARGEST)) or int(length) > LARGEST:
            return Answer(TOO_LARGE, "malformed", f"A request has at most {LARGEST} bytes.\n")
        try:
            answer = self.witness.add(environ["wsgi.input"].read(int(length)).decode())
        except UnicodeDecodeError:
            return Answer(MALFORMED, "malformed", "The request is no UTF-8.\n")
        except Exception:
            _logger.exception("witness.broken")
            self.broken = True
            return Answer(BROKEN, "broken", "This witness cannot keep what it cosigns. Its operator is told.\n")
        self.broken = False
        return answer


def run(settings: Settings) -> None:
    """Run the witness of *settings* until SIGTERM or SIGINT."""
    lines.set_up(settings.log_level)
    policy = Policy.read(settings.ledger_policy or Path())
    application = Application(_witness(settings, policy))
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with listening(settings.listen) as (host, port):
        server = Server((host.strip("[]"), port), application, numthreads=THREADS, max=THREADS, timeout=PATIENCE)
        server.max_request_header_size, server.max_request_body_size = MOST_HEADER, LARGEST
        server.error_log = _silent  # type: ignore[method-assign]
        server.prepare()
    Thread(target=server.serve, name="witness", daemon=True).start()
    metrics.scraped.sources.append(partial(_measures, application.witness, [log for log, _ in policy.logs]))
    record = Dependency("record", partial(_sound, application, policy))
    listener.begin(settings, Health("witness", settings.member, (record,)))
    _logger.info("witness.started listen=%s name=%s", settings.listen, settings.witness_name)
    stopped.wait()
    server.stop()


def _witness(settings: Settings, policy: Policy) -> Witness:
    key = own_key(settings.state / "witness" / "key")
    logs = [log for log, _ in policy.logs]
    return Witness(settings.witness_name, key, logs, Record(settings.state / "witness" / "logs"))


def _sound(application: Application, policy: Policy) -> None:
    """Raise unless the records can be read and the last request could be kept."""
    for log, _ in policy.logs:
        application.witness.last(log.name)
    if application.broken:
        raise Failing("what was cosigned last could not be kept")


def _measures(witness: Witness, logs: Iterable[Verifier]) -> Iterator[Measure]:
    for name in sorted({log.name for log in logs}):
        yield Measure("onedoor_witness_size", witness.last(name).size, (name,))


def _silent(msg: str = "", level: int = 20, traceback: bool = False) -> None:
    """Say nothing: what a stranger sends is no news, and its words do not belong into a log."""
