"""What of an installation goes into a backup: data in one archive, keys in another, each file with its digest.

The manifest of the data is sealed with a key that lies in the archive of the keys: who can write to the data alone
can plant nothing, for nothing is unpacked that the sealed manifest does not answer for.
"""

import gzip
import hashlib
import hmac
import json
import os
import re
import shutil
import sqlite3
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from onedoor.kernel import durable, refusals
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import Said, said
from onedoor.store import copies
from onedoor.store.masters import BadWrapping

FORMAT = 2
MANIFEST, SEAL = "manifest.json", "manifest.hmac"
FILES, DUMPS, SETTINGS = "files", "databases", "settings"
LARGEST = 64 * 1024 * 1024
"""Bytes a manifest may have; one of a hundred thousand files has a quarter of it."""
KEYLESS = "restored-without-keys"
"""Marks an installation that must never start: it would make new keys."""
STATES = ("directory", "gateway-", "node-", "portal", "versions")
"""How the folders of processes below ``var/`` begin; nothing else there needs a backup."""
MADE_ANEW = ("lock", "database-url", "index.sqlite")
OPEN = (".pem", ".json", ".jsonl", ".signed", ".xml")
PRIVATE = b"PRIVATE KEY"
DRAFT = ".draft"
UNREADABLE = (gzip.BadGzipFile, FileNotFoundError)
"""Of the errors of files only these speak of the archive: a full disk is another matter."""
KEY_STORE = "keys/persons.sqlite"
PERSONS = "SELECT count(DISTINCT subject) FROM person_key WHERE wrapped IS NOT NULL"
MASTERS = "SELECT name FROM master_key WHERE place = 'file' AND retired_at IS NULL"
DATABASE = re.compile(r"portal|node_[a-z0-9_]+")


class BadArchive(OnedoorError):
    """{path} is not a whole backup of onedoor: {why}. Nothing was restored. Please take another copy."""


def files(var: Path) -> Iterator[Path]:
    """Yield every file of the installation in *var* that a backup must hold, outside the databases.

    A link is none of ours: whoever may write into one process's folder would lead us into another's.
    """
    for folder in sorted(var.iterdir()):
        if folder.is_dir() and folder.name.startswith(STATES):
            found = (path for path in sorted(folder.rglob("*")) if not path.is_symlink())
            yield from (path for path in found if path.is_file() and _wanted(path))


def _wanted(path: Path) -> bool:
    passing = path.name.startswith(".") or path.name.endswith(("-wal", "-shm", ".draft"))
    return not passing and path.name not in MADE_ANEW and "published" not in path.parts


def is_data(path: Path, var: Path) -> bool:
    """Return whether *path* may stand beside the databases; what is not known to be harmless counts as a key."""
    parts = path.relative_to(var).parts
    if parts[0].startswith("gateway-") and parts[1] == "log":
        return True  # sealed, under a key that goes to the other archive
    if parts[:2] == ("directory", "ledger"):
        return path.name != "key"  # the checkpoints of all, open to everybody
    if parts[0] == "versions":
        return True  # files of the nation: laws and forms, open to everybody
    return path.suffix in OPEN and PRIVATE not in path.read_bytes()


def copy(path: Path, to: Path) -> None:
    """Copy a file that may be in use; a key store as of one moment."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.suffix != ".sqlite":
        shutil.copy2(path, to, follow_symlinks=False)
        return
    to.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def persons(var: Path) -> dict[str, int]:
    """Return for each system in *var* of how many persons it holds a key."""
    return {path.parents[1].name: _asked(path, PERSONS)[0][0] for path in sorted(var.glob(f"*/{KEY_STORE}"))}


def master_files(system: Path) -> list[Path]:
    """Return the files that must hold the master keys of *system*, whose key store is there; raise `BadWrapping`."""
    try:
        found = [name for (name,) in _asked(system / KEY_STORE, MASTERS)]
    except sqlite3.OperationalError:  # a store that was not opened since master keys have names
        found = ["master"]
    except sqlite3.DatabaseError as error:
        raise BadWrapping from error
    return [system / "keys" / name for name in found]


def _asked(store: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query).fetchall()


def pack(folder: Path, to: Path, about: dict[str, Any], key: bytes = b"") -> None:
    """Write everything in *folder* to the archive *to*, its manifest sealed with *key*."""
    with packed(folder, to, about, key):
        pass


@contextmanager
def packed(folder: Path, to: Path, about: dict[str, Any], key: bytes = b"") -> Iterator[None]:
    """Write everything in *folder* to the archive *to*, its manifest sealed with *key*, which is there after the block.

    It is whole, durable and readable by its owner alone; where anything fails what was at *to* stays as it is.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f".{to.name}{DRAFT}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    try:
        with draft.open("wb") as file:
            _write(folder, file, about, key)
            os.fsync(file.fileno())
        yield
        draft.replace(to)
        durable.sync_folder(to.parent)
    finally:
        draft.unlink(missing_ok=True)


def _write(folder: Path, file: IO[bytes], about: dict[str, Any], key: bytes) -> None:
    first = (folder / MANIFEST, folder / SEAL)
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in first]
    digests = {str(path.relative_to(folder)): _digest(path) for path in found}
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in found}
    manifest = json.dumps({"format": FORMAT, **about, "digests": digests, "sizes": sizes}, indent=1)
    first[0].write_text(manifest)
    first[1].write_text(_seal(manifest.encode(), key))
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as archive:
        for path in (*first, *found):
            archive.add(path, str(path.relative_to(folder)))
    file.flush()


def manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of the archive at *path*, whoever wrote it; nothing is unpacked."""
    with _opened(path) as archive:
        return _manifest(archive, path)


def unpack(path: Path, folder: Path, key: bytes | None = b"") -> dict[str, Any]:
    """Unpack the archive at *path* to *folder* and return its manifest; raise `BadArchive` unless all is as written.

    Before anything is unpacked the manifest must be sealed with *key*; with None nobody knows who wrote it.
    """
    with _opened(path) as archive:
        about = _manifest(archive, path, key)
        for member in archive:
            if member.name in (MANIFEST, SEAL):
                continue
            if not _awaited(member, about):
                raise BadArchive(path=path, why=said("{name} was changed", name=member.name))
            _take_out(archive, member, folder)
        wrong = [name for name, digest in about["digests"].items() if not _is(folder / name, digest)]
        if wrong:
            raise BadArchive(path=path, why=said("{name} was changed", name=wrong[0]))
    return about


def _awaited(member: tarfile.TarInfo, about: dict[str, Any]) -> bool:
    """Return whether the manifest answers for *member*: a hole, or zeros packed small, would fill a disk unseen.

    Backups of before the manifest had sizes tell none.
    """
    size = about.get("sizes", {}).get(member.name, member.size)
    return member.name in about["digests"] and member.isreg() and not member.issparse() and member.size == size


def _take_out(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write a file of *archive* into *folder*, for its owner alone to write; raise ValueError where it would leave it.

    It is as old as it was: what is kept for so many days is told by that. Debian 12's Python has no filters for
    `tarfile.TarFile.extract`.
    """
    path = folder / member.name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(member.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with cast("IO[bytes]", archive.extractfile(member)) as source, path.open("wb") as file:
        path.chmod(member.mode & 0o755 | 0o600)
        shutil.copyfileobj(source, file)
    written = min(max(0.0, member.mtime), time.time())
    os.utime(path, (written, written))


def expires(path: Path) -> datetime | None:
    """Return when the copy of keys in the archive at *path* expires; None when it holds none."""
    about = manifest(path)
    if "seal" not in about:
        return None
    made_at = datetime.fromisoformat(about["made_at"]).replace(tzinfo=UTC)
    return datetime.fromisoformat(about["expires_at"]) if "expires_at" in about else made_at + copies.LASTS


def delete_expired(folder: Path, now: datetime) -> list[Path]:
    """Delete the copies of keys in *folder* that have expired; return which. Whatever else lies there stays.

    What a killed backup left of one counts as one. Raise OSError where the folder cannot be looked through.
    """
    gone = []
    for path in sorted(one for one in folder.iterdir() if one.name.endswith((".gz", DRAFT))):
        try:
            ends = expires(path)
        except (BadArchive, OSError, ValueError, LookupError, TypeError):  # not ours, or not to be read
            continue
        if ends and ends <= now:
            path.unlink()
            gone.append(path)
    return gone


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:gz") as archive:
            yield archive
    except (tarfile.TarError, zlib.error, EOFError, ValueError, KeyError, TypeError, *UNREADABLE) as error:
        raise BadArchive(path=path, why=_why(error)) from error


def _why(error: Exception) -> Said:
    """Return in words why an archive cannot be read."""
    match error:
        case FileNotFoundError():
            return refusals.why(error)
        case EOFError():
            return said("its end is missing")
        case tarfile.TarError() | gzip.BadGzipFile() | zlib.error():
            return said("it is no archive, or was damaged on the way")
    return said("what it holds is not what a backup of onedoor holds")


def _manifest(archive: tarfile.TarFile, path: Path, key: bytes | None = None) -> dict[str, Any]:
    """Return the manifest, which with its seal is what an archive begins with."""
    written, seal = (_begins_with(archive, name) for name in (MANIFEST, SEAL))
    about: dict[str, Any] = json.loads(written)
    if about["format"] != FORMAT:
        raise BadArchive(path=path, why=said("another version wrote it"))
    if key is not None and not hmac.compare_digest(seal, _seal(written, key).encode()):
        raise BadArchive(path=path, why=said("{name} was changed, or these are not its keys", name=MANIFEST))
    strange = [name for name in about.get("databases", ()) if not DATABASE.fullmatch(name)]
    if strange:
        raise BadArchive(path=path, why=said("{name} was changed", name=strange[0]))
    return about


def _begins_with(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.next()
    file = archive.extractfile(member) if member and member.name == name and member.size <= LARGEST else None
    if file is None:
        raise ValueError(name)
    return file.read()


def _seal(written: bytes, key: bytes) -> str:
    return hmac.new(key, written, hashlib.sha256).hexdigest()


def _is(path: Path, digest: str) -> bool:
    """Return whether *path* is a file of its own with *digest*: a link is none."""
    return not path.is_symlink() and path.is_file() and _digest(path) == digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
