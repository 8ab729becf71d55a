from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.procedures import resting, rules
from onedoor.procedures.answers import AnswerFault
from onedoor.procedures.expressions import Context
from onedoor.procedures.rules import Inputs
from onedoor.procedures.tests.births import (
    FATHER,
    GRANDMOTHER,
    MOTHER,
    NOW,
    VIETNAM,
    Registers,
    notice,
)
from onedoor.procedures.world import world_of

WORLD = world_of(VIETNAM, date(2026, 11, 22))
HOME = "H0000000001"
ALL = {
    "relation": "mother",
    "child_name": "Lê Trần An Nhiên",
    "native_place": "01",
    "home": HOME,
    "clinic": "01-A",
    "wants_identity_card": False,
    "delivery": "electronic",
    "integrate": True,
    "declaration": True,
}


def filing(
    person: str = MOTHER, registers: Registers | None = None, today: str = "2026-11-22", **answers: Any
) -> Inputs:
    inputs = Inputs(today, {"number": person, "name": "", "level": 2}, answers=answers)
    return replace(inputs, found=rules.settle(NOW, inputs, WORLD, (registers or Registers()).ask))


def known(*args: Any, **answers: Any) -> Context:
    return rules.context(NOW, filing(*args, **answers), WORLD)


def pages(at: Context) -> list[str]:
    return [page.id for page in rules.visible_pages(NOW, at)]


def asked(at: Context) -> list[str]:
    return [asked.id for page in rules.visible_pages(NOW, at) for asked in rules.visible_fields(page, at)]


def barred(at: Context, after: str | None = None) -> list[str]:
    return [rule.id for rule in rules.ineligible(NOW, at, after)]


def test_a_mother_answers_eight_questions_and_no_document() -> None:
    at = known(relation="mother")
    assert asked(at) == [name for name in ALL if name != "home"]
    assert at["form"]["home"] == HOME
    assert barred(at) == []


def test_every_answer_given_leaves_none_missing() -> None:
    at = known(**ALL)
    assert [field.id for page in NOW.pages for field in rules.missing_answers(page, at, WORLD)] == []
    assert barred(at) == []


def test_facts_come_with_the_answer_to_one_question() -> None:
    at = known(relation="mother")
    assert at["father"]["full_name"] == "Lê Minh Quân"
    assert at["fact"] == {
        "sex": "F",
        "born": "2026-11-19",
        "place": "Bệnh viện Phụ sản Hoa Sen, Phường Láng, Thành phố Hà Nội",
        "mother": "Trần Thu Hà",
        "father": "Lê Minh Quân",
    }


def test_the_same_question_goes_to_a_register_once() -> None:
    registers = Registers()
    filing(registers=registers, relation="mother")
    questions = [query.same for query in registers.asked]
    assert len(questions) == len(set(questions))


def test_a_changed_answer_asks_again_only_what_depends_on_it() -> None:
    first, registers = filing(FATHER, relation="mother"), Registers()
    now = replace(first, answers={"relation": "father"})
    found = rules.settle(NOW, now, WORLD, registers.ask)
    assert found["mother"].records[0]["number"] == MOTHER
    assert "applicant" not in {query.source.id for query in registers.asked}


def test_a_register_that_does_not_answer_is_asked_once_and_left_open() -> None:
    registers = Registers()
    registers.silent = {"residence"}
    at = filing(registers=registers, relation="mother")
    assert "mother_home" not in at.found
    assert [query.source.register for query in registers.asked].count("residence") == 1 + 1  # hers and his


def test_two_children_make_one_more_question() -> None:
    twins = Registers(birth_notices=[notice(), notice("01901.GCS.00002.26", born="2026-11-19T06:58")])
    at = known(MOTHER, twins, relation="mother")
    assert "notice" in asked(at)
    assert [choice.label["vi"] for choice in rules.choices(NOW.fields["notice"], at, WORLD)][1].startswith(
        "19/11/2026 06:58 · Bệnh viện Phụ sản Hoa Sen"
    )


def test_a_child_registered_already_cannot_be_chosen_again() -> None:
    done = Registers(births=[{"notice": notice()["notice"], "mother": {"number": MOTHER}}])
    assert barred(known(MOTHER, done, relation="mother"), "who") == ["unregistered"]


def test_a_grandmother_names_the_mother_and_is_believed_by_the_population_database() -> None:
    assert "mother_number" in asked(known(GRANDMOTHER, relation="grandparent"))
    assert barred(known(GRANDMOTHER, relation="grandparent", mother_number=MOTHER)) == []


def test_nobody_else_is_a_grandparent() -> None:
    assert barred(known(FATHER, relation="grandparent", mother_number=MOTHER), "who") == ["grandparent"]


def test_a_father_who_is_not_married_acknowledges_with_proof() -> None:
    alone = Registers(marriages=[])
    named: dict[str, Any] = {"relation": "father", "mother_number": MOTHER, "mother_name": "TRAN THU HA"}
    at = known(FATHER, alone, **named, acknowledge=True)
    assert {"mother_number", "mother_name", "acknowledge", "paternity_proof"} <= set(asked(at))
    assert barred(at) == []
    assert barred(known(FATHER, alone, **named, acknowledge=False)) == ["paternity"]


def test_a_number_without_its_name_opens_nobodys_data() -> None:
    alone = Registers(marriages=[])
    for name in (None, "Trần Thu Hằng"):
        at = known(FATHER, alone, relation="father", mother_number=MOTHER, mother_name=name)
        assert barred(at, "who") == ["mother_named"]


def test_an_unmarried_mother_leaves_the_father_out() -> None:
    at = known(MOTHER, Registers(marriages=[]), relation="mother")
    assert at["father"] is None
    assert "native_place" not in asked(at)
    assert at["form"]["native_place"] == "01"


@pytest.mark.parametrize(("today", "late"), [("2027-01-18", []), ("2027-01-19", ["on_time"])])
def test_sixty_days_are_on_time_and_sixty_one_are_not(today: str, late: list[str]) -> None:
    assert barred(known(MOTHER, None, today, relation="mother")) == late


def test_no_notice_no_form() -> None:
    assert barred(known(MOTHER, Registers(birth_notices=[]), relation="mother"), "who") == ["notice"]


def test_a_disputed_fact_is_asked_and_the_answer_counts() -> None:
    inputs = replace(filing(relation="mother"), disputed=frozenset({"sex"}))
    assert "sex_corrected" in asked(rules.context(NOW, inputs, WORLD))
    said = replace(inputs, answers={"relation": "mother", "sex_corrected": "M"})
    assert rules.context(NOW, said, WORLD)["fact"]["sex"] == "M"


def test_a_commune_that_takes_no_part_says_so() -> None:
    from onedoor.procedures.tests.births import HOUSEHOLD

    elsewhere = Registers(residence=[{**HOUSEHOLD, "unit": "00004"}])
    assert barred(known(MOTHER, elsewhere, relation="mother", home=HOME)) == ["commune"]


def test_only_clinics_of_the_province_can_be_chosen() -> None:
    codes = {choice.value[:2] for choice in rules.choices(NOW.fields["clinic"], known(**ALL), WORLD)}
    assert codes == {"01"}
    with pytest.raises(AnswerFault):
        rules.validate_answer(NOW.fields["clinic"], "79-A", known(**ALL), WORLD)


def test_an_answer_that_is_needed_says_so_in_the_services_words() -> None:
    with pytest.raises(AnswerFault) as fault:
        rules.validate_answer(NOW.fields["child_name"], "  ", known(relation="mother"), WORLD)
    assert fault.value.own["vi"] == "Hãy viết tên của bé."


@given(answers=st.fixed_dictionaries({}, optional={key: st.sampled_from([value, None]) for key, value in ALL.items()}))
def test_whatever_is_answered_the_form_stays_sound(answers: dict[str, Any]) -> None:
    at = known(MOTHER, **answers)
    missing = {field.id: field for page in NOW.pages for field in rules.missing_answers(page, at, WORLD)}
    for key, field in missing.items():
        offered = {choice.value for choice in rules.choices(field, at, WORLD)}
        assert answers.get(key) is None or answers[key] not in offered
    if answers == ALL:
        assert not missing
    rules.ineligible(NOW, at)


@given(
    st.sampled_from([MOTHER, FATHER, GRANDMOTHER, "079090000001"]), st.sampled_from(["mother", "father", "grandparent"])
)
def test_settling_again_asks_nothing(person: str, relation: str) -> None:
    inputs, registers = filing(person, relation=relation, mother_number=MOTHER), Registers()
    assert rules.settle(NOW, inputs, WORLD, registers.ask) == inputs.found
    assert registers.asked == []


def test_whether_a_page_asks_anything_rests_on_questions_and_registers_or_on_nothing() -> None:
    by_page = {page.id: resting.deciding(NOW, page) for page in NOW.pages}
    assert [name for name, (questions, sources) in by_page.items() if questions or sources] == ["origin", "home"]
    questions, sources = by_page["home"]
    assert questions == {"relation", "mother_number", "mother_name"}
    assert {"mother_home", "father_home", "mother", "father", "marriage"} <= sources
