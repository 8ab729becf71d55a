"""The ledger's tree (RFC 6962), its proofs, its durable file and its signed checkpoints (C2SP)."""

from onedoor.kernel.ledger.file_store import FileStore
from onedoor.kernel.ledger.hashing import EMPTY_ROOT, HASH_SIZE, LedgerError, leaf_hash, node_hash
from onedoor.kernel.ledger.notes import Checkpoint, Verifier, sign_note, verify_note
from onedoor.kernel.ledger.proofs import verify_consistency, verify_inclusion
from onedoor.kernel.ledger.tree import MemoryStore, Node, Storage, Tree

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "Checkpoint",
    "FileStore",
    "LedgerError",
    "MemoryStore",
    "Node",
    "Storage",
    "Tree",
    "Verifier",
    "leaf_hash",
    "node_hash",
    "sign_note",
    "verify_consistency",
    "verify_inclusion",
    "verify_note",
]
