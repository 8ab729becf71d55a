"""A ledger as static files: tiles of hashes and bundles of entries, as C2SP lays them out (tlog-tiles).

A tile holds up to 256 hashes that stand side by side 8, 16, 24 … levels above the leaves; a bundle holds the entries
of one tile of leaves. What grows is written under a new name, so a file never changes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from onedoor.kernel.ledger.hashing import HASH_SIZE, LedgerError, parents
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
Read = Callable[[str, int], bytes | None]
"""Returns the file at a path, of so many bytes at most; None where there is none."""
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

    def levels(self, data: bytes) -> list[bytes]:
        """Return the hashes that are its file's *data*, then of the nodes over them, level by level, each joined.

        Raise `LedgerError` when the file is too short or too long.
        """
        if len(data) != self.width * HASH_SIZE or not data:
            raise LedgerError("{path} does not hold {width} hashes", path=self.path, width=self.width)
        return list(_upward(data))

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
    """The storage of a tree of *size* leaves out of its tiles, each by its `Tile.levels`; they cannot be added to."""

    def __init__(self, size: int, levels: Callable[[Tile], list[bytes]]) -> None:
        self._size = size
        self._levels = lru_cache(maxsize=KEPT)(levels)

    def size(self) -> int:
        """Return the number of leaves."""
        return self._size

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node, computed from the hashes of its tile."""
        upper, height = divmod(level, HEIGHT)
        tile = (index << height) // WIDTH
        levels = self._levels(Tile(upper, tile, min(WIDTH, (self._size >> HEIGHT * upper) - tile * WIDTH)))
        first = (index % (WIDTH >> height)) * HASH_SIZE
        found = levels[height][first : first + HASH_SIZE] if height < len(levels) else b""
        if not found:
            raise LedgerError(
                "a ledger of {size} entries has no node {level}/{index}", size=self._size, level=level, index=index
            )
        return found

    def extend(self, nodes: Sequence[Node]) -> None:  # noqa: ARG002 - the shape of a storage
        """Refuse: what is published is only read."""
        raise LedgerError("published tiles cannot be added to")


def read_tile(read: Read, tile: Tile) -> bytes:
    """Return the content of a tile; of a part that is gone already, from the whole that took its place.

    A ledger grows while it is read: so it goes with every part that was not asked for before. Raise `LedgerError`.
    """
    found = read(tile.path, LARGEST_TILE)
    if found is not None:
        return found
    whole = Tile(tile.level, tile.index).path
    return needed(whole, read(whole, LARGEST_TILE))[: tile.width * HASH_SIZE]


def needed(path: str, found: bytes | None) -> bytes:
    """Return what was *found* at *path*; raise `LedgerError` when nothing was."""
    if found is None:
        raise LedgerError("{path} is missing", path=path)
    return found


def root_of(hashes: Iterable[bytes]) -> bytes:
    """Return the hash of the complete node over *hashes*, a power of two of them."""
    *_, root = _upward(b"".join(hashes))
    return root


def _upward(hashes: bytes) -> Iterator[bytes]:
    """Yield *hashes*, those of the nodes over them, and so on to the one over all that have one."""
    while hashes:
        yield hashes
        hashes = parents(hashes)
