"""Hashes of an RFC 6962 Merkle tree."""

from hashlib import sha256

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import Translate, said, spoken

HASH_SIZE = 32
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
