"""Circuit breakers: what failed several times in a row is spared, and tried again by one message at a time."""

import logging
import math

FAILURES = 5
"""Failures in a row that open a circuit."""
REST = 2.0
"""Seconds until the next try through an open circuit."""
_logger = logging.getLogger(__name__)


class Circuit:
    """Whether messages go to a gateway, a system or a service, of which *name* says which."""

    __slots__ = ("_rests", "_tried", "failures", "name")

    def __init__(self, name: str) -> None:
        self.name, self.failures = name, 0
        self._rests = self._tried = 0.0

    @property
    def open(self) -> bool:
        """Return whether messages fail at once, but for one that tries."""
        return self.failures >= FAILURES

    def wait(self, now: float) -> int:
        """Return the seconds after which to come again, at least one; 0 when a message may go at *now* (monotonic)."""
        until = max(self._rests, self._tried)
        if not self.open or now >= until:
            return 0
        return math.ceil(min(until - now, REST))

    def trying(self, until: float) -> None:
        """Let nobody else try before *until*, when a message that goes now is given up at the latest.

        Nobody comes sooner for it: what is asked how it is may have to be asked several times.
        """
        self._tried = max(self._tried, until)

    def failed(self, now: float, *, times: int = 1, rest: float = REST) -> None:
        """Count a failure, or several *times* one; the next try is after *rest* seconds, and after a longer one."""
        before, self.failures = self.open, self.failures + times
        self._rests, self._tried = max(self._rests, now + rest), 0.0
        if self.open and not before:
            _logger.warning("circuit.opened to=%s", self.name)

    def held(self) -> None:
        """Take note of an answer: all is well."""
        if self.open:
            _logger.info("circuit.closed to=%s", self.name)
        self.failures = 0
        self._rests = self._tried = 0.0
