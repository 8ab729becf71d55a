"""A statement that is kept on a connection of its own while the thread that sent it goes on with something else."""

import atexit
import select
from collections.abc import Callable
from threading import Lock

import psycopg
from django.db import connection
from procrastinate.contrib.django.utils import connector_params
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn

from onedoor.store.postgresql.base import heard

NAME = b"beside"


class Beside:
    """One connection of this process that keeps by *statement* (with ``$1``), one after another.

    psycopg waits where it sends; here its wrapper of libpq sends, and somebody waits later.
    """

    def __init__(self, statement: str) -> None:
        self._statement = statement.encode()
        self._taken = Lock()
        self._connection: psycopg.Connection | None = None
        self._events = select.poll()
        atexit.register(self._close)

    def send(self, *values: bytes | None) -> Callable[[], None] | None:
        """Send *values*, as text in UTF-8, and return what must be called then.

        It returns when they are kept, or raises `DatabaseError`. Return None, and keep nothing, while others are on
        their way or the database takes none.
        """
        if not self._taken.acquire(blocking=False):
            return None
        try:
            server = self._server()
            server.send_query_prepared(NAME, values)
            while server.flush():
                self._until(server, select.POLLOUT)
        except BaseException as error:
            self._end()
            if isinstance(error, psycopg.Error):
                return None
            raise
        return lambda: self._wait(server)

    def _wait(self, server: PGconn) -> None:
        try:
            with connection.wrap_database_errors:
                self._read(server)
        except BaseException:
            self._end()
            raise
        self._taken.release()

    def _read(self, server: PGconn) -> None:
        """Return once the server said that the statement was done and, after that, nothing else: then it is kept."""
        while server.is_busy():
            self._until(server, select.POLLIN)
            server.consume_input()
        results = [*iter(server.get_result, None)]
        if server.status != ConnStatus.OK or server.transaction_status != TransactionStatus.IDLE:
            raise psycopg.OperationalError(server.get_error_message())  # libpq's own words for it have no class
        for result in results:
            if result.status != ExecStatus.COMMAND_OK:  # the last one, where keeping what was done failed
                raise error_from_result(result)
        if not results:
            raise psycopg.OperationalError(server.get_error_message())

    def _server(self) -> PGconn:
        """Return the connection's handle; a new one's where the server said something unasked: that it is gone."""
        if self._connection and not heard(self._connection):
            return self._connection.pgconn
        self._close()
        self._connection, self._events = psycopg.connect(**connector_params()), select.poll()
        prepared = self._connection.pgconn.prepare(NAME, self._statement)
        if prepared.status != ExecStatus.COMMAND_OK:
            raise error_from_result(prepared)
        return self._connection.pgconn

    def _until(self, server: PGconn, event: int) -> None:
        """Return when *event* came."""
        self._events.register(server.socket, event)
        self._events.poll()

    def _end(self) -> None:
        """Leave a connection of which nobody knows how it stands, and let the next have a new one."""
        self._close()
        self._taken.release()

    def _close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None
