"""Gateways of the version before and of this one exchange messages both ways, and take over each other's folders."""

import subprocess
from pathlib import Path

import pytest

from onedoor.exchange.tests.nation import Place, free_base, system_of, wait_for
from onedoor.kernel.settings import REPOSITORY

BEFORE = "5187850"
"""The last commit of the version before: its gateways know one log, one key at a time, and no word of leaving."""


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Give the source of the version before, out of this repository's history."""
    packed = subprocess.run(["git", "archive", BEFORE, "src"], cwd=REPOSITORY, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=tmp_path, check=True, input=packed)
    return tmp_path / "src"


@pytest.mark.soak
def test_gateways_are_upgraded_one_after_the_other_in_any_order(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Place(tmp_path / "var", free_base()) as place:

        def start(name: str, *, old: bool) -> None:
            with monkeypatch.context() as patch:
                if old:
                    patch.setenv("PYTHONPATH", str(before))
                if name in place.running:
                    place.kill(name, 15)
                place.start(name)

        start("directory", old=True)
        with system_of(place, "G01"):
            for old_consumer, old_provider in ((True, True), (True, False), (False, False), (False, True)):
                start("gateway-G01", old=old_provider)
                start("gateway-G22", old=old_consumer)
                client = place.client()
                wait_for(lambda client=client: place.ask(client=client).status == 200, "they exchange messages")
                assert {place.ask(client=client).status for _ in range(5)} == {200}
                client.close()
