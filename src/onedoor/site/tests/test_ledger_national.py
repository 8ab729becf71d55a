"""``onedoor ledger audit --directory``: a ledger held against the last checkpoint that the directory took of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

from onedoor.exchange.directory.national import National
from onedoor.kernel.ledger import Checkpoint
from onedoor.site import cli
from onedoor.site.published import Publisher
from onedoor.site.tests.test_ledger_command import address, english, folder, grow
from onedoor.store import ledger

__all__ = ["address", "english", "folder"]
pytestmark = pytest.mark.django_db


def audited(capsys: pytest.CaptureFixture[str], *arguments: object, leaves: int = 0) -> str:
    assert cli.run(["ledger", "audit", *map(str, arguments), "--language", "en"]) == leaves
    found = capsys.readouterr()
    return found.err if leaves == cli.FAILED else found.out


@pytest.fixture
def national(tmp_path: Path, address: str) -> Iterator[National]:
    """Give the ledger of a directory that took the first checkpoint of the system at *address*."""
    found = National(tmp_path / "directory", [(ledger.verifier(), address)])
    assert found.collect() == 1
    yield found
    found.tree.storage.close()  # type: ignore[attr-defined]


def test_a_ledger_that_grew_continues_what_the_directory_took(capsys, folder: Path, national: National) -> None:
    audit = (folder, "--directory", national.folder)
    continues = "It continues the last checkpoint that the directory took of it, of {} entries."
    assert continues.format(300) in audited(capsys, *audit)
    grow(7)
    Publisher(folder)
    assert continues.format(300) in audited(capsys, *audit)
    national.collect()
    national.take([f"another/ledger {number}\n1\n" for number in range(300)])
    assert continues.format(307) in audited(capsys, *audit), "it is found below those of others"


def test_a_ledger_that_is_behind_or_beside_what_the_directory_took_does_not_hold(
    capsys, folder: Path, national: National, tmp_path: Path
) -> None:
    state, other = tmp_path / "seen", tmp_path / "other"
    with transaction.atomic():
        point = transaction.savepoint()
        grow(5)
        Publisher(folder)
        assert national.collect() == 1
        transaction.savepoint_rollback(point)
    Publisher(other)
    audit = (other, "--directory", national.folder, "--state", state)
    audited(capsys, other, "--state", state)
    assert "305 entries was seen before, and now it has 300" in audited(capsys, *audit, leaves=1)
    grow(6)
    Publisher(other)
    audited(capsys, other, "--state", state)
    said = audited(capsys, *audit, leaves=1)
    assert said.startswith("The ledger does not hold: the first 305 entries are not those that were seen before")


def test_what_a_directory_makes_up_counts_for_nothing(capsys, folder: Path, national: National, tmp_path: Path) -> None:
    name = ledger.verifier().name
    national.take([Checkpoint(name, 900, bytes(32)).text() + f"\n— {name} AAAA\n", f"{name}\nnonsense"])
    audit = (folder, "--directory", national.folder)
    assert "of 300 entries" in audited(capsys, *audit)
    (national.folder / "tile/entries/000.p/3").unlink()
    assert "cannot be read" in audited(capsys, *audit, leaves=2)
    (national.folder / "checkpoint").unlink()
    assert "checkpoint is missing" in audited(capsys, *audit, leaves=2)


def test_a_directory_that_took_nothing_of_it_is_said(capsys, folder: Path, tmp_path: Path) -> None:
    empty = National(tmp_path / "directory", [])
    empty.take(["another/ledger\n1\n"])
    said = audited(capsys, folder, "--directory", empty.folder, leaves=2)
    assert "holds no checkpoint of onedoor/" in said
    empty.tree.storage.close()  # type: ignore[attr-defined]
