"""The tree of RFC 6962, 2.1 written down word for word: slow, recursive, and independent of `detente.tlog`."""

import hashlib


def root(leaves: list[bytes]) -> bytes:
    """MTH over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), root(leaves[k:])]
    return [*path(m - k, leaves[k:]), root(leaves[:k])]


def proof(m: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """PROOF(m, D[n]) of RFC 6962, 2.1.2."""
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole=whole), root(leaves[k:])]
    return [*proof(m - k, leaves[k:], whole=False), root(leaves[:k])]


def split(size: int) -> int:
    """The largest power of two below `size`."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def leaf(number: int) -> bytes:
    """A leaf hash that stands for leaf `number`."""
    return hashlib.sha256(b"\x00" + number.to_bytes(8)).digest()


class Store:
    """Keeps what a store keeps: the complete subtrees of every eighth level. Counts what is read."""

    def __init__(self) -> None:
        self.levels: dict[int, list[bytes]] = {}
        self.read_hashes = 0

    def put(self, level: int, index: int, value: bytes) -> None:
        """Add the next subtree of a level."""
        row = self.levels.setdefault(level, [])
        if index != len(row):
            raise ValueError(f"subtree {index} of level {level} comes after {len(row)}")
        row.append(value)

    def read(self, level: int, start: int, stop: int) -> list[bytes]:
        """What `detente.tlog.tree.Read` promises."""
        found = self.levels.get(level, [])[start:stop]
        self.read_hashes += len(found)
        return found
