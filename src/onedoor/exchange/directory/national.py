"""The directory's own ledger: it takes the checkpoints of every system, so that one number fixes the nation's past.

An entry is a checkpoint as its system signed it. It is taken only when it continues the one taken before; the tree and
its files are durable and are published as those of the systems are (C2SP tlog-tiles).
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from pathlib import Path

from onedoor.exchange.witness.record import Record, own_key
from onedoor.kernel.durable import write_durably
from onedoor.kernel.fetching import OK, BadAnswer, Server, TooLong
from onedoor.kernel.ledger import (
    EMPTY_ROOT,
    HASH_SIZE,
    Checkpoint,
    FileStore,
    LedgerError,
    Tile,
    Tiles,
    Tree,
    Verifier,
    bundle_of,
    entries_of,
    leaf_hash,
    split_note,
    tiles_of,
    verify_checkpoint,
    verify_consistency,
)
from onedoor.kernel.ledger.tiles import HEIGHT, LARGEST_TILE, LONGEST, WIDTH

NAME = "onedoor/directory"
CHECKPOINT, KEY = "checkpoint", "key"
PATIENCE = 5.0
"""Seconds for each whole answer of a system, and for all that one look at it needs."""
AWAY = 60.0
"""Seconds for which a system may be away, as when it starts anew, before its ledger counts as silent."""
MOST_AT_ONCE = 64
MISSING = 404
Read = Callable[[str, int], bytes]
"""Returns the published file at a path, of so many bytes at most; raises `OSError` or `LedgerError`."""
_logger = logging.getLogger(__name__)


class NotPublished(BadAnswer):
    """A system publishes no such file."""


class National:
    """The ledger in *folder* of the checkpoints of *logs*, each with the address where it is published."""

    def __init__(self, folder: Path, logs: Sequence[tuple[Verifier, str]]) -> None:
        self.folder = folder / "public"
        self.logs = logs
        self._key = own_key(folder / "key")
        self.verifier = Verifier(NAME, self._key.public_key())
        self._seen = Record(folder / "seen")
        self.tree = Tree(FileStore(folder / "tree"))
        self.failed: set[str] = set()
        self._refused: set[str] = set()
        self._away: dict[str, float] = {}
        write_durably(self.folder / KEY, f"{self.verifier}\n".encode())
        self._know_again()

    def collect(self) -> int:
        """Take the checkpoints that are new and return how many; a system that does not answer is asked again."""
        taken = 0
        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="ledger") as asking:
            asked = {asking.submit(self._look, log, url): log for log, url in self.logs}
            pending = set(asked)
            while pending:
                answered, pending = wait(pending, return_when=FIRST_COMPLETED)
                found = [(log, note) for one in answered if (note := self._answer(log := asked[one], one))]
                self._append([note for _, note in found])
                for log, note in found:
                    self._seen.keep(log.name, note)
                self._publish()
                taken += len(found)
        return taken

    def _look(self, log: Verifier, url: str) -> str:
        with closing(Server(url, PATIENCE)) as server:
            return self.newer(log, reader(server, time.monotonic() + PATIENCE))

    def _answer(self, log: Verifier, asked: "Future[str]") -> str:
        """Return the checkpoint that came of asking *log*; whatever went wrong with it is its own fault alone."""
        try:
            note = asked.result()
        except Exception as error:  # noqa: BLE001 - what a system sends must not hold up the others
            self._tell(log.name, error)
            return ""
        self.failed.discard(log.name)
        self._refused.discard(log.name)
        self._away.pop(log.name, None)
        return note

    def _tell(self, name: str, error: Exception) -> None:
        """Say once, until it is well again, that a ledger is silent, and that what it tells is refused."""
        now = time.monotonic()
        if isinstance(error, ConnectionError) and now - self._away.setdefault(name, now) < AWAY:
            return
        if not isinstance(error, LedgerError):
            if name not in self.failed:
                _logger.warning("directory.ledger_silent ledger=%s why=%s", name, type(error).__name__)
        elif name not in self._refused:
            _logger.error("directory.checkpoint_refused ledger=%s why=%s", name, error.reason())
            self._refused.add(name)
        self.failed.add(name)

    def newer(self, log: Verifier, read: Read) -> str:
        """Return the checkpoint of *log* when it continues the last one taken; nothing when it is that one.

        Nothing too when it has not begun. Raise `LedgerError` when it shrank or tells another history.
        """
        last = self._seen.last(log.name, log)
        try:
            note = read(CHECKPOINT, LONGEST).decode()
        except NotPublished:
            if last.size:
                raise
            return ""
        new = verify_checkpoint(note, log)
        tiles = Tiles(new.size, lambda tile: tile.levels(_tile(read, tile)))
        proof = Tree(tiles).consistency(min(last.size, new.size))
        verify_consistency(last.size, new.size, proof, last.root, new.root)
        return note if new.size > last.size else ""

    def take(self, notes: Sequence[str]) -> None:
        """Append *notes*: their entries are durable first, then the tree, then the checkpoint that covers them."""
        self._append(notes)
        self._publish()

    def _append(self, notes: Sequence[str]) -> None:
        start = self.tree.size
        contents = [note.encode() for note in notes]
        for tile in tiles_of(start + len(contents), start):
            if tile.level == 0:
                kept = self._entries(start)[: max(0, start - tile.start)] if tile.start < start else []
                first = max(tile.start, start) - start
                fresh = contents[first : first + tile.width - len(kept)]
                write_durably(self.folder / tile.bundle, bundle_of([*kept, *fresh]))
        self.tree.extend(map(leaf_hash, contents))

    def _know_again(self) -> None:
        """Note as seen what was taken last, where a crash came between the two: it is not taken once more."""
        size = self.tree.size
        for tile in tiles_of(size, max(0, size - len(self.logs))):
            path = self.folder / tile.bundle
            if tile.level == 0 and path.exists():
                for entry in entries_of(path.read_bytes(), tile.width):
                    for log, _ in self.logs:
                        with suppress(LedgerError, UnicodeDecodeError):  # it is of another ledger
                            verify_checkpoint(note := entry.decode(), log)
                            self._seen.keep(log.name, note)

    def _entries(self, size: int) -> list[bytes]:
        """Return the entries of the tile that *size* leaves fill in part."""
        tile = Tile(0, size // WIDTH, size % WIDTH)
        return entries_of((self.folder / tile.bundle).read_bytes(), tile.width) if tile.width else []

    def _publish(self) -> None:
        """Write the tiles that came since the last signature, and sign what there is."""
        size, since = self.tree.size, self._signed().size
        if size == since:
            return
        for tile in tiles_of(size, since):
            nodes = range(tile.start, tile.start + tile.width)
            data = b"".join(self.tree.storage.node(tile.level * HEIGHT, number) for number in nodes)
            write_durably(self.folder / tile.path, data)
        note = Checkpoint(NAME, size, self.tree.root()).sign(NAME, self._key)
        write_durably(self.folder / CHECKPOINT, note.encode())

    def _signed(self) -> Checkpoint:
        path = self.folder / CHECKPOINT
        return Checkpoint.parse(split_note(path.read_text())[0]) if path.exists() else Checkpoint(NAME, 0, EMPTY_ROOT)


def _tile(read: Read, tile: Tile) -> bytes:
    """Return the content of a tile; of a part that is gone already, from the whole that took its place."""
    try:
        return read(tile.path, LARGEST_TILE)
    except NotPublished:
        return read(Tile(tile.level, tile.index).path, LARGEST_TILE)[: tile.width * HASH_SIZE]


def reader(server: Server, until: float = 0.0) -> Read:
    """Return how the files of the ledger that *server* publishes are read, all by the moment *until* (monotonic)."""

    def read(path: str, most: int) -> bytes:
        try:
            status, found = server.ask("GET", path, most, until=until)
        except TooLong as error:
            raise LedgerError("{path} has more than {most} bytes", path=path, most=most) from error
        if status == MISSING:
            raise NotPublished(f"the answer was {status}")
        if status != OK:
            raise BadAnswer(f"the answer was {status}")
        return found

    return read
