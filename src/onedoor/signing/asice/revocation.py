"""OCSP responses inside a signature: whose status they tell, what it was and when, signed by whom (RFC 6960)."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from asn1crypto import keys, ocsp  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from onedoor.signing.asice.findings import Broken, Reason
from onedoor.signing.schemes import HASHES, digest, load_certificate, moment, same, signature_holds
from onedoor.signing.status import MOST_CARRIED

_KINDS = {"rsassa_pkcs1v15": "rsa", "rsassa_pss": "pss", "ecdsa": "ecdsa"}
_NAMING = ("sha1", *HASHES)
"""How a certificate is named in a response; SHA-1 only tells which one is meant."""


@dataclass(frozen=True)
class Response:
    """What a responder said of one certificate; *carried* are the first of the certificates that came along."""

    serial: int
    naming: str
    issuer_name: bytes
    issuer_key: bytes
    status: str
    this_update: datetime
    next_update: datetime | None
    produced_at: datetime
    carried: tuple[x509.Certificate, ...]
    _signed: bytes
    _signature: tuple[str, str, bytes]
    _responder: tuple[str, bytes]

    def speaks_of(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Return whether it tells the status of *certificate*, issued by *issuer*."""
        return (
            self.serial == certificate.serial_number
            and same(self.issuer_name, digest(self.naming, issuer.subject.public_bytes()))
            and same(self.issuer_key, digest(self.naming, _key(issuer)))
        )

    def names(self, certificate: x509.Certificate) -> bool:
        """Return whether *certificate* is the one the responder gives as its own."""
        kind, value = self._responder
        return value == (certificate.subject.public_bytes() if kind == "by_name" else digest("sha1", _key(certificate)))

    def signed_by(self, certificate: x509.Certificate) -> bool:
        """Return whether the key of *certificate* signed it."""
        kind, name, signature = self._signature
        return signature_holds(kind, name, certificate.public_key(), signature, self._signed)


def read(der: bytes) -> Response:
    """Return the response in *der*; raise `Broken` when it is damaged, or not signed by the certificate it carries."""
    try:
        response = _read(der)
        own = [one for one in response.carried if response.names(one)]
        holds = not own or any(response.signed_by(one) for one in own)
    except Exception as broken:  # a hostile response may break its reader in any way; each way means: damaged
        raise Broken(Reason.OCSP_BROKEN) from broken
    if not holds:
        raise Broken(Reason.OCSP_BROKEN)
    return response


def _read(der: bytes) -> Response:
    basic = ocsp.OCSPResponse.load(der, strict=True).basic_ocsp_response
    data = basic["tbs_response_data"]
    (single,) = data["responses"]
    named = single["cert_id"]
    naming = named["hash_algorithm"]["algorithm"].native
    algorithm = basic["signature_algorithm"]
    kind, name = _KINDS[algorithm.signature_algo], algorithm.hash_algo
    responder = data["responder_id"]
    if naming not in _NAMING or name not in HASHES:
        raise Broken(Reason.OCSP_BROKEN)
    return Response(
        serial=named["serial_number"].native,
        naming=naming,
        issuer_name=named["issuer_name_hash"].native,
        issuer_key=named["issuer_key_hash"].native,
        status=single["cert_status"].name,
        this_update=moment(single["this_update"].native),
        next_update=None if (ends := single["next_update"].native) is None else moment(ends),
        produced_at=moment(data["produced_at"].native),
        carried=tuple(load_certificate(one.dump()) for one in islice(basic["certs"] or (), MOST_CARRIED)),
        _signed=data.dump(),
        _signature=(kind, name, basic["signature"].native),
        _responder=(
            responder.name,
            responder.chosen.untag().dump() if responder.name == "by_name" else responder.chosen.native,
        ),
    )


def _key(certificate: x509.Certificate) -> bytes:
    """Return the octets of the BIT STRING of the subject's public key, as RFC 6960 hashes them."""
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    octets: bytes = keys.PublicKeyInfo.load(info)["public_key"].contents[1:]
    return octets
