"""The drill of a stolen ledger key: rotated while entries come; what it signed stands, what a thief signs does not."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.kernel.ledger import Checkpoint, Leaf, LedgerError, ProofFile, Tree, signed_at
from onedoor.kernel.settings import current
from onedoor.site.commands import ledger_own
from onedoor.site.published import Publisher
from onedoor.site.tests.test_ledger_command import english as english
from onedoor.site.tests.test_ledger_command import grow, told
from onedoor.store import details, ledger, ledger_keys, ledger_rotation

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give where the ledger of a system of its own is published."""
    monkeypatch.setenv("ONEDOOR_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("onedoor.site.commands.ledger.settings_of", lambda *roles: None)
    current.cache_clear()
    grow(100)
    yield tmp_path / "state" / "ledger" / "published"
    monkeypatch.undo()
    current.cache_clear()


def rotated(publisher: Publisher) -> None:
    ledger_rotation.begin()
    ledger.integrate()
    publisher.publish()
    ledger_rotation.finish()


def test_a_stolen_key_is_rotated_old_proofs_stand_and_the_thiefs_do_not(
    capsys: Any, published: Path, tmp_path: Path
) -> None:
    publisher = Publisher(published)
    proof, seen = tmp_path / "old.tlog-proof", tmp_path / "seen"
    proof.write_text(ledger_own.proof_of(ledger.leaves(70, 71)[0], 70, published).text())
    told(capsys, "audit", published, "--state", seen)
    stolen, old = (published.parent / "key").read_bytes(), str(ledger.verifier())

    assert "no next key waits" in told(capsys, "rotate-key", "--finish", leaves=2).casefold()
    new = told(capsys, "rotate-key").split("The next one: ")[1].split()[0]
    assert new in told(capsys, "rotate-key"), "begun again it is the same"
    assert "signed by both keys yet" in told(capsys, "rotate-key", "--finish", leaves=2)
    grow(2)
    publisher.publish()
    assert (published / "key").read_text().strip() == old
    both = told(capsys, "audit", published, "--key", old) + told(capsys, "audit", published, "--key", new)
    assert both.count("103 entries computed anew") == 2
    assert "up to size 103" in told(capsys, "rotate-key", "--finish")
    grow(2)
    publisher.publish()

    assert stolen not in [one.read_bytes() for one in published.parent.iterdir() if one.is_file()]
    assert (published / "key").read_text().strip() == new == str(ledger.verifier())
    checked = told(capsys, "check", leaves=1)
    assert "The 105 entries are those that were signed" in checked
    assert "104 are missing" in checked, "all but what names the key"
    assert "position 70 among the 100" in told(capsys, "verify", proof, "--key", old)
    assert "position 70 among the 105" in told(capsys, "verify", proof, "--key", new, "--published", published)
    assert "is signed by another key" in told(capsys, "audit", published, "--key", new, "--state", seen)
    assert "nobody known signed" in told(capsys, "audit", published, "--key", old, leaves=1)

    thief, leaf = Ed25519PrivateKey.from_private_bytes(stolen), Leaf(ledger.leaves(0, 1)[0].id, "forged", bytes(32))
    tree = Tree()
    tree.extend([leaf.hash()])
    note = Checkpoint(ledger_keys.origin(), 1, tree.root()).sign(ledger_keys.origin(), thief)
    proof.write_text(ProofFile(leaf.content(), 0, (), note).text())
    for more in ((), ("--published", published)):
        assert "Not proved" in told(capsys, "verify", proof, "--key", new, *more, leaves=1)
    later = Checkpoint(ledger_keys.origin(), 104, bytes(32)).sign(ledger_keys.origin(), thief)
    with pytest.raises(LedgerError):
        ledger_keys.signed(later)


@pytest.mark.parametrize("step", ["make_next", "keep", "append", "take_over"])
def test_who_is_killed_at_a_step_goes_on_with_the_same_keys(
    monkeypatch: pytest.MonkeyPatch, published: Path, step: str
) -> None:
    publisher = Publisher(published)
    before = str(ledger.verifier())
    room = ledger if step == "append" else ledger_keys
    with monkeypatch.context() as patch:
        done = getattr(room, step)

        def killed(*arguments: Any, **more: Any) -> None:
            done(*arguments, **more)
            raise KeyboardInterrupt

        patch.setattr(room, step, killed)
        with suppress(KeyboardInterrupt):
            rotated(publisher)
    with suppress(ledger_rotation.NoNextKey):
        rotated(publisher)
    assert ledger_keys.handovers()[0].before == before
    assert str(ledger.verifier()) != before
    grow(1)
    publisher.publish()
    assert signed_at(ledger.checkpoint(), ledger.verifier()) == 0
    assert ledger.check() == ledger.size_and_root()[0]
    assert not [one.what for one in details.findings() if one.kind == ledger_rotation.KIND]


def test_a_history_that_ends_before_its_key_was_changed_is_found(published: Path) -> None:
    rotated(Publisher(published))
    (done,) = ledger_keys.handovers()
    ledger_keys.keep(ledger_keys.at(done, done.size, bytes(32)))
    with pytest.raises(LedgerError, match="key was changed"):
        ledger.check()


def test_a_key_that_is_missing_is_not_made_anew(published: Path) -> None:
    Publisher(published).publish()
    key, away = published.parent / "key", published.parent / "away"
    key.rename(away)
    with pytest.raises(ledger_keys.LedgerKeyMissing):
        grow(1)
    assert not key.exists(), "another key would start a second history"
    away.rename(key)
    before = ledger.size_and_root()[0]
    grow(1)
    Publisher(published).publish()
    assert ledger.size_and_root()[0] > before
