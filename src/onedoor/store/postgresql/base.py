"""The backend: Django's own, but for the check of a connection taken from the pool."""

import select
from typing import Any

from django.db.backends.postgresql import base, creation
from psycopg import Connection


class DatabaseCreation(creation.DatabaseCreation):
    """The databases of tests, which go though a connection of `store.beside` to them is open."""

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:  # noqa: ARG002 - as Django calls it
        with self._nodb_cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"DROP DATABASE {self.connection.ops.quote_name(test_database_name)} WITH (FORCE)")


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
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        connection.execute("")
