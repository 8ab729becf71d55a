"""A service is suggested to who agreed to it, asked of the register then and there, and to nobody else."""

import pytest

from onedoor.cases import service
from onedoor.cases.tests.conftest import MOTHER, NOTICE, Transport, work
from onedoor.cases.tests.story import SignIn, only, submit
from onedoor.cases.tests.test_pages import Visitor, own_language, text  # noqa: F401 - the fixture is for every test here
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer
from onedoor.kernel.actor import Actor
from onedoor.privacy.consents import decisions
from onedoor.privacy.models import ReadRecord

PURPOSE = "birth-suggestion"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def say(actor: Actor, *, given: bool) -> None:
    decisions.decide(MOTHER, PURPOSE, 1, given=given, by=actor)


def asked() -> int:
    return ReadRecord.objects.filter(purpose=PURPOSE, register="birth-notices", refused="").count()


def test_nothing_is_asked_before_the_person_agreed_nor_after_they_took_it_back(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    before = service.suggestions(mother)
    assert (before.found, [purpose for purpose, _ in before.unasked], asked()) == ((), [PURPOSE], 0)
    say(mother, given=True)
    (found,) = service.suggestions(mother).found
    assert (found.service, [one.name for one in found.facts]) == ("vn.birth-linked", ["born", "sex"])
    assert asked() == 1
    say(mother, given=False)
    assert not service.suggestions(mother).found
    assert asked() == 1


def test_a_notice_that_was_used_suggests_nothing_any_more(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    say(mother, given=True)
    submit(mother)
    work()
    service.accept(only(registrar), registrar)
    work()
    assert not service.suggestions(mother).found


def test_a_register_that_is_silent_is_named(sign_in: SignIn, transport: Transport) -> None:
    mother = sign_in("mother")
    say(mother, given=True)
    transport.silent = {"VN/GOV/G18/HEALTH"}
    shown = service.suggestions(mother)
    assert not shown.found
    assert [name["en"] for name in shown.silent] == ["Register of birth notices"]


@pytest.mark.parametrize("odd", [[], {}, {"records": 7}, {"records": [7]}])
def test_a_register_whose_answer_cannot_be_read_is_named_as_silent(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, odd: object
) -> None:
    mother = sign_in("mother")
    say(mother, given=True)
    monkeypatch.setattr(exchange, "ask_each", lambda calls, timeout: iter([Answer(200, odd, {}, "m") for _ in calls]))
    shown = service.suggestions(mother)
    assert (shown.found, [name["en"] for name in shown.silent]) == ((), ["Register of birth notices"])


def test_the_page_leads_to_the_service_or_to_the_consent(sign_in: SignIn) -> None:
    visitor = Visitor("mother")
    tree = visitor.get("/en/suggested")
    assert tree.xpath(f"//main//a[contains(@href, 'consents#{PURPOSE}')]")
    say(sign_in("mother"), given=True)
    tree = visitor.get("/en/suggested")
    assert tree.xpath("//main//a[contains(@href, 'services/vn.birth-linked/apply')]")
    assert NOTICE["born"][:4] in text(tree)
