"""Evidence written: one XAdES signature over a hash chain stands for a batch, and any one message can be taken out.

What is signed is put together from a template that is canonical XML already, for XML tools would cost more than the
signature. It is X-Road's older profile: an inclusive canonicalisation, one reference to the chain's result.
"""

import io
import zipfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha512
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from onedoor.signing.asice import names
from onedoor.signing.asice.names import DS, HC
from onedoor.signing.keys import PublicKey, Signer

SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
_SCHEME = ec.ECDSA(hashes.SHA512())
_METHOD = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
_HALF = 32
_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_ASIC, _XADES = "http://uri.etsi.org/02918/v1.2.1#", "http://uri.etsi.org/01903/v1.3.2#"
_ROOM = f'xmlns:asic="{_ASIC}" xmlns:ds="{DS}"'
_FIRST = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_BY = f'<ds:DigestMethod Algorithm="{SHA512}"></ds:DigestMethod><ds:DigestValue>'
_INFO = (
    f'<ds:SignedInfo{{room}}><ds:CanonicalizationMethod Algorithm="{_INCLUSIVE}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{_METHOD}"></ds:SignatureMethod>'
    f'<ds:Reference Id="chain" URI="/{names.SIGNED_RESULT}">{_BY}{{result}}</ds:DigestValue></ds:Reference>'
    f'<ds:Reference Type="{names.SIGNED_PROPERTIES}" URI="#properties">{_BY}{{properties}}</ds:DigestValue>'
    "</ds:Reference></ds:SignedInfo>"
)
_PROPERTIES = (
    '<xades:SignedProperties{room} Id="properties"><xades:SignedSignatureProperties><xades:SigningTime>{moment}'
    f"</xades:SigningTime><xades:SigningCertificate><xades:Cert><xades:CertDigest>{_BY}{{digest}}</ds:DigestValue>"
    "</xades:CertDigest><xades:IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName><ds:X509SerialNumber>"
    "{serial}</ds:X509SerialNumber></xades:IssuerSerial></xades:Cert></xades:SigningCertificate>"
    "</xades:SignedSignatureProperties><xades:SignedDataObjectProperties><xades:DataObjectFormat "
    'ObjectReference="#chain"><xades:Description>{said}</xades:Description><xades:MimeType>text/xml</xades:MimeType>'
    "</xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>"
)
_SIGNATURE = (
    f'<asic:XAdESSignatures xmlns:asic="{_ASIC}"><ds:Signature xmlns:ds="{DS}" Id="signature">{{info}}'
    '<ds:SignatureValue Id="value">{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
    "{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object><xades:QualifyingProperties "
    f'xmlns:xades="{_XADES}" Target="#signature">{{properties}}<xades:UnsignedProperties>'
    "<xades:UnsignedSignatureProperties>{unsigned}</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
    "</xades:QualifyingProperties></ds:Object></ds:Signature></asic:XAdESSignatures>"
)
_OCSP = (
    "<xades:RevocationValues><xades:OCSPValues><xades:EncapsulatedOCSPValue>{response}</xades:EncapsulatedOCSPValue>"
    "</xades:OCSPValues></xades:RevocationValues>"
)
_RESULT = (
    f'<HashChainResult xmlns="{HC}" xmlns:d="{DS}" URI="/{{kind}}-hashchain.xml#STEP0">'
    f'<d:DigestMethod Algorithm="{SHA512}"/><d:DigestValue>{{value}}</d:DigestValue></HashChainResult>'
)
_CHAIN = f'<HashChain xmlns="{HC}" xmlns:d="{DS}"><DefaultDigestMethod Algorithm="{SHA512}"/>{{steps}}</HashChain>'
_MANIFEST = (
    '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/2918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
    f'<asic:SigReference URI="{names.TOKEN}" MimeType="application/vnd.etsi.timestamp-token"/>'
    f'<asic:DataObjectReference URI="{names.STAMPED_RESULT}" MimeType="text/xml">'
    f'<ds:DigestMethod Algorithm="{SHA512}"/><ds:DigestValue>{{digest}}</ds:DigestValue></asic:DataObjectReference>'
    "</asic:ASiCManifest>"
)
SIGNED, STAMPED = "sig", "ts"
"""The two chains of a container: what the signature stands for, and what the time-stamp does."""
Step = tuple[Sequence[bytes], int]
"""The digests of a step's children, and at which of them the way to one message goes on."""


@dataclass(frozen=True)
class Statement:
    """What is signed for a batch: the chain's *result*, when, and what the signer *said* about the batch."""

    result: bytes
    moment: datetime
    said: str


class Template:
    """The signatures of one certificate: what is the same in all of them is worked out once."""

    def __init__(self, certificate: x509.Certificate) -> None:
        der = certificate.public_bytes(Encoding.DER)
        self._certificate = _base64(der)
        self._of_certificate = {
            "digest": _base64(sha512(der).digest()),
            "issuer": _text(certificate.issuer.rfc4514_string()),
            "serial": str(certificate.serial_number),
        }

    def signed(self, statement: Statement) -> bytes:
        """Return the bytes that are signed: the canonical SignedInfo."""
        properties = self._properties(statement, f' {_ROOM} xmlns:xades="{_XADES}"').encode()
        return self._info(statement, f" {_ROOM}", sha512(properties).digest()).encode()

    def sign(self, statement: Statement, key: Signer) -> bytes:
        """Return the signature of *statement* by *key*: 64 bytes, r and s one after the other."""
        r, s = decode_dss_signature(key.sign(self.signed(statement), _SCHEME))
        return r.to_bytes(_HALF) + s.to_bytes(_HALF)

    def holds(self, statement: Statement, value: bytes, key: PublicKey) -> bool:
        """Return whether *value* is the signature of *statement* that `sign` makes with the private half of *key*."""
        if len(value) != 2 * _HALF:
            return False
        r, s = int.from_bytes(value[:_HALF]), int.from_bytes(value[_HALF:])
        try:
            key.verify(encode_dss_signature(r, s), self.signed(statement), _SCHEME)
        except InvalidSignature:
            return False
        return True

    def document(self, statement: Statement, value: bytes, response: bytes = b"") -> bytes:
        """Return the file of the signature *value*, with the OCSP *response* (DER) on its certificate, if there is one.

        A time-stamp covers this file, so it must be written with the same response ever after.
        """
        properties = self._properties(statement, f' {_ROOM} xmlns:xades="{_XADES}"').encode()
        written = _SIGNATURE.format(
            info=self._info(statement, "", sha512(properties).digest()),
            value=_base64(value),
            certificate=self._certificate,
            properties=self._properties(statement, ""),
            unsigned=_OCSP.format(response=_base64(response)) if response else "",
        )
        return _FIRST + written.encode()

    def _info(self, statement: Statement, room: str, properties: bytes) -> str:
        result = sha512(result_file(SIGNED, statement.result)).digest()
        return _INFO.format(room=room, result=_base64(result), properties=_base64(properties))

    def _properties(self, statement: Statement, room: str) -> str:
        moment = statement.moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return _PROPERTIES.format(room=room, moment=moment, said=_text(statement.said), **self._of_certificate)


def result_file(kind: str, value: bytes) -> bytes:
    """Return the file that names the result of a chain: what is signed, or stamped."""
    return _FIRST + _RESULT.format(kind=kind, value=_base64(value)).encode()


def chain_file(way: Sequence[Step], digests: Mapping[str, bytes]) -> bytes:
    """Return the file of a chain that leads from its result down the *way* to entries with these SHA-512 *digests*.

    An entry need not be in the container: the digest stands for it.
    """
    steps = [
        "".join(
            f'<StepRef URI="#STEP{depth + 1}"/>' if at == onward else f"<HashValue>{_value(child)}</HashValue>"
            for at, child in enumerate(children)
        )
        for depth, (children, onward) in enumerate(way)
    ]
    steps.append("".join(f'<DataRef URI="/{name}">{_value(digest)}</DataRef>' for name, digest in digests.items()))
    written = "".join(f'<HashStep id="STEP{depth}">{step}</HashStep>' for depth, step in enumerate(steps))
    return _FIRST + _CHAIN.format(steps=written).encode()


def container(entries: Mapping[str, bytes]) -> bytes:
    """Return the ASiC-E container of *entries*; its moment is not told, so the same entries give the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in ({names.MIMETYPE_ENTRY: names.MIMETYPE.encode()} | dict(entries)).items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def stamped(result: bytes, token: bytes) -> dict[str, bytes]:
    """Return the entries of a time-stamp *token* over the file of a chain's *result*."""
    manifest = _MANIFEST.format(digest=_base64(sha512(result).digest()))
    return {
        names.STAMPED_RESULT: result,
        names.ASIC_MANIFEST: _FIRST + manifest.encode(),
        names.TOKEN: token,
    }


def _value(digest: bytes) -> str:
    return f"<d:DigestValue>{_base64(digest)}</d:DigestValue>"


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _text(said: str) -> str:
    """Return *said* as canonical XML writes a text."""
    return escape(said, {"\r": "&#xD;"})
