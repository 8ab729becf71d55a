"""The ledger in PostgreSQL: what commits with its transaction gets a place that can be proved and not changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError

from onedoor.kernel.ids import uuid7
from onedoor.kernel.ledger import LedgerError, Tree, leaf_hash, verify_inclusion, verify_note
from onedoor.store import details, ledger
from onedoor.store.models import LedgerCheckpoint, LedgerEntry

pytestmark = pytest.mark.django_db


def add(count: int) -> list[LedgerEntry]:
    with transaction.atomic():
        return [ledger.append("privacy.read", sha256(bytes([n % 256])).digest()) for n in range(count)]


def test_entries_get_positions_in_order_and_a_signed_checkpoint():
    assert ledger.size_and_root() == (0, Tree().root())
    entries = add(5)
    assert ledger.integrate() == 5
    assert ledger.integrate() == 0
    expected = Tree()
    expected.extend(leaf_hash(entry.leaf) for entry in sorted(entries, key=lambda entry: entry.id))
    assert ledger.size_and_root() == (5, expected.root())
    _, signers = verify_note(ledger.checkpoint(), [ledger.verifier()])
    assert signers == ("onedoor/test",)


def test_every_entry_can_be_proved_in_the_last_checkpoint():
    entries = add(7)
    ledger.integrate()
    entries += add(6)
    ledger.integrate()
    for entry in entries:
        position, size, proof = ledger.prove(entry.id)
        verify_inclusion(leaf_hash(entry.leaf), position, size, proof, ledger.size_and_root()[1])
    (late,) = add(1)
    with pytest.raises(ledger.NotIntegrated):
        ledger.prove(late.id)


def test_more_entries_than_a_batch_are_integrated_at_once(monkeypatch):
    monkeypatch.setattr(ledger, "BATCH", 4)
    add(10)
    assert ledger.integrate() == 10
    assert ledger.check() == 10


def test_an_entry_outside_a_transaction_or_without_a_whole_commitment_is_refused():
    with pytest.raises(LedgerError), transaction.atomic():
        ledger.append("privacy.read", b"short")


@pytest.mark.django_db(transaction=True)
def test_an_entry_needs_a_transaction():
    with pytest.raises(TransactionManagementError):
        ledger.append("privacy.read", bytes(32))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE store_ledger_entry SET commitment = '\\x00'",
        "UPDATE store_ledger_entry SET kind = 'other'",
        "UPDATE store_ledger_entry SET position = 9",
        "DELETE FROM store_ledger_entry",
        "UPDATE store_ledger_checkpoint SET root = '\\x00'",
        "DELETE FROM store_ledger_checkpoint",
    ],
)
def test_the_database_refuses_to_change_or_forget_what_is_in_the_ledger(statement):
    add(3)
    ledger.integrate()
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_changed_entry_is_found_though_the_triggers_were_taken_away():
    add(6)
    ledger.integrate()
    assert ledger.check() == 6
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE store_ledger_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE store_ledger_entry SET kind = 'forged' WHERE position = 3")
    with pytest.raises(LedgerError):
        ledger.check()


def test_a_removed_entry_is_found():
    add(6)
    ledger.integrate()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE store_ledger_entry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM store_ledger_entry WHERE position = 5")
    with pytest.raises(LedgerError):
        ledger.check()


@pytest.mark.parametrize("change", ["size = size - 1", "root = sha256(root)"])
def test_a_checkpoint_that_says_other_than_was_signed_is_found(change):
    add(6)
    ledger.integrate()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE store_ledger_checkpoint DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE store_ledger_checkpoint SET {change}")
    with pytest.raises(LedgerError, match="not the one that was signed"):
        ledger.check()


def test_an_entry_that_was_put_behind_what_was_signed_is_found():
    add(6)
    ledger.integrate()
    LedgerEntry.objects.create(id=uuid7(), kind="of-nobody", commitment=bytes(32), position=6)
    with pytest.raises(LedgerError, match="more or less than the 6"):
        ledger.check()


def test_one_checkpoint_a_size():
    add(1)
    ledger.integrate()
    add(1)
    ledger.integrate()
    assert list(LedgerCheckpoint.objects.order_by("size").values_list("size", flat=True)) == [1, 2]


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block does, as restoring a backup made before it would."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def published() -> tuple[list[ledger.Leaf], str]:
    return ledger.leaves(0, ledger.size_and_root()[0]), ledger.checkpoint()


def test_a_ledger_older_than_what_was_published_resumes_and_names_what_is_lost():
    add(3)
    ledger.integrate()
    with undone():
        newer = add(4)
        ledger.integrate()
        told = published()
    assert ledger.size_and_root()[0] == 3
    lost = ledger.resume(*told, details.lose)
    assert [one.id for one in lost] == sorted(one.id for one in newer)
    assert ledger.check() == 7
    assert ledger.checkpoint() == told[1]
    assert ledger.resume(*told, details.lose) == []
    add(1)
    assert ledger.integrate() == 1 + len(lost), "that they are lost is entered too"
    assert ledger.check() == 8 + len(lost)


def test_an_entry_that_only_waited_for_its_place_is_not_lost():
    waiting = add(2)
    with undone():
        ledger.integrate()
        told = published()
    assert ledger.resume(*told, details.lose) == []
    assert LedgerEntry.objects.filter(position__isnull=False).count() == len(waiting)
    assert ledger.check() == 2


def test_a_ledger_does_not_resume_from_a_different_story():
    add(3)
    with undone():
        add(2)
        ledger.integrate()
        told = published()
    with pytest.raises(LedgerError, match="do not fit"):
        ledger.resume(told[0][:-1], told[1], details.lose)
    with transaction.atomic():
        ledger.append("another story", bytes(32))
    ledger.integrate()
    with pytest.raises(LedgerError, match="different stories"):
        ledger.resume(*told, details.lose)
