"""Assessments: two who do not see each other, a third where they differ, published once and entered."""

import csv
import io
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import NotAllowed
from onedoor.measurement.assessments import assessing, definition, errors, reconciling, results
from onedoor.measurement.assessments.assessing import Said
from onedoor.measurement.models import Answer, Assessment, Decision, Sheet
from onedoor.measurement.pages import kept
from onedoor.store import details, ledger
from onedoor.store.models import LedgerEntry, StatedEvent

pytestmark = pytest.mark.django_db
FIRST = Actor(person="p1", post="G22.assessor", agency="G22", level=2)
SECOND, THIRD = replace(FIRST, person="p2"), replace(FIRST, person="p3")
HEAD = replace(FIRST, person="p9", post="G22.reconciler")
CLERK = Actor(person="c", post="commune-00199.civil-status", agency="commune-00199", level=2)
HANOI, LINK = "01", "https://hanoi.example/seen"
CODES = [one.code for one in definition.listed("losi-2024").all]
APART = ("EGL-206", "TEC-202")


def opened(unit: str = HANOI) -> UUID:
    return reconciling.open_(unit, HEAD).pk


def answered(assessment: UUID, actor: Actor, *, absent: tuple[str, ...] = (), link: str = LINK) -> None:
    assessing.take(assessment, actor)
    said: dict[str, Said | None] = {code: Said(code not in absent, "" if code in absent else link) for code in CODES}
    assessing.save(assessment, actor, said)


def both(unit: str = HANOI) -> UUID:
    one = opened(unit)
    answered(one, FIRST, absent=APART[:1])
    answered(one, SECOND, absent=APART[1:], link=f"{LINK}-2")
    assessing.submit(one, FIRST)
    assessing.submit(one, SECOND)
    return one


def published(unit: str = HANOI) -> UUID:
    one = both(unit)
    reconciling.decide(one, HEAD, APART[0], present=True, reason="The search box is at the top.", seen="")
    reconciling.decide(one, HEAD, APART[1], present=False, reason="It is on the second page of results.", seen="")
    reconciling.publish(one, HEAD)
    return one


def officer(persona: str) -> Client:
    client = Client()
    assert client.post("/en/sign-in", {"persona": persona}).status_code == 302
    return client


def words(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return " ".join(response.content.decode().replace("\u202f", " ").replace("\xa0", " ").split())


def test_the_list_has_the_95_indicators_of_six_criteria() -> None:
    counted = {module: sum(code.startswith(f"{module}-") for code in CODES) for module in ("IF", "CP", "SP", "PE")}
    assert len(CODES) == len(set(CODES)) == 95
    assert counted == {"IF": 6, "CP": 30, "SP": 22, "PE": 15}


def test_nobody_sees_the_others_answers_by_any_way_before_both_have_submitted() -> None:
    one = opened()
    answered(one, FIRST)
    answered(one, SECOND, link="https://secret.example/")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assessing.answers(assessing.sheet(one, FIRST))
    assert {said.link for said in assessing.answers(assessing.sheet(one, FIRST)).values()} == {LINK}
    reads = [query["sql"] for query in asked if '"measurement_sheet"' in query["sql"]]
    assert reads, "the sheet was read"
    assert all("'p1'" in sql for sql in reads), "every read of sheets names the person who acts"
    assessing.submit(one, FIRST)
    with pytest.raises(errors.NotBothSubmitted):
        reconciling.opened(one, HEAD)
    with pytest.raises(NotAllowed):
        reconciling.opened(one, SECOND)
    with pytest.raises(errors.NoSuchAssessment):
        results.of(results.row(one))
    assert not results.published(0, 25)


@pytest.mark.parametrize("call", [assessing.to_do, reconciling.listed])
def test_only_posts_that_have_the_duty_do_it(call) -> None:
    with pytest.raises(NotAllowed):
        call(CLERK)
    with pytest.raises(NotAllowed):
        call(HEAD if call is assessing.to_do else FIRST)


def test_two_assess_and_no_third() -> None:
    one = opened()
    assert assessing.take(one, FIRST) == assessing.take(one, FIRST)
    assessing.take(one, SECOND)
    with pytest.raises(errors.TwoAssess):
        assessing.take(one, THIRD)
    assert [row.pk for row, _ in assessing.to_do(THIRD)] == []
    assessing.give_back(one, FIRST)
    assert assessing.take(one, THIRD).place == Sheet.FIRST
    with pytest.raises(IntegrityError), transaction.atomic():
        Sheet.objects.create(assessment_id=one, place=2, person="p4", post="G22.assessor")


def test_an_answer_is_changed_and_cleared_until_it_is_submitted() -> None:
    one = opened()
    assessing.take(one, FIRST)
    assessing.save(one, FIRST, {"IF-281": Said(True, LINK), "IF-215": Said(False), "XX-1": Said(False)})
    assessing.save(one, FIRST, {"IF-281": Said(False), "IF-215": None})
    assert assessing.answers(assessing.sheet(one, FIRST)) == {"IF-281": Said(False)}
    with pytest.raises(errors.NotAllAnswered) as refused:
        assessing.submit(one, FIRST)
    assert refused.value.facts == {"n": 94, "code": "IF-215"}
    answered(one, FIRST)
    submitted = assessing.submit(one, FIRST)
    assert assessing.submit(one, FIRST).entry == submitted.entry
    for change in (lambda: assessing.save(one, FIRST, {"IF-281": None}), lambda: assessing.give_back(one, FIRST)):
        with pytest.raises(errors.Submitted):
            change()
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.update(link="")


def test_a_third_decides_with_a_reason_and_never_one_of_the_two() -> None:
    one = both()
    with pytest.raises(errors.OwnAssessment):
        reconciling.opened(one, replace(HEAD, person=FIRST.person))
    with pytest.raises(errors.OwnAssessment):
        reconciling.publish(one, replace(HEAD, person=SECOND.person))
    with pytest.raises(errors.NotAllDecided):
        reconciling.publish(one, HEAD)
    with pytest.raises(errors.NotDifferent):
        reconciling.decide(one, HEAD, "IF-281", present=True, reason="So it is.", seen="")
    with pytest.raises(IntegrityError), transaction.atomic():
        reconciling.decide(one, HEAD, APART[0], present=True, reason="", seen="")
    reconciling.decide(one, HEAD, APART[0], present=False, reason="First thought.", seen="")
    with pytest.raises(errors.DecidedSince):
        reconciling.decide(one, HEAD, APART[0], present=True, reason="Of an old form.", seen="")
    seen = reconciling.mark(reconciling.opened(one, HEAD)[1].decided[APART[0]])
    reconciling.decide(one, HEAD, APART[0], present=True, reason="Second thought.", seen=seen)
    _, pair = reconciling.opened(one, HEAD)
    assert (pair.differences, pair.undecided) == (list(APART), [APART[1]])
    assert pair.decided[APART[0]].reason == "Second thought."


def test_an_old_form_overwrites_no_newer_decision() -> None:
    one = both()
    head, path = officer("reconciler"), f"/en/assessments/{one}/differences"
    old = {APART[0]: "present", f"{APART[0]}-reason": "As I saw it first.", f"{APART[0]}-seen": ""}
    reconciling.decide(one, HEAD, APART[0], present=False, reason="It is gone.", seen="")
    refused = head.post(path, old | {"do": "publish"})
    assert refused.status_code == 422
    shown = refused.content.decode()
    assert f"{APART[0]} was decided by somebody since you opened this page." in shown
    assert "It is gone." in shown
    assert "As I saw it first." not in shown
    (seen,) = re.findall(rf'name="{APART[0]}-seen" value="([^"]+)"', shown)
    early = head.post(path, old | {f"{APART[0]}-seen": seen, "do": "publish"}).content.decode()
    assert "Differences without a decision: 1" in early
    assert Decision.objects.get(code=APART[0]).reason == "As I saw it first."
    (seen,) = re.findall(rf'name="{APART[0]}-seen" value="([^"]+)"', early)
    again = old | {f"{APART[0]}-reason": "As I see it now.", f"{APART[0]}-seen": seen}
    assert head.post(path, again).status_code == 302
    publish = {"do": "publish", APART[1]: "absent", f"{APART[1]}-reason": "Page 2."}
    unseen = head.post(path, publish)  # of what it would publish the form shows no decision on the first
    assert unseen.status_code == 422
    assert head.post(path, publish | again).status_code == 302


def test_what_is_published_stays_and_is_entered_in_the_ledger() -> None:
    one = published()
    row = reconciling.publish(one, HEAD)
    reconciling.decide(one, HEAD, APART[0], present=False, reason="Too late.", seen="")
    result = results.of(results.row(one))
    assert (result.present, result.pair.agreement.same) == (94, 93)
    assert result.pair.settled[APART[0]]
    entries = [*Sheet.objects.values_list("entry", flat=True), row.entry]
    assert LedgerEntry.objects.filter(id__in=entries).count() == 3
    stated = [one.name for one in StatedEvent.objects.filter(name__startswith="measurement.").order_by("id")]
    assert stated == ["measurement.SheetSubmitted"] * 2 + ["measurement.AssessmentPublished"]
    ledger.integrate()
    assert not [found for found in details.findings() if found.kind.startswith("measurement.")]
    Decision.objects.filter(code=APART[0]).update(reason="Another reason.")
    Answer.objects.filter(sheet__place=1, code="IF-281").update(present=False)
    altered = {(found.what, found.kind) for found in details.findings()}
    assert altered >= {("altered", "measurement.assessment"), ("altered", "measurement.sheet")}


def test_a_unit_has_one_open_assessment_and_can_be_assessed_again() -> None:
    published()
    opened()
    with pytest.raises(errors.AssessmentOpen):
        opened()
    with pytest.raises(errors.NoUnitToAssess):
        opened("99999")
    opened("00199")
    assert Assessment.objects.count() == 3


def test_the_whole_way_on_the_pages() -> None:
    head, first, second = (officer(name) for name in ("reconciler", "assessor-1", "assessor-2"))
    assert first.post("/en/assessments", {"unit": HANOI}).status_code == 403
    assert head.post("/en/assessments", {"unit": HANOI, "code": "00199"}).status_code == 302
    desk = f"/en/assessments/{Assessment.objects.get().pk}"
    assert "Lang Ward" in words(first, "/en/assessments")
    for client, absent in ((first, APART[0]), (second, APART[1])):
        assert client.get(desk).status_code == 404
        assert client.post(desk, {"do": "take"}).status_code == 302
        assert client.post(desk, {"do": "submit"}).status_code == 422
        for module in ("IF", "CP", "SP", "PE", "EGL", "TEC"):
            own = [code for code in CODES if code.startswith(f"{module}-")]
            typed = {code: "absent" if code == absent else "present" for code in own}
            typed |= {f"{code}-link": f"{LINK}/{absent}" for code in own}
            assert client.post(f"{desk}/{module}", typed).status_code == 302
        assert APART[1] not in words(first, f"{desk}/IF")
    assert head.get(f"{desk}/differences").status_code == 409
    assert first.get(f"{desk}/differences").status_code == 403
    assert head.get(f"{desk}/IF").status_code == 403
    for client in (first, second):
        assert client.post(desk, {"do": "submit"}).status_code == 302
        assert client.post(f"{desk}/IF", {"IF-281": ""}).status_code == 409
    assert "93 of 95 answers are the same" in words(head, f"{desk}/differences")
    assert head.post(f"{desk}/differences", {"do": "publish", APART[0]: "present"}).status_code == 422
    typed = {APART[0]: "present", f"{APART[0]}-reason": "It is there.", APART[1]: "absent"}
    assert head.post(f"{desk}/differences", typed | {f"{APART[1]}-reason": ""}).status_code == 422
    answer = head.post(f"{desk}/differences", typed | {f"{APART[1]}-reason": "Page 2.", "do": "publish"})
    assert answer.status_code == 302
    shown = words(Client(), answer.url)
    assert [said for said in ("Lang Ward", "0.9895", "Page 2.") if said not in shown] == []
    assert "0.9895" in words(Client(), "/en/figures/assessments")
    assert "Local Online Service Index 2024" in words(Client(), "/en/figures/")


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """Return what each of *calls* gave, all begun together: a result, or the error that it raised."""

    def one(call: Callable[[], object]) -> object:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - told to the test
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_at_once_two_assess_and_it_is_published_once() -> None:
    one = opened()
    actors = [replace(FIRST, person=f"p{n}") for n in range(6)]
    found = at_once([partial(assessing.take, one, actor) for actor in actors])
    assert sum(isinstance(each, errors.TwoAssess) for each in found) == 4
    two = [actor for actor, each in zip(actors, found, strict=True) if isinstance(each, Sheet)]
    for actor in two:
        answered(one, actor)
    sent = at_once([partial(assessing.submit, one, actor) for actor in two * 3])
    assert len({each.entry for each in sent}) == 2  # type: ignore[attr-defined]
    done = at_once([partial(reconciling.publish, one, HEAD)] * 4)
    assert len({each.entry for each in done}) == 1  # type: ignore[attr-defined]
    assert StatedEvent.objects.filter(name="measurement.AssessmentPublished").count() == 1
    again = at_once([partial(reconciling.open_, HANOI, HEAD)] * 4)
    assert sum(isinstance(each, errors.AssessmentOpen) for each in again) == 3


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"IF-281": "present"}, "Write the address where it can be seen."),
        ({"IF-281": "present", "IF-281-link": "javascript:alert(1)"}, "begins with https://"),
        ({"IF-281": "present", "IF-281-link": "https://"}, "begins with https://"),
        ({"IF-281": "present", "IF-281-link": f"https://a.example/{'x' * 500}"}, "begins with https://"),
        ({"IF-281-link": "https://a.example/"}, "Say whether it is there, or empty the address."),
    ],
)
def test_what_cannot_be_used_is_said_beside_the_field_and_nothing_is_kept(typed: dict[str, str], why: str) -> None:
    one, client = opened(), officer("assessor-1")
    client.post(f"/en/assessments/{one}", {"do": "take"})
    answer = client.post(f"/en/assessments/{one}/IF", {"IF-215": "absent"} | typed)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Answer.objects.exists()


def test_the_list_sums_up_what_each_assessment_says() -> None:
    for unit in ("01", "79"):
        published(unit)
    two = results.published(0, 25)
    assert sorted(one.row.unit for one in two) == ["01", "79"]
    for one in two:
        whole = results.of(results.row(one.row.pk))
        assert (one.present, one.value, one.agreement) == (whole.present, whole.value, whole.agreement)
    assert results.published(1, 25) == two[1:]


def test_a_page_of_the_list_is_kept_by_its_number_whatever_is_asked() -> None:
    published()
    first, before = words(Client(), "/en/figures/assessments"), len(kept._pages)
    assert "0.9895" in first
    assert all("0.9895" in words(Client(), f"/en/figures/assessments?page={asked}") for asked in ("1", "9", "x"))
    assert len(kept._pages) == before


def test_it_can_be_taken_away() -> None:
    one = published()
    told = json.loads(Client().get(f"/en/figures/assessments/{one}.json").content)
    assert (told["value"], told["agreement"], told["kappa"], told["present"]) == ("0.9895", "0.9789", "-0.0106", 94)
    rows = list(csv.DictReader(io.StringIO(Client().get(f"/vi/figures/assessments/{one}.csv").content.decode())))
    assert [row["code"] for row in rows] == CODES
    assert [row["reason"] for row in rows if row["decision"]] == [
        "The search box is at the top.", "It is on the second page of results."
    ]  # fmt: skip
    assert Client().get(f"/en/figures/assessments/{one}.pdf").status_code == 404


@pytest.mark.parametrize(
    ("language", "heading", "absent"),
    [("vi", "Hà Nội", "Chưa có"), ("en", "Hanoi", "Not present"), ("fr", "Hà Nội", "Absent")],
)
def test_everybody_reads_it_in_their_language(language: str, heading: str, absent: str) -> None:
    shown = words(Client(), f"/{language}/figures/assessments/{published()}")
    assert heading in shown
    assert f">{absent}</span>" in shown
