"""The last checkpoint that was seen of each ledger, one file each: whole and durable, or as before."""

import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.kernel.durable import write_durably
from onedoor.kernel.ledger import EMPTY_ROOT, Checkpoint, LedgerError, Verifier, verify_note

KEY_BYTES = 32


class Record:
    """The last checkpoints of ledgers, in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def last(self, origin: str, signer: Verifier) -> Checkpoint:
        """Return the last checkpoint of *origin*, the empty one before the first.

        Raise `LedgerError` when it is not as *signer* signed it.
        """
        path = self._path(origin)
        if not path.exists():
            return Checkpoint(origin, 0, EMPTY_ROOT)
        found = Checkpoint.parse(verify_note(path.read_text("utf-8"), [signer])[0])
        if found.origin != origin:
            raise LedgerError("the record of {origin} is of another ledger", origin=origin[:80])
        return found

    def keep(self, origin: str, note: str) -> None:
        """Keep the signed *note* as the last of *origin*; when this returns it outlasts a crash."""
        write_durably(self._path(origin), note.encode())

    def _path(self, origin: str) -> Path:
        return self.folder / sha256(origin.encode()).hexdigest()


def own_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in *path*; a new one is made when there is none."""
    if not path.exists():
        write_durably(path, secrets.token_bytes(KEY_BYTES))
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
