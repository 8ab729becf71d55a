"""Whether a register stays as fast as it grows: the same work on a small one and on a large one, in turns.

``python -m bench.growth FOLDER PEOPLE`` loads a register on a server of its own, says how long it took, then answers
each line ``read``, ``look up`` or ``write`` of its standard input with the median milliseconds. `measure` keeps two.

A line ``grow N`` fills the tables and the key store up to N people: copies of versions that are there, under ids, blind
indexes and keys of their own. Nobody asks for them; they take the room that people take.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import Progress

from bench.measure import Ratio, compare
from bench.registers import CHILD, LOAD_FLOOR, READER, WRITER, Exchange, copied_in_clear, handler_of, median_of, served

SMALL, LARGE, LARGEST = 10_000, 1_000_000, 10_000_000
FLOOR, REPEATS = 1.3, 7
CHUNK = 20_000
EVERY = 50
"""One person of so many in the small register is asked for, and as many of the large one."""
BATCH = 100_000
FILL = """
WITH model AS MATERIALIZED (SELECT * FROM registers_record ORDER BY id LIMIT %(batch)s), made AS (
    INSERT INTO registers_record (id, register, identity, version, schema, plain, sealed, valid_from, valid_until,
        recorded_from, client, "user", "case", permit, key, request)
    SELECT uuidv7(), register, sha256(uuidv7()::text::bytea), 1, schema, plain, sealed, valid_from, valid_until,
        recorded_from, client, "user", "case", permit, '', request FROM model RETURNING id
)
INSERT INTO registers_term (record_id, value)
SELECT id, sha256((id::text || n)::bytea) FROM made, generate_series(1, %(terms)s) AS n
"""
KEYS = "INSERT INTO person_key (id, subject, wrapped, made_at) VALUES (?, ?, ?, ?)"
WORKS = {"read": "register read by number", "look up": "register look-up by name", "write": "register write"}


class Grown:
    """A register of *people* in a process of its own."""

    def __init__(self, folder: Path, people: int) -> None:
        self.command = [sys.executable, "-m", "bench.growth", str(folder), str(people)]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.loading = json.loads(self._line())
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def median(self, work: str) -> float:
        """Return the median milliseconds of one *work*."""
        return float(self._asked(work))

    def grow(self, people: int) -> None:
        """Fill the register up to *people*."""
        self._asked(f"grow {people}")

    def _asked(self, what: str) -> str:
        print(what, file=self.process.stdin, flush=True)
        return self._line()

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.command} ended")
        return line


def measure(var: Path, say: Callable[[str], None]) -> tuple[list[Ratio], dict[str, Any]]:
    """Return the ratios of loading and of the same work at each size, and how long the large register took to load."""
    say(f"registers: {SMALL:,} and {LARGE:,} people")
    with ExitStack() as stack:
        small, big = (stack.enter_context(Grown(var / f"grown-{size}", size)) for size in (SMALL, LARGE))
        ratios = [_loading(big.loading), *_ratios(small, big, LARGE)]
        say(f"registers: filling up to {LARGEST:,} people")
        big.grow(LARGEST)
        ratios += _ratios(small, big, LARGEST)
    return ratios, {"loaded": big.loading}


def _loading(told: dict[str, Any]) -> Ratio:
    """Return how many times longer a load took than ``COPY`` of the same rows; each was done once."""
    ours, anchor = told["seconds"], told["copy"]
    ratio = ours / anchor
    name, note = f"loading {told['people']:,} people", "goal 6; against COPY of the same rows in clear, each once"
    return Ratio(name, ours, anchor, "s", ratio, ratio, ratio, floor=LOAD_FLOOR, note=note)


def _ratios(small: Grown, big: Grown, people: int) -> Iterator[Ratio]:
    for work, name in WORKS.items():
        yield compare(
            f"{name}, {people:,} people",
            partial(big.median, work),
            partial(small.median, work),
            floor=FLOOR,
            repeats=REPEATS,
            note=f"against {SMALL:,} people; goal 1.1",
        )


def main(folder: Path, people: int) -> None:
    """Load, then answer what is asked."""
    with served(folder):
        known: list[dict[str, Any]] = []
        seconds = _load(people, known)
        loading = {"people": people, "seconds": round(seconds, 1), "copy": round(_copy(people), 2)}
        print(json.dumps(loading), flush=True)
        works = _works(known)
        for line in sys.stdin:
            work = line.strip()
            print(_grow(int(work[5:])) if work.startswith("grow ") else median_of(works[work]), flush=True)


def _grow(people: int) -> int:
    """Fill tables and key store up to *people*, whole batches at a time, and return how many there are."""
    from django.db import connection

    with connection.cursor() as cursor, Progress(console=Console(stderr=True)) as progress:
        cursor.execute("SELECT count(*), (SELECT count(*) FROM registers_term) FROM registers_record")
        there, terms = map(int, cursor.fetchone())
        task = progress.add_task("more people", total=people, completed=there)
        per_record = round(terms / there)
        while there < people:
            batch = min(BATCH, people - there)
            cursor.execute(FILL, {"batch": batch, "terms": per_record})
            _more_keys(batch)
            there += batch
            progress.update(task, completed=there)
        cursor.execute("VACUUM ANALYZE registers_record, registers_term")
    return there


def _more_keys(count: int) -> None:
    from onedoor.kernel.ids import uuid7
    from onedoor.kernel.settings import current

    store = sqlite3.connect(current().state / "keys" / "persons.sqlite")
    with store:
        store.executemany(KEYS, ((uuid7().bytes, os.urandom(32), os.urandom(60), "2026-01-01") for _ in range(count)))
    store.close()


def _load(people: int, known: list[dict[str, Any]]) -> float:
    """Load *people* in one transaction with a progress bar; return the seconds without those of making them up."""
    from onedoor.registers import service

    made_in = [0.0]
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("people", total=people)
        start = time.perf_counter()
        rows = _people(people, known, made_in)
        service.load("population", rows, lambda done: progress.update(task, completed=done))
        return time.perf_counter() - start - made_in[0]


def _copy(people: int) -> float:
    """Return the seconds that ``COPY`` of the same rows takes in clear, without those of making them up."""
    from django.db import connection

    made_in = [0.0]
    start = time.perf_counter()
    copied_in_clear(_people(people, [], made_in))
    taken = time.perf_counter() - start - made_in[0]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_person")
    return taken


def _people(people: int, known: list[dict[str, Any]], made_in: list[float]) -> Iterator[dict[str, Any]]:
    """Yield different people, made up in chunks; some of them bear a name of their own and are kept in *known*."""
    from onedoor.registers.people import generator

    numbers: set[str] = set()
    every = max(people * EVERY // SMALL, 1)
    for seed in count(1):
        start = time.perf_counter()
        chunk = generator.generate(min(CHUNK, people), seed)["population"]
        made_in[0] += time.perf_counter() - start
        for row in chunk:
            if row["number"] in numbers:
                continue
            numbers.add(row["number"])
            if len(numbers) % every == 0:
                row["full_name"] += f" {len(numbers)}"
                known.append(row)
            yield row
            if len(numbers) == people:
                return


def _works(known: list[dict[str, Any]]) -> dict[str, Callable[[], float]]:
    read, write = handler_of("onedoor.site.urls", READER), handler_of("onedoor.site.urls", WRITER)
    by_number = cycle({"number": row["number"]} for row in known)
    by_name = cycle({"full_name": row["full_name"], "born_year": row["born"][:4]} for row in known)
    return {
        "read": partial(_asked, read, by_number),
        "look up": partial(_asked, read, by_name),
        "write": partial(write, "/exchange/population/records", CHILD),
    }


def _asked(read: Exchange, questions: Iterator[dict[str, str]]) -> float:
    return read("/exchange/population/lookup", {"by": next(questions)})


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), int(sys.argv[2]))
