"""The CMS container of a PAdES B-B signature (RFC 5652, ETSI EN 319 142-1), written in exactly one way.

SHA-256, ECDSA on P-256, and the signed attributes contentType, messageDigest and signingCertificateV2 (RFC 5035). As
nothing is left to choose, a container can be checked by writing it again from its parts and comparing every byte.
"""

import hashlib
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_INTEGER, _OCTETS, _SEQUENCE, _SET, _TAGGED_0, _TAGGED_4 = 0x02, 0x04, 0x30, 0x31, 0xA0, 0xA4
_SHORT_LENGTH = 0x80

_DATA = bytes.fromhex("06092a864886f70d010701")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
_SHA256 = bytes.fromhex("300b0609608648016503040201")
_ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_VERSION_1 = bytes.fromhex("020101")


def attributes(digest: bytes, certificate: x509.Certificate) -> bytes:
    """Return the signed attributes for the SHA-256 *digest* of a document, as the SET that is signed."""
    named = _tlv(_OCTETS, hashlib.sha256(der(certificate)).digest())
    issuer = _tlv(_SEQUENCE, _tlv(_TAGGED_4, certificate.issuer.public_bytes()))
    identified = _tlv(_SEQUENCE, named, _tlv(_SEQUENCE, issuer, _integer(certificate.serial_number)))
    return _set(
        _SET,
        _attribute(_CONTENT_TYPE, _DATA),
        _attribute(_MESSAGE_DIGEST, _tlv(_OCTETS, digest)),
        _attribute(_SIGNING_CERTIFICATE_V2, _tlv(_SEQUENCE, _tlv(_SEQUENCE, identified))),
    )


def container(
    digest: bytes, certificate: x509.Certificate, chain: Sequence[x509.Certificate], signature: bytes
) -> bytes:
    """Return the ContentInfo that carries *signature* over `attributes(digest, certificate)`, with its certificates."""
    signer = _tlv(
        _SEQUENCE,
        _VERSION_1,
        _tlv(_SEQUENCE, certificate.issuer.public_bytes(), _integer(certificate.serial_number)),
        _SHA256,
        bytes([_TAGGED_0]) + attributes(digest, certificate)[1:],
        _ECDSA_WITH_SHA256,
        _tlv(_OCTETS, signature),
    )
    signed_data = _tlv(
        _SEQUENCE,
        _VERSION_1,
        _tlv(_SET, _SHA256),
        _tlv(_SEQUENCE, _DATA),
        _set(_TAGGED_0, *(der(one) for one in (certificate, *chain))),
        _tlv(_SET, signer),
    )
    return _tlv(_SEQUENCE, _SIGNED_DATA, _tlv(_TAGGED_0, signed_data))


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
