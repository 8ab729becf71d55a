from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.kernel import nation
from onedoor.registers import definition, rules, service
from onedoor.registers.people import generate, read, write
from onedoor.registers.people.world import age

TODAY = date(2026, 11, 22)
REGISTERS = definition.registers()
Rows = dict[str, list[dict[str, Any]]]
populations = st.builds(
    lambda count, seed: generate(count, seed, today=TODAY), st.integers(3, 250), st.integers(0, 10**6)
)
few = settings(max_examples=15, deadline=None)


def by_number(rows: Rows) -> dict[str, dict[str, Any]]:
    return {row["number"]: row for row in rows["population"]}


def day(text: str) -> date:
    return date.fromisoformat(text[:10])


@few
@given(st.integers(3, 250), st.integers(0, 10**6))
def test_there_are_exactly_as_many_people_as_asked_for_each_with_a_number(count: int, seed: int) -> None:
    rows = generate(count, seed, today=TODAY)
    assert len(by_number(rows)) == len(rows["population"]) == count


@few
@given(populations)
def test_every_row_fits_its_register_and_its_scheme(rows: Rows) -> None:
    for key, some in rows.items():
        register = REGISTERS[key]
        records = [rules.completed(register, {}, row) for row in some]
        assert not [wrong for record in records for wrong in rules.faults(register, record)]
        identities = [rules.identity(register, record) for record in records]
        assert len(set(identities)) == len(identities)


@few
@given(populations)
def test_parents_are_in_the_population_and_old_enough(rows: Rows) -> None:
    people = by_number(rows)
    for child in people.values():
        for role, sex, youngest, oldest in (("mother", "F", 18, 60), ("father", "M", 18, 90)):
            if child[role]:
                parent = people[child[role]]
                assert parent["sex"] == sex
                assert youngest <= age(day(parent["born"]), day(child["born"])) <= oldest


@few
@given(populations)
def test_children_bear_their_fathers_family_name(rows: Rows) -> None:
    people = by_number(rows)
    families = [
        (child["full_name"].split()[0], people[child["father"]]["full_name"].split()[0])
        for child in people.values()
        if child["father"]
    ]
    assert all(child == father for child, father in families)


@few
@given(populations)
def test_marriages_join_adults_who_live(rows: Rows) -> None:
    people = by_number(rows)
    for wedding in rows["marriages"]:
        husband, wife = people[wedding["husband"]], people[wedding["wife"]]
        assert (husband["sex"], wife["sex"]) == ("M", "F")
        married = day(wedding["registered_on"])
        assert age(day(husband["born"]), married) >= 20
        assert age(day(wife["born"]), married) >= 18
        assert married <= TODAY
    spouses = Counter(row[role] for row in rows["marriages"] for role in ("husband", "wife"))
    assert set(spouses.values()) <= {1}


@few
@given(populations)
def test_everybody_alive_lives_in_one_household_of_a_commune_that_takes_part(rows: Rows) -> None:
    people = by_number(rows)
    members = Counter(member["number"] for home in rows["residence"] for member in home["members"])
    assert set(members) == {number for number, person in people.items() if person["status"] == "alive"}
    assert set(members.values()) == {1}
    units = {agency.unit for agency in nation.current().agencies.values() if agency.kind == "commune"}
    for home in rows["residence"]:
        assert home["unit"] in units
        assert home["head"] == home["members"][0]["number"]
        assert all(people[one["number"]]["residence"]["address"] == home["address"] for one in home["members"])


@few
@given(populations)
def test_registered_births_agree_with_people_and_notices(rows: Rows) -> None:
    people = by_number(rows)
    notices = {row["notice"]: row for row in rows["birth-notices"]}
    for birth in rows["births"]:
        child = people[birth["child"]]
        assert (birth["full_name"], birth["born"], birth["mother"]["number"]) == (
            child["full_name"], child["born"], child["mother"],
        )  # fmt: skip
        assert 0 <= (day(birth["registered_on"]) - day(birth["born"])).days <= 60
        if birth["notice"]:
            notice = notices[birth["notice"]]
            assert notice["used"]
            assert (notice["mother"], day(notice["born"])) == (child["mother"], day(child["born"]))
    used = {row["notice"] for row in rows["birth-notices"] if row["used"]}
    assert used == {birth["notice"] for birth in rows["births"] if birth["notice"]}


@few
@given(populations)
def test_the_personas_are_in_every_population_with_a_notice_to_use(rows: Rows) -> None:
    mother, father, grandmother = "001196204817", "036094117302", "001168005926"
    people = by_number(rows)
    assert people[mother]["mother"] == grandmother
    (home,) = [row for row in rows["residence"] if row["head"] == grandmother]
    assert [member["number"] for member in home["members"]] == [grandmother, mother, father]
    assert home["unit"] == "00199"
    assert [(row["husband"], row["wife"]) for row in rows["marriages"] if row["wife"] == mother] == [(father, mother)]
    (notice,) = [row for row in rows["birth-notices"] if row["mother"] == mother]
    assert not notice["used"]
    assert (TODAY - day(notice["born"])).days == 3


def test_the_same_seed_gives_the_same_people_and_another_gives_others() -> None:
    first = generate(200, 7, today=TODAY)
    assert generate(200, 7, today=TODAY) == first
    assert generate(200, 8, today=TODAY) != first


def test_nobody_can_be_called_or_written_to() -> None:
    for person in generate(300, 1, today=TODAY)["population"]:
        assert not person["phone"] or person["phone"].startswith("0000")
        assert not person["email"] or person["email"].endswith(".example")


@pytest.mark.django_db
def test_a_population_goes_through_files_into_the_registers(tmp_path: Path) -> None:
    told: list[int] = []
    rows = generate(120, 3, today=TODAY, progress=told.append)
    assert told[-1] == 120
    counts = write(tmp_path, rows)
    assert (tmp_path / "population.jsonl.gz").exists()
    for register, count in counts.items():
        assert service.load(register, read(tmp_path, register)) == count == service.count(register)
