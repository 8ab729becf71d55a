"""How often a client may ask: a token bucket for each, kept as one number."""

from collections.abc import Hashable

BURST = 10.0
"""Seconds of its rate that a client which was quiet may use at once."""
MOST = 65_536


class Buckets:
    """Token buckets by whose they are: of each, the moment at which it is full again (GCRA, ITU-T I.371)."""

    def __init__(self) -> None:
        self._full: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._full)

    def take(self, whose: Hashable, rate: float, now: float) -> float:
        """Take one token at *now* (monotonic seconds) and return 0; or none, and return the seconds until there is one.

        *rate* is tokens a second; a bucket holds `BURST` seconds of it, and one token at least.
        """
        full = self._full.get(whose, now)
        full = max(full, now)
        step = 1 / rate
        over = full - now - max(BURST - step, 0.0)
        if over > 0:
            return over
        if len(self._full) >= MOST:
            self._forget(now)
        self._full[whose] = full + step
        return 0.0

    def _forget(self, now: float) -> None:
        """Forget those that are full: they are as new ones. If none is, forget all, rather than grow or turn away."""
        self._full = {whose: full for whose, full in self._full.items() if full > now}
        if len(self._full) >= MOST:
            self._full.clear()
