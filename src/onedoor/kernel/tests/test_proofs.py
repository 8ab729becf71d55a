"""Proofs held against the definitions of RFC 6962 written out once more, and against everything that is no proof."""

import subprocess
import sys
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.kernel.ledger import EMPTY_ROOT, LedgerError, verify_consistency, verify_inclusion

MOST = 33


def leaf(number: int) -> bytes:
    return sha256(b"\x00%d" % number).digest()


LEAVES = [leaf(number) for number in range(MOST)]


def split(width: int) -> int:
    half = 1
    while half * 2 < width:
        half *= 2
    return half


def mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:half]) + mth(leaves[half:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    if index < half:
        return [*path(index, leaves[:half]), mth(leaves[half:])]
    return [*path(index - half, leaves[half:]), mth(leaves[:half])]


def subproof(size: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if size == len(leaves):
        return [] if whole else [mth(leaves)]
    half = split(len(leaves))
    if size <= half:
        return [*subproof(size, leaves[:half], whole=whole), mth(leaves[half:])]
    return [*subproof(size - half, leaves[half:], whole=False), mth(leaves[:half])]


ROOTS = [mth(LEAVES[:size]) for size in range(MOST + 1)]


def holds(verify, *arguments) -> bool:
    try:
        verify(*arguments)
    except LedgerError:
        return False
    return True


def test_each_leaf_of_each_small_tree_is_proved_and_at_no_other_place() -> None:
    for size in range(1, 18):
        for index in range(size):
            proof = path(index, LEAVES[:size])
            found = {
                (other, at)
                for other in range(18)
                for at in range(18)
                if holds(verify_inclusion, LEAVES[index], at, other, proof, ROOTS[size])
            }
            assert (size, index) in found
            # A path says which leaf and which root; a size of the same shape on that path is told by the checkpoint.
            assert all(len(path(at, LEAVES[:other])) == len(proof) for other, at in found)


def test_each_small_tree_continues_each_smaller_one_by_that_proof_alone() -> None:
    for size2 in range(1, 18):
        for size1 in range(1, size2 + 1):
            proof = subproof(size1, LEAVES[:size2])
            verify_consistency(size1, size2, proof, ROOTS[size1], ROOTS[size2])
            for wrong in ([*proof, leaf(99)], proof[:-1] or [leaf(99)], proof[1:] or [leaf(99)], proof[::-1]):
                same = wrong == proof
                assert holds(verify_consistency, size1, size2, wrong, ROOTS[size1], ROOTS[size2]) == same


def test_a_consistency_proof_is_one_of_no_sizes_that_need_another() -> None:
    sizes = [(size1, size2) for size2 in range(18) for size1 in range(size2 + 1)]
    for size1, size2 in sizes[1:]:
        proof = subproof(size1, LEAVES[:size2]) if size1 else []
        found = {one for one in sizes if holds(verify_consistency, *one, proof, ROOTS[size1], ROOTS[size2])}
        assert (size1, size2) in found
        # As above: sizes of the same shape on that path are told by the two checkpoints.
        needed = {len(subproof(one, LEAVES[:two])) if one else 0 for one, two in found}
        assert needed == {len(proof)}, (size1, size2, found)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_one_changed_bit_anywhere_is_found(data) -> None:
    size2 = data.draw(st.integers(2, MOST))
    size1 = data.draw(st.integers(1, size2 - 1))
    index = data.draw(st.integers(0, size2 - 1))
    for verify, before, given_, after in (
        (verify_inclusion, (LEAVES[index], index, size2), path(index, LEAVES[:size2]), (ROOTS[size2],)),
        (verify_consistency, (size1, size2), subproof(size1, LEAVES[:size2]), (ROOTS[size1], ROOTS[size2])),
    ):
        verify(*before, given_, *after)
        hashes = [one for one in (*before, *given_, *after) if isinstance(one, bytes)]
        at = data.draw(st.integers(0, len(hashes) - 1))
        changed = bytearray(hashes[at])
        changed[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
        hashes[at] = bytes(changed)
        ahead = [hashes.pop(0) if isinstance(one, bytes) else one for one in before]
        behind = [hashes.pop() for _ in after][::-1]
        assert not holds(verify, *ahead, hashes, *behind)


SOUND = (LEAVES[1], 1, 3, path(1, LEAVES[:3]), ROOTS[3])
GROWN = (2, 3, subproof(2, LEAVES[:3]), ROOTS[2], ROOTS[3])
NO_NUMBERS = (None, True, False, -1, 1.0, "1", b"1", 2**64, 10**5000, -(10**5000), float("nan"), [1])
NO_HASHES = (None, b"", bytes(31), bytes(33), "a" * 32, bytearray(32), memoryview(bytes(32)), 0, [0] * 32)
NO_PROOFS = (None, 0, "a" * 32, bytes(64), iter([]), {}, {bytes(32): 1}, [None], [[bytes(32)]], [bytes(31)], [32])


@pytest.mark.parametrize(("verify", "sound"), [(verify_inclusion, SOUND), (verify_consistency, GROWN)])
def test_what_is_no_number_no_hash_or_no_proof_is_refused_and_nothing_else_is_raised(verify, sound) -> None:
    verify(*sound)
    for place, one in enumerate(sound):
        for wrong in NO_NUMBERS if isinstance(one, int) else NO_HASHES if isinstance(one, bytes) else NO_PROOFS:
            with pytest.raises(LedgerError):
                verify(*sound[:place], wrong, *sound[place + 1 :])


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.binary(max_size=31), st.lists(st.binary(max_size=33)))


@given(st.lists(ANYTHING, min_size=5, max_size=5))
@settings(max_examples=200, deadline=None)
def test_anything_at_all_is_refused_by_one_error(arguments) -> None:
    assert not holds(verify_inclusion, *arguments)
    assert not holds(verify_consistency, *arguments)


def test_the_edges_are_decided() -> None:
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    verify_consistency(0, 3, (), EMPTY_ROOT, ROOTS[3])
    verify_consistency(3, 3, [], ROOTS[3], ROOTS[3])
    verify_inclusion(LEAVES[0], 0, 1, [], ROOTS[1])
    for arguments in (
        (0, 3, [], ROOTS[3], ROOTS[3]),  # the empty tree has one root
        (0, 0, [], ROOTS[1], ROOTS[1]),
        (0, 3, [ROOTS[3]], EMPTY_ROOT, ROOTS[3]),
        (3, 3, [], ROOTS[3], mth(LEAVES[1:4])),  # two histories of one length
        (3, 3, [ROOTS[3]], ROOTS[3], ROOTS[3]),
        (3, 2, [], ROOTS[3], ROOTS[2]),
        (2, 3, [], ROOTS[2], ROOTS[3]),  # a power of two brings its own root, and still needs a proof
        (2, 3, [], ROOTS[2], ROOTS[2]),
    ):
        assert not holds(verify_consistency, *arguments)
    assert not holds(verify_inclusion, EMPTY_ROOT, 0, 0, [], EMPTY_ROOT)
    assert not holds(verify_inclusion, LEAVES[2], 3, 3, path(2, LEAVES[:3]), ROOTS[3])
    largest = 2**64 - 1
    assert not holds(verify_inclusion, LEAVES[0], largest - 1, largest, [bytes(32)] * 64, ROOTS[1])


def test_a_program_that_checks_proofs_loads_no_django() -> None:
    program = (
        "import sys\n"
        "from onedoor.kernel.ledger import LedgerError, verify_consistency, verify_inclusion\n"
        "verify_inclusion(bytes(32), 0, 1, [], bytes(32))\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'django'], 'django'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
