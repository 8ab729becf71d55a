"""The whole story in one process: a birth declared once, three agencies, three signed results."""

from datetime import timedelta

import pytest

from onedoor.cases import service, submission, working
from onedoor.cases.errors import (
    NoSuchCase,
    NoSuchResult,
    NoSuchTask,
    NotPossible,
    OneSupplementOnly,
    OtherAgency,
    TooLateToWithdraw,
)
from onedoor.cases.models import Attempt, Dossier, IssuedResult, Result, Task, Transition
from onedoor.cases.tests.conftest import MOTHER, NOW, Transport, work
from onedoor.cases.tests.story import BIRTH, SignIn, fill, handed_over, only, states, submit
from onedoor.kernel import clock
from onedoor.kernel.errors import NotAllowed, Unavailable
from onedoor.registers.models import Record
from onedoor.store.models import LedgerEntry, StatedEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def test_a_birth_declared_once_brings_three_signed_results(sign_in: SignIn) -> None:
    mother, registrar, police, insurer = map(sign_in, ("mother", "civil-status", "residence", "cards"))
    dossier = submit(mother)
    assert states(dossier) == {"birth": "sending", "residence": "waiting", "insurance": "waiting"}
    work()
    assert states(service.view(dossier.code, mother))["birth"] == "working"
    service.accept(only(registrar), registrar)
    work()
    dossier = service.view(dossier.code, mother)
    assert states(dossier) == {"birth": "done", "residence": "working", "insurance": "working"}
    service.accept(only(police), police)
    service.accept(only(insurer), insurer)
    work()
    dossier = service.view(dossier.code, mother)
    assert dossier.state == "done"
    assert [result.agency for result in dossier.results] == ["commune-00199", "police-00199", "vss-01"]
    for result in dossier.results:
        file = service.result_file(dossier.code, result.kind, mother)
        compared = service.compare(file.content, result.verify_url.rpartition("/")[2])
        assert (compared.verdict, compared.signed, compared.reasons) == ("same", True, ())
        assert result.number


def test_each_fact_is_asked_once_and_shown_with_its_source(transport: Transport, sign_in: SignIn) -> None:
    draft = fill(sign_in("mother"))
    asked = [(call.service, tuple(sorted(call.body["by"].items()))) for call in transport.carried]
    assert len(asked) == len(set(asked))
    facts = {fact.name: fact for page in draft.pages for fact in page.facts}
    assert facts["mother"].value["vi"] == "Trần Thu Hà"
    assert facts["sex"].value["fr"] == "Féminin"
    assert all(fact.source["en"] and fact.record for fact in facts.values())


def test_submitting_twice_is_one_dossier(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    first = submit(mother)
    assert service.submit(BIRTH, "key-1", mother).code == first.code
    assert Dossier.objects.count() == 1


def test_a_silent_register_is_named_and_asked_again_on_demand(transport: Transport, sign_in: SignIn) -> None:
    mother = sign_in("mother")
    transport.silent.add("VN/GOV/G18/HEALTH")
    draft = fill(mother)
    assert [(one.name, one.why) for one in draft.missing] == [("notices", "silent")]
    assert not draft.ready
    transport.silent.clear()
    assert service.refresh(BIRTH, mother).missing == ()


def test_a_dossier_keeps_nothing_personal_in_clear(sign_in: SignIn) -> None:
    dossier = handed_over(sign_in("mother"))
    body = bytes(Dossier.objects.get(code=dossier.code).body) + bytes(Task.objects.get().payload)
    assert MOTHER.encode() not in body
    assert "Trần Thu Hà".encode() not in body


def test_the_other_parent_sees_the_dossier_and_a_stranger_does_not(sign_in: SignIn) -> None:
    dossier = handed_over(sign_in("mother"))
    assert not service.view(dossier.code, sign_in("father")).mine
    registrar = sign_in("civil-status")
    with pytest.raises(NoSuchCase):
        service.view(dossier.code, registrar)
    (attempt,) = Attempt.objects.all()
    assert (attempt.kind, attempt.what) == ("dossier-of-another", dossier.code)
    assert LedgerEntry.objects.filter(pk=attempt.entry).exists()


def test_only_the_applicant_may_withdraw(sign_in: SignIn) -> None:
    dossier = handed_over(sign_in("mother"))
    with pytest.raises(NoSuchCase):
        service.withdraw(dossier.code, sign_in("father"))


def test_an_officer_of_another_agency_is_refused_and_recorded(sign_in: SignIn) -> None:
    handed_over(sign_in("mother"))
    task = str(Task.objects.get().pk)
    police = sign_in("residence")
    for act in (service.task, service.accept):
        with pytest.raises(OtherAgency):
            act(task, police)
    assert Attempt.objects.filter(kind="task-of-another").count() == 2
    assert service.inbox(police).total == 0


def test_a_supplement_stops_the_clock_and_the_answer_starts_it_again(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    before = handed_over(mother)
    service.ask_supplement(only(registrar), "Gửi giúp ảnh giấy chứng sinh.", registrar)
    work()
    asked = service.view(before.code, mother)
    assert (asked.state, asked.clock.stopped) == ("supplement", True)
    assert asked.request
    assert asked.request.text == "Gửi giúp ảnh giấy chứng sinh."
    with clock.freeze(NOW + timedelta(days=2)):
        service.supplement(before.code, "Đây ạ.", "s-1", mother, {"photo": ("a.jpg", b"picture" * 500_000)})
        service.supplement(before.code, "Đây ạ.", "s-1", mother)
        work()
        after = service.view(before.code, mother)
        assert (after.state, after.clock.stopped) == ("working", False)
        assert after.clock.due > before.clock.due
        (view,) = [service.task(only(registrar), registrar)]
        assert [one.text for one in view.supplements] == ["Đây ạ."]
        (photo,) = view.files
        assert service.file(view.line.id, photo.field, registrar).content == b"picture" * 500_000
        assert "supplement" not in view.may
        with pytest.raises(OneSupplementOnly):
            service.ask_supplement(view.line.id, "Một lần nữa.", registrar)


def test_a_refusal_brings_its_article_and_ends_the_dossier(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    dossier = handed_over(mother)
    service.refuse(only(registrar), "not_competent", "Cha mẹ không cư trú ở đây.", registrar)
    work()
    dossier = service.view(dossier.code, mother)
    assert states(dossier) == {"birth": "refused", "residence": "dropped", "insurance": "dropped"}
    assert dossier.state == "refused"
    refusal = dossier.steps[0].refusal
    assert refusal
    assert "Điều 13" in refusal.article["vi"]
    assert refusal.appeal["vi"]


def test_a_step_is_handed_over_to_another_authority(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    dossier = handed_over(mother)
    view = service.task(only(registrar), registrar)
    other = next(agency for agency, _name in view.authorities)
    service.hand_over(view.line.id, other, "Thuộc phường khác.", registrar)
    work()
    dossier = service.view(dossier.code, mother)
    assert (dossier.steps[0].state, dossier.steps[0].agency) == ("working", other)
    assert [(task.agency, task.state) for task in Task.objects.order_by("round")] == [
        ("commune-00199", "handed_over"),
        (other, "new"),
    ]


def test_a_dossier_is_withdrawn_before_the_birth_is_decided(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    dossier = handed_over(mother)
    service.withdraw(dossier.code, mother)
    assert service.view(dossier.code, mother).state == "withdrawn"
    assert service.inbox(registrar).total == 0


def test_a_dossier_is_not_withdrawn_once_an_officer_has_decided(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    dossier = handed_over(mother)
    service.accept(only(registrar), registrar)
    with pytest.raises(TooLateToWithdraw):
        service.withdraw(dossier.code, mother)
    work()
    with pytest.raises(NotPossible):
        service.withdraw(dossier.code, mother)


def test_a_hand_over_that_comes_after_the_withdrawal_finds_it_withdrawn(transport: Transport, sign_in: SignIn) -> None:
    mother = sign_in("mother")
    dossier = submit(mother)
    service.withdraw(dossier.code, mother)
    work()
    (task,) = Task.objects.all()
    registrar = sign_in("civil-status")
    assert (task.state, service.inbox(registrar, tab="done").total) == ("withdrawn", 0), "nothing came to show there"
    with pytest.raises(NoSuchTask):
        service.task(str(task.pk), registrar)


def test_a_lost_answer_does_nothing_twice(transport: Transport, sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    transport.lose_answers_of |= {"hand-over", "outcome", "records"}
    dossier = handed_over(mother)
    assert (dossier.steps[0].state, Task.objects.count()) == ("sending", 1)
    service.accept(only(registrar), registrar)
    task = str(Task.objects.get().pk)
    with pytest.raises(Unavailable):
        working.work(task)
    transport.lose_answers_of.clear()
    working.work(task)
    working.work(task)
    work()
    dossier = service.view(dossier.code, mother)
    assert (dossier.steps[0].state, dossier.steps[0].trouble) == ("done", "")
    assert (IssuedResult.objects.count(), Result.objects.filter(kind="birth_certificate").count()) == (1, 1)
    assert Record.objects.filter(register="births", recorded_until=None).count() == 1
    assert Transition.objects.filter(step="birth", kind="done").count() == 1


@pytest.mark.parametrize("dies_in", ["_keep", "_document", "_finish", "_issue"])
def test_an_acceptance_killed_in_the_middle_goes_on_where_it_stood(
    dies_in: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    handed_over(mother)
    task = only(registrar)
    service.accept(task, registrar)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(working, dies_in, die)
        with pytest.raises(KeyboardInterrupt):
            working.work(task)
    assert Task.objects.get(pk=task).state == "deciding"
    work()
    assert Task.objects.get(pk=task).state == "done"
    assert IssuedResult.objects.count() == 1
    people = Record.objects.filter(register="population", recorded_until=None).count()
    assert people == 4, "the child was written once"


def test_a_second_click_changes_nothing(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    handed_over(mother)
    task = only(registrar)
    for _ in range(2):
        service.accept(task, registrar)
    work()
    service.accept(task, registrar)
    work()
    assert IssuedResult.objects.count() == 1


def test_what_a_register_refuses_comes_back_to_the_officer(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    handed_over(mother)
    task = only(registrar)

    def refuse(*_: object) -> None:
        raise NotAllowed

    with monkeypatch.context() as broken:
        broken.setattr(working, "_write", refuse)
        service.accept(task, registrar)
        work()
    view = service.task(task, registrar)
    assert view.line.state == "stuck"
    assert view.trouble
    assert view.may == {"accept"}
    service.accept(task, registrar)
    work()
    assert service.task(task, registrar).line.state == "done"


def test_an_agency_that_does_not_answer_is_alerted_in_the_history(transport: Transport, sign_in: SignIn) -> None:
    mother = sign_in("mother")
    dossier = submit(mother)
    transport.silent.add("VN/GOV/G15/CIVIL-STATUS")
    work()
    dossier = service.view(dossier.code, mother)
    assert (dossier.steps[0].state, bool(dossier.steps[0].trouble)) == ("sending", True)
    from onedoor.cases import handover

    handover.watch(dossier.code, "birth", 0, 1)
    handover.watch(dossier.code, "birth", 0, 2)
    kinds = [line.kind for line in service.view(dossier.code, mother).history]
    assert kinds == ["submit", "late_1", "late_2"]


def test_an_agency_cannot_tell_the_outcome_of_anothers_step(transport: Transport, sign_in: SignIn) -> None:
    dossier = handed_over(sign_in("mother"))
    from onedoor.cases.reasons import reason
    from onedoor.exchange.service import Call, Refused

    body = {"case": dossier.code, "step": "birth", "round": 0, "agency": "police-00199", "kind": "refuse"}
    body |= {"by": "police-00199.residence", "ground": "not_competent", "text": "no"}
    call = Call(
        "VN/GOV/G22/PORTAL/cases",
        "outcome",
        body,
        reason=reason("cases", dossier.code),
        user="police-00199.residence",
        key="k",
    )
    assert isinstance(transport.carry(call), Refused)
    assert Attempt.objects.get().kind == "outcome-of-another"


def test_every_transition_has_its_event_and_its_ledger_entry(sign_in: SignIn) -> None:
    handed_over(sign_in("mother"))
    rows = list(Transition.objects.all())
    assert [row.kind for row in rows] == ["submit", "acknowledge"]
    assert {row.entry for row in rows} <= {str(pk) for pk in LedgerEntry.objects.values_list("pk", flat=True)}
    names = set(StatedEvent.objects.values_list("name", flat=True))
    assert {"cases.DossierSubmitted", "cases.StepAcknowledged", "cases.TaskMoved"} <= names


def test_the_trail_names_every_read_and_the_agencies_that_are_silent(transport: Transport, sign_in: SignIn) -> None:
    mother = sign_in("mother")
    dossier = handed_over(mother)
    transport.silent.add("VN/GOV/G24/INSURANCE")
    trail = service.reads(dossier.code, mother)
    assert {line.register for line in trail.reads} >= {"population", "marriages", "birth-notices", "residence"}
    assert all(line.purpose_text["vi"] and line.basis_text["vi"] and line.fields for line in trail.reads)
    assert len(trail.silent) == 1


def test_an_officer_looks_into_a_register_of_their_own_system_through_the_gate(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    dossier = handed_over(mother)
    view = service.task(only(registrar), registrar)
    assert "marriage" in {look.id for look in view.looks}
    found = service.look(view.line.id, "marriage", registrar)
    assert found.record
    assert found.found
    users = {line.by_user for line in service.reads(dossier.code, mother).reads}
    assert "commune-00199.civil-status" in users


def test_an_unknown_or_altered_result_is_shown_as_false_and_recorded(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    dossier = handed_over(mother)
    service.accept(only(registrar), registrar)
    work()
    file = service.result_file(dossier.code, "birth_certificate", mother)
    issued = str(IssuedResult.objects.get().pk)
    view = service.issued(issued)
    assert (view.kind, view.agency, view.state) == ("birth_certificate", "commune-00199", "valid")
    altered = bytearray(file.content)
    altered[len(altered) // 2] ^= 1
    compared = service.compare(bytes(altered), issued)
    assert (compared.verdict, compared.signed) == ("differs", False)
    assert service.compare(b"a letter").verdict == "not-ours"
    for forged in ("01a201cf-1c68-7183-8ed2-38ea86bc56f0", "nonsense"):
        with pytest.raises(NoSuchResult):
            service.issued(forged)
    assert sorted(Attempt.objects.values_list("kind", flat=True)) == [
        "file-differs",
        "file-not-ours",
        "unknown-result",
        "unknown-result",
    ]


def test_a_draft_is_submitted_only_when_it_is_ready(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    service.begin(BIRTH, mother)
    with pytest.raises(service.NotReady):
        submission.submit(BIRTH, "key", mother)
    with pytest.raises(service.NoDraft):
        service.draft(BIRTH, sign_in("father"))
