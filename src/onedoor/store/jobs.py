"""Jobs in the process's own database: queued in the caller's transaction, run by the worker, kept over kills."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import structlog
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job as QueuedJob
from procrastinate.tasks import Task
from psycopg.types.json import Jsonb

from onedoor.kernel import nation
from onedoor.kernel.watch import metrics, spans, trace
from onedoor.store import rows

__all__ = ["PATIENT", "Job", "Patient", "app", "job", "periodic"]


DEFER = """
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(%s, %s, %s, %s, %s, %s, %s)::procrastinate_job_to_defer_v1])
"""
"""What procrastinate's own ``defer`` runs, as a statement that is kept ready and takes no turn of its own."""
log = structlog.get_logger("onedoor.jobs")
_seconds = metrics.histogram(
    "onedoor_job_seconds",
    "One run of a job, by job and how it ended: done, failed (it is tried again).",
    ("job", "outcome"),
    "portal-worker, node",
)


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

    def defer(self, **arguments: Any) -> None:  # noqa: ANN401 - JSON values
        """Queue the job in the current transaction; within `rows.one_trip`, with what else goes to the database."""
        self._queue(None, arguments)

    def defer_at(self, moment: datetime, **arguments: Any) -> None:  # noqa: ANN401 - JSON values
        """Queue the job in the current transaction, to run not before *moment*."""
        self._queue(moment, arguments)

    def _queue(self, moment: datetime | None, arguments: dict[str, Any]) -> None:
        task = self.task
        kept = [task.queue, task.name, task.priority, task.lock, task.queueing_lock]
        rows.run(DEFER, [*kept, Jsonb(_traced(arguments)), moment])


def job(
    name: str, *, queue: str = "default", retry: BaseRetryStrategy | bool | int = PATIENT
) -> Callable[[Callable[..., object]], Job]:
    """Make a function a `Job` called *name* (``room.verb``); by default it is tried until it works."""

    def make(function: Callable[..., object]) -> Job:
        task: Any = app.task(name=name, queue=queue, retry=retry)(_watched(name, function))
        return Job(task, function)

    return make


def _traced(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the *arguments* with the request that queues the job: what it sets off goes on under the same id."""
    here = trace.current()
    return arguments | {trace.HEADER: here.header()} if here else arguments


def _watched(name: str, function: Callable[..., object]) -> Callable[..., object]:
    """Return *function* as a job runs it: in one version of the nation, with an id for what it logs, and counted."""

    @wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        received = trace.read(str(kwargs.pop(trace.HEADER, "")))
        started, outcome, here = time.perf_counter(), "failed", spans.enter(received)
        with trace.within(here), nation.hold():
            try:
                result = function(*args, **kwargs)
                outcome = "done"
                return result
            finally:
                seconds = time.perf_counter() - started
                _seconds.labels(name, outcome).observe(seconds)
                spans.leave(here, received, f"job {name}", spans.CONSUMER, seconds, failed=outcome == "failed")
                log.info("job", job=name, outcome=outcome, milliseconds=round(1000 * seconds, 1))

    return run


def periodic(cron: str, name: str, *, queue: str = "default") -> Callable[[Callable[[], object]], Job]:
    """Run a function without arguments at each moment of *cron* (in UTC, a sixth field for seconds), once nation-wide.

    Whoever runs several workers on one database still gets one run for each moment.
    """

    def make(function: Callable[[], object]) -> Job:
        def run(timestamp: int) -> object:  # noqa: ARG001 - the job system passes it
            return function()

        task: Any = app.task(name=name, queue=queue, queueing_lock=name)(_watched(name, run))
        app.periodic(cron=cron)(task)
        return Job(task, function)

    return make
