"""What the form and the desk tell at each step: facts to call wrong, how many steps, whom a register is about."""

import pytest

from onedoor.cases.tests.conftest import NOW
from onedoor.cases.tests.test_pages import (  # noqa: F401 - the fixture is for every test here
    APPLY,
    MIDNIGHT,
    MOST_PAGES,
    Visitor,
    answers,
    desk,
    own_language,
    submitted,
    walk,
)
from onedoor.procedures import service as procedures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def test_the_facts_of_the_twin_that_was_chosen_can_be_called_wrong_from_the_review():
    midwife = Visitor("midwife")
    midwife.send(midwife.get("desk/birth-notice"), MIDNIGHT)
    mother = Visitor("mother")
    tree = walk(mother)
    (address,) = tree.xpath("//dt[.='Sex']/../dd/a[contains(., 'Not right?')]/@href")
    assert address == f"/en/{APPLY}/child#known-sex"
    assert mother.get(address).xpath("//li[@id='known-sex']//button[@form='dispute']")


def test_the_registers_an_officer_may_look_into_are_numbered_and_none_is_called_you():
    submitted(Visitor("mother"))
    tree = desk(Visitor("civil-status"))
    looks = ["".join(one.itertext()).strip() for one in tree.xpath("//ol/li/form[input[@name='look']]/span")]
    assert looks == ["Parents’ marriage", "Births already registered"]
    population = procedures.in_force("vn.birth-linked", NOW.date()).data["applicant"]
    assert (population.label["en"], population.called["en"]) == ("You", "The person who declares")


@pytest.mark.parametrize("fathers_origin", ["37"])
@pytest.mark.parametrize(
    ("persona", "given"),
    [("mother", {}), ("grandmother", {"relation": "grandparent", "mother_number": "001196204817"})],
)
def test_the_number_of_steps_is_said_once_it_is_certain_and_then_never_changes(persona: str, given: dict[str, str]):
    visitor = Visitor(persona)
    tree = visitor.send(visitor.get(APPLY), {})
    said = []
    while not said or not visitor.url.endswith("/review"):
        said.append(tree.xpath("string(//p[starts-with(., 'Step ')])"))
        assert len(said) < MOST_PAGES
        tree = visitor.send(tree, answers(tree, **given))
    said.append(tree.xpath("string(//p[starts-with(., 'Step ')])"))
    assert said[0] == "Step 1"
    counted = [one for one in said if " of " in one]
    total = len({one.split()[1] for one in said})
    assert counted == [f"Step {number} of {total}" for number in range(2, total + 1)]
    assert visitor.client.get(f"/en/{APPLY}/origin").status_code == 200, "a page that the first answer added"
