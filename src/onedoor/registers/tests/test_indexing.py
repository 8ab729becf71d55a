"""A new look-up finds what was written before it; one that records are found by cannot change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from onedoor.kernel.nation import BadNation
from onedoor.registers import indexing, storage
from onedoor.registers.definition import Parameter, Register, registers
from onedoor.registers.indexing import NotFoundBy, bring_forward, refuse_to_miss
from onedoor.registers.loading import load
from onedoor.registers.models import Term
from onedoor.registers.tests.test_own_data import BIRTH, FATHER, MOTHER

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 30)
SECOND = {**BIRTH, "number": "2/2026", "child": "001326000002"}
Held = Callable[..., Register]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Have this system hold the births alone, found by the look-ups that are given, by their paths."""

    def hold(**lookups: str) -> Register:
        ways = {key: {key: Parameter((path,), person=True)} for key, path in lookups.items()}
        register = replace(registers()["births"], lookups=ways)
        monkeypatch.setattr(indexing, "held", lambda: {"births": register})
        return register

    return hold


def found(register: Register, key: str, number: str) -> list[Any]:
    return [one["number"] for one in storage.find(register, key, {key: number}, valid_on=DAY).values()]


def silent(_register: str, _done: int, _total: int) -> None:
    """Hear nothing."""


def test_records_of_before_are_found_once_their_terms_are_made(held: Held) -> None:
    load(held(child="child", mother="mother.number"), [BIRTH], lambda _: None)
    bring_forward(silent)
    register, seen = held(child="child", father="father.number"), list[tuple[str, int, int]]()
    assert found(register, "father", FATHER) == []
    with pytest.raises(NotFoundBy, match=r"births are not found by its look-ups father yet. Run: onedoor migrate"):
        refuse_to_miss()
    bring_forward(lambda *heard: seen.append(heard))
    refuse_to_miss()
    assert found(register, "father", FATHER) == ["1/2026"]
    assert found(register, "father", MOTHER) == []
    assert seen == [("births", 1, 1)]
    bring_forward(lambda *heard: seen.append(heard))
    assert len(seen) == 1, "nothing is made twice"


def test_a_look_up_that_comes_back_finds_what_was_written_without_it(held: Held) -> None:
    load(held(child="child", mother="mother.number"), [BIRTH], lambda _: None)
    bring_forward(silent)
    load(held(child="child"), [SECOND], lambda _: None)
    bring_forward(silent)
    register = held(child="child", mother="mother.number")
    with pytest.raises(NotFoundBy):
        refuse_to_miss()
    bring_forward(silent)
    assert sorted(found(register, "mother", MOTHER)) == ["1/2026", "2/2026"]


def test_a_look_up_that_records_are_found_by_cannot_change(held: Held) -> None:
    held(child="child", mother="mother.number")
    bring_forward(silent)
    held(child="child", mother="father.number")
    bring_forward(silent)  # no record lies there yet
    load(held(child="child", mother="father.number"), [BIRTH], lambda _: None)
    held(child="child", mother="mother.number")
    with pytest.raises(BadNation, match=r"births.yaml:\d+: records are found by this look-up as it was before"):
        bring_forward(silent)
    held(child="child")
    bring_forward(silent)
    held(child="child", mother="mother.number")
    with pytest.raises(BadNation, match="give the changed one another name"):
        bring_forward(silent)  # its terms lie there still


def test_who_is_stopped_on_the_way_leaves_the_register_as_it_was(held: Held) -> None:
    load(held(child="child"), [BIRTH, SECOND], lambda _: None)
    register = held(child="child", father="father.number")

    def stop(*_heard: object) -> None:
        raise KeyboardInterrupt

    terms = Term.objects.count()
    with pytest.raises(KeyboardInterrupt):
        bring_forward(stop)
    assert Term.objects.count() == terms
    with pytest.raises(NotFoundBy):
        refuse_to_miss()
    bring_forward(silent)
    assert sorted(found(register, "father", FATHER)) == ["1/2026", "2/2026"]
