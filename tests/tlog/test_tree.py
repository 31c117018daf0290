"""TREE-1 to TREE-4 against the naive tree: frontiers, covers, stored subtrees, walkers."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import InternalFault, LocalMisuse, Malformed
from detente.tlog.tree import (
    LEAVES_MAX,
    Frontier,
    RootWalker,
    append,
    completed_nodes,
    cover,
    frontier_at,
    leaf_hash,
    node_hash,
    root_at,
    subtree_hash,
)
from tests.tlog import naive

LEAVES = [naive.leaf(number) for number in range(70_000)]  # more than one subtree of level 16


def stored(leaves: list[bytes], turn: int = 2_000) -> tuple[naive.Store, Frontier]:
    """A store filled as a station fills it: some leaves in each turn, then what they completed."""
    store, frontier = naive.Store(), Frontier()
    for start in range(0, len(leaves), turn):
        batch = leaves[start : start + turn]
        for offset, value in enumerate(batch):
            store.put(0, start + offset, value)
        frontier, completed = append(frontier, batch)
        for level, index, value in completed:
            store.put(level, index, value)
    return store, frontier


STORE, WHOLE = stored(LEAVES)


def test_tree_1_hashes_are_those_of_rfc_6962() -> None:
    """TREE-1: the prefixes keep leaves and subtrees apart, and the empty tree has a root."""
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert Frontier().root() == hashlib.sha256(b"").digest()


@given(st.integers(0, 600))
def test_tree_3_the_frontier_is_the_cover_of_the_whole_tree(size: int) -> None:
    """TREE-3, TREE-4: leaf by leaf and all at once give the same frontier, whose root is that of RFC 6962."""
    one_by_one = Frontier()
    for value in LEAVES[:size]:
        one_by_one = one_by_one.add_leaf(value)
    at_once, _ = append(Frontier(), LEAVES[:size])
    assert one_by_one == at_once
    assert at_once.hashes == tuple(naive.root(LEAVES[s : s + (1 << level)]) for level, s in cover(0, size))
    assert at_once.root() == naive.root(LEAVES[:size])


@given(st.integers(0, 2**40), st.integers(0, 2**20))
def test_tree_3_a_cover_is_the_shortest_tiling(start: int, length: int) -> None:
    """TREE-2, TREE-3: aligned, without gaps, and every tile as large as alignment and end allow."""
    at = start
    for level, first in cover(start, start + length):
        assert first == at
        assert first % (1 << level) == 0
        at += 1 << level
        assert first % (2 << level) or first + (2 << level) > start + length  # twice as large would not fit
    assert at == start + length


@given(st.data(), st.integers(0, 500), st.integers(0, 500))
def test_tree_4_the_root_follows_from_any_tiling(data: st.DataObject, start: int, length: int) -> None:
    """TREE-4: leaves and subtrees in any mixture lead from the frontier at s to the root at N."""
    frontier, _ = append(Frontier(), LEAVES[:start])
    while frontier.size < start + length:
        level = data.draw(st.sampled_from([tile[0] for tile in cover(frontier.size, start + length)[:1]] + [0]))
        frontier = frontier.add(level, naive.root(LEAVES[frontier.size : frontier.size + (1 << level)]))
    assert frontier.root() == naive.root(LEAVES[: start + length])


@given(st.integers(0, 5_000), st.integers(-1, 50))
def test_tree_2_a_tile_that_is_not_aligned_is_malformed(size: int, level: int) -> None:
    """TREE-2: a hostile tile is refused, whatever its level, and without work."""
    frontier = frontier_at(STORE.read, size)
    if 0 <= level <= 39 and size % (1 << level) == 0:
        assert frontier.add(level, LEAVES[0]).size == size + (1 << level)
        return
    if level == 40 and size == 0:
        assert frontier.add(level, LEAVES[0]).size == LEAVES_MAX
        return
    with pytest.raises(Malformed) as caught:
        frontier.add(level, LEAVES[0])
    assert caught.value.rule == "TREE-2"


def test_a_tree_ends_at_its_maximum() -> None:
    """cddl `index`: no leaf has an index of 2^40 or more, neither received nor our own."""
    last = Frontier(LEAVES_MAX - 1, tuple(LEAVES[:40]))
    assert last.add_leaf(LEAVES[0]).size == LEAVES_MAX
    with pytest.raises(Malformed):
        last.add_leaf(LEAVES[0]).add_leaf(LEAVES[0])
    with pytest.raises(LocalMisuse):
        append(last, LEAVES[:2])


@pytest.mark.parametrize("turn", [1, 7, 256, 999, 70_000])
def test_completed_subtrees_do_not_depend_on_the_turns(turn: int) -> None:
    """What is stored is the same however the leaves came."""
    size = 70_000 if turn == 70_000 else 3_000
    store, frontier = stored(LEAVES[:size], turn)
    assert {level: row[: size >> level] for level, row in STORE.levels.items() if size >> level} == store.levels
    assert frontier == frontier_at(STORE.read, size)


def test_completed_subtrees_are_those_of_levels_8_and_16() -> None:
    """Levels 8, 16, ...: each once, in order, with the hash of RFC 6962."""
    completed = completed_nodes(Frontier(), LEAVES)
    assert [(level, index) for level, index, _ in completed if level == 16] == [(16, 0)]
    assert [index for level, index, _ in completed if level == 8] == list(range(70_000 >> 8))
    assert {level for level, _, _ in completed} == {8, 16}
    assert completed[3] == (8, 3, naive.root(LEAVES[768:1024]))


@given(st.integers(0, 16), st.integers(0, 70_000))
def test_any_subtree_follows_from_the_stored_levels(level: int, leaf: int) -> None:
    """A complete subtree is computed from at most 128 hashes."""
    index = leaf >> level
    if (index + 1) << level > len(LEAVES):
        return
    before = STORE.read_hashes
    assert subtree_hash(STORE.read, level, index) == naive.root(LEAVES[index << level : (index + 1) << level])
    assert STORE.read_hashes - before <= 128


@given(st.integers(0, 70_000))
def test_the_frontier_of_any_size_is_read_back(size: int) -> None:
    """A station that restarts has the frontier that it had."""
    expected, _ = append(Frontier(), LEAVES[:size])
    assert frontier_at(STORE.read, size) == expected
    assert root_at(STORE.read, size) == expected.root()


def test_a_store_that_lacks_hashes_is_a_bug() -> None:
    """A wrong root is never computed from what happens to be there."""
    with pytest.raises(InternalFault):
        frontier_at(STORE.read, 70_001)
    with pytest.raises(InternalFault):
        subtree_hash(STORE.read, 8, 400)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=30).map(sorted))
def test_a_walker_gives_the_root_of_each_size(sizes: list[int]) -> None:
    """Any sizes that do not decrease, with and without jumps."""
    store, _ = stored(LEAVES[:3_000])
    walker = RootWalker(store.read, 3_000)
    assert [walker.root(size) for size in sizes] == [root_at(STORE.read, size) for size in sizes]


def test_a_walker_reads_each_leaf_hash_once() -> None:
    """Walking through a book of n entries reads n hashes, not n log n."""
    store, _ = stored(LEAVES[:5_000])
    walker = RootWalker(store.read, 5_000)
    for size in range(5_001):
        walker.frontier(size)
    assert store.read_hashes == 5_000


def test_a_walker_does_not_go_back_or_beyond() -> None:
    """A smaller size, or one beyond the tree, is our caller's mistake."""
    walker = RootWalker(STORE.read, 1_000)
    walker.root(500)
    with pytest.raises(LocalMisuse):
        walker.root(499)
    with pytest.raises(LocalMisuse):
        walker.root(1_001)


def test_a_range_that_is_none_is_refused() -> None:
    """TREE-3: a cover goes upward from 0 or above."""
    for start, stop in ((2, 1), (-1, 1)):
        with pytest.raises(LocalMisuse):
            cover(start, stop)
