"""A ledger as static files: tiles of hashes and bundles of entries, as C2SP lays them out (tlog-tiles).

A tile holds up to 256 hashes that stand side by side 8, 16, 24 … levels above the leaves; a bundle holds the entries
of one tile of leaves. What grows is written under a new name, so a file never changes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from onedoor.kernel.ledger.hashing import HASH_SIZE, LedgerError, node_hash
from onedoor.kernel.ledger.tree import Node

HEIGHT = 8
WIDTH = 1 << HEIGHT
LENGTH = 2
"""Bytes that tell the length of an entry in a bundle."""
LONGEST = 2**16 - 1
LARGEST_TILE = WIDTH * HASH_SIZE
LARGEST_BUNDLE = WIDTH * (LENGTH + LONGEST)
KEPT = 64
PLACE = r"(x\d{3}/)*\d{3}(\.p/([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]))?"
NAMED = re.compile(rf"tile/(entries|\d|[1-5]\d|6[0-3])/{PLACE}", re.ASCII)
"""How the file of a tile or of a bundle may be called; nothing else of a folder is anybody's to ask for."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes from ``index * 256`` on, *width* of them, that stand ``8 * level`` above the leaves."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def start(self) -> int:
        """Return the index of its first hash among those of its level."""
        return self.index * WIDTH

    @property
    def path(self) -> str:
        """Return the path of its file below the ledger's prefix."""
        return f"tile/{self.level}/{self._place}"

    @property
    def bundle(self) -> str:
        """Return the path of the entries under this tile of leaves."""
        return f"tile/entries/{self._place}"

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of its files: above the leaves there are no entries."""
        return (self.path,) if self.level else (self.path, self.bundle)

    @property
    def _place(self) -> str:
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        place = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        return place if self.width == WIDTH else f"{place}.p/{self.width}"


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles of a tree of *size* leaves that one of *since* leaves does not have: from the leaves upward."""
    level, before, count = 0, since, size
    while count:
        if count > before:
            yield from (Tile(level, index) for index in range(before // WIDTH, count // WIDTH))
            if count % WIDTH:
                yield Tile(level, count // WIDTH, count % WIDTH)
        level, before, count = level + 1, before // WIDTH, count // WIDTH


def bundle_of(entries: Iterable[bytes]) -> bytes:
    """Return *entries* as one bundle; raise `LedgerError` when one is longer than 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LONGEST:
            raise LedgerError("an entry is longer than {longest} bytes", longest=LONGEST)
        parts += [len(entry).to_bytes(LENGTH), entry]
    return b"".join(parts)


def entries_of(bundle: bytes, width: int) -> list[bytes]:
    """Return the *width* entries in *bundle*; raise `LedgerError` when it holds more, less, or half of one."""
    found: list[bytes] = []
    at = 0
    while at < len(bundle) and len(found) < width:
        end = at + LENGTH + int.from_bytes(bundle[at : at + LENGTH])
        found.append(bundle[at + LENGTH : end])
        at = end
    if at != len(bundle) or len(found) != width:
        raise LedgerError("a bundle does not hold {width} whole entries", width=width)
    return found


class Tiles:
    """The storage of a tree of *size* leaves whose tiles are read by their path; they cannot be added to."""

    def __init__(self, size: int, read: Callable[[str], bytes]) -> None:
        self._size = size
        self._read = read
        self._tile = lru_cache(maxsize=KEPT)(self._whole_tile)

    def size(self) -> int:
        """Return the number of leaves."""
        return self._size

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node, computed from the hashes of its tile."""
        upper, height = divmod(level, HEIGHT)
        first = index << height
        hashes = self._tile(upper, first // WIDTH)[first % WIDTH : first % WIDTH + (1 << height)]
        if len(hashes) != 1 << height:
            raise LedgerError(
                "a ledger of {size} entries has no node {level}/{index}", size=self._size, level=level, index=index
            )
        return root_of(hashes)

    def extend(self, nodes: Sequence[Node]) -> None:  # noqa: ARG002 - the shape of a storage
        """Refuse: what is published is only read."""
        raise LedgerError("published tiles cannot be added to")

    def _whole_tile(self, level: int, index: int) -> list[bytes]:
        tile = Tile(level, index, min(WIDTH, (self._size >> HEIGHT * level) - index * WIDTH))
        return hashes_of(self._read(tile.path), tile)


def root_of(hashes: list[bytes]) -> bytes:
    """Return the hash of the complete node over *hashes*, a power of two of them."""
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def hashes_of(data: bytes, tile: Tile) -> list[bytes]:
    """Return the hashes in the file of *tile*; raise `LedgerError` when it is too short or too long."""
    if len(data) != tile.width * HASH_SIZE or not data:
        raise LedgerError("{path} does not hold {width} hashes", path=tile.path, width=tile.width)
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
