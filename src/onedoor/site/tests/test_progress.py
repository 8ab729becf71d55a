"""Long commands show how far they are on a terminal, in its language, and nothing elsewhere."""

import io
import os
from pathlib import Path

import pytest

from onedoor.registers.importing import count_of
from onedoor.registers.people import files
from onedoor.site import cli, messages
from onedoor.site.progress import shown
from onedoor.site.up import prepare
from onedoor.site.up.command import progress
from onedoor.site.up.plan import Options

SAID = {
    "vi": ("Đang tạo người", "Đang ghi"),
    "en": ("Making people", "Writing"),
    "fr": ("Création des personnes", "Écriture"),
}


@pytest.mark.parametrize("language", SAID)
def test_making_people_shows_on_a_terminal_how_far_it_is(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", terminal := io.StringIO())
    monkeypatch.setattr(messages, "_chosen", [])
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    words = ["nation", "--language", language, "people", "--count", "60", "--out", str(tmp_path)]
    assert cli.run(words) == 0
    written = sum(files.count(tmp_path, file.name.removesuffix(files.SUFFIX)) for file in tmp_path.glob("*.gz"))
    making, writing = SAID[language]
    assert making in terminal.getvalue()
    assert writing in terminal.getvalue()
    assert f"{written}/{written}" in terminal.getvalue()


def test_where_there_is_no_terminal_nothing_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    with shown("Writing", 2) as show:
        show(1)
    assert capfd.readouterr() == ("", "")


def test_who_starts_a_nation_sees_how_far_its_people_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", terminal := io.StringIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(messages, "_chosen", ["en"])
    options = Options(cli.DEFAULT_NATION.absolute(), tmp_path, 8000, people=60, seed=1)
    seen: list[tuple[str, int, int]] = []
    with progress(quiet=False) as (_say, far):
        folder = prepare.people(options, lambda *heard: (seen.append(heard), far(*heard)))
    written = sum(files.count(folder, file.name.removesuffix(files.SUFFIX)) for file in folder.glob("*.gz"))
    assert ("Making people", 60, 60) in seen
    assert seen[-1] == ("Writing", written, written)
    assert f"Writing {'━' * 20} {written}/{written}" in terminal.getvalue()


def test_lines_are_counted_of_a_file_and_not_of_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "people.jsonl").write_text("{}\n{}\n")
    os.mkfifo(tmp_path / "pipe")
    assert (count_of(tmp_path / "people.jsonl"), count_of(tmp_path / "pipe")) == (2, None)
