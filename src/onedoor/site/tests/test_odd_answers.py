"""A person's pages over several agencies, where one answers what cannot be read: it is named as silent, no more."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.test import Client

from onedoor.exchange import service as exchange
from onedoor.exchange.connections import Response
from onedoor.exchange.service import Answer, Call

pytestmark = pytest.mark.django_db
CORRECTION = {"code": "2612-AAAA-AA", "field": "full_name", "state": "open", "due": "2026-12-01T00:00Z", "words": ""}
REQUEST = {
    "code": "2612-AAAA-AA",
    "right": "erase",
    "purpose": "",
    "state": "open",
    "asked": "2026-11-01T00:00Z",
    "due": "2026-12-01T00:00Z",
    "extended": False,
    "complete_on": "",
    "article": "",
    "answer": "",
    "reason": "",
}
NO_DAYS = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-12-01T00:00:00", "soon", 7, None]


def answer(monkeypatch: pytest.MonkeyPatch, bodies: Sequence[Any]) -> None:
    """Have the systems that are asked answer *bodies*, one after another, and all others the last."""

    def ask_each(calls: Sequence[Call], *, timeout: float = 10.0) -> Iterator[Answer | Exception]:
        for number, call in enumerate(calls):
            body = json.dumps(bodies[min(number, len(bodies) - 1)]).encode()
            yield exchange._answer(call, Response(200, {"content-type": "application/json", "x-road-id": "m"}, body))

    monkeypatch.setattr(exchange, "ask_each", ask_each)


def page(path: str) -> str:
    client = Client()
    client.post("/en/sign-in", {"persona": "mother"})
    response = client.get(f"/en/{path}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("path", "name", "good"), [("corrections/", "corrections", CORRECTION), ("my-data", "requests", REQUEST)]
)
@pytest.mark.parametrize("odd", [[], {}, 7, *NO_DAYS])
def test_what_became_of_what_one_asked(
    monkeypatch: pytest.MonkeyPatch, path: str, name: str, good: dict[str, Any], odd: Any
) -> None:
    bad = {name: [good, {**good, "due": odd}]} if odd in NO_DAYS else odd
    answer(monkeypatch, [bad])
    said = page(path)
    assert "do not answer" in said
    assert good["code"] not in said, "nothing of an answer that breaks off"
    answer(monkeypatch, [{name: [good]}])
    assert good["code"] in page(path)


@pytest.mark.parametrize("odd", [[], {}, 7, {"records": [7]}, {"records": 7}])
def test_what_the_registers_say_now_of_each_fact(monkeypatch: pytest.MonkeyPatch, odd: Any) -> None:
    answer(monkeypatch, [odd, {"records": []}])
    said = page("corrections/new")
    assert "do not answer" in said
    assert "Which fact about you is wrong" in said
