"""Events are delivered after commit and never after a rollback; jobs outlive a killed worker."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from onedoor.kernel.actor import SYSTEM
from onedoor.kernel.events import Event
from onedoor.kernel.watch import trace
from onedoor.store import jobs, outbox, work
from onedoor.store.models import StatedEvent
from onedoor.store.work import retake_stalled, run_waiting


@dataclass(frozen=True, kw_only=True)
class SomethingHappened(Event):
    what: str


seen: list[str] = []
failures: list[str] = []
ids: list[str] = []
"""The ids of requests under which each event was delivered."""


@outbox.on(SomethingHappened)
def remember(event: SomethingHappened) -> None:
    if event.what in failures:
        failures.remove(event.what)
        raise RuntimeError("not yet")
    seen.append(event.what)
    here = trace.current()
    ids.append(here.id if here else "")


@pytest.fixture(autouse=True)
def forget(transactional_db: None):
    """Begin with no job: Django's flush leaves the queue's tables alone."""
    seen.clear()
    failures.clear()
    ids.clear()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_an_event_is_delivered_after_commit_with_who_acted():
    with transaction.atomic():
        outbox.state(SomethingHappened(by=SYSTEM, what="birth"))
        assert seen == []
    run_waiting()
    assert seen == ["birth"]
    assert StatedEvent.objects.get().data["by"]["post"] == "system"
    assert waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_an_event_stated_in_a_rolled_back_transaction_is_never_delivered():
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        outbox.state(SomethingHappened(by=SYSTEM, what="nothing"))
        raise ZeroDivisionError
    run_waiting()
    assert seen == []
    assert not StatedEvent.objects.exists()
    assert waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        outbox.state(SomethingHappened(by=SYSTEM, what="loose"))


@pytest.mark.django_db(transaction=True)
def test_a_handler_that_fails_is_tried_again():
    failures.append("late")
    with transaction.atomic():
        outbox.state(SomethingHappened(by=SYSTEM, what="late"))
    run_waiting()
    assert seen == []
    assert waiting() == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_waiting()
    assert seen == ["late"]
    assert waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_what_a_request_sets_off_goes_on_under_its_id():
    with trace.within(trace.new()) as here, transaction.atomic():
        outbox.state(SomethingHappened(by=SYSTEM, what="followed"))
    with transaction.atomic():
        outbox.state(SomethingHappened(by=SYSTEM, what="by itself"))
    run_waiting()
    assert seen == ["followed", "by itself"]
    assert ids[0] == here.id
    assert ids[1] not in ("", here.id)


def test_waits_between_attempts_grow_and_stop_growing():
    patient = jobs.Patient(longest=60)

    class Attempt:
        def __init__(self, attempts: int) -> None:
            self.attempts = attempts

    waits = [
        (patient.get_retry_decision(exception=ValueError(), job=Attempt(n)).retry_at.timestamp() - time.time())
        for n in (0, 1, 5, 6, 1000)
    ]
    assert [round(w) for w in waits] == [1, 2, 32, 60, 60]


@pytest.mark.django_db(transaction=True)
def test_running_what_waits_lets_the_clock_set_off_nothing(monkeypatch: pytest.MonkeyPatch):
    set_off: list[object] = []
    run = work.DjangoApp.run_worker_async

    async def watched(app: work.DjangoApp, **options: object) -> None:
        set_off.extend(app.periodic_registry.periodic_tasks)
        await run(app, **options)

    monkeypatch.setattr(work.DjangoApp, "run_worker_async", watched)
    assert work.app.periodic_registry.periodic_tasks
    run_waiting()
    assert set_off == []
    assert waiting() == 0


SLEEPER = """
import os, sys, django, time
django.setup()
from onedoor.store import jobs, work
@jobs.job(name="tests.sleep")
def sleep(mark):
    open(mark, "w").close()
    time.sleep(60)
work.Worker(heartbeat=0.2, concurrency=1).run()  # one job at a time: none that the clock sets off
"""


@jobs.job(name="tests.sleep")
def sleep(mark: str) -> None:
    seen.append(mark)


@pytest.mark.django_db(transaction=True)
def test_a_job_left_by_a_killed_worker_is_taken_up_again(tmp_path):
    mark = tmp_path / "running"
    sleep.defer(mark=str(mark))
    name = connection.settings_dict["NAME"]
    url = os.environ["ONEDOOR_DATABASE_URL"].replace("/postgres?", f"/{name}?")
    environ = os.environ | {"ONEDOOR_DATABASE_URL": url}
    worker = subprocess.Popen([sys.executable, "-c", SLEEPER], env=environ)
    deadline = time.monotonic() + 30
    while not mark.exists():
        assert worker.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert retake_stalled(seconds=30) == 0, "a worker that lives keeps its job"
    time.sleep(1.5)
    assert retake_stalled(seconds=1) == 1
    run_waiting()
    assert seen == [str(mark)]
    assert waiting() == 0
