"""How often a client may ask: a token bucket for each, kept as one number, which the workers of a gateway share."""

import fcntl
import math
import mmap
import os
import time
from functools import lru_cache
from hashlib import blake2b

BURST = 10.0
"""Seconds of its rate that a client which was quiet may use at once."""
SLOTS = 2**16
"""Buckets that are not full for which there is room; memory is taken as it fills: 16 bytes each."""
PROBES = 64
"""Places looked at for one bucket, at most."""
_SIZE = 8


class Buckets:
    """Token buckets by whose they are, in memory that processes share by *file*; without one, a table is made.

    Of each stands there the moment at which it is full again (GCRA, ITU-T I.371), in seconds of the monotonic clock,
    which all processes of a computer have in common. A bucket that is full is as none, and its place free.
    """

    def __init__(self, file: int | None = None, *, slots: int = SLOTS) -> None:
        self._shared = file is not None
        self.file = os.memfd_create("rates") if file is None else file
        if file is None:
            os.ftruncate(self.file, 2 * slots * _SIZE)
        table = memoryview(mmap.mmap(self.file, 0))
        self._names, self._full = table[: len(table) // 2].cast("Q"), table[len(table) // 2 :].cast("d")

    def take(self, whose: str, rate: float, now: float) -> float:
        """Take one token at *now* (monotonic seconds) and return 0; or none, and return the seconds until there is one.

        *rate* is tokens a second; a bucket holds `BURST` seconds of it, and one token at least.
        """
        if not self._shared:
            return self._take(_named(whose), 1 / rate, now)
        fcntl.lockf(self.file, fcntl.LOCK_EX)
        try:
            return self._take(_named(whose), 1 / rate, now)
        finally:
            fcntl.lockf(self.file, fcntl.LOCK_UN)

    def wait(self, whose: str, rate: float) -> int:
        """Take one token now and return 0; or none, and return the whole seconds after which to come again."""
        return math.ceil(self.take(whose, rate, time.monotonic()))

    def _take(self, name: int, step: float, now: float) -> float:
        names, place = self._names, name % len(self._names)
        if names[place] != name:
            place = self._find(name, place)
        full = self._full[place] if names[place] == name else now
        full = max(now, full)
        over = full - now - (BURST - step if step < BURST else 0.0)
        if over > 0:
            return over
        names[place], self._full[place] = name, full + step
        return 0.0

    def _find(self, name: int, first: int) -> int:
        """Return where the bucket *name* stands, or may; when all are in use, where one stands that is full soonest."""
        places = [(first + probe) % len(self._names) for probe in range(PROBES)]
        for place in places:
            if self._names[place] == name:
                return place
            if not self._names[place]:
                break
        return min(places, key=self._full.__getitem__)


@lru_cache(maxsize=4096)
def _named(whose: str) -> int:
    """Return the number by which every process knows a bucket."""
    return int.from_bytes(blake2b(whose.encode(), digest_size=8).digest())
