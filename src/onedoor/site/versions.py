"""Whether a database is of this version: which migrations it has, and which this version brings. No Django here."""

from collections.abc import Iterable
from pathlib import Path

import psycopg

from onedoor.kernel.errors import OnedoorError

SOURCE = Path(__file__).parents[1]
APPLIED = "SELECT app, name FROM django_migrations"


class DatabaseNewer(OnedoorError):
    """The database was made by a newer version: it has {migration}, which this one does not know. Nothing was started, nothing changed. Please install the newer version again, or restore the backup made before it."""  # noqa: E501 - one sentence after the other


class DatabaseOlder(OnedoorError):
    """The database is of an earlier version: it lacks {migration}. Please make a backup, then run “onedoor migrate” with the same settings."""  # noqa: E501 - one sentence after the other


def difference(applied: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Return what the rooms in *applied* lack of this version, and what they have that it does not know."""
    there = {f"{room} {name}" for room, name in applied if (SOURCE / room / "migrations").is_dir()}
    rooms = {one.partition(" ")[0] for one in there}
    here = {f"{room} {path.stem}" for room in rooms for path in (SOURCE / room / "migrations").glob("[0-9]*.py")}
    return sorted(here - there), sorted(there - here)


def found(url: str) -> tuple[list[str], list[str]]:
    """Return the `difference` of the database at *url*; an empty one lacks every table."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        try:
            applied = connection.execute(APPLIED).fetchall()
        except psycopg.errors.UndefinedTable:
            return ["every table"], []
    return difference((app, name) for app, name in applied)


def refuse_newer(url: str) -> bool:
    """Return whether the database at *url* lacks something; raise `DatabaseNewer` when a later version was there."""
    lacking, unknown = found(url)
    if unknown:
        raise DatabaseNewer(migration=unknown[0])
    return bool(lacking)


def refuse_other(url: str) -> None:
    """Raise `DatabaseNewer` or `DatabaseOlder` unless the database at *url* is of this version.

    One that does not answer yet is no fault: every process waits for it.
    """
    try:
        lacking, unknown = found(url)
    except psycopg.OperationalError:
        return
    if unknown:
        raise DatabaseNewer(migration=unknown[0])
    if lacking:
        raise DatabaseOlder(migration=lacking[0])
