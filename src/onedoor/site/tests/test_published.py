"""The ledger's files: whole after a crash, never behind what was signed, and a database behind them signs nothing."""

from pathlib import Path

import pytest
from django.db import transaction

from onedoor.kernel.ledger import Tree
from onedoor.site import published
from onedoor.site.commands.ledger import NothingPublished, _resume
from onedoor.site.published import CHECKPOINT, ENTRIES, LedgerBehind, Publisher
from onedoor.store import ledger

pytestmark = pytest.mark.django_db


def grow(count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            ledger.append("privacy.read", bytes([number]) * 32)
    ledger.integrate()


def root_of(folder: Path) -> bytes:
    entries, _ = published.read(folder)
    tree = Tree()
    tree.extend(one.hash() for one in entries)
    return tree.root()


def test_what_is_published_has_the_root_that_was_signed(tmp_path: Path):
    publisher = Publisher(tmp_path)
    for count in (3, 0, 5):
        grow(count)
        publisher.publish()
        assert root_of(tmp_path) == ledger.size_and_root()[1]


@pytest.mark.parametrize("torn", [b'{"id": "0', b'{"id": "whole but not covered"}\n'])
def test_what_a_crash_left_beyond_the_checkpoint_is_cut_off(tmp_path: Path, torn: bytes):
    grow(3)
    Publisher(tmp_path)
    with (tmp_path / ENTRIES).open("ab") as file:
        file.write(torn)
    grow(2)
    Publisher(tmp_path)
    assert root_of(tmp_path) == ledger.size_and_root()[1]


def test_lines_that_were_lost_are_written_again(tmp_path: Path):
    grow(3)
    Publisher(tmp_path)
    (tmp_path / ENTRIES).write_text("")
    grow(1)
    Publisher(tmp_path)
    assert root_of(tmp_path) == ledger.size_and_root()[1]


def test_a_database_behind_what_was_published_stops_the_ledger_with_the_way_out(tmp_path: Path):
    with transaction.atomic():
        before = transaction.savepoint()
        grow(4)
        Publisher(tmp_path)
        note = (tmp_path / CHECKPOINT).read_text()
        transaction.savepoint_rollback(before)
    grow(2)
    with pytest.raises(LedgerBehind, match=r"holds 2 entries.*4 were published.*onedoor ledger resume"):
        Publisher(tmp_path)
    assert (tmp_path / CHECKPOINT).read_text() == note


def test_a_folder_with_nothing_published_resumes_only_an_empty_ledger(tmp_path: Path):
    _resume(tmp_path)
    grow(2)
    with pytest.raises(NothingPublished, match="signed 2 entries"):
        _resume(tmp_path)
