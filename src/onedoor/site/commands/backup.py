"""``onedoor backup``: the databases and files of an installation into one archive, every key into another."""

import argparse
import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection, IsolationLevel, connect

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ids import uuid7
from onedoor.site import archives, lock, messages
from onedoor.site.cli import DEFAULT_VAR
from onedoor.site.embedded import SUPERUSER, Server
from onedoor.site.messages import text as _
from onedoor.site.up.command import closed_to_others
from onedoor.store import copies

LEDGER = "SELECT coalesce(max(size), 0) FROM store_ledger_checkpoint"


class NothingToBackUp(OnedoorError):
    """There is no installation in {var}. Please name the folder of one: onedoor backup --var DIR."""


class BetweenTwo(OnedoorError):
    """The nation in {var} is just starting or stopping: its database does not answer. Please try again in a minute."""


class KeysBesideData(OnedoorError):
    """Keys and data must not lie in one folder: who finds both can read everything. Please put --keys elsewhere."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the installation and the two places."""
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of the installation")
    parser.add_argument("--data", type=Path, required=True, help="archive of the data to write, such as data.tar.gz")
    parser.add_argument("--keys", type=Path, required=True, help="archive of the keys to write, in another folder")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write both archives and say what is in them."""
    var, data, keys = (path.absolute() for path in (arguments.var, arguments.data, arguments.keys))
    if data.parent.resolve() == keys.parent.resolve():
        raise KeysBesideData
    server = Server(var / "postgres")
    if not (server.data / "PG_VERSION").exists():
        raise NothingToBackUp(var=var)
    data.parent.mkdir(parents=True, exist_ok=True)
    with closed_to_others(), _answering(var, server), tempfile.TemporaryDirectory(prefix=".backup-", dir=var) as name:
        about = _collect(var, server, Path(name))
        seal = secrets.token_bytes(32)
        archives.pack(Path(name) / "data", data, about, seal)
        shared = {name: about[name] for name in ("id", "made_at", "expires_at")} | {"seal": seal.hex()}
        archives.pack(Path(name) / "keys", keys, shared)
    sizes = about["databases"].items()
    entries = ", ".join(_("{name} ({size} entries of its ledger)", name=name, size=size) for name, size in sizes)
    print(_("Data of {entries}: {file}", entries=entries, file=data))
    persons = sum(about["persons"].values())
    print(_("Keys of {persons} persons, of signatures and seals: {file}", persons=persons, file=keys))
    day = about["expires_at"][:10]
    print(_("Keep the two apart. The copy of the keys expires on {day}: no restore takes it after that.", day=day))
    for path in archives.delete_expired(keys.parent, datetime.now(UTC)):
        print(_("Deleted, for it has expired: {file}", file=path))


def _collect(var: Path, server: Server, folder: Path) -> dict[str, Any]:
    """Copy everything below *folder*; the databases first, for a key is durable before anything is sealed with it.

    Each key store knows of its copy before there is one.
    """
    name, made_at = uuid7().hex, datetime.now(UTC).replace(microsecond=0)
    stores = sorted(var.glob(f"*/{archives.KEY_STORE}"))
    expires_at = [copies.record(store, name, made_at) for store in stores] or [made_at + copies.LASTS]
    dumps = folder / "data" / archives.DUMPS
    dumps.mkdir(parents=True)
    sizes = _dump(server, dumps)
    for path in archives.files(var):
        part = "data" if archives.is_data(path, var) else "keys"
        archives.copy(path, folder / part / archives.FILES / path.relative_to(var))
    return {
        "id": name,
        "made_at": made_at.isoformat(),
        "expires_at": expires_at[0].isoformat(),
        "databases": sizes,
        "persons": archives.persons(folder / "keys" / archives.FILES),
    }


def _dump(server: Server, folder: Path) -> dict[str, int]:
    """Dump every database as of nearly one moment; return the size of each ledger at it."""
    with ExitStack() as stack:
        held = {name: stack.enter_context(_snapshot(server, name)) for name in server.databases()}
        sizes = {}
        for name, (connection, snapshot) in held.items():
            server.dump(name, folder / f"{name}.dump", snapshot=snapshot)
            row = connection.execute(LEDGER).fetchone()
            sizes[name] = int(row[0]) if row else 0
    return sizes


@contextmanager
def _snapshot(server: Server, name: str) -> Iterator[tuple[Connection, str]]:
    """Hold the database *name* as it is now, for whoever uses the snapshot meanwhile."""
    with connect(server.url(SUPERUSER, name)) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield connection, row[0] if row else ""


@contextmanager
def _answering(var: Path, server: Server) -> Iterator[None]:
    """Have the database answer: as a nation runs with it, or for this while alone, in which nothing else may start."""
    with ExitStack() as stack:
        try:
            stack.enter_context(lock.held(var, "backup"))
        except lock.AlreadyRunning:
            if not server.answers():
                raise BetweenTwo(var=var) from None
        else:
            stack.enter_context(started(server))
        yield


@contextmanager
def started(server: Server) -> Iterator[None]:
    """Have the database of an installation whose lock we hold answer; what we start ends with us, however that is."""
    if server.answers():
        yield
        return
    with server.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own command
            server.command(parent=os.getpid()), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        server.wait()
        yield
    finally:
        child.send_signal(signal.SIGINT)
        child.wait()
