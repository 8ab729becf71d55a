"""Details held against the ledger: each change, loss and addition is found, and told without what is in it."""

import time
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from onedoor.kernel.ids import uuid7
from onedoor.kernel.ledger import LedgerError
from onedoor.store import details, ledger
from onedoor.store.details import ADDED, ALTERED, AMENDED, LOST, MISSING
from onedoor.store.models import Amendment

pytestmark = pytest.mark.django_db
Told = dict[str, bytes]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What a room of tests keeps: by entry, what was entered."""
    kept: Told = {}

    def entered(entry: str) -> Iterator[tuple[str, bytes]]:
        yield from ((key, kept[key]) for key in sorted(kept) if entry in ("", key))

    monkeypatch.setattr(details, "_kinds", {"tests.told": entered})
    with transaction.atomic():
        for number in range(20):
            content = b"the secret %d" % number
            kept[str(ledger.append("tests.told", sha256(content).digest()).id)] = content
    ledger.integrate()
    return kept


def found() -> list[tuple[str, str]]:
    return [(one.what, one.entry) for one in details.findings()]


def test_what_is_as_it_was_entered_gives_no_finding(told: Told) -> None:
    assert found() == []
    first = next(iter(told))
    assert details.of("tests.told", UUID(first)) == told[first]
    assert details.of("tests.told", uuid7()) is details.of("another", UUID(first)) is None
    assert details.unknown() == []


def test_each_change_is_found_where_it_is_and_its_content_is_not_told(told: Told) -> None:
    keys = sorted(told)
    told[keys[4]] = b"forged"
    del told[keys[9]], told[keys[19]]
    late, early = str(uuid7()), str(UUID(int=7))
    told[late] = told[early] = b"added"
    assert found() == [
        (ADDED, early), (ALTERED, keys[4]), (MISSING, keys[9]), (MISSING, keys[19]), (ADDED, late),
    ]  # fmt: skip
    assert "secret" not in str(list(details.findings())) + str(list(details.findings()))
    assert next(one.position for one in details.findings() if one.what == ALTERED) == 4


def test_a_kind_that_nobody_can_write_out_is_named(told: Told) -> None:
    with transaction.atomic():
        ledger.append("tests.unheard", bytes(32))
    assert details.unknown() == ["tests.unheard"]


def test_the_last_amendment_holds_though_the_clock_was_set_back(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    first, earlier = min(told), time.time_ns() - 10**9
    for content in (b"resealed", b"erased"):
        told[first] = content
        with transaction.atomic():
            details.amend("tests.told", UUID(first), content.decode())
        monkeypatch.setattr(time, "time_ns", lambda: earlier)
    assert found() == [(AMENDED, first)]
    ledger.integrate()
    assert ledger.check() == len(told) + 2


def test_what_a_restore_lost_is_told_apart_from_what_somebody_took_away(told: Told) -> None:
    with transaction.atomic():
        point = transaction.savepoint()
        content = b"newer than the backup"
        newer = ledger.append("tests.told", sha256(content).digest())
        ledger.integrate()
        published = ledger.leaves(0, 21), ledger.checkpoint()
        transaction.savepoint_rollback(point)
    assert len(ledger.resume(*published, details.lose)) == 1
    del told[min(told)]
    assert [one.what for one in details.findings()] == [MISSING, LOST]
    assert [one.entry for one in details.findings()][1] == str(newer.id)


def test_who_writes_to_the_database_alone_cannot_call_lost_what_they_took_away(told: Told) -> None:
    taken = min(told)
    del told[taken]
    forged = Amendment(amended=UUID(taken), digest=details.NOTHING, why=LOST, mark=bytes(32))
    forged.entry = uuid7()
    forged.save(force_insert=True)
    assert MISSING in [one.what for one in details.findings()]


WAYS = (
    "UPDATE store_ledger_entry SET kind = 'forged' WHERE position = {place}",
    "UPDATE store_ledger_entry SET commitment = sha256('forged') WHERE position = {place}",
    "UPDATE store_ledger_entry SET position = -1 - position WHERE position = {place}",
    "UPDATE store_ledger_entry SET id = gen_random_uuid() WHERE position = {place}",
    "DELETE FROM store_ledger_entry WHERE position = {place}",
    "DELETE FROM store_ledger_entry WHERE position >= {place}",
    "UPDATE store_ledger_node SET hash = sha256('forged') WHERE level = 0 AND index = {place}",
    "DELETE FROM store_ledger_node WHERE level = 0 AND index = {place}",
    "INSERT INTO store_ledger_node (level, index, hash) VALUES (9, {place}, sha256('forged'))",
    "UPDATE store_ledger_checkpoint SET root = sha256('forged')",
    "UPDATE store_ledger_checkpoint SET note = replace(note, '20', '19')",
    "DELETE FROM store_ledger_checkpoint",
    "INSERT INTO store_ledger_entry VALUES (gen_random_uuid(), 'k', sha256('forged'), {place} + 20, now())",
)


@pytest.mark.parametrize("way", WAYS)
def test_whatever_is_done_to_the_tables_of_the_ledger_is_found(way: str, told: Told) -> None:
    assert ledger.check() == 20
    with connection.cursor() as cursor:
        for table in ("entry", "node", "checkpoint"):
            cursor.execute(f"ALTER TABLE store_ledger_{table} DISABLE TRIGGER USER")
        cursor.execute(way.format(place=7))
    with pytest.raises(LedgerError):
        ledger.check()


def test_what_was_marked_as_lost_before_an_upgrade_is_entered_as_lost() -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes("store")
    executor.migrate([("store", "0004_erasure")])
    with transaction.atomic():
        lost, missing = (ledger.append("privacy.read", bytes([n]) * 32).id for n in range(2))
    ledger.integrate()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE store_ledger_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE store_ledger_entry SET lost = true WHERE id = %s", [lost])
        cursor.execute("ALTER TABLE store_ledger_entry ENABLE TRIGGER USER")
    MigrationExecutor(connection).migrate(newest)
    found = {one.entry: one.what for one in details.findings()}
    assert found == {str(lost): details.LOST, str(missing): details.MISSING}
    assert ledger.integrate() == 1
    assert ledger.check() == 3
