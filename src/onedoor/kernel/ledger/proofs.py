"""Verification of inclusion and consistency proofs (RFC 9162 §2.1.3.2 and §2.1.4.2)."""

from collections.abc import Sequence

from onedoor.kernel.ledger.hashing import EMPTY_ROOT, HASH_SIZE, LedgerError, node_hash


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `LedgerError` unless *proof* shows *leaf_hash* at *index* of the tree of *size* leaves with *root*."""
    if not 0 <= index < size:
        raise LedgerError(f"a tree of {size} leaves has no leaf {index}")
    _check_hashes([leaf_hash, *proof, root])
    node, last, current = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise LedgerError("the inclusion proof is too long")
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise LedgerError("the inclusion proof is too short")
    if current != root:
        raise LedgerError("the inclusion proof leads to another root")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Raise `LedgerError` unless *proof* shows that the tree of *size2* with *root2* continues that of *size1*.

    Every tree continues the empty one, and every tree itself: both need the right roots and an empty proof.
    """
    if not 0 <= size1 <= size2:
        raise LedgerError(f"a tree of {size2} leaves cannot continue one of {size1}")
    _check_hashes([root1, root2, *proof])
    if (size1 == 0 and root1 != EMPTY_ROOT) or (size2 == 0 and root2 != EMPTY_ROOT):
        raise LedgerError("the root of the empty tree is wrong")
    if size1 == size2 and root1 != root2:
        raise LedgerError(f"two trees of {size1} leaves have different roots")
    if size1 in (0, size2):
        if proof:
            raise LedgerError("the consistency proof is too long")
        return
    _check_growth(size1, size2, proof, root1, root2)


def _check_growth(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    if not path:
        raise LedgerError("the consistency proof is too short")
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LedgerError("the consistency proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise LedgerError("the consistency proof is too short")
    if old != root1 or new != root2:
        raise LedgerError("the consistency proof leads to other roots")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(one) != HASH_SIZE for one in hashes):
        raise LedgerError(f"a hash has not {HASH_SIZE} bytes")
