"""RFC 3161 time-stamp tokens: what they were made for, when, by whose key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, tsp  # type: ignore[import-untyped]
from cryptography import x509

from onedoor.signing.asice.findings import Broken, Reason
from onedoor.signing.cms import der
from onedoor.signing.schemes import HASHES, digest, load_certificate, moment, same, signature_holds

LARGEST_TOKEN = 1 << 20
_SET = b"\x31"
_KINDS = {"rsassa_pkcs1v15": "rsa", "rsassa_pss": "pss", "ecdsa": "ecdsa"}
_ESS_HASHES = ("sha1", *HASHES)
"""RFC 2634 names a certificate by its SHA-1; it tells which of the certificates is meant, and protects nothing."""


@dataclass(frozen=True)
class TimeStamp:
    """A token that holds: the moment it gives and the certificate of its authority.

    Without the certificate (None) only its imprint is known to fit: whose word the moment is remains open.
    """

    moment: datetime
    certificate: x509.Certificate | None


def check(token: bytes, stamped: bytes, authorities: Sequence[x509.Certificate]) -> TimeStamp:
    """Return what *token* says of the octets *stamped*; raise `Broken` when it does not hold.

    Its authority's certificate is taken from the token, or from *authorities* when it is not there.
    """
    try:
        return _check(token, stamped, authorities)
    except Broken:
        raise
    except Exception as broken:  # a hostile token may break its reader in any way; each way means: it does not hold
        raise Broken(Reason.TIME_STAMP_BROKEN) from broken


def _check(token: bytes, stamped: bytes, authorities: Sequence[x509.Certificate]) -> TimeStamp:
    content = _only_signed_data(token)
    inner = content["encap_content_info"]
    (signer,) = content["signer_infos"]
    octets = inner["content"].contents if inner["content"].contents is not None else b""
    info: tsp.TSTInfo = tsp.TSTInfo.load(octets, strict=True)
    if inner["content_type"].native != "tst_info":
        raise Broken(Reason.TIME_STAMP_BROKEN)
    signed = (
        _SET + signer["signed_attrs"].dump()[1:]
    )  # before its parts are read: asn1crypto writes again what was read
    attributes = {one["type"].native: one["values"] for one in signer["signed_attrs"]}
    name = signer["digest_algorithm"]["algorithm"].native
    if len(attributes) != len(signer["signed_attrs"]) or name not in HASHES:
        raise Broken(Reason.TIME_STAMP_BROKEN)
    certificate = _certificate(content, signer, attributes, authorities)
    kind = _KINDS[signer["signature_algorithm"].signature_algo]
    value = signer["signature"].native
    holds = (
        [one.native for one in attributes["content_type"]] == ["tst_info"]
        and [one.native for one in attributes["message_digest"]] == [digest(name, octets)]
        and (certificate is None or signature_holds(kind, name, certificate.public_key(), value, signed))
    )
    if not holds:
        raise Broken(Reason.TIME_STAMP_BROKEN)
    imprint = info["message_imprint"]
    method = imprint["hash_algorithm"]["algorithm"].native
    if method not in HASHES or not same(imprint["hashed_message"].native, digest(method, stamped)):
        raise Broken(Reason.TIME_STAMP_IMPRINT)
    return TimeStamp(moment(info["gen_time"].native), certificate)


def _only_signed_data(token: bytes) -> cms.SignedData:
    if len(token) > LARGEST_TOKEN:
        raise Broken(Reason.TIME_STAMP_BROKEN)
    outer = cms.ContentInfo.load(token, strict=True)
    if outer["content_type"].native != "signed_data":
        raise Broken(Reason.TIME_STAMP_BROKEN)
    return outer["content"]


def _certificate(
    content: cms.SignedData,
    signer: cms.SignerInfo,
    attributes: dict[str, cms.SetOf],
    authorities: Sequence[x509.Certificate],
) -> x509.Certificate | None:
    """Return the certificate that the signer's id and its signed attribute name; None when no certificate came along.

    Raise `Broken` when others came instead.
    """
    carried = content["certificates"]
    ders = [choice.chosen.dump() for choice in carried] if len(carried) else []
    inside = [load_certificate(der) for der in ders]
    for one in (*inside, *authorities):
        if _names(signer["sid"], one) and _bound(attributes, one):
            return one
    if inside:
        raise Broken(Reason.TIME_STAMP_BROKEN)
    return None


def _names(identifier: cms.SignerIdentifier, certificate: x509.Certificate) -> bool:
    chosen = identifier.chosen
    if identifier.name == "issuer_and_serial_number":
        named: bytes = chosen["issuer"].dump()
        return (
            named == certificate.issuer.public_bytes() and chosen["serial_number"].native == certificate.serial_number
        )
    try:
        key = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return False
    return bool(chosen.native == key)


def _bound(attributes: dict[str, cms.SetOf], certificate: x509.Certificate) -> bool:
    """Return whether the signed attribute of RFC 2634 or RFC 5035 names *certificate* first."""
    for attribute, default in (("signing_certificate_v2", "sha256"), ("signing_certificate", "sha1")):
        if attribute in attributes:
            first = attributes[attribute][0]["certs"][0]
            name = first["hash_algorithm"]["algorithm"].native if attribute.endswith("v2") else default
            return name in _ESS_HASHES and same(first["cert_hash"].native, digest(name, der(certificate)))
    return False
