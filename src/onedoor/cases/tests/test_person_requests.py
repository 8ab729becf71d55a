"""The pages of requests: a person asks at the portal, an officer decides at the desk, the person is told."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import lxml.html
import pytest
from django.test import Client

from onedoor.identity import service as identity
from onedoor.identity.models import Account
from onedoor.kernel import nation
from onedoor.kernel.nation import present
from onedoor.notices.models import Notice
from onedoor.privacy.models import PersonRequest
from onedoor.privacy.service import NotPermitted, Reader, permit
from onedoor.privacy.tests.test_own import Transport, person, text
from onedoor.privacy.tests.test_own import transport as transport
from onedoor.store import keys
from onedoor.store.work import run_waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("transport")]
lasting = pytest.mark.django_db(transaction=True)
TESTLAND = Path(__file__).parents[4] / "nations" / "testland"
MOTHER, POLICE = "001196204817", "VN/GOV/G01/POPULATION"
INSURANCE = Reader("VN/GOV/G24/INSURANCE", "system", "insurance-upkeep", "l60-2024")


def tree(response: Any, status: int = 200) -> lxml.html.HtmlElement:
    assert response.status_code == status, response.content.decode()[:2000]
    found = lxml.html.document_fromstring(response.content.decode())
    ids = found.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert len(found.xpath("//h1")) == 1
    return found


def send(client: Client, right: str, where: str, words: str = "I do not want it.", **more: str) -> Any:
    return client.post(f"/en/my-data/ask/{right}", {"where": where, "words": words, **more})


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Your data and your rights", "acknowledged within 2 working days", "illustrative", "91/2025/QH15")),
        ("vi", ("Dữ liệu và quyền của bạn", "minh họa", "Bạn chưa yêu cầu gì")),
        ("fr", ("Vos données et vos droits", "à titre d’exemple", "Vous n’avez encore rien demandé")),
    ],
)
def test_the_rights_stand_in_words_with_clock_and_law(language: str, words: tuple[str, ...]) -> None:
    said = text(tree(person(language=language).get(f"/{language}/my-data"))).replace("\xa0", " ")
    assert not [one for one in words if one not in said]


def test_a_form_that_is_not_filled_in_says_what_is_missing_and_one_for_no_right_is_not_there() -> None:
    client = person()
    said = text(tree(send(client, "restrict", "", ""), 422))
    assert "Choose one of them." in said
    assert "Say why you ask." in said
    assert send(client, "restrict", "VN/GOV/G22/PORTAL").status_code == 422
    assert client.get("/en/my-data/ask/see").status_code == 404
    assert person("chief").get("/en/my-data").status_code == 403


def test_only_uses_that_may_be_stopped_are_offered() -> None:
    found = tree(person().get("/en/my-data/ask/object"))
    assert found.xpath("//input[@name='where']/@value") == [f"{POLICE} insurance-upkeep"]


@lasting
def test_from_the_form_to_the_gate_and_back(transport: Transport) -> None:
    client, chief = person(), person("chief")
    page = tree(client.get("/en/my-data/ask/object"))
    key = page.xpath("//input[@name='key']/@value")[0]
    for _again in range(2):
        assert send(client, "object", f"{POLICE} insurance-upkeep", key=key).status_code == 302
    request = PersonRequest.objects.get()
    assert "sent already" in text(tree(send(client, "restrict", POLICE, key=key), 422))
    assert "Being looked into" in text(tree(client.get("/en/my-data")))
    menu = tree(chief.get("/en/desk/requests"))
    assert request.code in text(menu)
    assert menu.xpath("//nav//a[contains(@href, '/desk/requests')]")
    assert not tree(person("residence").get("/en/desk/")).xpath("//nav//a[contains(@href, '/desk/requests')]")
    address = f"/en/desk/requests/{request.code}"
    assert MOTHER in text(tree(chief.get(address)))
    for wrong, said in (
        ({}, "Choose what is decided."),
        ({"decision": "refuse", "words": "no"}, "Name the article of law"),
        ({"decision": "extend"}, "Say why: the person reads it."),
    ):
        assert said in text(tree(chief.post(address, wrong), 422))
    assert chief.post(address, {"decision": "extend", "words": "We ask the ministry."}).status_code == 302
    assert "We ask the ministry." in text(tree(client.get("/en/my-data")))
    assert chief.post(address, {"decision": "grant", "words": "As you wish."}).status_code == 302
    assert "As you wish." in text(tree(chief.get(address)))
    with pytest.raises(NotPermitted):
        permit(INSURANCE, register="population", persons=[MOTHER])
    seen = text(tree(client.get("/en/reads")))
    assert "refused, because you have stopped this use of your data" in seen
    transport.client = POLICE
    run_waiting()
    transport.client = "VN/GOV/G22/PORTAL"
    notices = text(tree(client.get("/en/inbox")))
    for words in ("has received your request: To object to a purpose", "needs more time", "has granted your request"):
        assert words in notices
    assert Notice.objects.count() == 3
    assert client.post("/en/my-data/lift", {"system": POLICE, "code": request.code}).status_code == 302
    assert permit(INSURANCE, register="population", persons=[MOTHER])
    assert "Taken back" in text(tree(client.get("/en/my-data")))
    assert "Taken back" in text(tree(chief.get("/en/desk/requests")))


def test_another_person_neither_sees_nor_lifts_it() -> None:
    send(person(), "restrict", POLICE)
    code = PersonRequest.objects.get().code
    father = person("father")
    assert code not in text(tree(father.get("/en/my-data")))
    assert father.post("/en/my-data/lift", {"system": POLICE, "code": code}).status_code == 404
    assert father.get(f"/en/desk/requests/{code}").status_code == 403
    assert person("residence").get(f"/en/desk/requests/{code}").status_code == 404


def test_an_agency_that_does_not_answer_is_named_and_the_others_show(transport: Transport) -> None:
    client = person()
    send(client, "restrict", POLICE)
    transport.silent = {"VN/GOV/G18/HEALTH"}
    said = text(tree(client.get("/en/my-data")))
    assert "Ministry of Health" in said
    assert PersonRequest.objects.get().code in said


def test_an_erasure_that_a_register_forbids_says_so_at_the_desk() -> None:
    from onedoor.registers import service
    from onedoor.registers.tests.test_service import person as row

    service.load("population", [row(MOTHER, "Trần Thu Hà", "1996-05-14", "F")])
    client, chief = person(), person("chief")
    send(client, "erase", POLICE)
    address = f"/en/desk/requests/{PersonRequest.objects.get().code}"
    assert "keeps records about this person for good" in text(tree(chief.post(address, {"decision": "grant"}), 422))
    done = chief.post(address, {"decision": "refuse", "article": "26/2023/QH15", "words": "The register is kept."})
    assert done.status_code == 302
    assert "Refused on: 26/2023/QH15" in text(tree(client.get("/en/my-data")))


@lasting
def test_an_account_is_erased_once_its_person_types_the_word() -> None:
    client = person()
    account = str(Account.objects.get(persona="mother").pk)
    page = tree(client.get("/en/my-data/erase-account"))
    assert "This cannot be undone" in text(page)
    assert "Type the word ERASE" in text(tree(client.post("/en/my-data/erase-account", {"word": "yes"}), 422))
    said = text(tree(client.post("/en/my-data/erase-account", {"word": " erase "})))
    assert re.search(r"complete on \d+ \w+ \d{4}", said)
    assert keys.live(account) is None
    assert not identity.is_account(UUID(account)), "what agencies still answer finds nobody"
    assert client.get("/en/my-data").status_code in (302, 401)


@lasting
def test_an_open_case_keeps_an_account_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from onedoor.cases.errors import CaseOpen
    from onedoor.store import erasure

    client = person()
    monkeypatch.setattr(erasure, "_holds", [lambda _person: [CaseOpen(code="2611-7K4M-QK")]])
    said = text(tree(client.post("/en/my-data/erase-account", {"word": "ERASE"}), 422))
    assert "2611-7K4M-QK" in said
    assert client.get("/en/my-data").status_code == 200


def test_in_another_nation_the_pages_say_its_law_and_its_desk_decides(transport: Transport) -> None:
    transport.client = "TL/GOV/DOOR/PORTAL"
    begun = present._held.set(nation.load(TESTLAND))
    try:
        rider, clerk = person("rider"), person("clerk")
        assert "Invented act 8 3" in text(tree(rider.get("/en/my-data")))
        assert "There is nothing to choose from" in text(tree(rider.get("/en/my-data/ask/object")))
        assert "Register of bicycles" in text(tree(rider.get("/en/my-data/held")))
        assert send(rider, "restrict", "TL/GOV/ROADS/BICYCLES").status_code == 302
        address = f"/fr/desk/requests/{PersonRequest.objects.get().code}"
        assert clerk.post(address, {"decision": "grant"}).status_code == 302
        assert "Accordé" in text(tree(rider.get("/fr/my-data")))
    finally:
        present._held.reset(begun)
