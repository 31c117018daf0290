"""Inclusion and consistency proofs (RFC 6962, 2.1.1 and 2.1.2), made from stored hashes and verified from nothing.

Proofs are lists of hashes of 32 octets from the leaf upward. A verifier answers yes or no.
"""

from collections.abc import Sequence

from detente.errors import LocalMisuse
from detente.tlog.tree import Read, node_hash, range_root


def inclusion_proof(read: Read, index: int, size: int) -> list[bytes]:
    """The proof that the leaf `index` is in the tree of the first `size` leaves. Raises LocalMisuse."""
    if not 0 <= index < size:
        raise LocalMisuse(f"entry {index} is not in a tree of size {size}; ask for a size above it")
    proof = []
    start, stop = 0, size
    while stop - start > 1:
        middle = _split(start, stop)
        if index < middle:
            proof.append(range_root(read, middle, stop))
            stop = middle
        else:
            proof.append(range_root(read, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(read: Read, old_size: int, new_size: int) -> list[bytes]:
    """The proof that the tree of `old_size` is the beginning of that of `new_size`. Raises LocalMisuse."""
    if not 0 < old_size <= new_size:
        raise LocalMisuse(f"there is no proof from size {old_size} to {new_size}; sizes go upward from 1")
    proof = []
    start, stop = 0, new_size
    while stop != old_size:
        middle = _split(start, stop)
        if old_size <= middle:
            proof.append(range_root(read, middle, stop))
            stop = middle
        else:
            proof.append(range_root(read, start, middle))
            start = middle
    if start:  # else the old tree is itself a node of the new one, and the verifier has its root
        proof.append(range_root(read, start, stop))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the leaf hash `leaf` is at `index` in the tree of `size` leaves with this root."""
    return 0 <= index < size and verify_subtree(index, index + 1, size, leaf, root, proof)


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `old_size` with its root is the beginning of that of `new_size` with its root.

    An empty old tree proves nothing: the answer is no.
    """
    return verify_subtree(0, old_size, new_size, old_root, new_root, proof)


def verify_subtree(start: int, stop: int, size: int, subtree: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `subtree` is the hash of the leaves [start, stop) of the tree of `size` leaves with this root.

    start is a multiple of the least power of two that is at least stop - start. With one leaf this is inclusion, with
    start 0 consistency; the walk from the right edge of [start, stop) to the root is the same (RFC 9162, 2.1.4.2).
    """
    if not 0 <= start < stop <= size or start & ((1 << (stop - start - 1).bit_length()) - 1):
        return False
    if any(len(part) != 32 for part in (subtree, root, *proof)):
        return False
    # Positions, at the level reached so far, of the first and last node of the subtree and of the last of the tree.
    first, last, end = start, stop - 1, size - 1
    while first != last and (last & 1 or last == end):  # climb while the right edge is a complete node
        first, last, end = first >> 1, last >> 1, end >> 1
    rest = list(proof)
    if first == last:
        old = new = subtree
    elif rest:
        old = new = rest.pop(0)
    else:
        return False
    for sibling in rest:
        if end == 0:
            return False
        if last & 1 or last == end:
            if first < last:  # the sibling is inside the subtree
                old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not last & 1:  # nodes without a right neighbour are handed up as they are
                first, last, end = first >> 1, last >> 1, end >> 1
        else:
            new = node_hash(new, sibling)
        first, last, end = first >> 1, last >> 1, end >> 1
    return end == 0 and old == subtree and new == root


def _split(start: int, stop: int) -> int:
    """Where RFC 6962 splits [start, stop): after the largest power of two below its length."""
    return start + (1 << ((stop - start - 1).bit_length() - 1))
