"""What was worked out of an envelope, kept for the next look: the same form or task is opened many times in a row."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

from onedoor.store import sealed

T = TypeVar("T")


class Last(Generic[T]):
    """The last few things that were worked out in this process, by what they were worked out of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what *make* made for *key*; nobody may change it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


class Opened(Generic[T]):
    """The last few things made of envelopes in this process; of a destroyed key nothing is given out any more."""

    def __init__(self, most: int = 32) -> None:
        self._last: Last[T] = Last(most)

    def of(self, envelope: bytes, make: Callable[[], T], *also: Hashable) -> T:
        """Return what *make* makes of *envelope* (and of *also*); nobody may change it. Raise `KeyDestroyed`."""
        sealed.still_opens(envelope)
        return self._last.of((sha256(envelope).digest(), *also), make)
