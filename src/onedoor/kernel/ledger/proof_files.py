"""A proof as one text file that verifies offline (C2SP tlog-proof): an entry, its path, the signed checkpoint."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from onedoor.kernel.ledger.hashing import LedgerError
from onedoor.kernel.ledger.leaves import Leaf
from onedoor.kernel.ledger.notes import (
    LONGEST,
    Checkpoint,
    Verifier,
    parse_hash,
    parse_number,
    split_note,
    verify_checkpoint,
)
from onedoor.kernel.ledger.proofs import verify_inclusion

FORMAT = "c2sp.org/tlog-proof@v1"
EXTRA, INDEX = "extra ", "index "
MOST_HASHES = 64
LARGEST = 4 * LONGEST


@dataclass(frozen=True)
class ProofFile:
    """That *entry* stands at *index* of the ledger whose checkpoint is *note*; the format calls *entry* its extra."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """Return the file."""
        hashes = "".join(f"{b64encode(one).decode()}\n" for one in self.path)
        return f"{FORMAT}\n{EXTRA}{b64encode(self.entry).decode()}\n{INDEX}{self.index}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the proof in the file *text*; raise `LedgerError`."""
        head, gap, note = text.partition("\n\n")
        first, extra, index, *hashes = [*head.split("\n"), "", ""]
        if first != FORMAT or not gap or len(text) > LARGEST:
            raise LedgerError("this is no proof of a ledger")
        if not extra.startswith(EXTRA) or not index.startswith(INDEX):
            raise LedgerError("the proof does not hold its entry and its index")
        if len(hashes) - 2 > MOST_HASHES:
            raise LedgerError("the proof is too long")
        try:
            entry = b64decode(extra.removeprefix(EXTRA), validate=True)
        except ValueError as error:
            raise LedgerError("the entry of the proof is no base64") from error
        path = tuple(parse_hash(one) for one in hashes[:-2])
        return cls(entry, parse_number(index.removeprefix(INDEX)), path, note)

    def verify(self, log: Verifier, witnesses: Iterable[Verifier] = ()) -> tuple[Leaf, Checkpoint]:
        """Return the entry that is proved and the checkpoint it stands under; raise `LedgerError` at any flaw."""
        verify_checkpoint(self.note, log, witnesses)
        return self.under()

    def under(self) -> tuple[Leaf, Checkpoint]:
        """Return the entry and the checkpoint it stands under, whoever signed that; raise `LedgerError`."""
        checkpoint = Checkpoint.parse(split_note(self.note)[0])
        leaf = Leaf.parse(self.entry)
        verify_inclusion(leaf.hash(), self.index, checkpoint.size, self.path, checkpoint.root)
        return leaf, checkpoint
