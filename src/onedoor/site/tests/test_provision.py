"""What each computer of a nation is given: its own keys and settings, at addresses that the others reach."""

import json
import shutil
from pathlib import Path

import pytest

from onedoor.exchange.witness.record import own_key
from onedoor.kernel import settings
from onedoor.kernel.ledger import Policy
from onedoor.site import cli, services

VIETNAM = settings.REPOSITORY / "nations" / "vietnam"

HOSTS = {"G22": "192.0.2.22", "G15": "192.0.2.15", "G01": "192.0.2.1"}
DESK = "https://desk.justice.example"


@pytest.fixture(scope="module")
def var(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("provisioned") / "var"
    given = [word for member, address in HOSTS.items() for word in ("--host", f"{member}={address}")]
    assert cli.run(["provision", "--var", str(folder), *given, "--desk", f"G15={DESK}/"]) == 0
    return folder


def environment(path: Path) -> dict[str, str]:
    return services.read(path, path.parent)


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


def test_the_directory_knows_every_ledger_and_where_it_is_reached(var):
    policy = Path(environment(var / "directory.env")["ONEDOOR_LEDGER_POLICY"])
    assert policy.parent == var / "directory"
    named = {one.name.rpartition("/")[2]: (one, address) for one, address in Policy.read(policy).logs}
    assert {name: address for name, (_, address) in named.items()} == {
        "PORTAL": "http://127.0.0.1:8000/ledger",
        "CIVIL-STATUS": f"{DESK}/ledger",
    }
    key = own_key(var / "node-G15" / "ledger" / "key")
    assert named["CIVIL-STATUS"][0].key.public_bytes_raw() == key.public_key().public_bytes_raw()
    (missing,) = [one for one in policy.read_text().splitlines() if "POPULATION" in one]
    assert missing.startswith("# log onedoor/VN/GOV/G01/POPULATION+")


@pytest.mark.parametrize("given", ["G99=https://desk.example", "G15=desk.example", "G15"])
def test_a_desk_without_an_address_is_named(tmp_path, capsys, given):
    assert cli.run(["provision", "--var", str(tmp_path / "var"), "--desk", given]) == cli.FAILED
    assert f"“{given}” is no member of the nation with the address of its pages" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()


def granted(path: Path) -> list[tuple[str, str, list[str]]]:
    grants = (json.loads(line)["grant"] for line in path.read_text().splitlines())
    return [(one["client"], one["service"], one["purposes"]) for one in grants]


def test_new_rights_reach_each_computer_by_loading_the_same_files_there(var, tmp_path, capsys):
    """One computer has a gateway and a node, the portal's has the directory as well; neither has keys of the other."""
    files = shutil.copytree(VIETNAM, tmp_path / "vietnam", ignore=shutil.ignore_patterns("fonts"))
    right = files / "rights" / "correction.yaml"
    more = "{reader: VN/GOV/G18/HEALTH, service: breaches, provider: VN/GOV/G01/POPULATION, operations: [read]}"
    right.write_text(f"{right.read_text().rstrip()}\n  - {more}\n")
    (files / "rights" / "insurance-upkeep.yaml").unlink()
    agency, portal = tmp_path / "agency", tmp_path / "portal"
    for place, names in ((agency, ("node-G01", "gateway-G01")), (portal, ("portal", "gateway-G22", "directory"))):
        for name in (*names, "versions"):
            shutil.copytree(var / name, place / name)
        shutil.copy(next(var.glob(f"{names[1]}.env")), place)
        for key in place.glob("directory/ca*/ca.key"):
            key.unlink()
    new = ("VN/GOV/G18/HEALTH", "VN/GOV/G01/POPULATION/breaches", ["correction"])
    assert new not in granted(agency / "gateway-G01" / "grants.jsonl")
    for place, told in ((agency, "gateway-G01."), (portal, "gateway-G22, directory.")):
        assert cli.run(["nation", "load", str(files), "--var", str(place)]) == 0
        assert f"Followed here: {told}" in capsys.readouterr().out
    assert new in granted(agency / "gateway-G01" / "grants.jsonl")
    published = json.loads((portal / "directory" / "content.json").read_text())
    assert '"correction"' in json.dumps(published["rights"])
    assert '"insurance-upkeep"' not in json.dumps(published["rights"])
    assert len(published["members"]) == 5
