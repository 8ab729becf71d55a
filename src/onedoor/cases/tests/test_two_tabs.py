"""A form open in two tabs, or gone back to while a register is slow: what was done last stays, and is what is sent."""

from typing import Any

import pytest

from onedoor.cases import service
from onedoor.cases.models import Dossier
from onedoor.cases.tests.conftest import Transport
from onedoor.cases.tests.story import BIRTH, SignIn, fill
from onedoor.cases.tests.test_pages import APPLY, Visitor, answers, own_language, text, walk
from onedoor.exchange.service import Call

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


@pytest.fixture
def weddings() -> list[dict[str, str]]:
    return []


def test_what_is_answered_while_a_register_is_asked_for_another_tab_stays(
    transport: Transport, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mother, carry, names = sign_in("mother"), transport.carry, ["Trần An Khang"]
    fill(mother)

    def slow(call: Call) -> Any:
        if names:
            service.answer(BIRTH, "child", {"child_name": names.pop()}, mother)
        return carry(call)

    monkeypatch.setattr(transport, "carry", slow)
    draft = service.refresh(BIRTH, mother)
    assert not names
    assert [draft.page("child").questions[0].value, service.draft(BIRTH, mother).ready] == ["Trần An Khang", True]
    names += ["Trần An Khang", "Trần An Nhiên"] * 5
    assert service.refresh(BIRTH, mother).ready, "it does not go on for ever"


def test_what_was_changed_after_it_was_looked_over_is_looked_over_again() -> None:
    mother = Visitor("mother")
    review, address = walk(mother), mother.url
    other = mother.get(f"{APPLY}/child")
    mother.send(other, {"child_name": "Trần An Khang"})
    mother.url = address
    again = mother.send(review, answers(review))
    assert (mother.url, Dossier.objects.count()) == (address, 0)
    assert "Trần An Khang" in text(again)
    mother.send(again, answers(again))
    assert (mother.url.rpartition("/")[2], Dossier.objects.count()) == ("receipt", 1)
