"""The Merkle tree of RFC 6962 over any storage of its complete nodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from onedoor.kernel.ledger.hashing import EMPTY_ROOT, HASH_SIZE, LedgerError, node_hash


@dataclass(slots=True)
class Node:
    """A complete node: over the leaves from ``index << level`` to before ``(index + 1) << level``."""

    level: int
    index: int
    hash: bytes


class Storage(Protocol):
    """Keeps the complete nodes of one tree; leaves are its nodes of level 0."""

    def size(self) -> int:
        """Return the number of leaves."""
        ...

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node."""
        ...

    def extend(self, nodes: Sequence[Node]) -> None:
        """Keep *nodes*, all or none, before returning.

        They come in the order in which leaves complete them: a leaf, then the nodes it completes, from level 1 up.
        """
        ...


class MemoryStore:
    """A storage that forgets: for tests, and for trees that are computed and thrown away."""

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]

    def size(self) -> int:
        """Return the number of leaves."""
        return len(self._levels[0])

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node."""
        return self._levels[level][index]

    def extend(self, nodes: Sequence[Node]) -> None:
        """Keep *nodes*."""
        for node in nodes:
            if node.level == len(self._levels):
                self._levels.append([])
            self._levels[node.level].append(node.hash)


class Tree:
    """A Merkle tree that only grows; one writer at a time."""

    def __init__(self, storage: Storage | None = None) -> None:
        self.storage = storage or MemoryStore()

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self.storage.size()

    def append(self, leaf_hash: bytes) -> int:
        """Append one leaf and return its index; it is kept as well as the storage keeps when this returns."""
        return self.extend([leaf_hash])

    def extend(self, leaf_hashes: Iterable[bytes]) -> int:
        """Append many leaves at once and return the index of the first."""
        first = size = self.size
        nodes: list[Node] = []
        edge: dict[int, bytes] = {}
        for leaf in leaf_hashes:
            if len(leaf) != HASH_SIZE:
                raise LedgerError("a leaf hash has not {hash_size} bytes", hash_size=HASH_SIZE)
            level, index, node = 0, size, leaf
            nodes.append(Node(level, index, node))
            while index & 1:
                left = edge.get(level) or self.storage.node(level, index - 1)
                level, index, node = level + 1, index >> 1, node_hash(left, node)
                nodes.append(Node(level, index, node))
            edge[level] = node
            size += 1
        if nodes:
            self.storage.extend(nodes)
        return first

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first *size* leaves (of all by default)."""
        size = self._known(size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that leaf *index* is in the tree of the first *size* leaves."""
        size = self._known(size)
        if not 0 <= index < size:
            raise LedgerError("a tree of {size} leaves has no leaf {index}", size=size, index=index)
        proof: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._hash(middle, end))
                end = middle
            else:
                proof.append(self._hash(start, middle))
                start = middle
        return proof[::-1]

    def consistency(self, size1: int, size2: int | None = None) -> list[bytes]:
        """Return the proof that the first *size2* leaves continue the first *size1*; empty for 0 and for equals."""
        size2 = self._known(size2)
        if not 0 <= size1 <= size2:
            raise LedgerError("a tree of {size2} leaves cannot continue one of {size1}", size2=size2, size1=size1)
        if size1 in (0, size2):
            return []
        proof: list[bytes] = []
        start, end = 0, size2
        while end != size1:
            middle = start + _split(end - start)
            if size1 <= middle:
                proof.append(self._hash(middle, end))
                end = middle
            else:
                proof.append(self._hash(start, middle))
                start = middle
        if start:
            proof.append(self._hash(start, end))
        return proof[::-1]

    def _known(self, size: int | None) -> int:
        have = self.size
        if size is not None and not 0 <= size <= have:
            raise LedgerError("the ledger has {have} leaves, not {size}", have=have, size=size)
        return have if size is None else size

    def _hash(self, start: int, end: int) -> bytes:
        """Return the hash of the leaves from *start* to before *end*; *start* is aligned as in RFC 6962."""
        width = end - start
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self.storage.node(level, start >> level)
        middle = start + _split(width)
        return node_hash(self._hash(start, middle), self._hash(middle, end))


def _split(width: int) -> int:
    """Return the largest power of two smaller than *width*."""
    return 1 << ((width - 1).bit_length() - 1)
