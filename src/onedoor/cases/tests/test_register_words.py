import pytest

from onedoor.cases import register_words

pytestmark = pytest.mark.django_db


def said(register: str, **record: object) -> dict[str, str]:
    ((*lines,),) = register_words.told(register, [record])
    return {line.name: line.value["en"] for line in lines}


def test_codes_of_lists_units_and_agencies_are_said_in_words() -> None:
    birth = said("births", sex="F", nationality="VN", native_place="37", registered_at="commune-00199")
    assert birth == {
        "sex": "Female",
        "native_place": "Ninh Binh Province",
        "nationality": "Viet Nam",
        "registered_at": "People’s Committee of Lang Ward",
    }


def test_members_of_a_household_are_said_by_what_they_are_to_its_head() -> None:
    home = said("residence", members=[{"relation": "child-in-law", "number": "036094117302"}], unit="00199")
    assert home["members"] == "036094117302, Child-in-law"
    assert home["unit"].startswith("Lang Ward, ")


def test_what_is_empty_is_left_out_and_an_unknown_code_stays() -> None:
    assert said("births", native_place="", father=None, nationality="XX") == {"nationality": "XX"}


def test_several_stand_apart_by_a_semicolon_that_french_keeps_off_the_word() -> None:
    record = {"members": [{"relation": "head"}, {"relation": "child"}]}
    (((line,),),) = [register_words.told("residence", [record])]
    assert (line.value["en"].count("; "), line.value["fr"].count("\u202f; ")) == (1, 1)
    assert "\u202f" not in line.value["en"] + line.value["vi"]
