"""Commands speak the language of the terminal; what a program reads stays as it is."""

import ast
import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.settings import REPOSITORY
from onedoor.site import cli, messages
from onedoor.site.installation import NoInstallation

SITE = Path(cli.__file__).parent
SPEAKING = (
    *(
        "cli.py",
        "doctor.py",
        "measuring.py",
        "up/command.py",
        "up/prepare.py",
        "up/status.py",
        "story/command.py",
        "story/play.py",
    ),
    *(
        f"commands/{name}.py"
        for name in ("nation", "doctor", "backup", "restore", "measure", "migrate", "restart", "exchange", "seal")
    ),
    *(f"commands/ledger_{name}.py" for name in ("own", "public", "sources")),
)
SAYS = {"print", "say", "_say", "tell", "write", "_fail", "status", "NotPrepared", "NotGood", "NotResumed"}
"""Calls by which these modules say something to somebody."""
MARKUP = re.compile(r"\[/?\w+\]")
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture(autouse=True)
def silent_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    messages.use(None)
    yield
    messages.use(None)


@pytest.mark.parametrize(
    ("name", "value", "spoken"),
    [
        ("LANG", "vi_VN.UTF-8", "vi"),
        ("LC_ALL", "fr_FR.UTF-8", "fr"),
        ("LC_MESSAGES", "fr", "fr"),
        ("LANG", "C.UTF-8", "en"),
        ("LANG", "POSIX", "en"),
        ("LANG", "vie", "en"),
        ("LANG", "", "en"),
    ],
)
def test_the_environment_chooses_the_language(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, spoken: str
) -> None:
    monkeypatch.setenv(name, value)
    assert messages.language() == spoken


def test_what_is_asked_for_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "vi_VN")
    monkeypatch.setenv("LC_ALL", "fr_FR")
    assert messages.language() == "fr"
    messages.use("en")
    assert messages.text("Stopping.") == "Stopping."


@pytest.mark.parametrize(("language", "words"), [("vi", "Không"), ("en", "There is no"), ("fr", "Il n’y a")])
def test_a_command_says_in_the_language_asked_for_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, language: str, words: str
) -> None:
    assert cli.run(["status", "--var", str(tmp_path), "--language", language]) == cli.FAILED
    assert capsys.readouterr().err.startswith(f"onedoor: {words}")


def test_all_is_well_is_said_in_vietnamese_on_a_vietnamese_computer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "vi_VN.UTF-8")
    assert cli.run(["nation", "check", str(SITE.parents[2] / "nations" / "testland")]) == 0
    assert "không có lỗi" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["up", "status", "story", "nation", "doctor", "backup", "restore", "restart"])
def test_every_command_for_people_can_be_told_its_language(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit):
        cli.run([command, "--help"])
    assert "--language" in capsys.readouterr().out


@pytest.mark.parametrize("module", SPEAKING)
def test_nothing_is_said_that_no_catalogue_translates(module: str) -> None:
    """Every catalogue has what stands in ``_(…)`` (`test_translations`); so words may stand nowhere else."""
    tree = ast.parse((SITE / module).read_text("utf-8"))
    bare = [f"{module}:{node.lineno}: {words}" for node in ast.walk(tree) for words in _said(node)]
    assert not bare


def _said(node: ast.AST) -> Iterator[str]:
    """Yield the words that *node* says as they are."""
    if isinstance(node, ast.Yield) and isinstance(node.value, ast.Constant | ast.JoinedStr):
        yield from _words(node.value)
    if isinstance(node, ast.Call) and _name(node.func) in SAYS:
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from _words(argument)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _words(node: ast.AST) -> Iterator[str]:
    """Yield the literal words below *node*, those inside another call apart: ``_("…")`` is one."""
    if isinstance(node, ast.Call | ast.Subscript):
        return
    if isinstance(node, ast.FormattedValue):  # how it is written is no word
        yield from _words(node.value)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        plain = node.value.replace("onedoor", "").replace("MiB", "")
        if any(sign.isalpha() for sign in MARKUP.sub("", plain)):
            yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _words(child)


def test_the_guard_finds_a_bare_sentence() -> None:
    tree = ast.parse('print(f"{var}: all is well.")\nprint(_("Stopping."))\nyield "lost"')
    assert [words for node in ast.walk(tree) for words in _said(node)] == [": all is well.", "lost"]


def test_an_error_is_said_with_its_facts() -> None:
    messages.use("vi")
    error: OnedoorError = NoInstallation(var="/srv/one")
    assert "/srv/one" in error.text(messages.text)


@pytest.mark.parametrize(
    ("language", "why", "expected"),
    [
        ("vi", "tên phải là một từ gồm chữ thường", "nó phải là portal hoặc node"),
        ("en", "it must be one word of small letters", "it must be portal or node"),
        ("fr", "ce doit être un seul mot en minuscules", "il doit être portal ou node"),
    ],
)
def test_the_words_among_an_errors_facts_are_in_its_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str, why: str, expected: str
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    monkeypatch.delenv("ONEDOOR_ROLE", raising=False)
    assert cli.run(["new-room", "9x"]) == cli.run(["migrate"]) == cli.FAILED
    told = capsys.readouterr().err
    assert why in told
    assert expected in told


def test_what_the_system_refuses_is_said_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "fr")
    missing, full = OSError(errno.ENOENT, "No such file or directory", "/etc/x"), OSError(errno.ENOSPC, "No space left")
    again = ". Corrigez cela puis réessayez."
    assert cli.in_words(missing) == f"/etc/x\u202f: ce fichier n’existe pas{again}"
    assert cli.in_words(full) == f"L’ordinateur a refusé\u202f: le disque est plein{again}"


def test_a_database_that_is_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    away = {
        "ONEDOOR_ROLE": "portal",
        "ONEDOOR_MEMBER": "G22",
        "ONEDOOR_SUBSYSTEM": "VN/GOV/G22/PORTAL",
        "ONEDOOR_NATION": str(REPOSITORY / "nations" / "vietnam"),
        "ONEDOOR_STATE": str(tmp_path),
        "ONEDOOR_SECRET": "s" * 50,
        "ONEDOOR_DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
    }
    command = [sys.executable, "-m", "onedoor.site", "migrate", "--check"]
    done = subprocess.run(command, env={**os.environ, **away}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == cli.FAILED
    assert done.stderr.startswith("onedoor: The database does not answer, or refuses: ")
    assert "Traceback" not in done.stderr
    assert "nothing" not in done.stderr
