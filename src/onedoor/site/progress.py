"""Shows on a terminal how far a long command is; where there is no terminal it says nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

BAR = 20
"""Signs of the bar: with the words, a million of a million, the rate and the time left a line is not full."""


class Show(Protocol):
    """Hears how many are done, and of how many where that was not known before."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Show it."""


@contextmanager
def shown(what: str, total: int | None = None) -> Iterator[Show]:
    """Give a function that hears how many are done, of *total* where that is known; how fast and how long yet shows."""
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
