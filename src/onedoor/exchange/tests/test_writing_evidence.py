"""Messages of random batches taken out as evidence: xmlsec1, OpenSSL and a walk of our own accept each of them."""

import base64
import hashlib
import io
import random
import shutil
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from onedoor.exchange.gateway import chain
from onedoor.signing.asice import integrity, writing
from onedoor.signing.asice.writing import SIGNED, STAMPED, Statement, Template
from onedoor.signing.tests.containers import NOW, Plan, answer, lab, stamp

HC, DS = "{http://cyber.ee/hashchain}", "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
SIGNATURES = "META-INF/signatures.xml"
HOW_MANY = 100


class Batches:
    """Batches of random messages, each signed once; one time-stamp for all of them."""

    def __init__(self, seed: int, sizes: list[int]) -> None:
        chance = random.Random(seed)
        self.template = Template(lab().signer.certificate)
        self.batches = [[message(chance) for _ in range(size)] for size in sizes]
        self.documents = [self._signed(batch) for batch in self.batches]
        self.leaves = [chain.step([hashlib.sha512(document).digest()]) for document in self.documents]
        self.result = writing.result_file(STAMPED, chain.result(self.leaves))
        self.token = stamp(self.result, Plan())

    def _signed(self, batch: list[dict[str, bytes]]) -> bytes:
        statement = Statement(chain.result(leaves(batch)), NOW - timedelta(seconds=2), "requests <A> & “B”\r7")
        return self.template.document(statement, self.template.sign(statement, lab().signer.key), answer(Plan()))

    def container(self, number: int, index: int) -> bytes:
        batch = self.batches[number]
        stamped = chain.way(self.leaves, number)
        document = {SIGNATURES: self.documents[number]}
        return writing.container(
            batch[index]
            | document
            | {
                "sig-hashchainresult.xml": writing.result_file(SIGNED, chain.result(leaves(batch))),
                "sig-hashchain.xml": writing.chain_file(chain.way(leaves(batch), index), digested(batch[index])),
                "ts-hashchain.xml": writing.chain_file(stamped, digested(document)),
            }
            | writing.stamped(self.result, self.token)
        )


def digested(entries: dict[str, bytes]) -> dict[str, bytes]:
    return {name: hashlib.sha512(data).digest() for name, data in entries.items()}


def message(chance: random.Random) -> dict[str, bytes]:
    head = b"GET\r\n/r1/DEV/GOV/2/PEOPLE/persons/%d\r\nX-Road-Client:DEV/GOV/1/DESK\r\n" % chance.randrange(10**6)
    body = chance.randbytes(chance.randrange(2000)) if chance.random() < 0.7 else b""
    return {"message.xml": head} | ({"attachment1": body} if body else {})


def leaves(batch: list[dict[str, bytes]]) -> list[bytes]:
    return [chain.digests(one["message.xml"], one.get("attachment1", b"")).leaf for one in batch]


@pytest.fixture(scope="module")
def containers() -> list[bytes]:
    chance = random.Random(7)
    made = Batches(1, [1, 2, 15, 16, 17, 256, *(chance.randrange(1, 257) for _ in range(14))])
    picked = [(number, chance.randrange(len(batch))) for number, batch in enumerate(made.batches)]
    while len(picked) < HOW_MANY:
        number = chance.randrange(len(made.batches))
        picked.append((number, chance.randrange(len(made.batches[number]))))
    return [made.container(*one) for one in picked]


def test_a_signature_has_one_spelling_in_bytes() -> None:
    template, statement, signer = Template(lab().signer.certificate), Statement(bytes(64), NOW, ""), lab().signer
    value, public = template.sign(statement, signer.key), signer.certificate.public_key()
    assert template.holds(statement, value, public)
    for other in (value[:32] + b"\0" + value[32:], value[:-1], value[::-1], b""):
        assert not template.holds(statement, other, public)


def test_each_holds_by_itself(containers: list[bytes]) -> None:
    for data in containers:
        found = integrity.check(io.BytesIO(data))
        assert (found.verdict, found.findings) == ("valid", [])
        assert len(found.responses) == 1
        assert found.time_stamp


def test_an_independent_walk_of_the_chains_comes_to_what_is_signed_and_stamped(containers: list[bytes]) -> None:
    for data in containers:
        entries = unzipped(data)
        assert walked(entries, "sig") == {"message.xml", "attachment1"} & set(entries)
        assert walked(entries, "ts") == {SIGNATURES}


def test_a_changed_byte_of_any_entry_is_found(containers: list[bytes]) -> None:
    entries = unzipped(containers[4])
    for name, content in entries.items():
        changed = bytes([*content[:-1], content[-1] ^ 1]) if name != "mimetype" else b"x"
        found = integrity.check(io.BytesIO(writing.container({**entries, name: changed})))
        assert found.verdict == "invalid", name


def test_a_message_of_another_batch_does_not_fit(containers: list[bytes]) -> None:
    one, other = unzipped(containers[0]), unzipped(containers[3])
    swapped = {name: content for name, content in one.items() if name not in {"message.xml", "attachment1"}}
    messages = {name: other[name] for name in ("message.xml", "attachment1") if name in other}
    assert integrity.check(io.BytesIO(writing.container(swapped | messages))).verdict == "invalid"


@pytest.mark.skipif(not shutil.which("xmlsec1"), reason="xmlsec1 is not installed")
def test_xmlsec1_accepts_each_signature(containers: list[bytes], tmp_path: Path) -> None:
    for data in apart(containers, SIGNATURES, "sig-hashchainresult.xml"):
        unpack(data, tmp_path)
        command = ("xmlsec1", "--verify", "--insecure", "--id-attr:Id", f"{XADES}:SignedProperties")
        mapped = ("--url-map:/sig-hashchainresult.xml", "sig-hashchainresult.xml", SIGNATURES)
        assert ran(*command, *mapped, folder=tmp_path)
    (tmp_path / "sig-hashchainresult.xml").write_bytes(b"another")
    assert not ran(*command, *mapped, folder=tmp_path)


def test_openssl_accepts_each_time_stamp(containers: list[bytes], tmp_path: Path) -> None:
    moment = str(int(NOW.timestamp()))
    for data in apart(containers, "META-INF/timestamp.tst", "ts-hashchainresult.xml"):
        unpack(data, tmp_path)
        token = ("-in", "META-INF/timestamp.tst")
        assert ran("openssl", "pkcs7", "-inform", "DER", *token, "-print_certs", "-out", "tsa.pem", folder=tmp_path)
        check = ("openssl", "ts", "-verify", "-token_in", *token, "-CAfile", "tsa.pem", "-partial_chain")
        assert ran(*check, "-attime", moment, "-data", "ts-hashchainresult.xml", folder=tmp_path)
    assert not ran(*check, "-attime", moment, "-data", "message.xml", folder=tmp_path)


def apart(containers: list[bytes], *names: str) -> list[bytes]:
    """Return those of *containers* that differ in the entries *names*: a program need not see the same twice."""
    return list({tuple(unzipped(data)[name] for name in names): data for data in containers}.values())


def unzipped(data: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    return {name: archive.read(name) for name in archive.namelist()}


def unpack(data: bytes, folder: Path) -> None:
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)


def ran(*command: str, folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0


def walked(entries: dict[str, bytes], kind: str) -> set[str]:
    """Return the entries that the chain of a *kind* leads to, each digest on the way recomputed."""
    result = ElementTree.fromstring(entries[f"{kind}-hashchainresult.xml"])
    root = ElementTree.fromstring(entries[f"{kind}-hashchain.xml"])
    steps = {step.get("id"): step for step in root.iter(f"{HC}HashStep")}
    method = root.find(f"{HC}DefaultDigestMethod").get("Algorithm").encode()
    reached: set[str] = set()

    def der(name: str) -> bytes:
        content = b""
        for child in steps[name]:
            uri = child.get("URI", "")
            if child.tag == f"{HC}HashValue":
                value = base64.b64decode(child.find(f"{DS}DigestValue").text)
            elif child.tag == f"{HC}StepRef":
                value = hashlib.sha512(der(uri.removeprefix("#"))).digest()
            else:
                reached.add(uri.removeprefix("/"))
                value = hashlib.sha512(entries[uri.removeprefix("/")]).digest()
                assert base64.b64decode(child.find(f"{DS}DigestValue").text) == value
            content += tlv(0x30, tlv(0x04, value) + tlv(0x0C, method) + tlv(0x30, b""))
        return tlv(0x30, content)

    top = result.get("URI").rpartition("#")[2]
    assert hashlib.sha512(der(top)).digest() == base64.b64decode(result.find(f"{DS}DigestValue").text)
    return reached


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    raw = size.to_bytes((size.bit_length() + 7) // 8 or 1)
    return bytes([tag]) + (raw if size < 0x80 else bytes([0x80 | len(raw)]) + raw) + content
