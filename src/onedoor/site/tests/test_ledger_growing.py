"""A ledger that grows while somebody checks it: parts of tiles become whole, and nothing true is called false."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onedoor.kernel.ledger import Tile, Tree
from onedoor.site import published
from onedoor.site.commands import ledger_own
from onedoor.site.published import CHECKPOINT, Publisher
from onedoor.site.tests.test_ledger_command import DETAILS, grow, told
from onedoor.site.tests.test_ledger_command import english as english
from onedoor.site.tests.test_ledger_command import folder as folder
from onedoor.site.tests.test_ledger_command import proof as proof
from onedoor.store import details, ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def grown(folder: Path) -> Path:
    """Give what somebody sees who read the checkpoint just before the ledger was published anew."""
    note = (folder / CHECKPOINT).read_text()
    grow(300)
    Publisher(folder)
    assert not (folder / Tile(0, 1, 44).path).exists()
    (folder / CHECKPOINT).write_text(note)
    return folder


def test_a_proof_is_made_though_a_part_of_a_tile_became_whole_meanwhile(grown: Path) -> None:
    (leaf,) = ledger.leaves(70, 71)
    found, checkpoint = ledger_own.proof_of(leaf, 70, grown).verify(ledger.verifier())
    assert (found, checkpoint.size) == (leaf, 300)


def test_a_proof_is_held_against_what_is_published_though_it_grows(
    capsys: Any, proof: Path, grown: Path, tmp_path: Path
) -> None:
    later = ("--key", grown / "key", "--published", grown)
    assert "position 70 among the 300" in told(capsys, "verify", proof, *later)
    Publisher(small := tmp_path / "small")
    (small / CHECKPOINT).write_text(ledger.checkpoint())
    proof.write_text(ledger_own.proof_of(ledger.leaves(70, 71)[0], 70, small).text())
    assert "a tree of 300 leaves cannot continue one of 600" in told(capsys, "verify", proof, *later, leaves=1)


def test_a_check_of_a_system_that_runs_calls_nothing_false_that_came_meanwhile(
    capsys: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = ledger.computed

    def entered(_kind: object) -> Iterator[tuple[str, bytes]]:
        return ((str(one.id), DETAILS) for one in ledger.leaves(0, 600))

    def meanwhile() -> Tree:
        tree = computed()
        grow(300)
        Publisher(folder)
        return tree

    monkeypatch.setattr("onedoor.site.commands.ledger.settings_of", lambda *roles: None)
    monkeypatch.setattr(published, "folder_in", lambda state: folder)
    monkeypatch.setattr(ledger, "computed", meanwhile)
    monkeypatch.setattr(details, "_kinds", {"privacy.read": entered})
    assert told(capsys, "check").startswith("The ledger is sound: 300 entries, root ")
