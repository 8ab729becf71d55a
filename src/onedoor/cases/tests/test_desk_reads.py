"""What an authority reads of a dossier is on record before it is given: the hand-over, a task, its files, a search."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test import Client

from onedoor.cases import handover, held, service
from onedoor.cases.models import Task
from onedoor.cases.tests.conftest import FATHER, GRANDMOTHER, MOTHER, Transport, work
from onedoor.cases.tests.story import BIRTH, SignIn, handed_over, only, submit
from onedoor.cases.tests.test_pages import Visitor, own_language, text
from onedoor.exchange.service import ServiceUnavailable
from onedoor.kernel.actor import Actor
from onedoor.privacy.asking import HeldRead, reads
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.own import Wanted
from onedoor.privacy.service import NotPermitted, rules

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
DOSSIER = f"{held.KIND}{BIRTH}"
COMMUNE = "commune-00199.civil-status"


def recorded(user: str = COMMUNE) -> list[ReadRecord]:
    return list(ReadRecord.objects.filter(register=DOSSIER, user=user).order_by("id"))


def of_dossiers(actor: Actor) -> list[HeldRead]:
    """What the person is shown of reads of dossiers, the oldest first."""
    return [one for one in reversed(reads(actor, Wanted(most=200)).reads) if one.view.register == DOSSIER]


@contextmanager
def disk_full() -> Iterator[None]:
    """Have the database refuse each record of a read as it does when the disk is full."""
    with connection.cursor() as cursor:
        cursor.execute("""CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$""")
        cursor.execute("CREATE TRIGGER full_disk BEFORE INSERT ON privacy_readrecord EXECUTE FUNCTION full_disk()")
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION full_disk CASCADE")


def test_an_opened_task_is_shown_to_each_person_with_what_is_theirs_and_to_nobody_more(sign_in: SignIn) -> None:
    mother, father, grandmother, registrar = map(sign_in, ("mother", "father", "grandmother", "civil-status"))
    code = handed_over(mother).code
    before = {actor.person: len(of_dossiers(actor)) for actor in (mother, father, grandmother)}
    view = service.task(only(registrar), registrar)
    shown = {actor.person: of_dossiers(actor)[before[actor.person] :] for actor in (mother, father, grandmother)}
    ((hers,), (his,), (of_home,)) = shown.values()
    checked = {"mother.nationality", "father.nationality", "home.unit"}
    shown_there = {answer.name for answer in view.answers} | {held.APPLICANT, held.ABOUT}
    assert set(hers.view.fields) == shown_there | checked, "what a check tells of is read as well"
    assert his.view.fields == ("father", "father.nationality")
    assert of_home.view.fields == ("home", "home.unit")
    assert (hers.case, his.case, of_home.case) == (code, code, "")
    for one in (hers.view, his.view, of_home.view):
        assert (one.by_user, one.by_agency, one.operation) == (COMMUNE, "commune-00199", "read")
        assert (one.purpose, one.basis) == ("birth-registration", "l60-2014.14")


WORDS = {
    "vi": ("Hồ sơ: Khai sinh", "Đăng ký khai sinh", "Nhà của bé", "Người nộp hồ sơ"),
    "en": ("Dossier: Birth", "Registering the birth", "The child’s home", "Who applied"),
    "fr": ("Dossier : Naissance", "Enregistrer la naissance", "Le domicile de l’enfant", "Le demandeur"),
}


def test_it_is_told_in_words(sign_in: SignIn) -> None:
    registrar = sign_in("civil-status")
    code = handed_over(sign_in("mother")).code
    service.task(only(registrar), registrar)
    for language, words in WORDS.items():
        for page in ("reads", f"cases/{code}/reads"):
            shown = text(Visitor("mother", language).get(page))
            assert not [word for word in words if word not in shown]


def test_without_a_record_no_page_of_a_task_no_file_and_no_name_leaves(sign_in: SignIn) -> None:
    handed_over(sign_in("mother"))
    officer, task = Client(raise_request_exception=False), only(sign_in("civil-status"))
    officer.post("/en/sign-in", {"persona": "civil-status"})
    pages = (f"/en/desk/{task}", "/en/desk/?q=nhiên")
    with disk_full():
        for page in pages:
            answer = officer.get(page)
            assert answer.status_code == 503
            assert "Trần" not in answer.content.decode()
    assert not recorded()
    assert [officer.get(page).status_code for page in pages] == [200, 200]
    assert len(recorded()) == 2


def test_the_inbox_names_nobody_but_whom_a_search_found_by_name_on_record(sign_in: SignIn) -> None:
    code, officer = handed_over(sign_in("mother")).code, Visitor("civil-status")
    for query in ("", f"?q={code}", f"?q={code.replace('-', '')}", "?q=nobody"):
        page = text(officer.get(f"desk/{query}"))
        assert (code in page) == (query != "?q=nobody")
        assert not [name for name in ("Nhiên", "Thu Hà") if name in page]
    assert not recorded()
    assert "Lê Trần An Nhiên" in text(officer.get("desk/?q=an nhien"))
    (read,) = recorded()
    assert (read.case, read.fields) == (code, [held.APPLICANT, held.ABOUT])
    assert len(of_dossiers(sign_in("father"))) == 1, "the hand-over alone: nothing of his was shown"


def test_a_decision_shows_nothing_and_is_no_read(sign_in: SignIn) -> None:
    handed_over(sign_in("mother"))
    registrar, officer = sign_in("civil-status"), Client()
    officer.post("/en/sign-in", {"persona": "civil-status"})
    service.take(task := only(registrar), registrar)
    sent = officer.post(f"/en/desk/{task}/decide", {"decision": "accept"})
    assert (sent.status_code, Task.objects.get().state) == (302, "deciding")
    assert not recorded()


def test_a_file_is_a_read_of_its_own(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    code, task = handed_over(mother).code, only(registrar)
    service.ask_supplement(task, "A better picture, please.", registrar)
    work()
    service.supplement(code, "Here it is.", "s-1", mother, {"photo": ("a.jpg", b"picture")})
    work()
    assert recorded("commune-00199")[-1].fields == [held.SENT]
    (file,) = service.task(task, registrar).files
    assert held.SENT in recorded()[-1].fields
    with disk_full(), pytest.raises(OperationalError):
        service.file(task, file.field, registrar)
    count = len(recorded())
    assert service.file(task, file.field, registrar).content.endswith(b"picture")
    assert [one.fields for one in recorded()[count:]] == [[held.SENT]]


def test_a_hand_over_is_a_read_by_the_receiving_system_once_and_nothing_is_sent_without_it(
    sign_in: SignIn, transport: Transport
) -> None:
    father, code = sign_in("father"), submit(sign_in("mother")).code
    with disk_full(), pytest.raises(OperationalError):
        handover.send(code, "birth", 0)
    assert not [call for call in transport.carried if call.path == "hand-over"]
    transport.lose_answers_of.add("hand-over")
    for _again in range(3):
        with pytest.raises(ServiceUnavailable):
            handover.send(code, "birth", 0)
    (read,) = recorded("commune-00199")
    assert (read.client, read.purpose, read.case) == ("VN/GOV/G15/CIVIL-STATUS", "hand-over", code)
    given = next(call.body for call in transport.carried if call.path == "hand-over")
    people = {name: set(own) for name, own in given["context"]["names"].items() if name in ("mother", "father")}
    for who, fields in people.items():
        assert {f"{who}.{field}" for field in fields} <= {*read.fields, "mother.mother", "mother.father"}
    assert set(given["persons"]) == {FATHER, GRANDMOTHER}
    (his,) = of_dossiers(father)
    assert {"father.number", "father.full_name"} <= set(his.view.fields)
    assert not [name for name in his.view.fields if name.startswith("mother")]
    assert MOTHER not in str(read.fields)


def test_the_gate_asks_of_held_data_as_of_any_register(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_over(sign_in("mother"))
    registrar = sign_in("civil-status")
    monkeypatch.setattr(rules, "why_not_held", lambda *_: "purpose-not-in-force")
    with pytest.raises(NotPermitted):
        service.task(only(registrar), registrar)
    (read,) = recorded()
    assert read.refused == "purpose-not-in-force"
