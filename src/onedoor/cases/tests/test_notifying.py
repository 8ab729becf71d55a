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


def test_every_notice_names_the_child_and_the_case(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    code = handed_over(mother).code
    service.withdraw(code, mother)
    assert [one.about for one in told(mother)] == [f"{CHILD} · {code}"] * 2


def test_the_other_parent_is_told_of_the_case_in_which_he_stands(sign_in: SignIn) -> None:
    father, mother = sign_in("father"), sign_in("mother")
    code = handed_over(mother).code
    (named,) = told(father)
    assert "You are named in case" in named.text
    assert (named.facts["code"], named.about, named.link) == (code, f"{CHILD} · {code}", f"cases/{code}")
    service.withdraw(code, mother)
    assert "was withdrawn" in told(father)[0].text


def test_who_signs_in_later_is_told_once_and_who_is_not_named_never(sign_in: SignIn) -> None:
    handed_over(sign_in("mother"))
    for _visit in range(2):
        assert len(told(sign_in("father"))) == 1
    assert not told(sign_in("grandmother"))


def test_what_an_agency_asks_of_the_applicant_is_not_asked_of_others(sign_in: SignIn) -> None:
    father, registrar = sign_in("father"), sign_in("civil-status")
    handed_over(sign_in("mother"))
    (line,) = service.inbox(registrar).lines
    service.ask_supplement(line.id, "Which hospital was it?", registrar)
    assert len(told(father)) == 1
