"""``onedoor lab``: its nation is sound, stays as its user left it, and its members' systems are their own."""

import argparse
from pathlib import Path

import pytest
import yaml

from onedoor.exchange.directory import rights
from onedoor.exchange.directory.layout import Layout
from onedoor.kernel.nation import load
from onedoor.site.cli import run
from onedoor.site.lab import command, invented
from onedoor.site.up import checks


@pytest.mark.parametrize("members", [invented.FEWEST, invented.MOST])
def test_the_nation_of_a_lab_has_no_fault_and_no_process_but_gateways(tmp_path: Path, members: int) -> None:
    invented.prepare(tmp_path, members)
    nation = load(checks.sound_nation(tmp_path).path)
    layout = Layout(nation, tmp_path, 9000)
    names = [f"gateway-M{number}" for number in range(1, members + 1)]
    assert sorted(layout.environments()) == sorted(["directory", *names])
    assert [seat.process for seat in layout.seats()] == [f"system-M{number}" for number in range(1, members + 1)]


def test_a_system_of_a_members_own_offers_what_its_member_says_and_nothing_of_a_node(tmp_path: Path) -> None:
    invented.prepare(tmp_path, None)
    nation = load(tmp_path)
    offered = [one.service for one in rights.offers(tmp_path, nation.members["M2"], portal=False)]
    assert offered == ["XL/ORG/M2/SYSTEM/echo"]
    allowed = [(one.client, one.service) for one in rights.permissions(tmp_path)]
    assert ("XL/ORG/M1/SYSTEM", "XL/ORG/M2/SYSTEM/echo") in allowed
    assert len(allowed) == 2


def test_what_a_user_changed_in_a_lab_stays_and_another_number_of_members_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "nation"
    invented.prepare(folder, 3)
    path = folder / "agencies.yaml"
    data = yaml.safe_load(path.read_text())
    data["members"]["M2"]["services"].append("mine")
    path.write_text(yaml.safe_dump(data))
    invented.prepare(folder, None)
    invented.prepare(folder, 3)
    assert load(folder).members["M2"].services == ("echo", "mine")
    assert run(["lab", "--members", "2", "--var", str(tmp_path)]) == 2
    assert "has 3 members, not 2" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["1", "21", "-2", "two", "2.5", "٣", ""])
def test_a_lab_has_from_two_to_twenty_members(given: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_arguments(parser)
    with pytest.raises(argparse.ArgumentError, match="from 2 to 20"):
        parser.parse_args(["--members", given])
