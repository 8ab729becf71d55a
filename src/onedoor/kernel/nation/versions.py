"""The versions of a nation's files that an installation keeps: which is in force, since when, by whom.

A folder of versions holds each under its digest, never changed, and a history to which lines are only added. The last
line says what is in force: a load that is killed before its line is whole has changed nothing.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from onedoor.kernel import clock
from onedoor.kernel.durable import sync_folder
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation.checking import check
from onedoor.kernel.nation.documents import Fault
from onedoor.kernel.nation.file_kinds import kinds
from onedoor.kernel.nation.nation import BadNation, Nation, load, load_base, shown
from onedoor.kernel.said import said

HISTORY, LOCK, DRAFT = "history.jsonl", "lock", ".draft"
SHORT = 12
"""Signs of a digest that people are shown and may write."""
STOP_FIRST = said("stop it first: onedoor up takes such a change where no record lies under it")


Tried: TypeAlias = Callable[[Nation], Iterable[Fault]]


def nothing_tried(_nation: Nation) -> Iterable[Fault]:
    """Find nothing: the trial of who needs none."""
    return ()


class NoSuchVersion(OnedoorError):
    """No version of the nation's files begins with “{digest}”. Please choose one from “onedoor nation versions”."""


@dataclass(frozen=True, slots=True)
class Version:
    """One line of the history: the files of *digest* came into force *at* a moment, brought *by* somebody."""

    digest: str
    at: datetime
    by: str
    origin: str

    @property
    def short(self) -> str:
        """Return the digest as people are shown it."""
        return self.digest[:SHORT]


def history(folder: Path) -> list[Version]:
    """Return what came into force in the *folder* of versions, in order; a torn last line never came into force."""
    path = folder / HISTORY
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [_version(line) for line in lines if line.endswith("\n")]


def _version(line: str) -> Version:
    data = json.loads(line)
    return Version(data["digest"], datetime.fromisoformat(data["at"]), data["by"], data["from"])


def place(folder: Path, version: Version) -> Path:
    """Return where the files of *version* lie."""
    return folder / version.digest


def bring_in(folder: Path, source: Path, by: str, *, running: bool, tried: Tried = nothing_tried) -> Version:
    """Bring the files in *source* into force; raise `BadNation` with every fault, and nothing has changed then.

    In a *running* nation some things cannot change (see `FileKind.lasting`): they are faults as well. What is sound
    so far is *tried*, by a trial that costs more than a check.
    """
    if not (source / "nation.yaml").is_file():
        raise BadNation(load_base(source)[1])
    with _alone(folder):
        draft = folder / DRAFT
        shutil.copytree(source, draft)
        digest = digest_of(draft)
        if faults := _faults(folder, draft, running=running) or list(tried(load(draft))):
            name, own = shown(draft), shown(source)
            raise BadNation([replace(fault, file=fault.file.replace(name, own, 1)) for fault in faults])
        if (folder / digest).exists():
            shutil.rmtree(draft)
        else:
            open_to_all(draft)
            _sync(draft)
            draft.replace(folder / digest)
        return _enter(folder, Version(digest, clock.now(), by, str(source)))


def open_to_all(folder: Path) -> None:
    """Let everybody on this computer read what is in *folder*, as every process must: laws and forms are no secret."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def go_back(folder: Path, digest: str, by: str, *, running: bool) -> Version:
    """Bring an older version into force again, checked as any; raise `NoSuchVersion` or `BadNation`."""
    found = {one.digest for one in history(folder) if len(digest) >= SHORT and one.digest.startswith(digest)}
    if len(found) != 1:
        raise NoSuchVersion(digest=digest[:64])
    with _alone(folder):
        old = found.pop()
        if faults := _faults(folder, folder / old, running=running):
            raise BadNation(faults)
        return _enter(folder, Version(old, clock.now(), by, old[:SHORT]))


def digest_of(folder: Path) -> str:
    """Return the SHA-256 over the names and contents of all files below *folder*."""
    whole = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()}\0{digest}\n".encode())
    return whole.hexdigest()


def _faults(folder: Path, files: Path, *, running: bool) -> Sequence[Fault]:
    before = history(folder)
    found = check(files)
    if found or not running or not before:
        return found
    return sorted(_lasting(load(place(folder, before[-1])), load(files)))


def _lasting(old: Nation, new: Nation) -> Iterator[Fault]:
    """Yield what differs between *old* and *new* though it must last while a nation runs."""
    for kind in kinds():
        if kind.lasting is None:
            continue
        before = {document.path.name: kind.lasting(document.data) for document in old.documents(kind.name)}
        for document in new.documents(kind.name):
            then, now = before.pop(document.path.name, {}), kind.lasting(document.data)
            for keys in sorted(then):
                if then[keys] != now.get(keys):
                    wrong = said("“{names}” cannot change while the nation runs", names=".".join(keys))
                    yield document.fault(keys, wrong, STOP_FIRST)
        for name in before:
            gone = said("the file of this {name} is gone, which cannot be while the nation runs", name=kind.name)
            yield Fault(shown(new.path / kind.folder / name), 1, gone, STOP_FIRST)


def _enter(folder: Path, version: Version) -> Version:
    """Add a line to the history, durably; what a kill tore off before is cut away first."""
    data = {"digest": version.digest, "at": version.at.isoformat(), "by": version.by, "from": version.origin}
    path = folder / HISTORY
    with path.open("ab+") as file:
        file.seek(0)
        whole = file.read()
        file.truncate(whole.rfind(b"\n") + 1)
        file.write(json.dumps(data, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)
    folder.chmod(0o755)
    sync_folder(folder)
    return version


def _sync(folder: Path) -> None:
    """Make every file below *folder* durable."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one load at a time work in *folder*; what an earlier one left unfinished is cleared away."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder / DRAFT, ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(folder / DRAFT, ignore_errors=True)
