import shutil
from pathlib import Path

import pytest
import yaml

from onedoor.kernel.nation import Fault, Nation, load
from onedoor.kernel.nation.nation import read_document
from onedoor.privacy import domain as privacy  # noqa: F401 - makes files of rights known
from onedoor.procedures.domain import SERVICE
from onedoor.procedures.faults import check
from onedoor.procedures.tests.births import VIETNAM
from onedoor.registers import domain as registers  # noqa: F401 - makes files of registers known

FILE = "services/birth-linked.yaml"
TEXT = (VIETNAM.path / FILE).read_text()

CASES = yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text())


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    return load(Path(shutil.copytree(VIETNAM.path, tmp_path_factory.mktemp("nations") / "vietnam")))


def faults(country: Nation, text: str) -> list[Fault]:
    (country.path / FILE).write_text(text)
    document, found = read_document(country.path / FILE, SERVICE, country.languages)
    return found or sorted(set(check(document, country)))


def test_the_nation_as_it_is_has_no_fault_in_its_services(country: Nation) -> None:
    assert faults(country, TEXT) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["fault"]))
def test_a_fault_is_named_with_its_line_and_what_to_write(country: Nation, case: dict[str, str]) -> None:
    assert case["there"] in TEXT
    found = [str(fault) for fault in faults(country, TEXT.replace(case["there"], case["instead"], 1))]
    assert any(case["told"] in fault for fault in found), found


def test_a_fault_of_a_version_stands_on_the_line_of_that_version(country: Nation) -> None:
    text = TEXT.replace("identity-card: null}", "identity-card: null, insurance: {by: vss.card}}")
    (fault,) = [fault for fault in faults(country, text) if "no post “card”" in fault.wrong]
    assert "insurance: {by: vss.card}" in text.splitlines()[fault.line - 1]


def test_all_faults_are_told_in_one_pass(country: Nation) -> None:
    text = TEXT.replace("list: clinics", "list: clinik").replace("amount: 0", "amount: 9").replace("age(", "aged(")
    assert len({fault.wrong for fault in faults(country, text)}) >= 3
