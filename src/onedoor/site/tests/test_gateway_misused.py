"""``onedoor gateway``, ``member`` and ``rights`` with what cannot be used: a sentence that says what to do, and 2."""

import json
import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from onedoor.kernel.settings import current
from onedoor.kernel.watch.health import Dependency, Health, answers
from onedoor.kernel.watch.listener import listen
from onedoor.site import cli
from onedoor.site.commands import gateway
from onedoor.site.tests.outside import NEW, Authority, says
from onedoor.site.up.supervisor import RECORD

AWAY = ("--directory", "http://127.0.0.1:1/")


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Keep to each test what `gateway run` sets of its process."""
    with patch.dict(os.environ):
        yield
    current.cache_clear()


@pytest.fixture(scope="module")
def anchor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority(tmp_path_factory.mktemp("outside") / "ca").certificate


def begun(folder: Path, anchor: Path, *more: str, name: str = "Ninth", code: int = 0) -> str:
    own = ("--member", NEW, "--name", name, "--server-code", "GATEWAY", "--address", "h:1", "--system", "SYSTEM=S")
    return says("gateway", "init", folder, *own, *AWAY, "--anchor", anchor, *more, code=code)


@pytest.fixture
def folder(tmp_path: Path, anchor: Path) -> Path:
    begun(tmp_path / "gateway", anchor)
    return tmp_path / "gateway"


@pytest.fixture
def provisioned(tmp_path: Path) -> Path:
    """The folder of a gateway as the nation's files make one: they say where it is, not its own file."""
    folder = tmp_path / "provisioned"
    folder.mkdir()
    (folder / "gateway.json").write_text(json.dumps({"id": "XL/ORG/M2/GATEWAY", "directory": "", "services": []}))
    return folder


def test_without_a_part_and_without_its_environment_the_parts_are_named() -> None:
    os.environ.pop("ONEDOOR_ROLE", None)
    with pytest.raises(gateway.NoPart, match="needs a part, such as “run FOLDER”"):
        gateway.run(Namespace(part=None))


def test_a_file_without_a_certificate_is_told_wherever_one_is_given(folder: Path, anchor: Path) -> None:
    wrong = Path(__file__)
    assert "There is no certificate in" in begun(folder, wrong, code=2)
    assert "There is no certificate in" in says("gateway", "certificate", "import", folder, wrong, code=2)
    served = ("gateway", "service", folder, "SYSTEM", "echo", "https://127.0.0.1:1/")
    assert "There is no certificate in" in says(*served, "--shows", wrong, code=2)
    (folder / "content.json").touch()
    assert "There is no certificate in" in says("member", "approve", wrong, "--name", "CA", "--state", folder, code=2)


@pytest.mark.parametrize(("name", "country"), [("", "XX"), ("N" * 65, "XX"), ("Ninth", "XXL"), ("Ninth", "é€")])
def test_what_no_certificate_can_hold_is_told(tmp_path: Path, anchor: Path, name: str, country: str) -> None:
    told = begun(tmp_path / "gateway", anchor, "--country", country, name=name, code=2)
    assert "cannot stand in a certificate" in told


def test_a_gateway_of_the_nations_files_is_looked_at_and_not_begun_again(provisioned: Path) -> None:
    assert "Gateway XL/ORG/M2/GATEWAY" in says("gateway", "status", provisioned, code=1)
    for part in (("run", provisioned), ("register", provisioned, "--out", provisioned / "out")):
        assert "was not made by “onedoor gateway init”" in says("gateway", *part, code=2)


def test_of_a_labs_gateway_its_process_is_asked_what_ails_it(
    provisioned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = Dependency("system S", lambda: answers("127.0.0.1:1"), needed=False)
    watched = listen("127.0.0.1:0", "", Health("gateway", "M2", [silent]))
    try:
        address = f"127.0.0.1:{watched.server_address[1]}"
        record = {"processes": {provisioned.name: {"pid": 1, "watch": address}}}
        (provisioned.parent / RECORD).write_text(json.dumps(record))
        assert "! system S: nobody answers there" in says("gateway", "status", provisioned, code=1)
        assert cli.run(["gateway", "status", str(provisioned), "--language", "fr"]) == 1
        assert "! système S\u202f: personne ne répond là" in capsys.readouterr().out
    finally:
        watched.shutdown()
        watched.server_close()


@pytest.mark.parametrize("part", ["status", "run", "init"])
def test_a_gateways_file_that_cannot_be_read_is_named(folder: Path, anchor: Path, part: str) -> None:
    (folder / "gateway.json").write_text("{")
    told = begun(folder, anchor, code=2) if part == "init" else says("gateway", part, folder, code=2)
    assert "gateway.json cannot be used: it is not well formed" in told


def test_an_address_that_is_none_answers_nobody() -> None:
    assert "no answer" in says("gateway", "status", "http://[x", code=1)


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1/", "https://[x/", "https://h:99999/", "https:///x"])
def test_a_service_that_cannot_be_reached_is_not_offered(folder: Path, url: str) -> None:
    kept = (folder / "gateway.json").read_bytes()
    told = says("gateway", "service", folder, "SYSTEM", "echo", url, code=2)
    assert f"cannot be offered: a service is reached by https://…, not by {url}. Nothing was changed." in told
    assert (folder / "gateway.json").read_bytes() == kept


def test_a_setting_is_written_on_one_line(tmp_path: Path) -> None:
    wanted = Namespace(folder=tmp_path / "g", member=NEW, address="h:1", listen="h:2", watch="h:3", token=False)
    with pytest.raises(gateway.NotASetting, match="ONEDOOR_TSA_URL"):
        gateway._write_settings(wanted, {"time_stampers": [{"url": "http://t/\nONEDOOR_ROLE=web"}]})


def test_a_folder_of_something_else_is_neither_a_directory_nor_a_gateway(tmp_path: Path) -> None:
    for part in (("list",), ("remove", f"{NEW}/GATEWAY")):
        assert "There is no directory in" in says("member", *part, "--state", tmp_path, code=2)
    assert "There is no gateway in" in says("rights", "list", "--state", tmp_path, code=2)
