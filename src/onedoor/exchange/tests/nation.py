"""Gateways as processes, a directory and a small real system behind them, for the tests of this room."""

import asyncio
import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.directory import lab
from onedoor.exchange.directory.layout import Layout, Seat
from onedoor.exchange.tests.ports import own
from onedoor.kernel.nation import load
from onedoor.kernel.settings import REPOSITORY

PROVIDER = "VN/GOV/G01/POPULATION"
LOOKUP = f"/r1/{PROVIDER}/population/lookup"
WHY = {
    "X-Road-Client": "VN/GOV/G22/PORTAL",
    "X-Road-UserId": "account-7",
    "X-Road-Issue": "2611-7K4M-Q8",
    "Onedoor-Purpose": "birth-form",
    "Onedoor-Basis": "nd63-2024.4.5",
    "Content-Type": "application/json",
}
RUN = "from onedoor.exchange.{0}.main import run; from onedoor.kernel.settings import read; run(read())"


@dataclass
class Place:
    """A provisioned nation whose processes the test starts and kills."""

    var: Path
    base: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    before: str = ""
    """Python that each process runs first."""
    name: str = "vietnam"

    def __post_init__(self) -> None:
        nation = load(REPOSITORY / "nations" / self.name)
        self.layout = Layout(nation, self.var, self.base)
        lab.provision(nation, self.var, self.base)
        self.environments = lab.environments(nation, self.var, self.base)
        self.seats: Mapping[str, Seat] = {seat.member.id: seat for seat in self.layout.seats()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *names: str) -> None:
        for name in names:
            kind = "directory" if name == "directory" else "gateway"
            environment = {**os.environ, **self.environments[name]}
            output = (self.var / f"{name}.out").open("ab")
            self.running[name] = subprocess.Popen(
                [sys.executable, "-c", f"{self.before}\n{RUN.format(kind)}"],
                env=environment,
                stdout=output,
                stderr=output,
            )
            output.close()
        for name in names:
            for key in ("ONEDOOR_LISTEN", "ONEDOOR_EXCHANGE_LISTEN"):
                if address := self.environments[name].get(key):
                    wait_for(lambda address=address: answers(address), f"{name} at {address}")

    def kill(self, name: str, number: int = 9) -> None:
        process = self.running.pop(name)
        process.send_signal(number)
        process.wait(10)

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(10)
        self.running.clear()

    def output(self, name: str) -> str:
        return (self.var / f"{name}.out").read_text()

    def client(self, member: str = "G22", *, system: str = "") -> Connections:
        state = self.seats[system or member].state
        url = f"https://{self.seats[member].address(100)}"
        return Connections(url, state / "tls.pem", state / "tls.key", self.seats[member].state / "tls-trust.pem")

    def ask(
        self, target: str = LOOKUP, body: bytes = b"{}", *, method: str = "POST", client: Connections, **headers: str
    ) -> Response:
        sent = WHY | {name.replace("_", "-"): value for name, value in headers.items()}
        found = client.exchange([Request(method, target, {k: v for k, v in sent.items() if v}, body)], 10)[0]
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class System:
    """A tiny system behind a gateway: HTTP over mutual TLS, answers with what it was asked."""

    seen: list[dict[str, object]] = field(default_factory=list)
    reply: Callable[[dict[str, object]], tuple[int, bytes, str]] | None = None
    raw: bytes = b""
    """What it sends for an answer as it stands, before it closes."""
    silent: str = ""
    """Part of the paths that it never answers."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # nobody waits for its last words

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError), closing(writer):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, path, _ = first.split(" ")
                asked = {"method": method, "path": path, "headers": headers, "body": body.decode("latin-1")}
                self.seen.append(asked)
                if self.silent and self.silent in path:
                    await asyncio.sleep(60)
                if self.raw:
                    writer.write(self.raw)
                    await writer.drain()
                    return
                status, answer, extra = self.reply(asked) if self.reply else (200, json.dumps(asked).encode(), "")
                kind = "" if extra.startswith("Content-Type:") else "Content-Type: application/json\r\n"
                writer.write(
                    f"HTTP/1.1 {status} Sure\r\n{kind}{extra}Content-Length: {len(answer)}\r\n\r\n".encode() + answer
                )
                await writer.drain()


@contextmanager
def system_of(place: Place, member: str, system: System | None = None, *, at: str = "") -> Iterator[System]:
    """Run the system of *member*, at another address if one is given."""
    seat = place.seats[member]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(seat.state / "tls-trust.pem")
    context.load_cert_chain(seat.state / "tls.pem", seat.state / "tls.key")
    system, loop = system or System(), asyncio.new_event_loop()
    host, _, port = (at or seat.address(300)).rpartition(":")
    server = loop.run_until_complete(asyncio.start_server(system.serve, host, int(port), ssl=context))
    loop.run_until_complete(_nothing())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield system
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(_cancel_all, loop)
        thread.join(10)
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_later(0.05, _end, loop)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    for transport in list(loop._transports.values()):  # type: ignore[attr-defined]  # those still shaking hands have no task
        transport.abort()
    loop.call_later(0.05, loop.stop)


async def _nothing() -> None: ...


def with_two(folder: Path, *members: str) -> Path:
    """Return a nation in *folder* of whose members these have two gateways."""
    nation = folder / "nation"
    nation.mkdir()
    for path in (REPOSITORY / "nations" / "vietnam").iterdir():
        (nation / path.name).symlink_to(path)
    text = (nation / "agencies.yaml").read_text()
    for member in members:
        text = text.replace(f"\n  {member}:\n", f"\n  {member}:\n    gateways: 2\n", 1)
    (nation / "agencies.yaml").unlink()
    (nation / "agencies.yaml").write_text(text)
    return nation


@contextmanager
def full_disk() -> Iterator[None]:
    """Let this process write no file that is longer than 100 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(0.02)


def free_base() -> int:
    """Return a base port whose range nobody uses at this moment, below those of whole nations.

    It is this process's own until the process ends: two that look at once find different ones.
    """
    start = 10000 + os.getpid() % 16 * 500
    for base in (*range(start, 18500, 500), *range(10000, start, 500)):
        if not any(answers(f"127.0.0.1:{base + part}") for part in (100, 101, 200, 201, 301, 302, 400)) and own(base):
            return base
    raise RuntimeError("no free ports")


def answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), 1):
        return True
    return False
