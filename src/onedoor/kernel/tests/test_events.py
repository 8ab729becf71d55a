"""Events: names, the round trip through JSON, and what is refused."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel import events
from onedoor.kernel.actor import SYSTEM, Actor
from onedoor.kernel.events import BadEvent, Event, UnknownEvent


class State(Enum):
    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True)
class Stop:
    place: str
    on: date | None = None


@dataclass(frozen=True, kw_only=True)
class TourEnded(Event):
    tour: UUID
    at: datetime
    cost: Decimal
    state: State
    stops: tuple[Stop, ...] = ()
    pair: tuple[int, str] = (0, "")
    digest: bytes = b""
    notes: dict[str, list[str]] | None = None


TOURS = st.builds(
    TourEnded,
    by=st.builds(Actor, st.text(), st.text(), st.text(), st.text(), st.integers(0, 2), st.just("")),
    tour=st.uuids(),
    at=st.datetimes(timezones=st.just(UTC)),
    cost=st.decimals(allow_nan=False, allow_infinity=False),
    state=st.sampled_from(State),
    stops=st.lists(st.builds(Stop, st.text(), st.none() | st.dates()), max_size=3).map(tuple),
    pair=st.tuples(st.integers(), st.text()),
    digest=st.binary(),
    notes=st.none() | st.dictionaries(st.text(), st.lists(st.text(), max_size=2), max_size=2),
)


def tour(**changes: object) -> TourEnded:
    facts = {"by": SYSTEM, "tour": uuid4(), "at": datetime.now(UTC), "cost": Decimal(1), "state": State.OPEN}
    return TourEnded(**(facts | changes))


def test_an_event_is_named_after_its_room_and_class():
    assert TourEnded.name() == "kernel.TourEnded"
    assert "kernel.TourEnded" in events.names()
    assert events.event_class("kernel.TourEnded") is TourEnded


@given(TOURS)
def test_an_event_survives_json(event):
    assert events.from_json(event.name(), json.loads(json.dumps(event.to_json()))) == event


def test_the_display_name_of_the_actor_stays_behind():
    event = tour(by=Actor("a1", "commune-00199.civil-status", "commune-00199", "a2", 2, "Nguyễn Thị An"))
    data = event.to_json()
    assert "Nguyễn" not in json.dumps(data, ensure_ascii=False)
    by = events.from_json(event.name(), data).by
    assert (by.person, by.post, by.for_whom) == ("a1", "commune-00199.civil-status", "a2")


def test_an_unknown_event_is_refused():
    with pytest.raises(UnknownEvent):
        events.from_json("kernel.NeverStated", {})


@pytest.mark.parametrize("change", [{"extra": 1}, {"tour": "x"}, {"state": "lost"}, {"at": 5}, {"stops": [{"p": 1}]}])
def test_unreadable_fields_are_refused(change):
    with pytest.raises(BadEvent):
        events.from_json("kernel.TourEnded", tour().to_json() | change)


def test_missing_fields_are_refused():
    with pytest.raises(BadEvent):
        events.from_json("kernel.TourEnded", {})


def test_a_field_without_a_json_form_is_refused():
    with pytest.raises(BadEvent, match="set"):
        tour(notes={"a": {1}}).to_json()


def test_two_events_of_one_name_are_refused():
    with pytest.raises(TypeError, match="two events"):
        type("TourEnded", (Event,), {"__module__": "onedoor.kernel.elsewhere"})
