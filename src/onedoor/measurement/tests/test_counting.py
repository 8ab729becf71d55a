"""Counts: each event once, a day that is over stands, and a reading asks no more of a million cases than of ten."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.db import connection, transaction

from onedoor.cases.events import StepAcknowledged, StepDone, StepRefused
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import SYSTEM
from onedoor.kernel.ids import uuid7
from onedoor.measurement import counting, levels, national, readings, stocks, tasks
from onedoor.measurement.models import Count, Counted, LateCount, Tally
from onedoor.store import outbox
from onedoor.store.outbox import Stated
from onedoor.store.work import run_waiting

COMMUNE, POLICE, BIRTH = "commune-00199", "police-00199", "vn.birth-linked"
DAY = date(2026, 11, 10)
WHO = {"by": SYSTEM, "case": "C-1", "service": BIRTH, "step": "birth"}
pytestmark = pytest.mark.django_db


def at(day: date, hour: int = 9) -> datetime:
    """Return an hour of the day where the nation is."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=nation.current().zone)


def taken_on(day: date, agency: str = COMMUNE, *registers: str, id_: UUID | None = None) -> Stated[StepAcknowledged]:
    return Stated(id_ or uuid7(), at(day), StepAcknowledged(**WHO, agency=agency, registers=registers))


def done(day: date, **other: object) -> Stated[StepDone]:
    facts = {"on_time": True, "asked": 0, "minutes": 90, "visit": False, "result": "paper", **other}
    return Stated(uuid7(), at(day), StepDone(**WHO, agency=COMMUNE, **facts))


def read(on: date, known: date, agency: str = COMMUNE, start: date = date(2026, 1, 1)) -> dict[str, int]:
    whose = levels.whose(nation.current(), "agency", agency, on)
    found = readings.read(whose, start, on, known).counts
    return {measure: total for measure, total in found.items() if total}


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with clock.freeze(at(DAY, 12)):
        yield


def test_a_dossier_counts_at_its_agency_its_level_and_its_units() -> None:
    counting.count_taking_on(taken_on(DAY, COMMUNE, "births", "population"))
    counting.count_taking_on(taken_on(DAY, POLICE))
    one = {"received": 1, "received_reusing": 1, "received_reusing.births": 1, "received_reusing.population": 1}
    assert read(DAY, DAY) == one | {"services_used": 1}
    for kind, id_, received in (("level", "commune", 2), ("unit", "00199", 2), ("unit", "01", 2), ("unit", "79", 0)):
        whose = levels.whose(nation.current(), kind, id_, DAY)
        assert readings.read(whose, DAY, DAY, DAY).counts.get("received", 0) == received


def test_how_a_dossier_was_settled_is_counted() -> None:
    counting.count_settling(done(DAY))
    counting.count_settling(done(DAY, on_time=True, asked=2, result="", minutes=10))
    counting.count_settling(done(DAY, on_time=False, visit=True))
    refused = StepRefused(**WHO, agency=COMMUNE, ground="foundling", on_time=True, minutes=5)
    counting.count_settling(Stated(uuid7(), at(DAY), refused))
    assert read(DAY, DAY) == {
        "settled": 4,
        "settled_on_time": 3,
        "settled_on_time_asked_once": 2,
        "settled_with_result": 2,
        "settled_without_visit": 3,
        "settled_minutes": 90 + 10 + 90 + 5,
    }


def test_what_events_did_not_say_yet_is_not_counted() -> None:
    counting.count_settling(Stated(uuid7(), at(DAY), StepDone(**WHO, agency=COMMUNE, result="paper")))
    assert read(DAY, DAY) == {}


def test_an_event_that_comes_twice_counts_once() -> None:
    stated = taken_on(DAY)
    counting.count_taking_on(stated)
    counting.count_taking_on(stated)
    assert read(DAY, DAY)["received"] == 1
    assert Counted.objects.count() == 1


def test_an_agency_that_the_nation_names_no_more_is_passed_over() -> None:
    counting.count_taking_on(taken_on(DAY, "commune-99999"))
    assert not Tally.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_counting_that_is_cut_off_leaves_nothing_and_is_done_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stated, add = taken_on(DAY), counting.add

    def cut_off(*given: object) -> None:
        add(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(counting, "add", cut_off)
    with pytest.raises(KeyboardInterrupt):
        counting.count_taking_on(stated)
    assert not Counted.objects.exists()
    assert not Count.objects.exists()
    monkeypatch.setattr(counting, "add", add)
    counting.count_taking_on(stated)
    assert read(DAY, DAY)["received"] == 1


@pytest.mark.django_db(transaction=True)
def test_events_come_by_the_outbox() -> None:
    with transaction.atomic():
        outbox.state(StepAcknowledged(**WHO, agency=COMMUNE))
        outbox.state(StepDone(**WHO, agency=COMMUNE, result="", on_time=True))
    run_waiting()
    found = read(DAY, DAY)
    assert (found["received"], found["settled"], found["settled_on_time"]) == (1, 1, 1)


def test_a_day_ends_at_midnight_where_the_nation_is() -> None:
    before = datetime(2026, 11, 9, 16, 59, tzinfo=UTC)  # a minute to midnight there
    with clock.freeze(before + timedelta(minutes=2)):
        counting.count_taking_on(Stated(uuid7(), before, taken_on(DAY).event))
    assert LateCount.objects.filter(day=date(2026, 11, 9), counted=DAY).exists()
    assert read(date(2026, 11, 9), date(2026, 11, 9)) == {}
    assert read(date(2026, 11, 9), DAY)["received"] == 1


def test_a_clock_that_went_back_leaves_totals_that_grow() -> None:
    for day in (DAY, DAY - timedelta(days=3), DAY):
        with clock.freeze(at(day, 12)):
            counting.count_taking_on(taken_on(day))
    totals = list(Count.objects.filter(tally__whose=COMMUNE).order_by("day").values_list("total", flat=True))
    assert totals == [1, 3]


def test_what_a_day_knew_never_changes_afterwards() -> None:
    dice, facts, answers = random.Random(7), [], {}
    days = [DAY + timedelta(days=n) for n in range(12)]
    for today in days:
        with clock.freeze(at(today, 12)):
            for _ in range(dice.randint(0, 4)):
                fact = today - timedelta(days=dice.choice([0, 0, 0, 1, 1, 5]))
                counting.count_taking_on(taken_on(fact))
                facts.append((fact, today))
        answers |= {(on, today): read(on, today).get("received", 0) for on in days if on <= today}
    for (on, known), told in answers.items():
        assert read(on, known).get("received", 0) == told
        assert told == sum(fact <= on and counted <= known for fact, counted in facts)
    for start, on in pairwise(days):
        inside = sum(start <= fact <= on for fact, _ in facts)
        assert read(on, days[-1], start=start).get("received", 0) == inside


def test_services_are_counted_as_of_the_day_they_were_found() -> None:
    stocks.take()
    stocks.take()
    found = read(DAY, DAY)
    assert found["services"] == found["services_online"] == found["services_reading.population"] == 1
    assert "services_with_fee" not in found
    province = levels.whose(nation.current(), "unit", "01", DAY)
    assert readings.read(province, DAY, DAY, DAY).counts["services"] == 1, "one service, of three kinds of agencies"
    assert read(DAY - timedelta(days=1), DAY) == {}
    assert read(DAY, DAY, "facility-01901") == {}


def test_stock_is_taken_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[date] = []
    monkeypatch.setattr(stocks, "take", lambda: taken.append(nation.current().today()))
    days = [DAY + timedelta(days=n) for n in (400, 400, 401)]
    for day in days:
        with clock.freeze(at(day)):
            tasks.take_stock()
    assert taken == days[1:]


def test_a_service_that_ended_is_counted_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    stocks.take()
    rows = Count.objects.count()
    monkeypatch.setattr(stocks.procedures, "services", lambda on: [])
    with clock.freeze(at(DAY + timedelta(days=1))):
        stocks.take()
    assert read(DAY, DAY + timedelta(days=1))["services"] == 1
    assert read(DAY + timedelta(days=1), DAY + timedelta(days=1)) == {}
    assert Count.objects.count() == 2 * rows


def test_before_anything_was_counted_nothing_is_measured() -> None:
    country = nation.current()
    whose = levels.whose(country, "agency", COMMUNE, DAY)
    stocks.take()
    yesterday = readings.live(national.asked(country, "decision-766", whose, DAY - timedelta(days=1)))
    assert yesterday.score.measured == 0
    assert yesterday.since == DAY
    assert readings.live(national.asked(country, "decision-766", whose, DAY)).score.measured > 0


@pytest.mark.django_db(transaction=True)
def test_who_asks_after_midnight_waits_for_what_is_counted_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, add = threading.Event(), counting.add

    def slowly(*given: object) -> None:
        begun.set()
        time.sleep(0.3)
        add(*given)

    def count() -> None:
        counting.count_taking_on(taken_on(DAY))
        connection.close()

    monkeypatch.setattr(counting, "add", slowly)
    counter = threading.Thread(target=count)
    counter.start()
    begun.wait(5)
    country = nation.current()
    with clock.freeze(at(DAY + timedelta(days=1), 0)):
        whose = levels.whose(country, "agency", COMMUNE, DAY)
        told = readings.live(national.asked(country, "decision-766", whose, DAY, DAY))
        found = read(DAY, DAY)
    counter.join()
    assert told.since is None
    assert found["received"] == 1
