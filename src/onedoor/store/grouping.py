"""Group commit: what several threads write at the same time is written by one of them, durable with one sync."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter
from threading import Lock, local
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """One item, and the thread that waits with it; perhaps the group that this thread writes."""

    item: T
    wrote: int
    """Which group of all its thread wrote last."""
    woken: Lock = field(default_factory=Lock)
    group: "list[_Waiting[T]]" = field(default_factory=list)
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
        self._groups = count(1)
        self._thread = local()

    def keep(self, item: T) -> None:
        """Return when *item* is kept; raise what `write` raises for it, whatever becomes of the others."""
        mine = _Waiting(item, getattr(self._thread, "wrote", 0))
        mine.woken.acquire()
        with self._mutex:
            if self._writes:
                self._waiting.append(mine)
            else:
                self._writes = True
                mine.group = [mine]
        if not mine.group:
            mine.woken.acquire()
        if mine.group:
            self._write_group(mine.group)
        if mine.error:
            raise mine.error

    def _write_group(self, group: list[_Waiting[T]]) -> None:
        self._thread.wrote = next(self._groups)
        try:
            self._written(group)
        finally:
            with self._mutex:
                next_writer = max(self._waiting, key=attrgetter("wrote"), default=None)
                if next_writer:
                    next_writer.group, self._waiting = self._waiting, []
                else:
                    self._writes = False
            for one in (next_writer, *group) if next_writer else group:
                one.woken.release()
            group.clear()

    def _written(self, group: list[_Waiting[T]]) -> None:
        """Write *group*; when that fails each by itself, so that none fails for the fault of another."""
        try:
            self._write([one.item for one in group])
        except BaseException as error:  # noqa: BLE001 - each of them is told
            if len(group) == 1:
                group[0].error = error
                return
            for one in group:
                self._written([one])
