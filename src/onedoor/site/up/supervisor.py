"""Keeps every process of a nation running until told to stop."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from onedoor.exchange.directory.layout import HOST, WATCH_UP
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.site.embedded import Server
from onedoor.site.up.following import Following
from onedoor.site.up.plan import Part, write_private
from onedoor.site.up.process import Process, dying_with_us, healthy, listens
from onedoor.site.up.requests import Renewals

RECORD = "run.json"
TICK = 0.1
START_WITHIN = 180.0
STOP_WITHIN = 20.0
Say = Callable[[str], None]


class NotStarted(OnedoorError):
    """The process {name} does not start: {why} Its log is {log}. Everything was stopped again."""


class Supervisor:
    """The processes of one nation in *var*; PostgreSQL, where there is one, starts first and stops last."""

    def __init__(self, var: Path, base: int, following: Following, server: Server | None = None) -> None:
        self.var = var
        self.base = base
        self.following = following
        self.logs = var / "log"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.stopping = False
        self.ready = False
        self.first = [_postgres(server)] if server else []
        self.processes = [*self.first]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    @property
    def watch_address(self) -> str:
        """Return where this supervisor is watched itself."""
        return f"{HOST}:{self.base + WATCH_UP}"

    def start_database(self) -> None:
        """Start PostgreSQL and wait until it answers."""
        self._begin(self.first, lambda _name: None)

    def start(self, parts: Sequence[Part], say: Say) -> None:
        """Start every part and wait until all are ready; *say* is told each name."""
        fresh = [self._process(part) for part in parts]
        self.processes += fresh
        self._begin(fresh, say)
        self.ready = True
        self.record()

    def watch(self) -> None:
        """Start again what dies, until told to stop."""
        renewals, due = Renewals(self.var), False
        while not self.stopping:
            changed = [process.name for process in self.processes if process.tend()]
            renewed, loaded = list(renewals.tend(self.processes)), self.following.tend()
            due = (due or bool(changed or renewed or loaded)) and not self._recorded()
            if loaded:
                threading.Thread(target=self._show, name="show", daemon=True).start()
            time.sleep(TICK)

    def stop(self) -> None:
        """Stop everything: what answers people first, PostgreSQL last."""
        self.ready = False
        deadline = time.monotonic() + STOP_WITHIN
        for group in (self.processes[len(self.first) :][::-1], self.first):
            for process in group:
                process.ask_to_stop()
            for process in group:
                process.end(deadline)
        (self.var / RECORD).unlink(missing_ok=True)

    def record(self) -> None:
        """Write down what runs, for ``onedoor status`` and for tests."""
        running = {p.name: {"pid": p.pid, "restarts": p.restarts, "watch": p.watch} for p in self.processes}
        data = {"pid": os.getpid(), "port": self.base, "ready": self.ready, "processes": running}
        data |= {"nation": self.following.digest, "watch": self.watch_address}
        write_private(self.var / RECORD, json.dumps(data, indent=1))

    def _recorded(self) -> bool:
        """Return whether what runs is written down: a full disk ends no nation, and it is tried again."""
        try:
            self.record()
        except OSError:
            return False
        return True

    def _show(self) -> None:
        """Ask every process something: it takes in what is in force now, before a person has to wait for it."""
        for process in self.processes:
            process.ready()

    def _process(self, part: Part) -> Process:
        # What becomes itself anew keeps the socket of its address, and not the one where it is watched.
        addresses = [one for one in (part.address, part.watch) if one]
        command = dying_with_us(part.command)
        log = self.logs / f"{part.name}.log"
        # They keep their sockets while they, or their workers, are replaced: nobody is turned away meanwhile.
        keeps = part.name == "portal-web" or part.name.startswith("gateway-")
        renew = signal.SIGHUP if keeps else signal.SIGTERM
        return Process(
            part.name,
            command,
            part.environment,
            log,
            ready=lambda: healthy(part.address) if part.health else all(map(listens, addresses)),
            signal_to_renew=renew,
            watch=part.watch,
        )

    def _begin(self, processes: Sequence[Process], say: Say) -> None:
        for process in processes:
            process.start()
        self.record()
        waiting = list(processes)
        deadline = time.monotonic() + START_WITHIN
        while waiting:
            if self.stopping:
                raise KeyboardInterrupt
            for process in [one for one in waiting if one.pid and one.ready()]:
                say(process.name)
                waiting.remove(process)
            dead = next((one for one in waiting if not one.pid), None)
            if dead or (waiting and time.monotonic() > deadline):
                failed = dead or waiting[0]
                why = failed.last_words() if dead else said("it does not answer in time.")
                raise NotStarted(name=failed.name, why=why, log=failed.log)
            time.sleep(TICK)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        self.stopping = True


def _postgres(server: Server) -> Process:
    return Process(
        "postgres",
        server.command(parent=os.getpid()),
        dict(os.environ),
        server.log,
        ready=server.answers,
        signal_to_stop=signal.SIGINT,
    )
