"""Proofs from what this system has published of its ledger."""

from functools import lru_cache, partial
from pathlib import Path

from onedoor.kernel.ledger import Checkpoint, Leaf, ProofFile, Tile, Tiles, Tree, split_note
from onedoor.kernel.ledger.tiles import WIDTH, read_tile

CHECKPOINT = "checkpoint"
KEPT = 256
"""Tiles that are kept, 16 KiB each: all above the leaves of a ledger of ten million entries."""


def folder_in(state: Path) -> Path:
    """Return where a system with the folder *state* publishes its ledger."""
    return state / "ledger" / "published"


def has_published(state: Path) -> bool:
    """Return whether a system with the folder *state* has published of its ledger: its key was in use."""
    return (folder_in(state) / CHECKPOINT).exists()


def proof_of(leaf: Leaf, position: int, folder: Path) -> ProofFile | None:
    """Return the proof that *leaf* stands at *position* of what is published in *folder*; None when it does not yet."""
    try:
        note = (folder / CHECKPOINT).read_text("utf-8")
    except FileNotFoundError:
        return None
    size = Checkpoint.parse(split_note(note)[0]).size
    if not 0 <= position < size:
        return None
    tree = Tree(Tiles(size, partial(_levels, folder)))
    return ProofFile(leaf.content(), position, tuple(tree.inclusion(position)), note)


def _levels(folder: Path, tile: Tile) -> list[bytes]:
    """Return the levels of a published tile; all but the whole ones of leaves are few, and proofs go through them."""
    path = folder / tile.path
    if not tile.level and tile.width == WIDTH:
        return tile.levels(path.read_bytes())
    try:
        file = path.stat()
        return _kept(str(path), tile, file.st_ino, file.st_mtime_ns)
    except FileNotFoundError:  # it became whole since the checkpoint was read
        return tile.levels(read_tile(partial(content_in, folder), tile))


def content_in(folder: Path, path: str, _most: int = 0) -> bytes | None:
    """Return a file of what is published in *folder*; None where there is none, or none any more."""
    try:
        return (folder / path).read_bytes()
    except FileNotFoundError:
        return None


@lru_cache(maxsize=KEPT)
def _kept(path: str, tile: Tile, _number: int, _written: int) -> list[bytes]:
    return tile.levels(Path(path).read_bytes())
