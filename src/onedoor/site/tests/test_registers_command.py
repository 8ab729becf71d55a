import argparse
import json
from pathlib import Path

import pytest

from onedoor.registers import service
from onedoor.site import cli
from onedoor.site.commands import registers

MOTHER = {"number": "001196204817", "full_name": "Trần Thu Hà", "born": "1996-05-14", "sex": "F"}
FATHER = {"number": "036094117302", "full_name": "Lê Minh Quân", "born": "1994-09-02", "sex": "M"}


@pytest.mark.django_db
def test_the_command_tells_faults_and_sum_and_leaves_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in (MOTHER, {**FATHER, "sex": "X"})), "utf-8")
    parser = argparse.ArgumentParser()
    registers.add_arguments(parser)
    assert registers.load(parser.parse_args(["load", "population", str(file)])) == 2
    told = capsys.readouterr().out
    assert "line 2, sex: is not of the right form (enum); write one of: M, F" in told
    assert "2 rows read, 1 good, 1 bad, 0 loaded." in told
    assert registers.load(parser.parse_args(["load", "population", str(file), "--good-rows"])) == 2
    assert service.count("population") == 1


def test_the_command_is_for_a_node_alone() -> None:
    assert cli.run(["registers", "load", "population", "people.jsonl"]) == 2
