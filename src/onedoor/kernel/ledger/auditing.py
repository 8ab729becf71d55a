"""Computes a published ledger anew from its entries alone and holds every file of it against what was signed."""

from collections.abc import Iterable, Iterator, Sequence

from onedoor.kernel.ledger.frontier import Frontier
from onedoor.kernel.ledger.hashing import LedgerError, leaf_hash
from onedoor.kernel.ledger.notes import Checkpoint
from onedoor.kernel.ledger.tiles import (
    LARGEST_BUNDLE,
    WIDTH,
    Read,
    Tile,
    entries_of,
    needed,
    read_tile,
    root_of,
    tiles_of,
)


def audit(read: Read, signed: Checkpoint, *seen: Checkpoint) -> Iterator[tuple[int, list[bytes]]]:
    """Yield, as it goes, how many entries are computed and the newest of them.

    Raise `LedgerError` unless every bundle and tile fits, their root is that which was *signed*, and each ledger that
    was *seen* before is the beginning of this one.
    """
    for before in seen:
        if before.origin != signed.origin or before.size > signed.size:
            sizes = {"size": before.size, "size2": signed.size}
            raise LedgerError("a ledger of {size} entries was seen before, and now it has {size2}", **sizes)
    computed = _Computed(read, seen)
    for tile in (one for one in tiles_of(signed.size) if one.level == 0):
        entries = read_entries(read, tile)
        computed.extend([leaf_hash(one) for one in entries])
        yield computed.tree.size, entries
    computed.end()
    if computed.tree.root() != signed.root:
        raise LedgerError("the entries do not give the root that was signed for {size} of them", size=signed.size)


class _Computed:
    """What the entries so far give: the tree, and the hashes of each level that do not fill a tile yet."""

    def __init__(self, read: Read, seen: Sequence[Checkpoint]) -> None:
        self.tree = Frontier()
        self._read = read
        self._before = seen
        self._open: list[tuple[int, list[bytes]]] = []
        self._seen()

    def extend(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            self.tree.add(leaf)
            self._seen()
            self._add(0, leaf)

    def end(self) -> None:
        """Hold the tiles that are not full against what they should hold."""
        for level, (index, hashes) in enumerate(self._open):
            if hashes:
                self._compare(Tile(level, index, len(hashes)), hashes)

    def _seen(self) -> None:
        """Compare, at each size that was seen before, the root with those that were signed then."""
        size = self.tree.size
        if any(one.size == size and one.root != self.tree.root() for one in self._before):
            raise LedgerError("the first {size} entries are not those that were seen before", size=size)

    def _add(self, level: int, node: bytes) -> None:
        if level == len(self._open):
            self._open.append((0, []))
        index, hashes = self._open[level]
        hashes.append(node)
        if len(hashes) == WIDTH:
            self._compare(Tile(level, index), hashes)
            self._open[level] = (index + 1, [])
            self._add(level + 1, root_of(hashes))

    def _compare(self, tile: Tile, hashes: list[bytes]) -> None:
        if read_tile(self._read, tile) != b"".join(hashes):
            raise LedgerError("{path} does not hold the hashes of the entries", path=tile.path)


def read_entries(read: Read, tile: Tile) -> list[bytes]:
    """Return the entries under a tile; of a part that is gone already, from the whole that took its place."""
    found = read(tile.bundle, LARGEST_BUNDLE)
    if found is not None:
        return entries_of(found, tile.width)
    whole = Tile(0, tile.index).bundle
    return entries_of(needed(whole, read(whole, LARGEST_BUNDLE)), WIDTH)[: tile.width]
