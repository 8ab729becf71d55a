"""Who read my data, where a system answers what it was not asked for, or what no page can show."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from onedoor.exchange import service as exchange
from onedoor.exchange.connections import Response
from onedoor.exchange.service import Answer, Call
from onedoor.privacy import asking, own
from onedoor.privacy.rules import Reader

pytestmark = pytest.mark.django_db
MOTHER = "001196204817"
OLD, NEW = "11111111-1111-4111-9111-111111111111", "99999999-9999-4999-9999-999999999999"
VIEW: dict[str, Any] = {
    "record": NEW,
    "moment": "2026-11-30T10:00:00+00:00",
    "by_agency": "x",
    "by_user": "y",
    "register": "r",
    "operation": "read",
    "purpose": "p",
    "basis": "b",
    "fields": ["a"],
    "refused": False,
    "case": "",
    "agency_text": {"en": "<b>Who</b>"},
    "register_text": {"en": "R"},
    "purpose_text": {},
    "basis_text": {"en": "B"},
    "law": "",
    "field_texts": [{"en": "F"}],
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, Any]]]:
    """Give the reads that the first systems answer; all others have none."""
    views: list[list[dict[str, Any]]] = []

    def ask_each(calls: list[Call], *, timeout: float) -> Iterator[Answer | Exception]:
        for number, call in enumerate(calls):
            body = json.dumps({"reads": views[number] if number < len(views) else []}).encode()
            yield exchange._answer(call, Response(200, {"content-type": "application/json", "x-road-id": "m"}, body))

    monkeypatch.setattr(exchange, "ask_each", ask_each)
    return views


@pytest.fixture
def answered(answers: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Give the one read that the first system answers, whatever it is asked; all others have none."""
    answers.append([dict(VIEW)])
    return answers[0][0]


def page(query: str = "", kind: str = "") -> str:
    client = Client()
    client.post("/en/sign-in", {"persona": "mother"})
    response = client.get(f"/en/reads{kind}{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.usefixtures("answered")
def test_words_of_another_system_are_text_and_no_markup() -> None:
    assert "&lt;b&gt;Who&lt;/b&gt;" in page()


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("kind", ["", ".csv", ".json"])
def test_a_moment_on_no_day_of_ours_is_no_answer_and_the_other_systems_are_shown(
    answered: dict[str, Any], moment: str, kind: str
) -> None:
    answered["moment"] = moment
    said = page(kind=kind)
    assert "Who" not in said.replace("Who read", "")
    assert kind or "Some agencies do not answer" in said


@pytest.mark.usefixtures("answered")
def test_what_is_newer_than_what_was_asked_for_stands_on_no_older_page() -> None:
    assert NEW in page()
    assert NEW not in page(f"?before={OLD}")


@pytest.mark.parametrize("newer", [0, 8, 9])
@pytest.mark.parametrize("kind", ["", ".csv", ".json"])
def test_no_system_hides_what_another_recorded_by_naming_the_same_record(
    answers: list[list[dict[str, Any]]], newer: int, kind: str
) -> None:
    same = [{**VIEW, "record": OLD, "agency_text": {"en": name}} for name in ("One", "Another", "A third")]
    answers += [[one] for one in same]
    answers[0] += [{**VIEW, "record": f"{number:08d}{NEW[8:]}"} for number in range(99999990, 99999990 + newer)]
    found = page(kind=kind)
    assert all(one["agency_text"]["en"] in found for one in same)


def test_a_look_by_nobody_in_particular_is_found_once() -> None:
    own.look(Reader("VN/GOV/G22/PORTAL", "", "own-reads", "l91-2025"), MOTHER)
    assert len(own.reads_of_person(MOTHER, own.Wanted(looks=True))) == 1


GOOD = {"agency": "police-00199", "month": "2026-12", "reads": 2, "postponed": 1}


@pytest.mark.parametrize("odd", [{"agency": {}}, {"reads": "2"}, {"month": 7}, {"month": "soon"}, {"postponed": None}])
def test_counts_of_sealed_reads_that_cannot_be_read_are_no_answer(
    monkeypatch: pytest.MonkeyPatch, odd: dict[str, object]
) -> None:
    def ask_each(calls: list[Call], *, timeout: float) -> Iterator[Answer | Exception]:
        for number, call in enumerate(calls):
            body = json.dumps({"counts": [GOOD | odd] if number else [GOOD]}).encode()
            yield exchange._answer(call, Response(200, {"content-type": "application/json", "x-road-id": "m"}, body))

    monkeypatch.setattr(exchange, "ask_each", ask_each)
    asking.sealed_counts.cache_clear()
    response = Client().get("/en/sealed-reads")
    asking.sealed_counts.cache_clear()
    assert response.status_code == 200
    said = response.content.decode()
    assert "12/2026" in said
    assert "Some agencies do not answer" in said
