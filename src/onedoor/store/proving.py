"""Proofs from what this system has published of its ledger."""

from pathlib import Path

from onedoor.kernel.ledger import Checkpoint, Leaf, ProofFile, Tiles, Tree, split_note

CHECKPOINT = "checkpoint"


def folder_in(state: Path) -> Path:
    """Return where a system with the folder *state* publishes its ledger."""
    return state / "ledger" / "published"


def proof_of(leaf: Leaf, position: int, folder: Path) -> ProofFile | None:
    """Return the proof that *leaf* stands at *position* of what is published in *folder*; None when it does not yet."""
    path = folder / CHECKPOINT
    note = path.read_text("utf-8") if path.exists() else ""
    size = Checkpoint.parse(split_note(note)[0]).size if note else 0
    if not 0 <= position < size:
        return None
    tree = Tree(Tiles(size, lambda name: (folder / name).read_bytes()))
    return ProofFile(leaf.content(), position, tuple(tree.inclusion(position)), note)
