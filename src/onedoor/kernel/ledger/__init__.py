"""The ledger's tree (RFC 6962), its proofs, its durable file, its static files and signed checkpoints (C2SP)."""

from onedoor.kernel.ledger.auditing import audit
from onedoor.kernel.ledger.file_store import FileStore
from onedoor.kernel.ledger.frontier import Frontier
from onedoor.kernel.ledger.hashing import EMPTY_ROOT, HASH_SIZE, LedgerError, leaf_hash, node_hash
from onedoor.kernel.ledger.leaves import Leaf
from onedoor.kernel.ledger.notes import (
    Checkpoint,
    Verifier,
    cosign,
    join_note,
    sign_note,
    signed_at,
    split_note,
    verify_checkpoint,
    verify_note,
)
from onedoor.kernel.ledger.proof_files import ProofFile
from onedoor.kernel.ledger.proofs import verify_consistency, verify_inclusion
from onedoor.kernel.ledger.tiles import Tile, Tiles, bundle_of, entries_of, tiles_of
from onedoor.kernel.ledger.tree import MemoryStore, Node, Storage, Tree
from onedoor.kernel.ledger.witnessing import Addition, Policy

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "Addition",
    "Checkpoint",
    "FileStore",
    "Frontier",
    "Leaf",
    "LedgerError",
    "MemoryStore",
    "Node",
    "Policy",
    "ProofFile",
    "Storage",
    "Tile",
    "Tiles",
    "Tree",
    "Verifier",
    "audit",
    "bundle_of",
    "cosign",
    "entries_of",
    "join_note",
    "leaf_hash",
    "node_hash",
    "sign_note",
    "signed_at",
    "split_note",
    "tiles_of",
    "verify_checkpoint",
    "verify_consistency",
    "verify_inclusion",
    "verify_note",
]
