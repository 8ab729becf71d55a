"""What each computer of a nation is given: its own keys and settings, at addresses that the others reach."""

import json
from pathlib import Path

import pytest

from onedoor.kernel import settings
from onedoor.site import cli

HOSTS = {"G22": "192.0.2.22", "G15": "192.0.2.15"}


@pytest.fixture(scope="module")
def var(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("provisioned") / "var"
    given = [word for member, address in HOSTS.items() for word in ("--host", f"{member}={address}")]
    assert cli.run(["provision", "--var", str(folder), *given]) == 0
    return folder


def environment(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_every_process_reads_its_file_of_settings_and_only_its_database_is_left_to_write(var):
    files = sorted(var.glob("*.env"))
    assert len(files) == 12
    for path in files:
        own = environment(path)
        if "ONEDOOR_DATABASE_URL_FILE" in own:
            database = Path(own["ONEDOOR_DATABASE_URL_FILE"])
            database.write_text("postgresql://role:word@/name")
            database.chmod(0o600)
        assert settings.read(own).state.parent == var
        assert path.stat().st_mode & 0o077 == 0


def test_only_gateways_and_the_directory_are_reached_from_other_computers(var):
    reached = {
        value.rpartition(":")[0]: path.stem
        for path in var.glob("*.env")
        for name, value in environment(path).items()
        if name.endswith("LISTEN") and not value.startswith("127.0.0.1:")
    }
    assert set(reached) == set(HOSTS.values())
    assert reached["192.0.2.15"] == "gateway-G15"
    assert environment(var / "gateway-G22.env")["ONEDOOR_EXCHANGE_LISTEN"].startswith("192.0.2.22:")
    assert environment(var / "directory.env")["ONEDOOR_LISTEN"].startswith("192.0.2.22:")
    told = json.loads((var / "gateway-G15" / "gateway.json").read_text())
    assert told["directory"].startswith("http://192.0.2.22:")


@pytest.mark.parametrize("given", ["G99=192.0.2.1", "G15=the-second", "G15"])
def test_who_is_no_member_with_an_address_is_named(tmp_path, capsys, given):
    assert cli.run(["provision", "--var", str(tmp_path / "var"), "--host", given]) == cli.FAILED
    assert f"“{given}” is no member of the nation with an IP address" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()
