"""Group commit: what several threads write at the same time is written by one of them, durable with one sync."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from threading import Lock, local
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """One item, and the thread that waits with it."""

    item: T
    wrote: int = 0
    """When its thread wrote last, in groups."""
    woken: Lock = field(default_factory=Lock)
    written: bool = False
    error: BaseException | None = None


class GroupCommit(Generic[T]):
    """Hands items over to *write*, many at a time: it keeps all of them for good, or raises and keeps none.

    Who comes first writes at once, on its own thread; what comes meanwhile waits, and is written together next, by the
    thread that wrote last of those: its connection is the warmest.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._mutex = Lock()
        self._waiting: list[_Waiting[T]] = []
        self._writes = False
        self._groups = 0
        self._thread = local()

    def keep(self, item: T) -> None:
        """Return when *item* is kept; raise what `write` raises for it, whatever becomes of the others."""
        mine = _Waiting(item, getattr(self._thread, "wrote", 0))
        mine.woken.acquire()
        with self._mutex:
            self._waiting.append(mine)
            first, self._writes = not self._writes, True
        if not first:
            mine.woken.acquire()
        if not mine.written:
            self._write_those_who_wait()
        if mine.error:
            raise mine.error

    def _write_those_who_wait(self) -> None:
        with self._mutex:
            group, self._waiting = self._waiting, []
            self._groups += 1
        self._thread.wrote = self._groups
        try:
            self._written(group)
        finally:
            with self._mutex:
                heir = max(self._waiting, key=attrgetter("wrote"), default=None)
                self._writes = heir is not None
            for one in (heir, *group) if heir else group:
                one.woken.release()

    def _written(self, group: list[_Waiting[T]]) -> None:
        """Write *group*; when that fails each by itself, so that none fails for the fault of another."""
        for one in group:
            one.written = True
        try:
            self._write([one.item for one in group])
        except BaseException as error:  # noqa: BLE001 - each of them is told
            if len(group) == 1:
                group[0].error = error
                return
            for one in group:
                self._written([one])
