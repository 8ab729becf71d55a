"""The board of stages: by definition, as proved, and what real cases show."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from onedoor.cases.tests.conftest import NOW
from onedoor.cases.tests.story import BIRTH
from onedoor.kernel import nation
from onedoor.kernel.ids import uuid7
from onedoor.measurement import board
from onedoor.measurement.models import Ended, Run
from onedoor.procedures import service as procedures

pytestmark = pytest.mark.django_db
DIGEST = procedures.digest(procedures.in_force(BIRTH, NOW.date()))
SHOWN = ["delivery", "form", "handling", "information", "interactive", "originals", "payment", "reuse", "submission"]


def passed(
    digest: str = DIGEST,
    *,
    shown: list[str] = SHOWN,
    passed: bool = True,
    case: str = "2612-AAAA-A1",
    results: tuple[str, ...] = ("birth_certificate",),
) -> Run:
    return Run.objects.create(
        service=BIRTH, persona="mother", by="operator", announced_at=NOW, case=case, version="2026-09-01",
        results=list(results),
        digest=digest, ended_at=NOW, passed=passed, shown=shown, faults=[] if passed else [["result", "birth"]],
        entry=str(uuid7()),
    )  # fmt: skip


def text(path: str) -> str:
    response = Client().get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("\u202f", " ").replace("\xa0", " ").split())


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Let no board be kept from other tests, whose runs are not those of this one."""
    board._board.cache_clear()


def row(scale: str = "vn-2026") -> board.Row:
    board._board.cache_clear()
    scales = [one for one in procedures.scales() if one.id == scale]
    return board.board(NOW.date(), scales, "en").rows[0]


def test_without_a_run_a_level_is_by_definition_only() -> None:
    found = row()
    assert (found.standing.level, found.proved, found.run, found.earlier) == (2, 0, None, False)
    assert "No run yet: by definition only." in text("/en/figures/stages")


def test_a_run_proves_the_definition_it_ran_on_and_no_other() -> None:
    passed("0" * 64)
    assert (row().proved, row().earlier) == (0, True)
    assert "A run passed on an earlier definition" in text("/en/figures/stages")
    assert "another definition than the one in force" in text(f"/en/figures/stages/{BIRTH}")
    Run.objects.update(digest=DIGEST)
    assert (row().proved, row().earlier) == (2, False)


def test_a_run_that_did_not_pass_proves_nothing_and_says_why() -> None:
    passed(shown=[], passed=False)
    assert row().proved == 0
    assert "The result of the step “birth” is not there" in text(f"/en/figures/stages/{BIRTH}")


def test_what_a_run_did_not_show_keeps_the_proved_level_down() -> None:
    passed(shown=["submission"])
    assert (row().proved, row("vn-2011").proved) == (1, 0)
    assert "Not shown by the run: what a person must know is told;" in text(f"/en/figures/stages/{BIRTH}")


def test_the_share_is_exact_and_by_day() -> None:
    Ended.objects.create(service=BIRTH, day=date(2026, 12, 4), ended=2, away=1)
    Ended.objects.create(service=BIRTH, day=date(2026, 12, 7), ended=1, away=1)
    share = board.shares([BIRTH])[BIRTH]
    assert (share.away, share.ended, share.percent) == (2, 3, Decimal("66.7"))
    assert [day.day for day, _ in board.told(BIRTH, 31).days] == [7, 4]
    assert "2 of 3" in text("/en/figures/stages")
    assert "66,7 %" in text(f"/fr/figures/stages/{BIRTH}")


@pytest.mark.parametrize(
    ("language", "title", "proved"),
    [
        ("vi", "Dịch vụ công lên mạng đến đâu", "Đã chứng minh"),
        ("en", "How far services go online", "Proved"),
        ("fr", "Jusqu’où les services vont en ligne", "Prouvé"),
    ],
)
def test_everybody_reads_it_in_their_language(language: str, title: str, proved: str) -> None:
    passed()
    page = text(f"/{language}/figures/stages")
    assert f"<h1>{title}</h1>" in page
    assert f">{proved}</span>" in page
    assert "2612-AAAA-A1" in text(f"/{language}/figures/stages/{BIRTH}")


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("", 2),
        ("q=khai+sinh", 2),
        ("q=3.000722", 2),
        ("q=xe+hoi", 0),
        ("level=vn-2026:2", 1),
        ("level=vn-2026:1", 0),
        ("proof=yes", 0),
        ("proof=no", 2),
        ("scale=vn-2011", 1),
        ("scale=none&page=99", 2),
    ],
)
def test_lines_are_searched_and_filtered(query: str, lines: int) -> None:
    page = text(f"/en/figures/stages?{query}")
    assert page.count('<th scope="row">') == lines
    assert ("No service fits" in page) == (lines == 0)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five hundred services instead of one."""
    (one,) = [found for found in procedures.versions() if procedures.digest(found) == DIGEST]
    found = tuple(replace(one, id=f"vn.{n:03}", code=f"1.{n:06}") for n in range(500))
    monkeypatch.setattr(procedures, "versions", lambda: found)
    standings = board._standings(nation.current())
    monkeypatch.setattr(board, "_standings", lambda _country: standings)


@pytest.mark.usefixtures("many")
def test_five_hundred_services_stay_readable() -> None:
    page = text("/en/figures/stages?level=vn-2026:2&page=20")
    assert page.count('<th scope="row">') == 25
    assert "500 lines" in page
    assert "?page=19&amp;level=vn-2026%3A2" in page
    assert "0 of 500" in page


def test_rows_can_be_taken_away() -> None:
    passed()
    found = Client().get("/en/figures/stages.json").json()
    proactive, whole = sorted(found["stages"], key=lambda one: one["level"])
    assert (whole["level"], whole["proved"]["level"], whole["proved"]["unshown"]) == (2, 2, [])
    assert (proactive["level"], proactive["reasons"][0]["condition"]) == (0, "remind")
    lines = list(csv.DictReader(io.StringIO(Client().get("/vi/figures/stages.csv").content.decode())))
    assert [line["case"] for line in lines] == ["2612-AAAA-A1"] * 2
    assert Client().get("/en/figures/stages.xml").status_code == 404


def test_a_service_there_is_not() -> None:
    assert Client().get("/en/figures/stages/vn.none").status_code == 404
