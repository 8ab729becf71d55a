import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.registers import definition, rules
from onedoor.registers.definition import Field
from onedoor.registers.identifiers import Identifier, Part, century_sex
from onedoor.registers.paths import first, values

REGISTERS = definition.registers()
numbers = st.from_regex(r"0[0-9]{11}", fullmatch=True)
days = st.dates(date(1900, 1, 1), date(2399, 12, 31))


class Draw:
    def province_of(self, code: str) -> str:
        return code[:2]

    def serial(self, scope: str) -> int:
        return 412

    def digits(self, count: int) -> str:
        return "7" * count


def test_paths_lead_into_objects_and_lists() -> None:
    record = {"head": "1", "members": [{"number": "1"}, {"number": ""}, {"number": "2"}], "father": None}
    assert list(values(record, "members.*.number")) == ["1", "2"]
    assert first(record, "father.number") is None
    assert list(values(record, "head.number")) == []


@given(days, st.sampled_from("MF"))
def test_the_number_of_a_person_tells_century_sex_and_year(born: date, sex: str) -> None:
    scheme = REGISTERS["population"].identifier
    record: dict[str, Any] = {"born": born.isoformat(), "sex": sex, "birth_registered_in": "00199"}
    record["number"] = number = scheme.make("population", record, Draw())
    assert re.fullmatch("[0-9]{12}", number)
    assert number[:3] == "000"
    assert number[3] == str((born.year // 100 - 19) * 2 + (sex == "F"))
    assert number[4:6] == f"{born.year % 100:02d}"
    assert scheme.agrees(record)
    assert not scheme.agrees(record | {"sex": "F" if sex == "M" else "M"})
    assert not scheme.agrees(record | {"born": f"{born.year % 100 + 1901}-01-01"})


def test_the_province_comes_from_the_first_place_that_is_known() -> None:
    scheme = REGISTERS["population"].identifier
    record = {"born": "2026-11-01", "sex": "F", "residence": {"unit": "26740"}, "native_place": "48"}
    assert scheme.make("population", record, Draw()) == "026326777777"
    with pytest.raises(ValueError, match="birth_registered_in"):
        scheme.make("population", {"born": "2026-11-01", "sex": "F"}, Draw())


@pytest.mark.parametrize(("born", "sex"), [("1899-12-31", "M"), ("2400-01-01", "F"), ("2000-01-01", "X")])
def test_there_is_no_digit_outside_the_five_centuries(born: str, sex: str) -> None:
    with pytest.raises(ValueError, match="no digit for this"):
        century_sex(born, sex)


def test_births_are_numbered_per_commune_and_year() -> None:
    scheme = REGISTERS["births"].identifier
    record = {"registered_at": "commune-00199", "registered_on": "2026-11-02"}
    number = scheme.make("births", record, Draw())
    assert number == "412/2026"
    assert scheme.serial_of("births", record | {"number": number}) == ("births:commune-00199:2026", 412)


def test_a_notice_has_18_characters_with_facility_serial_and_year() -> None:
    scheme = REGISTERS["birth-notices"].identifier
    record = {"facility": "facility-01901", "born": "2026-11-02T06:40"}
    assert scheme.make("birth-notices", record, Draw()) == "01901.GCS.00412.26"
    with pytest.raises(ValueError, match="must hold 5 digits"):
        scheme.make("birth-notices", record | {"facility": "facility"}, Draw())
    with pytest.raises(ValueError, match="must be a date"):
        scheme.make("birth-notices", record | {"born": "yesterday"}, Draw())


def test_only_a_scheme_with_chance_can_be_tried_again() -> None:
    assert Identifier("x", (Part("random", width=3),)).drawn
    assert not REGISTERS["births"].identifier.drawn


households = st.lists(numbers, min_size=1, max_size=6, unique=True).map(
    lambda people: {
        "household": "H0000000001",
        "head": people[0],
        "unit": "00199",
        "address": "x",
        "members": [{"number": one, "relation": "head" if one == people[0] else "child"} for one in people],
    }
)


@given(households)
def test_a_household_is_divided_among_its_members_and_joined_again(record: dict[str, Any]) -> None:
    register = REGISTERS["residence"]
    plain, fragments = rules.divided(register, record)
    assert set(fragments) == {member["number"] for member in record["members"]} == set(rules.persons(register, record))
    assert plain == {}
    assert rules.joined(register, plain, reversed(list(fragments.values()))) == record


@given(households)
def test_a_destroyed_key_takes_one_member_out_and_leaves_the_others(record: dict[str, Any]) -> None:
    register = REGISTERS["residence"]
    _, fragments = rules.divided(register, record)
    lost = record["members"][-1]["number"]
    rest = rules.joined(register, {}, [part for person, part in fragments.items() if person != lost])
    assert lost not in [member["number"] for member in rest["members"] or []]
    assert len(rest["members"] or []) == len(record["members"]) - 1


@given(
    households, st.sampled_from([1, 2]), st.sets(st.sampled_from(["head", "unit", "address", "members"]), max_size=3)
)
def test_a_record_is_joined_in_the_fields_of_the_version_that_is_asked(
    record: dict[str, Any], written: int, gone: set[str]
) -> None:
    first = REGISTERS["residence"]
    added = Field("door", {}, {"type": "string"}, personal=True, required=False, default="none")
    fields = {name: field for name, field in first.fields.items() if name not in gone} | {"door": added}
    held = {1: frozenset(first.fields), 2: frozenset(fields)}
    versions = {1: replace(first, fields_by_version=held)}
    versions[2] = replace(first, version=2, fields=fields, fields_by_version=held)
    whole = record if written == 1 else {name: value for name, value in record.items() if name not in gone}
    whole = rules.completed(versions[written], {}, whole)
    parts = list(rules.divided(versions[written], {**record, **whole})[1].values())
    for asked, register in versions.items():
        found = rules.joined(register, {}, parts, written)
        assert list(found) == list(register.fields)
        assert {name: value for name, value in found.items() if name in whole} == {
            name: value for name, value in whole.items() if name in register.fields
        }
        assert asked == 1 or found["door"] == "none"
        assert all(found[name] is None for name in set(found) - set(whole) - {"door"})


def test_what_is_about_a_parent_is_sealed_for_that_parent() -> None:
    register = REGISTERS["births"]
    record = rules.completed(register, {}, {"child": "c", "mother": {"number": "m"}, "father": {"number": ""}})
    record |= dict.fromkeys(set(register.fields) - set(record))
    plain, fragments = rules.divided(register, record)
    assert fragments["m"]["fields"] == {"mother": {"number": "m"}}
    assert "father" in fragments["c"]["fields"]
    assert set(plain) == {"registered_at", "signer"}


def test_a_person_is_found_by_folded_name_and_year_of_birth() -> None:
    register = REGISTERS["population"]
    record = {"number": "001196204817", "full_name": "Trần Thu  Hà", "born": "1996-05-14"}
    found = dict(rules.terms(register, record))
    asked = {"full_name": "TRAN THU HA", "born_year": "1996"}
    assert found["name"] == rules.term(register, register.lookup_of(asked), asked)
    assert rules.persons_asked(register, "number", {"number": "1"}) == ["1"]
    assert rules.persons_asked(register, "name", asked) == []


def test_a_lookup_that_is_not_declared_is_refused_with_those_that_are() -> None:
    with pytest.raises(definition.UnknownLookup, match=r"household; member"):
        REGISTERS["residence"].lookup_of(["address"])


def test_faults_name_fields_and_never_values() -> None:
    register = REGISTERS["population"]
    good = {"number": "001196204817", "full_name": "Trần Thu Hà", "born": "1996-05-14", "sex": "F"}
    assert rules.faults(register, rules.completed(register, {}, good)) == []
    wrong = rules.completed(register, {}, good | {"born": "SECRET", "colour": "SECRET"})
    del wrong["sex"]
    said = "; ".join(rules.faults(register, wrong))
    assert "SECRET" not in said
    assert "born is not of the right form" in said
    assert "sex is missing" in said
    assert "no field colour" in said
    assert rules.faults(register, rules.completed(register, {}, good | {"sex": "M"})) == [
        "number does not follow the scheme for this record"
    ]


def test_every_register_of_the_nation_knows_its_persons_and_its_identity() -> None:
    assert set(REGISTERS) == {"population", "residence", "marriages", "births", "birth-notices", "insurance"}
    for register in REGISTERS.values():
        assert register.subjects
        assert register.identity
        assert register.law
