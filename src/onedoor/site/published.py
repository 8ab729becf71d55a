"""The ledger outside its database: tiles, bundles of entries and the last signed checkpoint, as static files.

They are laid out as C2SP says (tlog-tiles), so that anybody can check them with a program of their own. From these
files, or a copy of them elsewhere, a ledger resumes whose database was restored from an older backup.
"""

import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from onedoor.kernel.durable import write_durably
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger import (
    EMPTY_ROOT,
    Checkpoint,
    Leaf,
    LedgerError,
    Tile,
    Tiles,
    Tree,
    audit,
    bundle_of,
    entries_of,
    leaf_hash,
    split_note,
    tiles_of,
    verify_consistency,
)
from onedoor.kernel.ledger.tiles import HEIGHT, WIDTH
from onedoor.kernel.ledger.witnessing import Policy
from onedoor.site.cosigning import Witnesses
from onedoor.store import ledger, ledger_keys
from onedoor.store.proving import CHECKPOINT, content_in, folder_in

SIGNED, KEY = "signed", "key"
"""What was signed before the witnesses were asked, and the public key; everybody sees `CHECKPOINT`."""
__all__ = ["CHECKPOINT", "KEY", "SIGNED", "LedgerBehind", "Publisher", "checked", "folder_in", "read"]
_write = partial(write_durably, mode=0o666)
"""Writes what is published: a server of static files may be another user."""


class LedgerBehind(OnedoorError):
    """The database holds {size} entries of the ledger, but {published} were published in {folder}. Nothing new is signed. Please run “onedoor ledger resume” for this system, then start it again."""  # noqa: E501 - one sentence after the other


class Publisher:
    """Writes what the ledger has got since the last time; one process of a system does so."""

    def __init__(self, folder: Path, witnesses: Witnesses | None = None) -> None:
        self.folder = folder
        self.witnesses = witnesses or Witnesses(Policy())
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.key = ""
        self.note = _text(folder / CHECKPOINT)
        self._size(_parsed(_newest(folder)).size)
        if not _whole(folder, self.last.size):
            self._add(tiles_of(self.last.size))
        self.publish()

    @property
    def last(self) -> Checkpoint:
        """Return the checkpoint that everybody sees."""
        return _parsed(self.note)

    def publish(self) -> None:
        """Write the new tiles and entries, durably, then the checkpoint that covers them, cosigned if witnesses do.

        Raise `LedgerError` when it does not continue what was published before: a second history stays unseen; and
        `LedgerBehind` when the database was put back meanwhile.
        """
        self._tell_key()
        last = self.last
        if self._size(last.size) > last.size:
            self._grow(last, ledger.checkpoint())
        elif self.note:
            self._show(self.witnesses.cosigned(self.note, self._tree(last.size)))

    def _size(self, published: int) -> int:
        """Return how many entries are signed; raise `LedgerBehind` when that is less than *published*."""
        size, _ = ledger.size_and_root()
        if size < published:
            raise LedgerBehind(size=size, published=published, folder=self.folder)
        return size

    def _tell_key(self) -> None:
        """Write the public key, once and whenever another took over."""
        if (key := str(ledger.verifier())) != self.key:
            _write(self.folder / KEY, f"{key}\n".encode())
            self.key = key

    def _grow(self, last: Checkpoint, note: str) -> None:
        new = _parsed(note)
        tiles = list(tiles_of(new.size, last.size))
        self._add(tiles)
        tree = self._tree(new.size)
        verify_consistency(last.size, new.size, tree.consistency(last.size), last.root, new.root)
        if self.witnesses.all:
            _write(self.folder / SIGNED, note.encode())  # what a witness has seen must outlast a crash
        self._show(self.witnesses.cosigned(note, tree))
        self._tidy(tiles)

    def _show(self, note: str) -> None:
        if note != self.note:
            _write(self.folder / CHECKPOINT, note.encode())
            self.note = note

    def _tree(self, size: int) -> Tree:
        return Tree(Tiles(size, lambda tile: tile.levels(self.read(tile.path))))

    def read(self, path: str) -> bytes:
        """Return the content of a published file."""
        return (self.folder / path).read_bytes()

    def _add(self, tiles: Iterable[Tile]) -> None:
        """Write *tiles*, and the entries under them; nobody asks for them before a checkpoint does."""
        for tile in tiles:
            hashes = ledger.hashes(tile.level * HEIGHT, tile.start, tile.width)
            if tile.level == 0:
                entries = [one.content() for one in ledger.leaves(tile.start, tile.start + tile.width)]
                if [leaf_hash(one) for one in entries] != hashes:
                    raise LedgerError(
                        "the entries from {start} on are not those that were put in order", start=tile.start
                    )
                _write(self.folder / tile.bundle, bundle_of(entries))
            _write(self.folder / tile.path, b"".join(hashes))

    def _tidy(self, tiles: Iterable[Tile]) -> None:
        """Take away the parts of tiles that are whole now: whoever still asks for one finds the whole."""
        for tile in tiles:
            if tile.width == WIDTH:
                for path in tile.paths:
                    shutil.rmtree(self.folder / f"{path}.p", ignore_errors=True)


def read(folder: Path) -> tuple[list[Leaf], str]:
    """Return the entries and the newest checkpoint signed in *folder*; nothing when there is none."""
    note = _newest(folder)
    return list(_leaves(folder, _parsed(note).size)), note


def checked(folder: Path) -> Tree:
    """Return the tree computed anew from the database, once every published file was held against it.

    Raise `LedgerError` where they differ. The system may run: what is published is known before what it must be in.
    """
    content = content_in(folder, CHECKPOINT)
    if not content and (folder / "tile").exists():
        raise LedgerError("{path} is missing", path=CHECKPOINT)
    tree = ledger.computed()
    if content:
        _check(folder, tree, ledger_keys.signed(content.decode(errors="replace")))
    return tree


def _check(folder: Path, tree: Tree, signed: Checkpoint) -> None:
    if signed.size > tree.size or tree.root(signed.size) != signed.root:
        raise LedgerError("the database does not hold the {size} entries that were published", size=signed.size)
    for _ in audit(partial(content_in, folder), signed):
        pass


def _leaves(folder: Path, size: int) -> Iterator[Leaf]:
    for tile in tiles_of(size):
        if tile.level == 0:
            yield from map(Leaf.parse, entries_of((folder / tile.bundle).read_bytes(), tile.width))


def _newest(folder: Path) -> str:
    """Return the newest checkpoint that was signed in *folder*: witnesses may have seen it before everybody does."""
    return max((_text(folder / name) for name in (CHECKPOINT, SIGNED)), key=lambda note: _parsed(note).size)


def _parsed(note: str) -> Checkpoint:
    """Return the checkpoint in *note*; that of the empty ledger when there is none."""
    return Checkpoint.parse(split_note(note)[0]) if note else Checkpoint("", 0, EMPTY_ROOT)


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _whole(folder: Path, size: int) -> bool:
    """Return whether every file that a tree of *size* leaves needs is there."""
    return all((folder / path).exists() for tile in tiles_of(size) for path in tile.paths)
