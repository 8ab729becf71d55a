"""When a story counts as good, and with which number its command ends."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from onedoor.kernel import nation, settings
from onedoor.site import cli, messages
from onedoor.site.story import announcing
from onedoor.site.story.places import places
from onedoor.site.story.play import Story
from onedoor.site.story.told import Issued, Told
from onedoor.site.up.plan import Options, Part
from onedoor.site.up.supervisor import RECORD

VIETNAM = settings.REPOSITORY / "nations" / "vietnam"
TESTLAND = settings.REPOSITORY / "nations" / "testland"
KINDS = {"birth_certificate": "commune-00199", "residence_notice": "police-00199", "insurance_card": "vss-01"}


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    messages.use("en")
    yield
    messages.use(None)


def told(changed: int = 0, **change: str) -> Told:
    """Return what a good story tells; of one result something may be changed."""
    results = [Issued(kind, agency, f"{kind}.pdf", "valid") for kind, agency in KINDS.items()]
    results[changed] = replace(results[changed], **change)
    return Told(case="2611-7K4M-Q8", results=results, ledger={"size": 8, "root": "ab" * 32})


def test_three_results_of_three_agencies_with_valid_signatures_are_good() -> None:
    assert told().good


@pytest.mark.parametrize("number", range(3))
def test_one_signature_that_does_not_hold_makes_the_story_bad(number: int) -> None:
    assert not told(number, signature="invalid: CHANGED").good


def test_a_result_or_an_agency_too_few_makes_the_story_bad() -> None:
    few, same = told(), told(1, agency="vss-01")
    few.results.pop()
    assert not few.good
    assert not same.good
    assert not Told().good


@pytest.mark.parametrize("stay", [[], ["--stay"]])
def test_the_command_ends_with_another_number_than_0_unless_every_result_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stay: list[str]
) -> None:
    asked = ["story", "--running", "--var", str(tmp_path), *stay]
    monkeypatch.setattr(Story, "play", lambda _: told())
    assert cli.run(asked) == 0
    monkeypatch.setattr(Story, "play", lambda _: told(2, signature="invalid: CHANGED"))
    assert cli.run(asked) != 0
    assert "insurance_card: invalid: CHANGED" in capsys.readouterr().err
    monkeypatch.setattr(Story, "play", lambda _: Told(case="2611-7K4M-Q8", ledger={"size": 8, "root": "ab" * 32}))
    assert cli.run(asked) != 0
    assert "no result" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("vi", "không có dịch vụ vn.birth-linked"),
        ("en", "“Testland” has no service vn.birth-linked, which the story plays."),
        ("fr", "n’a pas de service vn.birth-linked"),
    ],
)
def test_a_nation_without_the_service_of_the_story_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    var = tmp_path / "var"
    assert cli.run(["story", "--nation", str(TESTLAND), "--var", str(var), "--language", language]) == cli.FAILED
    assert said in capsys.readouterr().err
    assert not var.exists()


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_the_links_at_the_end_are_in_the_language_of_the_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    monkeypatch.setenv("LC_ALL", f"{language}.UTF-8")
    monkeypatch.setattr(Story, "play", lambda _: told())
    assert cli.run(["story", "--running", "--var", str(tmp_path)]) == 0
    assert f"http://localhost:18000/{language}/cases/2611-7K4M-Q8/reads" in capsys.readouterr().out


def test_a_nation_without_the_language_of_the_messages_has_links_in_its_first(tmp_path: Path) -> None:
    messages.use("vi")
    assert places(nation.load(TESTLAND), tmp_path, 18000).read().page("") == "http://localhost:18000/fr/"


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_the_pages_of_the_story_are_told_in_the_language_of_the_messages(tmp_path: Path, language: str) -> None:
    messages.use(language)
    where = places(nation.load(TESTLAND.with_name("vietnam")), tmp_path, 18000)
    assert where.told(where.page("cases/2611")) == f"http://localhost:18000/{language}/cases/2611"


def announced(monkeypatch: pytest.MonkeyPatch, var: Path, script: str) -> str:
    """Announce a story to a portal whose command is a *script*."""
    portal = Part(announcing.PORTAL, (sys.executable, "-c", script, "web"), dict(os.environ), "", health=True)
    monkeypatch.setattr(announcing, "parts", lambda *_: [portal])
    return announcing.announce(nation.load(VIETNAM), Options(VIETNAM, var, 8000, 1, 1), 3)


def test_a_story_is_announced_to_the_portal_that_runs_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = "import sys; print(*sys.argv[1:])"
    assert "did not announce this story" in announced(monkeypatch, tmp_path, told)
    (tmp_path / RECORD).write_text("{}")
    words = announced(monkeypatch, tmp_path, told)
    assert words == "measure run vn.birth-linked --as mother --times 3 --language en"


def test_a_story_that_the_portal_does_not_take_as_a_run_is_not_played(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / RECORD).write_text("{}")
    with pytest.raises(announcing.NotAnnounced, match="It was not played: nobody plays here"):
        announced(monkeypatch, tmp_path, "import sys; sys.exit('onedoor: nobody plays here.')")
