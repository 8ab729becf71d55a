"""A post that reads data of many persons within minutes raises one alarm; others, and slow ones, do not."""

from datetime import timedelta

import pytest

from onedoor.kernel import clock
from onedoor.privacy import alarms
from onedoor.privacy.service import NotPermitted, Reader, permit
from onedoor.store.models import StatedEvent

pytestmark = pytest.mark.django_db
CASE = "2611-7K4M-Q8"
OFFICER = Reader("VN/GOV/G15/CIVIL-STATUS", "commune-00199.civil-status", "birth-registration", "l60-2014.16", CASE)
MANY = [f"0011960{n:05}" for n in range(4)]


@pytest.fixture(autouse=True)
def _three_in_ten_minutes(monkeypatch):
    monkeypatch.setattr(alarms, "threshold", lambda: alarms.Threshold(persons=3, minutes=10))


def read(*numbers: str, reader: Reader = OFFICER) -> None:
    for number in numbers:
        permit(reader, register="population", persons=[number])


def test_the_nations_file_says_how_many(monkeypatch):
    monkeypatch.undo()
    assert alarms.threshold() == alarms.Threshold(persons=60, minutes=10)


def test_more_persons_than_pass_raise_one_alarm():
    read(*MANY[:3], *MANY[:3])
    assert alarms.look() == []
    read(MANY[3])
    (alarm,) = alarms.look()
    assert (alarm.client, alarm.user, alarm.persons) == (OFFICER.client, OFFICER.user, 4)
    assert alarms.look() == []
    stated = StatedEvent.objects.get(name="privacy.ManyPersonsRead")
    assert not [number for number in MANY if number in str(stated.data)]


def test_it_is_raised_again_when_it_goes_on():
    before = clock.now() - timedelta(minutes=11)
    with clock.freeze(before):
        read(*MANY)
        assert len(alarms.look()) == 1
    StatedEvent.objects.update(stated_at=before)
    assert alarms.look() == []
    read(*MANY)
    assert len(alarms.look()) == 1


def test_slow_reads_refused_ones_and_those_of_persons_themselves_raise_none():
    now = clock.now()
    for minute, number in enumerate(MANY):
        with clock.freeze(now - timedelta(minutes=6 * minute)):
            read(number)
    portal = Reader("VN/GOV/G22/PORTAL", "account-1", "birth-form", "nd63-2024.4.5", CASE)
    read(*MANY, reader=portal)
    curious = Reader(OFFICER.client, "commune-00199.curious", "no-purpose", "l60-2014.16", CASE)
    for number in MANY:
        with pytest.raises(NotPermitted):
            permit(curious, register="population", persons=[number])
    assert alarms.look() == []
