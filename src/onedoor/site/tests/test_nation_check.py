"""Every fault that ``onedoor nation check`` promises to find, injected alone into Viet Nam and named exactly."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from onedoor.kernel import clock, nation, settings
from onedoor.kernel.said import Said
from onedoor.site import cli, kinds, messages

NATIONS = settings.REPOSITORY / "nations"
VIETNAM = NATIONS / "vietnam"
NOW = datetime(2026, 11, 2, 9, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
CASES = yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text("utf-8"))
"""Each with the nation whose file is spoiled: Viet Nam where it names none."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kinds.load()
    place = tmp_path_factory.mktemp("nations") / "vietnam"
    return shutil.copytree(VIETNAM, place, ignore=shutil.ignore_patterns("fonts"))


@pytest.fixture
def country(whole: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a copy of Viet Nam that a test may spoil, made whole again afterwards."""
    monkeypatch.chdir(whole)
    with clock.freeze(NOW):
        yield whole
    messages.use(None)
    shutil.copytree(VIETNAM, whole, ignore=shutil.ignore_patterns("fonts"), dirs_exist_ok=True)


@pytest.fixture
def of_case(country: Path, case: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the nation that *case* spoils."""
    if "nation" not in case:
        return country
    monkeypatch.chdir(shutil.copytree(NATIONS / case["nation"], tmp_path / case["nation"]))
    return Path.cwd()


def spoil(country: Path, case: dict[str, str]) -> None:
    file = country / case["file"]
    text = file.read_text("utf-8")
    assert case["there"] in text
    file.write_text(text.replace(case["there"], case["instead"], 1), "utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["fault"]))
def test_one_fault_is_named_once_with_its_file_its_line_and_what_to_write(of_case: Path, case: dict[str, str]) -> None:
    spoil(of_case, case)
    (fault,) = nation.check(of_case)
    assert str(fault) == case["told"]
    assert isinstance(fault.wrong, Said), "a fault that no catalogue can translate"
    assert isinstance(fault.instead, Said)
    for language in ("vi", "fr"):
        messages.use(language)
        assert fault.text(messages.text) != str(fault)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("vi", "không có cơ sở dữ liệu “marriage”; hãy viết “marriages”"),
        ("fr", "il n’y a pas de registre «\u202fmarriage\u202f»\u202f; écrivez «\u202fmarriages\u202f»"),
    ],
)
def test_faults_are_told_in_the_language_asked_for(
    country: Path, capsys: pytest.CaptureFixture[str], language: str, told: str
) -> None:
    spoil(country, next(case for case in CASES if "“marriage”" in case["told"]))
    assert cli.run(["nation", "--language", language, "check", str(country)]) == cli.FAILED
    assert capsys.readouterr().out.partition(": ")[2].strip() == told


def test_faults_of_every_kind_come_in_one_pass(country: Path) -> None:
    told = {}
    for case in CASES:
        if case.get("together"):
            spoil(country, case)
            told[case["fault"]] = case["told"].split(":", 2)[2]
    found = [str(fault).split(":", 2)[2] for fault in nation.check(country)]
    assert len(told) > 10
    assert sorted(found) == sorted(told.values())


def test_a_file_too_faulty_to_be_read_hides_only_what_leans_on_it(country: Path) -> None:
    (country / "registers" / "births.yaml").write_text("register: [", "utf-8")
    spoil(country, {"file": "services/birth-linked.yaml", "there": "amount: 0", "instead": "amount: 8000"})
    files = [fault.file for fault in nation.check(country)]
    assert files == ["registers/births.yaml", "services/birth-linked.yaml"]
