"""Long commands show how far they are on a terminal, in its language, and nothing elsewhere."""

import io
import os
from pathlib import Path

import pytest

from onedoor.registers.importing import count_of
from onedoor.registers.people import files
from onedoor.site import cli, messages
from onedoor.site.progress import shown

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


def test_lines_are_counted_of_a_file_and_not_of_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "people.jsonl").write_text("{}\n{}\n")
    os.mkfifo(tmp_path / "pipe")
    assert (count_of(tmp_path / "people.jsonl"), count_of(tmp_path / "pipe")) == (2, None)
