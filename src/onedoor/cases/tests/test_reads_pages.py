"""Who read for a case, page by page: each read stands on one page, in three languages; programs get all of them."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from onedoor.cases import service
from onedoor.cases.tests.conftest import Transport
from onedoor.cases.tests.test_pages import Visitor, own_language, submitted, text
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call
from onedoor.privacy.service import Reads

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
PAGES = {
    "en": ("Pages", "Older reads", "Newest reads", "The newest 2 entries", "2 older entries"),
    "vi": ("Các trang", "Các lần đọc cũ hơn", "Các lần đọc mới nhất", "2 lượt mới nhất", "2 lượt cũ hơn"),
    "fr": (
        "Pages",
        "Lectures plus anciennes",
        "Lectures les plus récentes",
        "Les 2 entrées les plus récentes",
        "2 entrées plus anciennes",
    ),
}


def records(tree: Any) -> list[str]:
    return [str(one.text) for one in tree.xpath("//main//details//span[contains(@class, 'num')]")]


def every_record(visitor: Visitor, code: str) -> list[str]:
    return [one["record"] for one in json.loads(visitor.client.get(f"/api/cases/{code}/reads").content)["reads"]]


@pytest.mark.parametrize("language", PAGES)
def test_every_read_of_a_case_stands_on_one_page_and_links_lead_from_page_to_page(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "READS_PER_PAGE", 2)
    pages, older, newest, first, later = PAGES[language]
    code = submitted(Visitor("mother"))
    mother = Visitor("mother", language)
    tree, seen = mother.get(f"cases/{code}/reads"), []
    assert first in text(tree)
    while True:
        found = records(tree)
        assert len(found) <= 2
        seen += sorted(found, reverse=True)
        links = tree.xpath("//nav[@class='pages mt4' and @aria-label=$pages]//a[@rel='next']", pages=pages)
        if not links:
            break
        assert links[0].text == older
        tree = mother.get(f"cases/{code}/reads{links[0].get('href')}")
        back = tree.xpath("//nav[@aria-label=$pages]//a[@rel='first']", pages=pages)
        assert (back[0].text, back[0].get("href")) == (newest, f"/{language}/cases/{code}/reads")
        if len(records(tree)) == 2:
            assert later in text(tree)
    assert len(seen) > 4
    assert seen == sorted(every_record(mother, code), reverse=True)


def test_a_case_whose_reads_stand_on_one_page_has_no_links_to_others() -> None:
    mother = Visitor("mother")
    code = submitted(mother)
    tree = mother.get(f"cases/{code}/reads")
    assert not tree.xpath("//nav[contains(@class, 'pages')]")
    count = int(re.search(r"(\d+) entries so far", text(tree))[1])  # type: ignore[index]
    assert count == len(records(tree)) == len(every_record(mother, code)) > 4


def test_a_page_after_the_oldest_read_or_none_at_all_is_no_fault() -> None:
    mother = Visitor("mother")
    code = submitted(mother)
    first = min(every_record(mother, code))
    tree = mother.get(f"cases/{code}/reads?before={first}")
    assert not records(tree)
    assert "Nobody has read anything yet" not in text(tree)
    assert tree.xpath("//nav//a[@rel='first']")
    assert records(mother.get(f"cases/{code}/reads?before=nothing"))


def test_an_agency_is_asked_for_one_page(transport: Transport) -> None:
    mother = Visitor("mother")
    code = submitted(mother)
    transport.carried.clear()
    mother.get(f"cases/{code}/reads")
    asked = [call.body for call in transport.carried if call.path == "of-case"]
    assert asked
    wanted = {(body["most"], body["language"]) for body in asked}  # type: ignore[index]
    assert wanted == {(service.READS_PER_PAGE + 1, "en")}


def test_an_agency_that_tells_all_whatever_is_asked_brings_no_read_onto_two_pages(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "READS_PER_PAGE", 2)
    mother = Visitor("mother")
    code, carry = submitted(mother), transport.carry
    monkeypatch.setattr(transport, "carry", lambda call: carry(replace(call, body={"case": code})))
    newest, second = (records(mother.get(f"cases/{code}/reads{more}")) for more in ("", f"?before={UUID(int=0)}"))
    assert (len(newest), second) == (2, [])
    older = records(mother.get(f"cases/{code}/reads?before={min(newest)}"))
    assert older
    assert max(older) < min(newest)


def test_a_record_that_several_systems_answer_is_shown_of_each_of_them_on_one_page(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "READS_PER_PAGE", 2)
    mother = Visitor("mother")
    code = submitted(mother)
    before = every_record(mother, code)

    def all_of_all(calls: Iterable[Call], *, timeout: float) -> list[Any]:
        answers = list(transport.ask_each(calls, timeout=timeout))
        told = Reads(tuple(one for answer in answers for one in answer.body.reads))
        return [replace(answer, body=told) for answer in answers]

    monkeypatch.setattr(exchange, "ask_each", all_of_all)
    systems = len(every_record(mother, code)) // len(before)
    assert systems > 1
    assert sorted(every_record(mother, code)) == sorted(before * systems)
    seen, more = [], ""
    for _page in range(len(before)):
        seen += (found := records(mother.get(f"cases/{code}/reads{more}")))
        more = f"?before={min(found)}" if found else more
    assert sorted(seen) == sorted(before * systems)
