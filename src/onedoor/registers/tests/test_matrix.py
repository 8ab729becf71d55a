"""Every purpose against every register: what is answered are the fields of the rights' files, all else is refused."""

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.nation import present
from onedoor.privacy import rights, rules
from onedoor.privacy.consents import decisions
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.service import NotPermitted, Question, Reader
from onedoor.registers import people, service
from onedoor.registers import rules as registers_rules
from onedoor.registers.definition import held

CASE = "2611-7K4M-Q8"
OPERATIONS = ("read", "write", "correct", "follow")
NATIONS = ("vietnam", "testland")
FOLDER = Path(__file__).parents[4] / "nations"


def files(country: str, folder: str) -> dict[str, dict[str, Any]]:
    """Return the files as they stand, read by nothing of onedoor."""
    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (FOLDER / country / folder).glob("*.yaml")}


def granted(right: dict[str, Any], register: str, reader: Reader, operation: str) -> set[str]:
    """Return the fields that the file of a right gives, worked out from its text alone."""
    if reader.basis not in right["basis"]:
        return set()
    post = reader.user.rpartition(".")[2]
    return {
        field
        for grant in right["grants"]
        if grant.get("register") == register and grant["reader"] == reader.client and operation in grant["operations"]
        if reader.basis in grant.get("basis", [reader.basis]) and post in grant.get("posts", [post])
        for field in grant["fields"]
    }


def askers(rights_: dict[str, dict[str, Any]], clients: list[str]) -> Iterator[Reader]:
    """Yield everybody for every purpose and basis: each system, by itself and by each post that any right names."""
    posts = {post for right in rights_.values() for grant in right["grants"] for post in grant.get("posts", ())}
    users = ["account-1", *(f"unit-1.{post}" for post in sorted(posts)), "unit-1.of-no-right"]
    for purpose, right in rights_.items():
        for client, user, basis in product(clients, users, [*right["basis"], "invented.1"]):
            yield Reader(client, user, purpose, basis, CASE)


@pytest.mark.parametrize("country", NATIONS)
def test_the_rights_alone_decide_for_every_pair(country: str) -> None:
    found, registers = files(country, "rights"), files(country, "registers")
    purposes = {name: rights.read(right) for name, right in found.items()}
    systems = {grant["reader"] for right in found.values() for grant in right["grants"]}
    day, asked = nation.current().today(), 0
    for reader, (register, data), operation in product(
        askers(found, [*sorted(systems), "VN/GOV/G99/NOBODY"]), registers.items(), OPERATIONS
    ):
        decision = rules.decide(purposes, Question(reader, register, operation), day)
        expected = granted(found[reader.purpose], register, reader, operation)
        assert set(decision.fields) == expected, (reader, register, operation)
        assert bool(decision.refused) == (not expected)
        assert expected <= set(data["fields"]) | {
            one for more in data.get("versions", ()) for one in more.get("fields", ())
        }
        asked += 1
    assert asked > len(found) * len(registers) * len(OPERATIONS)


@cache
def rows(country: str) -> dict[str, dict[str, Any]]:
    """Return a row of each register that somebody has one in."""
    known = nation.load(FOLDER / country)
    made = people.generate(60, seed=1, today=known.today(), nation=known)
    return {register: found[0] for register, found in made.items() if found}


@pytest.fixture
def present_nation(request: pytest.FixtureRequest) -> Iterator[str]:
    """Make the nation that is named the present one."""
    before = present._held.set(nation.load(FOLDER / request.param))
    yield request.param
    present._held.reset(before)


def key_of(register: str, row: dict[str, Any]) -> dict[str, str]:
    """Return what finds *row* by the first look-up of its register."""
    lookup = next(iter(held()[register].lookups.values()))
    asked = {}
    for name, parameter in lookup.items():
        value: Any = row
        for step in parameter.paths[0].split("."):
            value = value[0] if step == "*" else value[step]
        asked[name] = str(value)
    return asked


@pytest.mark.django_db
@pytest.mark.parametrize("present_nation", NATIONS, indirect=True)
def test_what_is_answered_has_these_fields_and_no_other(present_nation: str) -> None:
    found, answers, refusals, made = files(present_nation, "rights"), 0, 0, rows(present_nation)
    for register, row in made.items():
        service.load(register, [row])
        for purpose, person in product(decisions.asked(), registers_rules.persons(held()[register], row)):
            decisions.decide(person, purpose, 1, given=True, by=Actor(person="account-1"))
    systems = sorted({grant["reader"] for right in found.values() for grant in right["grants"]})
    for (purpose, right), (register, row), client in product(found.items(), made.items(), systems):
        reader = Reader(client, "account-1", purpose, next(iter(right["basis"])), CASE)
        expected = granted(right, register, reader, "read")
        try:
            (record,) = service.lookup(register, key_of(register, row), reader=reader).records
            answers += 1
            assert set(record) == expected
            assert all(record[name] == row[name] for name in expected & set(row))
        except NotPermitted:
            refusals += 1
            assert not expected, (purpose, register, client)
    assert answers > len(made)
    assert ReadRecord.objects.exclude(refused="").count() == refusals
    assert ReadRecord.objects.filter(refused="").count() == answers
    assert set(held()) - set(made) <= {"births"}, "registers with nobody in them"


@pytest.mark.django_db
def test_the_purpose_a_header_claims_opens_nothing_by_itself(client: Client) -> None:
    register, row = next(iter(rows("vietnam").items()))
    service.load(register, [row])
    told = [value for value in row.values() if isinstance(value, str) and len(value) > 5]
    for purpose in [*files("vietnam", "rights"), "invented", "", "birth-form\u0000"]:
        sent = {"HTTP_X_ROAD_CLIENT": "VN/GOV/G99/NOBODY", "HTTP_ONEDOOR_PURPOSE": purpose}
        answer = client.post(
            f"/exchange/{register}/lookup", {"by": key_of(register, row)}, "application/json", **sent,
            **{"onedoor.gateway": True, "HTTP_ONEDOOR_BASIS": "l68-2020", "HTTP_X_ROAD_ISSUE": CASE},
        )  # fmt: skip
        assert answer.status_code in (400, 403), purpose
        assert not [value for value in told if value in answer.content.decode()]
