"""What the clock sets off runs on every system that has its room, the portal's and every agency's."""

import pytest

from onedoor.site.settings import ROOMS
from onedoor.store.jobs import app
from tests.nation.running import Running, wait_for
from tests.nation.test_kills import MEMBERS

DATABASES = ["portal", *(f"node_{member.lower()}" for member in MEMBERS[1:])]
pytestmark = pytest.mark.nation
JOBS = sorted(task.task.name for task in app.periodic_registry.periodic_tasks.values())


def has(database: str, job: str) -> bool:
    """Return whether the system of a database has the room of a job."""
    return job.partition(".")[0] in ROOMS["portal" if database == "portal" else "node"]


def test_there_are_such_jobs() -> None:
    own = [
        "cases.renew",
        "cases.sweep",
        "identity.forget_sessions",
        "measurement.take_stock",
        "privacy.forget_requests",
        "privacy.look_for_alarms",
        "privacy.look_for_overdue_breaches",
        "privacy.tell_of_opened",
        "pubsub.go_on",
        "pubsub.sweep",
    ]
    of_registers = ["keep_schemas", "look_for_overdue_corrections", "retain"]
    assert [*own, *(f"registers.{one}" for one in of_registers), "store.finish_erasures"] == JOBS


@pytest.mark.parametrize(("database", "job"), [(one, job) for one in DATABASES for job in JOBS if has(one, job)])
def test_a_job_of_the_clock_ends_well(nation: Running, database: str, job: str) -> None:
    with nation.server.as_superuser(database) as connection:
        insert = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', %s, %s) RETURNING id"
        row = connection.execute(insert, [job, '{"timestamp": 0}']).fetchone()
    assert row

    def ended() -> str:
        ((status,),) = nation.rows(database, "SELECT status::text FROM procrastinate_jobs WHERE id = %s", row[0])
        return status if status not in ("todo", "doing") else ""

    assert wait_for(ended, f"{job} does not run", 20) == "succeeded"
