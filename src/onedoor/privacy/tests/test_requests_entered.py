"""Requests held against the ledger: whatever of one is changed past the programs, its last step tells."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection

from onedoor.kernel import clock
from onedoor.privacy.models import PersonRequest, RequestStep
from onedoor.privacy.requests import deciding, keeping, sealing, steps
from onedoor.privacy.tests.test_requests import ASKER, CHIEF, FATHER, MONDAY, MOTHER, ask
from onedoor.store import details, erasure, sealed
from onedoor.store.details import ADDED, ALTERED
from onedoor.store.models import LedgerEntry

pytestmark = pytest.mark.django_db


def found() -> list[str]:
    return [one.what for one in details.findings() if one.what != details.AMENDED]


def alter(code: str, **values: Any) -> None:
    assert PersonRequest.objects.filter(code=code).update(**values) == 1


def entered_before(code: str) -> None:
    """Have a request stand as the version before entered it, whose steps did not cover it."""
    request = PersonRequest.objects.get(code=code)
    said = {name: text for name, text in sealing.opened(request).items() if name != "salt"}
    alter(code, sealed=sealed.seal(said, subject=MOTHER, place=sealing._place(request)))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE store_ledger_entry DISABLE TRIGGER USER")
    for step in RequestStep.objects.filter(request=code):
        step.form, step.stands, step.said = 1, "", ""
        step.save()
        LedgerEntry.objects.filter(id=step.entry).update(commitment=sha256(steps._content(step)).digest())


@pytest.mark.parametrize("before", [False, True], ids=["today", "before"])
@pytest.mark.parametrize(
    "change",
    [
        {"state": "lifted"},
        {"person": None},
        {"person": b"\1" * 32},
        {"sealed": b""},
        {"sealed": b"", "person": None, "account": ""},
        {"due": MONDAY},
        {"right": "object"},
        {"purpose": "insurance-upkeep"},
    ],
    ids=str,
)
def test_a_restriction_is_not_switched_off_unnoticed(change: dict[str, Any], *, before: bool) -> None:
    code = ask().code
    deciding.grant(code, CHIEF, "So it is.")
    if before:
        entered_before(code)
    assert found() == []
    alter(code, **change)
    # The first form tells neither what was said nor that it is no more.
    blind = before and change.keys() == {"sealed", "person", "account"}
    assert found() == ([] if blind else [ALTERED] * (2 if {"right", "purpose"} & change.keys() else 1))


def test_an_envelope_of_before_the_answer_is_not_put_back_unnoticed() -> None:
    code = ask().code
    asked = PersonRequest.objects.get(code=code).sealed
    deciding.refuse(code, CHIEF, article="1", words="no")
    alter(code, sealed=asked)
    assert found() == [ALTERED]


def test_an_envelope_of_somebody_erased_hides_nothing() -> None:
    code, other = ask().code, ask(person=FATHER, key="other", user="account-2").code
    deciding.grant(code, CHIEF)
    deciding.refuse(other, CHIEF, article="1", words="no")
    gone = PersonRequest.objects.get(code=other).sealed
    erasure.erase(FATHER)
    assert found() == []
    alter(code, sealed=gone, person=b"\1" * 32)
    assert found() == [ALTERED]


def test_what_was_asked_before_the_steps_covered_it_goes_on_covered() -> None:
    code = ask().code
    entered_before(code)
    keeping.lift(code, ASKER, MOTHER)
    assert found() == []
    alter(code, state="granted")
    assert found() == [ALTERED]


def test_a_request_that_nobody_asked_is_found() -> None:
    made_up = PersonRequest.objects.get(code=ask().code)
    made_up.code, made_up.key = "2612-AAAA-AA", "another"
    made_up.save(force_insert=True)
    assert found() == [ADDED]


def test_steps_have_an_order_also_when_the_clock_was_set_back() -> None:
    code = ask().code
    with clock.freeze(MONDAY - timedelta(days=30)):
        deciding.grant(code, CHIEF)
    other = ask(person=FATHER, key="other", user="account-2").code
    assert found() == []
    alter(other, state="granted", ended=MONDAY)
    assert found() == [ALTERED]
