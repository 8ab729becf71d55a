"""A register's own work in one process on a PostgreSQL of its own: read, write, load, each against bare database work.

``python -m bench.registers FOLDER`` measures and prints JSON. `measure` runs it so: Django is set up once a process.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from bench.measure import Ratio, apart, compare, seconds, told
from onedoor.site.embedded import Server

READ_FLOOR, WRITE_FLOOR, LOAD_FLOOR = 3.0, 5.0, 12.0
PEOPLE, TIMES, REPEATS = 3000, 200, 5
MILLI = 1000.0
NATION = Path("nations/vietnam")
ANCHOR_TABLE = "CREATE TABLE bench_person (number text PRIMARY KEY, record jsonb)"
READER = {"client": "VN/GOV/G22/PORTAL", "purpose": "birth-form", "basis": "nd63-2024.4.5"}
WRITER = {"client": "VN/GOV/G15/CIVIL-STATUS", "purpose": "birth-registration", "basis": "l60-2014.16"}
CHILD = {"full_name": "Lê An", "born": "2026-11-01", "sex": "F", "birth_registered_in": "00199"}
Exchange = Callable[[str, object], float]


def measure(var: Path, say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios of reading, writing and loading, measured in a process of their own with its state in *var*."""
    say("registers: read, write, load")
    return apart("bench.registers", var / "registers")


def main(folder: Path) -> None:
    """Measure on a server of its own and print the ratios as JSON."""
    with served(folder):
        _load(_people(1))
        print(told((_reading(), _writing(), _loading())))


@contextmanager
def served(folder: Path, country: Path = NATION) -> Iterator[None]:
    """Keep a server with a fresh database of this process running in *folder*, for the nation in *country*."""
    server = Server(folder / "postgres")
    server.prepare()
    server.start()
    try:
        server.ensure_role("bench", creates_databases=True)
        with server.as_superuser() as connection:
            connection.execute("GRANT CONNECT ON DATABASE postgres TO bench")
            connection.execute("GRANT pg_checkpoint TO bench")
        _set_up(folder, server, country)
        yield
    finally:
        server.stop()


def _set_up(folder: Path, server: Server, country: Path) -> None:
    """Have Django work on a fresh database of this process."""
    os.environ.update(
        ONEDOOR_ROLE="test",
        ONEDOOR_NATION=str(country.absolute()),
        ONEDOOR_DATABASE_URL=server.url("bench", "postgres"),
        ONEDOOR_STATE=str(folder / "state"),
        ONEDOOR_DEMONSTRATION="yes",
        DJANGO_SETTINGS_MODULE="onedoor.site.settings",
    )
    shutil.rmtree(folder / "state", ignore_errors=True)  # keys that are there already would make a load look cheap
    (folder / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
    import django

    from onedoor.site import logs

    logs.set_up("warning")
    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    with connection.cursor() as cursor:
        cursor.execute(ANCHOR_TABLE)


def _people(seed: int) -> list[dict[str, Any]]:
    from onedoor.registers.people import generator

    return generator.generate(PEOPLE, seed)["population"]


def _load(rows: list[dict[str, Any]]) -> None:
    from onedoor.registers import service

    service.load("population", rows)


def handler_of(urlconf: str, reader: dict[str, str]) -> Exchange:
    """Return what posts a body through the whole middleware to *urlconf* and gives the milliseconds."""
    from django.core.handlers.base import BaseHandler
    from django.test import RequestFactory

    from onedoor.exchange.service import VIA_GATEWAY

    handler, factory, keys = BaseHandler(), RequestFactory(), count()
    handler.load_middleware()
    names = {"CLIENT": "HTTP_X_ROAD_CLIENT", "PURPOSE": "HTTP_ONEDOOR_PURPOSE", "BASIS": "HTTP_ONEDOOR_BASIS"}
    headers = {names[name.upper()]: text for name, text in reader.items()}
    fixed: dict[str, Any] = {
        **headers,
        "HTTP_X_ROAD_USERID": "bench",
        "HTTP_X_ROAD_ISSUE": "2611-BENCH-00",
        VIA_GATEWAY: True,
    }

    def post(path: str, body: object) -> float:
        key: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": f"bench-{next(keys)}-{time.time_ns()}"}
        request = factory.post(path, json.dumps(body), "application/json", **fixed, **key)
        request.urlconf = urlconf
        start = time.perf_counter()
        answer = handler.get_response(request)
        taken = time.perf_counter() - start
        if answer.status_code not in (200, 201):
            raise RuntimeError(f"{path}: {answer.status_code} {answer.reason_phrase}")
        return taken * MILLI

    return post


def median_of(work: Callable[[], float]) -> float:
    """Return the median of what *work* gives."""
    return sorted(work() for _ in range(TIMES))[TIMES // 2]


def _reading() -> Ratio:
    from onedoor.registers.models import Record

    number = _people(1)[0]["number"]
    row = str(Record.objects.values_list("id", flat=True)[0])
    ours, bare = handler_of("onedoor.site.urls", READER), handler_of("bench.bare", READER)
    return compare(
        "register read by number, at the node",
        lambda: median_of(partial(ours, "/exchange/population/lookup", {"by": {"number": number}})),
        lambda: median_of(partial(bare, "/read", {"id": row})),
        floor=READ_FLOOR,
        repeats=REPEATS,
        note="goal 2; the read is recorded and synced first",
    )


def _writing() -> Ratio:
    ours, bare = handler_of("onedoor.site.urls", WRITER), handler_of("bench.bare", WRITER)
    return compare(
        "register write",
        lambda: median_of(partial(ours, "/exchange/population/records", CHILD)),
        lambda: median_of(partial(bare, "/write", CHILD)),
        floor=WRITE_FLOOR,
        repeats=REPEATS,
        note="goal 3",
    )


def _loading() -> Ratio:
    populations = (_people(seed) for seed in count(2))
    names = f"loading {PEOPLE} people"
    return compare(
        names,
        lambda: _emptied(_load, next(populations)),
        lambda: _emptied(copied_in_clear, next(populations)),
        floor=LOAD_FLOOR,
        repeats=REPEATS,
        note="goal 6; against COPY of the same rows in clear",
    )


def _emptied(load: Callable[[list[dict[str, Any]]], None], rows: list[dict[str, Any]]) -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET onedoor.emptying = 'tests'")
        cursor.execute("TRUNCATE registers_record, registers_term, bench_person CASCADE")
    return seconds(lambda: load(rows), 1) * MILLI


def copied_in_clear(rows: Iterable[dict[str, Any]]) -> None:
    """Bring *rows* into a table of their number and themselves by ``COPY``, unencrypted: the anchor of loading."""
    from django.db import connection, transaction

    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy("COPY bench_person (number, record) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row((row["number"], json.dumps(row, ensure_ascii=False)))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
