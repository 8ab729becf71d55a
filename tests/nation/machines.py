"""One computer for each agency, as network namespaces of this one: own loopback, one address, a wire between."""

import ctypes
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onedoor.site import services
from onedoor.site.embedded import Server
from onedoor.site.up.process import dying_with_us, listens
from tests.nation.running import COMMAND, ROOT, environment

IP = shutil.which("ip") or "/usr/sbin/ip"
NEW_NETWORK = 0x40000000
BIND = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def ip(*arguments: str) -> None:
    subprocess.run([IP, *arguments], check=True, capture_output=True, text=True)


def refused() -> str:
    """Return why this computer cannot play several; empty when it can."""
    if os.geteuid():
        return "only root can make network namespaces"
    if not Path(IP).exists():
        return "the program ip is not installed: bin/system-packages does it"
    name = f"od{os.getpid()}-try"
    try:
        ip("netns", "add", name)
        try:
            ip("-n", name, "link", "add", "wire", "type", "veth", "peer", "name", "eth0")
        finally:
            ip("netns", "del", name)
    except subprocess.CalledProcessError as error:
        return f"this machine does not let root make network namespaces: {error.stderr.strip()}"
    return ""


@dataclass
class Wire:
    """What connects the computers: a bridge in a namespace of its own."""

    name: str = field(default_factory=lambda: f"od{os.getpid()}-wire")

    def __post_init__(self) -> None:
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.name, "link", "set", "bridge", "up")

    def connect(self, namespace: str, port: str, address: str) -> None:
        ip("-n", self.name, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        ip("-n", self.name, "link", "set", port, "master", "bridge", "up")
        ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            ip("-n", namespace, "link", "set", link, "up")

    def set(self, port: str, state: str) -> None:
        ip("-n", self.name, "link", "set", port, state)

    def remove(self) -> None:
        ip("netns", "del", self.name)


@dataclass
class Machine:
    """A computer: at *var* it sees *folder*, with its own files alone, and it has a PostgreSQL of its own."""

    member: str
    address: str
    folder: Path
    var: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.namespace = f"od{os.getpid()}-{self.member}"
        ip("netns", "add", self.namespace)
        self.server = Server(self.folder.with_name(f"{self.member}-postgres"), {})

    def command(self, *command: str) -> list[str]:
        """Return *command* so that it runs on this computer, and ends when we end."""
        own = ["unshare", "-m", "sh", "-c", BIND, "sh", str(self.folder), str(self.var)]
        return [IP, "netns", "exec", self.namespace, *own, *dying_with_us(command)]

    def settings(self, name: str) -> dict[str, str]:
        own = services.read(self.folder / f"{name}.env", self.folder)
        here = {key: value.replace(str(self.folder), str(self.var)) for key, value in own.items()}
        return environment(**here, ONEDOOR_DEMONSTRATION="yes")

    def run(self, name: str, *arguments: str) -> str:
        """Run a command of onedoor here, as the process *name* would or, without one, the operator, to its end."""
        own = self.settings(name) if name else environment()
        done = subprocess.run(self.command(*COMMAND, *arguments), env=own, cwd=ROOT,
                              capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str, command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running.append(
                subprocess.Popen(self.command(*COMMAND, command), env=self.settings(name), cwd=ROOT,
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            )  # fmt: skip

    def start_database(self, state: str, name: str) -> None:
        """Start this computer's PostgreSQL with one database, and leave its address where its process reads it."""
        self.server.prepare()
        with self.server.log.open("ab") as log:
            command = [IP, "netns", "exec", self.namespace, *self.server.command(parent=os.getpid())]
            self.running.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        self.server.wait()
        self.make_database(state, name)

    def make_database(self, state: str, name: str) -> None:
        """Make an empty database, and leave its address where the processes of the system read it."""
        path = self.folder / state / "database-url"
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_text(self.server.ensure_database(name))
        path.chmod(0o600)

    def here(self, function: Callable[[], Any]) -> Any:
        """Return what *function* gives when its connections begin on this computer."""
        found: list[Any] = []

        def run() -> None:
            with Path(f"/run/netns/{self.namespace}").open() as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), NEW_NETWORK):
                    raise OSError(ctypes.get_errno(), "setns")
            try:
                found.append(function())
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                found.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    def listens(self, *addresses: str, seconds: float = 60) -> bool:
        """Return whether there is an answer here at every one of *addresses*, in time."""
        deadline = time.monotonic() + seconds
        while not self.here(lambda: all(listens(one) for one in addresses)):
            if time.monotonic() > deadline or any(one.poll() is not None for one in self.running):
                return False
            time.sleep(0.2)
        return True

    def stop_services(self) -> None:
        """Stop everything but PostgreSQL."""
        self.ask_to_stop()
        for process in self.running[1:]:
            process.wait(20)
        del self.running[1:]

    def ask_to_stop(self) -> None:
        for process in self.running[1:]:
            process.send_signal(signal.SIGTERM)

    def remove(self) -> None:
        """Stop everything, PostgreSQL last, and take the computer away."""
        self.ask_to_stop()
        for process in (*self.running[1:], *self.running[:1]):
            if process is self.running[0]:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        ip("netns", "del", self.namespace)

    def last_words(self) -> str:
        logs = [*self.folder.glob("*.log"), self.server.log]
        return "\n".join(f"{one}\n{one.read_text(errors='replace')[-600:]}" for one in logs if one.exists())
