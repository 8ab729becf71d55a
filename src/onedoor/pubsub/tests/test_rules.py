"""What an event may hold, whatever the personal numbers of a nation look like."""

import pytest

from onedoor.kernel.nation.shapes import Shape
from onedoor.pubsub import rules
from onedoor.pubsub.errors import PersonInEvent

DIGITS = Shape("[0-9]{12}", "101196204817", {"en": "twelve digits"})


@pytest.mark.parametrize("value", [101196204817, 101196204817.0])
def test_a_personal_number_is_one_as_a_number_too(value: float) -> None:
    for event in ({"of": value}, {"of": [{"child": value}]}):
        with pytest.raises(PersonInEvent):
            rules.check_content(event, DIGITS)


@pytest.mark.parametrize("value", [10119620481, -101196204817, 101196204817.5, 10.101196204817, True, None, 1e308])
def test_another_number_is_none(value: object) -> None:
    rules.check_content({"of": value}, DIGITS)
