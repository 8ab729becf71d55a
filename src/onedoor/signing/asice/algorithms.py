"""The algorithms that are accepted, by their URI; SHA-1, HMAC, DSA and short keys are not among them."""

import hashlib
import hmac
import warnings

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from onedoor.signing.asice.findings import Broken, Reason

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_PSS = "http://www.w3.org/2007/05/xmldsig-more#"
_INCLUSIVE, _EXCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#"
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
"""URI → hashlib name."""
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_SIGNATURES = {
    **{f"{_MORE}{kind}-{name}": (kind, name) for kind in ("rsa", "ecdsa") for name in HASHES},
    **{f"{_PSS}{name}-rsa-MGF1": ("pss", name) for name in HASHES},
}
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_RSA_BITS = range(2048, 8193)


def digest_name(uri: str, entry: str) -> str:
    """Return the hashlib name of the digest *uri*; raise `Broken` when it is not accepted."""
    if uri not in DIGESTS:
        raise Broken(Reason.ALGORITHM, entry=entry, algorithm=uri)
    return DIGESTS[uri]


def same(one: bytes, other: bytes) -> bool:
    """Return whether two digests are equal."""
    return hmac.compare_digest(one, other)


def digest(name: str, data: bytes) -> bytes:
    """Return the digest of *data* by a hashlib *name*."""
    return hashlib.new(name, data).digest()


def canonical(element: etree._Element, uri: str, entry: str) -> bytes:
    """Return *element* in canonical XML 1.0, inclusive or exclusive as *uri* says, without comments."""
    if uri not in (_INCLUSIVE, _EXCLUSIVE):
        raise Broken(Reason.ALGORITHM, entry=entry, algorithm=uri)
    written: bytes = etree.tostring(element, method="c14n", exclusive=uri == _EXCLUSIVE, with_comments=False)
    return written


def canonical_by_default(element: etree._Element, entry: str) -> bytes:
    """Return *element* as XML Signature canonicalises it where nothing else is said."""
    return canonical(element, _INCLUSIVE, entry)


def load_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate in *der*; one that is only tolerated for now is refused as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate = x509.load_der_x509_certificate(der)
        # Each part is read now: what is broken in it breaks here and not where nobody expects it.
        _ = certificate.public_key(), certificate.extensions, certificate.issuer.public_bytes()
        _ = certificate.subject.public_bytes(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return certificate


def method(uri: str, entry: str) -> tuple[str, str]:
    """Return kind and hashlib name of the signature method *uri*; raise `Broken` when it is not accepted."""
    if uri not in _SIGNATURES:
        raise Broken(Reason.ALGORITHM, entry=entry, algorithm=uri)
    return _SIGNATURES[uri]


def xml_signature_holds(uri: str, key: PublicKeyTypes, signature: bytes, data: bytes, entry: str) -> bool:
    """Return whether *signature*, in the form of XML Signature, over *data* was made with *key* by method *uri*."""
    kind, name = method(uri, entry)
    if kind == "ecdsa":
        half = len(signature) // 2
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        signature = encode_dss_signature(r, s)
    return signature_holds(kind, name, key, signature, data)


def signature_holds(kind: str, name: str, key: PublicKeyTypes, signature: bytes, data: bytes) -> bool:
    """Return whether *signature* over *data* was made with *key*; *kind* is ``rsa``, ``pss`` or ``ecdsa`` (DER)."""
    scheme = HASHES[name]
    try:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS and kind == "rsa":
            key.verify(signature, data, padding.PKCS1v15(), scheme)
        elif isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS and kind == "pss":
            pss = padding.PSS(padding.MGF1(scheme), scheme.digest_size)
            key.verify(signature, data, pss, scheme)
        elif isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES and kind == "ecdsa":
            key.verify(signature, data, ec.ECDSA(scheme))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
