"""What events say of a step: whose facts spared the person a question, and whether it was settled in time."""

from datetime import timedelta

import pytest

from onedoor.cases import service
from onedoor.cases.tests.conftest import NOW, Transport, work
from onedoor.cases.tests.story import SignIn, only, submit
from onedoor.kernel import clock
from onedoor.store.models import StatedEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def stated(name: str) -> list[dict[str, object]]:
    return [row.data for row in StatedEvent.objects.filter(name=f"cases.{name}").order_by("stated_at")]


def test_an_outcome_that_comes_first_is_the_acknowledgement_and_says_that_it_is_late(
    sign_in: SignIn, transport: Transport
) -> None:
    transport.lose_answers_of.add("hand-over")
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    submit(mother)
    work()
    assert not stated("StepAcknowledged")
    with clock.freeze(NOW + timedelta(days=9)):
        service.accept(only(registrar), registrar)
        work()
    (taken,) = stated("StepAcknowledged")
    assert {"population", "birth-notices"} <= set(taken["registers"])
    (done,) = stated("StepDone")
    assert (done["step"], done["on_time"], done["asked"], done["visit"]) == ("birth", False, 0, False)
    assert done["minutes"] == 9 * 24 * 60


def test_a_refusal_in_time_says_so(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    submit(mother)
    work()
    with clock.freeze(NOW + timedelta(minutes=7)):
        service.refuse(only(registrar), "not_competent", "Cha mẹ không cư trú ở đây.", registrar)
        work()
    (refused,) = stated("StepRefused")
    assert (refused["on_time"], refused["minutes"], refused["ground"]) == (True, 7, "not_competent")
