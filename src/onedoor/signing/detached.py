"""Detached signatures over bytes: ECDSA on curve P-256 with SHA-256, DER encoded."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import Certificate

from onedoor.kernel.errors import NotAllowed
from onedoor.signing.keys import PublicKey, Signer

ALGORITHM = "ECDSA-P256-SHA256"

_SCHEME = ec.ECDSA(hashes.SHA256())


class BadSignature(NotAllowed):
    """The signature does not belong to this message. It was changed on its way, or signed by someone else."""


def sign(key: Signer, data: bytes) -> bytes:
    """Return the signature of *data* by *key*, 70 to 72 bytes of DER."""
    return key.sign(data, _SCHEME)


def verify(certificate: Certificate, data: bytes, signature: bytes) -> None:
    """Return when *signature* over *data* was made with the key of *certificate*; raise `BadSignature` when not.

    Whether the certificate itself is trusted is decided elsewhere (`certificates.trusted`).
    """
    verify_with(public_key(certificate), data, signature)


def verify_with(key: PublicKey, data: bytes, signature: bytes) -> None:
    """Return when *signature* over *data* was made with *key*; raise `BadSignature` when not."""
    try:
        key.verify(signature, data, _SCHEME)
    except InvalidSignature:
        raise BadSignature from None


def public_key(certificate: Certificate) -> PublicKey:
    """Return the P-256 key of *certificate*; raise `BadSignature` when it has another kind of key."""
    key = certificate.public_key()
    if not isinstance(key, PublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadSignature
    return key
