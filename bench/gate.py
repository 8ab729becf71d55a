"""The gate and the envelopes in front of a register's read, in one process on a PostgreSQL of its own.

``python -m bench.gate FOLDER`` measures and prints JSON. `measure` runs it so: Django is set up once a process.
"""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from uuid import UUID

from bench import registers
from bench.measure import Ratio, apart, compare, compare_both_ways, told
from bench.registers import READER, REPEATS, TIMES, handler_of

LATENCY_FLOOR, THROUGHPUT_FLOOR, ENCRYPTION_FLOOR = 1.5, 0.6, 0.05
CLIENTS, EACH = 32, 40
MICRO = 1e6


def measure(var: Path, say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios, measured in a process of their own with its state in *var*."""
    say("gate: with and without, and encryption")
    return apart("bench.gate", var / "gate")


def main(folder: Path) -> None:
    """Measure on a server of its own and print the ratios as JSON."""
    with registers.served(folder):
        people = registers._people(1)
        registers._load(people)
        read = partial(handler_of("onedoor.site.urls", READER), "/exchange/population/lookup", _asked(people))
        print(told((_latency(read), _throughput(read), _encryption(read, people))))


def _asked(people: list[dict[str, object]]) -> dict[str, object]:
    return {"by": {"number": people[0]["number"]}}


def _latency(read: Callable[[], float]) -> Ratio:
    name, note = "gated, recorded read in one process, 1 client, p50", "called, not served"
    ungated = partial(_ungated, read)
    return compare_both_ways(name, read, ungated, times=TIMES, floor=LATENCY_FLOOR, repeats=REPEATS, note=note)


def _throughput(read: Callable[[], float]) -> Ratio:
    return compare(
        f"gated, recorded read in one process, {CLIENTS} clients",
        lambda: _rate(read),
        lambda: _ungated(lambda: _rate(read)),
        floor=THROUGHPUT_FLOOR,
        unit="/s",
        more=True,
        repeats=REPEATS,
        note="called, not served: threads of one process",
    )


def _rate(read: Callable[[], float]) -> float:
    """Return how many reads a second *CLIENTS* threads get through together, each on a connection it has had before."""
    from django.db import connections

    def client() -> None:
        for _ in range(EACH):
            read()
        connections.close_all()

    with ThreadPoolExecutor(CLIENTS) as clients:
        start = time.perf_counter()
        for one in [clients.submit(client) for _ in range(CLIENTS)]:
            one.result()
        return CLIENTS * EACH / (time.perf_counter() - start)


def _ungated(work: Callable[[], float]) -> float:
    with without_gate():
        return work()


@contextmanager
def without_gate() -> Iterator[None]:
    """Answer the fields of the right without deciding, and without a record."""
    from onedoor.privacy.service import Permit, fields_granted
    from onedoor.registers import service

    fields = fields_granted(READER["client"], "read", READER["purpose"])["population"]
    permit = Permit(fields, str(UUID(int=0)))
    opened = {
        "check": lambda *_, **__: fields,
        "permit": lambda *_, **__: permit,
        "permitting": lambda *_, **__: nullcontext(permit),
    }
    kept = {name: getattr(service, name) for name in opened}
    vars(service).update(opened)
    try:
        yield
    finally:
        vars(service).update(kept)


def _encryption(read: Callable[[], float], people: list[dict[str, object]]) -> Ratio:
    return compare(
        "field encryption, share of a read's on-CPU time",
        lambda: _on_cpu(_opened_and_sealed(str(people[0]["number"]))),
        lambda: _on_cpu(read),
        floor=ENCRYPTION_FLOOR,
        unit="µs",
        repeats=REPEATS,
        note="goal 0.03; keys found and unwrapped, envelopes opened, the reader's record sealed",
    )


def _opened_and_sealed(number: str) -> Callable[[], object]:
    """Return what a read of *number* does with keys and envelopes, and nothing else."""
    from onedoor.registers import storage
    from onedoor.registers.definition import register_of
    from onedoor.registers.models import Record
    from onedoor.store import keys, sealed
    from onedoor.store.sealed import Place

    value = storage._blind(register_of("population"), "number", number)
    row = Record.objects.get(terms__value=value)
    envelopes, place = [bytes(one) for one in row.sealed], storage._place(row.id)
    record = Place("privacy_readperson", "sealed", "record.person")

    def work() -> None:
        for envelope in envelopes:
            sealed.unseal_bytes(envelope, place=place)
        keys.blind("privacy.person", number)
        sealed.seal_under(keys.live_for([number])[number], number, place=record)

    return work


def _on_cpu(work: Callable[[], object]) -> float:
    """Return the microseconds on the processor that one *work* takes, its threads apart."""
    start = time.thread_time()
    for _ in range(TIMES * 5):
        work()
    return (time.thread_time() - start) / (TIMES * 5) * MICRO


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
