"""Processes that kill themselves with -9 at a named step, and are there again within a tenth of a second.

One process loads everything once (``python -m onedoor.exchange.tests.mortal``) and forks the others: what is tested is
their end and their beginning, not how long Python takes to load.
"""

import asyncio
import importlib
import inspect
import itertools
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from onedoor.exchange.connections import ConnectionLost, Connections, Request, Response
from onedoor.exchange.gateway import main, messages, reading, stamping
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.tests.nation import LOOKUP, WHY, Place, System, wait_for
from onedoor.kernel.settings import read

SEGMENT = 2**15
"""Bytes of a segment of the log here: one is full every few dozen messages."""
ASKERS, TRIES = 3, 3
"""Threads of the consumer, and how often each asks under one id before it goes on to the next."""
GATEWAY = "onedoor.exchange.gateway."
ASKING, PROVIDING = "gateway-G22", "gateway-G01"


@dataclass(frozen=True)
class Step:
    """A moment in the life of a process: *before* or after the *number*th call of a function."""

    victim: str
    name: str
    function: str
    before: bool = True

    def arm(self, number: int) -> None:
        """Let this process end without a word at that call."""
        module, _, path = self.function.partition(":")
        *outer, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for one in outer:
            owner = getattr(owner, one)
        whole, counter = getattr(owner, name), itertools.count(1)

        def mortal(*given: Any, **named: Any) -> Any:
            if ends := next(counter) == number and self.before:
                os.kill(os.getpid(), signal.SIGKILL)
            found = whole(*given, **named)
            if not self.before and not ends and next(after) == number:
                if inspect.iscoroutine(found):
                    return _ending(found)
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        after = itertools.count(1)
        setattr(owner, name, mortal)


async def _ending(awaited: Awaitable[Any]) -> None:
    await awaited
    os.kill(os.getpid(), signal.SIGKILL)


def at(victim: str, name: str, function: str, *, before: bool = True) -> Step:
    return Step(victim, name, function if ":" in function and "." in function.partition(":")[0] else GATEWAY + function,
                before)  # fmt: skip


@dataclass
class Nursery:
    """Who forks the processes, and which of them lives."""

    environments: Mapping[str, Mapping[str, str]]
    place: Place
    within: tuple[str, ...] = ()
    """What a command begins with that is to run in a network of its own."""
    living: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> "Nursery":
        command = [*self.within, sys.executable, "-m", "onedoor.exchange.tests.mortal"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.living.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self.process.communicate("")

    def bear(self, name: str, step: Step | None = None, number: int = 0) -> None:
        """Start *name*, to end at the *number*th call of *step*, or to live on."""
        told = [name, dict(self.environments[name]), step and [step.function, step.before], number]
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        self.living[name] = int(self.process.stdout.readline())

    def lives(self, name: str) -> bool:
        with suppress(ProcessLookupError):
            os.kill(self.living[name], 0)
            return True
        return False

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Let *name* end, and wait until it has."""
        with suppress(ProcessLookupError):
            os.kill(self.living[name], how)
        while self.lives(name):
            threading.Event().wait(0.01)


def gateway(environment: Mapping[str, str]) -> None:
    """Be a gateway, whose clock goes so many seconds ahead as ``CLOCK`` says; it stamps as often as ``EVERY`` does."""
    if ahead := int(environment.get("CLOCK", "0")):
        set_ahead(ahead)
    stamping.EVERY = float(environment.get("EVERY", stamping.EVERY))
    (Log.__init__.__kwdefaults__ or {})["size"] = SEGMENT
    main.run(read(environment))


def set_ahead(seconds: int) -> None:
    """Let all of onedoor here believe that it is so much later."""
    now, now_ns = time.time, time.time_ns
    time.time, time.time_ns = lambda: now() + seconds, lambda: now_ns() + seconds * 10**9

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Ahead":
            return cls.fromtimestamp(time.time(), tz)

    for name, module in list(sys.modules.items()):
        if name.startswith("onedoor.") and getattr(module, "datetime", None) is datetime:
            setattr(module, "datetime", Ahead)  # noqa: B010 - any module


def provider(environment: Mapping[str, str]) -> None:
    """Be the system that provides: it writes down under which id it was asked, then answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    state = Path(environment["STATE"])
    context.load_cert_chain(state / "tls.pem", state / "tls.key")
    seen = Path(environment["SEEN"])
    system = System(reply=lambda asked: provide(asked, seen))
    host, _, port = environment["ADDRESS"].rpartition(":")

    async def serve() -> None:
        server = await asyncio.start_server(system.serve, host, int(port), ssl=context, reuse_address=True)
        await server.serve_forever()

    asyncio.run(serve())


def provide(asked: dict[str, Any], seen: Path) -> tuple[int, bytes, str]:
    write_down(seen, asked["headers"]["x-road-id"])
    return answered()


def answered() -> tuple[int, bytes, str]:
    return 200, b"{}", ""


def consumer(environment: Mapping[str, str]) -> None:
    """Be the system that asks, again and again; it writes down what was acknowledged, and under which id."""
    state, kept = Path(environment["STATE"]), Path(environment["SEEN"])
    begun = f"{os.getpid()}-{os.times().elapsed}"

    def ask(asker: int) -> None:
        client = Connections(environment["ADDRESS"], state / "tls.pem", state / "tls.key", state / "tls-trust.pem")
        for number in itertools.count():
            headers = WHY | {"X-Road-Id": f"{begun}-{asker}-{number}"}
            for _ in range(TRIES):
                with suppress(OSError, ConnectionLost):
                    found = asking(client, Request("POST", LOOKUP, headers, b"{}"))
                    if isinstance(found, Response) and found.status == 200:
                        acknowledge(kept, headers["X-Road-Id"])
                        break
                threading.Event().wait(0.02)

    for asker in range(ASKERS):
        threading.Thread(target=ask, args=(asker,), daemon=True).start()
    signal.pause()


def asking(client: Connections, request: Request) -> Response | Exception:
    return client.exchange([request], 5)[0]


def acknowledge(kept: Path, message_id: str) -> None:
    write_down(kept, message_id)


def write_down(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def environments(place: Place) -> dict[str, dict[str, str]]:
    """Return the settings of both gateways, and of the two systems behind them."""
    own = {
        name: {**place.environments[name], "ONEDOOR_TSA_URL": "", "ONEDOOR_LOG_LEVEL": "warning"}
        for name in (ASKING, PROVIDING)
    }
    for name, member, address in (("provider", "G01", 300), ("consumer", "G22", 100)):
        where = place.seats[member].address(address)
        own[name] = {
            "STATE": str(place.seats[member].state),
            "ADDRESS": f"https://{where}" if name == "consumer" else where,
            "SEEN": str(place.var / name),
        }
    return {name: {**one, "OUTPUT": str(place.var / f"{name}.out")} for name, one in own.items()}


def check(place: Place) -> None:
    """Assert that both logs verify and hold all that was acknowledged, and that nothing was delivered twice."""
    acknowledged, delivered = lines(place.var / "consumer"), lines(place.var / "provider")
    for member, kinds in (("G22", (1, 4)), ("G01", (2, 3))):
        folder = place.seats[member].gateway_state
        key = (folder / "log.key").read_bytes()
        assert reading.verify(folder / "log", key).faults == ()
        logged = {(one.kind, _id(one.message.head)) for one in reading.messages(folder / "log", key)}
        assert {(kind, one) for kind in kinds for one in acknowledged} <= logged
    assert [one for one, count in Counter(delivered).items() if count > 1] == []
    assert set(acknowledged) <= set(delivered)
    for path in place.var.glob("*.out"):
        assert "Traceback" not in path.read_text(), path


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _id(head: bytes) -> str:
    found = messages.read_request(head) if head[:1].isalpha() else messages.read_response(head)
    return found.headers.first(b"x-road-id")


def wait_for_traffic(place: Place, messages: int = 20, seconds: float = 60.0) -> None:
    """Wait until so many messages more were acknowledged."""
    path = place.var / "consumer"
    before = len(lines(path))
    wait_for(lambda: len(lines(path)) >= before + messages, "traffic", seconds)


def proxy(environment: Mapping[str, str]) -> None:
    """Stand between two gateways and hand on what comes, each way so many seconds later."""
    seconds, (there, _, port) = float(environment["SECONDS"]), environment["TARGET"].rpartition(":")
    host, _, own = environment["ADDRESS"].rpartition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while chunk := await reader.read(2**16):
            loop.call_later(seconds, writer.write, chunk)
        loop.call_later(seconds, writer.close)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            further = await asyncio.open_connection(there, int(port))
        except OSError:
            writer.close()
            return
        with suppress(OSError):
            await asyncio.gather(carry(reader, further[1]), carry(further[0], writer))

    async def serve() -> None:
        await (await asyncio.start_server(accept, host, int(own))).serve_forever()

    asyncio.run(serve())


ROLES: dict[str, Callable[[Mapping[str, str]], None]] = {"provider": provider, "consumer": consumer, "proxy": proxy}


def nurse() -> None:
    """Fork what standard input says, line by line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: they leave no zombies
    sys.modules["onedoor.exchange.tests.mortal"] = sys.modules["__main__"]
    for line in sys.stdin:
        name, environment, step, number = json.loads(line)
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(environment["OUTPUT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if step:
            Step(name, "", *step).arm(number)
        ROLES.get(name, gateway)({one: value for one, value in environment.items() if one != "OUTPUT"})
        os._exit(0)


if __name__ == "__main__":
    nurse()
