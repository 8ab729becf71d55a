"""The keys that sign this system's ledger: the one in use, perhaps the next beside it, and until where those before.

They lie in ``<state>/ledger``: ``key``, ``key.next``, and in ``handovers`` a line for each next key: the id of the
ledger's entry that names it, the key before and it, and once it took over the size and root that it took over at.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.kernel.durable import sync_folder, write_durably
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger import Checkpoint, LedgerError, Verifier, split_note, verify_note
from onedoor.kernel.settings import current
from onedoor.store.keys import secret_at
from onedoor.store.masters import KEY_BYTES
from onedoor.store.proving import has_published


class LedgerKeyMissing(OnedoorError):
    """The key {path} that signs the ledger is missing. Another one would start a second history, so nothing is signed. Please put it back from the archive of keys."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True, slots=True)
class Handover:
    """That the key *before* hands over to *after*; at a size and root (base64) once that is done."""

    entry: str
    before: str
    after: str
    size: int = 0
    root: str = ""

    @property
    def done(self) -> bool:
        """Return whether the key before signs no more."""
        return bool(self.root)

    def line(self) -> str:
        """Return what stands in the file."""
        said = (self.entry, self.before, self.after, *((str(self.size), self.root) if self.done else ()))
        return " ".join(said) + "\n"


def origin() -> str:
    """Return the name under which this system signs its ledger."""
    return f"onedoor/{current().subsystem or current().role}"


def key() -> Ed25519PrivateKey:
    """Return the key in use, whichever process changed it; the first call of a system makes it.

    Raise `LedgerKeyMissing` where one was in use before.
    """
    path = folder() / "key"
    if not path.exists():
        if has_published(current().state) or _signed_before():
            raise LedgerKeyMissing(path=path)
        secret_at(path)
    return _read(path)


def next_key() -> Ed25519PrivateKey | None:
    """Return the key that signs beside the one in use and will take over; None when there is none."""
    path = folder() / "key.next"
    return _read(path) if path.exists() else None


def verifier_of(private: Ed25519PrivateKey) -> Verifier:
    """Return name and public key of one of this system's keys."""
    return Verifier(origin(), private.public_key())


def make_next() -> Ed25519PrivateKey:
    """Return the next key, made durable if there is none."""
    if found := next_key():
        return found
    write_durably(folder() / "key.next", secrets.token_bytes(KEY_BYTES))
    return _read(folder() / "key.next")


def take_over() -> None:
    """Have the next key be the one in use; the one before is destroyed."""
    (folder() / "key.next").replace(folder() / "key")
    sync_folder(folder())


def handovers() -> list[Handover]:
    """Return every handover, the oldest first."""
    path = folder() / "handovers"
    return list(map(_handover, path.read_text("utf-8").splitlines())) if path.exists() else []


def keep(handover: Handover) -> None:
    """Write *handover* in the place of what was written of the same two keys, durably."""
    others = [one for one in handovers() if one.entry != handover.entry]
    write_durably(folder() / "handovers", "".join(one.line() for one in [*others, handover]).encode())


def signed(note: str) -> Checkpoint:
    """Return the checkpoint in *note*; raise `LedgerError` unless a key signed it that could at that size."""
    found = Checkpoint.parse(split_note(note)[0])
    verify_note(note, _known(found.size))
    if found.origin != origin():
        raise LedgerError("this is a checkpoint of {origin}, not of {name}", origin=found.origin[:80], name=origin())
    return found


def roots() -> Iterator[tuple[int, bytes]]:
    """Yield the sizes at which keys were handed over, with the roots that the ledger had there."""
    yield from ((one.size, b64decode(one.root)) for one in handovers() if one.done)


def at(handover: Handover, size: int, root: bytes) -> Handover:
    """Return *handover* as done where the ledger has this *size* and *root*."""
    return Handover(handover.entry, handover.before, handover.after, size, b64encode(root).decode())


def _signed_before() -> bool:
    from onedoor.store.models import LedgerCheckpoint  # loaded where there is no key yet

    return LedgerCheckpoint.objects.exists()


def _known(size: int) -> list[Verifier]:
    """Return the keys whose signature counts under a checkpoint of *size*: what one signs after it ended does not."""
    former = [Verifier.parse(one.before) for one in handovers() if one.done and size <= one.size]
    return [*map(verifier_of, filter(None, (key(), next_key()))), *former]


def folder() -> Path:
    """Return where the keys lie."""
    return current().state / "ledger"


def _handover(line: str) -> Handover:
    entry, before, after, *done = line.split(" ")
    return Handover(entry, before, after, int(done[0]), done[1]) if done else Handover(entry, before, after)


def _read(path: Path) -> Ed25519PrivateKey:
    state = path.stat()
    return _loaded(path, state.st_ino, state.st_mtime_ns)


@lru_cache(maxsize=4)
def _loaded(path: Path, _inode: int, _changed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
