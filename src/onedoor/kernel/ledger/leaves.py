"""What an entry of the ledger is: its id, its kind, and a commitment to its details."""

from typing import NamedTuple, Self
from uuid import UUID

from onedoor.kernel.ledger.hashing import LedgerError, leaf_hash

FORMAT = "onedoor ledger entry 1"


class Leaf(NamedTuple):
    """What one entry of the ledger binds; it tells nothing of anybody."""

    id: UUID
    kind: str
    commitment: bytes

    def content(self) -> bytes:
        """Return the bytes whose hash is the leaf of the tree."""
        return f"{FORMAT}\n{self.id}\n{self.kind}\n{self.commitment.hex()}\n".encode()

    def hash(self) -> bytes:
        """Return the hash of this leaf of the tree."""
        return leaf_hash(self.content())

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Return the leaf with that *content*; raise `LedgerError`."""
        try:
            _, identity, kind, commitment, _ = content.decode().split("\n")
            leaf = cls(UUID(identity), kind, bytes.fromhex(commitment))
        except ValueError as error:
            raise LedgerError("an entry is not written as this ledger writes them") from error
        if leaf.content() != content or not kind.isprintable():
            raise LedgerError("an entry is not written as this ledger writes them")
        return leaf
