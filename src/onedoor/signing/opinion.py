"""What pyHanko says of a sealed PDF: changes, coverage, path of certificates; loaded when used."""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache

from asn1crypto import x509 as asn1  # type: ignore[import-untyped]
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from onedoor.signing import cms
from onedoor.signing.certificates import common_name, identifier, seals_documents
from onedoor.signing.envelope import Envelope
from onedoor.signing.verdict import Reason, Refused, Verdict


def second_opinion(pdf: bytes, envelope: Envelope, trust: Sequence[x509.Certificate], at: datetime) -> Verdict:
    """Return the verdict on *pdf*, whose *envelope* holds already, at the moment *at*; raise `Refused`."""
    signer = envelope.signer
    status = _read(pdf, envelope, trust, at)
    signed_at = status.signer_reported_dt
    reasons = tuple(dict.fromkeys(_objections(status, signer, signed_at, at)))
    return Verdict(not reasons, common_name(signer), reasons, signed_at, identifier(signer))


def _read(pdf: bytes, envelope: Envelope, trust: Sequence[x509.Certificate], at: datetime) -> PdfSignatureStatus:
    context = ValidationContext(
        trust_roots=[_asn1(one) for one in trust],
        other_certs=[_asn1(one) for one in envelope.others],
        moment=at,
        allow_fetching=False,
    )
    try:
        (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        usage = KeyUsageConstraints(key_usage={"non_repudiation"})
        # pyHanko runs an event loop of its own, which a thread that has one already cannot.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(validate_pdf_signature, signature, context, key_usage_settings=usage).result()
    except Exception as broken:  # a hostile file may break its reader in any way; each way means: not valid
        raise Refused(Reason.UNREADABLE) from broken


def _objections(
    status: PdfSignatureStatus, signer: x509.Certificate, signed_at: datetime | None, at: datetime
) -> list[Reason]:
    in_force = all(
        signer.not_valid_before_utc <= then <= signer.not_valid_after_utc for then in (at, signed_at) if then
    )
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    objections = (
        (not in_force, Reason.NOT_IN_FORCE),
        (not seals_documents(signer), Reason.NOT_A_SEAL),
        (not whole or not status.docmdp_ok, Reason.ADDED_AFTER_SIGNING),
        (not status.intact or not status.valid, Reason.CHANGED),
        (signed_at is None, Reason.DAMAGED),
    )
    found = [reason for objection, reason in objections if objection]
    return found if found or status.bottom_line else [Reason.UNTRUSTED]


@lru_cache(maxsize=256)
def _asn1(certificate: x509.Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(cms.der(certificate))
