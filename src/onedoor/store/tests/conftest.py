"""A key store of its own for a test, perhaps with its master key in the token of the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.kernel.durable import write_durably
from onedoor.kernel.settings import current


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of a key store without persons, which is that of this process for the test."""
    write_durably(tmp_path / "state" / "keys" / "blind", bytes(32))  # who makes one asks the database first
    monkeypatch.setenv("ONEDOOR_STATE", str(tmp_path / "state"))
    current.cache_clear()
    yield tmp_path / "state" / "keys"
    monkeypatch.undo()
    current.cache_clear()


@pytest.fixture
def token(made_token: dict[str, str], own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the next master key made in a token."""
    for name, value in {**made_token, "ONEDOOR_MASTER_KEY": "pkcs11"}.items():
        monkeypatch.setenv(name, value)
    current.cache_clear()
    yield
    current.cache_clear()
