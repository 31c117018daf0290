"""The Merkle tree of RFC 6962 (TREE-1 to TREE-4) as a frontier that grows, and as hashes read back from a store.

A subtree is named (level, index): it covers the 2^level leaves from index * 2^level on. The store keeps the hashes of
complete subtrees at every eighth level (0, 8, 16, ...), as the tiles of C2SP tlog-tiles do; the rest is computed.
`Read` gives them back: `read(level, start, stop)` is the list of the stored hashes with start <= index < stop.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from detente.crypto.hashing import sha256
from detente.errors import LocalMisuse, Malformed, invariant
from detente.limits import TREE_LEVELS_MAX

STORED_LEVELS_APART: Final = 8
BLOCK_LEAVES: Final = 256  # what a walker reads at a time: one tile
LEAVES_MAX: Final = 1 << TREE_LEVELS_MAX
EMPTY_ROOT: Final = sha256(b"")  # TREE-1

Read = Callable[[int, int, int], list[bytes]]
StoredNode = tuple[int, int, bytes]  # level 8, 16, ..., index, hash (32 octets)


def leaf_hash(leaf: bytes) -> bytes:
    """TREE-1: 32 octets."""
    return sha256(b"\x00" + leaf)


def node_hash(left: bytes, right: bytes) -> bytes:
    """TREE-1: 32 octets."""
    return sha256(b"\x01" + left + right)


class Frontier(NamedTuple):
    """A tree of `size` leaves as the hashes of the cover of [0, size), largest subtree first (TREE-3). A value."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def add(self, level: int, subtree: bytes) -> "Frontier":
        """The frontier after one more tile of 2^level leaves (TREE-4).

        Raises Malformed if the tile is not aligned to its level, or the tree would pass 2^40 leaves (TREE-2).
        """
        size = self.size
        leaves = 1 << level if 0 <= level <= TREE_LEVELS_MAX else LEAVES_MAX + 1
        if size & (leaves - 1) or size + leaves > LEAVES_MAX:
            raise Malformed(f"a subtree of level {level} cannot start at leaf {size}", rule="TREE-2")
        stack = list(self.hashes)
        merges = size >> level
        while merges & 1:  # the left neighbour has this level and starts at an even multiple
            subtree = node_hash(stack.pop(), subtree)
            merges >>= 1
        stack.append(subtree)
        return Frontier(size + leaves, tuple(stack))

    def add_leaf(self, leaf: bytes) -> "Frontier":
        """The frontier after one more leaf hash."""
        return self.add(0, leaf)

    def root(self) -> bytes:
        """TREE-4: the fold from the right. 32 octets."""
        return fold(self.hashes)


def append(frontier: Frontier, leaf_hashes: Iterable[bytes]) -> tuple[Frontier, list[StoredNode]]:
    """The frontier after many leaf hashes, and the subtrees that they completed at levels 8, 16, ... (to be stored)."""
    size, stack = frontier.size, list(frontier.hashes)
    completed: list[StoredNode] = []
    for leaf in leaf_hashes:
        subtree, level, merges = leaf, 0, size
        while merges & 1:
            subtree = node_hash(stack.pop(), subtree)
            merges >>= 1
            level += 1
            if level % STORED_LEVELS_APART == 0:
                completed.append((level, size >> level, subtree))
        stack.append(subtree)
        size += 1
    if size > LEAVES_MAX:
        raise LocalMisuse("the tree is full; open the next book", rule="TREE-2")
    return Frontier(size, tuple(stack)), completed


def completed_nodes(frontier: Frontier, leaf_hashes: Iterable[bytes]) -> list[StoredNode]:
    """The second half of what `append` gives."""
    return append(frontier, leaf_hashes)[1]


def fold(hashes: tuple[bytes, ...] | list[bytes]) -> bytes:
    """The root over the hashes of a cover, largest subtree first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def cover(start: int, stop: int) -> list[tuple[int, int]]:
    """TREE-3: the shortest tiling of [start, stop) as (level, first leaf), empty if start = stop."""
    if not 0 <= start <= stop:
        raise LocalMisuse(f"[{start}, {stop}) is not a range of leaves", rule="TREE-3")
    tiles = []
    while start < stop:
        level = (stop - start).bit_length() - 1  # the largest that ends at or below stop
        if start:
            level = min(level, (start & -start).bit_length() - 1)  # and is aligned
        tiles.append((level, start))
        start += 1 << level
    return tiles


def subtree_hash(read: Read, level: int, index: int) -> bytes:
    """The hash of the complete subtree (level, index), from the stored level at or below. Reads at most 128 hashes."""
    above = level % STORED_LEVELS_APART
    hashes = _read(read, level - above, index << above, (index + 1) << above)
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def range_root(read: Read, start: int, stop: int) -> bytes:
    """The root over the leaves [start, stop) as a tree of their own; start is 0 or aligned as RFC 6962 splits do."""
    return fold([subtree_hash(read, level, first >> level) for level, first in cover(start, stop)])


def frontier_at(read: Read, size: int) -> Frontier:
    """The frontier of the first `size` leaves."""
    return Frontier(size, tuple(subtree_hash(read, level, first >> level) for level, first in cover(0, size)))


def root_at(read: Read, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return frontier_at(read, size).root()


class RootWalker:
    """The roots of one tree at sizes that do not decrease, for walking through a long book.

    Leaf hashes are read once each, a block of 256 at a time; a jump over a whole block reads the frontier instead. Each
    root costs one fold of the frontier besides.
    """

    def __init__(self, read: Read, size: int) -> None:
        """`size` is the number of leaves that `read` holds; nothing beyond it is asked for."""
        self._read = read
        self._size = size
        self._frontier = Frontier()
        self._block: list[bytes] = []
        self._block_start = 0

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves. Raises LocalMisuse for a size below the last, or beyond the tree."""
        return self.frontier(size).root()

    def frontier(self, size: int) -> Frontier:
        """The frontier of the first `size` leaves. Raises as `root`."""
        if not self._frontier.size <= size <= self._size:
            raise LocalMisuse(f"a walker at {self._frontier.size} of {self._size} leaves cannot go to {size}")
        if size - self._frontier.size > BLOCK_LEAVES:
            self._frontier = frontier_at(self._read, size)
        while self._frontier.size < size:
            self._step(size)
        return self._frontier

    def _step(self, size: int) -> None:
        """Go on to `size` or to the end of the present block."""
        at = self._frontier.size
        if at >= self._block_start + len(self._block):
            self._block_start = at - at % BLOCK_LEAVES
            self._block = _read(self._read, 0, self._block_start, min(self._block_start + BLOCK_LEAVES, self._size))
        leaves = self._block[at - self._block_start : size - self._block_start]
        self._frontier, _ = append(self._frontier, leaves)


def _read(read: Read, level: int, start: int, stop: int) -> list[bytes]:
    hashes = read(level, start, stop)
    invariant(len(hashes) == stop - start, f"{len(hashes)} hashes of level {level} stand for [{start}, {stop})")
    return hashes
