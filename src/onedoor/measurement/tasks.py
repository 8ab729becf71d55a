"""What the room counts and when; each may run again, none counts anything twice."""

from datetime import date

from onedoor.cases.events import DossierEnded, DossierSubmitted, DossierWithdrawn, StepAcknowledged, StepSettled
from onedoor.kernel import nation
from onedoor.kernel.nation import Nation
from onedoor.measurement import counting, runs, stocks
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


@periodic("* * * * *", "measurement.take_stock")
def take_stock() -> None:
    """Count the services there are, once a day and whenever the nation's files change."""
    taken, today = nation.current().once(_taken), nation.current().today()
    if today not in taken:
        stocks.take()
        taken.add(today)


def _taken(_country: Nation) -> set[date]:
    """Return the days on which this process took stock of a nation."""
    return set()


@outbox.on(DossierSubmitted)
def take_run(submitted: DossierSubmitted) -> None:
    """Give a case to the run that was announced for it."""
    runs.take(submitted.case)


@outbox.on(DossierEnded)
def end_case(ended: DossierEnded) -> None:
    """Judge a run, or count a real case."""
    runs.end(ended.case)


@outbox.on(DossierWithdrawn)
def end_withdrawn(withdrawn: DossierWithdrawn) -> None:
    """Judge a run, or count a real case, that its person gave up."""
    runs.end(withdrawn.case)
