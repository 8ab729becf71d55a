"""Several workers of one gateway: processes that listen at the same addresses, and the one that keeps them running.

The system shares connections out among them (SO_REUSEPORT). Each writes a message log of its own and looks after those
of workers there were before; what ids were seen, they share. The one that keeps them answers who watches: the figures
of all, each with its worker. A worker that ends is started anew; all of them end with the one that keeps them.
"""

import http.client
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from onedoor.exchange.gateway import local, reading, replay
from onedoor.exchange.gateway.rates import Buckets
from onedoor.exchange.gateway.replay import SLOTS, Seen
from onedoor.exchange.gateway.spread import Spread
from onedoor.kernel.settings import Settings
from onedoor.kernel.watch import health, listener
from onedoor.kernel.watch.health import Dependency, Failing

LABEL = "worker"
PAUSE = 1.0
"""Seconds between two looks at the workers; one that ended is started anew at the next."""
PATIENCE = 2.0
STOPPED_WITHIN = 30.0
_OK = 200
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Share:
    """Which worker a process is, of how many; what ids were seen, how often each client came, what ids were sent.

    Also how many links each has.
    """

    number: int = 0
    of: int = 1
    seen: Seen = field(default_factory=Seen)
    buckets: Buckets = field(default_factory=Buckets)
    sent: Seen = field(default_factory=Seen)
    spread: Spread = field(default_factory=Spread)

    @classmethod
    def made(cls, found: local.Local, workers: int = 1) -> "Share":
        """Return what the workers of a gateway share; what ids came and went lately stands in its log."""
        ids = Seen(slots=SLOTS * workers), Buckets(), Seen(slots=SLOTS * workers)
        share = cls(0, workers, *ids, Spread(of=workers))
        for log in reading.logs(found.log):
            replay.remember(log, found.log_key, received=share.seen, sent=share.sent)
        return share

    @classmethod
    def given(cls, number: int, of: int, *files: int) -> "Share":
        """Return the share of a worker that was given *files*, as `files` says."""
        seen, buckets, sent, links = files
        return cls(number, of, Seen(seen), Buckets(buckets), Seen(sent), Spread(links, number, of))

    @property
    def files(self) -> tuple[int, ...]:
        """Return what a worker is given to share."""
        return self.seen.file, self.buckets.file, self.sent.file, self.spread.file

    def log(self, folder: Path) -> Path:
        """Return where this worker writes, of the gateway's log in *folder*."""
        return folder / str(self.number) if self.number else folder

    def logs(self, folder: Path) -> list[Path]:
        """Return the logs that this worker looks after: its own and those of workers that there are no more."""
        own = self.log(folder)
        others = [one for one in reading.logs(folder) if reading.number_of(one, folder) % self.of == self.number]
        return [own, *(one for one in others if one != own)]


@dataclass
class Worker:
    """One worker as seen by who keeps it; *watched* is the socket at which it answers who watches."""

    number: int
    watched: socket.socket
    process: subprocess.Popen[bytes] | None = None

    def start(self, share: Share) -> None:
        """Start it; its input ends when this process does."""
        files = (self.watched.fileno(), *share.files)
        command = [sys.executable, "-m", __spec__.name, *map(str, (self.number, share.of, *files))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=files)  # noqa: S603 - ourselves

    @property
    def runs(self) -> bool:
        """Return whether it runs."""
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Ask it to end what it does and stop."""
        if self.process and self.runs:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Wait for its end *until* (monotonic seconds), then kill it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, path: str, token: str) -> tuple[int, bytes]:
        """Return status and body of what it answers who watches; raise OSError."""
        host, port = self.watched.getsockname()
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as broken:
            raise OSError from broken
        finally:
            connection.close()


class Workers(Collector):
    """The workers of the gateway of *settings*, kept running."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._share = Share.made(local.read(settings.state), settings.workers)
        self._workers = [Worker(number, _socket()) for number in range(settings.workers)]

    def run(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT; on SIGHUP start them anew, one after the other."""
        awaited = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        registry = CollectorRegistry()
        registry.register(self)
        listener.begin(self._settings, self._health(), figures=partial(generate_latest, registry))
        try:
            self._start(self._workers)
            while (came := signal.sigtimedwait(awaited, PAUSE)) is None or came.si_signo not in _ENDING:
                if came and came.si_signo == signal.SIGHUP:
                    self._renew()
                elif came is None:
                    self._start(one for one in self._workers if not one.runs)
        finally:
            self._end(self._workers)

    def describe(self) -> Iterable[Metric]:
        """Say nothing in advance: what there is, the workers tell."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of all workers, each with its number."""
        families: dict[str, Metric] = {}
        for worker in self._workers:
            try:
                text = worker.ask("/metrics", self._settings.watch_token)[1].decode()
            except OSError:
                continue
            for one in text_string_to_metric_families(text):
                family = families.setdefault(one.name, Metric(one.name, one.documentation, one.type))
                family.samples += [_of(sample, worker.number) for sample in one.samples]
        yield from families.values()

    def _start(self, workers: Iterable[Worker]) -> None:
        for one in workers:
            if one.process is not None:
                _logger.warning("worker.ended number=%s", one.number)
            one.start(self._share)

    def _renew(self) -> None:
        for one in self._workers:
            self._end([one])
            one.start(self._share)
            until = time.monotonic() + STOPPED_WITHIN
            while one.runs and time.monotonic() < until and self._said(one):
                time.sleep(0.1)

    def _end(self, workers: Iterable[Worker]) -> None:
        ending, until = list(workers), time.monotonic() + STOPPED_WITHIN
        for one in ending:
            one.end()
        for one in ending:
            one.wait(until)

    def _health(self) -> health.Health:
        workers = (Dependency(f"worker {one.number}", partial(self._look, one)) for one in self._workers)
        return health.Health("gateway", self._settings.member, tuple(workers))

    def _look(self, worker: Worker) -> None:
        if why := self._said(worker):
            raise Failing(why)

    def _said(self, worker: Worker) -> str:
        """Return why a worker cannot work, or nothing."""
        try:
            status, body = worker.ask("/health", self._settings.watch_token)
        except OSError:
            return "it does not answer"
        return "" if status == _OK else body.decode("utf-8", "replace")[:1000]


_ENDING = (signal.SIGTERM, signal.SIGINT)


def _socket() -> socket.socket:
    """Return a socket on loopback at which a worker answers, also after it was started anew."""
    return socket.create_server(("127.0.0.1", 0))


def _of(sample: Sample, number: int) -> Sample:
    return sample._replace(labels={**sample.labels, LABEL: str(number)})


def _work(number: str, of: str, watched: str, *files: str) -> None:
    """Be one of the workers, with the files that it was given."""
    from onedoor.exchange.gateway import main
    from onedoor.kernel import settings

    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    share = Share.given(int(number), int(of), *map(int, files))
    main.work(settings.current(), share, watched=socket.socket(fileno=int(watched)))


if __name__ == "__main__":
    _work(*sys.argv[1:])
