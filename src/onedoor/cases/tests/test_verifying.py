"""Where the law gives a longer limit to verify, the officer can take it: once, with the reason, told to the person."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from onedoor.cases import rules, service
from onedoor.cases.errors import NotPossible, WordsNeeded
from onedoor.cases.file import DossierView
from onedoor.cases.models import Dossier, Transition
from onedoor.cases.tests.conftest import HANOI, NOW, work
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.cases.views import StepView
from onedoor.kernel import clock, nation
from onedoor.kernel.clock import Limit
from onedoor.notices import service as notices

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
REASON = "Cần xác minh chỗ ở hợp pháp."


def residence_of(dossier: DossierView) -> StepView:
    return next(step for step in dossier.steps if step.id == "residence")


@pytest.fixture
def code(sign_in: SignIn) -> str:
    """A case whose birth is registered: residence and insurance are at their officers."""
    registrar = sign_in("civil-status")
    found = handed_over(sign_in("mother")).code
    service.accept(only(registrar), registrar)
    work()
    return found


def test_the_officer_takes_the_longer_limit_once_and_the_person_is_told_why(code: str, sign_in: SignIn) -> None:
    mother, police = sign_in("mother"), sign_in("residence")
    was, clock_was = residence_of(service.view(code, mother)), service.view(code, mother).clock
    task = only(police)
    assert "verify" in service.task(task, police).may
    with pytest.raises(WordsNeeded):
        service.verify(task, " ", police)
    service.verify(task, REASON, police)
    work()
    after = service.view(code, mother)
    step = residence_of(after)
    calendar = nation.current().calendar
    assert (step.limit, step.state, step.verifies) == ("5wd", "working", REASON)
    assert was.due
    assert step.due
    assert step.started_at
    assert calendar.local(step.due) == calendar.due(step.started_at, Limit.parse("5wd")) > was.due
    assert (clock_was.limit, after.clock.limit) == ("3wd", "5wd")
    assert calendar.local(after.clock.due) == calendar.due(after.clock.counted_from, Limit.parse("5wd"))
    view = service.task(task, police)
    assert view.line.due == step.due
    assert "verify" not in view.may
    assert {"accept", "refuse"} <= view.may
    with pytest.raises(NotPossible):
        service.verify(task, REASON, police)
    assert Transition.objects.get(kind="verify").words() == REASON
    assert any("must verify" in one.text and one.facts["code"] == code for one in notices.inbox(mother.person).notices)
    service.accept(task, police)
    work()
    assert residence_of(service.view(code, mother)).state == "done"


def test_a_step_without_the_longer_limit_cannot_be_verified(code: str, sign_in: SignIn) -> None:
    cards = sign_in("cards")
    assert "verify" not in service.task(only(cards), cards).may
    with pytest.raises(NotPossible):
        service.verify(only(cards), REASON, cards)
    assert Dossier.objects.get(code=code).limit == "3wd"


def test_the_desk_offers_it_and_shows_it_before_it_is_sent(code: str, sign_in: SignIn) -> None:
    sign_in("residence")
    client = Client()
    client.post(reverse("identity:sign-in"), {"persona": "residence"})
    task = only(sign_in("residence"))
    assert 'value="verify"' in client.get(reverse("cases:desk-task", args=[task])).content.decode()
    chosen = {"decision": "verify", "verify_text": REASON}
    assert REASON in client.post(reverse("cases:desk-task", args=[task]), chosen).content.decode()
    assert client.post(reverse("cases:decide", args=[task]), {"decision": "verify", "text": REASON}).status_code == 302
    work()
    client.post(reverse("identity:sign-in"), {"persona": "mother"})
    assert REASON in client.get(reverse("cases:case", args=[code])).content.decode()


def test_what_a_supplement_gave_back_stays_given(code: str, sign_in: SignIn) -> None:
    mother, police = sign_in("mother"), sign_in("residence")
    task = only(police)
    service.ask_supplement(task, "Gửi giúp giấy tờ nhà.", police)
    work()
    with clock.freeze(NOW + timedelta(days=3)):
        service.supplement(code, "Đây ạ.", "s-1", mother)
        work()
        given = residence_of(service.view(code, mother)).due
        service.verify(task, REASON, police)
        work()
        longer = residence_of(service.view(code, mother)).due
    assert given
    assert longer
    assert nation.current().calendar.working_days_between(given.date(), longer.date()) == 3


@pytest.mark.parametrize(
    ("limit", "longer", "due"),
    [
        ("2wd", "5wd", datetime(2026, 12, 11, 17, tzinfo=HANOI)),
        ("24h", "72h", datetime(2026, 12, 10, 17, tzinfo=HANOI)),
        ("2wd", "2wd", datetime(2026, 12, 8, 17, tzinfo=HANOI)),
    ],
)
def test_the_end_moves_by_what_the_longer_limit_adds(limit: str, longer: str, due: datetime) -> None:
    ends = datetime(2026, 12, 8, 17, tzinfo=HANOI)
    assert rules.due_extended(nation.current().calendar, ends, limit, longer) == due
