"""An officer looks a record up by hand: by a right that names the post, for a case of the desk, on record first."""

from typing import Any

import pytest

from onedoor.cases import looking, naming, service
from onedoor.cases.errors import NoRightToLook
from onedoor.cases.models import Attempt
from onedoor.cases.tests.conftest import FATHER, MOTHER, NOW, Transport, work
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.cases.tests.test_desk_reads import disk_full
from onedoor.cases.tests.test_pages import Visitor, own_language, text
from onedoor.cases.tests.test_round_trips import round_trips
from onedoor.exchange.service import ServiceUnavailable
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import case_code
from onedoor.privacy import records, rights, rules
from onedoor.privacy.models import ReadRecord
from onedoor.registers import service as registers
from onedoor.store.models import LedgerEntry

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
BY_NUMBER = service.Look("permanent-residence", "population", "number")
FORM = "desk/look-up/permanent-residence/population/number"
OF_MOTHER = "desk/look-up/permanent-residence/births/mother"
NOBODYS = "001190204813"
NOT_GRANTED = ("phone", "Ethnicity", "Telephone")


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(naming, "wait", found.append)
    return found


@pytest.fixture
def case(sign_in: SignIn) -> str:
    """A birth that the commune has registered, so that the police have a task of it."""
    code = handed_over(sign_in("mother")).code
    registrar = sign_in("civil-status")
    service.accept(only(registrar), registrar)
    work()
    return code


def reads() -> list[ReadRecord]:
    return list(ReadRecord.objects.filter(user="police-00199.residence").order_by("id"))


def looked(visitor: Visitor, path: str = FORM, **values: str) -> Any:
    return visitor.send(visitor.get(path), {name.replace("by_", "by-", 1): one for name, one in values.items()})


def test_an_officer_finds_a_record_in_the_fields_of_the_right_once_the_read_is_on_record(case: str) -> None:
    police = Visitor("residence")
    offered = police.get("desk/look-up")
    assert {one.get("href") for one in offered.xpath("//main//li/a")} >= {f"/en/{FORM}"}
    assert police.get("desk/").xpath("//nav//a[@href='/en/desk/look-up']")
    shown = looked(police, by_number=f"{MOTHER[:3]} {MOTHER[3:]}", case=case.lower())
    assert "1 record found" in text(shown)
    assert "Trần Thu Hà" in text(shown)
    assert "14/05/1996" in text(shown)
    assert not [word for word in NOT_GRANTED if word in text(shown)]
    (read,) = reads()
    assert (read.purpose, read.basis, read.case) == ("permanent-residence", "l68-2020", case)
    assert str(read.id) in text(shown)
    assert LedgerEntry.objects.get(id=read.entry).kind == "privacy.read"
    assert set(read.fields) == {"number", "full_name", "born", "sex", "residence", "status"}
    assert MOTHER not in police.url


@pytest.mark.parametrize("language", ["vi", "fr"])
def test_what_was_found_is_named_in_the_officers_language(case: str, language: str) -> None:
    shown = text(looked(Visitor("residence", language), by_number=MOTHER, case=case))
    assert {"vi": "Ngày sinh", "fr": "Date de naissance"}[language] in shown
    assert "14/05/1996" in shown


def test_the_person_sees_that_the_officer_looked(case: str) -> None:
    mother, officer = Visitor("mother"), "Residence registration officer"
    assert officer not in text(mother.get(f"cases/{case}/reads"))
    looked(Visitor("residence"), by_number=MOTHER, case=case)
    assert officer in text(mother.get(f"cases/{case}/reads"))


def test_a_register_of_another_agency_is_asked_over_the_exchange(case: str, transport: Transport) -> None:
    actor, look = actor_of("residence"), service.Look("permanent-residence", "births", "mother")
    held = registers.names()
    transport.carried.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registers, "names", lambda: {key: name for key, name in held.items() if key != "births"})
        (found,) = service.look_up(look, {"mother": MOTHER}, case, actor).found
        assert [line.name for line in found][:3] == ["number", "child", "full_name"]
        (call,) = transport.carried
        assert (call.service, call.user) == ("VN/GOV/G15/CIVIL-STATUS/births", "police-00199.residence")
        transport.silent.add("VN/GOV/G15/CIVIL-STATUS")
        with pytest.raises(ServiceUnavailable):
            service.look_up(look, {"mother": MOTHER}, case, actor)
    (read,) = reads()
    assert (read.register, read.case) == ("births", case)


def actor_of(persona: str) -> Actor:
    from django.test import RequestFactory

    from onedoor.identity import service as identity
    from onedoor.identity.sessions import SessionStore

    request = RequestFactory().get("/")
    request.session = SessionStore()
    return identity.sign_in(request, persona)


def test_a_read_that_cannot_be_recorded_is_an_error_and_shows_nothing(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise OSError("the disk is full")

    police = Visitor("residence")
    form = police.get(FORM)
    monkeypatch.setattr(records, "row_of", broken)
    police.client.raise_request_exception = False
    data = dict(form.xpath("//main//form[@method='post']")[0].form_values()) | {"by-number": MOTHER, "case": case}
    answer = police.client.post(f"/en/{FORM}", data)
    assert answer.status_code == 500
    assert "Trần Thu Hà" not in answer.content.decode()


@pytest.mark.parametrize(
    ("form", "by", "name"),
    [(FORM, "by-number", "Trần Thu Hà"), (OF_MOTHER, "by-mother", "Lê Trần An Nhiên")],
    ids=["about whom is asked", "about whom is found"],
)
def test_the_record_is_kept_while_the_page_is_written_and_without_it_nothing_leaves(
    case: str, form: str, by: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    police = Visitor("residence")
    data = dict(police.get(form).xpath("//main//form[@method='post']")[0].form_values()) | {by: MOTHER, "case": case}
    with disk_full():
        answer = police.client.post(f"/en/{form}", data)
    assert answer.status_code == 503
    assert name not in answer.content.decode()
    assert not reads()
    with round_trips(monkeypatch) as gone:
        shown = police.client.post(f"/en/{form}", data)
    assert name in shown.content.decode()
    assert len(gone) == 3, "who acts, the case, the register; the record of the read goes beside them"
    assert len(reads()) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"by_number": ""}, "Enter: Personal identification number"),
        ({"by_number": "12"}, "Enter the whole number."),
        ({"case": ""}, "for this purpose nothing is read outside one"),
        ({"case": "2611-0000-00"}, "is not a case code"),
        ({"case": case_code(NOW)}, "No open case with this code is at your desk."),
    ],
)
def test_what_is_missing_is_said_at_its_field_and_nothing_is_read(case: str, typed: dict[str, str], said: str) -> None:
    police = Visitor("residence")
    shown = looked(police, **({"by_number": MOTHER, "case": case} | typed))
    assert police.status == 422
    field = "by-number" if "by_number" in typed else "case"
    assert said in text(shown.xpath(f"//*[@id='{field}-error']")[0])
    assert shown.xpath(f"//div[@role='alert']//a[@href='#{field}']")
    assert "Trần Thu Hà" not in text(shown)
    assert not reads()


def test_a_year_has_four_digits(case: str) -> None:
    police = Visitor("residence")
    path = "desk/look-up/permanent-residence/population/name"
    shown = looked(police, path, by_full_name="tran thu ha", by_born_year="96", case=case)
    assert "four digits" in text(shown)
    shown = looked(police, path, by_full_name="tran thu ha", by_born_year="1996", case=case)
    assert "Trần Thu Hà" in text(shown)


def test_who_is_not_there_is_answered_alike_and_on_record(case: str, waited: list[float]) -> None:
    police, answers = Visitor("residence"), []
    elsewhere = "desk/look-up/permanent-residence/births/child"  # the mother is known, but her birth is not in there
    for number in (NOBODYS, MOTHER):
        shown = text(looked(police, elsewhere, by_child=number, case=case)).replace(number, "NUMBER")
        answers.append(shown.replace(str(reads()[-1].id), "READ"))
    assert answers[0] == answers[1]
    assert "Nothing found" in answers[0]
    assert len(reads()) == len(waited) == 2
    assert all(0 < one <= naming.EVEN for one in waited)


@pytest.mark.parametrize("persona", ["civil-status", "cards", "midwife"])
def test_a_post_without_the_right_is_refused_and_it_is_on_record(case: str, persona: str) -> None:
    other = Visitor(persona)
    assert f"/en/{FORM}" not in [one.get("href") for one in other.get("desk/look-up").xpath("//a")]
    for answer in (other.client.get(f"/en/{FORM}"), other.client.post(f"/en/{FORM}", {"by-number": FATHER})):
        assert answer.status_code == 403
        assert "Lê Minh Quân" not in answer.content.decode()
    assert [one.what for one in Attempt.objects.filter(kind=looking.KIND)] == ["permanent-residence:population"] * 2
    with pytest.raises(NoRightToLook):
        service.look_up(BY_NUMBER, {"number": FATHER}, case, actor_of(persona))


def test_a_post_without_any_right_is_told_so() -> None:
    assert "Your post looks nothing up by hand" in text(Visitor("cards").get("desk/look-up"))
    assert not Visitor("cards").get("desk/").xpath("//nav//a[@href='/en/desk/look-up']")


@pytest.mark.parametrize("path", ["no-such/population/number", "permanent-residence/nothing/number"])
def test_a_look_up_that_is_not_there_is_not_found_or_not_allowed(path: str) -> None:
    police = Visitor("residence")
    assert police.client.get(f"/en/desk/look-up/{path}").status_code in (403, 404)
    assert police.client.get("/en/desk/look-up/permanent-residence/population/phone").status_code == 404


def test_a_right_without_a_case_takes_none_or_one_of_the_desk(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(rights.purposes())
    old = known["permanent-residence"]
    free = rules.Purpose(old.id, old.text, old.basis, old.grants, without_case=True)
    monkeypatch.setattr(rights, "purposes", lambda: known | {old.id: free})
    monkeypatch.setattr(nation.Nation, "daily", lambda _, make, *facts: make(*facts))
    police = Visitor("residence")
    assert "Trần Thu Hà" in text(looked(police, by_number=MOTHER, case=""))
    assert reads()[-1].case == ""
    assert "at your desk" in text(looked(police, by_number=MOTHER, case=case_code(NOW)))


def test_the_gate_itself_lets_no_other_post_use_a_grant_of_a_post(case: str) -> None:
    found = {right.register for right in service_rights("police-00199.residence")}
    assert found == {"population", "residence", "births"}
    assert not service_rights("police-00199.cards")
    assert not service_rights("")


def service_rights(user: str) -> list[rules.DeskRight]:
    day = nation.current().today()
    return rules.desk_rights(rights.purposes(), "VN/GOV/G01/POPULATION", user, day)
