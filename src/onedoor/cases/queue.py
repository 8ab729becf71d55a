"""What the room leaves to the worker, by the names of its jobs; queued in the caller's transaction."""

from datetime import datetime, timedelta

from onedoor.cases.models import Step, Task
from onedoor.kernel import clock

AGAIN = timedelta(minutes=10)
"""How long a person has to try a withdrawal again that did not come about."""


def hand_over(code: str, step: Step) -> None:
    """Hand a step over to the authority that owns it."""
    from onedoor.cases import tasks

    tasks.hand_over.defer(code=code, step=step.ref, round=step.round)


def watch(moment: datetime, code: str, step: Step, limit: int) -> None:
    """Look at *moment* whether the hand-over has come through."""
    from onedoor.cases import tasks

    tasks.watch.defer_at(moment, code=code, step=step.ref, round=step.round, limit=limit)


def expire(moment: datetime, code: str, step: Step) -> None:
    """Stop the step at *moment* when no supplement came."""
    from onedoor.cases import tasks

    tasks.expire.defer_at(moment, code=code, step=step.ref, asked=step.asked)


def pass_on(code: str, step: Step) -> None:
    """Pass the person's supplement on to the authority that asked."""
    from onedoor.cases import tasks

    tasks.pass_on.defer(code=code, step=step.ref, asked=step.asked)


def end(code: str, step: Step, kind: str) -> None:
    """Tell an authority that a step ends: ``withdraw`` or ``expire``."""
    from onedoor.cases import tasks

    tasks.end.defer(code=code, step=step.ref, round=step.round, kind=kind)


def go_on(code: str) -> None:
    """Look in a while whether an authority has ended what is not withdrawn."""
    from onedoor.cases import tasks

    tasks.go_on.defer_at(clock.now() + AGAIN, code=code)


def work(task: Task) -> None:
    """Do what an officer decided to do."""
    from onedoor.cases import tasks

    tasks.work.defer(task=str(task.id))


def tell(task: Task, number: int) -> None:
    """Tell the portal outcome *number* of a task."""
    from onedoor.cases import tasks

    tasks.tell.defer(task=str(task.id), number=number)


def notify(code: str, kind: str, step: str, key: str) -> None:
    """Tell the person what happened."""
    from onedoor.cases import tasks

    tasks.notify.defer(code=code, kind=kind, step=step, key=key)
