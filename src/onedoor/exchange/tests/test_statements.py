"""A statement on a certificate (OCSP), or on a time, counts for that alone, and from whom it says it is."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import ocsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onedoor.exchange.evidence.reasons import Reason
from onedoor.exchange.tests.test_evidence import parameters, reasons, verified, with_lab
from onedoor.signing.asice import revocation
from onedoor.signing.asice.findings import Broken
from onedoor.signing.tests import containers
from onedoor.signing.tests.containers import NOW, SIGNS, Plan, issue, lab


def resigned(
    *,
    until: datetime | None = None,
    about: dict[str, object] | None = None,
    responder: ocsp.ResponderId | None = None,
    scheme: str = "sha256_ecdsa",
    signs: hashes.HashAlgorithm | None = None,
) -> bytes:
    """Return an honest statement, *about* another certificate, *until* then, of another *responder*."""
    basic = ocsp.OCSPResponse.load(containers.answer(Plan())).basic_ocsp_response
    told = basic["tbs_response_data"]
    for name, value in (about or {}).items():
        told["responses"][0]["cert_id"][name] = value
    if until:
        told["responses"][0]["next_update"] = until
    if responder:
        told["responder_id"] = responder
    basic["signature_algorithm"] = {"algorithm": scheme}
    basic["signature"] = lab().responder.key.sign(told.dump(force=True), ec.ECDSA(signs or hashes.SHA256()))
    fields = {"response_type": "basic_ocsp_response", "response": basic}
    return ocsp.OCSPResponse({"response_status": "successful", "response_bytes": fields}).dump()


def judged(folder: Path, monkeypatch: pytest.MonkeyPatch, told: bytes) -> list[Reason]:
    with monkeypatch.context() as patch:
        patch.setattr(containers, "answer", lambda _: told)
        return reasons(verified(folder))


@pytest.mark.parametrize(
    "about",
    [{"serial_number": 7}, {"issuer_name_hash": bytes(20)}, {"issuer_key_hash": bytes(20)}],
    ids=lambda about: next(iter(about)),
)
def test_a_statement_on_another_certificate_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: dict[str, object]
) -> None:
    assert judged(tmp_path, monkeypatch, resigned()) == []
    assert judged(tmp_path, monkeypatch, resigned(about=about)) == [Reason.NO_OCSP]


def test_a_statement_counts_until_the_next_one_was_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(tmp_path, monkeypatch, resigned(until=NOW)) == []
    assert judged(tmp_path, monkeypatch, resigned(until=NOW - timedelta(seconds=1))) == [Reason.OCSP_OLD]


def test_a_statement_under_anothers_name_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = ocsp.ResponderId(name="by_name", value=x509.Name.build({"common_name": "Somebody"}))
    assert judged(tmp_path, monkeypatch, resigned(responder=somebody)) == [Reason.OCSP_SIGNER]


def test_a_statement_by_an_algorithm_that_is_not_accepted_is_damaged() -> None:
    assert revocation.read(resigned()).status == "good"
    named = {"hash_algorithm": {"algorithm": "md5"}}
    for told in (resigned(about=named), resigned(scheme="sha1_ecdsa", signs=hashes.SHA1())):
        with pytest.raises(Broken):
            revocation.read(told)


def test_a_certificate_that_is_not_for_time_stamps_makes_none_though_it_is_approved(tmp_path: Path) -> None:
    its = with_lab(stamper=issue({NameOID.COMMON_NAME: "TSA"}, lab().ca, extensions=[SIGNS]))
    assert reasons(verified(tmp_path, parameters(its), lab=its)) == [Reason.UNKNOWN_TIME_STAMPER]
