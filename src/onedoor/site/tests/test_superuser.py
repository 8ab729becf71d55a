"""Who may do anything to a database and to the published files, but holds no key of the system, is found out."""

import argparse
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from onedoor.kernel.ledger import verify_checkpoint
from onedoor.privacy.models import ReadPerson
from onedoor.site import messages, published
from onedoor.site.commands import ledger_own
from onedoor.site.published import Publisher
from onedoor.site.tests import trail
from onedoor.site.tests.superuser import OTHER, TEXT, unguard
from onedoor.site.tests.test_cosigning import Served, known
from onedoor.site.tests.test_superuser_columns import BEHIND, NOT_COVERED
from onedoor.store import ledger, sealed
from onedoor.store.sealed import Place

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
READS = 270
"""So many that one tile and its bundle are whole and others begin."""
WATCHED_ONLY = {("store_ledger_entry", "made_at"), ("store_ledger_checkpoint", "signed_at"), *NOT_COVERED}
"""Columns that prove nothing: two moments that only measure delay, and those that are named as not covered."""
TABLES = ("store_ledger_entry", "store_ledger_node", "store_ledger_checkpoint", *BEHIND)


@dataclass
class Superuser:
    """Changes one thing at random, of what stands in the tables or of the published files."""

    chance: random.Random
    folder: Path
    did: str = ""
    columns: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def change(self) -> Callable[[], None]:
        """Change something that makes a difference; return what puts a file back (tables are rolled back)."""
        if self.chance.random() < 0.25:
            return self._spoil()
        while True:
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    if self._alter(cursor):
                        return lambda: None
            except (DataError, IntegrityError):
                continue  # the database itself refuses it

    def _alter(self, cursor: Any) -> bool:
        table, way = self.chance.choice(TABLES), self.chance.choice(("edit", "edit", "delete", "swap", "truncate"))
        column, kind = self.chance.choice(self._columns(cursor, table))
        cursor.execute(f"SELECT count(*) FROM {table}")
        rows = cursor.fetchone()[0]
        one, other = self.chance.randrange(rows), self.chance.randrange(rows)
        row = f"(SELECT ctid FROM {table} ORDER BY ctid OFFSET {{}} LIMIT 1)"
        if (way, table) == ("delete", "store_ledger_checkpoint"):
            one = rows - 1  # that an earlier state was signed as well, a later one does not say
        self.did = f"{way} {table}.{column} of row {one}, {other}"
        if way == "truncate":
            cursor.execute(f"DELETE FROM {table} WHERE ctid >= {row.format(one)}")
        elif way == "delete":
            cursor.execute(f"DELETE FROM {table} WHERE ctid = {row.format(one)}")
        elif way == "edit":
            value = OTHER.get(kind, TEXT).format(f'"{column}"')
            different = f'ctid = {row.format(one)} AND {value} IS DISTINCT FROM "{column}"'
            cursor.execute(f'UPDATE {table} SET "{column}" = {value} WHERE {different}')
        else:
            cursor.execute(
                f'UPDATE {table} AS one SET "{column}" = other."{column}" FROM {table} AS other'
                f" WHERE (one.ctid, other.ctid) IN (({row.format(one)}, {row.format(other)}),"
                f' ({row.format(other)}, {row.format(one)})) AND one."{column}" IS DISTINCT FROM other."{column}"'
            )
        return bool(cursor.rowcount)

    def _columns(self, cursor: Any, table: str) -> list[tuple[str, str]]:
        if table not in self.columns:
            cursor.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY 1",
                [table],
            )
            self.columns[table] = [one for one in cursor.fetchall() if (table, one[0]) not in WATCHED_ONLY]
        return self.columns[table]

    def _spoil(self) -> Callable[[], None]:
        files = sorted(one for one in self.folder.rglob("*") if one.is_file() and one.name not in ("key", "signed"))
        path, other = self.chance.sample(files, 2)
        content, way = path.read_bytes(), self.chance.choice(("flip", "cut", "delete", "swap"))
        self.did = f"{way} {path.relative_to(self.folder)}"
        # Whether the witness has signed the checkpoint, who knows that witness verifies (`ledger audit`).
        place = self.chance.randrange(content.index(b"\n\n") if path.name == published.CHECKPOINT else len(content))
        if way == "delete":
            path.unlink()
        elif way == "swap":
            path.write_bytes(other.read_bytes())
        elif way == "cut":
            path.write_bytes(content[:place])
        else:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        return lambda: (path.write_bytes(content), None)[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have a little of everything entered, published under a checkpoint that a witness cosigned, and spoken of."""
    trail.enter(READS)
    place, witness = tmp_path / "published", Served(tmp_path / "witness", "w1.example")
    Publisher(place, known([witness]))
    witness.stop()
    size, _ = ledger.size_and_root()
    cosigned = verify_checkpoint((place / published.CHECKPOINT).read_text(), ledger.verifier(), [witness.verifier])
    assert cosigned.size == size
    monkeypatch.setattr(published, "folder_in", lambda _: place)
    with connection.cursor() as cursor:
        unguard(cursor, TABLES)
    messages.use("en")
    yield place
    messages.use(None)


@pytest.mark.parametrize(
    "times", [40, pytest.param(1000, marks=pytest.mark.soak)], ids=lambda times: f"{times} changes"
)
def test_whatever_is_changed_is_found(folder: Path, times: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger_own.check(argparse.Namespace()) == 0, capsys.readouterr().out
    user = Superuser(random.Random(20261129), folder)
    unseen = []
    for _ in range(times):
        point = transaction.savepoint()
        mend = user.change()
        if ledger_own.check(argparse.Namespace()) != ledger_own.WRONG:
            unseen.append(user.did)
        mend()
        transaction.savepoint_rollback(point)
    assert not unseen
    assert ledger_own.check(argparse.Namespace()) == 0, "each change was taken back"


def test_an_envelope_opens_nowhere_but_in_its_row(folder: Path) -> None:
    one, other = ReadPerson.objects.exclude(sealed=b"").order_by("record_id", "person")[:2]
    place = Place("privacy_readperson", "sealed", f"{other.record_id}.{bytes(other.person).hex()}")
    assert sealed.unseal(bytes(other.sealed), place=place)
    with pytest.raises(sealed.BadEnvelope):
        sealed.unseal(bytes(one.sealed), place=place)
