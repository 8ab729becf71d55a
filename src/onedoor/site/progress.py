"""Shows on a terminal how far a long command is; where there is no terminal it says nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Show(Protocol):
    """Hears how many are done, and of how many where that was not known before."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Show it."""


@contextmanager
def shown(what: str, total: int | None = None) -> Iterator[Show]:
    """Give a function that hears how many are done, of *total* where that is known."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console, silent = Console(file=sys.stderr), not sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=silent) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, total=None: progress.update(task, completed=done, total=total)
