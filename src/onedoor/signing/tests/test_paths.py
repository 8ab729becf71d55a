"""What is judged of each certificate on a path, of seals and of time-stamps: in force, and not revoked, at its time."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from onedoor.signing import development, keys, pades, stamps, trust
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.status import Status
from onedoor.signing.tests.authorities import START
from onedoor.signing.tests.test_judgement import ours
from onedoor.signing.tests.test_lasting import SIGNED, STAMPED
from onedoor.signing.tests.test_lasting import file as file
from onedoor.signing.tests.test_lasting import holder as holder
from onedoor.signing.tests.test_lasting import lab as lab
from onedoor.signing.tests.test_pades import make_authority
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Reason, Revocation

MINUTE = timedelta(minutes=1)
SILENT = "nobody tells"


def path(profile, end=STAMPED + timedelta(days=9)):
    """Return a key and its path: a certificate for it, one that ends at *end* of the authority between, the root."""
    root, by = make_authority("root", None, None)
    between, key = make_authority("between", root, by)
    own = keys.new_key()
    leaf = Authority(key, between).issue(Subject("Láng"), own.public_key(), profile, moment=START)
    return SimpleNamespace(
        key=own, leaf=leaf, between=make_authority("between", root, by, end=end, key=key)[0], root=root
    )


def sealed(plain, by):
    return pades.sign_pdf(plain, by.key, by.leaf, [by.between], moment=SIGNED)


@pytest.mark.parametrize(
    ("leaf", "between", "reasons", "revocation"),
    [
        (None, None, (), Revocation.GOOD),
        (None, SILENT, (), Revocation.UNKNOWN),
        (STAMPED + MINUTE, None, (), Revocation.LATER),
        (STAMPED, None, (Reason.REVOKED,), Revocation.UNKNOWN),
        (STAMPED + MINUTE, STAMPED - MINUTE, (Reason.REVOKED,), Revocation.UNKNOWN),
        (STAMPED - MINUTE, STAMPED + MINUTE, (Reason.REVOKED,), Revocation.UNKNOWN),
    ],
    ids=["good", "not known", "later", "at the moment", "the one between", "the signer"],
)
def test_the_earliest_revocation_on_the_path_of_a_seal_counts(plain, leaf, between, reasons, revocation):
    by = path("seal")
    known = {by.leaf: leaf, by.between: between}

    def tells(certificate, issuer):
        revoked = known[certificate]
        return None if revoked == SILENT else Status(STAMPED, STAMPED, revoked, issuer, b"")

    verdict = pades.check_pdf(sealed(plain, by), Trust((by.root,), (), tells), moment=STAMPED, twice=False)
    assert (verdict.reasons, verdict.revocation) == (reasons, revocation)


@pytest.mark.parametrize(("apart", "reasons"), [(MINUTE, ()), (-MINUTE, (Reason.NOT_IN_FORCE,))])
def test_the_authority_between_is_in_force_when_a_seal_is_proven(plain, apart, reasons):
    by = path("seal", STAMPED + apart)
    assert pades.check_pdf(sealed(plain, by), Trust((by.root,)), moment=STAMPED, twice=False).reasons == reasons


def stamped(plain, holder, key, *chain):
    """Return a file sealed by *holder* under a time-stamp by *key* that carries the certificates *chain*."""

    def stamp(data):
        asked = stamps.request(data)
        return stamps.taken(development.stamp(asked, key, chain, STAMPED), asked, data)

    return pades.sign_pdf(plain, *holder, moment=SIGNED, stamper=SimpleNamespace(room=4096, stamp=stamp))


@pytest.mark.parametrize(("apart", "reasons"), [(MINUTE, ()), (-MINUTE, (Reason.STAMP_ENDED,))])
def test_the_authority_between_is_in_force_while_a_time_stamp_proves(plain, lab, holder, apart, reasons):
    by, later = path("stamp", STAMPED + timedelta(days=1)), STAMPED + timedelta(days=1)
    file = stamped(plain, holder, by.key, by.leaf, by.between)
    trusted = Trust(lab.trust.roots, (by.root,))
    assert pades.check_pdf(file, trusted, moment=later - apart, twice=False).reasons == reasons


def test_a_time_stamp_carries_no_certificate_that_proves_nothing(plain, lab, holder):
    assert ours(stamped(plain, holder, lab.stamping, lab.stamper), lab, STAMPED) == ()
    carrying = stamped(plain, holder, lab.stamping, lab.stamper, lab.responder)
    assert ours(carrying, lab, STAMPED) == (Reason.STAMP_UNTRUSTED,)


def test_a_time_stamp_whose_authority_was_revoked_under_a_later_one_proves_on(file, lab):
    later = STAMPED + timedelta(days=1)
    first, lab.moment = lab.stamper, later
    lab.stamping, lab.stamper = lab.identity(development.STAMP_NAME, "stamp", 360)
    renewed = pades.make_last(file, lab.trust, lab)
    lab.moment = later + timedelta(days=1)
    development.revoke(lab.folder, first, later + MINUTE)
    assert ours(renewed, lab, lab.moment) == ()
    assert ours(file, lab, lab.moment) == (Reason.STAMP_ENDED,)


def test_of_two_time_stamps_whose_clocks_differ_the_earlier_moment_is_proven(plain, lab, holder):
    key, certificate = holder
    lab.moment = STAMPED + 3 * MINUTE
    sealed = pades.sign_pdf(plain, key, certificate, moment=SIGNED, stamper=lab)
    lab.moment = STAMPED
    file = pades.make_last(sealed, lab.trust, lab)
    development.revoke(lab.folder, certificate, STAMPED + 2 * MINUTE)
    lab.moment = STAMPED + timedelta(days=1)
    assert ours(file, lab, lab.moment) == ()


def test_the_certificate_that_an_authority_gave_itself_does_not_hide_the_one_that_another_gave_it():
    top, by = make_authority("top", None, None)
    own, key = make_authority("own", None, None)
    given, _ = make_authority("own", top, by, key=key)
    leaf = Authority(key, own).issue(Subject("Láng"), keys.new_key().public_key(), "seal", moment=START)
    assert trust.path(leaf, [own, given], [top]) == (leaf, own, given, top)


@pytest.mark.parametrize(
    ("top", "between", "reasons"), [(1, 0, (Reason.UNTRUSTED,)), (1, 1, (Reason.UNTRUSTED,)), (2, 1, ())]
)
def test_an_authority_has_no_more_authorities_below_it_than_it_may(plain, top, between, reasons):
    root, by = make_authority("root", None, None, reach=top)
    first, key = make_authority("first", root, by, reach=between)
    second, own = make_authority("second", first, key, reach=0)
    mine = keys.new_key()
    leaf = Authority(own, second).issue(Subject("Láng"), mine.public_key(), "seal", moment=START)
    file = pades.sign_pdf(plain, mine, leaf, [second, first], moment=SIGNED)
    for twice in (False, True):
        assert pades.check_pdf(file, Trust((root,)), moment=STAMPED, twice=twice).reasons == reasons
