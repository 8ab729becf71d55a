"""A register that is silent bars nobody, and is asked again; what comes later is found."""

from datetime import timedelta

import pytest
from django.db import connection

from onedoor.cases.tests.conftest import NOW, Transport
from onedoor.cases.tests.test_pages import (  # noqa: F401 - the fixture is for every test here
    AGAIN,
    APPLY,
    MIDNIGHT,
    Visitor,
    own_language,
    submitted,
    text,
)
from onedoor.kernel import clock
from onedoor.registers.models import Record, Term

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


@pytest.mark.parametrize("silent", ["G01/POPULATION", "G15/CIVIL-STATUS", "G18/HEALTH"], ids=lambda name: name[:3])
def test_a_register_that_is_silent_bars_nobody_and_is_asked_again(transport: Transport, silent: str):
    transport.silent = {f"VN/GOV/{silent}"}
    mother = Visitor("mother")
    tree = mother.send(mother.get(APPLY), {})
    tree = mother.send(tree, {"relation": "mother"})
    assert tree.xpath(AGAIN)
    assert "This register does not answer" in text(tree)
    assert "cannot be used here" not in text(tree)
    assert not mother.get(f"{APPLY}/review").xpath("//input[@name='key']")
    transport.silent = set()
    tree = mother.send(mother.get(f"{APPLY}/child"), {}, AGAIN)
    assert mother.status == 200
    assert not tree.xpath(AGAIN)
    submitted(mother)


def test_a_register_that_answers_again_is_asked_by_going_on_but_not_at_once(transport: Transport):
    transport.silent = {"VN/GOV/G01/POPULATION"}
    mother = Visitor("mother")
    tree = mother.send(mother.get(APPLY), {})
    transport.silent = set()
    tree = mother.send(tree, {"relation": "mother"})
    assert tree.xpath(AGAIN)
    with clock.freeze(NOW + timedelta(seconds=16)):
        tree = mother.send(mother.get(f"{APPLY}/who"), {"relation": "mother"})
    assert not tree.xpath(AGAIN)
    submitted(mother)


@pytest.mark.parametrize("way", ["trying again", "coming back", "opening the page again"])
def test_a_birth_notice_that_comes_after_the_form_was_begun_is_found(way: str):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("registers_term", "registers_record"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER registers_nothing_removed")
        Term.objects.filter(record__register="birth-notices").delete()
        Record.objects.filter(register="birth-notices").delete()
    mother = Visitor("mother")
    tree = mother.send(mother.get(APPLY), {})
    tree = mother.send(tree, {"relation": "mother"})
    assert "cannot be used here" in text(tree)
    midwife = Visitor("midwife")
    midwife.send(midwife.get("desk/birth-notice"), MIDNIGHT)
    if way == "trying again":
        tree = mother.send(tree, {}, AGAIN)
    else:
        address = APPLY if way == "coming back" else mother.url
        assert "cannot be used here" in text(mother.get(address)), "a register is not asked at once again"
        with clock.freeze(NOW + timedelta(seconds=16)):
            tree = mother.get(address)
    assert "cannot be used here" not in text(tree)
    submitted(mother)
