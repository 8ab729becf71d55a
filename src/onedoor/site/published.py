"""The ledger outside its database: every entry as a line and the last signed checkpoint, in files that only grow.

From these files, or a copy of them elsewhere, a ledger resumes whose database was restored from an older backup.
"""

import json
import os
from pathlib import Path
from uuid import UUID

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger import LedgerError
from onedoor.store import ledger
from onedoor.store.ledger import Leaf

ENTRIES, CHECKPOINT = "entries.jsonl", "checkpoint"
AT_ONCE = 1000


class LedgerBehind(OnedoorError):
    """The database holds {size} entries of the ledger, but {published} were published in {folder}. Nothing new is signed. Please run “onedoor ledger resume” for this system, then start it again."""  # noqa: E501 - one sentence after the other


def folder_in(state: Path) -> Path:
    """Return where a system with the folder *state* publishes its ledger."""
    return state / "ledger" / "published"


class Publisher:
    """Writes what the ledger has got since the last time; one process of a system does so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.size = _mend(folder / ENTRIES, _signed(folder))
        size, _ = ledger.size_and_root()
        if size < _signed(folder):
            raise LedgerBehind(size=size, published=_signed(folder), folder=folder)
        self.publish()

    def publish(self) -> None:
        """Write the new entries, durably, then the checkpoint that covers them."""
        size, _ = ledger.size_and_root()
        if size <= _signed(self.folder):
            return
        note = ledger.checkpoint()
        size = int(note.splitlines()[1])
        with (self.folder / ENTRIES).open("a") as file:
            while self.size < size:
                found = ledger.leaves(self.size, min(size, self.size + AT_ONCE))
                if not found:
                    raise LedgerError(f"the ledger has no entry at {self.size}, though a checkpoint covers {size}")
                file.writelines(_line(one) for one in found)
                self.size += len(found)
            file.flush()
            os.fsync(file.fileno())
        draft = self.folder / f".{CHECKPOINT}.draft"
        with draft.open("w") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / CHECKPOINT)


def read(folder: Path) -> tuple[list[Leaf], str]:
    """Return the entries and the signed checkpoint published in *folder*; nothing when there is none."""
    if not (folder / CHECKPOINT).exists():
        return [], ""
    note = (folder / CHECKPOINT).read_text()
    with (folder / ENTRIES).open() as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [Leaf(UUID(one["id"]), one["kind"], bytes.fromhex(one["commitment"])) for one in lines], note


def _line(leaf: Leaf) -> str:
    return json.dumps({"id": str(leaf.id), "kind": leaf.kind, "commitment": bytes(leaf.commitment).hex()}) + "\n"


def _signed(folder: Path) -> int:
    path = folder / CHECKPOINT
    return int(path.read_text().splitlines()[1]) if path.exists() else 0


def _mend(path: Path, most: int) -> int:
    """Cut off what no checkpoint covers, which a crash may have torn; return how many of *most* lines are left."""
    path.touch(mode=0o600)
    whole, count = 0, 0
    with path.open("rb+") as file:
        for line in file:
            if line.endswith(b"\n") and count < most:
                whole, count = whole + len(line), count + 1
        file.truncate(whole)
    return count
