"""Where a published ledger is read from, with limits: an address or a folder; and how far an audit is."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from onedoor.kernel import fetching
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.fetching import OK, Server, TooLong
from onedoor.kernel.ledger import Leaf, LedgerError
from onedoor.kernel.said import Said, said
from onedoor.site.messages import text as _
from onedoor.site.progress import shown

PATIENCE = 120.0
"""Seconds for a whole file, of some 16 MB at most."""
GONE = (404, 410)


class NotReached(OnedoorError):
    """The published ledger cannot be read from {url}: {why}. Please check the address, or try again later."""


class Source(Protocol):
    """The files of one published ledger."""

    def read(self, path: str, most: int) -> bytes | None:
        """Return the file at *path*, None where there is none; raise `NotReached` (also beyond *most* bytes)."""
        ...


def source_of(url: str) -> Source:
    """Return where the ledger at *url* is read from."""
    return Address(url) if url.startswith(("http://", "https://")) else Folder(Path(url.removeprefix("file://")))


class Folder:
    """A published ledger in a folder of this computer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise NotReached(url=folder, why=_("there is no such folder"))

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file."""
        try:
            with (self.folder / path).open("rb") as file:
                found = file.read(most + 1)
        except FileNotFoundError:
            return None
        if len(found) > most:
            raise NotReached(url=self.folder / path, why=_("it has more than {most} bytes", most=most))
        return found


class Address:
    """A published ledger at an HTTP address; one connection for all files, no redirection followed."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self.server = Server(url, patience)

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file."""
        url = f"{self.server.url}/{path}"
        try:
            status, found = self.server.ask("GET", path, most)
        except TooLong as error:
            raise NotReached(url=url, why=_("it has more than {most} bytes", most=most)) from error
        except OSError as error:
            raise NotReached(url=url, why=_why(error)) from error
        if status in GONE:
            return None
        if status != OK:
            raise NotReached(url=url, why=_("the answer was {status}", status=status))
        return found


def _why(error: OSError) -> Said:
    """Return in words why nothing came from an address."""
    return fetching.why(
        error, said("what answers there serves no ledger: its answer is not whole, or of a kind that is not taken")
    )


def progress(audit: Iterator[tuple[int, list[bytes]]], size: int) -> dict[str, int]:
    """Go through an *audit* of *size* entries, showing on a terminal how far it is; return the entries by kind."""
    kinds: Counter[str] = Counter()
    with shown("", size) as show:
        for done, entries in audit:
            kinds.update(_kind(one) for one in entries)
            show(done)
    return dict(kinds)


def _kind(entry: bytes) -> str:
    """Return the kind of an entry; of a checkpoint in the directory's ledger, whose it is."""
    try:
        return Leaf.parse(entry).kind
    except LedgerError:
        return "".join(filter(str.isprintable, entry.partition(b"\n")[0][:80].decode(errors="replace")))
