"""What the room counts and when; each may run again, none counts anything twice."""

from onedoor.cases.events import StepAcknowledged, StepSettled
from onedoor.measurement import counting, stocks
from onedoor.store import outbox
from onedoor.store.jobs import periodic


@outbox.on_stated(StepAcknowledged)
def count_taking_on(stated: outbox.Stated[StepAcknowledged]) -> None:
    """Count a dossier that an agency took on."""
    counting.count_taking_on(stated)


@outbox.on_stated(StepSettled)
def count_settling(stated: outbox.Stated[StepSettled]) -> None:
    """Count a dossier that an agency settled."""
    counting.count_settling(stated)


@periodic("*/5 * * * *", "measurement.take_stock")
def take_stock() -> None:
    """Count the services there are, where the definitions say another thing than before."""
    stocks.take()
