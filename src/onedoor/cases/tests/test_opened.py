"""What was opened a moment ago is not opened again; of a destroyed key nothing is given out."""

import pytest

from onedoor.cases.opened import Opened
from onedoor.store import keys, sealed
from onedoor.store.sealed import KeyDestroyed, Place

PLACE = Place("table", "column", "row")


def envelope(subject="somebody"):
    return sealed.seal({"a": 1}, subject=subject, place=PLACE)


@pytest.fixture
def made():
    return []


def make(made):
    def more():
        made.append(len(made))
        return made[-1]

    return more


def test_the_same_envelope_is_opened_once(made):
    opened, one = Opened(), envelope()
    assert [opened.of(one, make(made)) for _ in range(3)] == [0, 0, 0]


def test_another_envelope_or_another_circumstance_is_opened_anew(made):
    opened, one = Opened(), envelope()
    assert opened.of(one, make(made)) == 0
    assert opened.of(envelope(), make(made)) == 1
    assert opened.of(one, make(made), "other files") == 2


def test_only_the_last_few_are_kept(made):
    opened, first = Opened(most=2), envelope()
    for one in (first, envelope(), envelope()):
        opened.of(one, make(made))
    assert opened.of(first, make(made)) == 3


def test_nothing_is_given_out_once_the_key_is_destroyed(made):
    opened, one = Opened(), envelope("somebody who is forgotten")
    opened.of(one, make(made))
    keys.destroy("somebody who is forgotten")
    with pytest.raises(KeyDestroyed):
        opened.of(one, make(made))
