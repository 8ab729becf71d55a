"""One worker of a gateway as seen by the process that keeps it, also once that process became another program."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from onedoor.exchange.listening import far

PATIENCE = 2.0
STEP = 0.1


class Process(Protocol):
    """What is done with a child."""

    @property
    def pid(self) -> int:
        """Return its number."""

    def poll(self) -> int | None:
        """Return what it ended with; nothing while it runs."""

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""


class Adopted:
    """A child that this process started before it became another program."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: int | None = None

    def poll(self) -> int | None:
        """Return what it ended with; nothing while it runs."""
        if self._ended is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # it was known before that it has ended
                pid, status = self.pid, 0
            self._ended = os.waitstatus_to_exitcode(status) if pid else None
        return self._ended

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


@dataclass
class Worker:
    """One worker; *watched* is the socket at which it answers who watches, and *pipe* ends with this process."""

    number: int
    watched: socket.socket
    pipe: int = -1
    process: Process | None = None

    @classmethod
    def new(cls, number: int) -> "Worker":
        """Return one that does not run yet; where it is watched stays the same, also after it was started anew."""
        with socket.create_server(("127.0.0.1", 0)) as made:
            return cls(number, socket.socket(fileno=far(made.fileno())))

    @classmethod
    def handed_on(cls, number: int, pid: int, watched: int, pipe: int) -> "Worker":
        """Return one that this process started before it became another program."""
        return cls(number, socket.socket(fileno=watched), pipe, Adopted(pid))

    def start(self, module: str, of: int, shared: Sequence[int]) -> None:
        """Start it, of as many, with the files they share; its input ends when this process does."""
        if self.pipe >= 0:
            closed, self.pipe = self.pipe, -1
            os.close(closed)
        files = (self.watched.fileno(), *shared)
        command = [sys.executable, "-m", module, *map(str, (self.number, of, *files))]
        given, self.pipe = os.pipe()
        try:
            self.process = subprocess.Popen(command, stdin=given, pass_fds=files)  # noqa: S603 - ourselves
        finally:
            os.close(given)

    def hand_on(self) -> tuple[int, int, int]:
        """Let what this process becomes have it; return what `handed_on` takes."""
        for one in (self.watched.fileno(), self.pipe):
            os.set_inheritable(one, True)
        return self.process.pid if self.process else 0, self.watched.fileno(), self.pipe

    @property
    def runs(self) -> bool:
        """Return whether it runs."""
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Ask it to end what it does and stop."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        """Wait for its end *until* (monotonic seconds), then kill it."""
        while self.runs and time.monotonic() < until:
            time.sleep(STEP)
        while self.process and self.runs:
            self.process.send_signal(signal.SIGKILL)
            time.sleep(STEP)

    def renew(self) -> None:
        """Ask it to become what is installed now."""
        if self.process:
            self.process.send_signal(signal.SIGHUP)

    def environment(self) -> bytes:
        """Return what it was started with: another each time that it becomes another program."""
        try:
            return Path(f"/proc/{self.process.pid}/environ").read_bytes() if self.process else b""
        except OSError:
            return b""

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
