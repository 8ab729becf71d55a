"""What the database tells who watches: jobs by state and age, deliveries of events, the ledger."""

from datetime import timedelta

import pytest
from django.db import connection

from onedoor.kernel import clock
from onedoor.kernel.watch import metrics, trace
from onedoor.store import jobs, ledger, measures, work

pytestmark = pytest.mark.django_db(transaction=True)
SEEN: list[str] = []


@jobs.job("store.tests.watched")
def watched() -> None:
    under_way = trace.current()
    assert under_way
    SEEN.append(under_way.id)


@pytest.fixture(autouse=True)
def _no_job_of_another_test() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")


def found() -> dict[tuple[str, ...], float]:
    return {(one.name, *one.labels): one.value for one in measures.measures(whole=True)}


def test_jobs_are_counted_by_state_and_the_oldest_by_its_age():
    watched.defer()
    watched.defer_at(clock.now() + timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '1 hour'")
    now = found()
    assert now["onedoor_database_up",] == 1
    assert (now["onedoor_jobs", "waiting"], now["onedoor_jobs", "later"]) == (1, 1)
    assert 3600 <= now["onedoor_jobs_oldest_seconds",] < 3700
    assert now["onedoor_outbox_waiting",] == 0


def test_a_job_that_is_tried_again_and_one_that_is_not_are_told_apart():
    for state in ("attempts = 1, scheduled_at = now() + interval '1 minute'", "status = 'failed'"):
        watched.defer()
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE procrastinate_jobs SET {state} WHERE id = (SELECT max(id) FROM procrastinate_jobs)")
    now = found()
    assert (now["onedoor_jobs", "retried"], now["onedoor_jobs", "failed"], now["onedoor_jobs", "waiting"]) == (1, 1, 0)


def test_each_run_of_a_job_has_an_id_of_its_own_and_is_counted():
    SEEN.clear()
    labels = {"job": "store.tests.watched", "outcome": "done"}
    before = metrics.REGISTRY.get_sample_value("onedoor_job_seconds_count", labels) or 0
    for _ in range(2):
        watched.defer()
    work.run_waiting()
    assert len(set(SEEN)) == 2
    assert metrics.REGISTRY.get_sample_value("onedoor_job_seconds_count", labels) == before + 2
    assert trace.current() is None


def test_the_ledger_is_measured_by_its_size_and_by_what_waits():
    from django.db import transaction

    size = found()["onedoor_ledger_size",]
    with transaction.atomic():
        ledger.append("test.kind", b"c" * 32)
    assert found()["onedoor_ledger_waiting",] == 1
    ledger.integrate()
    now = found()
    assert (now["onedoor_ledger_size",], now["onedoor_ledger_waiting",]) == (size + 1, 0)


def test_a_database_that_is_away_is_a_measure_and_no_error(monkeypatch):
    monkeypatch.setattr(measures, "connector_params", lambda: {"host": "/nowhere", "user": "nobody"})
    assert {one.name: one.value for one in measures.measures(whole=True)} == {"onedoor_database_up": 0.0}
