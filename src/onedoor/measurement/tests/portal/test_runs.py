"""A level is proved by a run that the portal judges by its own record; a run is never a real case."""

from datetime import timedelta

import pytest

from onedoor.cases import service as cases
from onedoor.cases.models import Result, Transition
from onedoor.cases.tests.conftest import NOW, work
from onedoor.cases.tests.story import BIRTH, SignIn, only, submit
from onedoor.kernel import clock
from onedoor.kernel.errors import BadInput
from onedoor.measurement import runs
from onedoor.measurement.models import Ended, EndedCase, Run
from onedoor.procedures.service import NoSuchService
from onedoor.store import details

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
SHOWN = ["delivery", "form", "handling", "information", "interactive", "originals", "payment", "return", "reuse"]


def decided(sign_in: SignIn, *officers: str) -> None:
    for officer in officers or ("civil-status", "residence", "cards"):
        actor = sign_in(officer)
        cases.accept(only(actor), actor)
        work()


def announced(times: int = 1) -> Run:
    return runs.announce(BIRTH, "mother", "operator", times)[0]


def test_a_run_is_judged_by_the_case_itself_and_is_no_real_case(sign_in: SignIn) -> None:
    announced()
    dossier = submit(sign_in("mother"))
    work()
    assert Run.objects.get().case == dossier.code
    decided(sign_in)
    run = Run.objects.get()
    assert (run.passed, run.faults) == (True, [])
    assert run.shown == sorted([*SHOWN, "submission"])
    assert run.results == ["birth_certificate", "insurance_card", "residence_notice"]
    assert not Ended.objects.exists()
    assert not list(details.findings())
    Run.objects.update(shown=[*run.shown, "automatic"])
    assert [(one.what, one.kind) for one in details.findings()] == [("altered", "measurement.run")]


def again() -> Run:
    """Judge the run anew, as if its case had just ended."""
    Run.objects.update(passed=None)
    runs.end(Run.objects.get().case)
    return Run.objects.get()


def test_what_was_changed_past_the_ledger_or_lost_its_seal_proves_nothing(sign_in: SignIn) -> None:
    announced()
    dossier = submit(sign_in("mother"))
    work()
    decided(sign_in)
    assert again().passed
    Transition.objects.filter(kind="submit").update(by="someone")
    assert [fault[0] for fault in again().faults] == ["applicant", "ledger"]
    Transition.objects.filter(kind="submit").update(by=str(sign_in("mother").person))
    assert again().passed
    Result.objects.filter(step="birth").update(sha256="0" * 64)
    run = again()
    assert (run.passed, run.faults, run.shown) == (False, [["result", "birth"]], [])
    Result.objects.filter(step="birth").delete()
    assert again().faults == [["result", "birth"]]
    assert dossier.code == run.case


def test_a_real_case_counts_on_its_day_and_once(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    dossier = submit(mother)
    cases.withdraw(dossier.code, mother)
    work()
    runs.end(dossier.code)
    (counted,) = Ended.objects.all()
    assert (counted.service, counted.day, counted.ended, counted.away) == (BIRTH, NOW.date(), 1, 0)
    assert not Run.objects.exists()


def test_a_run_that_did_not_end_well_is_no_real_case_either(sign_in: SignIn) -> None:
    announced(times=2)
    mother = sign_in("mother")
    dossier = submit(mother)
    cases.withdraw(dossier.code, mother)
    work()
    run, waiting = Run.objects.order_by("id")
    assert (run.passed, ["state", "withdrawn"] in run.faults, run.shown) == (False, True, [])
    assert waiting.case == ""
    assert not EndedCase.objects.exists()


@pytest.mark.parametrize("early", [timedelta(minutes=1), -runs.HOLDS])
def test_only_an_announcement_before_the_case_makes_it_a_run(sign_in: SignIn, early: timedelta) -> None:
    with clock.freeze(NOW + early):
        announced()
    mother = sign_in("mother")
    cases.withdraw(submit(mother).code, mother)
    work()
    assert Run.objects.get().case == ""
    assert Ended.objects.get().ended == 1


def test_only_made_up_people_play_runs_of_services_there_are() -> None:
    with pytest.raises(BadInput, match="It has: father, grandmother, mother"):
        runs.announce(BIRTH, "civil-status", "operator")
    with pytest.raises(NoSuchService):
        runs.announce("vn.none", "mother", "operator")
    with pytest.raises(BadInput, match="1 to 1000"):
        runs.announce(BIRTH, "mother", "operator", 0)
