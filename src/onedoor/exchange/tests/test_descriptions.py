"""What providers say of their services is read by every visitor's page: none of them can make the others' go away."""

import json
import time
from typing import Any

import pytest

from onedoor.exchange import descriptions, service
from onedoor.exchange.service import Answer, Call, Reason, Refused, ServiceUnavailable, call, call_many
from onedoor.exchange.tests.nation import System, wait_for
from onedoor.kernel.openapi import NAMES
from onedoor.kernel.text import pick

pytestmark = pytest.mark.usefixtures("as_portal")
PROVIDER = "VN/GOV/G01/POPULATION"
POPULATION = f"{PROVIDER}/population"


def listed(*codes: str, provider: str = PROVIDER) -> dict[str, Any]:
    services = [{"code": code, "kind": "OPENAPI", "rights": []} for code in codes]
    subsystem = {"id": provider, "name": "s", "services": services}
    return {"serial": 1, "members": [{"name": "m", "subsystems": [subsystem]}]}


def read(said: object) -> descriptions.Description | None:
    return descriptions._read(Answer(200, said, {}, "id"))


def test_a_provider_that_cannot_be_asked_costs_no_other_its_description(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.reply = lambda _: (200, b'{"openapi": "3.0.0", "info": {"title": "People"}}', "")
    monkeypatch.setattr(descriptions, "AT_ONCE", 2)
    asked = service._request

    def request(question: Call) -> Any:
        if question.service.endswith("=breaks"):
            raise ValueError("cannot be asked")
        return asked(question)

    monkeypatch.setattr(service, "_request", request)
    told = listed("né", "breaks", "x y&z=1", "population")
    monkeypatch.setattr(service, "own_gateway", lambda _: told)
    shelf = descriptions.Shelf()
    shelf.services()
    wait_for(lambda: len(shelf._known) == 4, "all parts")
    (one,) = (one for one in shelf.services()[1] if one.id == POPULATION)
    assert one.description is not None
    assert pick(one.title, "en") == "People"
    now = time.monotonic()
    assert all(now < due <= now + descriptions.RENEWED for due, _ in shelf._known.values())  # no page waits for them
    assert descriptions._question(f"{PROVIDER}/né").service == f"{PROVIDER}/getOpenAPI?serviceCode=n%C3%A9"


def test_an_answer_nested_without_end_or_too_large_is_no_description_and_no_fault(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    for body in (b'{"openapi": "3.0.0", "x": ' + b"[" * 100_000, b'{"openapi": "3.0.0"}' + b" " * 50_000):
        system.reply = lambda _, body=body: (200, body, "")  # type: ignore[misc]
        (answer,) = call_many([Call(POPULATION, "lookup", {}, reason=Reason("birth-form", "x"), user="a", most=40_000)])
        assert isinstance(answer, ServiceUnavailable)
        with pytest.raises(ServiceUnavailable):
            call(POPULATION, "lookup", {}, reason=Reason("birth-form", "x"), user="a", most=10_000)
    system.reply = lambda _: (200, b"[" * 100_000, "")
    (answer,) = call_many([Call(POPULATION, "lookup", {}, reason=Reason("birth-form", "x"), user="a")])
    assert isinstance(answer, Answer)
    assert isinstance(answer.body, bytes)
    assert descriptions._read(answer) is None


def test_a_description_is_cut_to_what_a_page_can_show() -> None:
    found = read({"openapi": "3.1.0", "paths": {f"/{number}{'x' * 999}": {"get": {}} for number in range(999)}})
    assert found is not None
    assert len(found.endpoints) == descriptions.MOST
    assert {len(path) for _, path in found.endpoints} == {descriptions.LONGEST}
    assert read({"swagger": "2.0", "info": {"title": "old"}}) is None
    assert read(json.dumps({"openapi": "4.0"}).encode()) is None


def test_a_refused_description_is_not_asked_for_again_at_once_and_leaves_nothing_in_the_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[Call] = []
    monkeypatch.setattr(service, "_keep_refusal", kept.append)
    denied = service.Response(500, {"x-road-error": "Server.ServerProxy.AccessDenied"}, b"")
    question = descriptions._question(POPULATION)
    answer = service._answer(question, denied)
    assert isinstance(answer, Refused)
    assert not kept
    monkeypatch.setattr(service, "ask_each", lambda _, timeout: iter([answer]))
    shelf = descriptions.Shelf()
    shelf._take([POPULATION])
    assert shelf._known[POPULATION][0] > time.monotonic() + descriptions.RETRIED
    lookup = Call(POPULATION, "lookup", {}, reason=Reason("x", "y"), user="a")
    service._answer(lookup, denied)
    assert kept == [lookup]  # a question for facts is


def test_what_was_listed_stays_while_the_gateway_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, gone = descriptions.Shelf(), False

    def own_gateway(_: str) -> dict[str, Any]:
        assert not shelf._lock.locked()  # no other page waits meanwhile
        if gone:
            raise ServiceUnavailable(who="x")
        return {"serial": 7, "members": []}

    monkeypatch.setattr(service, "own_gateway", own_gateway)
    assert shelf.services() == (7, ())
    gone, shelf._asked = True, -descriptions.FRESH
    assert shelf.services() == (7, ())
    with pytest.raises(ServiceUnavailable):
        descriptions.Shelf().services()


def test_a_title_is_told_in_the_readers_language_or_as_it_stands() -> None:
    def called(language: str, **info: object) -> str:
        found = read({"openapi": "3.1.0", "info": info})
        assert found is not None
        return pick(found.title, language)

    names = {"vi": "Dân cư", "fr": "Population", "en": ""}
    assert called("fr", title="People", **{NAMES: names}) == "Population"
    assert called("en", title="People", **{NAMES: names}) == "People"
    assert called("de", **{NAMES: names}) == "Dân cư"
    assert called("vi", title="People", **{NAMES: ["Dân cư"]}) == "People"
    assert len(called("vi", title="x", **{NAMES: {"vi": "x" * 999}})) == descriptions.LONGEST
    assert called("vi", title="") == ""


def test_of_titles_in_many_languages_those_in_ours_are_kept_however_many_a_provider_says() -> None:
    names = {f"x-{number}": "x" * 999 for number in range(1000)} | {"vi": "Dân cư", "x" * 10**6: "x"}
    found = read({"openapi": "3.1.0", "info": {"title": "People", NAMES: names}})
    assert found is not None
    assert found.title == {"": "People", "vi": "Dân cư"}
