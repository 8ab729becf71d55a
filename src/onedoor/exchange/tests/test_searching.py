"""The search of the catalogue, which is anybody's: what it costs does not grow with the words that are typed."""

import pytest
from django.test import RequestFactory

from onedoor.exchange.descriptions import Description, Offered, shelf
from onedoor.exchange.pages import catalogue

KNOWN = [
    Offered(f"VN/GOV/G01/POPULATION/{code}", "Ministry", "Population", "OPENAPI", (), told)
    for code, told in (("people", Description({"": "Who lives where"}, "1", "", ())), ("homes", None))
]


@pytest.mark.parametrize(("query", "found"), [("", 2), ("homes", 1), ("WHO lives", 1), ("lives homes", 0)])
def test_each_word_is_looked_for_and_each_service_is_folded_once(
    monkeypatch: pytest.MonkeyPatch, query: str, found: int
) -> None:
    folded = []
    monkeypatch.setattr(shelf, "services", lambda: (1, KNOWN))
    monkeypatch.setattr(catalogue, "fold", lambda text: (folded.append(text), text.casefold())[1])
    typed = " ".join([query] * 20)
    assert len(catalogue._found(RequestFactory().get("/", {"q": typed}))[2]) == found
    assert len(folded) <= 1 + len(KNOWN)
