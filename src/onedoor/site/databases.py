"""The database of a system, whichever PostgreSQL holds it: asked, dumped and filled as its owner."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from onedoor.kernel.errors import OnedoorError
from onedoor.site.embedded import program

SESSIONS = "identity_session"
PATIENCE = 5
"""Seconds a server may take to let us in."""
PLACES = ("/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin")
"""Where Debian and Red Hat put the programs of each version."""
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


class DatabaseNotCopied(OnedoorError):
    """{program} failed on the database {database}: {why}. Nothing was kept of this attempt; please try again."""


class NoProgram(OnedoorError):
    """The database {database} is of PostgreSQL {major}, whose {program} is not on this computer. Please install PostgreSQL’s client programs of that version."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True)
class Database:
    """The database at *url*, called *name* in archives and findings, whatever its server calls it."""

    name: str
    url: str = field(repr=False)

    def answers(self) -> bool:
        """Return whether it lets its owner in now; without an address it does not."""
        if not self.url:
            return False
        try:
            with self.connected():
                return True
        except psycopg.OperationalError:
            return False

    def connected(self) -> Connection:
        """Return a connection of the owner."""
        return psycopg.connect(self.url, connect_timeout=PATIENCE)

    def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Return what *query* finds."""
        with self.connected() as connection:
            return connection.execute(query, values).fetchall()

    def is_empty(self) -> bool:
        """Return whether there is no table in it."""
        return self.rows(TABLES) == [(0,)]

    @contextmanager
    def held(self) -> Iterator[tuple[Connection, str]]:
        """Hold it as it is now, for whoever uses the snapshot meanwhile."""
        with self.connected() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            row = connection.execute("SELECT pg_export_snapshot()").fetchone()
            yield connection, row[0] if row else ""

    def dump(self, to: Path, *, snapshot: str) -> None:
        """Write it, as a transaction that exported *snapshot* sees it, to the file *to*.

        Without sessions: who holds a session's key is who signed in with it.
        """
        without = f"--exclude-table-data={SESSIONS}"
        self._run("pg_dump", "--format=custom", without, f"--file={to}", f"--snapshot={snapshot}")

    def load(self, source: Path) -> None:
        """Fill it, which is empty, from a file that `dump` wrote, whole or not at all."""
        self._run("pg_restore", "--exit-on-error", "--single-transaction", str(source))

    def _run(self, name: str, *arguments: str) -> None:
        """Run a program of PostgreSQL on it; the password is not on the command line."""
        place: dict[str, Any] = dict(conninfo_to_dict(self.url))
        environment = os.environ | {"LC_ALL": "C", "PGPASSWORD": place.pop("password", "")}
        command = [self._program(name), f"--dbname={make_conninfo(**place)}", "--no-owner", "--no-privileges"]
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, *arguments], check=False, capture_output=True, text=True, env=environment
        )
        if done.returncode:
            said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or [""]
            raise DatabaseNotCopied(program=name, database=self.name, why=said[-1])

    def _program(self, name: str) -> str:
        """Return the program of the server's own version: what a later one writes an earlier server refuses."""
        with self.connected() as connection:
            major = connection.info.server_version // 10_000
        for path in (program(name), shutil.which(name), *(f"{one.format(major=major)}/{name}" for one in PLACES)):
            if path and _major(path) == major:
                return path
        raise NoProgram(database=self.name, major=major, program=name)


def _major(path: str) -> int:
    """Return the version of the program at *path*; 0 when there is none."""
    if not Path(path).exists():
        return 0
    told = subprocess.run([path, "--version"], check=False, capture_output=True, text=True)  # noqa: S603 - our own
    found = VERSION.search(told.stdout)
    return int(found[1]) if found else 0
