"""The CMS container of a PAdES signature (RFC 5652, ETSI EN 319 142-1), written in exactly one way.

SHA-256, ECDSA on P-256, and the signed attributes contentType, messageDigest and signingCertificateV2 (RFC 5035). As
nothing is left to choose, a container can be checked by writing it again from its parts and comparing every byte. The
same holds for time-stamp tokens (RFC 3161), whose algorithms are their authority's.
"""

import hashlib
from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_INTEGER, _OCTETS, _SEQUENCE, _SET = 0x02, 0x04, 0x30, 0x31
_TAGGED_0, _TAGGED_0_PLAIN, _TAGGED_1, _TAGGED_4 = 0xA0, 0x80, 0xA1, 0xA4
_SHORT_LENGTH = 0x80

_DATA = bytes.fromhex("06092a864886f70d010701")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
_SHA256 = bytes.fromhex("300b0609608648016503040201")
_ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_TIME_STAMP_TOKEN = bytes.fromhex("060b2a864886f70d010910020e")
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
_VERSION_1, _VERSION_3 = bytes.fromhex("020101"), bytes.fromhex("020103")


def attributes(digest: bytes, certificate: x509.Certificate, content: bytes = _DATA) -> bytes:
    """Return the signed attributes for the SHA-256 *digest* of a document, as the SET that is signed.

    *content* is the object identifier (DER) of what is signed.
    """
    named = _tlv(_OCTETS, hashlib.sha256(der(certificate)).digest())
    issuer = _tlv(_SEQUENCE, _tlv(_TAGGED_4, certificate.issuer.public_bytes()))
    identified = _tlv(_SEQUENCE, named, _tlv(_SEQUENCE, issuer, _integer(certificate.serial_number)))
    return _set(
        _SET,
        _attribute(_CONTENT_TYPE, content),
        _attribute(_MESSAGE_DIGEST, _tlv(_OCTETS, digest)),
        _attribute(_SIGNING_CERTIFICATE_V2, _tlv(_SEQUENCE, _tlv(_SEQUENCE, identified))),
    )


def container(
    digest: bytes,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    signature: bytes,
    stamp: bytes = b"",
) -> bytes:
    """Return the ContentInfo that carries *signature* over `attributes(digest, certificate)`, with its certificates.

    *stamp* is the time-stamp token over the signature, if there is one (PAdES B-T).
    """
    stamped = _tlv(_TAGGED_1, _attribute(_TIME_STAMP_TOKEN, stamp)) if stamp else b""
    signed_data = _tlv(
        _SEQUENCE,
        _VERSION_1,
        _tlv(_SET, _SHA256),
        _tlv(_SEQUENCE, _DATA),
        _set(_TAGGED_0, *(der(one) for one in (certificate, *chain))),
        _tlv(_SET, _signer(certificate, attributes(digest, certificate), signature, stamped)),
    )
    return _tlv(_SEQUENCE, _SIGNED_DATA, _tlv(_TAGGED_0, signed_data))


def stamped(info: bytes, chain: Sequence[x509.Certificate], sign: Callable[[bytes], bytes], *, carried: bool) -> bytes:
    """Return the time-stamp token over *info* (a TSTInfo), by the first of *chain*, which comes along if *carried*."""
    signed = attributes(hashlib.sha256(info).digest(), chain[0], _TST_INFO)
    signer = _signer(chain[0], signed, sign(signed))
    return token(info, sorted(map(der, chain)) if carried else [], _SHA256, signer)


def token(info: bytes, certificates: Sequence[bytes], algorithm: bytes, signer: bytes) -> bytes:
    """Return the container of a time-stamp over *info*, of *certificates*, digest *algorithm* and *signer* in DER."""
    signed_data = _tlv(
        _SEQUENCE,
        _VERSION_3,
        _tlv(_SET, algorithm),
        _tlv(_SEQUENCE, _TST_INFO, _tlv(_TAGGED_0, _tlv(_OCTETS, info))),
        _tlv(_TAGGED_0, *certificates) if certificates else b"",
        _tlv(_SET, signer),
    )
    return _tlv(_SEQUENCE, _SIGNED_DATA, _tlv(_TAGGED_0, signed_data))


def signer_info(
    certificate: x509.Certificate,
    key_id: bytes,
    algorithms: tuple[bytes, bytes],
    signed: bytes,
    value: bytes,
    unsigned: bytes = b"",
) -> bytes:
    """Return the SignerInfo of *certificate*, named by its *key_id*, or by issuer and number when there is none.

    *algorithms* are those of digest and signature, *signed* the attributes (a SET) and *value* the signature.
    """
    named = _tlv(_SEQUENCE, certificate.issuer.public_bytes(), _integer(certificate.serial_number))
    identified = (_VERSION_3, _tlv(_TAGGED_0_PLAIN, key_id)) if key_id else (_VERSION_1, named)
    hashed, scheme = algorithms
    covered = bytes([_TAGGED_0]) + signed[1:]
    return _tlv(_SEQUENCE, *identified, hashed, covered, scheme, _tlv(_OCTETS, value), unsigned)


def _signer(certificate: x509.Certificate, signed: bytes, signature: bytes, unsigned: bytes = b"") -> bytes:
    return signer_info(certificate, b"", (_SHA256, _ECDSA_WITH_SHA256), signed, signature, unsigned)


def der(certificate: x509.Certificate) -> bytes:
    """Return *certificate* as DER."""
    return certificate.public_bytes(Encoding.DER)


def _attribute(kind: bytes, value: bytes) -> bytes:
    return _tlv(_SEQUENCE, kind, _tlv(_SET, value))


def _integer(number: int) -> bytes:
    return _tlv(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _set(tag: int, *members: bytes) -> bytes:
    return _tlv(tag, *sorted(members))


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < _SHORT_LENGTH:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _SHORT_LENGTH + len(length)]) + length + content
