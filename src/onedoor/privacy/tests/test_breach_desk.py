"""The desk of breaches in a browser's eyes, and what everybody sees of them at the portal."""

from datetime import timedelta

import lxml.html
import pytest
from django.test import Client

from onedoor.kernel import clock, nation
from onedoor.privacy import alarms
from onedoor.privacy.breaches.models import Breach, BreachTelling
from onedoor.privacy.tests.test_breaches import (
    COMMUNE,
    FATHER,
    FOUND,
    MOTHER,
    POLICE,
    PORTAL,
    SAID,
    Exchange,
    carried,
    found,
    read,
    reported,
    row_id,
    sign_in,
    told,
    tree,
)
from onedoor.store import keys
from onedoor.store.work import run_waiting

__all__ = ["carried"]
pytestmark = pytest.mark.django_db
lasting = pytest.mark.django_db(transaction=True)


def test_everybody_sees_how_many_notices_and_how_many_late(carried: Exchange) -> None:
    reported()
    reported(at=FOUND + timedelta(hours=80), key="k2", why_late="Nobody was there.")
    found(key="k3")
    carried.client = PORTAL
    carried.silent = {"VN/GOV/G18/HEALTH", "VN/GOV/G24/INSURANCE", POLICE}
    counted = carried.post("breaches/counts", {}, client=PORTAL)
    assert counted.body["counts"] == [{"agency": "commune-00199", "month": "2026-12", "notices": 2, "late": 1}]
    page = lxml.html.document_fromstring(Client().get("/en/breaches").content.decode())
    said = " ".join(" ".join(page.xpath("//main")[0].itertext()).split())
    assert "12/2026 People’s Committee of Lang Ward 2 1" in said
    assert "Ministry of Health" in said
    assert page.xpath("//h1")[0].text_content() == "Notices of breaches, counted"
    check = Client().get("/en/how-you-can-check-us").content.decode()
    assert "/en/breaches" in check


def test_an_alarm_offers_to_start_a_notice_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "threshold", lambda: alarms.Threshold(persons=1, minutes=10))
    keys.keys_for([MOTHER, FATHER])
    read(MOTHER), read(FATHER)
    alarms.look()
    desk = sign_in("chair")
    page = desk.get("/en/desk/breaches/").content.decode()
    assert "commune-00199.civil-status: 2 persons within 10 minutes" in page
    alarm = lxml.html.document_fromstring(page).xpath("//input[@name='alarm']/@value")[0]
    for _again in range(2):
        assert desk.post("/en/desk/breaches/", {"alarm": alarm}).status_code == 302
    breach = Breach.objects.get()
    assert breach.found
    persons = desk.get(f"/en/desk/breaches/{breach.code}/persons").content.decode()
    assert 'value="commune-00199.civil-status"' in persons
    assert "very many persons" not in desk.get("/en/desk/breaches/").content.decode()


def sent_from(desk: Client, language: str) -> str:
    """Write a notice at a desk, with faults at first, and send it; return its address."""
    assert tree(desk.get(f"/{language}/desk/breaches/")).xpath("//*[@class='empty']")
    at = desk.post(f"/{language}/desk/breaches/", {"key": str(row_id())})["Location"]
    bad = desk.post(at, {"do": "send", "found": "32/12/2026", "what": "A file."})
    assert bad.status_code == 422
    assert {"found", "kinds", "persons"} <= {one.get("href")[1:] for one in tree(bad).xpath("//*[@role='alert']//a")}
    assert tree(desk.get(at)).xpath("//textarea[@id='what']")[0].text_content() == "A file."
    form = {**SAID, "found": typed(timedelta(minutes=1)), "do": "save", "kinds": "births.child"}
    assert desk.post(at, form)["Location"].endswith("?saved=yes")
    assert desk.post(at, form | {"do": "send"}).status_code == 302
    assert desk.post(f"{at}/more", {"words": "", "key": str(row_id())}).status_code == 422
    assert desk.post(f"{at}/more", {"words": "More.", "key": str(row_id())}).status_code == 302
    assert "More." in tree(desk.get(at)).text_content()
    return str(at)


def typed(ago: timedelta) -> str:
    return f"{clock.now().astimezone(nation.current().zone) - ago:%d/%m/%Y %H:%M}"


@lasting
@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_an_officer_writes_sends_and_adds_at_the_desk_and_the_authority_acknowledges(
    language: str, carried: Exchange
) -> None:
    desk = sign_in("chair", language)
    at = sent_from(desk, language)
    run_waiting()
    chief = sign_in("chief", language)
    listed = tree(chief.get(f"/{language}/desk/breaches/"))
    (link,) = listed.xpath("//section[@aria-labelledby='received']//a/@href")
    assert "More." in tree(chief.get(link)).text_content()
    carried.client = POLICE
    assert chief.post(link).status_code == 302
    run_waiting()
    assert Breach.objects.get().acknowledged
    assert desk.get(link).status_code == 404
    registrar = sign_in("civil-status", language)
    assert [registrar.get(one).status_code for one in (f"/{language}/desk/breaches/", at)] == [403, 403]


@lasting
def test_an_officer_counts_at_the_desk_and_tells_those_who_were_counted() -> None:
    mother, desk = sign_in("mother"), sign_in("chair")
    keys.keys_for([MOTHER, FATHER])
    read(MOTHER)
    at = f"/en/desk/breaches/{found().code}/persons"
    counted = {"client": COMMUNE, "since": typed(timedelta(hours=1)), "to": typed(timedelta(0)), "do": "count"}
    page = tree(desk.post(at, counted))
    assert "1 person can be told" in page.text_content()
    read(FATHER)
    tells = counted | {name: page.xpath(f"//input[@name='{name}']/@value")[0] for name in ("counted", "key")}
    tells |= {"do": "tell", "words-vi": "Hồ sơ bị lộ.", "contact": "Office"}
    assert desk.post(at, tells | {"words-vi": ""}).status_code == 422
    assert [desk.post(at, tells).status_code for _again in range(2)] == [302, 302]
    run_waiting()
    assert "Hồ sơ bị lộ." in told(mother)[0].text_content()
    assert BreachTelling.objects.get().persons == 1, "not the one who was read of after they were counted"
