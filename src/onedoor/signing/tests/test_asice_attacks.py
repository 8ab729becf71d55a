"""What strangers may put into a container: each is refused within limits of time and memory, without a traceback."""

import io
import zipfile

import pytest
from asn1crypto import ocsp
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from onedoor.signing.asice import documents, integrity, revocation
from onedoor.signing.asice.findings import Broken, Reason, Why
from onedoor.signing.schemes import fit
from onedoor.signing.status import MOST_CARRIED
from onedoor.signing.tests import containers
from onedoor.signing.tests.attacked import findings, reasons, whys
from onedoor.signing.tests.containers import DS, HC, SHA512, SIGNATURES, XADES, Plan, b64, container, stamp, zipped

MORE = "http://www.w3.org/2001/04/xmldsig-more#"


def with_signature(change, **plan: object) -> bytes:
    """Return a container whose signature's document was changed by *change*, with everything after it made anew."""
    entries = container(stamp_chain=False, **plan)
    return zipped(entries | {SIGNATURES: change(entries[SIGNATURES])})


# XML

LAUGHS = b"<!DOCTYPE a [<!ENTITY a0 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12)
)


@pytest.mark.parametrize(
    "prolog",
    [
        LAUGHS + b"]>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'>",
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        b"<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/'> %x;]>",
        b"<!-- x --><?y z?>\n<!DOCTYPE a [<!ATTLIST b Id ID #IMPLIED>]>",
    ],
    ids=["entity expansion", "external type", "external entity", "parameter entity", "behind a comment"],
)
@pytest.mark.parametrize("entry", [SIGNATURES, "sig-hashchain.xml", "ts-hashchainresult.xml"])
def test_a_document_type_is_refused_wherever_xml_is_read(prolog, entry):
    entries = container(chain=True)
    text = entries[entry]
    body = text[text.index(b"?>") + 2 :] if text.startswith(b"<?xml") else text
    assert Why.DOCTYPE in whys(zipped(entries | {entry: prolog + body}))


def test_other_encodings_that_could_hide_a_document_type_are_refused():
    text = container(stamp_chain=False)[SIGNATURES]
    body = text[text.index(b"?>") + 2 :].decode()
    for hidden in (
        f"<!DOCTYPE a []>{body}".encode("utf-16"),
        b"<?xml version='1.0' encoding='UTF-7'?>" + body.encode(),
        b"<?xml version='1.0' encoding='utf-16'?>" + body.encode(),
    ):
        assert Why.NOT_UTF8 in whys(with_signature(lambda _, hidden=hidden: hidden))


@pytest.mark.parametrize(
    "document",
    [
        b"<a>" * 100_000 + b"</a>" * 100_000,
        b"<a " + b" ".join(b"a%d=''" % number for number in range(120_000)) + b"/>",
        b"<a>" + b"<b/>" * 400_000 + b"</a>",
        b"<a " + b" ".join(b"xmlns:n%d='u%d'" % (number, number) for number in range(60_000)) + b"/>",
        b"<?a?>" * 200_000 + b"<a/>",
        b"<!--" * 500_000,
    ],
    ids=["deep", "attributes", "many", "namespaces", "instructions", "comments"],
)
def test_huge_documents_end_quickly(document):
    assert findings(with_signature(lambda _: document))


def test_a_document_of_very_many_tags_is_not_even_parsed():
    document = b"<a>" + b"<b/>" * documents.MOST_TAGS + b"</a>"
    assert findings(with_signature(lambda _: document)) == [(Reason.TOO_LARGE, Why.PART)]


def spaces(count: int) -> bytes:
    return b"".join(b' xmlns:n%d="u:%d"' % (number, number) for number in range(count))


@pytest.mark.parametrize(
    "inside",
    [
        b"<a" + spaces(2000) + b">" + b"<b/>" * 20_000 + b"</a>",
        (b"<a" + spaces(20) + b">") * 200 + b"<b/>" * 20_000 + b"</a>" * 200,
        b"<a " + b" ".join(b'a%06d=""' % number for number in range(200_000)) + b"/>",
    ],
    ids=["namespaces", "namespaces of those above", "attributes"],
)
def test_what_would_take_long_to_canonicalise_is_refused_before(inside):
    def change(text: bytes) -> bytes:
        return text.replace(b"</xades:SignedProperties>", inside + b"</xades:SignedProperties>")

    assert findings(with_signature(change)) == [(Reason.TOO_LARGE, Why.PART)]


def test_a_signature_may_name_some_namespaces_at_each_of_its_tags():
    inside = (b"<a" + spaces(8) + b"/>") * 100

    def change(text: bytes) -> bytes:
        return text.replace(b"</xades:SignedProperties>", inside + b"</xades:SignedProperties>")

    assert reasons(with_signature(change)) == {Reason.PROPERTIES_CHANGED}


@pytest.mark.parametrize("extra", [b"<!--x-->", b"<?x y?>"])
def test_comments_and_instructions_cannot_cut_a_value_in_two(extra):
    def change(text: bytes) -> bytes:
        place = text.index(b"</ds:DigestValue>")
        return text[: place - 4] + extra + text[place - 4 :]

    assert whys(with_signature(change)) == {Why.COMMENTS}
    assert whys(with_signature(lambda text: text + extra)) == {Why.COMMENTS}


# The signature's document


def changed(text: bytes, change) -> bytes:
    root = etree.fromstring(text)
    signature = root if root.tag == f"{{{DS}}}Signature" else root[0]
    return etree.tostring(change(root, signature) if change else root)


def find(node: etree._Element, name: str, space: str = DS) -> etree._Element:
    return node.find(f".//{{{space}}}{name}")


def second_signature(root, signature):
    root.append(etree.fromstring(etree.tostring(signature)))
    return root


def wrapped_signature(_, signature):
    outer = etree.fromstring(f'<ds:Signature xmlns:ds="{DS}" Id="outer"><ds:Object/></ds:Signature>')
    outer[0].append(signature)
    return outer


def properties_elsewhere(root, signature):
    """Leave the signed element under another roof and put a forged one where it is read."""
    properties = find(signature, "SignedProperties", XADES)
    forged = etree.fromstring(etree.tostring(properties))
    find(forged, "SigningTime", XADES).text = "1999-01-01T00:00:00Z"
    parent = properties.getparent()
    parent.replace(properties, forged)
    etree.SubElement(signature, f"{{{DS}}}Object").append(properties)
    return root


def forged_beside(root, signature):
    properties = find(signature, "SignedProperties", XADES)
    forged = etree.fromstring(etree.tostring(properties))
    forged.set("Id", "other")
    properties.addprevious(forged)
    return root


def second_info(root, signature):
    info = find(signature, "SignedInfo")
    info.addnext(etree.fromstring(etree.tostring(info)))
    return root


def other_target(root, signature):
    find(signature, "QualifyingProperties", XADES).set("Target", "#elsewhere")
    return root


def properties_not_referred(root, signature):
    for reference in signature.iter(f"{{{DS}}}Reference"):
        reference.attrib.pop("Type", None)
    return root


def another_id(root, signature):
    find(signature, "SignatureValue").set("Id", "props")
    return root


def xml_id(root, signature):
    find(signature, "SignatureValue").set("{http://www.w3.org/XML/1998/namespace}id", "props2")
    return root


def one_more_object(root, signature):
    etree.SubElement(etree.SubElement(signature, f"{{{DS}}}Object"), "forged")
    return root


def other_element_referred(root, signature):
    signature.find(f".//{{{DS}}}Reference[@Type]").set("URI", "#value")
    return root


def referring(uri):
    def change(root, signature):
        find(signature, "Reference").set("URI", uri)
        return root

    return change


@pytest.mark.parametrize(
    "change",
    [
        *(second_signature, wrapped_signature, properties_elsewhere, forged_beside, second_info, other_target),
        *(properties_not_referred, another_id, xml_id, one_more_object, other_element_referred),
        *(referring("#props"), referring(""), referring("#xpointer(/)")),
        *(referring("http://127.0.0.1:9/x#y"), referring("/attachment1")),
    ],
    ids=lambda change: change.__name__,
)
@pytest.mark.parametrize("classic", [True, False])
def test_what_is_checked_is_what_is_interpreted(change, classic):
    assert Reason.BAD_XML in reasons(with_signature(lambda text: changed(text, change), classic=classic))


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9/x", "file:///etc/passwd", "../../etc/passwd", "/META-INF/../x"])
def test_a_reference_reaches_nothing_but_entries(uri):
    assert Reason.ENTRY_MISSING in reasons(with_signature(lambda text: changed(text, referring(uri))))


def test_what_a_stranger_wrote_cannot_take_over_a_terminal():
    uri = "/a\x9b31m\u202e" + "x" * 5_000
    found = integrity.check(io.BytesIO(with_signature(lambda text: changed(text, referring(uri)))))
    told = [one.text() for one in found.findings]
    assert any("a�31m�x" in one for one in told)
    assert all(one.isprintable() and len(one) < 300 for one in told)


@pytest.mark.parametrize(
    "plan",
    [
        {"digest": "http://www.w3.org/2000/09/xmldsig#sha1"},
        {"digest": f"{MORE}md5"},
        {"digest": ""},
        {"method": "http://www.w3.org/2000/09/xmldsig#hmac-sha1"},
        {"method": f"{MORE}hmac-sha512"},
        {"method": f"{MORE}ecdsa-sha1"},
        {"method": "http://www.w3.org/2000/09/xmldsig#dsa-sha1"},
        {"method": "none"},
        {"c14n": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"},
        {"c14n": "http://www.w3.org/TR/1999/REC-xslt-19991116"},
    ],
    ids=lambda plan: str(next(iter(plan.values()))).rpartition("/")[2] or "empty",
)
def test_algorithms_that_are_not_known_to_be_good_are_refused(plan):
    assert Reason.ALGORITHM in reasons(zipped(container(stamp_chain=False, **plan)))


def test_a_key_of_another_kind_or_too_short_does_not_sign():
    sizes = (1024, 2047, 2048, 8192, 8193)
    known = [rsa.RSAPublicNumbers(65537, 1 << (size - 1) | 1).public_key() for size in sizes]
    assert [fit(one) for one in known] == [False, False, True, True, False]
    assert Reason.BAD_SIGNATURE in reasons(zipped(container(stamp_chain=False, method=f"{MORE}rsa-sha512")))
    assert Reason.BAD_SIGNATURE in reasons(zipped(container(stamp_chain=False, method=f"{MORE}ecdsa-sha256")))


@pytest.mark.parametrize("kind", ["REC-xpath-19991116", "REC-xslt-19991116"])
def test_transforms_other_than_canonicalisation_are_refused(kind):
    def change(text: bytes) -> bytes:
        old = b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        new = f'<ds:Transform Algorithm="http://www.w3.org/TR/1999/{kind}"><x/></ds:Transform>'.encode()
        assert old in text
        return text.replace(old, new)

    assert Reason.ALGORITHM in reasons(with_signature(change))

    def twice(text: bytes) -> bytes:
        one = b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        return text.replace(one, one * 2)

    assert Reason.ALGORITHM in reasons(with_signature(twice))

    def on_an_entry(text: bytes) -> bytes:
        return text.replace(b'URI="/message.xml">', b'URI="/message.xml"><ds:Transforms/>', 1)

    assert whys(with_signature(on_an_entry)) == {Why.STRANGE_ELEMENT}


def test_another_certificate_in_the_signature_is_refused():
    other = containers.issue({NameOID.COMMON_NAME: "other"}).der

    def change(root, signature):
        find(signature, "X509Certificate").text = b64(other)
        return root

    assert reasons(with_signature(lambda text: changed(text, change))) == {Reason.OTHER_CERTIFICATE}


# Hash chains


def chain_of(steps: str, value: bytes = bytes(64)) -> bytes:
    entries = container()
    space = f'xmlns="{HC}" xmlns:d="{DS}"'
    chain = f'<HashChain {space}><DefaultDigestMethod Algorithm="{SHA512}"/>{steps}</HashChain>'
    result = (
        f'<HashChainResult {space} URI="/ts-hashchain.xml#STEP0"><d:DigestMethod Algorithm="{SHA512}"/>'
        f"<d:DigestValue>{b64(value)}</d:DigestValue></HashChainResult>"
    )
    return zipped(entries | {"ts-hashchain.xml": chain.encode(), "ts-hashchainresult.xml": result.encode()})


def test_a_hash_chain_that_runs_in_a_circle_is_refused():
    one = (
        '<HashStep id="STEP0"><StepRef URI="#STEP1"/></HashStep><HashStep id="STEP1"><StepRef URI="#STEP0"/></HashStep>'
    )
    assert Reason.HASH_CHAIN in reasons(chain_of(one))


def test_a_hash_chain_that_doubles_at_each_step_is_worked_out_once():
    levels = "".join(
        f'<HashStep id="STEP{level}"><StepRef URI="#STEP{level + 1}"/><StepRef URI="#STEP{level + 1}"/></HashStep>'
        for level in range(50)
    )
    leaf = f'<HashStep id="STEP50"><HashValue><d:DigestValue>{b64(bytes(64))}</d:DigestValue></HashValue></HashStep>'
    assert Reason.HASH_CHAIN in reasons(chain_of(levels + leaf))


def test_a_hash_chain_that_is_too_deep_is_refused():
    levels = "".join(
        f'<HashStep id="STEP{level}"><StepRef URI="#STEP{level + 1}"/></HashStep>' for level in range(5_000)
    )
    assert Reason.HASH_CHAIN in reasons(chain_of(levels))


@pytest.mark.parametrize(
    "step",
    [
        '<HashStep id="STEP0"/>',
        '<HashStep id="STEP0"><HashValue><d:DigestValue>AA==</d:DigestValue></HashValue></HashStep>',
        '<HashStep id="STEP0"><StepRef URI="/ts-hashchainresult.xml#STEP0"/></HashStep>',
        '<HashStep id="STEP0"><StepRef URI="http://127.0.0.1:9/x#STEP0"/></HashStep>',
        '<HashStep id="STEP0"><DataRef URI="/message.xml"><Transforms/></DataRef></HashStep>',
        f'<HashStep id="STEP0"><HashValue><d:DigestMethod Algorithm="{DS}sha1"/></HashValue></HashStep>',
    ],
    ids=["empty", "short", "not a chain", "outside", "transforms", "sha1"],
)
def test_a_malformed_step_is_refused(step):
    assert reasons(chain_of(step)) & {Reason.HASH_CHAIN, Reason.BAD_XML, Reason.ALGORITHM}


SHORT = f'<HashStep id="STEP0"><HashValue><d:DigestValue>{b64(b"x")}</d:DigestValue></HashValue></HashStep>'
SHORT_DER = b"\x0c" + bytes([len(SHA512)]) + SHA512.encode() + b"\x30\x00"


@pytest.mark.parametrize(
    ("step", "der"),
    [
        ('<HashStep id="STEP0"/>', b""),
        (SHORT, b"\x30" + bytes([len(SHORT_DER) + 3]) + b"\x04\x01x" + SHORT_DER),
    ],
    ids=["empty", "short"],
)
def test_a_malformed_step_is_refused_even_when_it_adds_up(step, der):
    value = containers.sha512(b"\x30" + bytes([len(der)]) + der)
    assert Reason.HASH_CHAIN in reasons(chain_of(step, value))


# Time-stamps


@pytest.mark.parametrize("imprint", ["sha1", "md5"])
def test_a_time_stamp_over_a_weak_digest_is_refused(imprint):
    assert reasons(zipped(container(imprint=imprint))) & {Reason.TIME_STAMP_IMPRINT, Reason.TIME_STAMP_BROKEN}


def test_a_time_stamp_signed_with_another_key_than_it_names_is_refused():
    there = containers.lab()
    wrong = containers.Identity(there.ca.key, there.stamper.certificate)
    plan = Plan(lab=containers.Lab(there.ca, there.signer, there.responder, wrong))
    entries = container()
    token = stamp(entries["ts-hashchainresult.xml"], plan)
    assert reasons(zipped(entries | {"META-INF/timestamp.tst": token})) == {Reason.TIME_STAMP_BROKEN}


def test_a_time_stamp_that_names_another_certificate_than_it_carries_is_refused():
    found = integrity.check(io.BytesIO(zipped(container(stamper_named=bytes(32)))))
    assert [one.reason for one in found.findings] == [Reason.TIME_STAMP_BROKEN]


def test_a_time_stamp_with_another_moment_than_it_was_signed_with_is_refused():
    entries = container()
    token = entries["META-INF/timestamp.tst"]
    assert token.count(b"20260302080000Z") == 1
    later = token.replace(b"20260302080000Z", b"20260302090000Z")
    assert reasons(zipped(entries | {"META-INF/timestamp.tst": later})) == {Reason.TIME_STAMP_BROKEN}


def test_an_ocsp_response_changed_after_it_was_signed_is_refused(monkeypatch):
    honest = containers.answer(Plan())
    monkeypatch.setattr(containers, "answer", lambda _: honest.replace(b"20260302075500Z", b"20260302075900Z"))
    assert reasons(zipped(container())) == {Reason.OCSP_BROKEN}


def test_an_ocsp_response_tells_its_moments_with_their_zone():
    honest = containers.answer(Plan(carry_responder=False))  # so that nobody is asked whether it was signed so
    assert revocation.read(honest).status == "good"
    with pytest.raises(Broken):
        revocation.read(honest.replace(b"20260302075500Z", b"2026030207.9166"))


@pytest.mark.parametrize("token", [b"", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"0" * 5_000_000], ids=len)
def test_a_token_that_is_none_is_refused(token):
    assert findings(zipped(container() | {"META-INF/timestamp.tst": token}, zipfile.ZIP_STORED))


@pytest.mark.parametrize("before", [MOST_CARRIED - 1, MOST_CARRIED])
def test_the_responder_stands_among_the_first_certificates_of_its_answer(before):
    """Thousands that all have its name would each be tried."""
    told = ocsp.OCSPResponse.load(containers.answer(Plan()))
    basic = told["response_bytes"]["response"].parsed
    own, other = basic["certs"][0], asn1.Certificate.load(containers.lab().signer.der)
    basic["certs"] = [*[other] * before, own, *[own] * 1000]
    responder = containers.lab().responder.certificate
    carried = revocation.read(told.dump(force=True)).carried
    assert (len(carried), responder in carried) == (MOST_CARRIED, before < MOST_CARRIED)


def a_weak_digest(basic):
    basic["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}


def a_name_by_what_nobody_knows(basic):
    basic["tbs_response_data"]["responses"][0]["cert_id"]["hash_algorithm"] = {"algorithm": "md2"}


@pytest.mark.parametrize(
    "change", [a_weak_digest, a_name_by_what_nobody_knows, None], ids=["weak digest", "strange name", "refusal"]
)
def test_an_ocsp_response_of_another_form_is_damaged(change):
    """Its responder's certificate did not come along, so nobody has looked at the signature yet."""
    told = ocsp.OCSPResponse.load(containers.answer(Plan(carry_responder=False)))
    assert revocation.read(told.dump(force=True)).carried == ()
    if change:
        change(told["response_bytes"]["response"].parsed)
    else:
        told = ocsp.OCSPResponse({"response_status": "try_later"})
    with pytest.raises(Broken):
        revocation.read(told.dump(force=True))
