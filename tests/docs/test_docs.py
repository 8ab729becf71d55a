"""What the pages tell people to do is done here, and does what they say."""

import argparse
import shlex
import shutil
from importlib import import_module
from itertools import takewhile
from pathlib import Path

import pytest

from onedoor.site.cli import COMMANDS
from tests.docs import runner
from tests.reference import ROOT

DOCS = ROOT / "docs"
PARTS = ("src", "tests", "docs", "nations", "bench")
FILES = ("pyproject.toml", ".importlinter", "conftest.py", "mkdocs.yml", "README.md")
LEFT = shutil.ignore_patterns("__pycache__", "*.mo", "fonts", "images", ".mypy_cache")
KNOWN = ".mypy_cache"
"""What was found out of the modules before: the copy has the same, and need not find it out anew."""
NATION = ROOT / "tests" / "nation" / "running.py"
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of the checkout that a page may change."""
    for name in PARTS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=LEFT)
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    if (ROOT / KNOWN).exists():
        shutil.copytree(ROOT / KNOWN, tmp_path / KNOWN)
    return tmp_path


def named(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_of_commands_is_run_or_says_why_not(page: Path) -> None:
    wrong = "put commands in a console block, and <!-- run --> or <!-- not run: why --> on the line before it"
    assert not runner.unmarked(page), wrong


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_that_are_not_run_are_commands_and_name_the_test_that_stands_for_them(page: Path) -> None:
    for why, commands in runner.reasons(page):
        test = ROOT / why.rpartition("; ")[2]
        assert test.is_file(), f"{why}: name the test after “; ”"
        for command in commands:
            words = shlex.split(command)
            if "onedoor" in words and "podman" not in words:
                begins = understood(words[words.index("onedoor") + 1 :])
                lacking = [word for word in begins if f'"{word}"' not in played_by(test)]
                assert not lacking, f"{why}: that test does not run {command}"


def understood(words: list[str]) -> list[str]:
    """Return the command and its part; fail when the command line does not take *words*."""
    name, *rest = takewhile(lambda word: word not in ("<", ">", "|"), words)
    parser = argparse.ArgumentParser()
    import_module(COMMANDS[name][0]).add_arguments(parser)
    parser.parse_args(["0197c3f0-0000-7000-8000-000000000000" if word == "ID" else word for word in rest])
    parts = [one.choices for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return [name, *(word for word in rest[:1] for choices in parts if word in choices)]


def played_by(test: Path) -> str:
    """Return the text of a *test*, with that of the nation it starts if it starts one."""
    text = test.read_text("utf-8")
    return text + (NATION.read_text("utf-8") if "tests.nation.running" in text else "")


@pytest.mark.parametrize("page", [page for page in PAGES if any(runner.blocks(page))], ids=named)
def test_a_page_goes_as_it_says(page: Path, checkout: Path) -> None:
    runner.play(page, checkout)


def test_everybody_checks_a_read_of_their_data_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "vectors", tmp_path / "tests" / "vectors")
    runner.play(DOCS / "how-to" / "how-you-can-check-us.md", tmp_path)


def test_a_page_that_says_what_is_not_so_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- run -->\n```console\n$ echo one; echo two\none\n```\n")
    with pytest.raises(AssertionError, match="but the page shows"):
        runner.play(page, tmp_path)
    page.write_text("<!-- run -->\n```console\n$ echo one; echo two\n…\ntwo\n```\n")
    runner.play(page, tmp_path)
    page.write_text("<!-- run -->\n```console\n$ false\n```\n")
    with pytest.raises(AssertionError, match="left with 1"):
        runner.play(page, tmp_path)


@pytest.mark.parametrize(
    "block", ["```console\n$ false\n```", "```\nfalse\n```", "1. x\n   ```\n   false\n   ```", "    false"]
)
def test_a_block_of_commands_that_nothing_marks_is_found(block: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Do this:\n\n{block}\n")
    assert runner.unmarked(page)
