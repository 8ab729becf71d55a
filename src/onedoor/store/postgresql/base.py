"""The backend: Django's own, but for the check of a connection taken from the pool."""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that costs no round trip before its first statement."""

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
