"""A laboratory in which rights are asked for, granted and revoked, and the command that does it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onedoor.exchange import granting
from onedoor.exchange.directory import lab
from onedoor.exchange.gateway import local
from onedoor.exchange.granting import Provider
from onedoor.kernel.nation import load
from onedoor.site.cli import run
from onedoor.site.lab import invented

M1, M2, M3 = (invented.system(f"M{number}") for number in (1, 2, 3))
ECHO = f"{M2}/echo"
WHAT = ("--endpoint", "GET /greetings", "--purpose", "try")
WHY = ("--basis", "lab", "--why", "to greet")
Says = Callable[..., str]


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("lab")
    invented.prepare(var / "nation", 3)
    lab.provision(load(var / "nation"), var, 9000)
    return var


@pytest.fixture
def var(provisioned: Path) -> Path:
    for member in ("M1", "M2"):
        for name in (local.GRANTS, granting.ASKS, granting.DECISIONS):
            (provisioned / f"gateway-{member}" / name).unlink(missing_ok=True)
    return provisioned


@pytest.fixture
def says(var: Path, capsys: pytest.CaptureFixture[str]) -> Says:
    def said(part: str, *arguments: object, at: str = "M2", code: int = 0) -> str:
        left = run(["rights", part, *map(str, arguments), "--state", str(var / f"gateway-{at}"), "--language", "en"])
        told = capsys.readouterr()
        assert left == code, told.err
        return told.err if code else told.out

    return said


def in_force(var: Path, moment: datetime | None = None) -> list[tuple[str, tuple[str, ...]]]:
    now = moment or datetime.now(UTC)
    grants = [one for one in Provider(var / "gateway-M2", datetime.now(UTC)).grants() if one.in_force(now)]
    return [(one.permission.client, one.permission.endpoints) for one in grants]
