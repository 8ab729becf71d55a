"""Breaches: their clock, the notice and its way to the authority, whom they touched, and what everybody may know."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from onedoor.exchange import service as exchange
from onedoor.exchange.service import VIA_GATEWAY, Answer, Call, ServiceUnavailable
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import BadInput, OnedoorError
from onedoor.kernel.settings import current
from onedoor.privacy import alarms
from onedoor.privacy.breaches import acts, authority, counting, definition, errors, rules, sending, touched, writing
from onedoor.privacy.breaches.models import Breach, BreachAct, BreachPerson, BreachTelling, ReceivedBreach
from onedoor.privacy.breaches.touched import Scope
from onedoor.privacy.errors import NotPermitted
from onedoor.privacy.models import ReadPerson, ReadRecord
from onedoor.privacy.service import Reader, permit
from onedoor.store import details, erasure, keys, resealing, sealed
from onedoor.store.models import StatedEvent
from onedoor.store.work import run_waiting

pytestmark = pytest.mark.django_db
lasting = pytest.mark.django_db(transaction=True)
COMMUNE, POLICE, PORTAL = "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G01/POPULATION", "VN/GOV/G22/PORTAL"
CHAIR = Actor(person="c", post="commune-00199.chair", agency="commune-00199", level=2)
CHIEF = Actor(person="p", post="police-00199.chief", agency="police-00199", level=2)
REGISTRAR = replace(CHAIR, post="commune-00199.civil-status")
OTHER = Actor(person="o", post="commune-26740.chair", agency="commune-26740", level=2)
MOTHER, FATHER, STRANGER = "001196204817", "036094117302", "001196204818"
FOUND = datetime(2026, 12, 7, 9, tzinfo=UTC)
READER = Reader(COMMUNE, "commune-00199.civil-status", "birth-registration", "l60-2014.13", "2611-7K4M-QK")
SAID = {
    "what": "A file was left open.",
    "kinds": ["births.child"],
    "persons": "2",
    "consequences": "Calls",
    "measures": "Closed",
    "contact": "Office",
}
WORDS = {"vi": "Hồ sơ của bạn bị lộ.", "en": "Your file was open."}


class Exchange:
    """Carries questions to the addresses below ``/exchange/`` of this process, as the asking system."""

    def __init__(self) -> None:
        self.client = COMMUNE
        self.silent: set[str] = set()
        self.asked: list[Call] = []

    def ask_each(self, calls: Any, *, timeout: float = 10.0) -> Iterator[Any]:
        yield from [self.carry(call) for call in calls]

    def carry(self, call: Call) -> Answer | OnedoorError:
        system, _, service = call.service.rpartition("/")
        self.asked.append(call)
        if system in self.silent:
            return ServiceUnavailable(who=system)
        answer = self.post(f"{service}/{call.path}", call.body, client=self.client, reader=call)
        return answer if answer.status < 400 else exchange._failure({"en": system}, answer)

    def post(self, path: str, body: Any, *, client: str, reader: Call | None = None) -> Answer:
        headers = {
            VIA_GATEWAY: True,
            "HTTP_X_ROAD_CLIENT": client,
            "HTTP_X_ROAD_USERID": reader.user if reader else "somebody.clerk",
            "HTTP_ONEDOOR_PURPOSE": reader.reason.purpose if reader else "breach-notice",
            "HTTP_ONEDOOR_BASIS": reader.reason.basis if reader else "l91-2025",
        }
        with translation.override(translation.get_language()):
            response = Client().post(f"/exchange/{path}", json.dumps(body), "application/json", **headers)
        return Answer(response.status_code, response.json(), {}, "m")


@pytest.fixture(autouse=True)
def carried(monkeypatch: pytest.MonkeyPatch) -> Exchange:
    found = Exchange()
    monkeypatch.setattr(exchange, "ask_each", found.ask_each)
    counting._everywhere.cache_clear()
    return found


def found(actor: Actor = CHAIR, at: datetime = FOUND, key: str = "k1") -> Breach:
    return writing.find(writing.start(actor, key, {}).code, actor, at)


def reported(actor: Actor = CHAIR, at: datetime = FOUND + timedelta(hours=3), key: str = "k1", **more: str) -> Breach:
    breach = found(actor, key=key)
    with clock.freeze(at):
        return writing.send(breach.code, actor, SAID | more)


def stated(name: str) -> list[dict[str, Any]]:
    return [one.data for one in StatedEvent.objects.filter(name=f"privacy.{name}").order_by("id")]


def read(*numbers: str, reader: Reader = READER, fields: list[str] | None = None) -> str:
    about = dict.fromkeys(numbers, fields) if fields is not None else list(numbers)
    return permit(reader, register="births", persons=about).record


def scope(**more: Any) -> Scope:
    now = clock.now()
    return replace(Scope(COMMUNE, "", "", now - timedelta(hours=1), now + timedelta(minutes=1)), **more)


FIRST = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=2000)).map(lambda later: FIRST + later)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_the_limit_is_plain_hours_whatever_day_it_is(moment: datetime, passed: timedelta) -> None:
    layer = definition.layer_of(moment)
    assert layer is not None
    due = definition.due_of(moment, layer)
    assert due - moment == timedelta(hours=72)
    assert rules.is_late(moment + passed, due) == (passed > timedelta(hours=72))
    left = rules.hours_left(due, moment + passed)
    assert timedelta(hours=left) <= due - (moment + passed) < timedelta(hours=left + 1)


@given(st.none() | MOMENTS, MOMENTS)
def test_a_clock_is_never_set_back(before: datetime | None, moment: datetime) -> None:
    assert rules.may_be_found(before, moment) == (before is None or moment <= before)


def test_the_law_is_that_of_the_day_it_was_found() -> None:
    laws = [
        definition.layer_of(datetime(*day, 12, tzinfo=nation.current().zone)) for day in ((2025, 12, 31), (2026, 1, 1))
    ]
    assert [one.laws[0] for one in laws if one] == ["13/2023/NĐ-CP", "91/2025/QH15"]
    with pytest.raises(errors.NoBreachLaw):
        found(at=datetime(2020, 1, 1, tzinfo=UTC))


def test_whatever_is_typed_is_kept_and_the_clock_can_only_be_put_earlier() -> None:
    breach = found()
    writing.save(breach.code, CHAIR, {"what": "half a sent"})
    assert writing.typed(Breach.objects.get()) == {"what": "half a sent"}
    assert b"half" not in bytes(Breach.objects.get().sealed)
    with pytest.raises(errors.FoundLater):
        writing.find(breach.code, CHAIR, FOUND + timedelta(minutes=1))
    assert writing.find(breach.code, CHAIR, FOUND - timedelta(hours=1)).due == FOUND + timedelta(hours=71)
    assert len(stated("BreachFound")) == 1
    assert len(acts.of(COMMUNE, breach.code, BreachAct.FOUND)) == 2, "each word about the moment stays"


def test_only_the_posts_that_the_nation_names_report_and_only_their_own_agency() -> None:
    breach = found()
    for actor in (REGISTRAR, replace(CHAIR, post="commune-00199.chief")):
        with pytest.raises(NotPermitted):
            writing.listed(actor)
    assert ReadRecord.objects.latest("id").refused == "not-granted"
    assert writing.listed(OTHER) == []
    for attempt in (writing.of_desk, lambda code, actor: writing.send(code, actor, SAID)):
        with pytest.raises(errors.NoSuchBreach):
            attempt(breach.code, OTHER)
    with pytest.raises(errors.NoSuchBreach):
        authority.listed(CHAIR)


def test_a_late_notice_needs_its_reason() -> None:
    with pytest.raises(errors.ReasonNeeded):
        reported(at=FOUND + timedelta(hours=72, seconds=1))
    assert Breach.objects.get().reported is None
    assert reported(at=FOUND + timedelta(hours=72)).reported
    late = reported(at=FOUND + timedelta(hours=73), key="k2", why_late="Nobody was there.")
    assert [one["late"] for one in stated("BreachReported")] == [False, True]
    part = {"code": late.code, "agency": "commune-00199", "part": "1", "kind": "reported", "said": SAID}
    with pytest.raises(errors.ReasonNeeded):
        authority.receive(COMMUNE, "x", part | {"found": FOUND.isoformat(), "reported": late.reported.isoformat()})  # type: ignore[union-attr]


@lasting
def test_a_notice_goes_to_the_authority_once_and_its_answer_comes_back(carried: Exchange) -> None:
    breach = reported()
    carried.silent.add(POLICE)
    run_waiting()
    assert not ReceivedBreach.objects.exists()
    carried.silent.clear()
    with clock.freeze(clock.now() + timedelta(hours=1)):
        writing.send(breach.code, CHAIR, SAID | {"what": "Another story."})
        for _again in range(2):
            writing.add(breach.code, CHAIR, "It was three files.", key="more")
    run_waiting()
    for act in acts.of(COMMUNE, breach.code, BreachAct.REPORTED, BreachAct.SUPPLEMENTED) * 2:
        sending.report(act.id)
    (row,) = authority.listed(CHIEF)
    _, parts = authority.opened(row.id, CHIEF)
    assert sorted(said["what"] for _, said in parts) == ["A file was left open.", "It was three files."]
    assert not authority.is_late(row)
    carried.client = POLICE
    authority.acknowledge(row.id, CHIEF)
    authority.acknowledge(row.id, CHIEF)
    run_waiting()
    assert Breach.objects.get().acknowledged == ReceivedBreach.objects.get().acknowledged
    assert len(stated("BreachAcknowledged")) == 1
    assert not list(details.findings())


@lasting
def test_within_one_system_it_goes_the_short_way(carried: Exchange) -> None:
    breach = reported(CHIEF)
    run_waiting()
    assert carried.asked == []
    (row,) = authority.listed(CHIEF)
    authority.acknowledge(row.id, CHIEF)
    run_waiting()
    assert Breach.objects.get(code=breach.code).acknowledged


def test_nobody_reports_for_another_systems_agency_and_only_the_authority_answers(carried: Exchange) -> None:
    said = {"found": FOUND.isoformat(), "reported": FOUND.isoformat(), "said": SAID, "part": str(row_id()), "code": "X"}
    body = {"agency": "commune-00199", "kind": "reported", **said}
    assert carried.post("breaches/report", body, client="VN/GOV/G18/HEALTH").status == 400
    assert carried.post("breaches/report", body, client=COMMUNE).status == 200
    assert carried.post("breaches/report", body, client=PORTAL).status in (400, 403)
    breach = reported()
    heard = {"code": breach.code, "acknowledged": FOUND.isoformat()}
    assert carried.post("breaches/acknowledged", heard, client=COMMUNE).status == 403
    assert Breach.objects.get(code=breach.code).acknowledged is None


def test_a_notice_keeps_to_its_order_its_agency_and_its_system(carried: Exchange) -> None:
    code = writing.start(CHAIR, "k9", {}).code
    with pytest.raises(errors.NotFoundYet):
        writing.send(code, CHAIR, SAID)
    with pytest.raises(errors.NotReportedYet):
        writing.add(code, CHAIR, "more", key="more")
    with pytest.raises(errors.NoSuchBreach):
        writing.acknowledged(reported().code, "VN/GOV/G18/HEALTH", "a.chief", FOUND)
    body = {"agency": "commune-00199", "kind": "reported", "said": SAID, "part": str(row_id()), "code": "X"}
    body |= {"found": FOUND.isoformat(), "reported": FOUND.isoformat()}
    before = {"reported": (FOUND - timedelta(hours=1)).isoformat()}
    assert carried.post("breaches/report", body | before, client=COMMUNE).status == 400
    assert carried.post("breaches/report", body, client=COMMUNE).status == 200
    taken = {"agency": "commune-26740", "part": str(row_id())}
    assert carried.post("breaches/report", body | taken, client=COMMUNE).status == 400


@pytest.mark.parametrize("when", ["yesterday", "2026-12-07T09:00:60Z", ""])
def test_a_notice_that_no_page_could_show_is_refused(carried: Exchange, when: str) -> None:
    said = {"found": FOUND.isoformat(), "reported": FOUND.isoformat(), "part": str(row_id()), "code": "X"}
    body = {"agency": "commune-00199", "kind": "reported", **said, "said": SAID | {"from": when}}
    assert carried.post("breaches/report", body, client=COMMUNE).status == 400
    body["said"]["from"] = FOUND.isoformat()
    assert carried.post("breaches/report", body, client=COMMUNE).status == 200


@pytest.mark.parametrize(
    "path", ["breaches/report", "person-requests/ask", "own-data/of-person", "own-reads/of-person"]
)
def test_a_body_without_a_bottom_is_refused(path: str) -> None:
    why = {"breaches": "breach-notice", "person-requests": "personal-rights"}
    purpose = why.get(path.partition("/")[0], path.partition("/")[0])
    client = COMMUNE if path.startswith("breaches") else PORTAL
    headers = {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": client, "HTTP_X_ROAD_USERID": "a"}
    headers |= {"HTTP_ONEDOOR_PURPOSE": purpose, "HTTP_ONEDOOR_BASIS": "l91-2025"}
    answer = Client().post(f"/exchange/{path}", "[" * 100_000, "application/json", **headers)
    assert answer.status_code == 400


def test_half_a_sign_in_a_notice_is_refused() -> None:
    headers = {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": COMMUNE, "HTTP_X_ROAD_USERID": "a"}
    headers |= {"HTTP_ONEDOOR_PURPOSE": "breach-notice", "HTTP_ONEDOOR_BASIS": "l91-2025"}
    answer = Client().post("/exchange/breaches/report", '{"code": "\\ud800"}', "application/json", **headers)
    assert (answer.status_code, "UTF-8" in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("month", [None, 7, {}])
def test_what_another_system_counts_wrongly_breaks_no_page(month: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(calls: Any, **_named: Any) -> Iterator[Answer]:
        for one in calls:
            here = one.service.startswith(COMMUNE)
            counts = [
                {"agency": "commune-00199", "month": each, "notices": 1, "late": 0} for each in (month, "2026-12")
            ]
            yield Answer(200, {"counts": counts if here else []}, {}, "m")

    monkeypatch.setattr(exchange, "ask_each", odd)
    assert Client().get("/en/breaches").status_code == 200


def row_id() -> Any:
    return ReceivedBreach().id


def test_what_was_said_is_neither_changed_nor_removed() -> None:
    reported()
    for statement in ("DELETE FROM privacy_breachact", "UPDATE privacy_breachact SET moment = now()"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL onedoor.resealing = 'on'")
        cursor.execute("UPDATE privacy_breachact SET sealed = 'x' WHERE kind = 'reported'")
    assert [one.what for one in details.findings()] == [details.ALTERED]


def test_an_overdue_breach_is_stated_once() -> None:
    breach = found()
    for hours in (72, 73, 74):
        with clock.freeze(FOUND + timedelta(hours=hours)):
            writing.look_for_overdue()
    assert [one["code"] for one in stated("BreachOverdue")] == [breach.code]
    found(key="k2")
    reported(key="k3")
    assert len(stated("BreachOverdue")) == 1


def test_whom_it_touched_is_counted_from_the_trail_and_the_look_is_on_record() -> None:
    keys.keys_for([MOTHER, FATHER])
    read(MOTHER), read(MOTHER, FATHER), read(STRANGER)
    read(FATHER, fields=[], reader=replace(READER, user="commune-00199.other"))
    breach, before = found(), ReadRecord.objects.count()
    assert touched.count(breach.code, CHAIR, scope()) == touched.Touched(told=2, unknown=1, erased=0)
    last = ReadRecord.objects.latest("id")
    assert ReadRecord.objects.count() == before + 1
    assert (last.register, last.user, last.purpose, last.case) == ("breaches", CHAIR.post, "breach-notice", breach.code)
    for more in ({"user": "commune-00199.other"}, {"purpose": "birth-form"}, {"client": POLICE}):
        assert touched.count(breach.code, CHAIR, scope(**more)).told == 0
    assert touched.count(breach.code, CHAIR, scope(until=clock.now() - timedelta(minutes=5))).told == 0


def tell(breach: Breach, key: str = "t1") -> BreachTelling:
    return touched.tell(breach.code, CHAIR, scope(), WORDS, "Office 1", key=key)


def sign_in(persona: str, language: str = "en") -> Client:
    client = Client()
    client.post(f"/{language}/sign-in", {"persona": persona})
    return client


def told(person: Client, language: str = "en") -> list[lxml.html.HtmlElement]:
    found: list[lxml.html.HtmlElement] = tree(person.get(f"/{language}/inbox")).xpath("//ol[@class='reads text']/li")
    return found


@lasting
def test_exactly_those_persons_are_told_once_and_who_has_no_account_is_counted(
    carried: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(touched, "AT_ONCE", 1)
    mother = sign_in("mother")
    sign_in("father")
    keys.keys_for([MOTHER, FATHER, STRANGER])
    read(MOTHER), read(MOTHER, STRANGER)
    breach = found()
    telling = tell(breach)
    assert tell(breach).id == telling.id
    read(FATHER)
    carried.silent.add(PORTAL)
    run_waiting()
    carried.silent.clear()
    assert told(mother) == []
    touched.tell_next(telling.id)
    for call in list(carried.asked):
        carried.carry(call)
    run_waiting()
    telling.refresh_from_db()
    assert (telling.persons, telling.reached, telling.missed, bool(telling.ended)) == (2, 1, 1, True)
    assert not BreachPerson.objects.exists()
    (notice,) = told(mother)
    for words in ("People’s Committee of Lang Ward: ", "Your file was open.", "Whom you can ask: Office 1."):
        assert words in notice.text_content()
    assert mother.post(notice.xpath(".//form/@action")[0])["Location"] == "/en/reads"
    assert touched.count(breach.code, CHAIR, scope(user=CHAIR.post)).told == 0, "to be told is not to be touched"
    monkeypatch.setattr(alarms, "threshold", lambda: alarms.Threshold(persons=1, minutes=10))
    assert CHAIR.post not in [alarm.user for alarm in alarms.look()]
    listed = [one for one in ReadRecord.objects.filter(register="breaches").order_by("id") if one.persons.count()]
    assert len(listed) == 2 + 2 * 2, "each number is read once here, and at the portal as often as it is told them"
    assert {one.persons.count() for one in listed} == {1}
    said = json.dumps([one.data for one in StatedEvent.objects.filter(name__startswith="privacy.Breach")])
    assert not [number for number in (MOTHER, FATHER, STRANGER, WORDS["vi"]) if number in said]


@lasting
def test_a_sealed_read_is_given_away_by_no_scope_and_its_person_is_told_on_its_day() -> None:
    mother, named = sign_in("mother"), scope(client=POLICE)
    keys.keys_for([MOTHER, FATHER])
    investigator = Reader(POLICE, "police-00199.identity", "investigation", "l91-2025", "2611-7K4M-QK")
    breach, empty = found(), touched.Touched(0, 0, 0)
    alike = []
    for key in ("none", "one"):
        assert touched.count(breach.code, CHAIR, named) == empty
        telling = touched.tell(breach.code, CHAIR, named, WORDS, "Office", key=key)
        run_waiting()
        telling.refresh_from_db()
        said = acts.said(acts.of(COMMUNE, breach.code, BreachAct.TOLD)[-1])
        alike.append((telling.persons, telling.reached, telling.missed, bool(telling.ended), said))
        read(MOTHER, reader=investigator)
    assert alike[0] == alike[1]
    shown_on = ReadRecord.objects.filter(purpose="investigation").values_list("hidden_until", flat=True)[0]
    for day, persons in ((shown_on - timedelta(days=1), 0), (shown_on, 1), (shown_on, 1), (shown_on + timedelta(1), 1)):
        with clock.freeze(datetime.combine(day, time(1), nation.current().zone)):
            touched.tell_of_opened()
            run_waiting()
            telling.refresh_from_db()
            assert (telling.persons, telling.reached, bool(telling.ended)) == (persons, persons, True)
            assert len(told(mother)) == 2 * persons, "by each decision once"
            assert touched.count(breach.code, CHAIR, named).told == persons


@lasting
def test_who_was_erased_cannot_be_told_and_is_counted(carried: Exchange) -> None:
    keys.keys_for([MOTHER, STRANGER])
    read(MOTHER, STRANGER)
    breach = found()
    telling = tell(breach)
    erasure.erase(STRANGER)
    assert touched.count(breach.code, CHAIR, scope()).erased == 1
    run_waiting()
    telling.refresh_from_db()
    assert (telling.reached + telling.missed, bool(telling.ended)) == (1, True)
    assert [one.body["persons"] for one in carried.asked if one.body] == [[MOTHER]]


def test_a_system_speaks_for_its_own_agencies_and_keeps_to_its_words(carried: Exchange) -> None:
    body = {"code": "X", "telling": str(row_id()), "agency": "commune-00199", "words": WORDS, "contact": "Office"}
    body["persons"] = [STRANGER]
    assert carried.post("breaches/persons", body, client=COMMUNE).body == {"reached": 0, "missed": 1}
    assert carried.post("breaches/persons", body, client=POLICE).status == 400
    assert carried.post("breaches/persons", body | {"contact": "Elsewhere"}, client=COMMUNE).status == 400


def tree(response: Any) -> lxml.html.HtmlElement:
    assert response.status_code in (200, 422), response.content
    found = lxml.html.document_fromstring(response.content.decode())
    assert len(found.xpath("//h1")) == 1
    ids = found.xpath("//@id")
    assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)
    return found


def test_what_is_about_no_agency_of_the_sender_is_refused() -> None:
    with pytest.raises(BadInput):
        authority.receive(POLICE, "x", {"agency": "commune-00199", "found": "", "reported": ""})


@lasting
def test_the_invented_country_has_its_own_limit_and_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    testland = nation.load(nation.current().path.parent / "testland")
    monkeypatch.setattr(nation, "current", lambda: testland)
    clerk = Actor(person="t", post="town-N101.clerk", agency="town-N101", level=2)
    breach = found(clerk)
    assert breach.due == FOUND + timedelta(hours=48)
    with clock.freeze(FOUND + timedelta(hours=1)):
        writing.send(breach.code, clerk, SAID)
    run_waiting()
    (row,) = authority.listed(clerk)
    authority.acknowledge(row.id, clerk)
    run_waiting()
    assert Breach.objects.get().acknowledged
    assert ReadPerson.objects.count() == 0


@lasting
def test_what_was_said_is_read_under_the_next_keys_and_under_none_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEDOOR_STATE", str(tmp_path))
    current.cache_clear()
    monkeypatch.setattr(resealing, "GRACE", timedelta(0))
    breach = reported(CHIEF)
    before = sealed.key_id(bytes(breach.sealed))
    resealing.rotate_persons()
    breach.refresh_from_db()
    assert sealed.key_id(bytes(breach.sealed)) != before
    assert acts.said(acts.of(POLICE, breach.code, BreachAct.REPORTED)[0])["what"] == SAID["what"]
    assert {one.what for one in details.findings()} == {details.AMENDED}
    monkeypatch.undo()
    current.cache_clear()
