"""An authority says only what its step may decide, write and issue; what is false is refused and recorded."""

from typing import Any

import pytest

from onedoor.cases import service
from onedoor.cases.models import Attempt, Received, Step
from onedoor.cases.reasons import reason
from onedoor.cases.tests.conftest import Transport, work
from onedoor.cases.tests.story import SignIn, handed_over, only, states
from onedoor.exchange.service import Call, ProviderError
from onedoor.kernel.actor import Actor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
SAID = {"step": "birth", "round": 0, "agency": "commune-00199", "by": "commune-00199.civil-status", "text": "no"}
RESULT = {
    "id": "01a201cf-1c68-7183-8ed2-38ea86bc56f0",
    "kind": "birth_certificate",
    "number": "1",
    "issued_at": "2026-12-07T10:00:00+07:00",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "verify_url": "http://localhost:8002/vi/verify/1",
    "file": "",
    "data": {},
}


def say(case: str, **changed: Any) -> Call:
    user = "police-00199.residence" if changed.get("agency") == "police-00199" else "commune-00199.civil-status"
    body = {"case": case, **SAID, **{name: value for name, value in changed.items() if name != "key"}}
    key = str(changed.get("key", "k"))
    return Call("VN/GOV/G22/PORTAL/cases", "outcome", body, reason=reason("cases", case), user=user, key=key)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "hand_over", "to": "police-00199"},
        {"kind": "hand_over", "to": "nowhere"},
        {"kind": "refuse", "ground": "because"},
        {"kind": "refuse", "ground": "not_competent", "by": "police-00199.residence"},
        {"kind": "done"},
        {"kind": "done", "result": RESULT | {"kind": "insurance_card"}},
        {"kind": "done", "result": RESULT | {"verify_url": "javascript:alert(1)"}},
        {"kind": "done", "result": RESULT | {"issued_at": "yesterday"}},
        {"kind": "done", "result": RESULT | {"issued_at": "2026-11-02T09:00:00+23:59"}},
        {"kind": "done", "result": RESULT, "records": {"card": {"number": "1"}}},
    ],
)
def test_an_authority_says_nothing_that_its_step_does_not_let_it_say(
    transport: Transport, sign_in: SignIn, changed: dict[str, Any]
) -> None:
    mother = sign_in("mother")
    dossier = handed_over(mother)
    answer = transport.carry(say(dossier.code, **changed))
    assert isinstance(answer, ProviderError)
    assert answer.facts["status"] == 400
    assert service.view(dossier.code, mother).steps[0].state == "working"
    assert Attempt.objects.get().kind == "false-outcome"


def test_one_agency_cannot_use_up_the_key_of_anothers_message(transport: Transport, sign_in: SignIn) -> None:
    mother, registrar, police = map(sign_in, ("mother", "civil-status", "residence"))
    dossier = handed_over(mother)
    service.accept(only(registrar), registrar)
    work()
    card = Step.objects.get(ref="insurance")
    taken = f"{dossier.code}:insurance:{card.round}:outcome:1"
    transport.carry(
        say(
            dossier.code,
            key=taken,
            step="residence",
            agency="police-00199",
            by="police-00199.residence",
            kind="refuse",
            ground=_ground(police),
        )
    )
    insurer = sign_in("cards")
    service.accept(only(insurer), insurer)
    work()
    assert states(service.view(dossier.code, mother))["insurance"] == "done"
    assert Received.objects.filter(key__endswith=taken).count() == 2


def _ground(officer: Actor) -> str:
    return service.task(only(officer), officer).articles[0].id
