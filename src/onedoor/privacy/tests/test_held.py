"""What a system was given for a case is read as what is in a register: stopped, on consent, sealed, and on record."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from onedoor.kernel.actor import Actor
from onedoor.privacy import own, rights
from onedoor.privacy.consents import decisions
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.requests import deciding
from onedoor.privacy.service import Held, NotPermitted, Reader, permit_held, permitting_held
from onedoor.privacy.tests.test_consents import PURPOSE
from onedoor.privacy.tests.test_consents import READER as ON_CONSENT
from onedoor.privacy.tests.test_requests import CHIEF, FATHER, INSURANCE, MOTHER, ask
from onedoor.privacy.tests.test_sealing import DUE, FIRST, TODAY, on

pytestmark = pytest.mark.django_db
DOSSIER = "cases/vn.birth-linked"
Look = Callable[[Held], object]


def around(read: Held) -> None:
    with permitting_held(read):
        pass


@pytest.fixture(params=[permit_held, around])
def look(request: pytest.FixtureRequest) -> Look:
    """Give each door by which it is read."""
    found: Look = request.param
    return found


def held(reader: Reader, *persons: str) -> Held:
    return Held(reader, DOSSIER, ["mother"], persons or [MOTHER])


def refused(look: Look, read: Held) -> str:
    with pytest.raises(NotPermitted) as refusal:
        look(read)
    return str(refusal.value.facts["reason"])


def test_a_person_who_stopped_a_purpose_stops_it_there_too(look: Look) -> None:
    look(held(INSURANCE))
    deciding.grant(ask().code, CHIEF)
    assert refused(look, held(INSURANCE, FATHER, MOTHER)) == "restricted"
    assert own.reads_of_person(MOTHER, own.Wanted())[0].stopped
    assert own.reads_of_person(FATHER, own.Wanted()) == [], "nobody else is told who stopped it"
    look(held(INSURANCE, FATHER))


def test_it_takes_the_consent_of_each_and_none_once_it_is_withdrawn(look: Look) -> None:
    assert refused(look, held(ON_CONSENT)) == "no-consent"
    for given, person in ((True, MOTHER), (True, FATHER), (False, FATHER)):
        decisions.decide(person, PURPOSE, 1, given=given, by=Actor(person="account-1"))
        with suppress(NotPermitted):
            look(held(ON_CONSENT, MOTHER, FATHER))
    told = ReadRecord.objects.order_by("id").values_list("refused", flat=True)
    assert list(told) == ["no-consent", "no-consent", "", "no-consent"]


def test_for_a_sealed_purpose_it_is_shown_on_its_day(look: Look) -> None:
    with on(TODAY):
        look(held(FIRST))
    assert ReadRecord.objects.get().hidden_until == DUE
    for day, shown in ((TODAY, 0), (DUE, 1)):
        with on(day):
            assert len(own.reads_of_person(MOTHER, own.Wanted())) == shown


def test_a_system_that_the_right_does_not_name_is_refused_and_its_attempt_shown(look: Look) -> None:
    stranger = replace(FIRST, client="VN/GOV/G24/INSURANCE")
    with on(TODAY):
        assert refused(look, held(stranger)) == "not-granted"
        (shown,) = own.reads_of_person(MOTHER, own.Wanted())
    assert (shown.refused, shown.purpose) == (True, "investigation"), (
        "who is not named hides nothing by a sealed purpose"
    )


def test_what_is_refused_for_a_sealed_purpose_is_shown_on_its_day_too(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = rights.purposes()
    bound = {**known, FIRST.purpose: replace(known[FIRST.purpose], without_case=False)}
    monkeypatch.setattr(rights, "purposes", lambda: bound)
    with on(TODAY):
        assert refused(look, held(replace(FIRST, case=""))) == "no-case"
        assert own.reads_of_person(MOTHER, own.Wanted()) == []
    with on(DUE):
        assert len(own.reads_of_person(MOTHER, own.Wanted())) == 1
