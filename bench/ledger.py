"""The ledger: records of reads by 64 writers, how soon a checkpoint covers them, proofs as it grows, and its size.

``python -m bench.ledger FOLDER ENTRIES`` measures in one process on a PostgreSQL of its own and prints JSON; `measure`
runs it so. Everything is done by what a node does it with: the gate's `records.keep`, and `serve.grow_ledger`.
"""

import random
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from bench.measure import Ratio, apart, compare, told
from bench.registers import median_of, served
from onedoor.kernel.ids import uuid7
from onedoor.kernel.ledger import HASH_SIZE, Checkpoint, Leaf, Tile, Tiles, Tree, bundle_of, leaf_hash
from onedoor.kernel.ledger.tiles import HEIGHT, WIDTH

WRITERS, EACH, WARM = 64, 200, 20
SMALL, FILL = 10_000, 100_000
RATE_FLOOR, PROOF_FLOOR, FLAT, SECOND, GIGABYTE = 1.0, 3.0, 1.3, 1.0, 1e9
TEN_MILLION = 10**7
REPEATS, MILLI, ASKED = 5, 1000.0, 2000
LOOK_EVERY, PATIENCE = 0.01, 60.0
"""Seconds between looks at the checkpoint, and until it must cover everything."""
FIELDS = ("number", "full_name", "born", "sex", "ethnicity")
ANCHOR = """
WITH entry AS (INSERT INTO store_ledger_entry (id, kind, commitment, made_at) VALUES (%s, %s, %s, %s)), record AS (
    INSERT INTO privacy_readrecord (id, moment, client, "user", purpose, basis, "case", register, operation, fields,
        refused, salt, entry, form) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s))
INSERT INTO privacy_readperson (record_id, person, looked_by, sealed) VALUES (%s, %s, %s, %s)
"""
"""The same three rows by one statement: the cheapest way to commit them one by one."""
FILLED = """
INSERT INTO store_ledger_entry (id, kind, commitment, made_at)
SELECT uuidv7(), 'privacy.read', sha256((%s + n)::text::bytea), now() FROM generate_series(1, %s) AS n
"""
COPY = "COPY store_ledger_entry (id, kind, commitment, position, made_at) FROM STDIN"
CHUNK = WIDTH**2
Row = Mapping[str, Any]
T = TypeVar("T")


def measure(var: Path, entries: int, say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios with up to *entries* in the ledger, in a process of their own with its state in *var*."""
    say(f"ledger: {WRITERS} writers, proofs at {SMALL:,} and {entries:,} entries")
    return apart("bench.ledger", var / "ledger", entries)


def main(folder: Path, entries: int) -> None:
    """Measure on a server of its own and print the ratios as JSON."""
    with served(folder):
        print(told(_ratios(folder, entries)))


def _ratios(folder: Path, entries: int) -> Iterator[Ratio]:
    from onedoor.site.published import folder_in

    published = folder_in(folder / "state")
    _fill(SMALL)
    small = _Proofs(shutil.copytree(published, folder / "state" / "small"), SMALL)
    yield small.against_a_row()
    yield from _writing(published)
    entries = _fill_in_bulk(published, entries)
    large = _Proofs(published, entries)
    yield large.against_a_row()
    yield compare(
        f"a proof at {entries:,} entries, against one at {SMALL:,}",
        large.median,
        small.median,
        floor=FLAT,
        repeats=REPEATS,
    )
    yield _tiles(published)


def _fill(total: int) -> None:
    """Bring the ledger to *total* entries, in order, signed and published."""
    from django.db import connection

    from onedoor.kernel.settings import current
    from onedoor.site.published import Publisher, folder_in
    from onedoor.store import ledger

    ledger.integrate()
    publisher = Publisher(folder_in(current().state))
    while (size := publisher.last.size) < total:
        with connection.cursor() as cursor:
            cursor.execute(FILLED, [size, min(FILL, total - size)])
        ledger.integrate()
        publisher.publish()
    _analyse()


def _analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE store_ledger_entry, store_ledger_node")


def _fill_in_bulk(published: Path, total: int) -> int:
    """Bring entries and tiles to *total*, laid out as the ledger lays them out, in a fraction of its time.

    Return how many there are: more where the writers before wrote more.

    There are no nodes in the database and no file is synced: nothing can be appended any more, but all be proved.
    """
    from django.db import connection, transaction

    from onedoor.store import ledger, ledger_keys

    _fill(-(-_size(published) // CHUNK) * CHUNK)
    size = _size(published)
    total = max(total, size)
    layers = [b"", b"", b"".join(ledger.hashes(2 * HEIGHT, 0, size // CHUNK))]
    while size < total:
        some = [Leaf(uuid7(), "privacy.read", _digest(number)) for number in range(size, min(size + CHUNK, total))]
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for position, leaf in enumerate(some, size):
                copy.write_row((*leaf, position, "now"))
        for first in range(0, len(some), WIDTH):
            entries = [leaf.content() for leaf in some[first : first + WIDTH]]
            tile = Tile(0, (size + first) // WIDTH, len(entries))
            _put(published / tile.bundle, bundle_of(entries))
            _add(published, layers, 0, tile.index, b"".join(map(leaf_hash, entries)))
        size += len(some)
    for level, hashes in enumerate(layers):
        if hashes:
            tile = Tile(level, (total >> HEIGHT * level) // WIDTH, len(hashes) // HASH_SIZE)
            _put(published / tile.path, hashes)
    tree = Tree(Tiles(total, lambda tile: tile.levels((published / tile.path).read_bytes())))
    note = Checkpoint(ledger_keys.origin(), total, tree.root()).sign(ledger_keys.origin(), ledger_keys.key())
    (published / "checkpoint").write_text(note)
    _analyse()
    return total


def _add(published: Path, layers: list[bytes], level: int, index: int, hashes: bytes) -> None:
    """Add *hashes* to what is no whole tile of a level yet, and write that when it is one."""
    if level == len(layers):
        layers.append(b"")
    layers[level] += hashes
    if len(layers[level]) == WIDTH * HASH_SIZE:
        tile = Tile(level, index)
        _put(published / tile.path, layers[level])
        root = tile.levels(layers[level])[-1]
        layers[level] = b""
        _add(published, layers, level + 1, index // WIDTH, root)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _digest(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


class _Proofs:
    """Proofs of entries anywhere among the first *size*, each verified once, out of what *folder* publishes."""

    def __init__(self, folder: Path, size: int) -> None:
        from onedoor.store import ledger

        self.folder, self.size = folder, size
        random.seed(size)
        places = [random.randrange(size) for _ in range(ASKED)]
        self.ids = [ledger.leaves(place, place + 1)[0].id for place in places]
        self.turn = 0
        for one in self.ids:
            self.proof(one).verify(ledger.verifier())

    def proof(self, entry: UUID) -> Any:  # noqa: ANN401 - Django's settings are read first
        """Return what a person who asks for a proof is given."""
        from onedoor.store import ledger, proving

        placed = ledger.placed(entry)
        found = placed and proving.proof_of(*placed, self.folder)
        if not found:
            raise RuntimeError(f"{entry} is not published in {self.folder}")
        return found

    def median(self) -> float:
        """Return the median milliseconds of a proof."""
        return median_of(lambda: self._timed(lambda one: self.proof(one).text()))

    def row(self) -> float:
        """Return the median milliseconds of a row by its primary key, through the ORM as in `bench.bare`."""
        from onedoor.store.models import LedgerEntry

        return median_of(lambda: self._timed(lambda one: LedgerEntry.objects.get(pk=one)))

    def against_a_row(self) -> Ratio:
        """Return what a proof takes against a row."""
        return compare(
            f"a proof at {self.size:,} entries",
            self.median,
            self.row,
            floor=PROOF_FLOOR,
            repeats=REPEATS,
            note="goal 2; against a row by primary key through the ORM",
        )

    def _timed(self, work: Callable[[UUID], object]) -> float:
        self.turn += 1
        one = self.ids[self.turn % ASKED]
        start = time.perf_counter()
        work(one)
        return (time.perf_counter() - start) * MILLI


def _writing(published: Path) -> Iterator[Ratio]:
    """Yield the rate of writers while the ledger grows beside them, and how late a checkpoint covers an entry."""
    from onedoor.store.models import LedgerEntry

    late: list[float] = []

    def ours() -> float:
        work, acknowledged = _rows(), dict[str, float]()
        _fill(LedgerEntry.objects.count())  # what the anchor wrote before is no part of this
        with _growing(published) as seen:
            rate = _rate(work, lambda: _recorder(acknowledged))
        late.append(_latest(acknowledged, seen))
        return rate

    yield compare(
        f"ledger, {WRITERS} writers, each record durable when acknowledged",
        ours,
        lambda: _rate([[_values(row) for row in rows] for rows in _rows()], _one_by_one),
        floor=RATE_FLOOR,
        unit="/s",
        more=True,
        repeats=REPEATS,
        note="goal 2; the tree grows beside it; against 64 connections that commit the same rows one by one",
    )
    del late[0]  # it was to warm up
    middle = statistics.median(late)
    name = "a checkpoint covers every entry of these, the latest after"
    yield Ratio(name, middle, SECOND, "s", middle, min(late), max(late), SECOND)


def _rows() -> list[list[Row]]:
    """Return for each writer records of reads about a person, as the gate makes them."""
    from onedoor.privacy.records import row_of
    from onedoor.privacy.rules import READ, Reader

    reader = Reader("VN/GOV/G22/PORTAL", "bench", "birth-form", "nd63-2024.4.5", "2611-BENCH-00")
    person = (f"{number:012}" for number in count(1))
    said = (reader, "population", READ, FIELDS, "")
    return [[row_of(*said, {next(person): None}) for _ in range(WARM + EACH)] for _ in range(WRITERS)]


def _rate(work: list[list[T]], writer: Callable[[], Callable[[T], None]]) -> float:
    """Return how many records a second threads keep that have warmed up, each by a *writer* of its own."""
    from django.db import connections

    ready = threading.Barrier(len(work) + 1)
    kept: list[int] = []

    def write(rows: list[T]) -> None:
        try:
            keep = writer()
            for row in rows[:WARM]:
                keep(row)
        except BaseException:
            ready.abort()  # who waits for all to be warm does not wait for ever
            raise
        ready.wait()
        for row in rows[WARM:]:
            keep(row)
        kept.append(len(rows) - WARM)
        connections.close_all()

    threads = [threading.Thread(target=write, args=(rows,)) for rows in work]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - start
    if len(kept) != len(work):
        raise RuntimeError("a writer failed")
    return sum(kept) / taken


def _recorder(acknowledged: dict[str, float]) -> Callable[[Row], None]:
    """Return what a node keeps a record with, and notes when it was acknowledged."""
    from onedoor.privacy import records

    def keep(row: Row) -> None:
        records.keep(row)
        acknowledged[row["entry"]] = time.monotonic()

    return keep


def _one_by_one() -> Callable[[Sequence[object]], None]:
    """Return what commits a record on a connection of its own."""
    import psycopg
    from procrastinate.contrib.django.utils import connector_params

    cursor = psycopg.connect(**(connector_params() | {"autocommit": True})).cursor()

    def insert(values: Sequence[object]) -> None:
        cursor.execute(ANCHOR, values, prepare=True)

    return insert


def _values(row: Row) -> Sequence[object]:
    """Return the values of *row* as `ANCHOR` takes them, of the types of their columns."""
    entry, record, person = UUID(row["entry"]), UUID(row["id"]), row["persons"][0]
    moment, made_at = (datetime.fromisoformat(row[name]) for name in ("moment", "made_at"))
    said = [row[name] for name in ("client", "user", "purpose", "basis", "case", "register", "operation")]
    return (
        entry, row["kind"], _bytes(row["commitment"]), made_at,
        record, moment, *said, list(row["fields"]), row["refused"], _bytes(row["salt"]), entry, row["form"],
        record, _bytes(person["person"]), row["looked_by"], _bytes(person["sealed"]),
    )  # fmt: skip


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("\\x"))


@contextmanager
def _growing(published: Path) -> Iterator[list[tuple[float, int]]]:
    """Grow the ledger beside what is done inside, to its end; give when a checkpoint of which size was published."""
    from onedoor.kernel.settings import current
    from onedoor.site.cosigning import Witnesses
    from onedoor.site.serve import grow_ledger
    from onedoor.store.models import LedgerEntry

    settings, ending = current(), threading.Event()
    seen: list[tuple[float, int]] = []
    threads = [
        threading.Thread(target=grow_ledger, args=(settings, Witnesses.of(settings), ending)),
        threading.Thread(target=_watch, args=(published, seen, ending)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
        total = LedgerEntry.objects.count()
        _until(lambda: bool(seen) and seen[-1][1] == total)
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError("the ledger does not come to its end")
        time.sleep(LOOK_EVERY)


def _watch(published: Path, seen: list[tuple[float, int]], ending: threading.Event) -> None:
    while not ending.wait(LOOK_EVERY):
        size = _size(published)
        if not seen or size > seen[-1][1]:
            seen.append((time.monotonic(), size))


def _size(published: Path) -> int:
    """Return how many entries the checkpoint covers that everybody sees."""
    return int((published / "checkpoint").read_text().splitlines()[1])


def _latest(acknowledged: Mapping[str, float], seen: Sequence[tuple[float, int]]) -> float:
    """Return the seconds from when an entry was acknowledged to the checkpoint that covers it, of the latest one."""
    from onedoor.store.models import LedgerEntry

    found = LedgerEntry.objects.filter(id__in=list(acknowledged)).values_list("id", "position")
    covered = {str(entry): next(moment for moment, size in seen if size > (place or 0)) for entry, place in found}
    return max(covered[entry] - moment for entry, moment in acknowledged.items())


def _tiles(published: Path) -> Ratio:
    """Return what the tiles of ten million entries take at what they take for each now."""
    size = _size(published)
    hashes, entries = (_bytes_in((published / "tile").glob(kind)) / size for kind in ("[0-9]*", "entries"))
    share = hashes * TEN_MILLION / GIGABYTE
    note = f"at {hashes:.1f} bytes an entry; the entries themselves, in bundles, take {entries:.1f} more"
    return Ratio(f"tiles of {TEN_MILLION:,} entries", share, 1, "GB", share, share, share, 1, note=note)


def _bytes_in(folders: Iterable[Path]) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), int(sys.argv[2]))
