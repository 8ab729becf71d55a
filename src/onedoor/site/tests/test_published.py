"""The ledger's files: whole after a crash, never behind what was signed, and a database behind them signs nothing."""

import sys
from dataclasses import replace
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from onedoor.kernel.ledger import Leaf, LedgerError, Tile, Tree, leaf_hash, node_hash
from onedoor.kernel.ledger.witnessing import Policy
from onedoor.kernel.settings import current
from onedoor.site import published
from onedoor.site.commands.ledger_own import NothingPublished, resume_from, told
from onedoor.site.cosigning import Witnesses
from onedoor.site.published import CHECKPOINT, LedgerBehind, Publisher
from onedoor.site.serve import grow_ledger
from onedoor.store import keys, ledger
from onedoor.store.erasure import published_in

pytestmark = pytest.mark.django_db


def grow(count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            ledger.append("privacy.read", bytes([number % 256]) * 32)
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


def test_what_a_crash_left_beyond_the_checkpoint_is_written_anew(tmp_path: Path):
    grow(3)
    Publisher(tmp_path)
    left = tmp_path / Tile(0, 0, 5).path
    left.write_bytes(b"torn")
    grow(2)
    Publisher(tmp_path)
    assert len(left.read_bytes()) == 5 * 32
    assert root_of(tmp_path) == ledger.size_and_root()[1]


@pytest.mark.parametrize("lost", [Tile(0, 0, 3).path, Tile(0, 0, 3).bundle])
def test_files_that_were_lost_are_written_again(tmp_path: Path, lost: str):
    grow(3)
    Publisher(tmp_path)
    (tmp_path / lost).unlink()
    Publisher(tmp_path)
    assert root_of(tmp_path) == ledger.size_and_root()[1]


def test_tiles_are_those_of_the_specification_and_parts_go_when_the_whole_is_there(tmp_path: Path):
    publisher = Publisher(tmp_path)
    for count in (255, 1, 300):
        grow(count)
        publisher.publish()
    hashes = [one.hash() for one in ledger.leaves(0, 556)]
    files = [path for path in (tmp_path / "tile").rglob("*") if path.is_file()]
    found = {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}
    assert sorted(found) == [
        "tile/0/000", "tile/0/001", "tile/0/002.p/44", "tile/1/000.p/1", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/44",
    ]  # fmt: skip
    assert found["tile/0/001"] == b"".join(hashes[256:512])
    assert found["tile/1/000.p/2"] == root_over(hashes[:256]) + root_over(hashes[256:512])
    first = found["tile/entries/002.p/44"]
    assert leaf_hash(first[2 : 2 + int.from_bytes(first[:2])]) == hashes[512]


def root_over(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def test_a_second_history_is_not_published_though_it_is_longer(tmp_path: Path):
    with transaction.atomic():
        before = transaction.savepoint()
        grow(300)
        Publisher(tmp_path)
        note = (tmp_path / CHECKPOINT).read_text()
        transaction.savepoint_rollback(before)
    grow(301)
    with pytest.raises(LedgerError, match="leads to other roots"):
        Publisher(tmp_path)
    assert (tmp_path / CHECKPOINT).read_text() == note


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client) -> Client:
    grow(300)
    Publisher(tmp_path)
    monkeypatch.setattr(published, "folder_in", lambda state: tmp_path)
    return client


def test_everybody_can_fetch_what_is_published_and_keep_what_never_changes(served: Client, tmp_path: Path):
    for name, kind, kept in (
        ("checkpoint", "text/plain; charset=utf-8", "public, max-age=1"),
        ("key", "text/plain; charset=utf-8", "public, max-age=1"),
        ("tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("tile/1/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("tile/entries/001.p/44", "application/octet-stream", "public, max-age=31536000, immutable"),
    ):
        answer = served.get(f"/ledger/{name}")
        assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, kind, kept)
        assert b"".join(answer) == (tmp_path / name).read_bytes()


HIDDEN = (
    "", ".checkpoint.draft", "../key", "%2e%2e/key", "tile/0", "tile/0/000.p/256", "tile/0/000.p", "tile/64/000",
    "tile/0/00", "tile/0/999", "tile/00/000", "tile/0/x000/../000", "tile/entries/000%00",
)  # fmt: skip


def test_nothing_else_is_reached(served: Client, tmp_path: Path):
    (tmp_path / ".checkpoint.draft").write_text("not yet")
    assert [name for name in HIDDEN if served.get(f"/ledger/{name}").status_code != 404] == []


def test_a_refusal_is_short_plain_text_that_nobody_keeps(served: Client):
    wary = Client(enforce_csrf_checks=True)
    for answer, status in (
        (served.get("/ledger/tile/0/999"), 404),
        (served.get("/ledger/nothing"), 404),
        (wary.post("/ledger/checkpoint"), 405),
        (wary.put("/ledger/nothing"), 405),
    ):
        assert answer.status_code == status
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/plain; charset=utf-8", "no-store")
        assert len(answer.content) < 100
        assert int(answer["Content-Length"]) == len(answer.content), "the directory reads nothing that comes in chunks"
    assert answer["Allow"] == "GET, HEAD"
    head = served.head("/ledger/checkpoint")
    assert head.status_code == 200
    head.close()


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


def test_a_database_that_fell_behind_while_the_system_ran_signs_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, signed = published.folder_in(tmp_path), list[tuple[int, bytes]]()
    monkeypatch.setattr(sys, "setswitchinterval", lambda _seconds: None)
    monkeypatch.setattr("django.db.close_old_connections", lambda: None)  # this test stands in its transaction
    with transaction.atomic():
        before = transaction.savepoint()
        grow(4)
        running = Publisher(folder)

        def away() -> int:
            """Be away, and come back as a copy that did not have all of it yet; a second call would sign."""
            assert not signed
            transaction.savepoint_rollback(before)
            signed.append(ledger.size_and_root())
            raise OperationalError

        monkeypatch.setattr(ledger, "integrate", away)
        with pytest.raises(LedgerBehind, match="holds 0 entries"):
            grow_ledger(replace(current(), state=tmp_path), Witnesses(Policy()), Event())
    with pytest.raises(LedgerBehind):
        running.publish()


def test_an_entry_that_was_changed_before_it_was_published_is_not_published(tmp_path: Path):
    publisher = Publisher(tmp_path)
    grow(3)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE store_ledger_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE store_ledger_entry SET kind = 'forged' WHERE position = 1")
    with pytest.raises(LedgerError, match="not those that were put in order"):
        publisher.publish()
    assert not (tmp_path / CHECKPOINT).exists()


def test_who_resumes_after_a_restore_destroys_again_the_keys_of_whom_was_erased(tmp_path: Path, capsys):
    key = keys.key_for("came back to be resumed")
    published_in(tmp_path).write_text(f"{key.id.hex()} 2026-11-30T09:00:00+00:00 2026-12-24\n")
    resume_from(tmp_path)
    assert not keys.there([key.id])
    assert ": 1." in capsys.readouterr().out


def test_a_folder_with_nothing_published_resumes_only_an_empty_ledger(tmp_path: Path):
    resume_from(tmp_path)
    grow(2)
    with pytest.raises(NothingPublished, match="signed 2 entries"):
        resume_from(tmp_path)


def test_an_id_that_nothing_of_ours_made_stops_no_telling_of_what_was_lost():
    lost = [Leaf(UUID(int=at), "privacy.read", bytes(32)) for at in (0x019A << 112, 2**128 - 1)]
    assert "2 entries" in told(lost)
    assert "and 9999-12-31" in told(lost)
