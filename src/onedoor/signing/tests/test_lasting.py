"""Documents that last (PAdES B-LTA), judged by us and, independently, by pyHanko, pdfsig and openssl."""

import io
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import NameObject, TextStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from onedoor.signing import (
    archive,
    development,
    envelope,
    keys,
    opinion,
    pades,
    pdf,
    stamps,
    status,
)
from onedoor.signing.certificates import Subject
from onedoor.signing.envelope import open_file
from onedoor.signing.tests.authorities import AIA, START, Lab, at_their
from onedoor.signing.tests.conftest import DATA
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Reason, Refused, Revocation

SIGNED, STAMPED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC), datetime(2026, 11, 20, 8, 31, tzinfo=UTC)
YEARS_LATER = datetime(2029, 6, 1, tzinfo=UTC)


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path, STAMPED)


def identity(lab):
    key = keys.new_key()
    subject = Subject("Con dấu số", "Ủy ban nhân dân phường Láng", "commune-00199", "VN")
    return key, lab.authority.issue(subject, key.public_key(), "seal", days=330, moment=START, status=AIA)


@pytest.fixture
def holder(lab):
    return identity(lab)


def last(plain, lab, key, certificate):
    sealed = pades.sign_pdf(plain, key, certificate, reason="Cấp giấy khai sinh", moment=SIGNED, stamper=lab)
    return pades.make_last(sealed, lab.trust, lab)


@pytest.fixture
def file(plain, lab, holder):
    return last(plain, lab, *holder)


def both(file, lab, moment=None):
    """Return our verdict after checking that pyHanko, asked on its own, says the same."""
    at = moment or lab.moment
    ours = pades.check_pdf(file, lab.trust, moment=at, twice=False)
    try:
        with at_their(at):
            theirs = opinion.agrees(file, open_file(file, lab.trust.roots), lab.trust, at)
    except Refused:
        theirs = False
    assert ours.valid == theirs, ours
    return ours


def test_a_document_that_lasts_tells_who_proves_it_since_when_and_how_long(file, lab, holder):
    verdict = both(file, lab)
    assert (verdict.valid, verdict.agency, verdict.signed_at) == (True, "commune-00199", SIGNED)
    assert (verdict.proven_at, verdict.proven_by) == (STAMPED, development.STAMP_NAME)
    assert verdict.lasts_until == lab.stamper.not_valid_after_utc
    assert verdict.revocation == Revocation.GOOD
    assert lab.asked == 2


def test_no_text_of_a_document_is_taken_for_a_part_of_its_seal(template, lab, holder):
    """What a person wrote into a form stands in the document, and in its data as it was written."""
    said = "\n/Contents <AB>\n/ByteRange [0 10 20 30]\n/M (D:20200101000000Z)\n/DSS 5 0 R/Fields 6 0 R"
    data = DATA | {"child": {"full_name": said}}
    plain = pdf.render(template, data, {"notice.txt": said.encode()}, lang="vi", moment=SIGNED)
    assert plain.count(b"/ByteRange") > 1
    verdict = both(last(plain, lab, *holder), lab)
    assert (verdict.valid, verdict.signed_at) == (True, SIGNED)


def test_a_signature_revoked_after_signing_stays_valid_and_one_revoked_before_is_not(plain, file, lab, holder):
    key, certificate = holder
    development.revoke(lab.folder, certificate, STAMPED + timedelta(minutes=10))
    lab.moment = STAMPED + timedelta(days=1)
    verdict = both(file, lab)
    assert (verdict.valid, verdict.revocation) == (True, Revocation.LATER)
    late = pades.sign_pdf(plain, key, certificate, moment=SIGNED, stamper=lab)
    with pytest.raises(pades.CertificateRevoked):
        pades.make_last(late, lab.trust, lab)
    assert pades.check_pdf(late, lab.trust, moment=lab.moment).reasons == (Reason.REVOKED,)


def test_a_thief_who_stamps_with_an_old_answer_of_the_responder_is_found_out(plain, lab, holder):
    key, certificate = holder
    known = lab.trust.status(certificate, lab.authority.certificate)
    revoked = STAMPED + timedelta(minutes=10)
    development.revoke(lab.folder, certificate, revoked)
    lab.moment = revoked + timedelta(minutes=10)
    old = Trust(
        lab.trust.roots, lab.trust.stamping, lambda one, by: known if one == certificate else lab.status(one, by)
    )
    stolen = pades.make_last(pades.sign_pdf(plain, key, certificate, moment=SIGNED, stamper=lab), old, lab)
    assert pades.check_pdf(stolen, lab.trust, moment=lab.moment).reasons == (Reason.REVOKED,)
    assert not both(stolen, lab).valid


def test_a_document_stays_valid_after_the_seals_certificate_and_through_renewals(file, lab, holder):
    ended = holder[1].not_valid_after_utc + timedelta(days=5)
    lab.moment = ended
    assert both(file, lab).valid
    renewed = file
    for year in range(2):
        lab.moment = datetime(2026 + year, 12, 20, tzinfo=UTC)
        lab.stamping, lab.stamper = lab.identity(development.STAMP_NAME, "stamp", 360 * (year + 2))
        renewed = pades.make_last(renewed, lab.trust, lab)
        assert renewed.startswith(file)
        assert pades.lasts_until(renewed, lab.trust) == lab.stamper.not_valid_after_utc
        assert both(renewed, lab).valid
    lab.moment = lab.stamper.not_valid_after_utc - timedelta(days=1)
    assert both(renewed, lab).valid
    assert both(file, lab).reasons == (Reason.STAMP_ENDED,)
    assert envelope.sealed_part(renewed) == envelope.sealed_part(file)


def test_without_renewal_nothing_proves_a_document_in_the_end(file, lab):
    lab.moment = YEARS_LATER
    assert both(file, lab).reasons == (Reason.STAMP_ENDED,)


def test_time_stamps_of_a_stranger_are_not_trusted(plain, lab, tmp_path, holder):
    stranger = Lab(tmp_path / "other", STAMPED)
    sealed = pades.sign_pdf(plain, *holder, moment=SIGNED, stamper=stranger)
    with pytest.raises(Refused) as refused:
        pades.make_last(sealed, lab.trust, stranger)
    assert refused.value.reason == Reason.STAMP_UNTRUSTED
    assert both(sealed, lab).reasons == (Reason.STAMP_UNTRUSTED,)


def test_a_time_stamp_older_than_the_one_before_it_is_a_contradiction(file, lab):
    lab.moment = STAMPED - timedelta(days=2)
    again = pades.make_last(file, lab.trust, lab)
    assert pades.check_pdf(again, lab.trust, moment=STAMPED, twice=False).reasons == (Reason.STAMP_ORDER,)


def test_no_certificate_but_one_for_time_stamps_makes_one(plain, lab, holder):
    lab.stamping, lab.stamper = lab.identity("a gateway", "sign", 300)
    with pytest.raises(stamps.NoTimeStamp):
        pades.sign_pdf(plain, *holder, moment=SIGNED, stamper=lab)


def test_a_time_stamp_from_before_its_certificate_is_a_contradiction(plain, lab, holder):
    lab.start = STAMPED + timedelta(days=1)
    lab.stamping, lab.stamper = lab.identity(development.STAMP_NAME, "stamp", 300)
    early = pades.sign_pdf(plain, *holder, moment=SIGNED, stamper=lab)
    verdict = pades.check_pdf(early, lab.trust, moment=STAMPED + timedelta(days=2), twice=False)
    assert verdict.reasons == (Reason.STAMP_ORDER,)


@pytest.mark.parametrize("before", [status.MOST_CARRIED - 1, status.MOST_CARRIED])
def test_the_responder_stands_among_the_first_certificates_of_its_answer(lab, holder, before):
    """A stranger's own thousands that name the same issuer would take long."""
    root, (_, seal) = lab.authority.certificate, holder
    told = ocsp.OCSPResponseBuilder().add_response(
        seal, root, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, STAMPED, STAMPED, None, None
    )
    told = told.responder_id(ocsp.OCSPResponderEncoding.HASH, lab.responder)
    told = told.certificates([seal] * before + [lab.responder]).sign(lab.telling, hashes.SHA256())
    found = status.read(told.public_bytes(Encoding.DER), seal, root)
    assert (found is None) == (before == status.MOST_CARRIED)


def test_a_larger_token_is_given_more_room_on_the_second_try(plain, lab, holder):
    class Growing:
        room = 256

        def stamp(self, stamped):
            token = lab.stamp(stamped)
            self.room = len(token) + 8  # the DER of a signature is a few bytes longer or shorter each time
            return token

    sealed = pades.sign_pdf(plain, *holder, moment=SIGNED, stamper=Growing())
    assert both(sealed, lab).valid


def forged(file):
    writer = IncrementalPdfFileWriter(io.BytesIO(file))
    writer.root[NameObject("/Forged")] = TextStringObject("other parents")
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def said_by_pdfsig(file, folder):
    (folder / "a.pdf").write_bytes(file)
    return subprocess.run(["pdfsig", "a.pdf"], check=False, cwd=folder, capture_output=True, text=True).stdout


def test_an_increment_appended_by_anybody_is_an_addition(file, lab, tmp_path):
    bad = forged(file)
    assert "Signature is Valid" in said_by_pdfsig(bad, tmp_path)  # pdfsig does not look at what follows
    assert both(bad, lab).reasons == (Reason.ADDED_AFTER_SIGNING,)
    for more in (b"\n", b"%%EOF\n", b" ", file):
        assert not pades.check_pdf(file + more, lab.trust, moment=STAMPED).valid


def test_an_increment_is_an_addition_even_under_a_good_time_stamp(file, lab):
    """Anybody gets time-stamps: only what stands in the update makes it an archive's."""
    opened = open_file(file, lab.trust.roots)
    update = archive.update(opened.standing, archive.Evidence(), lab.room)
    for old, new in ((b"/F 132", b"/F 130"), (b"[0 0 0 0]", b"[0 0 9 9]"), (b"/Type/DSS", b"/Typo/DSS")):
        head = update.head.replace(old, new)
        assert head != update.head
        bad = archive.Update(head, update.room, update.tail, update.standing)
        stamped = file + bad.filled(lab.stamp(file + head + update.tail))
        assert pades.check_pdf(stamped, lab.trust, moment=STAMPED).reasons == (Reason.ADDED_AFTER_SIGNING,)


def test_a_file_of_too_many_time_stamps_is_refused_unread(file, lab, monkeypatch):
    monkeypatch.setattr(envelope, "MOST_STAMPS", 2)
    assert pades.check_pdf(pades.make_last(file, lab.trust, lab), lab.trust, moment=STAMPED).reasons == (
        Reason.TOO_LARGE,
    )


def test_a_document_wrapped_into_another_is_not_valid(file, plain, lab):
    for wrapped in (plain + file, b"%PDF-1.7\n" + file, file.replace(b"/ByteRange [0 ", b"/ByteRange [1 ", 1)):
        assert not both(wrapped, lab).valid


def test_a_time_stamp_of_another_document_proves_nothing(plain, file, lab, holder):
    other = last(plain, lab, *holder)
    token = re.compile(rb"/Contents<[0-9A-F]+>")
    assert both(token.sub(token.search(other)[0], file), lab).reasons == (Reason.STAMP_BROKEN,)


def test_without_its_time_stamps_a_document_still_says_when_it_was_signed(file, lab):
    sealed = envelope.sealed_part(file)
    assert both(sealed, lab).valid
    assert not pades.check_pdf(file[:-1], lab.trust, moment=STAMPED).valid


@given(st.integers(0, 999_999), st.integers(1, 255))
@settings(max_examples=40, deadline=None)
def test_one_changed_byte_anywhere_is_never_valid(kept, share, change):
    file, check = kept
    changed = bytearray(file)
    changed[share * len(file) // 1_000_000] ^= change
    assert not check(bytes(changed))


@given(st.integers(0, 999_999), st.integers(0, 1), st.sampled_from(b"0123456789ABCDEFabcdef<> "))
@settings(max_examples=50, deadline=None)
def test_one_changed_letter_of_a_time_stamp_itself_is_never_valid(kept, share, which, letter):
    file, check = kept
    start = [one.start() + len("/Contents") for one in re.finditer(rb"/Contents ?<", file)][-1 - which]
    position = start + share * (file.index(b">", start) + 1 - start) // 1_000_000
    changed = bytearray(file)
    changed[position] = letter if file[position] != letter else ord("g")
    assert not check(bytes(changed))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_byte_at_all_can_change(kept):
    file, check = kept
    for position in range(len(file)):
        for change in (1, 2, 4, 0x20, 0x80):
            changed = bytearray(file)
            changed[position] ^= change
            assert not check(bytes(changed)), position


@pytest.fixture(scope="module")
def kept(tmp_path_factory, plain):
    lab = Lab(tmp_path_factory.mktemp("kept"), STAMPED)
    file = last(plain, lab, *identity(lab))
    trust = Trust(lab.trust.roots, lab.trust.stamping)
    assert pades.check_pdf(file, trust, moment=STAMPED).valid
    return file, lambda changed: pades.check_pdf(changed, trust, moment=STAMPED, twice=False).valid
