"""``onedoor keys``: what it says, in three languages, and that no argument holds a number."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from onedoor.kernel.settings import current
from onedoor.site import cli
from onedoor.store import keys, resealing

NUMBER = "001099000001"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process be a system with a key of somebody."""
    monkeypatch.setattr("onedoor.site.commands.keys.settings_of", lambda *roles: None)
    monkeypatch.setattr(resealing, "GRACE", timedelta(0))
    monkeypatch.setenv("ONEDOOR_STATE", str(tmp_path))
    current.cache_clear()
    keys.key_for(NUMBER)
    yield
    monkeypatch.undo()
    current.cache_clear()


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert cli.run(["keys", *arguments]) == code
    told = capsys.readouterr()
    return told.err if code else told.out


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


WORDS = {"en": "Keys wrapped anew: 1.", "vi": "khóa đã bọc lại: 1.", "fr": "réenveloppées\u202f: 1."}


@pytest.mark.parametrize(("language", "words"), WORDS.items())
def test_a_rotation_says_what_it_did(capsys, language: str, words: str) -> None:
    before = keys.key_for(NUMBER)
    assert words in said(capsys, "rotate-master", "--language", language)
    assert keys.key_for(NUMBER) == before


def test_persons_are_named_on_the_standard_input(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, f"{NUMBER}\n\n001099000002\n")
    told = said(capsys, "rotate-persons", "--named")
    assert "Persons with a next key: 1." in told
    assert "Keys destroyed: 1." in told


def test_one_person_is_erased_at_a_time(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, f"{NUMBER}\n001099000002\n")
    assert "stdin named 2" in said(capsys, "erase", code=cli.FAILED)
    given(monkeypatch, "001099000002\n")
    assert "nothing to erase" in said(capsys, "erase", code=cli.FAILED)
    given(monkeypatch, f"{NUMBER}\n")
    told = said(capsys, "erase", "--request", "R-1")
    assert "Keys destroyed: 1." in told
    assert NUMBER not in told
    assert keys.live(NUMBER) is None
