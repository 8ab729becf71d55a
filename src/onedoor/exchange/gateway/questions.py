"""Answers what takes reading many files in a thread of its own: stamping and the configuration never wait for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from onedoor.exchange.gateway.faults import server_side

P = ParamSpec("P")
T = TypeVar("T")


class Questions:
    """Questions for records and overviews, answered one after another; of a client of others, one is under way."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "questions")
        self._under_way: set[str] = set()

    def own(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> asyncio.Future[T]:
        """Return what *work* will find, for an own system."""
        return asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*given, **named))

    def admit(self, client: str) -> None:
        """Raise `Fault` while a question of *client* is not answered."""
        if client in self._under_way:
            raise server_side("Overloaded", "The question before this one is not answered yet", retry=True)

    def of(self, client: str, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> asyncio.Future[T]:
        """Return what *work* will find for *client*, which was admitted."""
        self._under_way.add(client)
        found = self.own(work, *given, **named)
        found.add_done_callback(lambda _: self._under_way.discard(client))
        return found
