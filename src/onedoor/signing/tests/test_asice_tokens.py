"""Time-stamp tokens that are signed as they should be and say what they must not: each is refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onedoor.signing.asice import timestamps
from onedoor.signing.asice.findings import Broken, Reason
from onedoor.signing.tests.containers import NOW, STAMPS, Plan, issue, lab, stamp

STAMPED = b"what was stamped"
Change = Callable[[cms.SignedData, cms.SignerInfo], None]


def token(change: Change | None = None, signs: hashes.HashAlgorithm | None = None, plan: Plan | None = None) -> bytes:
    """Return a token for `STAMPED` that *change* changed before it was signed again."""
    plan = plan or Plan()
    content = cms.ContentInfo.load(stamp(STAMPED, plan))["content"]
    (signer,) = content["signer_infos"]
    if change:
        change(content, signer)
    signed = b"\x31" + signer["signed_attrs"].dump(force=True)[1:]
    signer["signature"] = plan.lab.stamper.key.sign(signed, ec.ECDSA(signs or hashes.SHA512()))
    return cms.ContentInfo({"content_type": "signed_data", "content": content}).dump(force=True)


def refused(told: bytes) -> Reason:
    with pytest.raises(Broken) as broken:
        timestamps.check(told, STAMPED, ())
    return broken.value.finding.reason


def attributes(signer: cms.SignerInfo) -> dict[str, cms.CMSAttribute]:
    return {one["type"].native: one for one in signer["signed_attrs"]}


def said_twice(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["signed_attrs"].append(attributes(signer)["message_digest"].copy())


def of_another_content(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    attributes(signer)["content_type"]["values"] = ["data"]


def in_another_wrapper(content: cms.SignedData, _: cms.SignerInfo) -> None:
    told = content["encap_content_info"]["content"].contents
    content["encap_content_info"] = {"content_type": "data", "content": core.ParsableOctetString(told)}


def of_another_certificate(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    other = asn1.Certificate.load(lab().signer.der)
    signer["sid"].chosen["serial_number"] = other.serial_number


def of_another_authority(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["sid"].chosen["issuer"] = asn1.Name.build({"common_name": "Other CA"})


def by_another_key_id(_: cms.SignedData, signer: cms.SignerInfo) -> None:
    signer["sid"] = cms.SignerIdentifier(name="subject_key_identifier", value=core.OctetString(b"other"))


@pytest.mark.parametrize(
    "change",
    [
        said_twice,
        of_another_content,
        in_another_wrapper,
        of_another_certificate,
        of_another_authority,
        by_another_key_id,
    ],
)
def test_a_token_is_signed_for_one_content_by_one_certificate(change: Change) -> None:
    assert timestamps.check(token(), STAMPED, ()).moment == NOW
    assert refused(token(change)) == Reason.TIME_STAMP_BROKEN


def test_a_token_that_names_its_certificate_by_the_id_of_its_key_is_of_who_has_that_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    own = issue({NameOID.COMMON_NAME: "Own TSA"}, lab().ca, extensions=[STAMPS, named], key=key)

    def by_its_key_id(content: cms.SignedData, signer: cms.SignerInfo) -> None:
        signer["sid"] = cms.SignerIdentifier(name="subject_key_identifier", value=core.OctetString(named.digest))

    plan = Plan(lab=replace(lab(), stamper=own), carry=False)
    told = token(by_its_key_id, plan=plan)
    assert timestamps.check(told, STAMPED, [lab().stamper.certificate, own.certificate]).certificate == own.certificate
    assert timestamps.check(told, STAMPED, [lab().stamper.certificate]).certificate is None


def test_a_token_is_not_signed_over_sha1() -> None:
    def weak(content: cms.SignedData, signer: cms.SignerInfo) -> None:
        octets = content["encap_content_info"]["content"].contents
        signer["digest_algorithm"] = {"algorithm": "sha1"}
        signer["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
        attributes(signer)["message_digest"]["values"] = [hashed(octets)]

    def hashed(octets: bytes) -> bytes:
        running = hashes.Hash(hashes.SHA1())
        running.update(octets)
        return running.finalize()

    assert refused(token(weak, hashes.SHA1())) == Reason.TIME_STAMP_BROKEN


def test_a_token_names_its_certificate_by_a_digest_that_is_accepted() -> None:
    def weak(_: cms.SignedData, signer: cms.SignerInfo) -> None:
        first = attributes(signer)["signing_certificate_v2"]["values"][0]["certs"][0]
        running = hashes.Hash(hashes.MD5())
        running.update(lab().stamper.der)
        first["hash_algorithm"], first["cert_hash"] = {"algorithm": "md5"}, running.finalize()

    assert refused(token(weak)) == Reason.TIME_STAMP_BROKEN


@pytest.mark.parametrize("moment", ["2026030208.1234", "00000302080000Z"], ids=["of no zone", "of the year 0"])
def test_a_token_gives_a_moment(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tsp.TSTInfo.dump
    monkeypatch.setattr(tsp.TSTInfo, "dump", lambda info: written(info).replace(b"20260302080000Z", moment.encode()))
    assert refused(stamp(STAMPED, Plan())) == Reason.TIME_STAMP_BROKEN


def test_what_is_read_as_a_token_is_signed_data_of_a_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    told = token()
    other = told.replace(bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010705"), 1)
    assert refused(other) == Reason.TIME_STAMP_BROKEN
    monkeypatch.setattr(timestamps, "LARGEST_TOKEN", len(told) - 1)
    assert refused(told) == Reason.TIME_STAMP_BROKEN
