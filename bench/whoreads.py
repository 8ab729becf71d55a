"""Who read my data: a node's answer, however many reads a person has and however many it holds in all.

``python -m bench.whoreads FOLDER TOTAL`` measures in one process on a PostgreSQL of its own and prints JSON; `measure`
runs it so. The portal's page gets a page of reads from each node, never more: `bench.pages` holds it to an empty view.
"""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.measure import Ratio, apart, compare, told
from bench.registers import handler_of, median_of, served

FLAT = 1.3
OWN, FEW, SMALL, REPEATS = 10_000, 25, 20_000, 7
SYSTEM, SERVICE = "VN/GOV/G15/CIVIL-STATUS", "own-reads"
ASKING = {"client": "VN/GOV/G22/PORTAL", "purpose": SERVICE, "basis": "l91-2025"}
FILL = """
WITH made AS (
    INSERT INTO privacy_readrecord (id, moment, client, "user", purpose, basis, "case", register, operation, fields,
        refused, salt, entry, form)
    SELECT uuidv7(), now(), %(client)s, 'commune-00199.civil-status', 'birth-registration', 'l60-2014.13', '', 'births',
        'read', ARRAY['number', 'child', 'full_name', 'born', 'sex'], '', sha256(n::text::bytea), uuidv7(), 2
    FROM generate_series(1, %(many)s) AS n RETURNING id
)
INSERT INTO privacy_readperson (person, record_id, sealed)
SELECT coalesce(%(person)s, sha256(((%(first)s + row_number() OVER ()) / 20)::text::bytea)), id, '' FROM made
"""
CHUNK = 100_000


def measure(var: Path, total: int, say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios with *total* reads recorded, measured in a process of their own with its state in *var*."""
    say(f"who read my data: {OWN:,} of {total:,} reads")
    return apart("bench.whoreads", var / "whoreads", total)


def main(folder: Path, total: int) -> None:
    """Measure on a server of its own and print the ratios as JSON."""
    with served(folder):
        print(told(_ratios(total)))


def _ratios(total: int) -> Iterator[Ratio]:
    from django.db import connection

    from onedoor.identity.service import demonstration
    from onedoor.privacy.records import BLIND
    from onedoor.store import keys

    people = {one.id: one.number for one in demonstration()}
    many, few = people["mother"], people["father"]
    marks = [keys.blind(BLIND, one) for one in (many, few)]  # made before anything is found by it
    _fill(SMALL)
    _fill(OWN, marks[0])
    _fill(FEW, marks[1])
    post = handler_of("onedoor.site.urls", ASKING)
    ask = {one: partial(post, "/exchange/own-reads/of-person", {"person": one, "most": FEW}) for one in (many, few)}
    yield compare(
        f"who read my data: a node's answer, {OWN:,} reads of the person",
        lambda: median_of(ask[many]),
        lambda: median_of(ask[few]),
        floor=FLAT,
        repeats=REPEATS,
        note=f"against a person with {FEW}; the question is recorded and synced first",
    )
    before = median_of(ask[many])
    _fill(max(total - SMALL - OWN, 0))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE privacy_readrecord, privacy_readperson")
        cursor.execute("CHECKPOINT")
    os.sync()  # what the fill left to be written is not a reader's to write
    yield compare(
        f"who read my data: a node's answer, {total:,} reads in all",
        lambda: median_of(ask[many]),
        lambda: before,
        floor=FLAT,
        repeats=REPEATS,
        note=f"against {SMALL + OWN + FEW:,} in all, measured just before",
    )


def _fill(many: int, person: bytes | None = None) -> None:
    """Record *many* reads of *person*, or of others, twenty each."""
    from django.db import connection

    for first in range(0, many, CHUNK):
        said = {"first": first, "many": min(CHUNK, many - first), "person": person, "client": SYSTEM}
        with connection.cursor() as cursor:
            cursor.execute(FILL, said)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
