"""Containers made for tests in both of X-Road's profiles, by an authority, a responder and a time-stamper."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
DS, XADES = "http://www.w3.org/2000/09/xmldsig#", "http://uri.etsi.org/01903/v1.3.2#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
HC = "http://cyber.ee/hashchain"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
SIGNATURES = "META-INF/signatures.xml"
REQUEST = (
    b"GET\r\n/r1/DEV/GOV/2/PEOPLE/persons/7?name=secret\r\nX-Road-Client:DEV/GOV/1/DESK\r\nX-Road-Id:42\r\n"
    b"Onedoor-Purpose:birth\r\n"
)


@dataclass(frozen=True)
class Identity:
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def issue(
    subject: Mapping[x509.ObjectIdentifier, str],
    issuer: Identity | None = None,
    *,
    extensions: Sequence[x509.ExtensionType] = (),
    start: datetime = datetime(2000, 1, 1, tzinfo=UTC),
    end: datetime = datetime(2100, 1, 1, tzinfo=UTC),
    scheme: hashes.HashAlgorithm | None = None,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
) -> Identity:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject.items()])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=not extensions, path_length=None), critical=True)
    )
    for one in extensions:
        builder = builder.add_extension(one, critical=isinstance(one, x509.ExtendedKeyUsage))
    return Identity(key, builder.sign(issuer.key if issuer else key, scheme or hashes.SHA256()))


def usage(**on: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    rest = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: on.get(name, False) for name in names + rest})


SIGNS = usage(content_commitment=True)
STAMPS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
ANSWERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])


@dataclass(frozen=True)
class Lab:
    """Who signs, states and stamps."""

    ca: Identity
    signer: Identity
    responder: Identity
    stamper: Identity


@cache
def lab() -> Lab:
    ca = issue({NameOID.COMMON_NAME: "Test CA"})
    member = {
        NameOID.COUNTRY_NAME: "FI",
        NameOID.ORGANIZATION_NAME: "Agency One",
        NameOID.SERIAL_NUMBER: "DEV/ss1/GOV",
        NameOID.COMMON_NAME: "1",
    }
    return Lab(
        ca,
        issue(member, ca, extensions=[SIGNS]),
        issue({NameOID.COMMON_NAME: "Test OCSP"}, ca, extensions=[ANSWERS]),
        issue({NameOID.COMMON_NAME: "Test TSA"}, ca, extensions=[STAMPS]),
    )


@dataclass(frozen=True)
class Plan:
    """What to make: *classic* is the older profile; *chain* signs, *stamp_chain* stamps through a hash chain."""

    classic: bool = False
    chain: bool = False
    stamp_chain: bool = True
    message: bytes = REQUEST
    attachments: Mapping[str, bytes] = field(default_factory=lambda: {"attachment1": b"body"})
    status: str = "good"
    answered: datetime = NOW - timedelta(minutes=5)
    until: datetime | None = None
    stamped: datetime = NOW
    digest: str = SHA512
    method: str = ECDSA
    c14n: str = ""
    unsigned: str = ""
    lab: Lab = field(default_factory=lab)
    imprint: str = "sha512"
    carry: bool = True
    signs_message: bool = True
    answers: bool = True
    stamper_named: bytes = b""
    carry_responder: bool = True


def container(plan: Plan | None = None, **changes: object) -> dict[str, bytes]:
    """Return the entries of a container made as *plan* says, with *changes* to it."""
    plan = replace(plan or Plan(), **changes)
    signed = {"message.xml": plan.message, **plan.attachments}
    entries = dict(signed)
    if not plan.signs_message:
        del signed["message.xml"]
    if plan.chain:
        entries |= chained(signed, "sig")
        signed = {"sig-hashchainresult.xml": entries["sig-hashchainresult.xml"]}
    response = answer(plan) if plan.answers else b""
    if plan.stamp_chain:
        entries[SIGNATURES] = signature(signed, plan, response, lambda _: b"")
        entries |= chained({SIGNATURES: entries[SIGNATURES]}, "ts", beside=b"another message's signature")
        entries["META-INF/timestamp.tst"] = stamp(entries["ts-hashchainresult.xml"], plan)
    else:
        entries[SIGNATURES] = signature(signed, plan, response, lambda value: stamp(value, plan))
    return {"mimetype": b"application/vnd.etsi.asic-e+zip", **entries}


def zipped(entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return *entries* as a ZIP file, ``mimetype`` first and stored."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_STORED if name == "mimetype" else method)
    return file.getvalue()


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def step(children: Sequence[bytes]) -> bytes:
    """Return the value of a hash step over SHA-512 digests, written out octet by octet."""
    tail = b"\x0c" + bytes([len(SHA512)]) + SHA512.encode() + b"\x30\x00"
    content = b"".join(b"\x30" + bytes([66 + len(tail)]) + b"\x04\x40" + one + tail for one in children)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2)
    return sha512(b"\x30" + length + content)


def chained(entries: Mapping[str, bytes], kind: str, beside: bytes = b"") -> dict[str, bytes]:
    """Return a hash chain over *entries*, one step below another, and its result."""
    inner = step([sha512(data) for data in entries.values()])
    other = sha512(beside)
    references = "".join(
        f'<DataRef URI="/{name}"><d:DigestValue>{b64(sha512(data))}</d:DigestValue></DataRef>'
        for name, data in entries.items()
    )
    chain = (
        f'<HashChain xmlns="{HC}" xmlns:d="{DS}"><DefaultDigestMethod Algorithm="{SHA512}"/>'
        f'<HashStep id="STEP0"><HashValue><d:DigestValue>{b64(other)}</d:DigestValue></HashValue>'
        f'<StepRef URI="#STEP1"/></HashStep><HashStep id="STEP1">{references}</HashStep></HashChain>'
    )
    result = (
        f'<HashChainResult xmlns="{HC}" xmlns:d="{DS}" URI="/{kind}-hashchain.xml#STEP0">'
        f'<d:DigestMethod Algorithm="{SHA512}"/><d:DigestValue>{b64(step([other, inner]))}</d:DigestValue>'
        "</HashChainResult>"
    )
    return {f"{kind}-hashchainresult.xml": result.encode(), f"{kind}-hashchain.xml": chain.encode()}


def answer(plan: Plan) -> bytes:
    """Return an OCSP response on the signer's certificate."""
    status = getattr(ocsp.OCSPCertStatus, plan.status.upper())
    revoked = plan.answered if plan.status == "revoked" else None
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=plan.lab.signer.certificate,
        issuer=plan.lab.ca.certificate,
        algorithm=hashes.SHA1(),
        cert_status=status,
        this_update=plan.answered,
        next_update=plan.until,
        revocation_time=revoked,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, plan.lab.responder.certificate)
    if plan.carry_responder:
        builder = builder.certificates([plan.lab.responder.certificate])
    return builder.sign(plan.lab.responder.key, hashes.SHA256()).public_bytes(Encoding.DER)


def stamp(data: bytes, plan: Plan) -> bytes:
    """Return an RFC 3161 token for *data*."""
    identity = plan.lab.stamper
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3.4.1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": plan.imprint},
                "hashed_message": hashlib.new(plan.imprint, data).digest(),
            },
            "serial_number": 1,
            "gen_time": plan.stamped,
        }
    ).dump()
    attributes = _attributes(info, plan)
    certificate = asn1.Certificate.load(identity.der)
    sha = algos.DigestAlgorithm({"algorithm": "sha512"})
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value={"issuer": certificate.issuer, "serial_number": certificate.serial_number},
            ),
            "digest_algorithm": sha,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha512_ecdsa"},
            "signature": identity.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA512())),
        }
    )
    content = {
        "version": "v3",
        "digest_algorithms": [sha],
        "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
        "signer_infos": [signer],
    }
    if plan.carry:
        content["certificates"] = [certificate]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(content)}).dump()


def _attributes(info: bytes, plan: Plan) -> cms.CMSAttributes:
    name = plan.stamper_named or hashlib.sha256(plan.lab.stamper.der).digest()
    named = tsp.SigningCertificateV2(
        {
            "certs": [
                {
                    "hash_algorithm": {"algorithm": "sha256"},
                    "cert_hash": name,
                }
            ]
        }
    )
    return cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [sha512(info)]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [named]}),
        ]
    )


def signature(entries: Mapping[str, bytes], plan: Plan, response: bytes, stamped) -> bytes:
    """Return the signature over *entries*; *stamped* makes a token for its value, or nothing."""
    how = plan.c14n or (INCLUSIVE if plan.classic else EXCLUSIVE)
    exclusive = how == EXCLUSIVE
    root = etree.fromstring(_draft(entries, plan, how))
    one = root if root.tag == f"{{{DS}}}Signature" else root[0]
    signed = one.find(f".//{{{XADES}}}SignedProperties")
    value = one.find(f"{{{DS}}}SignedInfo/{{{DS}}}Reference[last()]/{{{DS}}}DigestValue")
    value.text = b64(sha512(etree.tostring(signed, method="c14n", exclusive=exclusive)))
    info = etree.tostring(one.find(f"{{{DS}}}SignedInfo"), method="c14n", exclusive=exclusive)
    r, s = decode_dss_signature(plan.lab.signer.key.sign(info, ec.ECDSA(hashes.SHA512())))
    raw = r.to_bytes(32) + s.to_bytes(32)
    one.find(f"{{{DS}}}SignatureValue").text = b64(raw)
    _unsigned(one, response, stamped(raw))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=False)


def _unsigned(one: etree._Element, response: bytes, token: bytes) -> None:
    place = one.find(f".//{{{XADES}}}UnsignedSignatureProperties")
    if token:
        outer = etree.SubElement(place, f"{{{XADES}}}SignatureTimeStamp")
        etree.SubElement(outer, f"{{{XADES}}}EncapsulatedTimeStamp").text = b64(token)
    if response:
        values = etree.SubElement(etree.SubElement(place, f"{{{XADES}}}RevocationValues"), f"{{{XADES}}}OCSPValues")
        etree.SubElement(values, f"{{{XADES}}}EncapsulatedOCSPValue").text = b64(response)


def _draft(entries: Mapping[str, bytes], plan: Plan, how: str) -> str:
    references = "".join(
        f'<ds:Reference Id="r{number}" URI="/{name}"><ds:DigestMethod Algorithm="{plan.digest}"/>'
        f"<ds:DigestValue>{b64(sha512(data))}</ds:DigestValue></ds:Reference>"
        for number, (name, data) in enumerate(entries.items())
    )
    transforms = "" if plan.classic else f'<ds:Transforms><ds:Transform Algorithm="{how}"/></ds:Transforms>'
    digest = (
        f'<ds:DigestMethod Algorithm="{SHA512}"/><ds:DigestValue>{b64(sha512(plan.lab.signer.der))}</ds:DigestValue>'
    )
    version = "" if plan.classic else "V2"
    body = (
        f'<ds:Signature xmlns:ds="{DS}" Id="sig"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{how}"/>'
        f'<ds:SignatureMethod Algorithm="{plan.method}"/>{references}<ds:Reference '
        f'Type="http://uri.etsi.org/01903#SignedProperties" URI="#props">{transforms}<ds:DigestMethod '
        f'Algorithm="{SHA512}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue Id="value"/>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{b64(plan.lab.signer.der)}</ds:X509Certificate></ds:X509Data>"
        f'</ds:KeyInfo><ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#sig">'
        f'<xades:SignedProperties Id="props"><xades:SignedSignatureProperties><xades:SigningTime>2026-03-02T07:59:58Z'
        f"</xades:SigningTime><xades:SigningCertificate{version}><xades:Cert><xades:CertDigest>{digest}"
        f"</xades:CertDigest></xades:Cert></xades:SigningCertificate{version}></xades:SignedSignatureProperties>"
        f"</xades:SignedProperties><xades:UnsignedProperties><xades:UnsignedSignatureProperties>{plan.unsigned}"
        "</xades:UnsignedSignatureProperties></xades:UnsignedProperties></xades:QualifyingProperties></ds:Object>"
        "</ds:Signature>"
    )
    if not plan.classic:
        return body
    return f'<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#">{body}</asic:XAdESSignatures>'
