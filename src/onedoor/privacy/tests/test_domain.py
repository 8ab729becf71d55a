import shutil
from pathlib import Path

import pytest
from django.utils import translation

from onedoor.kernel import nation
from onedoor.kernel.nation import file_kinds

VIETNAM = Path(__file__).parents[4] / "nations" / "vietnam"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in nation.kinds():  # a service is checked against registers and rights, which are at fault here
        if kind.name == "service":
            monkeypatch.delitem(file_kinds._KINDS, kind.name)
    return shutil.copytree(VIETNAM, tmp_path / "vietnam", ignore=shutil.ignore_patterns("fonts"))


def faults(folder: Path, name: str, old: str, new: str) -> list[str]:
    file = folder / "rights" / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return [str(fault) for fault in nation.check(folder) if f"rights/{name}" in fault.file]


def test_the_rights_of_the_nation_have_no_fault() -> None:
    assert not [str(fault) for fault in nation.check(VIETNAM) if "/rights/" in fault.file]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("birth-form.yaml", "register: marriages", "register: marriage", "write “marriages”"),
        ("birth-form.yaml", "full_name", "fullname", "write “full_name”"),
        ("birth-form.yaml", "purpose: birth-form", "purpose: birthform", "write birth-form or rename"),
        ("birth-form.yaml", "reader: VN/GOV/G22/PORTAL", "reader: VN/GOV/G22/PORTALS", "write “VN/GOV/G22/PORTAL”"),
        ("birth-form.yaml", "operations: [read]", "operations: [peek]", "use one of: read, write"),
        ("birth-form.yaml", "    law: 63/2024/NĐ-CP\n", "", "“law” is missing"),
        ("own-case.yaml", "provider: VN/GOV/G18/HEALTH", "provider: VN/GOV/G18/HELTH", "write “VN/GOV/G18/HEALTH”"),
        ("birth-registration.yaml", "posts: [civil-status]", "posts: [civil-statut]", "write “civil-status”"),
        (
            "permanent-residence.yaml",
            "    operations: [read]\n    posts: [residence]",
            "    operations: [write]\n    posts: [residence]",
            "add read",
        ),
        ("birth-suggestion.yaml", "- version: 1", "- version: 2", "number the versions"),
        (
            "birth-suggestion.yaml",
            '    from: "2026-01-01"',
            '    covers: [1]\n    from: "2026-01-01"',
            "name earlier versions alone",
        ),
        (
            "birth-suggestion.yaml",
            "operations: [read]\n    fields",
            "operations: [read, write]\n    fields",
            "can only be read",
        ),
        ("birth-suggestion.yaml", "service: consents", "service: reads", "could not ask whether somebody agreed"),
        ("consent-api.yaml", "service: consent,", "service: reads,", "“configure” is of the service consent alone"),
        ("investigation.yaml", "postponed_by: [chief]", "postponed_by: [chef]", "write “chief”"),
        ("investigation.yaml", "  basis: l91-2025", "  basis: l91-2026", "there is no basis “l91-2026”"),
        (
            "own-reads.yaml",
            "without_case: true",
            "sealed: {days: 1, basis: l91-2025, postponed_by: []}",
            "write the posts",
        ),
        (
            "own-reads.yaml",
            "basis:\n",
            "sealed: {days: 1, basis: l91-2025, postponed_by: [chief]}\nbasis:\n",
            "remove sealed",
        ),
        ("own-case.yaml", "operations: [read]}", "operations: [read], posts: [residence]}", "add register"),
        (
            "investigation.yaml",
            "without_case: true",
            "without_case: true\nobjection: true",
            "remove objection or sealed",
        ),
        (
            "investigation.yaml",
            "without_case: true",
            "without_case: true\nconsent: [{version: 1, from: 2026-01-01, text: {vi: a, en: a, fr: a}}]",
            "remove consent or sealed",
        ),
        ("own-reads.yaml", "without_case: true", "without_case: true\nobjection: true", "no register is used"),
        ("own-case.yaml", "basis:", "valid_from: 2026-01-02\nvalid_until: 2026-01-01\nbasis:", "ends before it begins"),
    ],
)
def test_each_fault_of_a_right_is_named(copy: Path, name: str, old: str, new: str, said: str) -> None:
    found = faults(copy, name, old, new)
    assert any(said in fault for fault in found), found


BREACHES = [
    ("system: VN/GOV/G01/POPULATION", "system: VN/GOV/G01/POPULATIONS", "write “VN/GOV/G01/POPULATION”"),
    ("posts: [chief]", "posts: [chef]", "write “chief”"),
    ("  G15: [chair]", "  G16: [chair]", "there is no member “G16”"),
    ("  G15: [chair]", "  G15: [chef]", "no authority of “G15” has the post “chef”"),
    ('valid_from: "2026-01-01"', 'valid_from: "2026-01-02"', "let each begin where the one before ends"),
    ('valid_until: "2025-12-31"', 'valid_until: "2020-12-31"', "it ends before it begins"),
    ("limit: 72h", "limit: 3wd", "such as 72h"),
    (
        '  - valid_from: "2026-01-01"\n    laws: [91/2025/QH15, 356/2025/NĐ-CP]\n',
        '  - valid_from: "2026-01-01"\n',
        "laws",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), BREACHES)
def test_each_fault_of_the_file_of_breaches_is_named(copy: Path, old: str, new: str, told: str) -> None:
    file = copy / "breaches.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    found = [fault for fault in nation.check(copy) if fault.file.endswith("breaches.yaml")]
    assert any(told in str(fault) for fault in found), [str(fault) for fault in found]
    for language in ("vi", "fr"):
        with translation.override(language):
            spoken = [fault.text(translation.gettext) for fault in found]
        assert not set(spoken) & {str(fault) for fault in found}, "it is told in the reader's language"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[chief]", "[chef]", "write “chief”"),
        ("G18/HEALTH: ", "G18/HELTH: ", "write “VN/GOV/G18/HEALTH”"),
        ("fulfil: 10d", "fulfil: soon", "soon"),
        ('valid_until: "2025-12-31"', 'valid_until: "2026-06-30"', "begins before the one above it has ended"),
        ('valid_until: "2025-12-31"', 'valid_until: "2023-06-30"', "the layer ends before it begins"),
        ("  take-along:", "  take-away:", "“take-along” is missing"),
    ],
)
def test_each_fault_of_the_rights_of_persons_is_named(copy: Path, old: str, new: str, said: str) -> None:
    file = copy / "personal-rights.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    found = [str(fault) for fault in nation.check(copy) if fault.file.endswith("personal-rights.yaml")]
    assert any(said in fault for fault in found), found


def test_rights_that_no_purpose_lets_anybody_ask_for_are_a_fault(copy: Path) -> None:
    (copy / "rights" / "personal-rights.yaml").unlink()
    assert any("add rights/personal-rights.yaml" in str(fault) for fault in nation.check(copy))
