"""Whether a certificate is revoked (OCSP, RFC 6960): asked, and what a response proves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from onedoor.signing.certificates import TELLS_STATUS, issued, used_for
from onedoor.signing.schemes import signature_holds

SKEW = timedelta(minutes=5)
"""How far the clocks of two computers may differ."""
MOST_CARRIED = 8
"""Certificates in a response among which its responder's is looked for."""


@dataclass(frozen=True)
class Status:
    """What a responder says of a certificate between two moments: not revoked, or revoked at *revoked*."""

    since: datetime
    until: datetime
    revoked: datetime | None
    responder: x509.Certificate
    der: bytes

    def covers(self, moment: datetime) -> bool:
        """Return whether it speaks of *moment*."""
        return self.since - SKEW <= moment <= self.until + SKEW


def request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """Return the request (DER) for the status of *certificate*, which *issuer* issued."""
    # SHA-1 only names the issuer here; every responder understands it (RFC 6960, 4.3).
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303
    return asked.build().public_bytes(Encoding.DER)


def read(der: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> Status | None:
    """Return what the response *der* says of *certificate*; nothing when it is of another, or of no one entitled.

    Entitled are the *issuer* itself and whom it certified for that (RFC 6960, 4.2.2.2).
    """
    try:
        response = ocsp.load_der_ocsp_response(der)
        asked = ocsp.load_der_ocsp_request(_same(response, certificate, issuer))
        of = (asked.serial_number, asked.issuer_key_hash, asked.issuer_name_hash)
        told = (response.serial_number, response.issuer_key_hash, response.issuer_name_hash)
        if of != told or response.certificate_status == ocsp.OCSPCertStatus.UNKNOWN:
            return None
        responder = _responder(response, issuer)
        if responder is None:
            return None
        until = response.next_update_utc or response.this_update_utc
        return Status(response.this_update_utc, until, response.revocation_time_utc, responder, der)
    except Exception:  # a hostile response may break its reader in any way; each way means: it proves nothing  # noqa: BLE001
        return None


def _same(response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, response.hash_algorithm)
    return builder.build().public_bytes(Encoding.DER)


def _responder(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate | None:
    """Return who signed *response*: the issuer, or somebody it certified, in force when it was produced."""
    for one in (issuer, *response.certificates[:MOST_CARRIED]):
        entitled = one == issuer or (issued(issuer, one) and used_for(one, TELLS_STATUS))
        in_force = one.not_valid_before_utc <= response.this_update_utc <= one.not_valid_after_utc
        if entitled and in_force and _signed(response, one):
            return one
    return None


def _signed(response: ocsp.OCSPResponse, by: x509.Certificate) -> bool:
    scheme = response.signature_hash_algorithm
    if scheme is None:
        return False
    data, signature, key = response.tbs_response_bytes, response.signature, by.public_key()
    return any(signature_holds(kind, scheme.name, key, signature, data) for kind in ("ecdsa", "rsa"))


def first(
    responses: Sequence[bytes], certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime
) -> Status | None:
    """Return the latest status of *certificate* among *responses* that speaks of *moment*."""
    found = [one for one in (read(der, certificate, issuer) for der in responses) if one and one.covers(moment)]
    return max(found, key=lambda one: one.since, default=None)
