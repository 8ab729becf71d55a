"""The database of every test: a plugin's fixture would yield to pytest-django's own, this one does not.

A PKCS#11 token in software, one for the whole process: its library reads its settings once.
And who asks it for personal data: a statement from where tests/queries.yaml names nobody fails the test it comes in, as
does a request that opens envelopes and leaves no record, unless tests/openings.yaml says why it need not.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from tests import openings, queries

from onedoor.site.embedded import Server

hypothesis.settings.register_profile("onedoor", deadline=None)  # no test fails because the machine is busy
hypothesis.settings.load_profile("onedoor")
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/lib64/libsofthsm2.so")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Server) -> None:
    """Start the test server before pytest-django makes this process its own database on it."""
    assert postgres.answers()


@pytest.fixture(scope="session")
def strays() -> Iterator[list[str]]:
    """Give the statements on personal data from modules that are not declared, as they come."""
    found: list[str] = []
    with queries.watched(found):
        yield found


@pytest.fixture(scope="session")
def unrecorded() -> Iterator[list[str]]:
    """Give the requests that opened what they may not open without a record, as they come."""
    found: list[str] = []
    with openings.Watch(found).standing():
        yield found


@pytest.fixture(autouse=True)
def _nothing_is_opened_without_a_record(unrecorded: list[str]) -> Iterator[None]:
    unrecorded.clear()
    yield
    assert not unrecorded, "put it on record, or say in tests/openings.yaml why it need not be"


@pytest.fixture(autouse=True)
def _nobody_else_asks(strays: list[str]) -> Iterator[None]:
    strays.clear()
    yield
    assert not strays, "say in tests/queries.yaml who may issue these, and why"


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
    """Give the settings of a token that is there."""
    made = ["softhsm2-util", "--init-token", "--free", "--label", "onedoor", "--pin", "4711", "--so-pin", "47114711"]
    subprocess.run(made, env=softhsm, check=True, capture_output=True)  # noqa: S603 - our own command
    return softhsm
