"""The key of blind indexes is made once: where something stands under it, a missing one is never made anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.identity.models import Account
from onedoor.kernel import clock
from onedoor.store import keys, keystore, ledger_keys
from onedoor.store.masters import BadKeyFile
from onedoor.store.models import LedgerCheckpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(own_store: Path) -> Iterator[Path]:
    """Give where the key is made, in a system that has none yet."""
    (own_store / "blind").unlink()
    forget()
    yield own_store / "blind"
    forget()


def forget() -> None:
    """Be as a process that was just started."""
    for one in (keys._keyed, keys.secret_at, keystore._folder_in):
        one.cache_clear()


def missing(path: Path) -> None:
    forget()
    with pytest.raises(keys.BlindKeyMissing, match=f"{path} of the blind indexes is missing"):
        keys.blind("number", "1")
    assert not path.exists(), "nothing that is kept would be found under another key"


def test_a_fresh_store_makes_one(path: Path) -> None:
    made = keys.blind("number", "1")
    forget()
    assert keys.blind("number", "1") == made
    assert path.stat().st_mode & 0o077 == 0


def test_one_that_was_cut_short_finds_nobody_and_says_so(path: Path) -> None:
    keys.blind("number", "1")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    forget()
    with pytest.raises(BadKeyFile):
        keys.blind("number", "1")


def test_one_under_which_keys_of_persons_stand_is_not_made_anew(path: Path) -> None:
    key = keys.key_for("a person")
    path.rename(path.with_name("away"))
    missing(path)
    path.with_name("away").rename(path)
    forget()
    assert keys.key_for("a person") == key


def test_one_under_which_the_database_finds_somebody_is_not_made_anew(path: Path) -> None:
    Account.objects.create(number_mark=keys.blind("number", "1"), sealed=b"", created=clock.now())
    path.parent.rename(path.parent.with_name("away"))  # a restore without the archive of keys
    missing(path)
    assert not list(path.parent.iterdir())


def test_one_that_another_process_makes_meanwhile_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_was_first() -> bool:
        keys.secret_at(path)
        return True

    monkeypatch.setattr(keys, "_in_use", other_was_first)
    assert len(keys.blind("number", "1")) == 32


def test_a_ledger_that_the_database_says_was_signed_has_no_other_key_made(path: Path) -> None:
    LedgerCheckpoint.objects.create(size=1, root=bytes(32), note="", signed_at="2026-01-01T00:00Z")
    with pytest.raises(ledger_keys.LedgerKeyMissing):
        ledger_keys.key()
    assert not (ledger_keys.folder() / "key").exists()
