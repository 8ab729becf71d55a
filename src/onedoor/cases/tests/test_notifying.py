"""Who is told what of a case, in the inbox."""

import pytest

from onedoor.cases import service
from onedoor.cases.tests.conftest import work
from onedoor.cases.tests.story import SignIn, handed_over
from onedoor.kernel.actor import Actor
from onedoor.notices import service as notices

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
CHILD = "Lê Trần An Nhiên"


def told(actor: Actor) -> list[notices.NoticeView]:
    work()
    return list(notices.inbox(actor.person).notices)


def test_the_other_parent_is_told_of_the_case_in_which_he_stands_but_asked_for_nothing(sign_in: SignIn) -> None:
    father, mother, registrar = sign_in("father"), sign_in("mother"), sign_in("civil-status")
    code = handed_over(mother).code
    (named,) = told(father)
    assert "You are named in case" in named.text
    assert (named.facts["code"], named.about, named.link) == (code, code, f"cases/{code}"), "no name"
    (line,) = service.inbox(registrar).lines
    service.ask_supplement(line.id, "Which hospital was it?", registrar)
    assert len(told(father)) == 1, "only who applied can answer"
    service.withdraw(code, mother)
    assert "was withdrawn" in told(father)[0].text
    assert [one.about for one in told(mother)] == [f"{CHILD} · {code}"] * 3


def test_who_signs_in_later_is_told_once_and_who_is_not_named_never(sign_in: SignIn) -> None:
    handed_over(sign_in("mother"))
    for _visit in range(2):
        assert len(told(sign_in("father"))) == 1
    assert not told(sign_in("grandmother"))
