"""X.509 certificates, and the development authority that issues them on one computer."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Literal, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from onedoor.kernel.durable import write_durably
from onedoor.kernel.errors import BadInput, OnedoorError
from onedoor.signing.keys import KeyExists, PrivateKey, PublicKey, Signer, load_key, new_key, save_key
from onedoor.signing.schemes import HASHES, fit, load_pem

Profile = Literal["tls", "sign", "message", "seal", "stamp", "status"]
"""What a certificate is for: connections, what a directory says, a member's messages and an agency's documents (both
with content commitment), time-stamps (RFC 3161), or telling which certificates are revoked (RFC 6960)."""

AUTHORITY_NAME = "onedoor development CA – not for production"

STAMPS, TELLS_STATUS = ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.OCSP_SIGNING
MESSAGES = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1.2")
"""An object identifier of no organisation: what its key commits to are messages, and never documents."""

_COMMON_NAME_LIMIT = 64
_CLOCK_SKEW = timedelta(minutes=5)
_CA_DAYS = 3650
_KEY, _CERTIFICATE = "ca.key", "ca.pem"
_BEGINS = b"-----BEGIN CERTIFICATE-----"


class NoCertificate(BadInput, ValueError):
    """There is no certificate in {path}. Please give a file of certificates in PEM (-----BEGIN CERTIFICATE-----)."""


class UnreadableCertificate(NoCertificate):
    """A certificate in {path} cannot be used here: its key, or something else in it, is of a kind that is not known. Please give another one."""  # noqa: E501 - one sentence after the other


class CertificateNotTrusted(OnedoorError):
    """No authority trusted here issued the certificate of {subject}.

    Ask its operator for one from a trusted authority.
    """


class CertificateNotInForce(CertificateNotTrusted):
    """The certificate of {subject} is not in force at this moment. Ask its operator for a new one, or set the clock."""


@dataclass(frozen=True)
class Subject:
    """Who a certificate speaks for: *identifier* is the agency or subsystem id, *country* two letters or nothing.

    *category* is the class of a member of the exchange, whose code is its identifier (X-Road's Basic profile).
    """

    name: str
    organisation: str = ""
    identifier: str = ""
    country: str = ""
    category: str = ""

    def x509(self) -> x509.Name:
        """Return the distinguished name; a common name is cut at the 64 bytes allowed."""
        values = (
            (NameOID.COUNTRY_NAME, self.country),
            (NameOID.ORGANIZATION_NAME, self.organisation),
            (NameOID.ORGANIZATION_IDENTIFIER, self.identifier),
            (NameOID.BUSINESS_CATEGORY, self.category),
            (NameOID.SERIAL_NUMBER, self.identifier),
            (NameOID.COMMON_NAME, _cut(self.name)),
        )
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in values if value])


class Authority:
    """A certificate authority for development: its name in every certificate says that it is not for production."""

    def __init__(self, key: PrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.certificate = certificate

    @classmethod
    def create(cls, folder: Path, *, name: str = AUTHORITY_NAME, moment: datetime | None = None) -> Self:
        """Make the authority's key and certificate in *folder*; raise `KeyExists` when there is one already."""
        if (folder / _KEY).exists():
            raise KeyExists(path=folder / _KEY)
        key = new_key()
        certificate = _self_signed(key, name, moment or datetime.now(UTC))
        save_certificates(folder / _CERTIFICATE, [certificate])
        save_key(folder / _KEY, key)  # last: an authority with its key is whole
        return cls(key, certificate)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the authority kept in *folder*; raise FileNotFoundError when there is none."""
        return cls(load_key(folder / _KEY), load_certificates(folder / _CERTIFICATE)[0])

    @classmethod
    def open(cls, folder: Path, name: str = AUTHORITY_NAME) -> Self:
        """Return the authority kept in *folder*, made now and called *name* when there is none."""
        return cls.load(folder) if (folder / _KEY).exists() else cls.create(folder, name=name)

    def issue(
        self,
        subject: Subject | x509.Name,
        public_key: PublicKey,
        profile: Profile,
        *,
        names: Sequence[str] = (),
        status: str = "",
        days: int = 365,
        moment: datetime | None = None,
    ) -> x509.Certificate:
        """Return a certificate of *profile* for *public_key*; *names* are its DNS names and IP addresses.

        *status* is where its OCSP responder answers.

        It is in force from five minutes before *moment* (now) for *days*, never beyond the authority itself.
        """
        start = (moment or datetime.now(UTC)) - _CLOCK_SKEW
        name = subject.x509() if isinstance(subject, Subject) else subject
        builder = _certificate(name, self.certificate.subject, public_key, start)
        builder = builder.not_valid_after(min(start + timedelta(days=days), self.certificate.not_valid_after_utc))
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_identifier_of(self.certificate), critical=False)
        for extension, critical in _usage(profile, names):
            builder = builder.add_extension(extension, critical=critical)
        if status:
            builder = builder.add_extension(_answered_at(status), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of *certificate* as 64 hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Return *certificates* one after the other as PEM."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def save_certificates(path: Path, certificates: Iterable[x509.Certificate]) -> None:
    """Write *certificates* to *path* as PEM, whole or not at all; durable when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, pem(certificates), mode=0o666)


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Return the certificates in the PEM file at *path*, read once until the file changes; raise `NoCertificate`.

    Each is one that can be used: of what authorities make, not all is known here.
    """
    state = path.stat()
    return _parse(path, state.st_mtime_ns, state.st_ino)


def trusted(
    certificate: x509.Certificate, roots: Iterable[x509.Certificate], *, moment: datetime | None = None
) -> None:
    """Return when one of *roots* issued *certificate* directly and both are in force at *moment*.

    Raise `CertificateNotTrusted` or `CertificateNotInForce` when not. Revocation is the caller's question.
    """
    at = moment or datetime.now(UTC)
    issuer = next((root for root in roots if issued(root, certificate)), None)
    if issuer is None:
        raise CertificateNotTrusted(subject=common_name(certificate))
    for one in (certificate, issuer):
        if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
            raise CertificateNotInForce(subject=common_name(one))


def common_name(certificate: x509.Certificate) -> str:
    """Return the name *certificate* speaks for: its organisation, otherwise its common name."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if found := certificate.subject.get_attributes_for_oid(oid):
            return str(found[0].value)
    return ""


def identifier(certificate: x509.Certificate) -> str:
    """Return the id of the agency or subsystem *certificate* speaks for, or nothing."""
    found = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    return str(found[0].value) if found else ""


def seals_documents(certificate: x509.Certificate) -> bool:
    """Return whether *certificate* may commit its holder to a document's content (key usage contentCommitment).

    One that its authority keeps for the messages of a member may not.
    """
    return commits(certificate) and not used_for(certificate, MESSAGES)


def commits(certificate: x509.Certificate) -> bool:
    """Return whether *certificate* may commit its holder to what is signed (key usage contentCommitment)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.content_commitment
    except x509.ExtensionNotFound:
        return False


def used_for(certificate: x509.Certificate, usage: x509.ObjectIdentifier) -> bool:
    """Return whether *certificate* names *usage* among the extended usages of its key."""
    try:
        return usage in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False


def status_address(certificate: x509.Certificate) -> str:
    """Return where the OCSP responder for *certificate* answers, as its authority wrote into it, or nothing."""
    try:
        told = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    places = [one.access_location for one in told if one.access_method == AuthorityInformationAccessOID.OCSP]
    return next((str(one.value) for one in places if isinstance(one, x509.UniformResourceIdentifier)), "")


@lru_cache(maxsize=256)
def _parse(path: Path, _changed: int, _inode: int) -> tuple[x509.Certificate, ...]:
    raw = path.read_bytes()
    try:
        return tuple(load_pem(raw, whole=True))
    except ValueError:
        raise (UnreadableCertificate if _BEGINS in raw else NoCertificate)(path=path) from None


def issued(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Return whether the authority of *root* signed *certificate*, with a key and a digest that are accepted.

    Their times of validity are another question.
    """
    try:
        scheme = certificate.signature_hash_algorithm
        if scheme is None or scheme.name not in HASHES or not fit(root.public_key()):
            return False
        certificate.verify_directly_issued_by(root)
        return root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca and _may_issue(root)
    except (
        ValueError,
        TypeError,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
    ):
        return False


def _may_issue(root: x509.Certificate) -> bool:
    """Return whether the key of *root* is for certificates; that of an authority may be for lists of them alone."""
    try:
        return root.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def reach(authority: x509.Certificate) -> float:
    """Return how many authorities may stand between *authority* and a certificate that is no authority's."""
    told = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    return inf if told is None else told


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, start: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def requested(subject: x509.Name, key: Signer) -> str:
    """Return the request (PKCS #10, PEM) for a certificate of *subject* and the public key of *key*."""
    from asn1crypto import csr, keys, pem  # type: ignore[import-untyped]
    from asn1crypto import x509 as asn1

    plain = serialization.PublicFormat.SubjectPublicKeyInfo
    written = key.public_key().public_bytes(serialization.Encoding.DER, plain)
    wanted = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": asn1.Name.load(subject.public_bytes()),
            "subject_pk_info": keys.PublicKeyInfo.load(written),
            "attributes": [],
        }
    )
    signed = {"algorithm": "sha256_ecdsa"}
    signature = key.sign(wanted.dump(), ec.ECDSA(hashes.SHA256()))
    whole = csr.CertificationRequest(
        {"certification_request_info": wanted, "signature_algorithm": signed, "signature": signature}
    )
    return str(pem.armor("CERTIFICATE REQUEST", whole.dump()).decode())


def _self_signed(key: PrivateKey, called: str, moment: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _cut(called))])
    start = moment - _CLOCK_SKEW
    builder = _certificate(name, name, key.public_key(), start).not_valid_after(start + timedelta(days=_CA_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
    return builder.sign(key, hashes.SHA256())


def _identifier_of(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known.value)


def _usage(profile: Profile, names: Sequence[str]) -> list[tuple[x509.ExtensionType, bool]]:
    if profile == "seal":
        return [(_key_usage("digital_signature", "content_commitment"), True)]
    if profile == "message":
        return [
            (_key_usage("digital_signature", "content_commitment"), True),
            (x509.ExtendedKeyUsage([MESSAGES]), False),
        ]
    if profile == "sign":
        return [(_key_usage("digital_signature"), True)]
    if profile == "stamp":
        return [(_key_usage("digital_signature"), True), (x509.ExtendedKeyUsage([STAMPS]), True)]
    if profile == "status":
        tells = x509.ExtendedKeyUsage([TELLS_STATUS])
        return [(_key_usage("digital_signature"), True), (tells, False), (x509.OCSPNoCheck(), False)]
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    found: list[tuple[x509.ExtensionType, bool]] = [(_key_usage("digital_signature"), True), (both, False)]
    return [*found, (x509.SubjectAlternativeName([_general_name(n) for n in names]), False)] if names else found


def _answered_at(address: str) -> x509.AuthorityInformationAccess:
    place = x509.UniformResourceIdentifier(address)
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _cut(name: str) -> str:
    return name.encode()[:_COMMON_NAME_LIMIT].decode(errors="ignore")


def _key_usage(*allowed: str) -> x509.KeyUsage:
    kinds = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    rest = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{kind: kind in allowed for kind in kinds + rest})
