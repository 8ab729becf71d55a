"""What the pages tell people to do is done here, and does what they say."""

import shutil
from pathlib import Path

import pytest

from tests.docs import runner
from tests.reference import ROOT

DOCS = ROOT / "docs"
PARTS = ("src", "tests", "docs", "nations", "bench")
FILES = ("pyproject.toml", ".importlinter", "conftest.py", "mkdocs.yml")
LEFT = shutil.ignore_patterns("__pycache__", "*.mo", "fonts", "images", ".mypy_cache")
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of the checkout that a page may change."""
    for name in PARTS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=LEFT)
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_console_block_is_run_or_says_why_not(page: Path) -> None:
    assert not runner.unmarked(page), "write <!-- run --> or <!-- not run: why --> on the line before the block"


def test_a_new_room_passes_every_check_of_a_room(checkout: Path) -> None:
    runner.play(DOCS / "how-to" / "add-a-room.md", checkout)


def test_the_tutorial_of_a_nation_of_your_own_goes_as_it_says(tmp_path: Path) -> None:
    runner.play(DOCS / "tutorials" / "a-nation-of-your-own.md", tmp_path)


def test_a_country_stands_where_the_page_says(checkout: Path) -> None:
    runner.play(DOCS / "how-to" / "see-where-a-country-stands.md", checkout)


def test_the_evidence_of_x_roads_messages_is_checked_as_the_page_shows(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "vectors", tmp_path / "tests" / "vectors")
    runner.play(DOCS / "how-to" / "check-a-messages-evidence.md", tmp_path)


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
    page.write_text("```console\n$ false\n```\n")
    assert runner.unmarked(page)
