"""What a running supervisor is asked for by others of its user: an empty file for each process to start anew.

The file goes when the process answers again. Whoever may write into the folder of the nation may stop it as well.
"""

from collections.abc import Iterator
from pathlib import Path

from onedoor.site.up.process import Process

FOLDER = "restart"
NEVER = ("postgres", "up")
"""What cannot be started anew without those that depend on it."""


def ask(var: Path, name: str) -> Path:
    """Ask for *name* to be started anew; return the file that goes when it is done."""
    folder = var / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    request = folder / name
    request.touch(mode=0o600)
    return request


def forget(var: Path) -> None:
    """Drop what an earlier supervisor was asked for."""
    for request in (var / FOLDER).glob("*"):
        request.unlink(missing_ok=True)


class Renewals:
    """The processes of one supervisor that are being started anew."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.under_way: set[str] = set()
        forget(var)

    def tend(self, processes: list[Process]) -> Iterator[str]:
        """Begin what was asked for, end what is done; yield the names of processes that came back."""
        for process in processes:
            request = self.var / FOLDER / process.name
            if process.name in self.under_way:
                if process.renewed():
                    self.under_way.discard(process.name)
                    request.unlink(missing_ok=True)
                    yield process.name
            elif request.exists() and process.name not in NEVER and process.pid:
                self.under_way.add(process.name)
                process.renew()
