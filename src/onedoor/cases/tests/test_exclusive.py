"""One birth notice, one open case."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.urls import reverse

from onedoor.cases import service
from onedoor.cases.errors import HeldByYourCase, HeldElsewhere
from onedoor.cases.models import Claim, Dossier
from onedoor.cases.tests.conftest import MOTHER, work
from onedoor.cases.tests.story import BIRTH, SignIn, fill, handed_over, only, submit
from onedoor.kernel.actor import Actor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def sends(actor: Actor, **answers: str) -> None:
    assert fill(actor, **answers).ready
    service.submit(BIRTH, "key-2", actor)


def test_who_declares_again_is_told_which_of_their_own_cases_it_is(sign_in: SignIn) -> None:
    mother, father = sign_in("mother"), sign_in("father")
    code = submit(mother).code
    with pytest.raises(HeldByYourCase, match=code):
        sends(mother)
    with pytest.raises(HeldByYourCase, match=code):  # it names him: he sees it
        sends(father, relation="father")
    assert Dossier.objects.count() == 1


def test_to_a_stranger_the_other_case_is_not_revealed(sign_in: SignIn) -> None:
    code = submit(sign_in("mother")).code
    sign_in("grandmother")
    fill(sign_in("grandmother"), relation="grandparent", mother_number=MOTHER)
    client = Client()
    client.post(reverse("identity:sign-in"), {"persona": "grandmother"})
    answer = client.post(reverse("cases:review", args=[BIRTH]), {"key": "key-2", "declaration": "yes"})
    assert answer.status_code == 409
    assert code not in answer.content.decode()
    with pytest.raises(HeldElsewhere):
        service.submit(BIRTH, "key-3", sign_in("grandmother"))


def test_two_parents_who_send_at_the_same_moment_open_one_case(sign_in: SignIn) -> None:
    mother, father = sign_in("mother"), sign_in("father")
    fill(mother)
    fill(father, relation="father")

    def send(actor: Actor) -> str:
        try:
            return service.submit(BIRTH, "key", actor).code
        except HeldByYourCase:
            return ""
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as together:
        codes = list(together.map(send, [mother, father]))
    assert [dossier.code for dossier in Dossier.objects.all()] == [code for code in codes if code]


def test_the_database_itself_keeps_a_record_from_a_second_case(sign_in: SignIn) -> None:
    submit(sign_in("mother"))
    held = Claim.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Claim(record=held.record, dossier=held.dossier).save(force_insert=True)


def test_a_withdrawn_case_lets_go_of_it(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    service.withdraw(submit(mother).code, mother)
    sends(mother)
    assert Dossier.objects.count() == 2


def test_a_refused_case_lets_go_of_it(sign_in: SignIn) -> None:
    mother, registrar = sign_in("mother"), sign_in("civil-status")
    handed_over(mother)
    service.refuse(only(registrar), "not_competent", "Cha mẹ không cư trú ở đây.", registrar)
    work()
    sends(mother)
    assert Dossier.objects.count() == 2
