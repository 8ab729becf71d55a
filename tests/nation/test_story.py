"""The birth story on a running nation ends well, and what it tells is so."""

import hashlib
import io
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import zxingcpp
from pyhanko.pdf_utils.reader import PdfFileReader

from onedoor.signing import pdf
from onedoor.signing.certificates import load_certificates
from onedoor.signing.development import STAMP_NAME
from onedoor.signing.envelope import sealed_part
from onedoor.signing.pades import check_pdf
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Revocation
from tests.nation.running import Running, onedoor

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
AGENCIES = {"birth_certificate": "commune-00199", "residence_notice": "police-00199", "insurance_card": "vss-01"}
KEYS = ["case", "agencies", "results", "facts_reused", "questions_asked", "reads", "ledger", "seconds"]
OPENSSL, PDFSIG, PDFTOPPM, PDFFONTS = (
    shutil.which(name) or name for name in ("openssl", "pdfsig", "pdftoppm", "pdffonts")
)
LABELS = [("part", "3"), ("conformance", "B")]
RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
Told = dict[str, Any]


def test_the_last_line_tells_the_story_in_the_form_that_was_agreed(told: Told) -> None:
    assert list(told) == KEYS
    assert re.fullmatch(r"\d{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", told["case"])
    assert told["agencies"] == list(AGENCIES.values())
    assert {one["kind"]: one["agency"] for one in told["results"]} == AGENCIES
    assert all(list(one) == ["kind", "agency", "file", "signature"] for one in told["results"])
    assert [one["signature"] for one in told["results"]] == ["valid"] * 3
    assert 0 < told["seconds"] < 90


def test_more_facts_are_reused_than_questions_asked(told: Told) -> None:
    assert told["facts_reused"] > told["questions_asked"] > 0


def test_every_read_says_who_why_on_which_basis_and_what(told: Told, nation: Running) -> None:
    rights = {one.data["purpose"]: set(one.data["basis"]) for one in nation.places.nation.documents("right")}
    names = {name for agency in nation.places.nation.agencies.values() for name in agency.name.values()}
    assert told["reads"]
    for read in told["reads"]:
        assert list(read) == ["by", "purpose", "basis", "fields"]
        assert read["basis"] in rights[read["purpose"]]
        assert read["fields"]
        assert read["by"] in names, read["by"]
    assert {"birth-form", "birth-registration", "permanent-residence", "health-insurance-card"} <= {
        read["purpose"] for read in told["reads"]
    }


def test_the_ledger_of_the_story_is_that_of_the_portal_and_holds(told: Told, nation: Running) -> None:
    assert told["ledger"]["size"] > 0
    assert re.fullmatch("[0-9a-f]{64}", told["ledger"]["root"])
    query = "SELECT encode(root, 'hex') FROM store_ledger_checkpoint WHERE size = %s"
    assert nation.rows("portal", query, told["ledger"]["size"]) == [(told["ledger"]["root"],)]


@pytest.mark.parametrize("number", range(3))
def test_pdfsig_accepts_each_result_whole(told: Told, number: int) -> None:
    file = told["results"][number]["file"]
    said = subprocess.run([PDFSIG, file], capture_output=True, text=True, check=True).stdout
    assert "Signature Validation: Signature is Valid." in said
    assert "Total document signed" in said


@pytest.mark.parametrize("number", range(3))
def test_openssl_verifies_each_seal_up_to_the_issuing_agency(
    told: Told, number: int, nation: Running, tmp_path: Path
) -> None:
    result = told["results"][number]
    done = _openssl(Path(result["file"]).read_bytes(), _trust(nation), tmp_path)
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [OPENSSL, "x509", "-in", tmp_path / "signer.pem", "-noout", "-subject", "-nameopt", "RFC2253,utf8,-esc_msb"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    agency = nation.places.nation.agencies[result["agency"]]
    assert agency.id in shown.stdout
    assert agency.name["vi"] in shown.stdout


@pytest.mark.parametrize("number", range(3))
def test_openssl_verifies_the_time_stamp_over_each_whole_result(
    told: Told, number: int, nation: Running, tmp_path: Path
) -> None:
    file = Path(told["results"][number]["file"]).read_bytes()
    start, before, behind, rest = map(int, RANGE.findall(file)[-1])
    assert (start, behind + rest) == (0, len(file))
    container = bytes.fromhex(file[before + 1 : behind - 1].decode())
    (tmp_path / "token").write_bytes(container[: int.from_bytes(container[2:4]) + 4])
    (tmp_path / "data").write_bytes(file[:before] + file[behind:])
    command = [OPENSSL, "ts", "-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", _trust(nation)]
    assert "OK" in subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("number", range(3))
def test_pyhanko_judges_each_result_as_lasting(told: Told, number: int, nation: Running) -> None:
    seals = _trust(nation).parent
    trust = Trust(load_certificates(seals / "trust.pem"), load_certificates(seals / "tsa-trust.pem"))
    verdict = check_pdf(Path(told["results"][number]["file"]).read_bytes(), trust)
    assert verdict.valid, verdict
    assert verdict.proven_by == STAMP_NAME
    assert verdict.revocation == Revocation.GOOD


@pytest.mark.parametrize("number", range(3))
def test_the_printed_code_of_each_result_leads_to_its_page_at_the_issuing_agency(
    told: Told, number: int, nation: Running, tmp_path: Path
) -> None:
    result = told["results"][number]
    subprocess.run([PDFTOPPM, "-r", "150", "-gray", result["file"], tmp_path / "page"], check=True)
    (read,) = {code.text for page in tmp_path.iterdir() for code in zxingcpp.read_barcodes(_picture(page))}
    said = pdf.data_of(Path(result["file"]).read_bytes())
    assert read == said["verify_url"] == nation.places.desk(result["agency"], f"verify/{said['id']}")
    page = requests.get(read, timeout=30)
    assert page.status_code == 200
    assert nation.places.nation.agencies[result["agency"]].name["vi"] in page.text
    assert hashlib.sha256(sealed_part(Path(result["file"]).read_bytes())).hexdigest() in page.text


@pytest.mark.parametrize("number", range(3))
def test_each_sealed_result_is_built_as_pdf_a_3_demands(told: Told, number: int) -> None:
    """Hold what a reader can see of ISO 19005-3 in the file as it is after its seal; this is no full validator."""
    file = Path(told["results"][number]["file"])
    reader = PdfFileReader(io.BytesIO(file.read_bytes()))
    root = reader.root
    assert "/Encrypt" not in reader.trailer
    assert re.findall(r'pdfaid:(part|conformance)="(\w)"', root["/Metadata"].data.decode()) == LABELS
    (intent,) = _each(root["/OutputIntents"])
    assert intent["/S"] == "/GTS_PDFA1"
    assert intent["/DestOutputProfile"].data[36:40] == b"acsp", "an ICC profile"
    attached = {str(one["/UF"]): one for one in _each(root["/AF"])}
    assert attached[pdf.DATA_NAME]["/AFRelationship"] == "/Data"
    assert {one["/AFRelationship"] for one in attached.values()} <= {"/Data", "/Source", "/Alternative", "/Supplement"}
    assert all(one["/EF"]["/F"]["/Subtype"] for one in attached.values())
    names = root["/Names"]["/EmbeddedFiles"]["/Names"]
    assert {str(names[at]) for at in range(0, len(names), 2)} == set(attached)
    assert not {"/JavaScript", "/OpenAction", "/AA"} & {*root, *root["/Names"]}
    listed = subprocess.run([PDFFONTS, file], capture_output=True, text=True, check=True).stdout
    _names, _lines, *fonts = listed.splitlines()
    assert fonts
    assert all(font.split()[-5] == "yes" for font in fonts), fonts


def test_openssl_refuses_a_result_with_one_byte_changed(told: Told, nation: Running, tmp_path: Path) -> None:
    content = bytearray(Path(told["results"][0]["file"]).read_bytes())
    content[len(content) // 3] ^= 1
    assert _openssl(bytes(content), _trust(nation), tmp_path).returncode != 0


def test_openssl_refuses_a_result_under_the_root_of_another_authority(
    told: Told, nation: Running, tmp_path: Path
) -> None:
    elsewhere = nation.var / "node-G15" / "tls-trust.pem"
    assert load_certificates(elsewhere)
    content = Path(told["results"][0]["file"]).read_bytes()
    assert _openssl(content, elsewhere, tmp_path).returncode != 0


def test_the_story_can_be_told_in_another_language_and_with_the_identity_card(nation: Running) -> None:
    done = onedoor("story", "--running", "--nation", str(nation.folder), "--var", str(nation.var),
                   "--port", str(nation.base), "--language", "fr", "--identity-card")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"identity_card_notice"' in done.stdout.splitlines()[-1]
    assert "Annoncé" in done.stdout
    assert _proof(nation, json.loads(done.stdout.splitlines()[-1])["case"])["level"] == 2


def _proof(nation: Running, case: str) -> dict[str, Any]:
    """Return what the portal tells, by and by, that the story's run proved of the service."""
    for _time in range(50):
        asked = onedoor("measure", "stages", "--nation", str(nation.folder), "--json",
                        "--portal", f"http://localhost:{nation.base}")  # fmt: skip
        found = [one for one in json.loads(asked.stdout) if one["level"] == 2]
        if found and found[0]["proved"] and found[0]["proved"]["case"] == case:
            return dict(found[0]["proved"])
        time.sleep(0.2)
    raise AssertionError(asked.stdout)


def _each(array: Any) -> list[Any]:
    """Return what stands in an array of a PDF, references followed."""
    return [array[at] for at in range(len(array))]


def _picture(page: Path) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Return a page that pdftoppm drew in grey."""
    content = page.read_bytes()
    head = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", content)
    assert head
    return np.frombuffer(content[head.end() :], np.uint8).reshape(int(head[2]), int(head[1]))


def _trust(nation: Running) -> Path:
    return nation.var / "node-G15" / "seals" / "trust.pem"


def _openssl(pdf: bytes, trust: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Verify the CMS of a PDF's signature over its byte range, with nothing of ours."""
    found = RANGE.search(pdf)
    assert found
    first, size, second, rest = (int(part) for part in found.groups())
    assert first == 0
    assert pdf[second + rest - 6 : second + rest] == b"%%EOF\n"
    container = bytes.fromhex(pdf[first + size : second].strip(b"<>").decode())
    length = int.from_bytes(container[2:4]) + 4
    assert container[:2] == b"\x30\x82"
    (folder / "signature.der").write_bytes(container[:length])
    (folder / "content").write_bytes(pdf[first : first + size] + pdf[second : second + rest])
    return subprocess.run(
        [OPENSSL, "cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "signature.der",
         "-content", folder / "content", "-CAfile", trust, "-purpose", "any", "-signer", folder / "signer.pem",
         "-out", "/dev/null"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
