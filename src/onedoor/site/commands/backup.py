"""``onedoor backup``: the databases and files of an installation into one archive, every key into another."""

import argparse
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onedoor.kernel import durable
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ids import uuid7
from onedoor.site import archives, installation, messages
from onedoor.site.databases import Database
from onedoor.site.installation import Installation
from onedoor.site.messages import text as _
from onedoor.site.up.command import closed_to_others
from onedoor.store import copies, rotation

MAY_GO = ("gateway-", "versions")
"""How the folders begin from which what runs may take a file away meanwhile."""
WORKSHOP = ".backup-"
LEDGER = "SELECT coalesce(max(size), 0) FROM store_ledger_checkpoint"


class KeysBesideData(OnedoorError):
    """Keys and data must not lie in one folder: who finds both can read everything. Please put --keys elsewhere."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the installation and the two places."""
    installation.add_arguments(parser)
    parser.add_argument("--data", type=Path, required=True, help="archive of the data to write, such as data.tar.gz")
    parser.add_argument("--keys", type=Path, required=True, help="archive of the keys to write, in another folder")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write both archives and say what is in them."""
    data, keys = arguments.data.absolute(), arguments.keys.absolute()
    if data.parent.resolve() == keys.parent.resolve():
        raise KeysBesideData
    found = installation.at(arguments.var, arguments.settings)
    data.parent.mkdir(parents=True, exist_ok=True)
    with closed_to_others(), found.answering("backup"), _workshop(found.var) as folder:
        about = _collect(found, folder)
        seal = secrets.token_bytes(32)
        shared = {name: about[name] for name in ("id", "made_at", "expires_at")} | {"seal": seal.hex()}
        with archives.packed(folder / "data", data, about, seal), archives.packed(folder / "keys", keys, shared):
            pass  # both, or neither: an archive of data is worth nothing beside the keys of another
    sizes = about["databases"].items()
    entries = ", ".join(_("{name} ({size} entries of its ledger)", name=name, size=size) for name, size in sizes)
    print(_("Data of {entries}: {file}", entries=entries or _folders(found.var), file=data))
    persons = sum(about["persons"].values())
    print(_("Keys of {persons} persons, of signatures and seals: {file}", persons=persons, file=keys))
    day = about["expires_at"][:10]
    print(_("Keep the two apart. The copy of the keys expires on {day}: no restore takes it after that.", day=day))
    for path in archives.delete_expired(keys.parent, datetime.now(UTC)):
        print(_("Deleted, for it has expired: {file}", file=path))


@contextmanager
def _workshop(var: Path) -> Iterator[Path]:
    """Give a folder in *var* that is gone in the end; those of backups that were killed, keys beside data, go first."""
    with ExitStack() as stack:
        with durable.alone(var):
            for left in var.glob(f"{WORKSHOP}*"):
                with suppress(BlockingIOError), durable.alone(left, wait=False):
                    shutil.rmtree(left)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=WORKSHOP, dir=var)))
            stack.enter_context(durable.alone(folder))
        yield folder


def _folders(var: Path) -> str:
    """Return the processes without a database whose states are in *var*."""
    return ", ".join(one.name for one in sorted(var.iterdir()) if one.is_dir() and one.name.startswith(archives.STATES))


def _collect(found: Installation, folder: Path) -> dict[str, Any]:
    """Copy everything below *folder*; the databases first, for a key is durable before anything is sealed with it.

    Each key store knows of its copy before there is one. Meanwhile no key is rotated or erased: what stands in the copy
    of a database opens by that of its keys.
    """
    stores = sorted(found.var.glob(f"*/{archives.KEY_STORE}"))
    with ExitStack() as stack:
        for store in stores:
            with durable.as_owner(store.parent):  # whose lock it stays
                (store.parent / rotation.LOCK).touch(mode=0o600)
            stack.enter_context(rotation.alone(store.parent))
        return _copied(found, folder, stores)


def _copied(found: Installation, folder: Path, stores: Sequence[Path]) -> dict[str, Any]:
    name, made_at = uuid7().hex, datetime.now(UTC).replace(microsecond=0)
    expires_at = [copies.record(store, name, made_at) for store in stores] or [made_at + copies.LASTS]
    dumps = folder / "data" / archives.DUMPS
    dumps.mkdir(parents=True)
    sizes = _dump([system.database for system in found.systems()], dumps)
    for path in archives.files(found.var):
        going = path.relative_to(found.var).parts[0].startswith(MAY_GO)
        with suppress(FileNotFoundError) if going else nullcontext():
            part = "data" if archives.is_data(path, found.var) else "keys"
            archives.copy(path, folder / part / archives.FILES / path.relative_to(found.var))
    for path, to in found.settings_files():
        archives.copy(path, folder / "keys" / archives.SETTINGS / to)
    return {
        "id": name,
        "made_at": made_at.isoformat(),
        "expires_at": expires_at[0].isoformat(),
        "databases": sizes,
        "persons": archives.persons(folder / "keys" / archives.FILES),
    }


def _dump(databases: list[Database], folder: Path) -> dict[str, int]:
    """Dump every database as of nearly one moment; return the size of each ledger at it."""
    with ExitStack() as stack:
        held = [(one, *stack.enter_context(one.held())) for one in databases]
        sizes = {}
        for database, connection, snapshot in held:
            database.dump(folder / f"{database.name}.dump", snapshot=snapshot)
            row = connection.execute(LEDGER).fetchone()
            sizes[database.name] = int(row[0]) if row else 0
    return sizes
