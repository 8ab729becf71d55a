"""The portal's page “How you can check us”: each command that it shows is played, on what a person downloads."""

import shlex
from dataclasses import replace
from pathlib import Path

import lxml.html
import pytest
from django.test import Client

from onedoor.kernel.settings import current
from onedoor.privacy import pages
from onedoor.privacy.tests.test_own import person, read
from onedoor.privacy.tests.test_own import transport as transport
from onedoor.site import cli
from onedoor.site.published import Publisher
from onedoor.store import ledger, proving

pytestmark = pytest.mark.django_db
AT = "VN.GOV.G15.CIVIL-STATUS"
FILES = {"proof": "READ.tlog-proof", "details": "READ.details", "key": "KEY"}
"""What is downloaded of a read, by the names that the page gives the files."""
SAID = {
    "en": ("Proved: entry", "computed anew", "Not proved"),
    "vi": ("Đã chứng minh", "tính lại", "Không chứng minh được"),
    "fr": ("Prouvé\u202f: l’entrée", "recalculées", "Non prouvé"),
}


@pytest.mark.parametrize("language", SAID)
def test_the_commands_of_the_page_do_what_it_says(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = read()
    ledger.integrate()
    folder = tmp_path / "ledger"
    Publisher(folder)
    monkeypatch.setattr(proving, "folder_in", lambda _state: folder)
    monkeypatch.setattr(pages, "settings", lambda: replace(current(), public_url=str(tmp_path)))
    monkeypatch.chdir(tmp_path)
    for part, name in FILES.items():
        (tmp_path / name).write_bytes(person().get(f"/{language}/reads/{AT}/{record}/{part}").content)
    verify, audit = commands(language)
    proved, computed, not_proved = SAID[language]
    assert proved in played(verify, language, capsys)
    assert record in played(verify, language, capsys)
    for _again in range(2):
        assert computed in played(audit, language, capsys)
    details = tmp_path / "READ.details"
    details.write_text(details.read_text().replace("\n\n", "\n\nA", 1))
    assert not_proved in played(verify, language, capsys, leaves=1)


def commands(language: str) -> list[list[str]]:
    """Return the words of each command of the page."""
    tree = lxml.html.document_fromstring(Client().get(f"/{language}/how-you-can-check-us").content.decode())
    shown = [shlex.split(one.text_content()) for one in tree.xpath("//main//pre")]
    return [words[1:] for words in shown if words[0] == "onedoor"]


def played(words: list[str], language: str, capsys: pytest.CaptureFixture[str], leaves: int = 0) -> str:
    assert cli.run([*words, "--language", language]) == leaves
    return capsys.readouterr().out
