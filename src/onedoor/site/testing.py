"""The pytest plugin that gives every test process its own database on one real PostgreSQL kept in ``var/test``."""

import atexit
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from psycopg import sql

from onedoor.kernel.durable import write_durably
from onedoor.site.embedded import Server

ROOT = Path(__file__).parents[3]
HOME = Path(os.environ.get("ONEDOOR_TEST_HOME", ROOT / "var" / "test")) / "postgres"
ROLE = "test"
PREFIX = "test_"


def server() -> Server:
    """Return the test server (fsync off: nothing in it has to outlive the machine)."""
    return Server(HOME, {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
                         "max_connections": "120"})  # fmt: skip


def set_environment() -> None:
    """Describe this test process to `onedoor.kernel.settings` by its environment."""
    state = tempfile.mkdtemp(prefix="onedoor-test-")
    atexit.register(shutil.rmtree, state, ignore_errors=True)
    write_durably(
        Path(state) / "keys" / "blind", secrets.token_bytes(32)
    )  # no test asks the database whether it is new
    os.environ.update(
        LC_ALL="C.UTF-8",
        ONEDOOR_ROLE="test",
        ONEDOOR_NATION=str(ROOT / "nations" / "vietnam"),
        ONEDOOR_DATABASE_URL=server().url(ROLE, "postgres"),
        ONEDOOR_STATE=state,
        ONEDOOR_DEMONSTRATION="yes",
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Let one test process at a time start the server or sweep it."""
    HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_server() -> Server:
    """Start the test server unless it runs, and drop the databases of test processes that are gone."""
    postgres = server()
    with _alone():
        postgres.prepare()
        postgres.start()
        postgres.ensure_role(ROLE, creates_databases=True)
        with postgres.as_superuser() as connection:
            connection.execute("GRANT CONNECT ON DATABASE postgres TO test")
            connection.execute("ALTER ROLE test SET onedoor.emptying = 'tests'")  # Django empties tables between tests
            _sweep(connection)
    return postgres


def _sweep(connection: psycopg.Connection) -> None:
    names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'").fetchall()
    for (name,) in names:
        process = name.removeprefix(PREFIX).split("_")[0]
        if process.isdigit() and not Path(f"/proc/{process}").exists():
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres() -> Server:
    """Give the running test server."""
    return ensure_server()


@pytest.fixture(scope="session", autouse=True)
def _only_what_is_full_is_emptied() -> Iterator[None]:
    """Between tests that commit, empty the few tables that hold something: to empty all takes a tenth of a second.

    Nor the types of content, which stay what they are and would be made anew each time.
    """
    from django.core.management.color import Style
    from django.db.backends.postgresql.operations import DatabaseOperations

    every = DatabaseOperations.sql_flush

    def full(self: DatabaseOperations, style: Style, tables: Iterable[str], **options: bool) -> list[str]:
        known = [self.quote_name(one) for one in tables if one != "django_content_type"]
        found = " UNION ALL ".join(f"SELECT {n} WHERE EXISTS (SELECT FROM {one})" for n, one in enumerate(known))  # noqa: S608 - Django's own names
        with self.connection.cursor() as cursor:
            cursor.execute(found)
            names = [known[n] for (n,) in cursor.fetchall()]
        return every(self, style, names, **{**options, "allow_cascade": True})

    with mock.patch.object(DatabaseOperations, "sql_flush", full):
        yield


def stop_if_idle() -> bool:
    """Stop the test server unless another test process uses it; return whether it is stopped."""
    postgres = server()
    if postgres.answers():
        with _alone(), postgres.as_superuser() as connection:
            _sweep(connection)
            if connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE 'test\\_%'").fetchone():
                return False
            connection.close()
            postgres.stop()
    return True


if __name__ == "__main__":
    stop_if_idle()
else:
    set_environment()
