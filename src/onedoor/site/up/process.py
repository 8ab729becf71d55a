"""One process that is kept running: started, watched, started again with growing pauses, stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from onedoor.kernel.said import said
from onedoor.site import launch

PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a process that died is started again; the last one holds."""
STEADY = 20.0
"""Seconds after which a process counts as steady and the pauses begin anew."""
DRAINED_WITHIN = 25.0
"""Seconds a process that is started anew has for the requests it works on."""
LOG_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True)
class Renewal:
    """What was asked to end, and until when; the environment of each *old* process tells it from what it becomes."""

    old: dict[int, bytes]
    until: float


class Process:
    """A process kept running; everything about it happens in the main thread, whose end it would not outlive."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: dict[str, str],
        log: Path,
        *,
        ready: Callable[[], bool],
        signal_to_stop: int = signal.SIGTERM,
        signal_to_renew: int = signal.SIGTERM,
        watch: str = "",
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environment = environment
        self.log = log
        self.ready = ready
        self.signal_to_stop = signal_to_stop
        self.watch = watch
        self.signal_to_renew = signal_to_renew
        self.renewing: Renewal | None = None
        self.deaths = 0
        self.restarts = 0
        self.started = 0.0
        self.next_start = 0.0
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the number of the running process, or 0."""
        return self.child.pid if self.child and self.child.poll() is None else 0

    def start(self) -> None:
        """Start the process now."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(  # noqa: S603 - our own command
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started = time.monotonic()

    def tend(self) -> bool:
        """Start the process again if it died and its pause is over; return whether something changed."""
        now = time.monotonic()
        if self.child is None or self.child.poll() is None:
            if self.deaths and now - self.started > STEADY:
                self.deaths = 0
            return False
        if not self.next_start and self.renewing and self.child.pid in self.renewing.old:
            self.next_start = now  # it was asked to end; what relieves it was not
        if not self.next_start:
            self.next_start = now + PAUSES[min(self.deaths, len(PAUSES) - 1)]
            self.deaths += 1
            return True
        if now < self.next_start:
            return False
        try:
            self.start()
        except OSError:  # no memory, or no place for its log: that ends nothing else
            self.next_start = now + PAUSES[min(self.deaths, len(PAUSES) - 1)]
            return False
        self.next_start = 0.0
        self.restarts += 1
        return True

    def renew(self) -> None:
        """Ask the process, or the workers it has, to end what they do and be started anew."""
        if self.pid:
            workers = workers_of(self.pid) if self.signal_to_renew == signal.SIGHUP else set()
            asked = workers or {self.pid}  # who has no workers becomes another process of the same number, or ends
            old = {one: environment_of(one) for one in asked}
            self.renewing = Renewal(old, time.monotonic() + DRAINED_WITHIN)
            self.child.send_signal(self.signal_to_renew)  # type: ignore[union-attr]

    def renewed(self) -> bool:
        """Return whether all that was asked to end has ended and what relieves it is ready; be patient once."""
        asked = self.renewing
        if asked is None:
            return True
        running = workers_of(self.pid) | {self.pid}
        if any(one in running and environment_of(one) == before for one, before in asked.old.items()):
            if time.monotonic() > asked.until and self.child:
                self.child.kill()
            return False
        if not self.pid or not self.ready():
            return False
        if self.pid in asked.old:
            self.restarts += 1
        self.renewing = None
        return True

    def ask_to_stop(self) -> None:
        """Ask the process to end."""
        if self.pid:
            self.child.send_signal(self.signal_to_stop)  # type: ignore[union-attr]

    def end(self, deadline: float) -> None:
        """Wait for the end until *deadline*, then kill."""
        if self.child is None:
            return
        try:
            self.child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def last_words(self) -> str:
        """Return the last line of the log."""
        tail = self.log.read_bytes()[-2000:].decode(errors="replace") if self.log.exists() else ""
        lines = [line for line in tail.splitlines() if line.strip()]
        return lines[-1].strip() if lines else said("it said nothing")


def children() -> dict[int, list[int]]:
    """Return the children of every process."""
    found: dict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        found[parent].append(int(path.parent.name))
    return found


def workers_of(pid: int) -> set[int]:
    """Return the processes that *pid* started to work for it; not Python's keeper of shared memory."""
    found = set()
    for child in children().get(pid, []):
        with contextlib.suppress(OSError):
            if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(child)
    return found


def environment_of(pid: int) -> bytes:
    """Return the environment that the process *pid* was started with; nothing where there is none."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def dying_with_us(command: Sequence[str]) -> list[str]:
    """Return *command* so that it ends when this process ends, however that happens."""
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(signal.SIGTERM)), "0", *command]


def listens(address: str) -> bool:
    """Return whether something listens at *address*."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1):
            return True
    except OSError:
        return False


def healthy(address: str) -> bool:
    """Return whether the process at *address* says that it can work."""
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (OSError, HTTPException):  # it may have met itself on a port that the system gives to clients
        return False
