"""What the database of this process tells: jobs, deliveries of events, the ledger, and the pool of connections.

Asked over a connection of its own that waits two seconds at most: who watches must not wait for a pool that is empty.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
from django.db import connection
from procrastinate.contrib.django.utils import connector_params

from onedoor.kernel.watch import metrics
from onedoor.kernel.watch.metrics import Measure

PATIENCE = 2
DELIVERIES = "store.deliver"
SYSTEMS = "portal-worker, node"
JOBS = """
    WITH open AS (
        SELECT task_name, status, attempts, scheduled_at > now() AS later, CASE WHEN attempts > 0
            THEN (SELECT min(at) FROM procrastinate_events WHERE job_id = job.id AND type = 'started')
            ELSE greatest(scheduled_at, (SELECT min(at) FROM procrastinate_events WHERE job_id = job.id)) END AS since
        FROM procrastinate_jobs AS job WHERE status IN ('todo', 'doing')
    ), waiting AS (SELECT * FROM open WHERE status = 'todo' AND (attempts > 0 OR later IS NOT TRUE))
    SELECT (SELECT count(*) FROM waiting WHERE attempts = 0), (SELECT count(*) FROM waiting WHERE attempts > 0),
        (SELECT count(*) FROM open WHERE status = 'doing'),
        (SELECT count(*) FROM open WHERE status = 'todo' AND attempts = 0 AND later),
        (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'),
        coalesce(extract(epoch FROM now() - (SELECT min(since) FROM waiting)), 0),
        (SELECT count(*) FROM waiting WHERE task_name = %(deliveries)s),
        coalesce(extract(epoch FROM now() - (SELECT min(since) FROM waiting WHERE task_name = %(deliveries)s)), 0)
"""
LEDGER = """
    SELECT (SELECT coalesce(max(size), 0) FROM store_ledger_checkpoint), count(*),
        coalesce(extract(epoch FROM now() - min(made_at)), 0) FROM store_ledger_entry WHERE position IS NULL
"""
FIGURES = (
    ("onedoor_jobs", ("waiting",)),
    ("onedoor_jobs", ("retried",)),
    ("onedoor_jobs", ("doing",)),
    ("onedoor_jobs", ("later",)),
    ("onedoor_jobs", ("failed",)),
    ("onedoor_jobs_oldest_seconds", ()),
    ("onedoor_outbox_waiting", ()),
    ("onedoor_outbox_lag_seconds", ()),
    ("onedoor_ledger_size", ()),
    ("onedoor_ledger_waiting", ()),
    ("onedoor_ledger_lag_seconds", ()),
)
"""What the two queries give, in their order."""
metrics.measured(
    SYSTEMS,
    {
        "onedoor_jobs": (
            "Jobs by state: waiting (may run now), retried (failed, tried again), doing, later (not yet due), failed.",
            ("state",),
        ),
        "onedoor_jobs_oldest_seconds": ("How long the oldest job has waited, since it was due or first tried.", ()),
        "onedoor_outbox_waiting": ("Deliveries of events that wait.", ()),
        "onedoor_outbox_lag_seconds": ("How long the oldest delivery of an event has waited.", ()),
        "onedoor_ledger_size": ("Entries under the last signed checkpoint.", ()),
        "onedoor_ledger_waiting": ("Entries of the ledger without a position.", ()),
        "onedoor_ledger_lag_seconds": ("How long the oldest entry has waited for its position.", ()),
    },
)
metrics.measured(
    "portal-web, portal-worker, node",
    {
        "onedoor_database_up": ("1 when the database answered this scrape.", ()),
        "onedoor_database_pool": ("Connections of the pool by state: open, free.", ("state",)),
        "onedoor_database_pool_waiting": ("Requests that wait for a connection of the pool.", ()),
    },
)


def ask(query: str, parameters: dict[str, object] | None = None) -> tuple[Any, ...]:
    """Return one row; raise `psycopg.OperationalError` when the database does not answer in time."""
    patient = {"connect_timeout": PATIENCE, "options": f"-c statement_timeout={PATIENCE * 1000}", "autocommit": True}
    with psycopg.connect(**(connector_params() | patient)) as own:
        return own.execute(query.encode(), parameters).fetchone() or ()


def answers() -> None:
    """Raise unless the database answers."""
    ask("SELECT 1")


def measures(*, whole: bool) -> Iterator[Measure]:
    """Yield what the pool of this process tells and, when *whole*, what the database does."""
    try:
        found = [*ask(JOBS, {"deliveries": DELIVERIES}), *ask(LEDGER)] if whole else ask("SELECT 1")
    except psycopg.Error:
        yield Measure("onedoor_database_up", 0.0)
    else:
        yield Measure("onedoor_database_up", 1.0)
        if whole:
            yield from (Measure(name, float(one), labels) for (name, labels), one in zip(FIGURES, found, strict=True))
    yield from pool()


def pool() -> Iterator[Measure]:
    """Yield how far the pool of connections is used."""
    kept = connection.pool  # type: ignore[attr-defined]
    if kept is None:
        return
    told = kept.get_stats()
    yield Measure("onedoor_database_pool", told["pool_size"], ("open",))
    yield Measure("onedoor_database_pool", told["pool_available"], ("free",))
    yield Measure("onedoor_database_pool_waiting", told["requests_waiting"])
