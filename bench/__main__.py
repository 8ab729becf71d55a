"""``python -m bench [nation|register|registers|gate|measurement|pages|…]``: start, measure, keep one table."""

import argparse
import json
import os
import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import (
    agencies,
    breadth,
    door,
    exchange,
    figures,
    gate,
    growth,
    ledger,
    measurement,
    memory,
    pages,
    register,
    registers,
    signing,
    story,
    whoreads,
)
from bench import nation as nation_check
from bench.measure import Ratio
from bench.stage import set_up
from onedoor.kernel import nation
from onedoor.site import kinds
from onedoor.site.story.places import Places, places
from onedoor.site.up.command import running
from onedoor.site.up.plan import Options

NATION, VAR, PORT, PEOPLE = Path("nations/vietnam"), Path("var/bench"), 30000, 10_000
READS, ENTRIES = 100_000, 1_000_000
RESULTS = Path(__file__).parent / "results"
PARTS = (
    "nation", "register", "registers", "door", "gate", "ledger", "whoreads", "measurement", "agencies", "figures",
    "signing", "exchange", "breadth", "pages", "story", "memory",
)  # fmt: skip
LONG = ("growth",)
ALONE = {
    "agencies",
    "breadth",
    "exchange",
    "figures",
    "registers",
    "gate",
    "growth",
    "ledger",
    "measurement",
    "signing",
    "whoreads",
}
"""Parts that need no nation: they bring what they measure."""
COLUMNS = ("what", "ours", "anchor", "ratio: median (range)", "floor", "", "note")
Say = Callable[[str], None]


def main() -> int:
    """Measure what was asked for; return 0 when every floor is kept."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help="what to measure; all of it by default")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes: " + ", ".join(LONG))
    parser.add_argument("--var", type=Path, default=VAR)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--reads", type=int, default=READS, help="how many reads are recorded in all for whoreads")
    parser.add_argument("--entries", type=int, default=ENTRIES, help="how many entries the ledger gets for its proofs")
    parser.add_argument("--running", action="store_true", help="a nation already runs in --var on --port")
    arguments = parser.parse_args()
    kinds.load()
    where = places(nation.load(NATION.absolute()), arguments.var.absolute(), arguments.port)
    parts = (*(arguments.parts or PARTS), *(LONG if arguments.long else ()))
    options = Options(NATION.absolute(), arguments.var.absolute(), arguments.port, arguments.people, 1, "warning")
    alone = ALONE.issuperset(parts) or arguments.running
    with nullcontext() if alone else _nation(options), _telling() as say:
        ratios, details = measure(where, options, parts, say, arguments.reads, arguments.entries)
    show(ratios)
    print(f"Kept in {keep(ratios, details)}")
    return 0 if all(ratio.kept for ratio in ratios) else 1


def measure(
    where: Places, options: Options, parts: Sequence[str], say: Say, reads: int = READS, entries: int = ENTRIES
) -> tuple[list[Ratio], Mapping[str, Any]]:
    """Measure *parts* on the nation at *where*; memory when all has been used, then what this process does itself."""
    ratios: list[Ratio] = []
    details: dict[str, Any] = {}
    var = where.layout.var

    def kept(found: tuple[list[Ratio], Mapping[str, Any]]) -> list[Ratio]:
        details.update(found[1])
        return found[0]

    works: dict[str, Callable[[], Iterable[Ratio]]] = {
        "register": lambda: register.measure(where.layout, where.persona("mother")["number"], say),
        "door": lambda: door.measure(where.layout, options, where.persona("mother")["number"], say),
        "registers": lambda: registers.measure(var, say),
        "gate": lambda: gate.measure(var, say),
        "ledger": lambda: ledger.measure(var, entries, say),
        "whoreads": lambda: whoreads.measure(var, reads, say),
        "measurement": lambda: measurement.measure(say),
        "agencies": lambda: agencies.measure(var, say),
        "figures": lambda: figures.measure(var, say),
        "signing": lambda: signing.measure(say),
        "exchange": lambda: exchange.measure(var, say),
        "breadth": lambda: breadth.measure(var, say),
        "growth": lambda: kept(growth.measure(var, say)),
        "pages": lambda: pages.measure(set_up(where, var / "results"), say),
        "story": lambda: [story.measure(where, say)],
        "memory": lambda: kept(memory.measure(var)),
        "nation": lambda: nation_check.measure(say),
    }
    for name, part in works.items():
        if name in parts:
            say(name)
            ratios += part()
    return ratios, details


def show(ratios: list[Ratio]) -> None:
    """Print the table."""
    table = Table(*COLUMNS, title="Ratios to anchors of the same run")
    for ratio in ratios:
        table.add_row(*ratio.row(), style="" if ratio.kept else "bold")
    Console(width=None if os.isatty(1) else 160).print(table)


def keep(ratios: list[Ratio], details: Mapping[str, Any]) -> Path:
    """Write the figures, when and on what they were measured, and return the file."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
    path = RESULTS / f"{now:%Y%m%dT%H%M%S}.json"
    data = {"at": now.isoformat(), "machine": machine, **details, "ratios": [ratio.plain() for ratio in ratios]}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False))
    return path


@contextmanager
def _telling() -> Iterator[Say]:
    """Give a function that shows what is measured now: a moving line in a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: console.print(text, highlight=False)
        return
    with console.status("Measuring") as status:
        yield lambda text: status.update(f"Measuring: {text}")


@contextmanager
def _nation(options: Options) -> Iterator[None]:
    """Keep a nation of the benchmark's own running."""
    with running(options) as supervisor:
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            supervisor.stopping = True
            watching.join()


if __name__ == "__main__":
    raise SystemExit(main())
