"""Shows on a terminal how far a long command is, or tells a program; where there is neither it says nothing."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

BAR = 20
"""Signs of the bar: with the words, a million of a million, the rate and the time left a line is not full."""
OPTION = "--progress-lines"
OFTEN = 0.2
"""Seconds between two lines for a program."""
Far = Callable[[str, int, int], None]
"""Hears what is being done, how many are done, and of how many."""


class Show(Protocol):
    """Hears how many are done, and of how many where that was not known before."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Show it."""


@contextmanager
def shown(what: str, total: int | None = None, *, lines: bool = False) -> Iterator[Show]:
    """Give a function that hears how many are done, of *total* where that is known; how fast and how long yet shows.

    With *lines* it is told on standard output, for the program that `heard` reads it in.
    """
    if lines:
        yield _told(what, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(BAR), MofNCompleteColumn(), rate, TimeRemainingColumn())
    console, silent = Console(file=sys.stderr), not sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=silent) as progress:
        task = progress.add_task(what, total=total, rate="")

        def show(done: int, total: int | None = None, /) -> None:
            elapsed = progress.tasks[0].elapsed
            progress.update(task, completed=done, total=total, rate=f"{done / elapsed:.0f}/s" if elapsed else "")

        yield show


def _told(what: str, known: int | None) -> Show:
    last = 0.0

    def show(done: int, total: int | None = None, /) -> None:
        nonlocal last
        now, whole = time.monotonic(), total or known or 0
        if now - last > OFTEN or done == whole:
            last = now
            print(json.dumps([what, done, whole]), flush=True)

    return show


def heard(lines: Iterable[bytes], far: Far) -> None:
    """Tell *far* what a command tells in its *lines*; what else it says there is passed over."""
    for line in lines:
        if line.startswith(b'["'):
            far(*json.loads(line))


def bar(done: int, total: int) -> str:
    """Return a bar with its numbers, as text."""
    full = BAR * done // total if total else 0
    return f"{'━' * full}{'╌' * (BAR - full)} {done:,}/{total:,}"
