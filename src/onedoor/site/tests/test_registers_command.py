import argparse
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.kernel.ids import uuid7
from onedoor.privacy.service import Reader
from onedoor.registers import following, importing, service
from onedoor.site import cli, messages
from onedoor.site.commands import registers

MOTHER = {"number": "001196204817", "full_name": "Trần Thu Hà", "born": "1996-05-14", "sex": "F"}
FATHER = {"number": "036094117302", "full_name": "Lê Minh Quân", "born": "1994-09-02", "sex": "M"}


@pytest.mark.django_db
def test_the_command_tells_faults_and_sum_and_leaves_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in (MOTHER, {**FATHER, "sex": "X"})), "utf-8")
    parser = argparse.ArgumentParser()
    registers.add_arguments(parser)
    assert registers.load(parser.parse_args(["load", "population", str(file)])) == 2
    told = capsys.readouterr().out
    assert "line 2, sex: is not of the right form (enum); write one of: M, F" in told
    assert "2 rows read, 1 good, 1 bad, 0 loaded." in told
    assert registers.load(parser.parse_args(["load", "population", str(file), "--good-rows"])) == 2
    assert service.count("population") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("content", [gzip.compress(b"{}\n")[:-6], b"no gzip", b"\x1f\x8b\x08" + b"\xff" * 30])
def test_a_torn_file_is_told_in_a_sentence_and_nothing_is_loaded(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registers, "settings_of", lambda *_: None)
    (file := tmp_path / "people.jsonl.gz").write_bytes(content)
    assert cli.run(["registers", "load", "population", str(file), "--language", "en"]) == cli.FAILED
    assert f"{file} does not unpack: its end is missing, or it was damaged." in capsys.readouterr().err


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "bar", "sum_of"),
    [
        ("vi", "Đang nạp population", "Đã đọc 2 dòng: 2 đúng, 0 lỗi; đã nạp 2."),
        ("en", "Loading population", "2 rows read, 2 good, 0 bad, 2 loaded."),
        ("fr", "Chargement de population", "2 lignes lues, 2 bonnes, 0 fautives, 2 chargées."),
    ],
)
def test_a_load_shows_on_a_terminal_how_far_it_is(
    language: str, bar: str, sum_of: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("sys.stderr", terminal := io.StringIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(messages, "_chosen", [])
    monkeypatch.setattr(registers, "settings_of", lambda *_: None)
    file = tmp_path / "people.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in (MOTHER, FATHER)), "utf-8")
    assert cli.run(["registers", "load", "population", str(file), "--language", language]) == 0
    assert bar in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
    assert "/s" in terminal.getvalue()
    assert capsys.readouterr().out.strip() == sum_of


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "kept", "nothing", "there"),
    [
        ("vi", "Những gì đã nạp được giữ lại", "chưa nạp gì từ tệp này", "1 đã có sẵn và được bỏ qua."),
        ("en", "What was loaded before stays", "nothing of this file is loaded", "1 were there already"),
        ("fr", "Ce qui était chargé reste", "rien de ce fichier n’est chargé", "1 y étaient déjà"),
    ],
)
def test_an_interrupted_load_says_what_is_loaded_and_how_to_go_on(
    language: str, kept: str, nothing: str, there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(messages, "_chosen", [])
    monkeypatch.setattr(registers, "settings_of", lambda *_: None)
    file, read = tmp_path / "people.jsonl", importing.lines_of
    file.write_text("\n".join(json.dumps(row) for row in (MOTHER, FATHER)), "utf-8")

    def cut_off(path: Path) -> Iterator[str]:
        yield next(read(path))
        raise KeyboardInterrupt

    words = ["registers", "load", "population", str(file), "--language", language]
    with monkeypatch.context() as interrupted:
        interrupted.setattr(importing, "lines_of", cut_off)
        interrupted.setattr(importing, "count_of", lambda _path: None)
        for more, said in (([], nothing), (["--in-parts"], kept)):
            assert cli.run([*words, *more]) == cli.INTERRUPTED
            assert said in capsys.readouterr().err
    service.load("population", [MOTHER])
    assert cli.run([*words, "--in-parts"]) == 0
    assert there in capsys.readouterr().out
    assert service.count("population") == 2


@pytest.mark.django_db
def test_retention_tells_what_is_due_and_does_it_only_when_it_is_no_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    old = {"notice": "01901.GCS.00001.10", "mother": MOTHER["number"], "born": "2010-11-01T06:40", "sex": "F"}
    old |= {"weight_g": 3150, "place": {"facility": "Lotus", "unit": "00199"}, "facility": "facility-01901"}
    service.load("birth-notices", [old])
    parser = argparse.ArgumentParser()
    registers.add_arguments(parser)
    for arguments, told in (
        (["retention", "--dry-run"], "1 to archive, 0 to destroy; due."),
        (["retention", "birth-notices"], "1 to archive, 0 to destroy; done."),
        (["retention", "birth-notices", "--dry-run"], "0 to archive, 0 to destroy; due."),
    ):
        assert registers.retention(parser.parse_args(arguments)) == 0
        shown = capsys.readouterr().out
        assert f"birth-notices (born + 10y, destroyed + 100y; illustrative): {told}" in shown
        assert ("population: no rule, kept in reach." in shown) == (len(arguments) == 2 and arguments[1] == "--dry-run")


def test_load_takes_a_register_and_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(registers, "settings_of", lambda *_: None)
    assert cli.run(["registers", "load", "population"]) == 2
    assert "takes a register and a file" in capsys.readouterr().err


@pytest.mark.parametrize(("role", "said"), [(None, "ONEDOOR_ROLE is missing; it must be node"), ("test", "is “test”")])
def test_the_command_is_for_a_node_alone(
    role: str | None, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ONEDOOR_ROLE", raising=False)
    if role:
        monkeypatch.setenv("ONEDOOR_ROLE", role)
    assert cli.run(["registers", "load", "population", "people.jsonl"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.django_db
def test_changes_heard_are_lines_of_json_one_reads_on_from(capsys: pytest.CaptureFixture[str]) -> None:
    owner = Reader("VN/GOV/G01/POPULATION", "VN/GOV/G01/POPULATION", "insurance-upkeep", "l60-2024")
    for version in (2, 3):
        said = {"register": "population", "record": str(uuid7()), "version": version, "fields": ["sex"], "ended": False}
        following.hear(owner, said)
    parser = argparse.ArgumentParser()
    registers.add_arguments(parser)
    assert registers.changes(parser.parse_args(["changes"])) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["version"], first["fields"]) == (2, ["sex"])
    registers.changes(parser.parse_args(["changes", "population", "--after", first["id"]]))
    assert json.loads(capsys.readouterr().out) == second
