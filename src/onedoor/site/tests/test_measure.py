"""``onedoor measure`` answers programs and people, and refuses with 2 before anything is said."""

import json
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from unittest.mock import Mock

import pytest
import requests

from onedoor.kernel.fetching import TooLong
from onedoor.measurement.portal import Answer
from onedoor.site import cli, featuring, messages, proofs
from onedoor.site.visiting import visit

WORLD = Path(cli.__file__).parents[3] / "nations" / "world"
DATA = WORLD / "data" / "egdi-2018.csv"
EARLIER = WORLD / "data" / "egdi-2016.csv"
ROW = {"country", "value", "published_value", "rank", "published_rank", "agrees"}


@pytest.fixture(autouse=True)
def in_english() -> None:
    messages.use("en")


def ask(capsys: pytest.CaptureFixture[str], *words: str, data: Path = DATA, edition: int = 2018) -> str:
    part, *rest = words
    code = cli.run(["measure", part, "--data", str(data), "--edition", str(edition), "--language", "en", *rest])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


def refused(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> str:
    assert cli.run(["measure", *words, "--language", "en"]) == cli.FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_ranks_as_json_are_rows_with_decimals_as_texts(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(ask(capsys, "rank", "--json"))
    assert len(rows) == 193
    assert all(set(row) == ROW for row in rows)
    denmark = {"value": "0.9150", "published_value": "0.9150", "rank": 1, "published_rank": 1, "agrees": True}
    assert rows[0] == {"country": "Denmark"} | denmark
    assert not [row for row in rows if row["rank"] != row["published_rank"] or not row["agrees"]]


def test_a_country_that_was_not_assessed_has_null(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "zero.csv"
    columns = "edition,country,rank,egdi,epi,osi,hci,tii"
    path.write_text(f"{columns}\n2008,Zambia,1,0.3,0,0.3,0.3,0.3\n2008,Chad,,0,0,0,0.2,0.1\n")
    rows = json.loads(ask(capsys, "rank", "--json", data=path, edition=2008))
    assert rows[1] == dict.fromkeys(ROW) | {"country": "Chad", "published_value": "0.0000"}
    assert "Not assessed" in ask(capsys, "rank", data=path, edition=2008)


def test_ranks_that_differ_are_no_failure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(DATA.read_text().replace("Japan,10,", "Japan,9,"))
    (row,) = json.loads(ask(capsys, "rank", "--country", "JP", "--json", data=path))
    assert (row["rank"], row["published_rank"], row["agrees"]) == (10, 9, False)
    assert "not in agreement with what was published: 1" in ask(capsys, "rank", data=path)


def test_a_group_is_those_who_were_members_then(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(ask(capsys, "rank", "--group", "ASEAN", "--json"))
    assert [row["country"] for row in rows].index("Viet Nam") == 5
    assert len(rows) == 10
    assert len(json.loads(ask(capsys, "rank", "--group", "South-Eastern Asia", "--json"))) == 11


def test_undecided_ranks_are_said_beside_the_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "copy.csv"
    path.write_text(DATA.read_text().replace("2018,", "2020,"))
    assert cli.run(["measure", "rank", "--data", str(path), "--edition", "2020", "--json", "--language", "en"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 193
    assert "has one from 49 to 50" in said.err


def test_a_goal_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(ask(capsys, "goal", "--country", "Viet Nam", "--rank", "78", "--json"))
    assert (found["now"], found["place"], found["field"], found["reached"]) == (88, 78, "fixed", False)
    (change,) = next(way["changes"] for way in found["ways"] if way["changes"][0]["features"])
    assert change == {"part": "osi", "from": "0.7361", "to": "0.8889", "change": "0.1528", "features": 22, "of": 144}
    found = json.loads(ask(capsys, "goal", "--country", "Viet Nam", "--group", "ASEAN", "--place", "4", "--json"))
    assert 27 in [way["changes"][0]["features"] for way in found["ways"]]


def test_a_goal_in_a_moving_field(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["goal", "--country", "VN", "--rank", "78", "--field", "moving", "--history", str(EARLIER)]
    found = json.loads(ask(capsys, *words, "--json"))
    assert (found["field"], found["year"]) == ("moving", 2020)
    assert all(0 < Decimal(way["chance"]) < 1 for way in found["ways"])
    assert "Rivals move on their trend to 2020." in ask(capsys, *words)


def test_editions_of_a_trend_are_named_together_or_one_by_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first = tmp_path / "first.csv"
    first.write_text(EARLIER.read_text().replace("2016,", "2014,"))
    words = ["goal", "--country", "VN", "--rank", "78", "--field", "moving", "--json"]
    apart = ask(capsys, *words, "--history", str(first), "--history", str(EARLIER))
    assert apart == ask(capsys, *words, "--history", str(first), str(EARLIER))
    assert apart != ask(capsys, *words, "--history", str(EARLIER))


def test_an_interval_says_where_the_published_rank_lies(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["interval", "--country", "VN", "--draws", "400", "--seed", "5"]
    found = json.loads(ask(capsys, *words, "--json"))
    assert found["low"] <= found["median"] <= found["high"]
    assert found["published_lies"] == ("inside" if found["low"] <= 88 <= found["high"] else "better")
    assert json.loads(ask(capsys, *words, "--json")) == found
    assert "400 draws, seed 5." in ask(capsys, *words)


@pytest.mark.parametrize(
    ("language", "words"), [("vi", "Nguồn: UN DESA"), ("fr", "Source : UN DESA"), ("en", "Source: UN DESA")]
)
def test_people_are_told_in_their_language(capsys: pytest.CaptureFixture[str], language: str, words: str) -> None:
    assert cli.run(["measure", "rank", "--data", str(DATA), "--edition", "2018", "--language", language]) == 0
    said = capsys.readouterr().out.replace("\u202f", " ")
    assert words in said
    assert ("0,9150" in said) == (language != "en")


QUESTION = ["--data", str(DATA), "--edition", "2018"]
MOVING = ["goal", *QUESTION, "--country", "VN", "--rank", "70", "--field", "moving", "--history"]
REFUSED = [
    (["rank", "--data", str(DATA), "--edition", "2019"], "2019"),
    (["rank", "--data", str(DATA), "--edition", "2016"], "no row of the edition 2016"),
    (["rank", "--data", str(DATA.parent / "none.csv"), "--edition", "2018"], "none.csv"),
    (["rank", "--data", "/dev/zero", "--edition", "2018"], "/dev/zero is no regular file"),
    ([*MOVING, "/dev/zero"], "/dev/zero is no regular file"),
    (["rank", *QUESTION, "--country", "Vietnan"], "The nearest is Viet Nam"),
    (["rank", *QUESTION, "--country", ""], "has no “”"),
    (["rank", *QUESTION, "--group", "OPEC"], "ASEAN"),
    (["rank", *QUESTION, "--group", ""], "ASEAN"),
    (["rank", *QUESTION, "--group", "ASEAN", "--country", "FR"], "no member"),
    (["goal", *QUESTION, "--country", "VN"], "--rank R"),
    (["goal", *QUESTION, "--country", "VN", "--rank", "0"], "1 to 193"),
    (["goal", *QUESTION, "--country", "VN", "--group", "ASEAN"], "--place G"),
    (["goal", *QUESTION, "--country", "VN", "--rank", "3", "--history", str(EARLIER)], "--field moving"),
    (["goal", *QUESTION, "--country", "VN", "--rank", "3", "--field", "moving"], "--history FILE"),
    (["interval", *QUESTION, "--country", "VN", "--draws", "0"], "--draws"),
    (["rank", *QUESTION, "--world", str(DATA.parent)], "--world DIR"),
]


@pytest.mark.parametrize(("words", "why"), REFUSED)
def test_questions_without_an_answer_are_refused(
    capsys: pytest.CaptureFixture[str], words: Sequence[str], why: str
) -> None:
    assert why in refused(capsys, words)


def test_a_bad_table_is_refused_with_line_and_column(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(DATA.read_text().replace("0.9150", '"0,9150"'))
    said = refused(capsys, ["rank", "--data", str(path), "--edition", "2018", "--json"])
    assert "line 2, column 4 (egdi): “0,9150” has a comma as its decimal sign. Please write 0.9150." in said


def test_it_needs_no_django_and_no_place() -> None:
    words = ["measure", "rank", "--data", str(DATA), "--edition", "2018", "--country", "VN", "--json"]
    loaded = "[name for name in ('django', 'pandas', 'scipy') if name in sys.modules]"
    script = f"import sys; from onedoor.site import cli; print(cli.run({words!r}), {loaded})"
    done = subprocess.run([sys.executable, "-c", script], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def stages(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert cli.run(["measure", "stages", "--nation", str(WORLD.parent / "vietnam"), "--language", "en", *words]) == code
    said = capsys.readouterr()
    return said.err if code else said.out


def test_stages_are_those_of_the_day_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(stages(capsys, "--on", "2026-11-29", "--json"))
    assert [(one["scale"], one["level"], one["levels"]) for one in found] == [
        ("vn-2026-proactive", 0, 4),
        ("vn-2026", 2, 2),
    ]
    (reason,) = found[0]["reasons"]
    assert reason["text"] == "Nobody is reminded when the event happens."
    (before,) = json.loads(stages(capsys, "--on", "2024-12-01", "--json"))
    assert (before["scale"], before["code"], before["illustrative"]) == ("vn-2022", "2.002621", ["law", "valid_from"])


def test_stages_are_told_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    said = stages(capsys, "--on", "2024-12-01")
    assert "Whole (2/2)" in said
    assert "Illustrative, read in no source, of “vn-2022”: its article, its first day." in said
    assert "by definition" in said
    assert stages(capsys, "--on", "2015-01-01") == "No service is in force on that day.\n"
    testland = stages(capsys, "--nation", str(WORLD.parent / "testland"), "--on", "2026-11-29")
    assert "Results are handed out at the" in testland


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--on", "tomorrow"], "“tomorrow” is not a day"),
        (["--on", "2026-11-29", "--service", "vn.none"], "It has: vn.birth-linked."),
        (["--on", "2011-01-01"], "nothing to measure services by"),
    ],
)
def test_stages_that_cannot_be_told(capsys: pytest.CaptureFixture[str], words: list[str], why: str) -> None:
    assert why in stages(capsys, *words, code=cli.FAILED)


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """What addresses answer instead of a portal."""
    answers: dict[str, Answer] = {}
    monkeypatch.setattr(proofs, "visit", answers.__getitem__)
    return answers


def test_stages_are_told_with_what_a_portal_proves(
    capsys: pytest.CaptureFixture[str], portal: dict[str, Answer]
) -> None:
    day = ("--on", "2026-11-29", "--portal", "http://here")
    address = "http://here/en/figures/stages.json"
    bare = json.loads(stages(capsys, "--on", "2026-11-29", "--json"))
    assert [(one["proved"], one["achieved"]) for one in bare] == [(None, None)] * 2
    proof = {"level": 2, "name": "Whole", "case": "2611-AAAA-A1", "ended": "2026-11-29T10:00:00+00:00"}
    rows = [one | {"proved": proof, "achieved": {"without_visit": 2, "ended": 3}} for one in bare]
    portal[address] = Answer(200, "application/json", json.dumps({"stages": rows}).encode())
    found = json.loads(stages(capsys, *day, "--json"))
    assert (found[1]["proved"], found[1]["achieved"]) == (proof, {"without_visit": 2, "ended": 3})
    said = stages(capsys, *day)
    assert "2611-AAAA-A1" in said
    assert "2 of 3 (66.7" in said
    other = [one | {"digest": "0" * 64} for one in rows]
    portal[address] = Answer(200, "application/json", json.dumps({"stages": other}).encode())
    assert [one["proved"] for one in json.loads(stages(capsys, *day, "--json"))] == [None, None]
    half = json.dumps({"stages": [one | {"proved": {"level": 2}} for one in rows]}).encode()
    other_kind = "what it answers is not what a portal tells"
    for status, content, why in (
        (404, b"", "404"),
        (200, b"<p>", other_kind),
        (200, b'{"stages": [1]}', other_kind),
        (200, half, other_kind),
    ):
        portal[address] = Answer(status, "application/json", content)
        assert f"http://here did not tell its figures ({why})" in stages(capsys, *day, code=cli.FAILED)


def test_a_run_is_announced_with_the_settings_of_a_portal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert "ONEDOOR_ROLE" in refused(capsys, ["run", "vn.birth-linked", "--as", "mother"])


def test_features_are_found_by_visiting_a_portal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b'<html lang="en"><nav><a hreflang="en" href="/en/">English</a></nav><main></main></html>'
    answers = {"http://here/en/": Answer(200, "text/html", page)}
    nothing = Answer(404, "text/html", b"")
    monkeypatch.setattr(featuring, "visit", lambda address, _session: answers.get(address, nothing))
    words = ["measure", "features", "--nation", str(WORLD.parent / "vietnam"), "--portal", "http://here"]
    assert cli.run([*words, "--language", "en", "--json"]) == 0
    found = {one["code"]: one for one in json.loads(capsys.readouterr().out)}
    assert len(found) == 183
    assert (found["CP-015"]["state"], found["CP-015"]["why"]) == ("absent", "Languages that the site speaks: 1.")
    assert (found["TEC-005"]["state"], found["TEC-005"]["evidence"]) == ("absent", [])
    assert (found["EGL-003"]["state"], found["IF-010"]["state"]) == ("waiting", "absent")
    answers["http://here/en/figures/stages.json"] = Answer(200, "text/html", page)
    assert "did not tell its figures" in refused(capsys, words[1:])
    assert cli.run([*words, "--language", "fr"]) == 0
    told = capsys.readouterr().out.splitlines()[-2]
    assert told == "183 codes\u202f: présent 0, absent 7, pas encore vérifiable 175, aucune sonde 1."


def test_features_need_a_portal_that_answers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = refused(capsys, ["features", "--portal", "http://localhost:1"])
    assert "did not tell its figures (nobody answers there)" in told
    for error, why in (
        (requests.ReadTimeout(), "the answer did not come in time"),
        (requests.exceptions.MissingSchema(), "this is no address of a server"),
        (requests.exceptions.SSLError(), "what answers there does not prove its name"),
        (TooLong(), "what it answers is not what a portal tells"),
    ):
        session = Mock(get=Mock(side_effect=error))
        with pytest.raises(OSError) as raised:  # noqa: PT011 - which one it is makes the words
            visit("http://localhost:1", session)
        assert proofs.why(raised.value) == why
    asked = ["features", "--portal", "http://localhost:1", "--world", str(tmp_path)]
    assert "no list of features" in refused(capsys, asked)
