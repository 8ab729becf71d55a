import shutil
from pathlib import Path

import pytest

from onedoor.kernel import nation
from onedoor.kernel.nation import file_kinds
from onedoor.registers.people import generate
from onedoor.registers.people.rows import PERSON

VIETNAM = Path(__file__).parents[4] / "nations" / "vietnam"

ADDRESS = """  address:
    name: {vi: Địa chỉ, en: Address, fr: Adresse}
    personal: true
    required: true
    schema: {type: string, minLength: 1, maxLength: 200}
"""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in nation.kinds():  # a service is checked against registers and rights, which are at fault here
        if kind.name == "service":
            monkeypatch.delitem(file_kinds._KINDS, kind.name)
    return shutil.copytree(VIETNAM, tmp_path / "vietnam", ignore=shutil.ignore_patterns("fonts"))


def test_registers_and_demonstration_of_the_nation_have_no_fault() -> None:
    found = [str(fault) for fault in nation.check(VIETNAM)]
    assert not [fault for fault in found if "/registers/" in fault or "demonstration.yaml" in fault]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("registers/births.yaml", "register: births", "register: birth", "write births or rename"),
        ("registers/births.yaml", "register: births", "register: data", "“data” is a service of every system"),
        ("registers/births.yaml", "  signer:\n", "  id:\n", "a record has an id of its own besides its fields"),
        ("registers/births.yaml", "owner: G15", "owner: G51", "there is no member “G51”"),
        (
            "registers/births.yaml",
            "subsystem: VN/GOV/G15/CIVIL-STATUS",
            "subsystem: VN/GOV/G15/CIVIL",
            "write VN/GOV/G15/C",
        ),
        ("registers/births.yaml", "member: VN/GOV/G15", "member: VN/GOV/G01", "the system is not the member's"),
        ("registers/population.yaml", "history: [permanent-", "history: [permanet-", "write “permanent-residence”"),
        ("registers/population.yaml", "posts: [residence]", "posts: [residense]", "write “residence”"),
        ("registers/population.yaml", "limit: 5wd", "limit: 5d", "write working days to decide"),
        ("registers/birth-notices.yaml", "  archive_for: [birth-", "  archive_for: [birt-", "“birth-registration”"),
        ("registers/birth-notices.yaml", "  illustrative: true\n", "", "add law, or illustrative: true"),
        ("registers/birth-notices.yaml", "since: {field: born}", "since: {field: borne}", "write “born”"),
        ("registers/birth-notices.yaml", "since: {field: born}", "since: bor", "use one of: ended, recorded"),
        ("registers/birth-notices.yaml", "in_reach: 10y", "in_reach: 10 years", "such as 90d or 10y"),
        ("registers/birth-notices.yaml", "destroyed: 100y", "destroyed: 3652d", "write a longer time than in_reach"),
        ("registers/births.yaml", "subjects: [child,", "subjects: [chld,", "write “child”"),
        ("registers/births.yaml", "serial: [registered_at]", "serial: [registeredat]", "write “registered_at”"),
        (
            "registers/births.yaml",
            "schema: {enum: [M, F], codes: sex}",
            "schema: {enum: M}",
            "this is no JSON Schema",
        ),
        ("registers/births.yaml", "    personal: true\n", "", "“personal” is missing"),
        ("registers/births.yaml", "default: VN", "default: Vietnam", "the default does not fit"),
        ("registers/births.yaml", "  child: {child:", "  child: {mother:", "take the same values"),
        ("demonstration.yaml", "agency: commune-00199", "agency: commune-00198", "there is no agency"),
        ("demonstration.yaml", "post: vss-01.cards", "post: vss-01.card", "write “vss-01.cards”"),
        ("demonstration.yaml", "wife: mother", "wife: moter", "write “mother”"),
        ("demonstration.yaml", "member: G18", "member: G15", "write G18"),
        (
            "demonstration.yaml",
            "births_since:",
            "# births_since:",
            "“births_since” is missing, from which the register",
        ),
        ("demonstration.yaml", '"20242": [', '"20243": [', "there is no administrative unit “20243” today"),
        ("registers/population.yaml", "  full_name:\n", "  name:\n", "“name”, which must be there; write “full_name”"),
        ("registers/residence.yaml", "  address:\n", "  place:\n", "“place”, which must be there; use one of: address"),
        ("registers/residence.yaml", ADDRESS, "", "people are made with a field “address”, which is not here"),
        ("registers/population.yaml", "{enum: [M, F]", "{enum: [m, f]", 'another value here: "F" is not one of'),
    ],
)
def test_each_fault_is_named(copy: Path, name: str, old: str, new: str, said: str) -> None:
    file = copy / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    found = [str(fault) for fault in nation.check(copy) if name in fault.file]
    assert any(said in fault for fault in found), found


def test_people_are_made_for_a_register_of_persons_alone(copy: Path) -> None:
    assert set(generate(3, nation=nation.load(copy))["population"][0]) == set(PERSON)
    (copy / "registers" / "population.yaml").unlink()
    found = [str(fault) for fault in nation.check(copy) if "demonstration.yaml" in fault.file]
    assert any("a register called “population”, and there is none" in fault for fault in found), found


def test_people_who_cannot_be_made_are_a_fault_and_no_traceback(copy: Path) -> None:
    (copy / "lists" / "clinics.yaml").unlink()
    found = [str(fault) for fault in nation.check(copy) if "demonstration.yaml" in fault.file]
    assert any("no people can be made of these words and places: 'clinics'" in fault for fault in found), found
