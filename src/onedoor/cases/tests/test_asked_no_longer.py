"""What the form asks no longer is not sent: neither the answer nor its file; what only finds a record is no subject."""

import pytest

from onedoor.cases import service
from onedoor.cases.models import Attachment, FilePart
from onedoor.cases.tests.conftest import FATHER, MOTHER, work
from onedoor.cases.tests.story import ANSWERS, BIRTH, SignIn, only
from onedoor.kernel.actor import Actor
from onedoor.registers import service as registers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]
OF_A_FATHER = {"relation": "father", "mother_number": MOTHER, "mother_name": "Trần Thu Hà", "acknowledge": "yes"}
PROOF = {"paternity_proof": ("proof.pdf", b"%PDF of a laboratory")}
WEDDING = {"number": "15/2024", "husband": FATHER, "wife": MOTHER, "registered_on": "2024-03-08", "place": "00199"}


@pytest.fixture
def weddings() -> list[dict[str, str]]:
    return []


def fill(father: Actor) -> None:
    draft = service.begin(BIRTH, father)
    while draft.next_page:
        page = draft.page(draft.next_page)
        raw = {question.name: str(question.value or "") for question in page.questions}
        raw |= {name: value for name, value in {**ANSWERS, **OF_A_FATHER}.items() if name in raw}
        raw |= {one.name: one.choices[0].value for one in page.questions if one.choices and not raw[one.name]}
        draft = service.answer(BIRTH, page.id, raw, father, PROOF if page.id == "origin" else {})


def declared(actor: Actor) -> set[str]:
    return {line.name for line in service.review(BIRTH, actor)[1]}


def test_the_name_by_which_a_register_is_asked_is_not_whom_the_case_is_about(sign_in: SignIn) -> None:
    father, registrar = sign_in("father"), sign_in("civil-status")
    fill(father)
    code = service.submit(BIRTH, "key-1", father).code
    work()
    assert service.view(code, father).about == "Lê Trần An Nhiên"
    assert service.task(only(registrar), registrar).line.about == "Lê Trần An Nhiên"


def test_an_answer_and_its_file_that_are_asked_no_longer_are_neither_shown_nor_sent(sign_in: SignIn) -> None:
    father, registrar = sign_in("father"), sign_in("civil-status")
    fill(father)
    of_the_unmarried = {"mother_number", "mother_name", "acknowledge", "paternity_proof"}
    assert of_the_unmarried <= declared(father)
    registers.load("marriages", [WEDDING])
    draft = service.refresh(BIRTH, father)
    assert draft.ready
    assert not of_the_unmarried & declared(father)
    service.submit(BIRTH, "key-1", father)
    work()
    view = service.task(only(registrar), registrar)
    assert not of_the_unmarried & {answer.name for answer in view.answers}
    assert (view.files, Attachment.objects.count(), FilePart.objects.count()) == ((), 0, 0)
