"""Verification of inclusion and consistency proofs (RFC 9162 §2.1.3.2 and §2.1.4.2).

Whatever comes in is a stranger's: anything but sound bytes and ints is a `LedgerError` as well, never another error.
"""

from collections.abc import Sequence

from onedoor.kernel.ledger.hashing import EMPTY_ROOT, HASH_SIZE, LedgerError, node_hash

LARGEST = 2**64 - 1
"""The largest size of a tree: RFC 6962 counts leaves in 64 bits."""


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `LedgerError` unless *proof* shows *leaf_hash* at *index* of the tree of *size* leaves with *root*."""
    _check_numbers(index, size)
    _check_hashes(proof, leaf_hash, root)
    if index >= size:
        raise LedgerError("a tree of {size} leaves has no leaf {index}", size=size, index=index)
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
    _check_numbers(size1, size2)
    _check_hashes(proof, root1, root2)
    if size1 > size2:
        raise LedgerError("a tree of {size2} leaves cannot continue one of {size1}", size2=size2, size1=size1)
    if (size1 == 0 and root1 != EMPTY_ROOT) or (size2 == 0 and root2 != EMPTY_ROOT):
        raise LedgerError("the root of the empty tree is wrong")
    if size1 == size2 and root1 != root2:
        raise LedgerError("two trees of {size1} leaves have different roots", size1=size1)
    if size1 in (0, size2):
        if proof:
            raise LedgerError("the consistency proof is too long")
        return
    _check_growth(size1, size2, proof, root1, root2)


def _check_growth(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    if not proof:
        raise LedgerError("the consistency proof is too short")
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
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


def _check_numbers(*numbers: object) -> None:
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= LARGEST for one in numbers):
        raise LedgerError("an index or a size is no whole number from 0 to 2⁶⁴ - 1")


def _check_hashes(proof: object, *hashes: object) -> None:
    if not isinstance(proof, list | tuple):
        raise LedgerError("a proof is no list of hashes")
    if not all(isinstance(one, bytes) and len(one) == HASH_SIZE for one in (*proof, *hashes)):
        raise LedgerError("a hash is not {hash_size} bytes", hash_size=HASH_SIZE)
