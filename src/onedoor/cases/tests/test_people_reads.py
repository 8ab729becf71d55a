"""What people read of a dossier at the portal, and what an authority tells it, is on record before it is given."""

import pytest
from django.db import OperationalError
from django.test import Client

from onedoor.cases import held, service, shown, telling, working
from onedoor.cases.errors import NoSuchCase
from onedoor.cases.tests.conftest import FATHER, GRANDMOTHER, MOTHER, Transport, work
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.cases.tests.test_desk_reads import disk_full, of_dossiers, recorded
from onedoor.cases.tests.test_pages import Visitor, own_language, text
from onedoor.exchange.service import ServiceUnavailable
from onedoor.privacy.models import ReadPerson
from onedoor.privacy.records import BLIND
from onedoor.privacy.service import NotPermitted, rules
from onedoor.procedures import service as procedures
from onedoor.signing import pdf
from onedoor.store import keys

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
PORTAL = "VN/GOV/G22/PORTAL"
NAMES = ("Nhiên", "Thu Hà", "Minh Quân", "Chùa Láng")


def settled(sign_in: SignIn) -> str:
    """A case whose certificate is issued."""
    code = handed_over(sign_in("mother")).code
    registrar = sign_in("civil-status")
    service.accept(only(registrar), registrar)
    work()
    return code


def test_what_a_relative_opens_is_shown_to_each_other_with_what_is_theirs(sign_in: SignIn) -> None:
    mother, father, grandmother = map(sign_in, ("mother", "father", "grandmother"))
    code = handed_over(mother).code
    view = service.view(code, father)
    (read,) = recorded(father.person)
    assert (read.client, read.purpose, read.case) == (PORTAL, "own-case", code)
    declared = [answer.name for answer in view.answers]
    assert read.fields == [*declared, held.ABOUT, held.DECIDED]
    hers, of_home = (of_dossiers(actor)[-1] for actor in (mother, grandmother))
    assert (hers.view.fields, hers.case) == (tuple(read.fields), code)
    assert (of_home.view.fields, of_home.case) == (("home",), "")
    assert not [one for one in of_dossiers(father) if one.view.by_user == father.person]


def test_who_applied_is_on_record_only_with_what_is_about_others(sign_in: SignIn) -> None:
    mother, father = sign_in("mother"), sign_in("father")
    code = handed_over(mother).code
    service.view(code, mother)
    (read,) = recorded(mother.person)
    assert {"father", "home"} <= set(read.fields)
    assert not {"mother", "child_name", held.ABOUT, held.DECIDED} & set(read.fields)
    his = of_dossiers(father)[-1]
    assert "father" in his.view.fields
    assert "home" not in his.view.fields
    assert not [one for one in of_dossiers(mother) if one.view.by_user == mother.person]


def test_each_page_reads_what_it_shows_and_those_that_show_nothing_of_anybody_are_no_read(sign_in: SignIn) -> None:
    father, code = sign_in("father"), settled(sign_in)
    visitor = Visitor("father")
    for address in ("cases/", f"cases/{code}/withdraw", f"cases/{code}/reads", f"/api/cases/{code}", "inbox"):
        page = visitor.client.get(address if address[0] == "/" else f"/en/{address}")
        assert page.status_code == 200
        content = b"".join(page).decode().replace("Lê Minh Quân", "")
        assert not [name for name in NAMES if name in content], address
    assert not recorded(father.person)
    seen = {
        f"cases/{code}/results/birth_certificate/about": [held.RESULTS],
        f"cases/{code}/supplement": [held.DECIDED],
    }
    for address, fields in seen.items():
        visitor.get(address)
        assert recorded(father.person)[-1].fields == fields


def test_a_result_is_a_read_of_those_who_stand_on_it(sign_in: SignIn) -> None:
    mother, father, code = sign_in("mother"), sign_in("father"), settled(sign_in)
    file = service.result_file(code, "birth_certificate", mother)
    assert pdf.data_of(file.content)["father"]
    (read,) = recorded(mother.person)
    assert read.fields == [held.RESULTS]
    assert of_dossiers(father)[-1].view.record == str(read.id)
    assert {person for person in (FATHER, GRANDMOTHER, MOTHER) if is_about(read.id, person)} == {FATHER}
    service.result_file(code, "birth_certificate", father)
    assert {person for person in (FATHER, GRANDMOTHER, MOTHER) if is_about(recorded(father.person)[0].id, person)} == {
        MOTHER
    }


def is_about(record: object, person: str) -> bool:
    return ReadPerson.objects.filter(record_id=record, person=keys.blind(BLIND, person)).exists()


def test_without_a_record_no_page_of_a_case_and_no_result_leaves(sign_in: SignIn) -> None:
    code, visitor = settled(sign_in), Client(raise_request_exception=False)
    visitor.post("/en/sign-in", {"persona": "father"})
    case = f"/en/cases/{code}"
    with disk_full():
        answer = visitor.get(case)
        assert answer.status_code == 503
        assert not [name for name in NAMES if name in answer.content.decode().replace("Lê Minh Quân", "")]
        for actor in map(sign_in, ("mother", "father")):
            for seen in ([shown.DECLARED], [held.RESULTS]):
                with pytest.raises(OperationalError):
                    service.view(code, actor, seen)
            with pytest.raises(OperationalError):
                service.result_file(code, "birth_certificate", actor)
    assert visitor.get(case).status_code == 200


def test_the_gate_is_asked_of_what_people_see(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    father, code = sign_in("father"), handed_over(sign_in("mother")).code
    monkeypatch.setattr(rules, "why_not_held", lambda *_: "purpose-not-in-force")
    with pytest.raises(NotPermitted):
        service.view(code, father)
    assert [one.refused for one in recorded(father.person)] == ["purpose-not-in-force"]


def test_a_stranger_reads_nothing_and_is_an_attempt(sign_in: SignIn) -> None:
    grandmother, code = sign_in("grandmother"), handed_over(sign_in("mother")).code
    with pytest.raises(NoSuchCase):
        service.view(code, grandmother)
    assert not recorded(grandmother.person)


def test_an_outcome_is_a_read_by_the_portal_once_and_nothing_is_sent_without_it(
    sign_in: SignIn, transport: Transport
) -> None:
    father, grandmother, code = sign_in("father"), sign_in("grandmother"), handed_over(sign_in("mother")).code
    registrar = sign_in("civil-status")
    transport.lose_answers_of.add("outcome")
    service.accept(task := only(registrar), registrar)
    working.work(task)
    with disk_full(), pytest.raises(OperationalError):
        telling.tell(task, 1)
    assert not [call for call in transport.carried if call.path == "outcome"]
    for _again in range(3):
        with pytest.raises(ServiceUnavailable):
            telling.tell(task, 1)
    (read,) = recorded("G22")
    assert (read.client, read.purpose, read.case) == (PORTAL, "hand-over", code)
    told = next(call.body for call in transport.carried if call.path == "outcome")
    written = {f"{name}.{field}" for name, record in told["records"].items() for field in record}
    assert set(read.fields) == {*written, held.RESULTS, held.DECIDED}
    his = of_dossiers(father)[-1]
    assert {"birth.father", held.RESULTS} <= set(his.view.fields)
    assert not {"birth.mother", held.DECIDED} & set(his.view.fields)
    assert not [one for one in of_dossiers(grandmother) if one.view.by_user == "G22"]


def test_what_an_authority_asks_for_is_a_read_too(sign_in: SignIn) -> None:
    mother, code = sign_in("mother"), handed_over(sign_in("mother")).code
    registrar = sign_in("civil-status")
    service.ask_supplement(only(registrar), "Which hospital was it?", registrar)
    work()
    (read,) = recorded("G22")
    assert (read.fields, read.case) == ([held.DECIDED], code)
    assert of_dossiers(mother)[-1].view.record == str(read.id)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", ("Theo dõi hồ sơ của mình", "Những người có tên trong hồ sơ này")),
        ("en", ("Following one’s own dossier", "People who stand in this case")),
        ("fr", ("Suivre son dossier", "Des personnes nommées dans ce dossier")),
    ],
)
def test_it_is_told_in_words(sign_in: SignIn, language: str, words: tuple[str, str]) -> None:
    code = handed_over(sign_in("mother")).code
    service.view(code, sign_in("father"))
    mother = Visitor("mother", language)
    assert words[0] in text(mother.get("reads"))
    page = text(mother.get(f"cases/{code}/reads"))
    assert not [one for one in words if one not in page]


def test_what_stands_on_a_result_is_known_from_its_definition() -> None:
    definition = next(one for one in procedures.versions() if one.id == "vn.birth-linked")
    found = procedures.stands_on(definition, "birth_certificate")
    assert ("birth", "mother") in found or ("mother", "full_name") in found
    assert not [place for place in found if place[0] in ("issue", "session", "form", "fact")]
