"""A correction that its owner does not decide within the limit: stated, seen at the desk, its person told."""

import json
from datetime import timedelta

import lxml.html
import pytest
from django.test import Client

from onedoor.exchange import service as exchange
from onedoor.exchange.service import VIA_GATEWAY, Call
from onedoor.identity.models import Account
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.registers import corrections
from onedoor.registers.models import Correction
from onedoor.registers.tests.test_corrections import (
    ASKER,
    COMMUNE,
    FRIDAY,
    OFFICER,
    POLICE,
    ask,
    carried,
    people,
    signed_in,
    text,
)
from onedoor.store.models import StatedEvent
from onedoor.store.rows import fetch
from onedoor.store.work import run_waiting

__all__ = ["carried", "people"]
pytestmark = pytest.mark.django_db
LATE = FRIDAY + timedelta(days=7)


def late_at_desk(actor: Actor) -> int:
    ((found,),) = fetch(f"SELECT {corrections.LATE}", [clock.now()])
    return corrections.late_at_desk(actor, found or {})


def stated() -> list[str]:
    return [one.data["code"] for one in StatedEvent.objects.filter(name="registers.CorrectionOverdue")]


def test_a_request_past_its_limit_is_stated_once_and_one_that_is_decided_or_in_time_never() -> None:
    with clock.freeze(FRIDAY):
        late, done = ask().code, ask(key="k2").code
        corrections.decide(done, OFFICER, accept=False, words="The paper says Hà.")
    with clock.freeze(LATE - timedelta(days=1)):
        corrections.look_for_overdue()
        assert stated() == [], "the last day counts whole"
        assert late_at_desk(OFFICER) == 0
    for hours in (0, 1):
        with clock.freeze(LATE + timedelta(hours=hours)):
            ask(key="k3")
            corrections.look_for_overdue()
            assert late_at_desk(OFFICER) == 1
            assert late_at_desk(COMMUNE) == 0
    assert stated() == [late]
    assert Correction.objects.get(code=late).overdue == LATE


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "told", "heard", "tag"),
    [
        ("en", "has not decided in time", "1 late", "Late"),
        ("vi", "đã không quyết định đúng hạn", "1 trễ hạn", "Trễ hạn"),
        ("fr", "n’a pas décidé à temps", "1 en retard", "En retard"),
    ],
)
def test_its_person_is_told_once_and_whoever_decides_sees_it_on_every_page_of_the_desk(
    carried: list[Call], language: str, told: str, heard: str, tag: str
) -> None:
    mother, officer = signed_in("mother"), signed_in("residence")
    with clock.freeze(FRIDAY):
        mother.post("/en/corrections/new", {"fact": "population.full_name", "value": "Trần Thu Hạ", "why": "a paper"})
        assert heard not in text(officer.get(f"/{language}/desk/"))
    with clock.freeze(LATE):
        for _ in range(2):
            corrections.look_for_overdue()
            run_waiting()
        (call,) = [one for one in carried if one.path == "late"]
        exchange.call(call.service, "late", call.body, reason=call.reason, user=call.user)
        run_waiting()
        page = lxml.html.fromstring(mother.get(f"/{language}/inbox").content)
        (notice,) = page.xpath("//ol[@class='reads text']/li")
        for words in (told, "17/12/2026", Correction.objects.get().code):
            assert words in notice.text_content()
        assert tag in text(mother.get(f"/{language}/corrections/"))
        assert heard in text(officer.get(f"/{language}/desk/"))
        assert tag in text(officer.get(f"/{language}/desk/corrections/"))
    said = json.dumps([*StatedEvent.objects.values_list("data", flat=True), call.body], ensure_ascii=False)
    assert "Trần Thu H" not in said


@pytest.mark.django_db(transaction=True)
def test_one_that_is_decided_before_the_portal_could_be_told_is_not_called_late(carried: list[Call]) -> None:
    with clock.freeze(FRIDAY):
        code = ask().code
    with clock.freeze(LATE):
        corrections.look_for_overdue()
        corrections.decide(code, OFFICER, accept=False, words="The paper says Hà.")
        run_waiting()
    assert [one.path for one in carried if one.service.endswith("/corrections")] == ["answered"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "01a2123b-52ec-7c33-a608-1a6bfd74f7aa"},
        {"register": "births"},
        {"field": "nothing"},
        {"due": "soon"},
        {"due": "9999-12-31T23:00:00Z"},
    ],
)
def test_a_system_calls_late_what_is_its_own_and_was_asked_here(wrong: dict[str, str]) -> None:
    signed_in("mother")
    account = str(Account.objects.get().id)
    headers = {
        "HTTP_X_ROAD_CLIENT": POLICE.client,
        "HTTP_X_ROAD_USERID": "corrections",
        "HTTP_ONEDOOR_PURPOSE": ASKER.purpose,
        "HTTP_ONEDOOR_BASIS": ASKER.basis,
        VIA_GATEWAY: True,
    }
    good = {"code": "2612-AAAA-AA", "register": "population", "field": "sex", "account": account,
            "due": FRIDAY.isoformat()}  # fmt: skip
    for body, status in ((good, 200), ({**good, **wrong}, 400), ({**good, "due": "2016-12-31T23:59:60Z"}, 400)):
        answer = Client().post("/exchange/corrections/late", json.dumps(body), "application/json", **headers)
        assert answer.status_code == status
    assert StatedEvent.objects.filter(name="registers.CorrectionLate").count() == 1
