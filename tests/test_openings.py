"""Whatever opens envelopes to answer leaves a record of a use, or stands in tests/openings.yaml with a reason."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import get_resolver, path

from onedoor.kernel.access import PUBLIC, access
from onedoor.privacy import records
from onedoor.privacy.rules import READ, Reader
from onedoor.store import sealed
from onedoor.store.sealed import Place
from tests import openings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
PERSON = "001196204817"
PLACE = Place("cases_dossier", "body", "1")
ENVELOPES: list[bytes] = []


def shown(_request: HttpRequest, kind: str) -> HttpResponse:
    """Show what is in an envelope, in one of several ways."""
    if kind == "recorded":
        records.allowed(
            Reader("VN/GOV/G22/PORTAL", "one", "own-case", "l91-2025", "c"), "cases/x", READ, ["a"], [PERSON]
        )
    if kind == "again":
        sealed.still_opens(ENVELOPES[0])
        return HttpResponse("from memory")
    return HttpResponse(sealed.unseal(ENVELOPES[0], place=PLACE), status={"refused": 403, "typed": 422}.get(kind, 200))


urlpatterns = [path("shown/<slug:kind>", access(PUBLIC)(shown))]


@pytest.fixture(autouse=True)
def envelope() -> Iterator[None]:
    ENVELOPES[:] = [sealed.seal("Trần Thu Hà", subject=PERSON, place=PLACE)]
    yield
    ENVELOPES.clear()


@pytest.mark.parametrize("kind", ["plain", "again", "typed"])
def test_a_request_that_opens_an_envelope_without_a_record_is_a_stray(kind: str, unrecorded: list[str]) -> None:
    Client().get(f"/shown/{kind}")
    assert unrecorded == ["GET shown/<slug:kind>: cases_dossier"]
    unrecorded.clear()


@pytest.mark.parametrize("kind", ["recorded", "refused"])
def test_one_with_a_record_or_that_tells_nothing_is_none(kind: str, unrecorded: list[str]) -> None:
    Client().get(f"/shown/{kind}")
    assert unrecorded == []


def test_every_listed_route_is_there_and_says_why() -> None:
    said = yaml.safe_load(openings.FILE.read_text("utf-8"))
    assert all(len(one["why"]) > 20 for one in said)
    named = [route for one in said for route in one["routes"]]
    assert len(named) == len(set(named))
    assert set(named) - {openings.ANY} <= routes(), "these are no more: take them out of tests/openings.yaml"


def routes() -> set[str]:
    """Return every route as it is listed: without a language before it."""
    return set(_below(get_resolver("onedoor.site.urls").url_patterns, ""))


def _below(patterns: Any, before: str) -> Iterator[str]:
    for one in patterns:
        whole = openings.LANGUAGE.sub("", before + str(one.pattern))
        yield from _below(one.url_patterns, whole) if hasattr(one, "url_patterns") else [whole]
