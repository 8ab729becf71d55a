"""A gated, recorded read as a node serves it, against the same read without gate: each door in a process of its own.

``python -m bench.door gated|open`` has the door that a node keeps for its gateway serve on a free port, which it
prints, until its input ends; ``open`` leaves out decision and record. `measure` asks both over mutual TLS.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import cast

from bench.gate import LATENCY_FLOOR, THROUGHPUT_FLOOR, without_gate
from bench.load import Target
from bench.measure import Ratio
from bench.register import PROVIDER, beside, question, straight
from onedoor.exchange.directory.layout import HOST, Layout
from onedoor.site.embedded import Server
from onedoor.site.up.plan import Options, parts

CLIENTS, REPEATS = 32, 7


def measure(layout: Layout, options: Options, number: str, say: Callable[[str], None]) -> Iterator[Ratio]:
    """Yield the ratio at one client, and that of the throughput at many, of the node that holds *number*."""
    environment = next(
        part.environment
        for part in parts(options, layout.nation, Server(options.var / "postgres"))
        if part.environment.get("ONEDOOR_SUBSYSTEM") == PROVIDER and part.name.startswith("node")
    )
    with _served("gated", environment) as one, _served("open", environment) as other:
        ours, anchor = (_target(layout, port, number) for port in (one, other))
        name, notes = "gated, recorded read as a node serves it", ("goal 1.2; without gate and record", "goal 0.8")
        floors = LATENCY_FLOOR, THROUGHPUT_FLOOR
        yield from beside(name, ours, anchor, say, clients=CLIENTS, floors=floors, repeats=REPEATS, notes=notes)


def _target(layout: Layout, port: int, number: str) -> Target:
    return replace(straight(layout), address=f"{HOST}:{port}").target(question(number))


@contextmanager
def _served(how: str, environment: dict[str, str]) -> Iterator[int]:
    """Keep a door open in a process of its own and give its port."""
    command = [sys.executable, "-m", "bench.door", how]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd(), env=environment
    ) as door:
        assert door.stdin
        assert door.stdout
        yield int(door.stdout.readline())
        door.stdin.close()


def main(how: str) -> None:
    """Serve until the input ends."""
    os.environ["ONEDOOR_EXCHANGE_LISTEN"] = f"{HOST}:0"
    from onedoor.kernel.settings import current
    from onedoor.site import listeners, serve
    from onedoor.site.wsgi import application

    sys.setswitchinterval(serve.SWITCH_EVERY)
    with without_gate() if how == "open" else nullcontext():
        server = listeners.own_gateway(current(), application, threads=serve.EXCHANGE_THREADS)
        server.prepare()
        thread = threading.Thread(target=server.serve)
        thread.start()
        print(cast("tuple[str, int]", server.bind_addr)[1], flush=True)
        sys.stdin.read()
        server.stop()
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1])
