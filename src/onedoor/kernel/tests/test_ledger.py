"""The ledger: reference roots, proofs, the durable file, signed notes."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.kernel.ledger import (
    EMPTY_ROOT,
    FileStore,
    LedgerError,
    Tree,
    file_store,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots of the reference implementation of Certificate Transparency.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(1, 70)


def grown(size: int) -> Tree:
    tree = Tree()
    tree.extend(leaf_hash(str(number).encode()) for number in range(size))
    return tree


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 §2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(slow_root(leaves[:half]), slow_root(leaves[half:]))


def test_the_roots_are_those_of_the_reference_log():
    tree = Tree()
    assert tree.root().hex() == ROOTS[0]
    for size, leaf in enumerate(LEAVES, 1):
        tree.append(leaf_hash(leaf))
        assert tree.root().hex() == ROOTS[size]
    assert [tree.root(size).hex() for size in range(9)] == ROOTS


def test_the_proofs_are_those_of_the_reference_log():
    tree = Tree()
    tree.extend(map(leaf_hash, LEAVES))
    assert [one.hex() for one in tree.inclusion(0, 8)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [one.hex() for one in tree.consistency(6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.lists(st.binary(max_size=4), max_size=40))
def test_the_tree_is_the_definition(leaves):
    tree = Tree()
    tree.extend(map(leaf_hash, leaves))
    assert tree.root() == slow_root(leaves)


@given(SIZES.flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_every_leaf_is_proved_in_every_tree(case):
    index, size = case
    tree = grown(70)
    leaf = leaf_hash(str(index).encode())
    proof = tree.inclusion(index, size)
    verify_inclusion(leaf, index, size, proof, tree.root(size))
    for wrong in ([*proof, leaf], proof[:-1] or [leaf], [leaf, *proof]):
        with pytest.raises(LedgerError):
            verify_inclusion(leaf, index, size, wrong, tree.root(size))
    for number in range(len(proof)):
        changed = [bytes(32) if at == number else one for at, one in enumerate(proof)]
        with pytest.raises(LedgerError):
            verify_inclusion(leaf, index, size, changed, tree.root(size))
    with pytest.raises(LedgerError):
        verify_inclusion(leaf_hash(b"another"), index, size, proof, tree.root(size))


@given(SIZES.flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))))
def test_every_tree_continues_every_smaller_one(case):
    size1, size2 = case
    tree = grown(70)
    proof = tree.consistency(size1, size2)
    verify_consistency(size1, size2, proof, tree.root(size1), tree.root(size2))
    other = leaf_hash(b"another")
    for wrong in ([*proof, other], proof[:-1] or [other]):
        with pytest.raises(LedgerError):
            verify_consistency(size1, size2, wrong, tree.root(size1), tree.root(size2))
    with pytest.raises(LedgerError):
        verify_consistency(size1, size2, proof, other, tree.root(size2))
    if size1:
        with pytest.raises(LedgerError):
            verify_consistency(size1, size2, proof, tree.root(size1), other)


def test_sizes_of_zero_are_decided():
    tree = grown(3)
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    verify_consistency(0, 3, [], EMPTY_ROOT, tree.root())
    for size1, size2, proof, root1, root2 in (
        (0, 3, [tree.root()], EMPTY_ROOT, tree.root()),
        (0, 3, [], tree.root(), tree.root()),
        (0, 0, [], EMPTY_ROOT, tree.root()),
        (3, 0, [], tree.root(), EMPTY_ROOT),
        (-1, 3, [], EMPTY_ROOT, tree.root()),
        (3, 3, [EMPTY_ROOT], tree.root(), tree.root()),
        (2, 3, [], tree.root(2), tree.root()),
    ):
        with pytest.raises(LedgerError):
            verify_consistency(size1, size2, proof, root1, root2)
    with pytest.raises(LedgerError):
        verify_inclusion(EMPTY_ROOT, 0, 0, [], EMPTY_ROOT)
    with pytest.raises(LedgerError):
        Tree().inclusion(0)
    with pytest.raises(LedgerError):
        tree.root(4)
    verify_inclusion(leaf_hash(b"0"), 0, 1, [], tree.root(1))


@given(batches=st.lists(st.integers(1, 9), max_size=8))
@settings(max_examples=25)
def test_a_file_gives_the_same_tree_after_reopening(tmp_path_factory, batches):
    path = tmp_path_factory.mktemp("ledger") / "tree"
    memory = Tree()
    for count in batches:
        leaves = [leaf_hash(os.urandom(4)) for _ in range(count)]
        memory.extend(leaves)
        with FileStore(path) as store:
            Tree(store).extend(leaves)
    with FileStore(path) as store:
        tree = Tree(store)
        assert (tree.size, tree.root()) == (memory.size, memory.root())
        assert tree.consistency(tree.size // 2) == memory.consistency(tree.size // 2)


@given(before=st.integers(0, 20), last=st.integers(1, 20), data=st.data())
@settings(max_examples=60)
def test_a_torn_tail_loses_only_what_was_not_acknowledged(tmp_path_factory, before, last, data):
    path = tmp_path_factory.mktemp("ledger") / "tree"
    with FileStore(path) as store:
        Tree(store).extend([leaf_hash(bytes([number])) for number in range(before)])
        acknowledged = path.stat().st_size
        Tree(store).extend([leaf_hash(bytes([number])) for number in range(before, before + last)])
    content = bytearray(path.read_bytes())
    cut = data.draw(st.integers(acknowledged, len(content)))
    hole = data.draw(st.integers(acknowledged, len(content)))
    content[hole : hole + 40] = bytes(len(content[hole : hole + 40]))
    path.write_bytes(content[:cut])
    with FileStore(path) as store:
        tree = Tree(store)
        assert before <= tree.size <= before + last
        assert tree.root(before) == grown_bytes(before).root()
        tree.append(leaf_hash(b"next"))
    with FileStore(path) as store:
        tree = Tree(store)
        expected = grown_bytes(tree.size - 1)
        expected.append(leaf_hash(b"next"))
        assert tree.root() == expected.root()


def grown_bytes(size: int) -> Tree:
    tree = Tree()
    tree.extend([leaf_hash(bytes([number])) for number in range(size)])
    return tree


def test_damage_before_the_last_batch_is_reported_and_not_cut_off(tmp_path):
    path = tmp_path / "tree"
    with FileStore(path) as store:
        tree = Tree(store)
        for number in range(5):
            tree.append(leaf_hash(bytes([number])))
    content = bytearray(path.read_bytes())
    content[45] ^= 1
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="damaged"):
        FileStore(path)
    assert path.read_bytes() == content


def test_a_record_changed_while_open_is_noticed_when_read(tmp_path):
    path = tmp_path / "tree"
    with FileStore(path) as store:
        tree = Tree(store)
        tree.extend([leaf_hash(b"a"), leaf_hash(b"b")])
        with path.open("r+b") as file:
            file.write(b"\xff")
        with pytest.raises(LedgerError, match="damaged"):
            tree.root(1)


def test_two_writers_are_refused(tmp_path):
    with FileStore(tmp_path / "tree"), pytest.raises(LedgerError, match="another process"):
        FileStore(tmp_path / "tree")


def test_a_failed_sync_acknowledges_nothing_and_stops_the_writer(tmp_path, monkeypatch):
    path = tmp_path / "tree"
    with FileStore(path) as store:
        tree = Tree(store)
        tree.append(leaf_hash(b"a"))

        def fails(file: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(file_store.os, "fsync", fails)
        with pytest.raises(OSError, match="No space"):
            tree.append(leaf_hash(b"b"))
        monkeypatch.undo()
        with pytest.raises(LedgerError, match="the disk is full"):
            tree.append(leaf_hash(b"c"))
        assert tree.size == 1
    with FileStore(path) as store:
        assert Tree(store).root() == leaf_hash(b"a")


def test_nodes_out_of_order_are_refused(tmp_path):
    with FileStore(tmp_path / "tree") as store, pytest.raises(LedgerError, match="continue"):
        store.extend([file_store.Node(0, 1, bytes(32))])


def test_the_directory_of_a_new_file_is_made(tmp_path: Path):
    with FileStore(tmp_path / "deep" / "tree") as store:
        assert store.size() == 0
