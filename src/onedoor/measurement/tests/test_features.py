"""A list of features and its probes are read and checked; a nation names only services that it has."""

import shutil
from pathlib import Path

import pytest

from onedoor.kernel import nation
from onedoor.measurement import features
from onedoor.measurement.errors import BadFeatures, NoFeatures
from onedoor.measurement.tests.conftest import WORLD


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for part in ("features", "data"):
        shutil.copytree(WORLD / part, tmp_path / part)
    return tmp_path


def test_the_list_has_its_183_codes_in_three_languages() -> None:
    listed = features.load(WORLD)
    codes = [one.code for one in listed.all]
    assert (len(codes), len(set(codes))) == (183, 183)
    assert all(one.name[language] for one in listed.all for language in ("vi", "en", "fr"))
    assert set(listed.probes) <= set(codes)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("codes: [CP-015]", "codes: [CP-999]", "the list has no code “CP-999”"),
        ("codes: [CP-015]", "codes: [TEC-004]", "the code “TEC-004” is here twice"),
        ("kind: secure", "kind: guess", "“guess” is not known here"),
    ],
)
def test_a_probe_of_nothing_is_a_fault_with_its_line(copied: Path, before: str, after: str, said: str) -> None:
    file = copied / "features" / "osi-2024.yaml"
    file.write_text(file.read_text().replace(before, after))
    with pytest.raises(BadFeatures) as bad:
        features.load(copied)
    assert said in str(bad.value)
    assert "osi-2024.yaml:" in str(bad.value)


def test_a_list_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(NoFeatures):
        features.load(tmp_path)


def test_a_nation_names_only_services_that_it_has(tmp_path: Path) -> None:
    shutil.copytree(WORLD.parent / "testland", tmp_path / "land")
    (tmp_path / "land" / "evidence").mkdir()
    file = tmp_path / "land" / "evidence" / "osi-2024.yaml"
    file.write_text("evidence: osi-2024\nservices:\n  SP-050: {service: tl.none, result: any}\n")
    (fault,) = nation.check(tmp_path / "land")
    assert "there is no service “tl.none”" in str(fault)
    assert features.evidence(nation.load(WORLD.parent / "testland")) == {}
    birth = features.evidence(nation.load(WORLD.parent / "vietnam"))["SP-050"]
    assert birth == features.Proof("vn.birth-linked", "birth_certificate")
