"""What a person asks about their data: the clocks, the desk, and what a granted request stops at the gate."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.nation import present
from onedoor.privacy import own, rights, service
from onedoor.privacy.models import PersonRequest, ReadRecord, RequestStep
from onedoor.privacy.own import Wanted as WantedReads
from onedoor.privacy.requests import deciding, definition, errors, keeping, sealing, stopping
from onedoor.privacy.requests.keeping import Wanted
from onedoor.privacy.service import NotPermitted, Reader, permit
from onedoor.store import details, erasure, keys, rotation
from onedoor.store.models import StatedEvent

pytestmark = pytest.mark.django_db
MOTHER, FATHER = "001196204817", "036094117302"
ASKER = Reader("VN/GOV/G22/PORTAL", "account-1", "personal-rights", "l91-2025")
CHIEF = Actor(person="c", post="police-00199.chief", agency="police-00199", level=2)
CHAIR = Actor(person="h", post="commune-00199.chair", agency="commune-00199", level=2)
CLERK = replace(CHIEF, post="police-00199.residence")
INSURANCE = Reader("VN/GOV/G24/INSURANCE", "system", "insurance-upkeep", "l60-2024")
POLICE = Reader("VN/GOV/G01/POPULATION", "police-00199.residence", "permanent-residence", "l68-2020", "2611-7K4M-QK")
TESTLAND = Path(__file__).parents[4] / "nations" / "testland"
MONDAY = datetime(2026, 12, 7, 9, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
ZONE = MONDAY.tzinfo


def ask(right: str = "restrict", purpose: str = "", person: str = MOTHER, key: str = "k", **over: Any) -> PersonRequest:
    reader = replace(ASKER, **over)
    return keeping.ask(Wanted(person, right, purpose, "I do not want it."), reader=reader, key=key)


def read(*persons: str, reader: Reader = INSURANCE) -> tuple[str, ...]:
    return permit(reader, register="population", persons=persons or [MOTHER], wanted=["full_name"]).fields


def refused(*persons: str, reader: Reader = INSURANCE) -> str:
    with pytest.raises(NotPermitted) as refusal:
        read(*persons, reader=reader)
    return str(refusal.value.facts["reason"])


def seen(person: str) -> list[Any]:
    return own.reads_of_person(person, WantedReads())


# The law's clocks

FIRST = datetime(2023, 7, 1, tzinfo=ZONE)
DAYS = st.dates(date(2023, 7, 1), date(2029, 12, 31))


@given(day=DAYS, right=st.sampled_from(definition.RIGHTS))
def test_each_day_has_the_layer_of_law_in_force_on_it(day: date, right: str) -> None:
    layer = definition.current().rights[right].on(day)
    assert layer
    assert layer.laws == (("13/2023/NĐ-CP",) if day.year < 2026 else ("91/2025/QH15", "356/2025/NĐ-CP"))
    assert layer.illustrative, "no figure was read in the text"


def test_before_the_first_layer_there_is_no_right() -> None:
    assert definition.current().rights["erase"].on(date(2023, 6, 30)) is None


@given(
    moment=st.integers(0, 1200 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
    right=st.sampled_from(definition.ASKED),
)
def test_the_due_moment_comes_after_the_asking_and_an_extension_after_it(moment: datetime, right: str) -> None:
    calendar = nation.current().calendar
    layer = definition.current().rights[right].on(moment.date())
    assert layer
    due = layer.due(calendar, moment)
    assert due > moment
    assert layer.due(calendar, moment + timedelta(hours=1)) >= due
    if layer.extension:
        assert layer.extended(calendar, due) > due


def test_a_request_keeps_the_layer_that_was_in_force_when_it_was_asked() -> None:
    with clock.freeze(datetime(2025, 12, 30, 9, tzinfo=ZONE)):
        code = ask().code
    with clock.freeze(datetime(2026, 1, 5, 9, tzinfo=ZONE)):
        sheet = deciding.opened(code, CHIEF)
        assert sheet.layer.laws == ("13/2023/NĐ-CP",)
        assert sheet.request.due == datetime(2026, 1, 2, 9, tzinfo=ZONE)
        with pytest.raises(errors.ExtendedBefore):
            deciding.extend(code, CHIEF, "that layer has no extension")


def test_in_another_nation_other_posts_decide_under_its_own_law() -> None:
    held = present._held.set(nation.load(TESTLAND))
    try:
        with clock.freeze(MONDAY):
            asker = Reader("TL/GOV/DOOR/PORTAL", "account-1", "personal-rights", "act-8.2")
            code = keeping.ask(Wanted("P0001", "restrict", "", "No."), reader=asker, key="k").code
            clerk = Actor(person="c", post="town-N101.clerk", agency="town-N101", level=2)
            assert deciding.opened(code, clerk).layer.reference == "Invented act 8 3"
            assert deciding.grant(code, clerk).state == "granted"
            assert not deciding.decides(replace(clerk, post="town-N101.mayor"))
    finally:
        present._held.reset(held)


# Asking


def test_what_is_asked_is_kept_sealed_acknowledged_with_its_due_moment_and_entered_into_the_ledger() -> None:
    with clock.freeze(MONDAY):
        request = ask()
    assert request.due == datetime(2026, 12, 22, 23, 59, 59, tzinfo=ZONE)
    assert b"want" not in bytes(request.sealed)
    assert sealing.opened(request)["words"] == "I do not want it."
    step = RequestStep.objects.get()
    content = details.of("privacy.request", step.entry)
    assert content
    assert MOTHER.encode() not in content
    assert b'"step":"asked"' in content
    stated = StatedEvent.objects.get(name="privacy.RequestStepped")
    assert (stated.data["code"], stated.data["step"]) == (request.code, "asked")
    (view,) = seen(MOTHER)
    assert (view.operation, view.register) == ("write", "person-requests")


def test_the_same_key_asks_once_and_for_something_else_gives_nothing_away() -> None:
    assert ask().code == ask().code
    for other in ({"person": FATHER}, {"right": "erase"}, {"user": "account-2"}):
        with pytest.raises(errors.RequestKeyUsed):
            ask(**other)
    assert PersonRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("right", "purpose"),
    [("see", ""), ("fly", ""), ("object", ""), ("object", "birth-registration"), ("restrict", "insurance-upkeep")],
)
def test_only_what_an_agency_decides_on_can_be_asked(right: str, purpose: str) -> None:
    with pytest.raises(errors.BadRequest):
        ask(right, purpose)


def test_a_stranger_sees_and_lifts_nothing_of_it_but_its_person_does_by_a_new_account() -> None:
    code = ask().code
    deciding.grant(code, CHIEF)
    again = replace(ASKER, user="account-2")
    for stranger, person in ((again, FATHER), (replace(again, client="VN/GOV/G24/INSURANCE"), MOTHER)):
        assert keeping.asked_by(stranger, person) == []
        with pytest.raises(errors.NoSuchRequest):
            keeping.lift(code, stranger, person)
    assert refused() == "restricted"
    before = len(seen(MOTHER))
    assert [one.code for one in keeping.asked_by(again, MOTHER)] == [code]
    assert keeping.lift(code, again, MOTHER).state == "lifted"
    assert [one.operation for one in seen(MOTHER)[: len(seen(MOTHER)) - before]] == ["write", "read"]
    assert read() == ("full_name",)


# The desk


def test_only_the_posts_that_the_nation_names_decide() -> None:
    code = ask().code
    assert (service.decides_on_requests(CHIEF), service.decides_on_requests(CLERK)) == (True, False)
    for deed in (deciding.opened, deciding.grant):
        with pytest.raises(errors.NoSuchRequest):
            deed(code, CLERK)


def test_an_officer_sees_requests_once_the_look_is_on_record() -> None:
    with clock.freeze(MONDAY):
        late = ask(key="a").code
    with clock.freeze(MONDAY + timedelta(days=1)):
        ask(key="b", person=FATHER)
    found, ended = deciding.at_desk(CHIEF)
    assert (found[0].code, ended) == (late, [])
    assert deciding.opened(late, CHIEF).said["person"] == MOTHER
    looks = ReadRecord.objects.filter(operation="read", user=CHIEF.post)
    assert [(one.register, one.case) for one in looks.order_by("id")] == [("person-requests", late)]
    assert [one.by_user for one in seen(FATHER)] == ["account-1"], "the list says nothing of who asked"


def test_nobody_fills_the_desk() -> None:
    for number in range(keeping.MOST_OPEN):
        code = ask(key=f"k{number}").code
    with pytest.raises(errors.TooManyOpen):
        ask(key="one-more")
    assert ask(key="k0").code, "what was asked before is answered again"
    assert ask(key="b", person=FATHER, user="account-2").code, "others may ask"
    keeping.lift(code, ASKER, MOTHER)
    assert ask(key="one-more").code


def test_the_time_is_extended_once_with_a_reason_its_person_reads() -> None:
    with clock.freeze(MONDAY):
        code = ask().code
        request = deciding.extend(code, CHIEF, "We must ask another agency.")
    assert request.due == datetime(2027, 1, 6, 23, 59, 59, tzinfo=ZONE)
    with pytest.raises(errors.ExtendedBefore):
        deciding.extend(code, CHIEF, "again")
    (told,) = keeping.asked_by(ASKER, MOTHER)
    assert sealing.opened(told)["reason"] == "We must ask another agency."


def test_a_refusal_names_its_article_and_stops_nothing() -> None:
    code = ask().code
    deciding.refuse(code, CHIEF, article="26/2023/QH15, 9", words="The law says who may read it.")
    (told,) = keeping.asked_by(ASKER, MOTHER)
    assert (told.state, sealing.opened(told)["article"]) == ("refused", "26/2023/QH15, 9")
    assert read()
    with pytest.raises(errors.RequestEnded):
        deciding.grant(code, CHIEF)
    with pytest.raises(errors.RequestEnded):
        keeping.lift(code, ASKER, MOTHER)
    assert [one.kind for one in RequestStep.objects.order_by("id")] == ["asked", "refused"]


@pytest.mark.parametrize("right", ["restrict", "erase"])
def test_what_its_person_has_taken_back_is_decided_on_no_more(right: str) -> None:
    keys.keys_for([MOTHER])
    code = ask(right).code
    keeping.lift(code, ASKER, MOTHER)
    for decide in (
        lambda: deciding.grant(code, CHIEF),
        lambda: deciding.refuse(code, CHIEF, article="1", words="No."),
        lambda: deciding.extend(code, CHIEF, "Later."),
    ):
        with pytest.raises(errors.RequestEnded):
            decide()
    assert keys.live(MOTHER), "nobody is erased who does not want it any more"
    assert read()


# What it stops


@pytest.mark.parametrize(("right", "purpose"), [("restrict", ""), ("object", "insurance-upkeep")])
def test_a_granted_request_stops_the_very_next_read_and_a_lifted_one_no_more(right: str, purpose: str) -> None:
    code = ask(right, purpose).code
    assert read(), "nothing stops before the decision"
    deciding.grant(code, CHIEF)
    assert refused() == "restricted"
    assert read(FATHER), "others are read on"
    assert read(reader=POLICE), "a duty by law goes on"
    keeping.lift(code, ASKER, MOTHER)
    assert read()
    assert keeping.lift(code, ASKER, MOTHER).state == "lifted", "once more is no other thing"


def test_a_refusal_is_shown_to_who_stopped_it_in_words_and_to_nobody_else() -> None:
    deciding.grant(ask().code, CHIEF)
    assert refused(FATHER, MOTHER) == "restricted"
    newest = seen(MOTHER)[0]
    assert (newest.refused, newest.stopped, newest.purpose) == (True, True, "insurance-upkeep")
    assert seen(FATHER) == []


def test_a_purpose_that_cannot_be_stopped_asks_nothing_more_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(stopping.rows, "fetch", lambda statement, _values: asked.append(statement) or [])
    read(reader=POLICE)
    assert asked == []
    read(reader=INSURANCE)
    assert asked == [stopping.STOPPED]


def test_a_write_for_a_stopped_purpose_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    deciding.grant(ask().code, CHIEF)
    known = rights.purposes()
    upkeep = known["insurance-upkeep"]
    writes = tuple(replace(one, operations=frozenset({"write"})) for one in upkeep.grants)
    monkeypatch.setattr(rights, "purposes", lambda: {**known, upkeep.id: replace(upkeep, grants=writes)})
    with pytest.raises(NotPermitted):
        permit(INSURANCE, register="population", persons=[MOTHER], wanted=["full_name"], operation="write")


@settings(max_examples=20, deadline=None)
@given(deeds=st.lists(st.sampled_from(["ask", "grant", "refuse", "lift"]), max_size=6))
@pytest.mark.django_db
def test_the_gate_stops_exactly_while_a_request_is_granted(deeds: list[str]) -> None:
    from django.db import transaction

    with transaction.atomic():
        code, state = ask(key=str(len(deeds))).code, "open"
        for deed in deeds:
            try:
                if deed == "grant":
                    deciding.grant(code, CHIEF)
                    state = "granted"
                elif deed == "refuse":
                    deciding.refuse(code, CHIEF, article="1", words="no")
                    state = "refused"
                elif deed == "lift":
                    keeping.lift(code, ASKER, MOTHER)
                    state = "lifted"
            except errors.RequestEnded:
                pass
            purpose = rights.purposes()["insurance-upkeep"]
            assert service.stopped(purpose.id, [MOTHER]) == (state == "granted")
        transaction.set_rollback(True)


# Erasure


@pytest.mark.django_db(transaction=True)
def test_a_granted_erasure_destroys_the_keys_and_says_when_it_is_complete() -> None:
    request = ask("erase")
    deciding.grant(request.code, CHIEF)
    request.refresh_from_db()
    assert (request.state, request.person) == ("granted", None)
    assert request.complete_on
    assert request.complete_on >= nation.current().today()
    assert keys.live(MOTHER) is None
    assert sealing.opened(request) == {}
    assert not [one for one in details.findings() if one.what != details.AMENDED]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_erased_while_another_request_waits_or_decides_twice_after_a_kill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = ask(key="other").code
    code = ask("erase").code
    with pytest.raises(erasure.StillHeld, match="not decided yet"):
        deciding.grant(code, CHIEF)
    assert keeping.lift(ask("erase", key="mind").code, ASKER, MOTHER).state == "lifted", "nothing was erased yet"
    deciding.refuse(other, CHIEF, article="1", words="no")
    with monkeypatch.context() as killed:
        killed.setattr(deciding, "_save", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            deciding.grant(code, CHIEF)
    refusal = {"article": "1", "words": "no"}
    for deed in (lambda: keeping.lift(code, ASKER, MOTHER), lambda: deciding.refuse(code, CHIEF, **refusal)):
        with pytest.raises(errors.RequestEnded):
            deed()
    assert deciding.grant(code, CHIEF).complete_on


@pytest.mark.django_db(transaction=True)
def test_who_presses_twice_opens_no_way_to_take_back_what_is_being_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    code = ask("erase").code
    carried_out = erasure.erase

    def at_once(number: str, **named: str) -> erasure.Erased:
        with rotation.alone(), pytest.raises(rotation.RotationRuns):
            deciding._erased(code, CHIEF)
        with pytest.raises(errors.RequestEnded):
            keeping.lift(code, ASKER, MOTHER)
        return carried_out(number, **named)

    monkeypatch.setattr(erasure, "erase", lambda *said, **named: (monkeypatch.undo(), at_once(*said, **named))[1])
    assert deciding.grant(code, CHIEF).state == "granted"


def test_what_was_said_is_emptied_after_its_years_and_what_still_stops_is_kept() -> None:
    with clock.freeze(MONDAY):
        old, stops = ask(key="old").code, ask(key="stops").code
        deciding.refuse(old, CHIEF, article="1", words="no")
        deciding.grant(stops, CHIEF)
    with clock.freeze(MONDAY + timedelta(days=6 * 366)):
        assert keeping.forget_old() == 1
    assert sealing.opened(PersonRequest.objects.get(code=old)) == {}
    assert sealing.opened(PersonRequest.objects.get(code=stops))
    assert [one.kind for one in RequestStep.objects.filter(request=old).order_by("id")] == [
        "asked",
        "refused",
        "forgotten",
    ]
    assert list(details.findings()) == []
