"""Tiles and bundles: the examples of the specification, and every node of a tree read back from them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.kernel.ledger import LedgerError, Tile, Tiles, Tree, bundle_of, entries_of, leaf_hash, tiles_of


def test_the_names_are_those_of_the_specification() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(2, 0, 1).path == "tile/2/000.p/1"
    assert Tile(0, 999).path == "tile/0/999"
    assert Tile(0, 1000, 112).bundle == "tile/entries/x001/000.p/112"


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    found = list(tiles_of(70_000))
    whole = [one for one in found if one.width == 256]
    assert [sum(one.level == level for one in whole) for level in range(3)] == [273, 1, 0]
    assert [one for one in found if one.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == list(tiles_of(9, 9)) == []


@given(st.lists(st.integers(0, 70_000), min_size=2, max_size=5).map(sorted))
def test_a_tree_grown_in_steps_has_the_tiles_of_one_grown_at_once(sizes) -> None:
    stepwise = {tile for before, size in zip([0, *sizes], sizes, strict=False) for tile in tiles_of(size, before)}
    assert set(tiles_of(sizes[-1])) <= stepwise


GROWN = Tree()
GROWN.extend(leaf_hash(b"%d" % number) for number in range(700))


def file(path: str) -> bytes:
    tile = next(one for size in (700, 515, 256, 3) for one in tiles_of(size) if one.path == path)
    return b"".join(GROWN.storage.node(8 * tile.level, tile.start + number) for number in range(tile.width))


def levels(tile: Tile) -> list[bytes]:
    return tile.levels(file(tile.path))


@given(st.sampled_from([3, 256, 515, 700]), st.data())
@settings(max_examples=60, deadline=None)
def test_every_proof_can_be_computed_from_tiles_alone(size, data) -> None:
    tree = Tree(Tiles(size, levels))
    index = data.draw(st.integers(0, size - 1))
    assert tree.root() == GROWN.root(size)
    assert tree.inclusion(index) == GROWN.inclusion(index, size)
    assert tree.consistency(index) == GROWN.consistency(index, size)


def test_tiles_that_are_cut_or_lengthened_are_refused() -> None:
    for change in (lambda data: data[:-1], lambda data: data[:-32], lambda data: data + bytes(32), lambda data: b""):
        with pytest.raises(LedgerError):
            Tree(Tiles(700, lambda tile, change=change: tile.levels(change(file(tile.path))))).root()
    with pytest.raises(LedgerError):
        Tiles(700, levels).extend([])
    with pytest.raises(LedgerError):
        Tiles(700, levels).node(8, 2)


@given(st.lists(st.binary(max_size=300), max_size=9), st.integers(0, 400))
def test_a_bundle_gives_its_entries_whole_or_not_at_all(entries, cut) -> None:
    bundle = bundle_of(entries)
    assert entries_of(bundle, len(entries)) == entries
    for wrong, width in ((bundle + b"\x00", len(entries)), (bundle, len(entries) + 1)):
        with pytest.raises(LedgerError):
            entries_of(wrong, width)
    if cut < len(bundle):
        with pytest.raises(LedgerError):
            entries_of(bundle[:cut], len(entries))


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(LedgerError, match="longer"):
        bundle_of([bytes(2**16)])
