"""Several workers of one gateway: processes that listen at the same addresses, and the one that keeps them running.

The system shares connections out among them (SO_REUSEPORT). Each writes a message log of its own and looks after those
of workers there were before; what ids were seen, they share. The one that keeps them answers who watches: the figures
of all, each with its worker. A worker that ends is started anew; all of them end with the one that keeps them. On
SIGHUP all become what is installed now, each in its place.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from onedoor.exchange.gateway import local, reading, replay
from onedoor.exchange.gateway.keeping import Worker
from onedoor.exchange.gateway.rates import Buckets
from onedoor.exchange.gateway.replay import SLOTS, Seen
from onedoor.exchange.gateway.spread import Spread
from onedoor.exchange.listening import become_anew, far, was_another
from onedoor.kernel.said import said
from onedoor.kernel.settings import Settings
from onedoor.kernel.text import gettext_noop
from onedoor.kernel.watch import health, listener
from onedoor.kernel.watch.health import Dependency, Failing

LABEL = "worker"
PAUSE = 1.0
"""Seconds between two looks at the workers; one that ended is started anew at the next."""
KEPT = "LISTEN_KEPT"
"""In its environment, what the process that keeps workers tells itself when it becomes another program."""
STOPPED_WITHIN = 30.0
RENEWED_WITHIN = 45.0
"""Seconds for a worker to answer what is under way, become what is installed now, and work."""
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


class Workers(Collector):
    """The workers of the gateway of *settings*, kept running."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if told := _handed_on():
            self._shared = told["shared"]
            self._workers = [Worker.handed_on(number, *one) for number, one in enumerate(told["workers"])]
        else:
            share = Share.made(local.read(settings.state), settings.workers)
            self._shared = [far(one) for one in share.files]
            self._workers = [Worker.new(number) for number in range(settings.workers)]

    def run(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT.

        On SIGHUP they become what is installed now, one after the other, and then this process does, which they never
        notice: it goes on with them. Where one does not come back, what is installed cannot run: the others stay.
        """
        awaited = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        registry = CollectorRegistry()
        registry.register(self)
        listener.begin(self._settings, self._health(), figures=partial(generate_latest, registry))
        try:
            self._start_those_that_ended()
            while (came := signal.sigtimedwait(awaited, PAUSE)) is None or came.si_signo not in _ENDING:
                if came and came.si_signo == signal.SIGHUP:
                    self._start_those_that_ended()
                    if startable() and all(map(self._renewed, self._workers)):
                        self._become_anew()
                elif came is None:
                    self._start_those_that_ended()
        finally:
            self._end()

    def describe(self) -> Iterable[Metric]:
        """Say nothing in advance: what there is, the workers tell."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of all workers, each with its number."""
        families: dict[str, Metric] = {}
        for worker in self._workers:
            try:
                status, text = worker.ask("/metrics", self._settings.watch_token)
            except OSError:
                continue
            for one in text_string_to_metric_families(text.decode()) if status == _OK else ():
                family = families.setdefault(one.name, Metric(one.name, one.documentation, one.type))
                family.samples += [_of(sample, worker.number) for sample in one.samples]
        yield from families.values()

    def _start_those_that_ended(self) -> None:
        for one in self._workers:
            if one.runs:
                continue
            if one.process is not None:
                _logger.warning("worker.ended number=%s", one.number)
            try:
                one.start(__spec__.name, len(self._workers), self._shared)
            except OSError:  # no memory for it just now, or an installation that is being replaced: the others stay
                if one.process is None:
                    raise
                _logger.exception("worker.not_started number=%s", one.number)

    def _renewed(self, one: Worker) -> bool:
        """Have a worker become what is installed now; return whether it works again; not when all are told to end.

        Any that ends meanwhile is started anew.
        """
        if signal.sigpending() & set(_ENDING):
            return False
        process, before, until = one.process, one.environment(), time.monotonic() + RENEWED_WITHIN
        one.renew()
        while one.process is process and time.monotonic() < until and not signal.sigpending() & set(_ENDING):
            if one.environment() != before and not self._why(one):
                return True
            time.sleep(PAUSE)
            self._start_those_that_ended()
        _logger.error("worker.not_renewed number=%s", one.number)
        return False

    def _become_anew(self) -> None:
        """Become what is installed now, with the workers and what they share: they are its children still."""
        for number in self._shared:
            os.set_inheritable(number, True)
        told = {"shared": self._shared, "workers": [one.hand_on() for one in self._workers]}
        try:
            become_anew([], **{KEPT: json.dumps(told)})
        except OSError:
            _logger.exception("workers.not_renewed")

    def _end(self) -> None:
        until = time.monotonic() + STOPPED_WITHIN
        for one in self._workers:
            one.end()
        for one in self._workers:
            one.wait(until)

    def _health(self) -> health.Health:
        workers = (
            Dependency(f"{gettext_noop('worker')} {one.number}", partial(self._look, one)) for one in self._workers
        )
        return health.Health("gateway", self._settings.member, tuple(workers))

    def _look(self, worker: Worker) -> None:
        if why := self._why(worker):
            raise why

    def _why(self, worker: Worker) -> Failing | None:
        """Return why a worker cannot work, if it cannot: the first thing it cannot do without."""
        try:
            status, body = worker.ask("/health", self._settings.watch_token)
            told = {} if status == _OK else json.loads(body).get("dependencies", {})
        except (OSError, ValueError):
            return Failing(said("it does not answer"))
        for name, one in told.items():
            if one["needed"] and "why" in one:
                return Failing(one["why"], f"{name}: {one['of']}" if "of" in one else name)
        return None if status == _OK else Failing(health.UNUSABLE)


def startable() -> bool:
    """Return whether what is installed now starts with what lies in the gateway's folder; say so when it does not."""
    try:
        subprocess.run([sys.executable, "-c", _TRIED], check=True, capture_output=True, timeout=RENEWED_WITHIN)  # noqa: S603 - ourselves
    except (OSError, subprocess.SubprocessError) as failed:
        told = (getattr(failed, "stderr", b"") or b"").decode(errors="replace").strip().splitlines()
        _logger.error("gateway.not_renewed why=%s", told[-1] if told else failed)
        return False
    return True


_TRIED = """
from onedoor.exchange.gateway import main
from onedoor.kernel import settings
main.files.read(settings.current().state)
"""
_ENDING = (signal.SIGTERM, signal.SIGINT)


def several(settings: Settings) -> bool:
    """Return whether a gateway has workers: one that became another program goes on as it began."""
    return KEPT in os.environ if was_another() else settings.workers > 1


def _handed_on() -> dict[str, Any] | None:
    """Return what this process told itself when it became another program."""
    told: dict[str, Any] | None = json.loads(os.environ.pop(KEPT)) if was_another() else None
    return told


def _of(sample: Sample, number: int) -> Sample:
    return sample._replace(labels={**sample.labels, LABEL: str(number)})


def _work(number: str, of: str, watched: str, *files: str) -> None:
    """Be one of the workers, with the files that it was given."""
    from onedoor.exchange.gateway import main
    from onedoor.kernel import settings

    signal.pthread_sigmask(signal.SIG_SETMASK, main.TOLD_BY)  # until it hears them
    share = Share.given(int(number), int(of), *map(int, files))
    main.work(settings.current(), share, watched=socket.socket(fileno=int(watched)))


if __name__ == "__main__":
    _work(*sys.argv[1:])
