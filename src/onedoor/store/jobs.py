"""Jobs in the process's own database: queued in the caller's transaction, run by the worker, kept over kills."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job as QueuedJob
from procrastinate.tasks import Task

from onedoor.kernel import nation

__all__ = ["PATIENT", "Job", "Patient", "app", "job", "periodic"]


class Patient(BaseRetryStrategy):
    """Try again until it works: after 1, 2, 4… seconds, at most *longest* apart."""

    def __init__(self, longest: int = 60) -> None:
        self.longest = longest

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision:  # noqa: ARG002
        """Return when to try again, whatever went wrong."""
        return RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts, 16), self.longest)})


PATIENT = Patient()


class Job:
    """A function that can also be queued: ``defer(**arguments)`` takes JSON values."""

    def __init__(self, task: Task[Any, Any, Any], function: Callable[..., object]) -> None:
        self.task = task
        self.name = task.name
        self.function = function
        self.__doc__ = function.__doc__

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run the function here and now."""
        return self.function(*args, **kwargs)

    def defer(self, **arguments: Any) -> int:  # noqa: ANN401 - JSON values
        """Queue the job in the current transaction; return its number."""
        return int(self.task.defer(**arguments))

    def defer_at(self, moment: datetime, **arguments: Any) -> int:  # noqa: ANN401 - JSON values
        """Queue the job in the current transaction, to run not before *moment*."""
        return int(self.task.configure(schedule_at=moment).defer(**arguments))


def job(
    name: str, *, queue: str = "default", retry: BaseRetryStrategy | bool | int = PATIENT
) -> Callable[[Callable[..., object]], Job]:
    """Make a function a `Job` called *name* (``room.verb``); by default it is tried until it works."""

    def make(function: Callable[..., object]) -> Job:
        task: Any = app.task(name=name, queue=queue, retry=retry)(_in_one_nation(function))
        return Job(task, function)

    return make


def _in_one_nation(function: Callable[..., object]) -> Callable[..., object]:
    """Have *function* see one version of the nation from its beginning to its end."""

    @wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        with nation.hold():
            return function(*args, **kwargs)

    return run


def periodic(cron: str, name: str, *, queue: str = "default") -> Callable[[Callable[[], object]], Job]:
    """Run a function without arguments at each moment of *cron* (in UTC, a sixth field for seconds), once nation-wide.

    Whoever runs several workers on one database still gets one run for each moment.
    """

    def make(function: Callable[[], object]) -> Job:
        def run(timestamp: int) -> object:  # noqa: ARG001 - the job system passes it
            return _in_one_nation(function)()

        task: Any = app.task(name=name, queue=queue, queueing_lock=name)(run)
        app.periodic(cron=cron)(task)
        return Job(task, function)

    return make
