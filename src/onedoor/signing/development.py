"""The development authority's time-stamps and OCSP responses: real protocols, not for production.

Every certificate says so. Revoked certificates stand in ``revoked.json`` beside the key of the authority.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from onedoor.kernel.durable import write_whole
from onedoor.signing import cms, detached
from onedoor.signing.keys import PrivateKey

STAMP_NAME = "onedoor development time-stamp authority – not for production"
STATUS_NAME = "onedoor development OCSP responder – not for production"
REVOKED = "revoked.json"
POLICY = "1.3.6.1.4.1.99999.1.1"
"""An object identifier of no organisation: time-stamps of this authority follow no policy."""
FRESH = timedelta(hours=1)
_SERIAL_BYTES, _SHA256_BYTES = 8, 32


def revoke(folder: Path, certificate: x509.Certificate, moment: datetime) -> None:
    """Write into *folder* that *certificate* is revoked from *moment* on, unless it is already."""
    known = _revoked(folder)
    known.setdefault(str(certificate.serial_number), moment.astimezone(UTC).isoformat(timespec="seconds"))
    write_whole(folder / REVOKED, json.dumps(known, indent=1).encode())


def status(
    request: bytes,
    folder: Path,
    authority: x509.Certificate,
    key: PrivateKey,
    own: x509.Certificate,
    moment: datetime | None = None,
) -> bytes:
    """Return the response (DER) to an OCSP *request* on a certificate of *authority*, signed by *own* with *key*."""
    try:
        asked = ocsp.load_der_ocsp_request(request)
        serial, scheme = asked.serial_number, asked.hash_algorithm
        named = asked.issuer_key_hash, asked.issuer_name_hash
    except (ValueError, UnsupportedAlgorithm, NotImplementedError):  # no request, of a strange hash, of several
        return _refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    if serial < 0 or named != _named(authority, scheme):  # no authority gives a certificate such a number
        return _refused(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    now, revoked = (moment or datetime.now(UTC)).replace(microsecond=0), _revoked(folder).get(str(serial))
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=named[1],
        issuer_key_hash=named[0],
        serial_number=serial,
        algorithm=scheme,
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        this_update=now,
        next_update=now + FRESH,
        revocation_time=datetime.fromisoformat(revoked) if revoked else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, own).certificates([own])
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def stamp(request: bytes, key: PrivateKey, chain: Sequence[x509.Certificate], moment: datetime | None = None) -> bytes:
    """Return the response (DER) to a time-stamp *request* (RFC 3161), signed by the first of *chain* with *key*."""
    from asn1crypto import cms as asn1  # type: ignore[import-untyped]
    from asn1crypto import tsp

    from onedoor.signing.stamps import Response

    try:
        asked = tsp.TimeStampReq.load(request, strict=True)
        imprint = asked["message_imprint"]
        if (
            imprint["hash_algorithm"]["algorithm"].native != "sha256"
            or len(imprint["hashed_message"].native) != _SHA256_BYTES
        ):
            return _rejected("bad_alg")
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": imprint,
                "serial_number": int.from_bytes(secrets.token_bytes(_SERIAL_BYTES), "big"),
                "gen_time": (moment or datetime.now(UTC)).replace(microsecond=0),
                "nonce": asked["nonce"],
            }
        ).dump()
        with_certificates = bool(asked["cert_req"].native)
    except (ValueError, TypeError):
        return _rejected("bad_data_format")
    token = cms.stamped(info, chain, lambda attributes: detached.sign(key, attributes), carried=with_certificates)
    granted = {"status": {"status": "granted"}, "time_stamp_token": asn1.ContentInfo.load(token)}
    return bytes(Response(granted).dump())


def _rejected(why: str) -> bytes:
    from onedoor.signing.stamps import Response

    return bytes(Response({"status": {"status": "rejection", "fail_info": {why}}}).dump())


def _named(authority: x509.Certificate, scheme: hashes.HashAlgorithm) -> tuple[bytes, bytes]:
    """Return the digests by which a request names *authority*: of its key and of its name."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(authority, authority, scheme)
    request = ocsp.load_der_ocsp_request(builder.build().public_bytes(Encoding.DER))
    return request.issuer_key_hash, request.issuer_name_hash


def _revoked(folder: Path) -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads((folder / REVOKED).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return known


def _refused(why: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(why).public_bytes(Encoding.DER)
