"""A withdrawal that does not come about leaves no step that nobody works on."""

from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from onedoor.cases import dossiers, handover, service
from onedoor.cases.errors import NotPossible
from onedoor.cases.models import Dossier, Step, Task, Transition
from onedoor.cases.tests.conftest import NOW, Transport, work
from onedoor.cases.tests.story import SignIn, handed_over, only, states, submit
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import Unavailable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals")]


def go_on(code: str) -> None:
    """Do what is done some minutes after the try."""
    job = ProcrastinateJob.objects.filter(task_name="cases.go_on", args__code=code, status="todo").latest("id")
    with clock.freeze(job.scheduled_at):
        handover.go_on(code)
        work()


def agreed_in_vain(code: str, mother: Actor, transport: Transport) -> None:
    """Have *mother* withdraw a case; what its authority answers, that it agrees, is lost."""
    transport.lose_answers_of.add("end")
    with pytest.raises(Unavailable):
        service.withdraw(code, mother)
    transport.lose_answers_of.clear()


def test_a_step_whose_authority_agreed_in_vain_is_handed_over_anew(transport: Transport, sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    agreed_in_vain(code, mother, transport)
    assert (Task.objects.get().state, states(service.view(code, mother))["birth"]) == ("withdrawn", "working")
    go_on(code)
    assert [(task.round, task.state) for task in Task.objects.order_by("round")] == [(0, "withdrawn"), (1, "new")]
    service.accept(only(registrar), registrar)
    work()
    assert states(service.view(code, mother))["birth"] == "done"


def test_a_withdrawal_tried_again_withdraws_and_nothing_goes_on(transport: Transport, sign_in: SignIn) -> None:
    mother = sign_in("mother")
    code = handed_over(mother).code
    agreed_in_vain(code, mother, transport)
    service.withdraw(code, mother)
    go_on(code)
    assert (Dossier.objects.get().state, Task.objects.get().state) == ("withdrawn", "withdrawn")
    assert not Transition.objects.filter(kind="hand_over").exists()


def test_a_step_that_is_not_ended_is_left_alone(transport: Transport, sign_in: SignIn) -> None:
    mother = sign_in("mother")
    code = handed_over(mother).code
    transport.silent.add("VN/GOV/G15/CIVIL-STATUS")
    with pytest.raises(Unavailable):
        service.withdraw(code, mother)
    transport.silent.clear()
    go_on(code)
    assert (Task.objects.get().state, Step.objects.get(ref="birth").round) == ("new", 0)


def test_a_step_ended_before_it_came_is_handed_over_anew_too(transport: Transport, sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = submit(mother).code
    agreed_in_vain(code, mother, transport)
    ProcrastinateJob.objects.filter(task_name="cases.go_on").delete()
    work()
    go_on(code)
    assert service.task(only(registrar), registrar).line.state == "new"


def test_what_moved_on_while_the_authorities_were_asked_is_not_withdrawn(
    transport: Transport, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    ended = dossiers._end

    def moved_on(dossier: Dossier, step: Step) -> None:
        ended(dossier, step)
        with clock.freeze(NOW + timedelta(minutes=11)):
            handover.go_on(code)
            work()

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(dossiers, "_end", moved_on)
        with pytest.raises(NotPossible):
            service.withdraw(code, mother)
    assert only(registrar)
    service.withdraw(code, mother)
    assert service.inbox(registrar).total == 0
