"""What an OCSP response proves: whose status it tells, who may say so, and of which moments."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import ocsp as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.ocsp import OCSPCertStatus
from cryptography.x509.oid import NameOID

from onedoor.kernel.fetching import Server
from onedoor.signing import certificates, keys, status
from onedoor.signing.authorities import Responders
from onedoor.signing.status import SKEW
from onedoor.signing.tests.containers import ANSWERS, NOW, SIGNS, Identity, issue, lab

CA, OWN, RESPONDER = lab().ca, lab().signer, lab().responder
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def answer(
    of: Identity = OWN,
    issuer: Identity = CA,
    by: Identity = RESPONDER,
    said: OCSPCertStatus = OCSPCertStatus.GOOD,
    since: datetime = NOW,
    until: datetime | None = NOW + HOUR,
) -> bytes:
    """Return a response in DER that carries the certificate of who signed it."""
    revoked = since if said == OCSPCertStatus.REVOKED else None
    builder = ocsp.OCSPResponseBuilder().add_response(
        of.certificate, issuer.certificate, hashes.SHA256(), said, since, until, revoked, None
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).certificates([by.certificate])
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)


def read(der: bytes) -> status.Status | None:
    return status.read(der, OWN.certificate, CA.certificate)


def changed(change: Callable[[asn1.CertId], None] = lambda _: None, key: keys.PrivateKey | None = None) -> bytes:
    """Return a response whose name of a certificate *change* changed before it was signed with *key*."""
    told = asn1.OCSPResponse.load(answer())
    basic = told["response_bytes"]["response"].parsed
    change(basic["tbs_response_data"]["responses"][0]["cert_id"])
    signed = basic["tbs_response_data"].dump(force=True)
    basic["signature"] = (key or RESPONDER.key).sign(signed, ec.ECDSA(hashes.SHA256()))
    der: bytes = told.dump(force=True)
    return der


def of_another(name: str) -> bytes:
    def change(named: asn1.CertId) -> None:
        named[name] = bytes(32)

    return changed(change)


def delegate(issuer: Identity = CA, **how: object) -> Identity:
    return issue({NameOID.COMMON_NAME: "Test OCSP"}, issuer, **{"extensions": [ANSWERS], **how})


def test_the_issuer_and_whom_it_certified_for_that_tell_the_status_of_a_certificate() -> None:
    assert read(changed()) is not None
    for by in (CA, RESPONDER, delegate(), delegate(key=rsa.generate_private_key(65537, 2048))):
        found = read(answer(by=by))
        assert found is not None
        assert (found.since, found.until, found.revoked, found.responder) == (NOW, NOW + HOUR, None, by.certificate)
    told = read(answer(said=OCSPCertStatus.REVOKED))
    assert told is not None
    assert told.revoked == NOW


NAMESAKE = issue({NameOID.COMMON_NAME: "Test CA"})
"""An authority with the name of ours."""


@pytest.mark.parametrize(
    "told",
    [
        lambda: answer(of=issue({NameOID.COMMON_NAME: "x"}, CA)),
        lambda: answer(issuer=NAMESAKE),
        lambda: of_another("issuer_key_hash"),
        lambda: of_another("issuer_name_hash"),
        lambda: answer(said=OCSPCertStatus.UNKNOWN),
        lambda: answer(by=delegate(extensions=[SIGNS])),
        lambda: answer(by=delegate(NAMESAKE)),
        lambda: answer(by=delegate(end=NOW - HOUR)),
        lambda: answer(by=delegate(start=NOW + HOUR)),
        lambda: answer(by=delegate(key=rsa.generate_private_key(65537, 1024))),
        lambda: answer(by=delegate(key=ec.generate_private_key(ec.SECP256K1()))),
        lambda: changed(key=keys.new_key()),
        lambda: ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
            Encoding.DER
        ),
        lambda: b"no response",
    ],
    ids=[
        *("of another certificate", "of a namesake's", "of another key's", "of another name's", "unknown"),
        *("by who may not", "by a stranger's delegate", "by one that had ended", "by one that had not begun"),
        *("with a short key", "on another curve", "with another key", "a refusal", "nothing"),
    ],
)
def test_nothing_else_tells_it(told) -> None:
    assert read(told()) is None


def test_a_response_signed_over_sha1_proves_nothing() -> None:
    told = asn1.OCSPResponse.load(answer())
    basic = told["response_bytes"]["response"].parsed
    signed = basic["tbs_response_data"].dump()
    for name, scheme in (("sha256", hashes.SHA256()), ("sha1", hashes.SHA1())):
        basic["signature_algorithm"] = {"algorithm": f"{name}_ecdsa"}
        basic["signature"] = RESPONDER.key.sign(signed, ec.ECDSA(scheme))
        assert (read(told.dump(force=True)) is None) == (name == "sha1")


@pytest.mark.parametrize("until", [NOW + HOUR, None], ids=["until", "without an end"])
def test_a_response_speaks_of_its_time_and_of_what_clocks_differ_by(until: datetime | None) -> None:
    told, end = read(answer(until=until)), until or NOW
    assert told is not None
    for moment in (NOW - SKEW, NOW, end, end + SKEW):
        assert told.covers(moment)
    assert not told.covers(NOW - SKEW - MINUTE)
    assert not told.covers(end + SKEW + MINUTE)


def test_of_several_responses_the_latest_that_speaks_of_the_moment_counts() -> None:
    early, late, future = (answer(since=NOW + HOUR * after) for after in (-1, 0, 2))
    early = answer(since=NOW - HOUR, until=NOW + HOUR)
    for told in ((early, late, future), (future, late, early)):
        found = status.first(told, OWN.certificate, CA.certificate, NOW)
        assert found is not None
        assert found.der == late
    assert status.first((future, b""), OWN.certificate, CA.certificate, NOW) is None


def asked(told: bytes, monkeypatch: pytest.MonkeyPatch) -> status.Status | None:
    monkeypatch.setattr(Server, "ask", lambda *_, **__: (200, told))
    return Responders("http://127.0.0.1:9/").status(OWN.certificate, CA.certificate)


@pytest.mark.parametrize("apart", [-HOUR, HOUR], ids=["over", "to come"])
def test_what_a_responder_tells_of_another_time_counts_when_it_is_that_one_is_revoked(
    apart: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose answers are late, or whose clock is ahead, knows all the same what was revoked."""
    since = datetime.now(UTC).replace(microsecond=0) + apart
    assert asked(answer(since=since, until=since + MINUTE), monkeypatch) is None
    told = asked(answer(since=since, until=since + MINUTE, said=OCSPCertStatus.REVOKED), monkeypatch)
    assert told is not None
    assert told.revoked == since


def test_an_authority_that_goes_on_with_its_key_under_a_new_certificate_is_asked_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its old one has ended, so what it signs is believed under the new one alone."""
    key, now = keys.new_key(), datetime.now(UTC).replace(microsecond=0)
    old, new = (Identity(key, certificates._self_signed(key, "CA", at)) for at in (now - 4000 * 24 * HOUR, now))
    own = issue({NameOID.COMMON_NAME: "x"}, new)
    monkeypatch.setattr(Server, "ask", lambda *_, **__: (200, answer(own, new, new, since=now, until=now + HOUR)))
    responders = Responders("http://127.0.0.1:9/")
    told = [responders.status(own.certificate, one.certificate) is not None for one in (old, new)]
    assert told == [False, True]
