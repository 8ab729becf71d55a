"""The backend: Django's own, but for the check of a connection taken from the pool."""

import select
from typing import Any

from django.db.backends.postgresql import base, creation
from psycopg import Connection

OUR_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = current_user
"""
"""Ended and waited for; those of the server itself, such as autovacuum, are not ours to end, and step aside."""


class DatabaseCreation(creation.DatabaseCreation):
    """The databases of tests, which go though a connection of `store.beside` to them is open."""

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        with self._nodb_cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(OUR_SESSIONS, [test_database_name])
        super()._destroy_test_db(test_database_name, verbosity)  # type: ignore[misc]


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that costs no round trip before its first statement."""

    creation_class = DatabaseCreation

    @property
    def pool(self) -> Any:  # noqa: ANN401 - psycopg's pool or nothing, as Django has it
        """Return the pool of this process."""
        pool = super().pool
        if pool:
            pool._check = check  # Django offers its own check, a round trip, or none
        return pool


def check(connection: "Connection[Any]") -> None:
    """Raise when the server has closed *connection*: then it can be read though nothing was asked."""
    if heard(connection):
        connection.execute("")


def heard(connection: "Connection[Any]") -> bool:
    """Return whether the server said something unasked: that it closed *connection*."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
