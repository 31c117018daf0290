"""The Merkle tree and its tilings as in spec/2-tree.md (TREE-1 to TREE-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference.encoding import sha256
from tests.reference.refusal import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAF_LIMIT = 2**40  # TREE-2
Subtree = tuple[int, bytes]  # level and hash


def leaf_hash(leaf: bytes) -> bytes:
    """Hash a leaf (TREE-1)."""
    return sha256(b"\x00" + leaf)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours (TREE-1)."""
    return sha256(b"\x01" + left + right)


def cover(start: int, stop: int) -> list[tuple[int, int]]:
    """Return the cover of [start, stop) as levels and first leaves (TREE-3)."""
    tiles: list[tuple[int, int]] = []
    while start < stop:
        level = 0
        while start % (2 << level) == 0 and start + (2 << level) <= stop:
            level += 1
        tiles.append((level, start))
        start += 1 << level
    return tiles


class Fold:
    """The procedure of TREE-4: a stack of subtree hashes that covers the leaves from 0 to `size`."""

    def __init__(self, start: int = 0, frontier: Sequence[bytes] = ()) -> None:
        """Begin at `start` with the hashes of its frontier."""
        tiles = cover(0, start)
        require(len(tiles) == len(frontier), "TREE-3", "the frontier is not that of its size")
        self.size = start
        self.stack: list[Subtree] = [(level, hashed) for (level, _), hashed in zip(tiles, frontier, strict=True)]

    def add(self, level: int, hashed: bytes) -> None:
        """Add the next tile."""
        require(0 <= level <= 40, "TREE-2", "a level above 40")
        require(self.size % (1 << level) == 0, "TREE-2", f"a tile of level {level} at {self.size} is not aligned")
        require(self.size + (1 << level) <= LEAF_LIMIT, "TREE-2", "more than 2^40 leaves")
        self.stack.append((level, hashed))
        self.size += 1 << level
        # Two neighbours of one level merge. As every tile is aligned and the stack begins at leaf 0, the left one of
        # two equal neighbours at the end of the stack always starts at an even multiple.
        while len(self.stack) >= 2 and self.stack[-1][0] == self.stack[-2][0]:
            (merged, left), (_, right) = self.stack[-2:]
            self.stack[-2:] = [(merged + 1, node_hash(left, right))]

    def root(self) -> bytes:
        """Return the root at the boundary reached so far."""
        if not self.stack:
            return sha256(b"")
        hashes = [hashed for _, hashed in self.stack]
        folded = hashes.pop()
        while hashes:
            folded = node_hash(hashes.pop(), folded)
        return folded

    def frontier(self) -> list[bytes]:
        """Return the hashes of the frontier at the boundary reached so far."""
        return [hashed for _, hashed in self.stack]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaves."""
    fold = Fold()
    for leaf in leaves:
        fold.add(0, leaf_hash(leaf))
    return fold.root()


def boundaries(start: int, frontier: Sequence[bytes], tiles: Iterable[Subtree]) -> list[tuple[int, bytes]]:
    """Return the size and root behind each tile."""
    fold = Fold(start, frontier)
    found: list[tuple[int, bytes]] = []
    for level, hashed in tiles:
        fold.add(level, hashed)
        found.append((fold.size, fold.root()))
    return found
