"""A result that its own agency did not seal is not taken in: the step says so, the agency is told, nothing is lost."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onedoor.cases import arriving, seals, service, telling, working
from onedoor.cases.file import DossierView
from onedoor.cases.models import Result, Task, Transition
from onedoor.cases.tests.conftest import work
from onedoor.cases.tests.story import SignIn, handed_over, only, states
from onedoor.signing.verdict import Reason
from onedoor.store.models import StatedEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
Change = Callable[[dict[str, Any]], None]


def changed(content: bytes, *, digest: bool) -> Change:
    def change(result: dict[str, Any]) -> None:
        result["file"] = base64.b64encode(content).decode()
        if digest:
            result["sha256"] = hashlib.sha256(content).hexdigest()

    return change


@pytest.fixture
def on_the_way(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """What happens to a result between its agency and the portal."""
    happens: list[Change] = []
    sent = telling._result

    def result(task: Task) -> dict[str, Any] | None:
        found = sent(task)
        for change in happens if found else ():
            change(found)
        return found

    monkeypatch.setattr(telling, "_result", result)
    return happens


def told(sign_in: SignIn) -> DossierView:
    """Let the commune issue a certificate and tell the portal, which may refuse it."""
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    service.accept(only(registrar), registrar)
    work(2)
    return service.view(code, mother)


def one_byte(result: dict[str, Any]) -> bytes:
    file = bytearray(base64.b64decode(result["file"]))
    file[len(file) // 2] ^= 1
    return bytes(file)


@pytest.mark.parametrize("digest", [True, False])
def test_a_result_with_one_byte_changed_is_not_taken_in(
    on_the_way: list[Change], sign_in: SignIn, digest: bool
) -> None:
    on_the_way.append(lambda result: changed(one_byte(result), digest=digest)(result))
    refused(told(sign_in), sign_in, why={Reason.CHANGED.name, Reason.DAMAGED.name})


def test_a_result_sealed_by_another_agency_is_not_taken_in(monkeypatch: pytest.MonkeyPatch, sign_in: SignIn) -> None:
    seal = seals.seal
    monkeypatch.setattr(working.seals, "seal", lambda pdf, _agency, **said: seal(pdf, "police-00199", **said))
    refused(told(sign_in), sign_in, why={arriving.OTHER_AGENCY})


@pytest.mark.parametrize(
    "told_otherwise",
    [
        {"number": "9/2026"},
        {"id": "0b7e3b0e-5a54-7c3c-9d6a-2d5d0b7e3b0e"},
        {"data": {}},
        {"issued_at": "2026-12-07T09:00:01+07:00"},
    ],
    ids=["number", "id", "data", "moment"],
)
def test_a_result_that_is_told_otherwise_than_it_is_sealed_is_not_taken_in(
    on_the_way: list[Change], sign_in: SignIn, told_otherwise: dict[str, Any]
) -> None:
    on_the_way.append(lambda result: result.update(told_otherwise))
    refused(told(sign_in), sign_in, why={arriving.OTHER_DOCUMENT})


def test_a_sealed_result_of_another_case_is_not_taken_in(monkeypatch: pytest.MonkeyPatch, sign_in: SignIn) -> None:
    document = working._document

    def of_another(task: Task, *made: Any) -> tuple[bytes, dict[str, Any]]:
        task.case = "2611-7K4M-Q8"
        return document(task, *made)

    monkeypatch.setattr(working, "_document", of_another)
    refused(told(sign_in), sign_in, why={arriving.OTHER_DOCUMENT})


def refused(dossier: DossierView, sign_in: SignIn, *, why: set[str]) -> None:
    """The step is open and says it, once; the officer sees it; nothing came in."""
    assert states(dossier)["birth"] == "working"
    assert "seal" in dossier.steps[0].trouble or "chữ ký số" in dossier.steps[0].trouble
    assert not Result.objects.exists()
    work(2)  # it is sent again and refused again, and written down once
    assert Transition.objects.filter(kind="not_accepted").count() == 1
    (event,) = StatedEvent.objects.filter(name="cases.ResultNotAccepted")
    assert event.data["why"] in why
    registrar = sign_in("civil-status")
    assert "chữ ký số" in service.task(str(Task.objects.get().pk), registrar).trouble


def test_once_the_seal_is_right_the_same_result_is_taken_in(on_the_way: list[Change], sign_in: SignIn) -> None:
    on_the_way.append(changed(b"no PDF", digest=True))
    code = told(sign_in).code
    on_the_way.clear()
    telling.tell(str(Task.objects.get(step="birth").pk), 1)
    dossier = service.view(code, sign_in("mother"))
    assert states(dossier)["birth"] == "done"
    assert dossier.steps[0].trouble == ""


def test_without_any_trust_nothing_is_taken_in(seals: Path, sign_in: SignIn) -> None:
    trust = seals / "trust.pem"
    kept = trust.read_bytes()
    trust.unlink()
    try:
        assert states(told(sign_in))["birth"] == "working"
    finally:
        trust.write_bytes(kept)
