"""The digests and signatures that are accepted of others, and their certificates read with care."""

import hashlib
import hmac
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_RSA_BITS = range(2048, 8193)


def same(one: bytes, other: bytes) -> bool:
    """Return whether two digests are equal."""
    return hmac.compare_digest(one, other)


def digest(name: str, data: bytes) -> bytes:
    """Return the digest of *data* by a hashlib *name*."""
    return hashlib.new(name, data).digest()


def moment(told: object) -> datetime:
    """Return the moment that a time in DER was read as; raise ValueError for one without a zone, or of the year 0."""
    if not isinstance(told, datetime) or told.tzinfo is None:
        raise ValueError("a time that is no moment")
    return told


def load_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate in *der*; raise ValueError, also for one that is only tolerated for now."""
    with _read_now("error"):
        certificate = x509.load_der_x509_certificate(der)
        # Each part is read now: what is broken in it breaks here and not where nobody expects it.
        _ = certificate.public_key(), certificate.extensions, certificate.issuer.public_bytes()
        _ = certificate.subject.public_bytes(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return certificate


def load_pem(data: bytes, *, whole: bool = False) -> list[x509.Certificate]:
    """Return the certificates (PEM) in *data*; raise ValueError where there is none, or one whose key is unusable.

    Of one that is read *whole*, the extensions are usable too.
    """
    with _read_now("ignore"):
        found = x509.load_pem_x509_certificates(data)
        _ = [(one.public_key(), one.subject, one.issuer, whole and one.extensions) for one in found]
        return found


@contextmanager
def _read_now(tolerated: Literal["error", "ignore"]) -> Iterator[None]:
    """Let whatever breaks the reader of a hostile certificate be a ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(tolerated)
            yield
    except ValueError:
        raise
    except Exception as broken:
        raise ValueError("a certificate that cannot be read") from broken


def fit(key: PublicKeyTypes) -> bool:
    """Return whether what *key* signed may count: RSA of enough bits, or one of the curves that are accepted."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size in _RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES


def signature_holds(kind: str, name: str, key: PublicKeyTypes, signature: bytes, data: bytes) -> bool:
    """Return whether *signature* over *data* was made with *key*; *kind* is ``rsa``, ``pss`` or ``ecdsa`` (DER)."""
    scheme = HASHES[name]
    if not fit(key):
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey) and kind == "rsa":
            key.verify(signature, data, padding.PKCS1v15(), scheme)
        elif isinstance(key, rsa.RSAPublicKey) and kind == "pss":
            pss = padding.PSS(padding.MGF1(scheme), scheme.digest_size)
            key.verify(signature, data, pss, scheme)
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
            key.verify(signature, data, ec.ECDSA(scheme))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
