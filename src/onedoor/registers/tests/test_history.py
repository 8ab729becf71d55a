import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from onedoor.kernel import clock
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.service import NotPermitted
from onedoor.registers import definition, service, storage, underway, writing
from onedoor.registers.errors import NoSuchRecord
from onedoor.registers.models import Record
from onedoor.registers.tests.test_service import CHILD, COMMUNE, HOME, MOTHER, POLICE, PORTAL, person

pytestmark = pytest.mark.django_db
lasting = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 10, 5, tzinfo=UTC)
TODAY = date(2026, 11, 10)
HOUSE = {"household": HOME["household"]}
LONG_AGO, FAR = date(1900, 1, 1), date(2200, 1, 1)
WEEK = [TODAY + timedelta(number) for number in range(-4, 5)]
DAYS = [LONG_AGO, *WEEK, FAR]
days = st.sampled_from(WEEK)
said = st.sampled_from([None, *WEEK])


def move(address: str, key: str = "", **when: date | None) -> None:
    service.write("residence", {**HOUSE, "address": address}, reader=POLICE, key=key, **when)


def address(valid_on: date | None = None, known_on: datetime | None = None) -> list[str]:
    found = service.lookup("residence", HOUSE, reader=POLICE, valid_on=valid_on, known_on=known_on)
    return [record["address"] for record in found.records]


@pytest.fixture
def house() -> None:
    with clock.freeze(NOON - timedelta(days=30)):
        service.load("residence", [HOME])


@pytest.mark.usefixtures("house")
def test_a_correction_of_the_past_changes_what_was_so_and_not_what_was_known() -> None:
    with clock.freeze(NOON):
        move("Số 1", valid_from=WEEK[0])
    with clock.freeze(NOON + timedelta(hours=1)):
        move("Số 2", valid_from=WEEK[1], valid_until=WEEK[3])
    with clock.freeze(NOON + timedelta(hours=2)):
        assert [address(day)[0] for day in WEEK[:4]] == ["Số 1", "Số 2", "Số 2", "Số 1"]
        assert [address(day, NOON)[0] for day in WEEK[:4]] == ["Số 1"] * 4
        assert address(WEEK[2], NOON - timedelta(seconds=1)) == [HOME["address"]]
        assert address(WEEK[2], NOON - timedelta(days=31)) == []
        assert address(LONG_AGO) == [HOME["address"]]


@pytest.mark.usefixtures("house")
def test_what_begins_later_is_not_so_today() -> None:
    with clock.freeze(NOON):
        move("Số 1", valid_from=WEEK[-1])
        assert address() == [HOME["address"]]
        assert address(WEEK[-1]) == ["Số 1"]
        service.write("residence", {**HOUSE, "unit": "00200"}, reader=POLICE, key="")
        assert address(WEEK[-1]) == ["Số 1"], "fields that are not given stay as they are on each day"
        assert Record.objects.filter(recorded_until=None).count() == 1


@pytest.mark.usefixtures("house")
def test_versions_of_one_moment_stay_in_order() -> None:
    with clock.freeze(NOON):
        move("Số 1")
        move("Số 2")
        assert address() == ["Số 2"]
    moments = Record.objects.order_by("version").values_list("recorded_from", flat=True)
    assert len(set(moments)) == 3
    assert list(moments) == sorted(moments)


@pytest.mark.usefixtures("house")
def test_the_same_key_for_other_days_is_refused() -> None:
    move("Số 1", key="m1", valid_from=WEEK[0])
    move("Số 1", key="m1", valid_from=WEEK[0])
    assert Record.objects.count() == 2
    with pytest.raises(service.KeyUsed):
        move("Số 1", key="m1", valid_from=WEEK[1])


@pytest.mark.usefixtures("house")
def test_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(service.BadRecord, match="valid_until must be a later day"):
        move("Số 1", valid_from=WEEK[1], valid_until=WEEK[1])


def test_an_old_name_finds_a_person_on_the_days_it_was_borne() -> None:
    service.load("population", [person(MOTHER, "Trần Thu Hà", "1996-05-14", "F")])
    number = service.write("population", CHILD, reader=COMMUNE, key="c")["number"]
    service.write("population", {"number": number, "full_name": "Lê An"}, reader=COMMUNE, key="n", valid_from=WEEK[2])
    asked = {"full_name": CHILD["full_name"], "born_year": "2026"}
    assert not service.lookup("population", asked, reader=POLICE, valid_on=WEEK[2]).records
    assert service.lookup("population", asked, reader=POLICE, valid_on=WEEK[1]).records


@pytest.mark.usefixtures("house")
def test_history_is_closed_to_purposes_the_register_does_not_name_and_the_attempt_is_recorded() -> None:
    with pytest.raises(NotPermitted):
        service.lookup("residence", HOUSE, reader=PORTAL, valid_on=WEEK[0])
    assert ReadRecord.objects.get().refused == "fields-not-granted"


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("change", [{"valid_from": TODAY}, {"plain": {}}, {"sealed": []}, {"recorded_from": NOON}])
def test_the_database_refuses_to_overwrite_a_version(change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="never overwritten"), transaction.atomic():
        Record.objects.update(**change)


@lasting
def test_what_was_known_waits_for_writes_that_have_taken_their_moment(house: None) -> None:
    answers: list[list[str]] = []

    def ask(moment: datetime) -> None:
        answers.append(address(TODAY, moment))
        connection.close()

    with transaction.atomic():
        move("Số 1", valid_from=WEEK[0])
        asking = threading.Thread(target=ask, args=[clock.now()])
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
    asking.join()
    assert answers == [["Số 1"]]


REMOVALS = (
    "DELETE FROM registers_term",
    "DELETE FROM registers_record WHERE version = 1",
    "UPDATE registers_term SET value = ''",
    "TRUNCATE registers_record CASCADE",
    "TRUNCATE registers_term",
)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("statement", REMOVALS)
def test_the_database_refuses_to_remove_a_version_or_what_finds_it(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL onedoor.emptying = ''")
        with pytest.raises(IntegrityError, match=r"never (removed|emptied)"), transaction.atomic():
            cursor.execute(statement)


def aside(*works: Callable[[], object]) -> None:
    """Do all *works* at the same time, each with a connection of its own, and wait for them."""

    def done(work: Callable[[], object]) -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        [answer.result(10) for answer in [pool.submit(done, work) for work in works]]


@lasting
def test_who_asks_what_was_known_waits_and_holds_up_no_write(house: None) -> None:
    loaded = {**HOME, "household": "H0000000002"}
    asked = clock.now()
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        service.load("residence", [loaded])
        asking = pool.submit(aside, lambda: address(TODAY, asked))
        aside(lambda: move("Số 1"), lambda: move("Số 2"))
        assert not asking.done()
    asking.result()


@lasting
def test_a_load_under_way_holds_up_nobody_who_asks_about_earlier_moments(
    house: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(underway, "PATIENCE", 0.05)
    earlier, now = clock.now() - timedelta(minutes=2), clock.now()
    with transaction.atomic():
        service.load("residence", [{**HOME, "household": "H0000000002"}])
        aside(lambda: address(TODAY, earlier))
        with pytest.raises(service.NotSettled):
            aside(lambda: address(TODAY, now))
    assert address(TODAY, now)


@lasting
def test_an_upgrade_keeps_all_versions_and_has_them_hold_from_the_day_they_were_recorded(house: None) -> None:
    with clock.freeze(datetime(2026, 11, 9, 20, tzinfo=UTC)):
        move("Số 1", valid_from=LONG_AGO)
    try:
        call_command("migrate", "registers", "0001", verbosity=0)
    finally:
        call_command("migrate", "registers", verbosity=0)
    assert [row.valid_from for row in Record.objects.order_by("version")] == [date.min, TODAY]
    assert (address(WEEK[3]), address(TODAY)) == ([HOME["address"]], ["Số 1"])


Held = dict[date, dict[str, str] | None]
"""What holds on each day; None where the record has ended."""


class History(RuleBasedStateMachine):
    """A household's history in the database beside a model: for every moment of writing, what held on every day."""

    def __init__(self) -> None:
        super().__init__()
        self.house = {"household": f"H{Record.objects.count() + 1:010d}"}
        self.now = NOON
        self.known: list[tuple[datetime, Held]] = [(NOON - timedelta(days=999), {})]
        self.answered: list[tuple[date, datetime, list[dict[str, str]]]] = []

    @rule(values=st.fixed_dictionaries({}, optional={"address": st.text("ab", min_size=1, max_size=3)}),
          unit=st.sampled_from([None, "00199", "00200"]), begin=said, end=said)  # fmt: skip
    def write(self, values: dict[str, str], unit: str | None, begin: date | None, end: date | None) -> None:
        self.now += timedelta(seconds=1)
        given = {**values, **({"unit": unit} if unit else {})}
        before = self.known[-1][1]
        if not before:
            given = {"address": "x", "unit": "00199", **given}
        first = begin or (TODAY if before else date.min)
        last = end or date.max
        days = [day for day in DAYS if first <= day < last]
        bare = before and any(_before(before, day) is None for day in days) and not {"address", "unit"} <= set(given)
        with clock.freeze(self.now):
            if first >= last or bare:
                with pytest.raises(service.BadRecord):
                    self._write(given, begin, end)
                return
            self._write(given, begin, end)
        after: Held = {day: {**(_before(before, day) or {}), **given} for day in days}
        self.known.append((self.now, {**before, **after}))

    @precondition(lambda self: self.known[-1][1])
    @rule()
    def end(self) -> None:
        self.now += timedelta(seconds=1)
        before = self.known[-1][1]
        name = self._first()
        with clock.freeze(self.now):
            if before.get(TODAY) is None:
                with pytest.raises(NoSuchRecord):
                    self._end(name)
                return
            self._end(name)
        self.known.append((self.now, {**before, **{day: None for day in DAYS if day >= TODAY}}))

    def _end(self, name: UUID) -> None:
        writing.end(definition.register_of("residence"), name, writing.Request({}, POLICE, ""))

    def _first(self) -> UUID:
        register = definition.register_of("residence")
        return storage.id_of(storage.identity_of(register, self.house))

    def _write(self, given: dict[str, str], begin: date | None, end: date | None) -> None:
        fixed = {**self.house, "head": MOTHER, "members": [{"number": MOTHER, "relation": "head"}]}
        service.write("residence", {**fixed, **given}, reader=POLICE, key="", valid_from=begin, valid_until=end)

    @rule(day=st.sampled_from(DAYS), data=st.data())
    def ask(self, day: date, data: st.DataObject) -> None:
        moment, held = data.draw(st.sampled_from(self.known))
        answer = _answer(held, day)
        assert self._ask(day, moment) == answer
        self.answered.append((day, moment, answer))

    @rule(day=st.sampled_from(DAYS))
    def ask_now(self, day: date) -> None:
        assert self._ask(day, None) == _answer(self.known[-1][1], day)

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        day, moment, answer = data.draw(st.sampled_from(self.answered))
        assert self._ask(day, moment) == answer

    def _ask(self, day: date, moment: datetime | None) -> list[dict[str, str]]:
        with clock.freeze(self.now + timedelta(milliseconds=1)):
            found = service.lookup("residence", self.house, reader=POLICE, valid_on=day, known_on=moment)
        return [{name: record[name] for name in ("address", "unit")} for record in found.records]


def _answer(held: Held, day: date) -> list[dict[str, str]]:
    found = held.get(day)
    return [found] if found else []


def _before(held: Held, day: date) -> dict[str, str] | None:
    """What a day keeps: what held on it, or last before it, or first after it; nothing of what ended."""
    earlier = [one for one in DAYS if one <= day and one in held]
    return held[earlier[-1]] if earlier else next((held[one] for one in DAYS if one in held), {})


def test_any_history_answers_as_a_model_in_memory_does() -> None:
    run_state_machine_as_test(History, settings=settings(max_examples=30, stateful_step_count=15, deadline=None))


@pytest.mark.usefixtures("house")
def test_every_version_says_who_wrote_it_in_which_case_on_which_basis() -> None:
    move("Số 1", valid_from=WEEK[0], valid_until=WEEK[2])
    loaded, written = service.provenance("residence", HOUSE, reader=POLICE)
    assert (loaded.version, loaded.user, loaded.grounds) == (1, "load", None)
    assert (written.valid_from, written.valid_until) == (WEEK[0], WEEK[2])
    assert (written.client, written.user, written.case) == (POLICE.client, POLICE.user, POLICE.case)
    assert written.grounds
    assert (written.grounds.purpose, written.grounds.basis) == (POLICE.purpose, POLICE.basis)
    assert ReadRecord.objects.order_by("id").reverse()[0].operation == "read"


@pytest.mark.usefixtures("house")
def test_provenance_is_closed_to_purposes_the_register_does_not_name() -> None:
    with pytest.raises(NotPermitted):
        service.provenance("residence", HOUSE, reader=PORTAL)
    assert ReadRecord.objects.get().refused == "fields-not-granted"
