"""What a room forgets: event types that ended, once nothing of them is known any more."""

from datetime import UTC, datetime, timedelta

import pytest

from onedoor.kernel import clock
from onedoor.pubsub import publishing, room, tasks
from onedoor.pubsub.models import EventType

NOON = datetime(2026, 11, 10, 5, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_a_type_that_ended_is_forgotten_after_its_last_event() -> None:
    with clock.freeze(NOON):
        for name in ("lasting", "ended", "told"):
            room.create(name, {})
        room.end("ended")
    with clock.freeze(NOON + timedelta(days=1)):
        publishing.publish("told", "VN/GOV/G15/CIVIL-STATUS", "k", {})
        room.end("told")
    kept = timedelta(days=publishing.KEPT, seconds=1)
    for days, left in ((0, {"lasting", "told"}), (1, {"lasting"})):
        with clock.freeze(NOON + kept + timedelta(days=days)):
            tasks.sweep()
        assert set(EventType.objects.values_list("name", flat=True)) == left
