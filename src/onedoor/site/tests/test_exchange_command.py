"""``onedoor exchange``: what it prints, in three languages, and how it leaves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from onedoor.exchange.directory import lab
from onedoor.exchange.gateway import local
from onedoor.kernel import nation
from onedoor.kernel.settings import REPOSITORY
from onedoor.site import cli, messages

VECTORS = Path(__file__).parents[4] / "tests" / "vectors" / "xroad"
GOOD = VECTORS / "asice" / "asic-verifier-cli_valid-non-batch-rest.asice"
BAD = VECTORS / "asice" / "asic-verifier-cli_wrong-message.asice"
UNSIGNED_CHAIN = VECTORS / "asice" / "asic-verifier-cli_invalid-not-signed-hashchain.asice"
CONFIGURATION = VECTORS / "globalconf" / "v5"
SCRIPT = """
import sys
from onedoor.site import cli
code = cli.run(["exchange", "verify", *sys.argv[1:]])
heavy = {"django", "pyhanko", "aiohttp"} & set(sys.modules)
raise SystemExit(f"loaded: {heavy}" if heavy else code)
"""


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in messages.VARIABLES:
        monkeypatch.delenv(name, raising=False)


def verify(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.run(["exchange", "verify", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_good_evidence_is_two_lines_and_zero(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verify(capsys, GOOD)
    assert (code, out.splitlines()[:2], err) == (0, ["Integrity: valid", "Trust: not checked"], "")


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("vi", ["Tính toàn vẹn: không hợp lệ", "Độ tin cậy: chưa kiểm tra", "- message.xml đã bị sửa sau khi ký."]),
        ("en", ["Integrity: invalid", "Trust: not checked", "- message.xml was changed after it was signed."]),
        (
            "fr",
            [
                "Intégrité\u202f: non valable",
                "Confiance\u202f: non vérifiée",
                "- message.xml a été modifié après la signature.",
            ],
        ),
    ],
)
def test_bad_evidence_is_explained_and_one(capsys: pytest.CaptureFixture[str], language: str, lines: list[str]) -> None:
    code, out, _ = verify(capsys, BAD, "--language", language)
    assert (code, out.splitlines()[:3]) == (1, lines)


def test_trust_counts_when_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = verify(capsys, GOOD, "--conf", CONFIGURATION)
    assert (code, out.splitlines()[:2]) == (1, ["Integrity: valid", "Trust: invalid"])


def test_an_anchor_is_about_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = verify(capsys, GOOD, "--anchor", CONFIGURATION / "shared-params.xml")
    assert code == 2
    assert "with --conf" in err
    code, _, err = verify(capsys, GOOD, "--conf", CONFIGURATION, "--anchor", CONFIGURATION / "shared-params.xml")
    assert code == 2
    assert "is no configuration anchor" in err


def test_it_says_where_it_is_stricter_than_x_road(capsys: pytest.CaptureFixture[str]) -> None:
    assert "X-Road’s own verifier says nothing of this." in verify(capsys, UNSIGNED_CHAIN)[1]
    told = json.loads(verify(capsys, UNSIGNED_CHAIN, "--json")[1])
    assert {one["code"] for one in told["stricter_than_xroad"]} == {"HASH_CHAIN_NOT_SIGNED"}


def test_a_program_reads_the_same_in_every_language_but_the_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    english, french = (
        json.loads(verify(capsys, BAD, "--json", "--conf", CONFIGURATION, "--language", one)[1]) for one in ("en", "fr")
    )
    assert english["integrity"]["reasons"][0].pop("text") != french["integrity"]["reasons"][0].pop("text")
    assert english["integrity"] == french["integrity"] == {"verdict": "invalid", "reasons": [{"code": "CHANGED"}]}
    assert (english["trust"]["verdict"], english["message"]["sender"]) == ("invalid", "DEV/COM/4321")
    assert english["trust"]["configuration"] == {"instance": "DEV", "signature": "own"}
    assert set(english) == {"file", "integrity", "trust", "message", "stricter_than_xroad", "remarks"}


@pytest.mark.parametrize(
    "arguments",
    [
        [GOOD.parent / "nowhere.asice"],
        [GOOD.parent],
        [GOOD, "--conf", GOOD.parent / "nowhere"],
        [GOOD, "--conf", GOOD.parent],
        [GOOD, "--conf", Path(__file__)],
        [Path(__file__), "--attachment", GOOD.parent / "nowhere"],
        [Path(__file__), "--attachment", GOOD.parent],
    ],
    ids=["no file", "a folder", "no configuration", "folder without one", "no zip", "no body", "folder as body"],
)
def test_arguments_that_cannot_be_used_are_two_and_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[object]
) -> None:
    code, out, err = verify(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("onedoor: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("path", [__file__, "/dev/zero", "/dev/null"])
def test_a_file_that_is_no_container_is_evidence_that_does_not_hold(
    capsys: pytest.CaptureFixture[str], path: str
) -> None:
    assert verify(capsys, path)[0] == 1


def test_the_command_needs_no_django() -> None:
    command = [sys.executable, "-c", SCRIPT, str(GOOD), "--conf", str(CONFIGURATION)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")


OPENAPI = "openapi: 3.0.0\npaths:\n  /pets/{id}: {get: {}}\n"
SAID = {
    "vi": ("Số điểm cuối được liệt kê cho", "Không dùng được bản mô tả dịch vụ này: nó không phải JSON"),
    "en": ("Endpoints listed for", "This description of a service cannot be used: it is neither JSON"),
    "fr": (
        "Points d’accès listés pour",
        "Cette description d’un service est inutilisable\u202f: elle n’est ni du JSON",
    ),
}


@pytest.mark.parametrize("language", SAID)
def test_a_description_is_kept_for_a_gateway_or_refused_in_ones_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    lab.provision(nation.load(REPOSITORY / "nations" / "testland"), tmp_path, 19000)
    state, file = next(tmp_path.glob("gateway-*")), tmp_path / "description"
    service = min(local.read(state).services)

    def describe(text: str, service: str = service) -> tuple[int, str, str]:
        file.write_text(text)
        where = ("--service", service, "--state", str(state), "--language", language)
        code = cli.run(["exchange", "describe", str(file), *where])
        return code, *capsys.readouterr()

    code, out, _ = describe(OPENAPI)
    assert (code, out.splitlines()[0]) == (0, "GET /pets/*")
    assert out.splitlines()[1].startswith(SAID[language][0])
    assert local.read(state).services[service].endpoints == (("GET", "/pets/*"),)
    code, _, err = describe("[")
    assert (code, SAID[language][1] in err) == (2, True)
    code, _, err = describe(OPENAPI, "TL/GOV/NONE/X/y")
    assert (code, service in err) == (2, True)


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("vi", "tệp neo của nó không đúng dạng"),
        ("en", "its anchor is not well formed"),
        ("fr", "son ancre est mal formée"),
    ],
)
def test_what_is_no_anchor_fetches_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, language: str, says: str
) -> None:
    arguments = ["fetch", CONFIGURATION / "shared-params.xml", "--to", tmp_path / "conf", "--language", language]
    code = cli.run(["exchange", *map(str, arguments)])
    assert (code, says in capsys.readouterr().err, (tmp_path / "conf").exists()) == (2, True, False)
    with pytest.raises(SystemExit):
        cli.run(["exchange", "fetch", str(GOOD)])
    assert "--to" in capsys.readouterr().err
