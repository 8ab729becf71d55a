"""Where a new room goes: its level in the contract, its place among the rooms of each role."""

from pathlib import Path

import pytest

from onedoor.site import rooms
from onedoor.site.rooms import BadRoomName, NoCheckout, NoLevel, higher, installed, make, placed

CONTRACT = "[x]\nlayers =\n    site\n    (voice) | (city)\n    cases\n    registers | notices\n    kernel\n\n[y]\n"
SETTINGS = """ROOMS = {
    "portal": ["registers", "cases", "site"],
    "node": ["cases", "site"],
    "test": ["site"],
}
"""


def test_a_planned_room_leaves_its_parentheses_and_keeps_its_level() -> None:
    assert placed(CONTRACT, "voice", "", "") == CONTRACT.replace("(voice)", "voice")


def test_another_room_stands_beside_or_above_the_one_that_is_named() -> None:
    assert "    registers | notices | letters\n" in placed(CONTRACT, "letters", "notices", "")
    assert "    letters\n    registers | notices\n" in placed(CONTRACT, "letters", "", "registers")


@pytest.mark.parametrize(("beside", "above"), [("", ""), ("nothing", ""), ("", "nothing")])
def test_a_room_without_a_level_is_refused_with_the_rooms_there_are(beside: str, above: str) -> None:
    with pytest.raises(NoLevel, match="voice, city, cases"):
        placed(CONTRACT, "letters", beside, above)


def test_a_room_is_installed_below_what_stands_above_it() -> None:
    contract = placed(CONTRACT, "letters", "registers", "")
    text = installed(SETTINGS, "letters", higher(contract, "letters"), ["portal"])
    assert '"portal": ["registers", "letters", "cases", "site"]' in text
    assert '"node": ["cases", "site"]' in text
    assert '"test": ["letters", "site"]' in text


def test_a_line_that_grows_too_long_is_one_room_a_line_and_grows_again() -> None:
    settings = SETTINGS
    for name in (long := [letter * 30 for letter in "abcd"]):
        settings = installed(settings, name, ["site"], ["portal"])
    assert all(f'        "{name}",\n' in settings for name in long)
    assert max(map(len, settings.splitlines())) <= 120


@pytest.mark.parametrize("name", ["Voice", "two words", "x", "_a", "../x", "kernel"])
def test_an_odd_name_or_one_that_is_taken_changes_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "src/onedoor/site").mkdir(parents=True)
    (tmp_path / "src/onedoor/kernel").mkdir()
    (tmp_path / rooms.CONTRACT).write_text(CONTRACT)
    (tmp_path / rooms.SETTINGS).write_text(SETTINGS)
    (tmp_path / rooms.MAP).touch()
    with pytest.raises(BadRoomName):
        make(tmp_path, name, "", beside="", above="cases", roles=rooms.ROLES)
    assert (tmp_path / rooms.CONTRACT).read_text() == CONTRACT


def test_elsewhere_than_in_a_checkout_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoCheckout, match="is not a checkout"):
        make(tmp_path, "voice", "", beside="", above="", roles=rooms.ROLES)
