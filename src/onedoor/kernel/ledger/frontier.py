"""The right edge of a growing tree: all that its root is computed from, whatever its size."""

from onedoor.kernel.ledger.hashing import EMPTY_ROOT, node_hash


class Frontier:
    """A Merkle tree of which nothing is kept but the roots of its complete parts; leaves come one by one."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        number = self.size
        while number & 1:
            leaf = node_hash(self._parts.pop(), leaf)
            number >>= 1
        self._parts.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of all leaves so far."""
        if not self._parts:
            return EMPTY_ROOT
        root, *others = reversed(self._parts)
        for part in others:
            root = node_hash(part, root)
        return root
