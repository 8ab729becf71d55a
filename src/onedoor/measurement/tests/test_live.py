"""An index of agencies: computed from counts, shown in three languages, taken along, refused in words."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import lxml.html
import pytest
from django.test import Client

from onedoor.kernel import clock, nation, settings
from onedoor.kernel.nation import present, versions
from onedoor.measurement import counting, levels, national, readings, stocks, telling
from onedoor.measurement.tests.test_counting import COMMUNE, DAY, at, done, taken_on
from onedoor.measurement.world import Definition

INDEX = "decision-766"
PAGE = f"figures/indices/{INDEX}"
GOAL = "goal: 0.8\n        numerator: received_reusing\n"
WORDS = {"vi": "Không đo được", "en": "not measured", "fr": "non mesuré"}


@pytest.fixture
def counted(transactional_db: None) -> Iterator[None]:
    """Count ten dossiers: nine settled, eight of them on time, six that reused facts of the population database."""
    with clock.freeze(at(DAY, 12)):
        stocks.take()
        for number in range(10):
            counting.count_taking_on(taken_on(DAY, COMMUNE, *(["population"] if number < 6 else [])))
        for number in range(9):
            counting.count_settling(done(DAY, on_time=number < 8, result="paper" if number < 3 else ""))
        yield


def live(name: str = INDEX, day_off: int = 0) -> national.Live:
    country = nation.current()
    on = DAY - timedelta(days=day_off)
    return readings.live(national.asked(country, name, levels.whose(country, "agency", COMMUNE, on), on))


@pytest.mark.usefixtures("counted")
def test_the_index_is_its_definition_and_what_was_counted() -> None:
    found = {one.data["id"]: one for one in live().indicators}
    assert found["on-time"].counts == (8, 9)
    assert found["on-time"].score.points == 20 * Fraction(8, 9)
    assert found["results"].score.points == 6 * Fraction(1, 3)
    assert found["reuse"].score.points == 2 * Fraction(6, 10) / Fraction("0.8")  # below the threshold of 80 %
    assert found["connected"].score.points == 2
    assert found["average"].value == 90
    assert found["average"].score.most == 0
    unmeasured = {name for name, one in found.items() if not one.measured}
    assert {"announced", "payable", "paid", "answered", "content-procedures", "filed"} <= unmeasured
    whole = live().score
    assert whole.most == 100
    assert whole.measured == sum(one.part.weight for one in found.values() if one.measured) == 46
    assert whole.points == sum(one.score.points for one in found.values())


@pytest.mark.usefixtures("counted")
def test_what_is_not_measured_says_why_and_is_null() -> None:
    told = telling.plain(live(), "en", str)
    one = {one["id"]: one for group in told["groups"] for one in group["indicators"]}
    assert one["answered"] | {"points": None, "value": None, "measured": False} == one["answered"]
    assert one["answered"]["why_not"] == "The platform takes no petitions yet."
    assert one["payable"]["why_not"] == telling.NOTHING
    assert one["on-time"]["value"] == "0.8889"
    assert one["on-time"]["points"] == "17.78"
    assert one["on-time"]["numerator"] == {"measure": "settled_on_time_asked_once", "count": 8}
    assert one["whole"]["illustrative"]
    assert told["illustrative"]
    assert (told["of_measured"], told["of"], told["counted_since"]) == (46, 100, DAY.isoformat())
    before = telling.plain(live(day_off=1), "en", str)
    assert (before["points"], before["of_measured"]) == (None, 0)


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("language", ["vi", "en", "fr"])
@pytest.mark.parametrize("whose", [f"whose={COMMUNE}", "whose=unit:01", "whose=level:central", ""])
def test_the_page_speaks_its_language_and_opens_down_to_the_counts(client: Client, language: str, whose: str) -> None:
    answer = client.get(f"/{language}/{PAGE}?{whose}")
    assert answer.status_code == 200
    tree = lxml.html.document_fromstring(answer.content.decode())
    assert len(tree.xpath("//h1")) == 1
    assert len(tree.xpath("//tbody")) == 6
    assert WORDS[language].lower() in tree.text_content().lower()
    assert ("17.78" if language == "en" else "17,78") in tree.text_content() or "central" in whose
    for link in tree.xpath("//a[@download]/@href"):
        assert client.get(link).status_code == 200


@pytest.mark.usefixtures("counted")
def test_json_and_csv_hold_the_same(client: Client) -> None:
    whole = json.loads(client.get(f"/en/{PAGE}/json?whose={COMMUNE}").content)
    assert whole == telling.plain(live(), "en", str)
    rows = list(csv.DictReader(io.StringIO(client.get(f"/en/{PAGE}/csv?whose={COMMUNE}").content.decode())))
    indicators = [one for group in whole["groups"] for one in group["indicators"]]
    assert [row["value"] for row in rows] == [one["value"] or "" for one in indicators]
    assert {row["agency"] for row in rows} == {COMMUNE}
    on_time = next(row for row in rows if row["id"] == "on-time")
    assert (on_time["numerator_count"], on_time["denominator_count"]) == ("8", "9")


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("whose=commune-00198", 404, "The nearest is commune-00199"),
        ("whose=level:moon", 404, "No agency works on the level “moon”"),
        ("whose=unit:99", 404, "No agency works in a unit “99” or below it"),
        ("whose=moon:commune-00199:x", 404, "no agency “x”"),
        ("on=yesterday", 400, "“yesterday” is not a day"),
        ("on=2026-12-24", 400, "lies ahead"),
        ("on=2026-11-10&known=2026-11-09", 400, "which is later"),
        ("on=2020-01-01", 400, "first edition"),
    ],
)
def test_the_page_refuses_in_words(client: Client, query: str, status: int, says: str) -> None:
    answer = client.get(f"/en/{PAGE}?{query}")
    assert answer.status_code == status
    assert says in answer.content.decode()


def test_the_engine_knows_no_country() -> None:
    country = nation.load(settings.REPOSITORY / "nations" / "testland")
    with clock.freeze(at(DAY)):
        whose = levels.whose(country, "agency", "town-N101", DAY)
        assert (whose.level, whose.stocks) == ("commune", ("kind:town",))
        asked = national.asked(country, "tl-care", whose, DAY)
        assert asked.start == DAY.replace(day=1)
        counts = {"settled": 10, "settled_on_time": 8, "received": 10, "received_reusing.bicycles": 5}
        found = national.computed(asked, counts, DAY)
    assert found.score.points == 4 * Fraction(8, 10) / Fraction("0.9") + 2
    assert (found.score.measured, found.score.most) == (8, 10)


@pytest.mark.parametrize(
    ("length", "start"), [("month", date(2026, 11, 1)), ("quarter", date(2026, 10, 1)), ("year", date(2026, 1, 1))]
)
def test_a_period_begins_with_its_first_day(length: str, start: date) -> None:
    country = nation.current()
    definition = Definition("x", {"period": {"length": length}})
    asked = national.Question(definition, levels.whose(country, "agency", COMMUNE, DAY), DAY, DAY, 2026)
    assert asked.start == start


def test_a_day_keeps_the_edition_that_held_then(monkeypatch: pytest.MonkeyPatch) -> None:
    editions = [{"edition": 2022, "published": "2022-06-23"}, {"edition": 2026, "published": "2026-11-10"}]
    definition = Definition("x", {"name": {"en": "X"}, "editions": editions})
    monkeypatch.setattr(national, "index_called", lambda *_: definition)
    country = nation.current()
    whose = levels.whose(country, "agency", COMMUNE, DAY)
    with clock.freeze(at(DAY)):
        assert national.asked(country, "x", whose, DAY).year == 2026
        assert national.asked(country, "x", whose, DAY - timedelta(days=1)).year == 2022


@pytest.mark.usefixtures("counted")
def test_what_was_known_on_a_day_is_read_by_the_definition_of_that_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, folder = tmp_path / "files", tmp_path / "versions"
    shutil.copytree(settings.REPOSITORY / "nations" / "vietnam", source, ignore=shutil.ignore_patterns("fonts"))
    versions.bring_in(folder, source, "Ada", running=False)
    file = source / "indices" / f"{INDEX}.yaml"
    text = file.read_text("utf-8")
    assert GOAL in text
    file.write_text(text.replace(GOAL, GOAL.replace("0.8", "0.4")), "utf-8")
    here = replace(settings.current(), nation=folder)
    monkeypatch.setattr(settings, "current", lambda: here)
    monkeypatch.setattr(present, "_last", {})
    with clock.freeze(at(DAY + timedelta(days=2), 12)):
        versions.bring_in(folder, source, "Bob", running=True)
    with clock.freeze(at(DAY + timedelta(days=4), 12)):
        country = nation.current()
        whose = levels.whose(country, "agency", COMMUNE, DAY)
        days = (None, DAY + timedelta(days=2), DAY + timedelta(days=1))
        found = [readings.live(national.asked(country, INDEX, whose, DAY, known)) for known in days]
        reuse = [next(one for one in live.indicators if one.data["id"] == "reuse").score.points for live in found]
    assert reuse == [2, 2, 2 * Fraction(6, 10) / Fraction("0.8")]
