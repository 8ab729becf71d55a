"""The algorithms that are accepted, by their URI; SHA-1, HMAC, DSA and short keys are not among them."""

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from onedoor.signing.asice.findings import Broken, Reason
from onedoor.signing.schemes import HASHES, signature_holds

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_PSS = "http://www.w3.org/2007/05/xmldsig-more#"
_INCLUSIVE, _EXCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#"
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
"""URI → hashlib name."""
_SIGNATURES = {
    **{f"{_MORE}{kind}-{name}": (kind, name) for kind in ("rsa", "ecdsa") for name in HASHES},
    **{f"{_PSS}{name}-rsa-MGF1": ("pss", name) for name in HASHES},
}


def digest_name(uri: str, entry: str) -> str:
    """Return the hashlib name of the digest *uri*; raise `Broken` when it is not accepted."""
    if uri not in DIGESTS:
        raise Broken(Reason.ALGORITHM, entry=entry, algorithm=uri)
    return DIGESTS[uri]


def canonical(element: etree._Element, uri: str, entry: str) -> bytes:
    """Return *element* in canonical XML 1.0, inclusive or exclusive as *uri* says, without comments."""
    if uri not in (_INCLUSIVE, _EXCLUSIVE):
        raise Broken(Reason.ALGORITHM, entry=entry, algorithm=uri)
    written: bytes = etree.tostring(element, method="c14n", exclusive=uri == _EXCLUSIVE, with_comments=False)
    return written


def canonical_by_default(element: etree._Element, entry: str) -> bytes:
    """Return *element* as XML Signature canonicalises it where nothing else is said."""
    return canonical(element, _INCLUSIVE, entry)


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
