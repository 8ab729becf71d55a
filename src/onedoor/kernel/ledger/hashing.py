"""Hashes of an RFC 6962 Merkle tree."""

from collections.abc import Callable
from hashlib import sha256

from onedoor.kernel.errors import OnedoorError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree that has no leaf."""


class LedgerError(OnedoorError):
    """The ledger or a proof from it is wrong: {what}. Please tell the operator of this system."""

    def __init__(self, what: str, **about: object) -> None:
        self.what, self.about = what, about
        super().__init__(what=self.reason())

    def reason(self, translate: Callable[[str], str] = str) -> str:
        """Return what is wrong, its English words translated by *translate* (a gettext function)."""
        return translate(self.what).format(**self.about)

    def text(self, translate: Callable[[str], str] = str, language: str = "en") -> str:  # noqa: ARG002 - as its base
        """Return the sentence for a reader."""
        return translate(self.key()).format(what=self.reason(translate))


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf with the content *data*."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over *left* and *right*."""
    return sha256(b"\x01" + left + right).digest()
