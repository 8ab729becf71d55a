from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from onedoor.cases import renewing, seals, service, words, working
from onedoor.cases.models import IssuedResult, Result, Task
from onedoor.cases.tests.conftest import AGENCIES, FATHER, MOTHER, work
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.kernel import clock
from onedoor.signing import development, envelope, holders
from onedoor.signing.certificates import CertificateNotInForce, save_certificates
from onedoor.signing.stamps import NoTimeStamp
from onedoor.signing.tests.authorities import Lab, at_their
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Reason
from onedoor.store import details, keys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def stamped(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Documents are made to last."""
    monkeypatch.setattr(seals, "stamping", lambda: lab)
    monkeypatch.setattr(seals, "trust", lambda: lab.trust)
    short = lab.stamping, lab.stamper
    with at_their(clock.now()):
        yield
    lab.stamping, lab.stamper = short


def lasting(lab: Lab, days: int = 400) -> None:
    """Give the time-stamp authority a certificate that ends later."""
    lab.stamping, lab.stamper = lab.identity(development.STAMP_NAME, "stamp", days)


def issued(sign_in: SignIn) -> tuple[str, IssuedResult, Result]:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    service.accept(only(registrar), registrar)
    work()
    return code, IssuedResult.objects.get(), Result.objects.get()


def test_both_copies_are_renewed_once_and_both_files_are_what_was_issued(lab: Lab, sign_in: SignIn) -> None:
    code, at_agency, at_portal = issued(sign_in)
    old = at_portal.content()
    assert at_agency.lasts_until == at_portal.lasts_until == lab.stamper.not_valid_after_utc
    lasting(lab)
    assert renewing.renew(dry_run=True).due == 2
    assert Result.objects.get().content() == old
    told: list[tuple[int, int]] = []
    assert renewing.renew(progress=lambda *done: told.append(done)).outcomes == Counter({renewing.DONE: 2})
    assert told == [(1, 2), (2, 2)]
    assert renewing.renew().due == 0
    assert [(one.kind, one.what) for one in details.findings()] == [("cases.issued", details.AMENDED)]
    new = service.result_file(code, "birth_certificate", sign_in("mother")).content
    assert new.startswith(old)
    assert new != old
    assert Result.objects.get().size == len(new)
    assert Result.objects.get().sha256 == IssuedResult.objects.get().sha256 == at_agency.sha256
    for file in (old, new):
        compared = service.compare(file, str(at_agency.pk))
        assert (compared.verdict, compared.good, compared.revocation) == ("same", True, "good")
    assert service.compare(new + b" ", str(at_agency.pk)).verdict == "differs"


def test_what_stands_behind_a_document_and_was_not_looked_at_is_not_what_was_issued(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can add time-stamps until no more are read, and then whatever they want."""
    row = issued(sign_in)[1]
    file, result = row.content(), str(row.pk)
    with monkeypatch.context() as short:
        short.setattr(envelope, "MOST_STAMPS", 2)
        compared = service.compare(file + b"another document", result)
    assert (compared.verdict, compared.reasons) == ("differs", (Reason.TOO_LARGE,))
    with monkeypatch.context() as changed:
        changed.setattr(seals, "trust", lambda: Trust(()))
        seals._verdicts._kept.clear()
        compared = service.compare(file + b"another document", result)
        assert (compared.verdict, compared.reasons) == ("differs", (Reason.UNTRUSTED,))
        compared = service.compare(envelope.sealed_part(file), result)
        assert (compared.verdict, compared.reasons) == ("same", (Reason.UNTRUSTED,))
        seals._verdicts._kept.clear()


def test_a_seal_that_has_ended_or_not_begun_seals_nothing() -> None:
    (certificate,) = holders.certificates(seals.folder(), AGENCIES[0])
    for moment in (certificate.not_valid_before_utc - SECOND, certificate.not_valid_after_utc + SECOND):
        with clock.freeze(moment), pytest.raises(CertificateNotInForce):
            seals.seal(b"", AGENCIES[0], name="", reason="")


def test_an_officer_whose_agency_has_no_seal_in_force_any_more_is_told_so(lab: Lab, sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    handed_over(mother)
    service.accept(only(registrar), registrar)
    (certificate,) = holders.certificates(seals.folder(), AGENCIES[0])
    ended = lab.authority.issue(certificate.subject, certificate.public_key(), "seal", days=1, moment=lab.start)
    path = seals.folder() / f"{AGENCIES[0]}.pem"
    save_certificates(path, [ended])
    try:
        work()
    finally:
        save_certificates(path, [certificate])
    assert not IssuedResult.objects.exists()
    assert "không có hiệu lực" in words.kept(Task.objects.get().trouble)


def test_an_authority_that_ends_as_soon_renews_nothing(sign_in: SignIn) -> None:
    before = issued(sign_in)[1].content()
    assert renewing.renew().outcomes == Counter({renewing.NO_BETTER: 1})
    assert IssuedResult.objects.get().content() == before


def test_while_the_authority_is_silent_nothing_is_lost(
    lab: Lab, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued(sign_in)
    lasting(lab)
    with monkeypatch.context() as away:
        away.setattr(lab, "stamp", silent)
        with pytest.raises(NoTimeStamp):
            renewing.renew()
    assert renewing.renew().outcomes == Counter({renewing.DONE: 2})


def silent(_stamped: bytes) -> bytes:
    raise NoTimeStamp(who="the time-stamp authority", why="no answer")


def test_a_result_waits_for_its_time_stamp_and_is_issued_once(
    lab: Lab, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    with monkeypatch.context() as away:
        away.setattr(lab, "stamp", silent)
        service.accept(only(registrar), registrar)
        work(1)
        assert not IssuedResult.objects.exists()
    working.work(str(Task.objects.get(step="birth").pk))
    work()
    (step,) = [one for one in service.view(code, mother).steps if one.id == "birth"]
    assert step.state == "done"
    assert IssuedResult.objects.count() == Result.objects.count() == 1


def test_a_copy_that_does_not_hold_or_was_erased_is_left_as_it_is(lab: Lab, sign_in: SignIn) -> None:
    issued(sign_in)
    lasting(lab)
    for person in (MOTHER, FATHER):
        keys.destroy(person)
    assert renewing.renew().outcomes[renewing.ERASED] >= 1


def test_a_seal_revoked_later_leaves_its_documents_valid_and_says_since_when(lab: Lab, sign_in: SignIn) -> None:
    _, at_agency, _ = issued(sign_in)
    file = at_agency.content()
    (certificate,) = seals.holders.certificates(seals.folder(), at_agency.agency)
    try:
        development.revoke(lab.folder, certificate, clock.now() + timedelta(minutes=1))
        seals._verdicts._kept.clear()
        compared = service.compare(file, str(at_agency.pk))
        assert (compared.good, compared.revocation) == (True, "later")
        assert compared.revoked_at
    finally:
        (lab.folder / development.REVOKED).unlink()
        seals._verdicts._kept.clear()
