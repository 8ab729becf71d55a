"""Message ids seen within a window: the same id of the same client is served once."""

from collections import deque

WINDOW = 300 * 10**9
"""Nanoseconds a batch may be old or ahead; ids are remembered twice as long."""
MOST = 2_000_000


class Seen:
    """Ids by client, forgotten when no batch that carries them could be accepted any more."""

    def __init__(self) -> None:
        self._ids: set[tuple[str, str]] = set()
        self._order: deque[tuple[int, tuple[str, str]]] = deque()

    def first_time(self, client: str, message_id: str, now: int) -> bool:
        """Remember the id; return whether it was not known."""
        self._forget(now)
        one = (client, message_id)
        if one in self._ids:
            return False
        self._ids.add(one)
        self._order.append((now, one))
        return True

    def _forget(self, now: int) -> None:
        while self._order and (self._order[0][0] < now - 2 * WINDOW or len(self._order) > MOST):
            self._ids.discard(self._order.popleft()[1])


def timely(moment: int, now: int) -> bool:
    """Return whether a batch signed at *moment* may still be accepted at *now* (nanoseconds)."""
    return abs(now - moment) <= WINDOW
