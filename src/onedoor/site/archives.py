"""What of an installation goes into a backup: data in one archive, keys in another, each file with its digest."""

import gzip
import hashlib
import json
import re
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from onedoor.kernel.errors import OnedoorError

FORMAT = 1
MANIFEST, FILES, DUMPS = "manifest.json", "files", "databases"
STATES = ("directory", "gateway-", "node-", "portal", "versions")
"""How the folders of processes below ``var/`` begin; nothing else there needs a backup."""
MADE_ANEW = ("lock", "database-url")
OPEN = (".pem", ".json", ".jsonl", ".signed")
PRIVATE = b"PRIVATE KEY"
UNREADABLE = (gzip.BadGzipFile, FileNotFoundError)
"""Of the errors of files only these speak of the archive: a full disk is another matter."""
DATABASE = re.compile(r"portal|node_[a-z0-9_]+")


class BadArchive(OnedoorError):
    """{path} is not a whole backup of onedoor: {why}. Nothing was restored. Please take another copy."""


def files(var: Path) -> Iterator[Path]:
    """Yield every file of the installation in *var* that a backup must hold, outside the databases."""
    for folder in sorted(var.iterdir()):
        if folder.is_dir() and folder.name.startswith(STATES):
            yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and _wanted(path))


def _wanted(path: Path) -> bool:
    passing = path.name.startswith(".") or path.name.endswith(("-wal", "-shm", ".draft"))
    return not passing and path.name not in MADE_ANEW and path.parent.name != "published"


def is_data(path: Path, var: Path) -> bool:
    """Return whether *path* may stand beside the databases; what is not known to be harmless counts as a key."""
    parts = path.relative_to(var).parts
    if parts[0].startswith("gateway-") and parts[1] == "log":
        return True  # sealed, under a key that goes to the other archive
    if parts[0] == "versions":
        return True  # files of the nation: laws and forms, open to everybody
    return path.suffix in OPEN and PRIVATE not in path.read_bytes()


def copy(path: Path, to: Path) -> None:
    """Copy a file that may be in use; a key store as of one moment."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.suffix != ".sqlite":
        shutil.copy2(path, to)
        return
    to.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def persons(var: Path) -> dict[str, int]:
    """Return for each system in *var* of how many persons it holds a key."""
    found = {}
    for path in sorted(var.glob("*/keys/persons.sqlite")):
        with closing(sqlite3.connect(path)) as store:
            row = store.execute("SELECT count(*) FROM person_key WHERE wrapped IS NOT NULL").fetchone()
        found[path.parents[1].name] = int(row[0])
    return found


def pack(folder: Path, to: Path, about: dict[str, Any]) -> None:
    """Write everything in *folder* to the archive *to*, whole or not at all, readable by its owner alone."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digests = {str(path.relative_to(folder)): _digest(path) for path in found}
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT, **about, "digests": digests}, indent=1))
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f".{to.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with tarfile.open(draft, "w:gz", compresslevel=3) as archive:
        for path in (folder / MANIFEST, *found):
            archive.add(path, str(path.relative_to(folder)))
    draft.replace(to)


def unpack(path: Path, folder: Path) -> dict[str, Any]:
    """Unpack the archive at *path* to *folder* and return its manifest; raise `BadArchive` unless all is as written."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            archive.extractall(folder, filter="data")
        about: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        there = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_symlink() or not one.is_dir()}
        wrong = sorted(there ^ {MANIFEST, *about["digests"]})
        wrong += [name for name, digest in about["digests"].items() if name in there and not _is(folder / name, digest)]
        wrong += [name for name in about.get("databases", ()) if not DATABASE.fullmatch(name)]
    except (tarfile.TarError, zlib.error, EOFError, ValueError, KeyError, TypeError, *UNREADABLE) as error:
        raise BadArchive(path=path, why=f"it cannot be read ({type(error).__name__})") from error
    if wrong or about["format"] != FORMAT:
        raise BadArchive(path=path, why=f"{wrong[0]} was changed" if wrong else "another version wrote it")
    return about


def _is(path: Path, digest: str) -> bool:
    """Return whether *path* is a file of its own with *digest*: a link is none."""
    return not path.is_symlink() and path.is_file() and _digest(path) == digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
