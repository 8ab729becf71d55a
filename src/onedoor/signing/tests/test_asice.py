"""What a container proves by itself: X-Road's own, and ones made here, with xmlsec1 and OpenSSL as referees."""

import io
import itertools
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from onedoor.signing.asice import integrity
from onedoor.signing.asice.findings import Reason
from onedoor.signing.tests.containers import NOW, SIGNATURES, XADES, Plan, chained, container, lab, stamp, zipped

VECTORS = Path(__file__).parents[4] / "tests" / "vectors" / "xroad" / "asice"
PLANS = [
    dict(zip(("classic", "chain", "stamp_chain"), one, strict=True)) for one in itertools.product((0, 1), repeat=3)
]
STAMPED_AT = str(int(NOW.timestamp()))
X_ROAD_2024 = "1735689600"


def judged(data: bytes) -> tuple[str, set[Reason]]:
    found = integrity.check(io.BytesIO(data))
    return found.verdict, {one.reason for one in found.findings}


@pytest.mark.parametrize(
    ("name", "verdict", "reasons"),
    [
        ("asic-verifier-cli_valid-non-batch-rest", "valid", set()),
        ("asic-verifier-cli_valid-batch-ts", "valid", set()),
        ("asic-verifier-cli_wrong-message", "invalid", {Reason.CHANGED}),
        ("asic-verifier-cli_invalid-digest", "invalid", {Reason.PROPERTIES_CHANGED}),
        ("asic-core_no-signature", "invalid", {Reason.NO_SIGNATURE}),
        ("asic-verifier-cli_invalid-not-signed-hashchain", "invalid", {Reason.HASH_CHAIN_NOT_SIGNED}),
    ],
)
def test_x_roads_own_containers_are_judged_as_x_road_judges_or_more_strictly(name, verdict, reasons):
    assert judged((VECTORS / f"{name}.asice").read_bytes()) == (verdict, reasons)


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_both_profiles_hold_with_and_without_hash_chains(plan):
    assert judged(zipped(container(**plan))) == ("valid", set())


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_every_entry_of_a_container_counts(plan):
    entries = container(**plan)
    for name in entries:
        assert judged(zipped(entries | {name: entries[name] + b"\0"}))[0] == "invalid"
        assert judged(zipped({key: value for key, value in entries.items() if key != name}))[0] != "valid"


@pytest.mark.parametrize(
    ("plan", "stricter"), [({"chain": True}, True), ({"chain": False}, False)], ids=["hash chain", "reference"]
)
def test_an_attachment_that_is_not_there_is_missed(plan, stricter):
    entries = container(**plan)
    del entries["attachment1"]
    found = integrity.check(io.BytesIO(zipped(entries)))
    assert found.verdict == "invalid"
    assert [(one.reason, one.facts, one.stricter) for one in found.findings] == [
        (Reason.ENTRY_MISSING, {"entry": "attachment1"}, stricter)
    ]


@pytest.mark.parametrize("stamp_chain", [False, True])
def test_what_was_changed_is_named_and_no_chain_called_unsigned_for_it(stamp_chain):
    entries = container(chain=True, stamp_chain=stamp_chain)
    entries["attachment1"] += b"!"
    found = integrity.check(io.BytesIO(zipped(entries)))
    assert [(one.reason, one.facts) for one in found.findings] == [(Reason.CHANGED, {"entry": "attachment1"})]


@pytest.mark.parametrize("chain", [False, True])
def test_a_message_that_nothing_refers_to_is_not_signed(chain):
    found = judged(zipped(container(chain=chain, signs_message=False)))
    assert found == ("invalid", {Reason.MESSAGE_NOT_SIGNED, Reason.ENTRY_NOT_SIGNED})


def test_a_hash_chain_of_another_message_does_not_sign_this_one():
    entries = container(chain=True, stamp_chain=False)
    other = chained({"message.xml": b"other", "attachment1": b"body"}, "sig")
    assert Reason.CHANGED in judged(zipped(entries | other))[1]
    for old, new in ((b"STEP0", b"STEP9"), (b"#STEP1", b"#STEP0"), (b"sha512", b"sha256")):
        broken = entries | {"sig-hashchain.xml": entries["sig-hashchain.xml"].replace(old, new)}
        assert judged(zipped(broken))[1] & {Reason.HASH_CHAIN, Reason.CHANGED}


def test_what_nothing_signs_has_no_place_in_a_container():
    entries = container(chain=True, attachments={})
    assert judged(zipped(entries | {"attachment1": b"b"})) == ("invalid", {Reason.ENTRY_NOT_SIGNED})


def test_a_hash_chain_of_the_time_stamp_must_include_the_signature():
    entries = container()
    chain = chained({"message.xml": entries["message.xml"]}, "ts")
    token = stamp(chain["ts-hashchainresult.xml"], Plan())
    found = judged(zipped(entries | chain | {"META-INF/timestamp.tst": token}))
    assert found == ("invalid", {Reason.SIGNATURE_NOT_STAMPED})


def test_a_time_stamp_for_something_else_does_not_count():
    entries = container()
    found = judged(zipped(entries | {"META-INF/timestamp.tst": stamp(b"another", Plan())}))
    assert found == ("invalid", {Reason.TIME_STAMP_IMPRINT})


def test_no_time_stamp_or_two_of_them_prove_no_moment():
    entries = container()
    del entries["META-INF/timestamp.tst"]
    assert Reason.NO_TIME_STAMP in judged(zipped(entries))[1]
    twice = container(stamp_chain=False) | {"META-INF/timestamp.tst": stamp(b"x", Plan())}
    assert judged(zipped(twice)) == ("invalid", {Reason.TIME_STAMPS})


def test_a_time_stamp_without_its_certificate_fits_by_its_imprint_and_is_nobodys_word_yet():
    data = zipped(container(carry=False))
    found = integrity.check(io.BytesIO(data))
    assert (found.verdict, found.time_stamp.certificate) == ("valid", None)
    assert integrity.check(io.BytesIO(data), [lab().ca.certificate]).time_stamp.certificate is None
    stamper = lab().stamper.certificate
    assert integrity.check(io.BytesIO(data), [stamper]).time_stamp.certificate == stamper
    other = zipped(container(carry=False) | {"META-INF/timestamp.tst": stamp(b"another", Plan(carry=False))})
    assert judged(other) == ("invalid", {Reason.TIME_STAMP_IMPRINT})


def test_evidence_without_a_statement_on_the_certificate_holds_by_itself():
    assert judged(zipped(container(answers=False))) == ("valid", set())


def test_an_ocsp_response_must_be_the_one_the_signature_refers_to():
    reference = (
        f'<x:CompleteRevocationRefs xmlns:x="{XADES}"><x:OCSPRefs><x:OCSPRef><x:DigestAlgAndValue>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/><ds:DigestValue>AAAA</ds:DigestValue>'
        "</x:DigestAlgAndValue></x:OCSPRef></x:OCSPRefs></x:CompleteRevocationRefs>"
    )
    assert judged(zipped(container(unsigned=reference))) == ("invalid", {Reason.OCSP_REFERENCE})


def test_a_manifest_must_fit():
    manifest = (
        '<a:ASiCManifest xmlns:a="http://uri.etsi.org/2918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        '<a:SigReference URI="META-INF/timestamp.tst"/><a:DataObjectReference URI="ts-hashchainresult.xml">'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/><ds:DigestValue>AAAA</ds:DigestValue>'
        "</a:DataObjectReference></a:ASiCManifest>"
    )
    found = judged(zipped(container() | {"META-INF/ASiCManifest.xml": manifest.encode()}))
    assert found == ("invalid", {Reason.MANIFEST})


def run(*command: str, folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0


def unpacked(data: bytes, folder: Path) -> Path:
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
    return folder


@pytest.mark.skipif(not shutil.which("xmlsec1"), reason="xmlsec1 is not installed")
@pytest.mark.parametrize("plan", [*PLANS, *(path.name for path in sorted(VECTORS.glob("*verifier-cli*")))], ids=str)
def test_xmlsec1_agrees_on_the_signature(tmp_path, plan):
    data = zipped(container(**plan)) if isinstance(plan, dict) else (VECTORS / plan).read_bytes()
    found = integrity.check(io.BytesIO(data))
    names = [name for name in found.entries if "/" not in name]
    maps = [part for name in names for part in (f"--url-map:/{name}", name)]
    ids = ["--id-attr:Id", f"{XADES}:SignedProperties"]
    theirs = run("xmlsec1", "--verify", "--insecure", *ids, *maps, SIGNATURES, folder=unpacked(data, tmp_path))
    ours = {Reason.BAD_SIGNATURE, Reason.CHANGED, Reason.PROPERTIES_CHANGED}
    assert theirs == (not ours & {one.reason for one in found.findings})


@pytest.mark.parametrize(
    ("data", "moment"),
    [
        (lambda: zipped(container()), STAMPED_AT),
        ((VECTORS / "asic-verifier-cli_valid-batch-ts.asice").read_bytes, X_ROAD_2024),
        ((VECTORS / "asic-verifier-cli_valid-non-batch-rest.asice").read_bytes, X_ROAD_2024),
    ],
    ids=["ours", "batch-ts", "non-batch-rest"],
)
def test_openssl_agrees_on_the_time_stamp(tmp_path, data, moment):
    folder, token = unpacked(data(), tmp_path), "META-INF/timestamp.tst"
    assert run("openssl", "pkcs7", "-inform", "DER", "-in", token, "-print_certs", "-out", "tsa.pem", folder=folder)
    check = ("openssl", "ts", "-verify", "-token_in", "-in", token, "-CAfile", "tsa.pem", "-partial_chain")
    assert run(*check, "-attime", moment, "-data", "ts-hashchainresult.xml", folder=folder)
    assert not run(*check, "-attime", moment, "-data", "message.xml", folder=folder)
