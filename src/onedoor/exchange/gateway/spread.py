"""How many links each worker has of each other gateway: the system gives them out by chance, and two may land on one.

A worker that has two more than another has one leave while nothing is under way on it; who asks makes another, which
the system gives out anew.
"""

import mmap
import os
from zlib import crc32

PLACES = 4096
"""Other gateways are told apart by so many; where two share a place, their links are counted together."""
_SIZE = 2


class Spread:
    """The links of *of* workers by peer, in memory that they share by *file*: each writes its own *number* alone."""

    def __init__(self, file: int | None = None, number: int = 0, of: int = 1) -> None:
        self.file = os.memfd_create("links") if file is None else file
        if file is None:
            os.ftruncate(self.file, PLACES * of * _SIZE)
        self._counts, self._number, self._of = memoryview(mmap.mmap(self.file, 0)).cast("H"), number, of
        for place in range(PLACES):
            self._counts[place * of + number] = 0

    def add(self, peer: str, links: int) -> None:
        """Count so many *links* of *peer* more here, or fewer."""
        self._counts[self._place(peer) + self._number] += links

    def crowded(self, peer: str) -> bool:
        """Return whether there are two links of *peer* more here than at another worker."""
        first = self._place(peer)
        counts = self._counts[first : first + self._of]
        return counts[self._number] > min(counts) + 1

    def _place(self, peer: str) -> int:
        return crc32(peer.encode()) % PLACES * self._of
