"""The XAdES signature of a container, in both profiles that X-Road writes, read so that nothing can stand in for it.

The document has one place for each part, so what is checked is what is interpreted: references lead to entries of the
container by name and, by its id, to the one SignedProperties element in its one place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from lxml import etree

from onedoor.signing.asice import documents
from onedoor.signing.asice.algorithms import canonical, canonical_by_default, digest_name, xml_signature_holds
from onedoor.signing.asice.container import Container
from onedoor.signing.asice.documents import attribute, binary, children, only, text
from onedoor.signing.asice.findings import Broken, Finding, Reason, Why
from onedoor.signing.asice.names import DS, SIGNED_PROPERTIES
from onedoor.signing.asice.names import SIGNATURES as ENTRY
from onedoor.signing.schemes import digest, load_certificate, same

_ROOT = "{http://uri.etsi.org/02918/v1.2.1#}XAdESSignatures"
_X = "{http://uri.etsi.org/01903/v1.3.2#}"
_D = f"{{{DS}}}"
_ONCE = (f"{_D}Signature", f"{_D}SignedInfo", f"{_D}SignatureValue", f"{_X}QualifyingProperties")
_DESCRIPTION = f"{_X}SignedDataObjectProperties/{_X}DataObjectFormat/{_X}Description"
_MOST_REFERENCES = 1_000


@dataclass(frozen=True)
class Reference:
    """An *entry* of the container that is signed, and its digest by a hashlib *algorithm*."""

    entry: str
    algorithm: str
    value: bytes


@dataclass(frozen=True)
class Signature:
    """A signature as it was read; *holds* and *properties_hold* say whether its value and its properties do."""

    references: tuple[Reference, ...]
    signed_at: str
    certificate: x509.Certificate
    value: bytes
    time_stamps: tuple[bytes, ...]
    responses: tuple[bytes, ...]
    referred_responses: tuple[tuple[str, bytes], ...]
    holds: bool
    properties_hold: bool
    said: str = ""
    """What the signer says of what is signed, as the description of its format."""

    def findings(self, container: Container) -> Iterator[Finding]:
        """Yield what is wrong with the signature or with the entries it refers to."""
        if not self.properties_hold:
            yield Finding(Reason.PROPERTIES_CHANGED)
        if not self.holds:
            yield Finding(Reason.BAD_SIGNATURE)
        for one in self.references:
            if one.entry not in container:
                yield Finding(Reason.ENTRY_MISSING, {"entry": one.entry})
            elif not same(container.digest(one.entry, one.algorithm), one.value):
                yield Finding(Reason.CHANGED, {"entry": one.entry})


def read(document: bytes) -> Signature:
    """Return the signature in *document*; raise `Broken` when it is not of the form of one."""
    root = documents.parse(document, ENTRY)
    signature = root if root.tag == f"{_D}Signature" else _inside(root)
    if any(sum(1 for _ in root.iter(tag)) != 1 for tag in _ONCE):
        raise Broken(Reason.BAD_XML, entry=ENTRY, why=Why.PART_TWICE)
    parts = children(signature, ENTRY, f"{_D}SignedInfo", f"{_D}SignatureValue", f"{_D}KeyInfo", f"{_D}Object")
    info = only(signature, f"{_D}SignedInfo", ENTRY)
    properties = _properties(signature, parts)
    signed = only(properties, f"{_X}SignedProperties", ENTRY)
    references, properties_hold = _references(info, signed)
    certificate = _certificate(signature, only(signed, f"{_X}SignedSignatureProperties", ENTRY))
    value = binary(only(signature, f"{_D}SignatureValue", ENTRY), ENTRY)
    unsigned = _unsigned(properties)
    return Signature(
        references=references,
        signed_at=_signing_time(signed),
        certificate=certificate,
        value=value,
        time_stamps=tuple(_binaries(unsigned, "SignatureTimeStamp", "EncapsulatedTimeStamp")),
        responses=tuple(_binaries(unsigned, "RevocationValues", "EncapsulatedOCSPValue")),
        referred_responses=tuple(_referred(unsigned)),
        holds=_holds(info, certificate, value),
        properties_hold=properties_hold,
        said=signed.findtext(_DESCRIPTION, ""),
    )


def _inside(root: etree._Element) -> etree._Element:
    if root.tag != _ROOT:
        raise Broken(Reason.BAD_XML, entry=ENTRY, why=Why.NO_SIGNATURE)
    children(root, ENTRY, f"{_D}Signature")
    return only(root, f"{_D}Signature", ENTRY)


def _properties(signature: etree._Element, parts: list[etree._Element]) -> etree._Element:
    """Return the QualifyingProperties, which must be those of this signature."""
    found = [inner for part in parts if part.tag == f"{_D}Object" for inner in part]
    if len(found) != 1 or found[0].tag != f"{_X}QualifyingProperties":
        raise Broken(Reason.BAD_XML, entry=ENTRY, why=Why.PROPERTIES)
    if found[0].get("Target") != f"#{signature.get('Id')}":
        raise Broken(Reason.BAD_XML, entry=ENTRY, why=Why.OTHER_SIGNATURE)
    children(found[0], ENTRY, f"{_X}SignedProperties", f"{_X}UnsignedProperties")
    return found[0]


def _references(info: etree._Element, signed: etree._Element) -> tuple[tuple[Reference, ...], bool]:
    """Return the references to entries, and whether the one to the signed properties holds."""
    found = [
        one
        for one in children(info, ENTRY, f"{_D}CanonicalizationMethod", f"{_D}SignatureMethod", f"{_D}Reference")
        if one.tag == f"{_D}Reference"
    ]
    to_properties = [one for one in found if one.get("Type") == SIGNED_PROPERTIES]
    if len(to_properties) != 1 or to_properties[0].get("URI") != f"#{signed.get('Id')}" or not signed.get("Id"):
        raise Broken(Reason.BAD_XML, entry=ENTRY, why=Why.PROPERTIES_NOT_SIGNED)
    entries = tuple(_to_entry(one) for one in found if one is not to_properties[0])
    if len({one.entry for one in entries}) != len(entries) or len(entries) > _MOST_REFERENCES:
        raise Broken(Reason.BAD_XML, entry=ENTRY, why=Why.REFERENCE_TWICE)
    method, value = _digest(to_properties[0], f"{_D}Transforms")
    return entries, same(digest(method, _transformed(to_properties[0], signed)), value)


def _to_entry(reference: etree._Element) -> Reference:
    uri = attribute(reference, "URI", ENTRY)
    if reference.get("Type") or not uri or "#" in uri:
        raise Broken(Reason.BAD_XML, entry=ENTRY, why=Why.STRANGE_REFERENCE)
    method, value = _digest(reference)
    return Reference(uri.removeprefix("/"), method, value)


def _digest(parent: etree._Element, *beside: str) -> tuple[str, bytes]:
    """Return hashlib name and value of the digest in *parent*, where only *beside* may stand as well."""
    children(parent, ENTRY, f"{_D}DigestMethod", f"{_D}DigestValue", *beside)
    uri = attribute(only(parent, f"{_D}DigestMethod", ENTRY), "Algorithm", ENTRY)
    return digest_name(uri, ENTRY), binary(only(parent, f"{_D}DigestValue", ENTRY), ENTRY)


def _transformed(reference: etree._Element, signed: etree._Element) -> bytes:
    """Return the signed properties as their reference says: canonicalised, and nothing else."""
    if reference.find(f"{_D}Transforms") is None:
        return canonical_by_default(signed, ENTRY)
    transforms = children(only(reference, f"{_D}Transforms", ENTRY), ENTRY, f"{_D}Transform")
    if len(transforms) != 1 or len(transforms[0]):
        raise Broken(Reason.ALGORITHM, entry=ENTRY, algorithm="Transforms")
    return canonical(signed, attribute(transforms[0], "Algorithm", ENTRY), ENTRY)


def _holds(info: etree._Element, certificate: x509.Certificate, value: bytes) -> bool:
    how, method = (only(info, f"{_D}{name}", ENTRY) for name in ("CanonicalizationMethod", "SignatureMethod"))
    children(how, ENTRY)
    children(method, ENTRY)
    signed = canonical(info, attribute(how, "Algorithm", ENTRY), ENTRY)
    return xml_signature_holds(attribute(method, "Algorithm", ENTRY), certificate.public_key(), value, signed, ENTRY)


def _certificate(signature: etree._Element, properties: etree._Element) -> x509.Certificate:
    """Return the certificate in KeyInfo whose digest is the first among the signed properties."""
    data = only(only(signature, f"{_D}KeyInfo", ENTRY), f"{_D}X509Data", ENTRY)
    carried = [binary(one, ENTRY) for one in data.findall(f"{_D}X509Certificate")]
    named = [
        one for name in ("SigningCertificate", "SigningCertificateV2") for one in properties.findall(f"{_X}{name}")
    ]
    if len(named) != 1 or not len(named[0]):
        raise Broken(Reason.OTHER_CERTIFICATE)
    method, value = _digest(only(named[0][0], f"{_X}CertDigest", ENTRY))
    found = [der for der in carried if same(digest(method, der), value)]
    if len(found) != 1:
        raise Broken(Reason.OTHER_CERTIFICATE)
    try:
        return load_certificate(found[0])
    except ValueError as broken:
        raise Broken(Reason.OTHER_CERTIFICATE) from broken


def _signing_time(signed: etree._Element) -> str:
    properties = only(signed, f"{_X}SignedSignatureProperties", ENTRY)
    return text(only(properties, f"{_X}SigningTime", ENTRY), ENTRY)


def _unsigned(properties: etree._Element) -> etree._Element | None:
    if (outer := properties.find(f"{_X}UnsignedProperties")) is None:
        return None
    return only(outer, f"{_X}UnsignedSignatureProperties", ENTRY)


def _binaries(unsigned: etree._Element | None, place: str, name: str) -> Iterator[bytes]:
    for parent in () if unsigned is None else unsigned.findall(f"{_X}{place}"):
        for value in parent.iter(f"{_X}{name}"):
            yield binary(value, ENTRY)


def _referred(unsigned: etree._Element | None) -> Iterator[tuple[str, bytes]]:
    """Yield the digests of the OCSP responses that the signature refers to."""
    if unsigned is not None:
        for reference in unsigned.iter(f"{_X}OCSPRef"):
            for value in reference.findall(f"{_X}DigestAlgAndValue"):
                yield _digest(value)
