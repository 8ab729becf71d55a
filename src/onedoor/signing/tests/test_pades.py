import asyncio
import io
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import NameObject, TextStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from onedoor.signing import certificates, keys, opinion, pades, trust
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.tests.conftest import MOMENT
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Reason, Verdict

SHARE = st.integers(0, 999_999)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def check(pdf, authority, moment=NOW):
    return pades.check_pdf(pdf, Trust((authority.certificate,)), moment=moment)


def referee(pdf, folder):
    (folder / "a.pdf").write_bytes(pdf)
    return subprocess.run(["pdfsig", "a.pdf"], check=False, cwd=folder, capture_output=True, text=True).stdout


def test_a_sealed_document_is_valid_and_names_its_agency_and_moment(sealed, authority, seal):
    verdict = check(sealed, authority)
    assert verdict == Verdict(
        True,
        "Ủy ban nhân dân phường Láng",
        (),
        MOMENT,
        "commune-00199",
        lasts_until=seal.certificate.not_valid_after_utc,
    )


def test_a_document_is_checked_where_an_event_loop_runs_already(sealed, authority):
    async def inside():
        return check(sealed, authority)

    assert asyncio.run(inside()).valid


def test_pdfsig_accepts_a_sealed_document_and_its_form(sealed, tmp_path):
    said = referee(sealed, tmp_path)
    for sentence in ("Signature is Valid", "Total document signed", "ETSI.CAdES.detached", "SHA-256"):
        assert sentence in said


def test_openssl_accepts_the_container_over_the_signed_bytes(sealed, authority, tmp_path):
    start, before, after, rest = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", sealed).groups())
    assert (start, after + rest) == (0, len(sealed))
    (tmp_path / "content").write_bytes(sealed[:before] + sealed[after:])
    (tmp_path / "cms.der").write_bytes(bytes.fromhex(sealed[before + 1 : after - 1].decode()))
    certificates.save_certificates(tmp_path / "root.pem", [authority.certificate])
    command = "openssl cms -verify -binary -inform DER -in cms.der -content content -CAfile root.pem -out verified"
    done = subprocess.run(command.split(), check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "Verification successful" in done.stderr
    command = "openssl cms -cmsout -print -inform DER -in cms.der"
    shown = subprocess.run(command.split(), check=False, cwd=tmp_path, capture_output=True)
    assert b"signingCertificateV2" in shown.stdout


@pytest.fixture(scope="module")
def asked(sealed, authority):
    """Checks a version of the sealed file; not an argument of the tests, as Hypothesis prints those."""
    return lambda change: check(bytes(change(bytearray(sealed))), authority)


def at(share, change):
    def changed(file):
        position = share * len(file) // 1_000_000
        file[position] ^= change
        return file

    return changed


@given(SHARE, st.integers(1, 255))
@settings(max_examples=80, deadline=None)
def test_one_changed_byte_anywhere_is_never_valid(asked, share, change):
    assert not asked(at(share, change)).valid


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_no_byte_at_all_can_change(sealed, authority):
    for position in range(len(sealed)):
        for change in (1, 2, 0x20, 0x80):
            changed = bytearray(sealed)
            changed[position] ^= change
            assert not check(bytes(changed), authority).valid, position


def in_signature(share, letter):
    def changed(file):
        start = file.index(b"/Contents <") + len("/Contents ")
        position = start + share * (file.index(b">", start) + 1 - start) // 1_000_000
        file[position] = letter if file[position] != letter else ord("g")
        return file

    return changed


@given(SHARE, st.sampled_from(b"0123456789ABCDEFabcdef<> "))
@settings(max_examples=120, deadline=None)
def test_one_changed_letter_of_the_signature_itself_is_never_valid(asked, share, letter):
    assert not asked(in_signature(share, letter)).valid


@given(st.binary(max_size=400), st.integers(0, 400))
@settings(deadline=None)
def test_no_nonsense_is_valid_or_breaks_the_check(asked, nonsense, cut):
    assert not asked(lambda file: nonsense).valid
    assert not asked(lambda file: file[:cut] + nonsense).valid
    assert not asked(lambda file: file[: -cut - 1]).valid
    assert not asked(lambda file: b"\n" + nonsense + file).valid
    assert not asked(lambda file: file + b"\n" + nonsense).valid


def test_a_file_that_ends_early_is_damaged(sealed, authority):
    for left in (sealed[:-1], sealed[:-500]):
        assert check(left, authority).reasons == (Reason.DAMAGED,)


def test_a_document_without_a_signature_says_so(plain, authority):
    assert check(plain, authority).reasons == (Reason.NOT_SIGNED,)


def test_an_appended_forgery_is_seen_though_pdfsig_calls_the_signature_valid(sealed, authority, tmp_path):
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    writer.root[NameObject("/Forged")] = TextStringObject("other parents")
    writer.update_root()
    forged = io.BytesIO()
    writer.write(forged)
    assert "Signature is Valid" in referee(forged.getvalue(), tmp_path)
    assert check(forged.getvalue(), authority).reasons == (Reason.ADDED_AFTER_SIGNING,)


def test_a_second_seal_on_top_is_an_addition(sealed, seal, authority, monkeypatch):
    monkeypatch.setattr(pades, "FIELD", "Second")
    twice = pades.sign_pdf(sealed, seal.key, seal.certificate)
    assert check(twice, authority).reasons == (Reason.ADDED_AFTER_SIGNING,)


def test_an_exchanged_attachment_is_a_change(sealed, plain, authority):
    start = sealed.index(b"/EmbeddedFile")
    start = sealed.index(b"stream", start) + 20
    swapped = sealed[:start] + bytes([sealed[start] ^ 1]) + sealed[start + 1 :]
    assert check(swapped, authority).reasons == (Reason.CHANGED,)


def test_a_signature_taken_from_another_document_is_a_change(sealed, plain, seal, authority):
    other = pades.sign_pdf(plain, seal.key, seal.certificate, reason="Cấp giấy khai siNh", moment=MOMENT)
    contents = re.compile(rb"/Contents <[0-9A-F]+>")
    moved = contents.sub(contents.search(other)[0], sealed)
    assert check(moved, authority).reasons == (Reason.CHANGED,)


def test_an_authority_of_the_same_name_is_not_trusted_and_its_file_is_never_read(
    plain, authority, tmp_path, monkeypatch
):
    forger, key = Authority.create(tmp_path, moment=datetime(2026, 1, 1, tzinfo=UTC)), keys.new_key()
    subject = Subject("Con dấu số", "Ủy ban nhân dân phường Láng", "commune-00199", "VN")
    forged = pades.sign_pdf(plain, key, forger.issue(subject, key.public_key(), "seal"))
    monkeypatch.setattr(opinion, "PdfFileReader", None)
    verdict = check(forged, authority)
    assert verdict.reasons == (Reason.UNTRUSTED,)
    assert verdict.signer == ""


def test_a_gateways_certificate_cannot_seal_a_document(plain, authority):
    for profile in ("sign", "message", "tls"):
        key = keys.new_key()
        issued = authority.issue(Subject("G15"), key.public_key(), profile, moment=datetime(2026, 1, 1, tzinfo=UTC))
        assert Reason.NOT_A_SEAL in check(pades.sign_pdf(plain, key, issued), authority).reasons


def test_a_certificate_out_of_force_makes_a_document_invalid(plain, seal, sealed, authority):
    later = seal.certificate.not_valid_after_utc + timedelta(days=1)
    assert Reason.NOT_IN_FORCE in check(sealed, authority, later).reasons
    early = pades.sign_pdf(plain, seal.key, seal.certificate, moment=datetime(2025, 1, 1, tzinfo=UTC))
    assert check(early, authority).reasons == (Reason.NOT_IN_FORCE,)


def test_a_key_that_is_not_the_certificates_makes_no_valid_seal(plain, seal, authority):
    with pytest.raises(pades.KeyDoesNotFit):
        pades.sign_pdf(plain, keys.new_key(), seal.certificate)


def test_a_chain_over_an_authority_in_between_is_followed_to_its_root(plain):
    root, root_key = make_authority("root", None, None)
    between, between_key = make_authority("between", root, root_key)
    key = keys.new_key()
    leaf = Authority(between_key, between).issue(
        Subject("Láng"), key.public_key(), "seal", moment=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert pades.check_pdf(pades.sign_pdf(plain, key, leaf, [between], moment=MOMENT), Trust((root,)), moment=NOW).valid
    assert not pades.check_pdf(pades.sign_pdf(plain, key, leaf, moment=MOMENT), Trust((root,)), moment=NOW).valid


@pytest.mark.parametrize(("more", "reasons"), [(0, ()), (1, (Reason.DAMAGED,))])
def test_no_more_certificates_are_followed_than_a_path_has(plain, more, reasons):
    """A stranger's own thousands, each of which could have issued each other, would take hours."""
    root, by = make_authority("root", None, None)
    above, chain = root, []
    for number in range(trust.LONGEST_PATH - 1 + more):
        above, by = make_authority(f"{number}", above, by)
        chain.insert(0, above)
    key, moment = keys.new_key(), datetime(2026, 1, 1, tzinfo=UTC)
    leaf = Authority(by, above).issue(Subject("Láng"), key.public_key(), "seal", moment=moment)
    assert len(trust.path(leaf, chain, [root])) == (0 if more else trust.LONGEST_PATH + 1)
    file = pades.sign_pdf(plain, key, leaf, chain, moment=MOMENT)
    assert pades.check_pdf(file, Trust((root,)), moment=NOW).reasons == reasons


def make_authority(name, issuer, issuer_key, *, end=datetime(2030, 1, 1, tzinfo=UTC), key=None, reach=None):
    key = key or keys.new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(issuer.subject if issuer else subject, subject, key.public_key(), 7)
    builder = builder.not_valid_before(datetime(2025, 1, 1, tzinfo=UTC)).not_valid_after(end)
    builder = builder.add_extension(x509.BasicConstraints(True, reach), critical=True)
    builder = builder.add_extension(certificates._key_usage("key_cert_sign"), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256()), key


def test_a_certificate_sent_along_that_proves_nothing_is_refused(plain, seal, authority, tmp_path):
    stranger = Authority.create(tmp_path).certificate
    file = pades.sign_pdf(plain, seal.key, seal.certificate, [stranger], moment=MOMENT)
    assert check(file, authority).reasons == (Reason.DAMAGED,)


def test_a_document_on_which_the_two_checks_do_not_agree_is_disputed(sealed, authority, monkeypatch):
    with monkeypatch.context() as denied:
        denied.setattr(opinion, "agrees", lambda *_: False)
        assert check(sealed, authority).reasons == (Reason.DISPUTED,)
    monkeypatch.setattr(opinion, "PdfFileReader", None)
    assert check(sealed, authority).reasons == (Reason.UNREADABLE,)


def test_a_seal_can_be_shown_at_a_place_on_the_page(plain, seal, authority, tmp_path):
    place = pades.Place(0, (60, 60, 300, 140))
    file = pades.sign_pdf(plain, seal.key, seal.certificate, place=place, moment=MOMENT)
    assert check(file, authority).valid
    assert "Signature is Valid" in referee(file, tmp_path)


def test_a_file_too_large_is_refused_before_it_is_looked_at(authority, monkeypatch):
    monkeypatch.setattr(pades, "LIMIT", 10)
    assert check(b"x" * 11, authority).reasons == (Reason.TOO_LARGE,)
