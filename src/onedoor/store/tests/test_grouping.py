"""Group commit: what many threads write at the same time is kept once, and a fault is its own thread's alone."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from onedoor.store.grouping import GroupCommit

THREADS, EACH = 16, 50


class Book:
    """Keeps what is written, in groups; one with a negative number in it is refused whole."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []

    def write(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if number < 0:
                raise ValueError(number)
        self.groups.append(list(numbers))

    @property
    def kept(self) -> list[int]:
        return [number for group in self.groups for number in group]


def test_what_many_threads_write_is_kept_before_they_go_on_and_only_once() -> None:
    book = Book()
    commit = GroupCommit(book.write)

    def thread(first: int) -> None:
        for number in range(first, first + EACH):
            commit.keep(number)
            assert number in book.kept

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(thread, range(0, THREADS * EACH, EACH)))
    assert sorted(book.kept) == list(range(THREADS * EACH))


def test_those_who_come_while_one_writes_are_written_together() -> None:
    book, writing, go_on = Book(), Event(), Event()

    def slow(numbers: Sequence[int]) -> None:
        writing.set()
        go_on.wait()
        book.write(numbers)

    commit = GroupCommit(slow)
    with ThreadPoolExecutor(THREADS) as threads:
        first = threads.submit(commit.keep, 0)
        writing.wait()
        others = [threads.submit(commit.keep, number) for number in range(1, THREADS)]
        while len(commit._waiting) < THREADS - 1:
            pass
        go_on.set()
        for one in (first, *others):
            one.result()
    assert [sorted(group) for group in book.groups] == [[0], list(range(1, THREADS))]


def test_a_fault_is_told_to_its_own_thread_alone() -> None:
    book, start = Book(), Barrier(THREADS)
    commit = GroupCommit(book.write)

    def thread(number: int) -> bool:
        start.wait()
        if number % 4:
            commit.keep(number)
            return True
        with pytest.raises(ValueError, match=str(-number - 1)):
            commit.keep(-number - 1)
        return False

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(EACH):
            kept = list(threads.map(thread, range(THREADS)))
            assert sum(kept) == THREADS - THREADS // 4
    assert sorted(set(book.kept)) == [number for number in range(THREADS) if number % 4]
    assert len(book.kept) == EACH * len(set(book.kept))
    commit.keep(1)
