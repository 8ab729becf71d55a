"""The operator's page and the catalogue of services, over a real gateway; signed in as people of the demonstration."""

import csv
import io
import re
import time
from collections.abc import Iterator
from typing import Any

import lxml.html
import pytest
from django.test import Client

from onedoor.exchange import descriptions, service
from onedoor.exchange.pages import catalogue, plots
from onedoor.exchange.tests.conftest import place
from onedoor.exchange.tests.nation import Place, System, system_of, wait_for
from onedoor.kernel import settings

__all__ = ["place"]
pytestmark = pytest.mark.django_db
POPULATION = "VN/GOV/G01/POPULATION/population"
DOCUMENT = b"""{"openapi": "3.0.0",
"info": {"title": "The people's <register>", "x-name": {"fr": "Le <registre>"},
"version": "7.1", "description": "Facts"},
"paths": {"/lookup": {"post": {}}, "/people/{number}": {"get": {}}}}"""


@pytest.fixture
def described(place: Place) -> Iterator[System]:
    with system_of(place, "G01") as system:
        system.reply = lambda _: (200, DOCUMENT, "")
        yield system


@pytest.fixture(autouse=True)
def at_the_portal(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ask as the portal does, through its own gateway."""
    for name in ("GATEWAY_URL", "TLS_KEY", "TLS_CERT", "TLS_TRUST", "SUBSYSTEM", "MEMBER"):
        monkeypatch.setenv(f"ONEDOOR_{name}", place.environments["portal-web"][f"ONEDOOR_{name}"])
    monkeypatch.setenv("ONEDOOR_DEMONSTRATION", "yes")
    monkeypatch.setattr(descriptions, "shelf", descriptions.Shelf())
    monkeypatch.setattr("onedoor.exchange.pages.catalogue.shelf", descriptions.shelf)
    settings.current.cache_clear()
    service._connections.cache_clear()
    yield
    service._connections().close()
    service._connections.cache_clear()
    monkeypatch.undo()
    settings.current.cache_clear()


def page(client: Client, path: str, language: str = "en") -> tuple[int, str, Any]:
    answer = client.get(f"/{language}/{path}")
    tree = lxml.html.document_fromstring(answer.content.decode())
    return answer.status_code, " ".join(" ".join(tree.xpath("//main")[0].itertext()).split()), tree


def sign_in(persona: str) -> Client:
    client = Client()
    client.post("/en/sign-in", {"persona": persona})
    return client


@pytest.mark.parametrize(("persona", "status"), [("operator-22", 200), ("assessor-1", 403), ("mother", 403)])
def test_only_who_operates_the_gateway_sees_how_it_works(persona: str, status: int) -> None:
    assert page(sign_in(persona), "desk/operation")[0] == status
    assert sign_in(persona).get("/en/desk/operation/faults.csv").status_code == status


def test_an_operator_sees_traffic_faults_and_what_ends(place: Place) -> None:
    operator = sign_in("operator-22")
    status, said, _ = page(operator, "desk/operation?period=hour", "fr")
    assert (status, "Aucun message pendant cette période" in said) == (200, True)
    with system_of(place, "G01"):
        client = place.client()
        place.ask(client=client)
        place.ask(client=client, Onedoor_Purpose="curiosity")
        client.close()
    wait_for(lambda: "2 messages, 1 fault of the exchange" in page(operator, "desk/operation")[1], "both messages")
    _, said, tree = page(operator, "desk/operation?period=hour")
    assert "VN/GOV/G22/GATEWAY" in said
    assert "POPULATION/population Ministry of Public Security Asked from here 2 1" in said
    assert "Server.ServerProxy.AccessDenied 1" in said
    assert "Certificate: TLS towards other gateways" in said
    assert "days left" in said
    _shows_the_rest(said)
    assert len(tree.xpath("//main//figure//svg")) == 4  # two plots, each for a screen and for a phone
    assert not tree.xpath("//main//*[@style]")
    assert tree.xpath("//nav//a[@aria-current='page']")[0].text_content() == "Operation"
    given = operator.get("/en/desk/operation/services.csv?period=hour")
    (row,) = csv.DictReader(io.StringIO(given.content.decode()))
    assert (row["name"], row["count"], row["faults"]) == (POPULATION, "2", "1")
    assert given["content-disposition"] == 'attachment; filename="operation-G22-services-hour.csv"'
    assert operator.get("/en/desk/operation/secrets.csv").status_code == 404
    assert operator.get("/en/desk/operation?period=century").status_code == 404


def _shows_the_rest(said: str) -> None:
    """Hold the sections whose figures are of this moment: members and how long they took, batches, ends and log."""
    took = r"( \d[\d.]*){3}"  # p50, p95 and p99
    for part in (
        rf"POPULATION/population Ministry of Public Security Asked from here 2 1{took}",
        rf"By member at the other end .* VN/GOV/G01 Ministry of Public Security Asked from here 2 1{took}",
        r"Messages in a batch, at most Share Batches Messages 1 2 2 4 0 0",
        r"Signed configuration of the exchange \d[^:]*:\d\d [ap]m In force",
        r"Room for the log: [\d.,]+ \w+ of [\d.,]+ \w+ are free \d+ % of the disk are taken",
        r"The message log has [\d.]+ \w+ of it",
    ):
        assert re.search(part, said), part


def test_anyone_finds_the_services_of_the_exchange_and_how_they_describe_themselves(described: System) -> None:
    anybody = Client()
    wait_for(lambda: "The people's <register>" in page(anybody, "exchange-services?q=register")[1], "a title")
    _, said, tree = page(anybody, "exchange-services?q=cong+AN+population")  # words of any language, without accents
    assert POPULATION in said
    assert all("G01" in one.get("href") for one in tree.xpath("//main//ul[@class='links']//a"))
    _shows_titles(anybody)
    _, said, _ = page(anybody, f"exchange-services/{POPULATION}", "vi")
    assert "POST /lookup" in said
    assert "GET /people/*" in said
    assert "Cổng Dịch vụ công quốc gia" in said
    assert "Điền sẵn tờ khai" in said
    assert page(anybody, "exchange-services/VN/GOV/G01/POPULATION/none")[0] == 404
    rows = anybody.get(f"/en/exchange-services.json?q={POPULATION}").json()["services"]
    (row,) = [one for one in rows if one["service"] == POPULATION]
    assert (row["version"], row["endpoints"]) == ("7.1", ["POST /lookup", "GET /people/*"])
    assert "VN/GOV/G22/PORTAL" in row["clients"]
    table = list(csv.DictReader(io.StringIO(anybody.get("/en/exchange-services.csv").content.decode())))
    assert len(table) > 20
    assert anybody.get("/en/exchange-services.xml").status_code == 404
    assert catalogue._cell(" \t=1+1") == "' \t=1+1"


def _shows_titles(anybody: Client) -> None:
    """Hold that a title is in the reader's language where its provider says it, and as it stands for all others."""
    for language, title in (("fr", "Le <registre>"), ("vi", "The people's <register>")):
        assert title in page(anybody, "exchange-services?q=registre", language)[1]
        assert page(anybody, f"exchange-services/{POPULATION}", language)[2].xpath("//h1")[0].text_content() == title
        rows = anybody.get(f"/{language}/exchange-services.json?q={POPULATION}").json()["services"]
        assert title in [one["title"] for one in rows]


def test_a_search_without_results_and_providers_that_are_away_are_said(place: Place) -> None:
    started = time.monotonic()
    _, said, _ = page(Client(), "exchange-services?q=xyzzy")
    assert time.monotonic() - started < descriptions.WITHIN + 5
    assert "We found no service for “xyzzy”" in said
    _, said, _ = page(Client(), f"exchange-services/{POPULATION}")
    assert "Its system does not answer at the moment" in said


def test_a_gateway_that_is_away_is_said_on_both_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    operator = sign_in("operator-22")
    service._connections.cache_clear()
    monkeypatch.setenv("ONEDOOR_GATEWAY_URL", "https://127.0.0.1:9")
    settings.current.cache_clear()
    for client, path in ((operator, "desk/operation"), (Client(), "exchange-services")):
        assert page(client, path)[0] == 503


def test_a_plot_has_gaps_where_nothing_was_and_marks_what_is_alone() -> None:
    drawn = plots.lines([plots.Line("p50", [1.0, 2.0, None, 4.0], "red")], ["8", "9"], 4.0, ["0", "4"])
    assert drawn.count("<polyline") == drawn.count("<circle") == 2  # one of each, for a screen and for a phone
    assert "<script>" not in plots.bars([1], [0], ["<script>", "9"], ["0", "1"])
