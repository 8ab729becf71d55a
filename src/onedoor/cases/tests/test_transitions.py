"""Every transition brings its event, whatever moves a dossier; a hand-over is watched, a silent person waited for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from onedoor.cases import handover, held, service
from onedoor.cases.errors import OneSupplementOnly
from onedoor.cases.journey import service_of
from onedoor.cases.models import Act, Dossier, Task, Transition
from onedoor.cases.tests.conftest import HANOI, NOW, work
from onedoor.cases.tests.story import SignIn, handed_over, only, states, submit
from onedoor.cases.tests.test_desk_reads import recorded
from onedoor.kernel import clock
from onedoor.store import outbox
from onedoor.store.models import StatedEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
EVENTS = {
    "submit": "DossierSubmitted",
    "acknowledge": "StepAcknowledged",
    "late_1": "HandOverLate",
    "late_2": "HandOverLate",
    "supplement": "SupplementAsked",
    "answer": "SupplementAnswered",
    "expire": "SupplementExpired",
    "verify": "StepVerified",
    "done": "StepDone",
    "refuse": "StepRefused",
    "hand_over": "StepRedirected",
    "withdraw": "DossierWithdrawn",
    "dossier_done": "DossierEnded",
    "dossier_refused": "DossierEnded",
    "dossier_stopped": "DossierEnded",
}
"""What is stated when a dossier moves, by the kind of its transition."""


OTHER = "commune-26740"


def test_a_hand_over_is_looked_at_after_ten_minutes_and_after_two_working_hours(sign_in: SignIn) -> None:
    late = datetime(2026, 12, 7, 16, 0, tzinfo=HANOI)  # an hour before the offices close
    with clock.freeze(late):
        dossier = submit(sign_in("mother"))
    watches = ProcrastinateJob.objects.filter(task_name="cases.watch", args__code=dossier.code, status="todo")
    assert [(job.args["step"], job.args["limit"], job.scheduled_at) for job in watches.order_by("scheduled_at")] == [
        ("birth", 1, late + timedelta(minutes=10)),
        ("birth", 2, datetime(2026, 12, 8, 9, 0, tzinfo=HANOI)),
    ]


def test_each_transition_and_each_act_at_a_desk_states_its_event_once(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    withdrawn(sign_in)
    refused(sign_in)
    expired(sign_in)
    dossier = submit(mother, key="whole")
    for limit in (1, 2):
        handover.watch(dossier.code, "birth", 0, limit)
    work()
    service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar)
    work()
    service.supplement(dossier.code, "Đây ạ.", "s-1", mother)
    work()
    service.accept(only(registrar), registrar)
    work()
    police, insurer = sign_in("residence"), sign_in("cards")
    service.verify(only(police), "Cần xác minh.", police)
    work()
    for officer in (police, insurer):
        service.accept(only(officer), officer)
    work()
    assert set(Transition.objects.values_list("kind", flat=True)) == set(EVENTS)
    made = ((EVENTS[row.kind], row.dossier.code, row.step) for row in Transition.objects.select_related("dossier"))
    assert Counter(made) == stated(*EVENTS.values())
    acts = ((row.kind, row.task.case, row.state) for row in Act.objects.select_related("task"))
    moved = (one.data for one in StatedEvent.objects.filter(name="cases.TaskMoved"))
    assert Counter(acts) == Counter((one["kind"], one["case"], one["state"]) for one in moved)


def test_a_transition_whose_event_cannot_be_stated_is_not_there(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")

    def lost(move: Callable[[], object]) -> None:
        rows = [model.objects.order_by("pk") for model in (Dossier, Task, Transition, Act, StatedEvent)]
        before = [list(one.values()) for one in rows]
        with monkeypatch.context() as patched:
            patched.setattr(outbox, "state", broken)
            with pytest.raises(OutboxBroken):
                move()
        assert [list(one.all().values()) for one in rows] == before

    lost(lambda: submit(mother))
    code = handed_over(mother).code
    lost(lambda: service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar))
    service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar)
    work()
    lost(lambda: service.supplement(code, "Đây ạ.", "s-1", mother))
    service.supplement(code, "Đây ạ.", "s-1", mother)
    assert Transition.objects.filter(kind="answer").count() == 1


def broken(_event: object) -> None:
    raise OutboxBroken


class OutboxBroken(Exception):
    """The outbox takes no event."""


def test_a_supplement_that_never_came_stops_the_dossier_and_the_authority_hears_of_it(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    code = expired(sign_in)
    dossier = service.view(code, mother)
    assert states(dossier) == {"birth": "stopped", "residence": "dropped", "insurance": "dropped"}
    assert dossier.state == "stopped"
    assert [line.kind for line in dossier.history][-2:] == ["expire", "dossier_stopped"]
    assert Task.objects.get(case=code).state == "stopped"
    assert service.inbox(sign_in("civil-status")).total == 0


def test_a_supplement_that_came_in_time_is_not_stopped_by_its_limit(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar)
    work()
    (job,) = ProcrastinateJob.objects.filter(task_name="cases.expire", args__code=code, status="todo")
    service.supplement(code, "Đây ạ.", "s-1", mother)
    with clock.freeze(job.scheduled_at):
        handover.expire(code, job.args["step"], job.args["asked"])
    assert states(service.view(code, mother))["birth"] == "working"


def test_whom_a_step_is_handed_over_to_has_what_was_sent_and_asks_no_second_time(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar)
    work()
    service.supplement(code, "Đây ạ.", "s-1", mother, {"photo": ("a.jpg", b"picture")})
    work()
    service.hand_over(only(registrar), OTHER, "Thuộc phường khác.", registrar)
    work()
    other = replace(registrar, agency=OTHER, post=f"{OTHER}.civil-status")
    view = service.task(only(other), other)
    (photo,) = view.files
    assert [one.text for one in view.supplements] == ["Đây ạ."]
    assert service.file(view.line.id, photo.field, other).content == b"picture"
    assert held.SENT in recorded(OTHER)[0].fields
    assert "supplement" not in view.may
    with pytest.raises(OneSupplementOnly):
        service.ask_supplement(view.line.id, "Một lần nữa.", other)


def withdrawn(sign_in: SignIn) -> None:
    """Hand a dossier over to another authority, then withdraw it."""
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother, key="withdrawn").code
    view = service.task(only(registrar), registrar)
    service.hand_over(view.line.id, next(agency for agency, _name in view.authorities), "Thuộc phường khác.", registrar)
    work()
    service.withdraw(code, mother)
    work()


def refused(sign_in: SignIn) -> None:
    """Have a dossier refused."""
    registrar = sign_in("civil-status")
    handed_over(sign_in("mother"), key="refused")
    service.refuse(only(registrar), "not_competent", "Cha mẹ không cư trú ở đây.", registrar)
    work()


def expired(sign_in: SignIn) -> str:
    """Let the limit of a supplement pass; return the code of the dossier."""
    registrar = sign_in("civil-status")
    code = handed_over(sign_in("mother"), key="expired").code
    service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar)
    work()
    (job,) = ProcrastinateJob.objects.filter(task_name="cases.expire", args__code=code, status="todo")
    row = Dossier.objects.get(code=code)
    (asked,) = row.steps.filter(ref=job.args["step"])
    assert job.scheduled_at == asked.answer_by > NOW + timedelta(days=7)
    assert service_of(row).supplement.within == "7wd"
    with clock.freeze(job.scheduled_at):
        handover.expire(code, job.args["step"], job.args["asked"])
        work()
    return code


def stated(*kinds: str) -> Counter[tuple[str, str, str]]:
    """Count the events of *kinds* by kind, dossier and step."""
    found = StatedEvent.objects.filter(name__in={f"cases.{kind}" for kind in kinds})
    return Counter((one.name.partition(".")[2], one.data["case"], one.data.get("step", "")) for one in found)
