"""A key store of its own for a test, and a PKCS#11 token in software."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.kernel.settings import current

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/lib64/libsofthsm2.so")


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of an empty key store, which is that of this process for the test."""
    monkeypatch.setenv("ONEDOOR_STATE", str(tmp_path / "state"))
    current.cache_clear()
    yield tmp_path / "state" / "keys"
    monkeypatch.undo()
    current.cache_clear()


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the settings of a token made by SoftHSM for these tests; without it they say so."""
    library = next((one for one in LIBRARIES if Path(one).exists()), None)
    if library is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed, so nothing speaks PKCS#11 here (Debian: softhsm2)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    (folder / "pin").write_text("4711")
    (folder / "pin").chmod(0o600)
    return {
        "SOFTHSM2_CONF": str(folder / "softhsm2.conf"),
        "ONEDOOR_PKCS11_MODULE": library,
        "ONEDOOR_PKCS11_TOKEN": "onedoor",
        "ONEDOOR_PKCS11_PIN_FILE": str(folder / "pin"),
    }


@pytest.fixture(scope="session")
def made_token(softhsm: dict[str, str]) -> dict[str, str]:
    made = ["softhsm2-util", "--init-token", "--free", "--label", "onedoor", "--pin", "4711", "--so-pin", "47114711"]
    subprocess.run(made, env=softhsm, check=True, capture_output=True)
    return softhsm


@pytest.fixture
def token(made_token: dict[str, str], own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the next master key made in a token."""
    for name, value in {**made_token, "ONEDOOR_MASTER_KEY": "pkcs11"}.items():
        monkeypatch.setenv(name, value)
    current.cache_clear()
    yield
    current.cache_clear()
