"""A signature's document has one place for each part, and nothing beside them: what stands elsewhere is refused."""

import io

import pytest
from lxml import etree

from onedoor.signing.asice import hashchain, integrity, names
from onedoor.signing.asice.container import Outside
from onedoor.signing.asice.findings import Reason, Why
from onedoor.signing.tests.attacked import findings, reasons, whys
from onedoor.signing.tests.containers import DS, EXCLUSIVE, SIGNATURES, XADES, b64, container, sha512, zipped


def changed(change, *, classic: bool = False) -> bytes:
    """Return a container whose signature *change* changed as an element."""
    entries = container(stamp_chain=False, classic=classic)
    root = etree.fromstring(entries[SIGNATURES])
    change(root)
    return zipped(entries | {SIGNATURES: etree.tostring(root)})


def find(root: etree._Element, name: str, space: str = DS) -> etree._Element:
    return root.find(f".//{{{space}}}{name}")


def copied(element: etree._Element) -> etree._Element:
    return etree.fromstring(etree.tostring(element))


@pytest.mark.parametrize("name", ["SignedInfo", "SignatureValue"])
def test_a_part_stands_nowhere_else_in_the_document(name):
    def hidden(root: etree._Element) -> None:
        part = copied(find(root, name))
        for one in part.iter():
            one.attrib.pop("Id", None)
        find(root, "UnsignedSignatureProperties", XADES).append(part)

    assert whys(changed(hidden)) == {Why.PART_TWICE}


def test_a_signature_below_another_root_is_none():
    def rooted(root: etree._Element) -> None:
        root.tag = "{urn:other}XAdESSignatures"

    assert whys(changed(rooted, classic=True)) == {Why.NO_SIGNATURE}


def test_a_signature_is_not_nested_deep():
    assert whys(zipped(container() | {SIGNATURES: b"<a>" * 300 + b"</a>" * 300})) == {Why.NOT_XML}


def test_beside_a_signature_stands_nothing():
    assert whys(changed(lambda root: etree.SubElement(root, "other"), classic=True)) == {Why.STRANGE_ELEMENT}


def test_the_properties_of_a_signature_stand_in_their_own_element():
    def elsewhere(root: etree._Element) -> None:
        properties = find(root, "QualifyingProperties", XADES)
        properties.tag = f"{{{XADES}}}Other"
        etree.SubElement(find(root, "KeyInfo"), f"{{{XADES}}}QualifyingProperties")

    assert whys(changed(elsewhere)) == {Why.PROPERTIES}


def test_beside_the_properties_stands_nothing():
    def beside(root: etree._Element) -> None:
        etree.SubElement(find(root, "QualifyingProperties", XADES), "other")

    assert whys(changed(beside)) == {Why.STRANGE_ELEMENT}


def test_properties_without_an_id_are_not_signed():
    def nameless(root: etree._Element) -> None:
        del find(root, "SignedProperties", XADES).attrib["Id"]
        root.find(f".//{{{DS}}}Reference[@Type]").set("URI", "#None")

    assert whys(changed(nameless)) == {Why.PROPERTIES_NOT_SIGNED}


def test_an_entry_is_referred_to_as_nothing_else():
    def as_manifest(root: etree._Element) -> None:
        find(root, "Reference").set("Type", f"{DS}Manifest")

    assert whys(changed(as_manifest)) == {Why.STRANGE_REFERENCE}


def test_a_signature_refers_to_so_many_entries_and_no_more():
    def many(root: etree._Element) -> None:
        first = find(root, "Reference")
        for number in range(1_000):
            more = copied(first)
            more.attrib.pop("Id")
            more.set("URI", f"/more{number}")
            first.addnext(more)

    assert findings(changed(many)) == [(Reason.BAD_XML, Why.REFERENCE_TWICE)]


def test_canonicalisation_takes_no_parameters():
    def told(root: etree._Element) -> None:
        etree.SubElement(find(root, "Transform"), f"{{{EXCLUSIVE}}}InclusiveNamespaces").set("PrefixList", "ds")

    assert reasons(changed(told)) == {Reason.ALGORITHM}


@pytest.mark.parametrize("method", ["CanonicalizationMethod", "SignatureMethod"])
def test_the_methods_of_a_signature_take_no_parameters(method):
    assert whys(changed(lambda root: etree.SubElement(find(root, method), "other"))) == {Why.STRANGE_ELEMENT}


def gone(named: etree._Element) -> None:
    named.getparent().remove(named)


@pytest.mark.parametrize(
    "change",
    [gone, etree._Element.clear, lambda named: named.addnext(copied(named))],
    ids=["none", "empty", "two"],
)
def test_a_signature_names_its_certificate_once(change):
    found = reasons(changed(lambda root: change(find(root, "SigningCertificateV2", XADES))))
    assert found == {Reason.OTHER_CERTIFICATE}


def test_a_certificate_that_cannot_be_read_signs_nothing():
    def broken(root: etree._Element) -> None:
        find(root, "X509Certificate").text = b64(b"none")
        root.find(f".//{{{XADES}}}CertDigest/{{{DS}}}DigestValue").text = b64(sha512(b"none"))

    assert reasons(changed(broken)) == {Reason.OTHER_CERTIFICATE}


def test_a_value_is_text_alone():
    def divided(root: etree._Element) -> None:
        etree.SubElement(find(root, "DigestValue"), "other")

    assert whys(changed(divided)) == {Why.STRANGE_ELEMENT}


def test_a_value_is_base64_to_its_last_sign():
    def longer(root: etree._Element) -> None:
        find(root, "DigestValue").text += "!"

    assert whys(changed(longer)) == {Why.NOT_BASE64}


def test_a_method_names_its_algorithm():
    assert whys(changed(lambda root: find(root, "DigestMethod").attrib.clear())) == {Why.NO_ATTRIBUTE}


@pytest.mark.parametrize("name", ["Id", "ID", "id"])
def test_an_id_stands_once_however_it_is_called(name):
    def second(root: etree._Element) -> None:
        find(root, "SignatureValue").attrib.clear()
        find(root, "SignatureValue").set(name, "props")

    assert whys(changed(second)) == {Why.ID_TWICE}


def test_before_a_signature_stands_no_comment():
    entries = container(stamp_chain=False)
    document = b"<!--x-->" + etree.tostring(etree.fromstring(entries[SIGNATURES]))
    assert whys(zipped(entries | {SIGNATURES: document})) == {Why.COMMENTS}


# Hash chains and manifests


def test_a_result_of_a_hash_chain_is_one():
    entries = container(chain=True)
    other = entries["ts-hashchainresult.xml"].replace(b"HashChainResult", b"HashChain")
    assert Reason.HASH_CHAIN in reasons(zipped(entries | {"ts-hashchainresult.xml": other}))


def test_a_step_of_a_hash_chain_transforms_nothing():
    entries = container(chain=True)
    chain = entries["sig-hashchain.xml"].replace(b"</DataRef>", b"<Transforms/></DataRef>")
    assert whys(zipped(entries | {"sig-hashchain.xml": chain})) == {Why.STRANGE_ELEMENT}


def test_a_step_of_a_hash_chain_says_a_value():
    entries = container(chain=True)
    chain = entries["sig-hashchain.xml"]
    start, end = chain.index(b"<HashValue>"), chain.index(b"</HashValue>")
    empty = chain[:start] + b"<HashValue>" + chain[end:]
    assert Reason.HASH_CHAIN in reasons(zipped(entries | {"sig-hashchain.xml": empty}))


@pytest.mark.parametrize(("bound", "most"), [("_MOST", -1), ("_MOST_FILES", 0)])
def test_so_many_steps_and_files_of_a_hash_chain_are_worked_out_and_no_more(monkeypatch, bound, most):
    data = zipped(container(chain=True))
    assert integrity.check(io.BytesIO(data)).verdict == "valid"
    monkeypatch.setattr(hashchain, bound, most)
    assert reasons(data) == {Reason.HASH_CHAIN}


def test_a_manifest_names_what_is_there():
    space = "http://uri.etsi.org/2918/v1.2.1#"
    for tag in ("SigReference", "DataObjectReference"):
        manifest = f'<a:ASiCManifest xmlns:a="{space}"><a:{tag} URI="/nowhere"/></a:ASiCManifest>'.encode()
        assert reasons(zipped(container() | {names.ASIC_MANIFEST: manifest})) == {Reason.MANIFEST}


@pytest.mark.parametrize("name", ["ts-hashchainresult.xml", "META-INF/timestamp.tst"])
def test_a_file_outside_the_container_is_none_of_the_parts_that_are_interpreted(tmp_path, name):
    (tmp_path / "body").write_bytes(b"<a/>")
    entries = container(attachments={})
    if name.endswith(".xml"):
        entries[name] = entries[name].replace(b"/ts-hashchain.xml#", b"/attachment1#")
        name = "attachment1"
    else:
        del entries[name]
    found = integrity.check(io.BytesIO(zipped(entries)), (), {name: Outside(tmp_path / "body")})
    assert Reason.ENTRY_MISSING in [one.reason for one in found.findings]
