"""Hashes of an RFC 6962 Merkle tree."""

from hashlib import sha256

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import Translate, said, spoken

HASH_SIZE = 32
PAIR = 2 * HASH_SIZE
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree that has no leaf."""


class LedgerError(OnedoorError):
    """The ledger or a proof from it is wrong: {what}. Please tell the operator of this system."""

    def __init__(self, what: str, **about: object) -> None:
        self.what = said(what, **about)
        super().__init__(what=self.what)

    def reason(self, translate: Translate = str) -> str:
        """Return what is wrong, in the language of *translate*."""
        return spoken(self.what, translate)


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf with the content *data*."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over *left* and *right*."""
    return sha256(b"\x01" + left + right).digest()


def parents(hashes: bytes) -> bytes:
    """Return the hashes of the nodes over *hashes*, two by two, one after another; over a last one alone is none."""
    starts = range(0, len(hashes) - HASH_SIZE, PAIR)
    return b"".join([sha256(b"\x01" + hashes[at : at + PAIR]).digest() for at in starts])
