"""``onedoor measure index``: an agency's index for people and for programs, and refusals that leave with 2."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.kernel import clock, nation, settings
from onedoor.measurement import counting, levels, national, readings, stocks, telling
from onedoor.measurement.tests.test_counting import COMMUNE, DAY, at, done, taken_on
from onedoor.site import cli, measuring_live

INDEX = "decision-766"


@pytest.fixture
def counted(transactional_db: None) -> Iterator[None]:
    """Count two dossiers, of which one is settled."""
    with clock.freeze(at(DAY, 12)):
        stocks.take()
        counting.count_taking_on(taken_on(DAY, COMMUNE, "population"))
        counting.count_taking_on(taken_on(DAY))
        counting.count_settling(done(DAY))
        yield


@pytest.mark.usefixtures("counted")
def test_the_command_tells_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["measure", "index", INDEX, "--agency", COMMUNE, "--on", DAY.isoformat(), "--language", "en"]
    assert cli.run(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "100.00 %" in said
    assert "of 46 points that are measured; the index has 100." in said
    assert "Counting began on 2026-11-10" in said
    country = nation.current()
    live = readings.live(national.asked(country, INDEX, levels.whose(country, "agency", COMMUNE, DAY), DAY))
    assert cli.run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == telling.plain(live, "en", str)
    assert cli.run(["measure", "index", "dti", "--unit", "01", "--language", "vi"]) == 0
    assert "minh họa" in capsys.readouterr().out


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["decision-7666", "--agency", COMMUNE], "no index “decision-7666”"),
        ([INDEX, "--agency", "comune-00199"], "The nearest is commune-00199"),
        ([INDEX], "whose index"),
        ([INDEX, "--agency", COMMUNE, "--unit", "01"], "whose index"),
        ([INDEX, "--unit", "98"], "No agency works in a unit “98”"),
        ([INDEX, "--level", "moon"], "Please use one of central, province, commune"),
        ([INDEX, "--agency", COMMUNE, "--on", "10/11/2026"], "“10/11/2026” is not a day"),
        ([INDEX, "--agency", COMMUNE, "--on", "2027-01-01"], "lies ahead: today is 2026-11-10"),
        ([INDEX, "--agency", COMMUNE, "--on", "2026-11-10", "--as-known-on", "2026-11-01"], "cannot tell of"),
    ],
)
def test_the_command_refuses_with_2(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert cli.run(["measure", "index", *words, "--language", "en"]) == cli.FAILED
    said = capsys.readouterr()
    assert (said.out, says in said.err, "Traceback" in said.err) == ("", True, False)


def test_without_a_running_nation_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDOOR_ROLE")
    with pytest.raises(measuring_live.NotRunning):
        measuring_live.settings_of_portal(settings.REPOSITORY / "nations" / "vietnam", tmp_path)
