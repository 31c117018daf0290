"""What frames prove, as in spec/6-frames.md: entries (FRAME-3, FRAME-4), forks (FORK-1), and the answer to WANT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.reference.books import Entry, Head
from tests.reference.checkpoints import Checkpoint
from tests.reference.encoding import Encodable, encode
from tests.reference.frames import ENTRIES, MAXIMUM_FRAME, Fork, Item
from tests.reference.keys import VerifierKey, ed25519_verifies
from tests.reference.refusal import Refusal, require
from tests.reference.tree import Fold, cover

if TYPE_CHECKING:
    from tests.reference.charter import Charter, Station

ViewOf = Callable[[Head], bytes | None]  # the view that a reader computes, or None where it cannot


class ViewUnknown(Exception):
    """A view was left away, and the receiver cannot compute it (FRAME-5)."""


@dataclass(frozen=True)
class Proved:
    """What one ENTRIES frame proves: a head, the entries in it by index, and the roots at its boundaries."""

    head: Checkpoint
    entries: dict[int, Entry]
    boundaries: dict[int, bytes]


def with_view(entry: Entry, view_of: ViewOf) -> Entry:
    """Fill in a view that was left away (FRAME-3)."""
    if entry.head.view is not None:
        return entry
    view = view_of(entry.head)
    if view is None:
        raise ViewUnknown
    return Entry(replace(entry.head, view=view), entry.body)


def prove_entries(key: VerifierKey, fold: Fold, items: Sequence[Item], signature: bytes, view_of: ViewOf) -> Proved:
    """Add the items to the receiver's own fold at `start` and verify the owner's signature (FRAME-4)."""
    entries: dict[int, Entry] = {}
    boundaries = {fold.size: fold.root()}
    for item in items:
        if isinstance(item, Entry):
            entries[fold.size] = with_view(item, view_of)
            fold.add(0, entries[fold.size].leaf_hash())
        else:
            fold.add(*item)
        boundaries[fold.size] = fold.root()
    head = Checkpoint(key.name, fold.size, fold.root())
    require(0 < head.size < 2**40, "FRAME-4", "an owner signs only sizes above zero and below 2^40")
    require(ed25519_verifies(key.public, signature, head.text()), "FRAME-4", "the signature does not verify")
    return Proved(head, entries, boundaries)


def check_fork(frame: Fork, key: VerifierKey) -> None:
    """Refuse a FORK that is no proof (FORK-1)."""
    fold = Fold()
    at_a = None
    for level, hashed in frame.items:
        fold.add(level, hashed)
        if fold.size == frame.size_a:
            at_a = fold.root()
    if at_a is None:
        raise Refusal("FORK-1", "the tiling has no boundary at size A")
    require(at_a != frame.root_a, "FORK-1", "the two heads are consistent")
    require(fold.size < 2**40, "FORK-1", "a head of 2^40 leaves")
    head_a, head_b = Checkpoint(key.name, frame.size_a, frame.root_a), Checkpoint(key.name, fold.size, fold.root())
    require(ed25519_verifies(key.public, frame.signature_a, head_a.text()), "FORK-1", "signature A does not verify")
    require(ed25519_verifies(key.public, frame.signature_b, head_b.text()), "FORK-1", "signature B does not verify")


def cosigner_of_number(charter: Charter, number: int) -> tuple[int, Station] | None:
    """Return place of the party and the station of a cosigner's number in frames, or None."""
    party_place, station_place = number % 16, number // 16
    if party_place >= len(charter.parties) or station_place >= len(charter.parties[party_place].stations):
        return None
    return party_place, charter.parties[party_place].stations[station_place]


def answer_whole(
    handle: int, book: int, start: int, entries: Mapping[int, Entry], leaves: Sequence[bytes], signature: bytes
) -> bytes:
    """Write the answer to WANT, `whole` true (FRAME-5): cover, entries as many as fit, and the cover of the rest."""

    def tiles(low: int, high: int) -> list[Encodable]:
        return [[level, subtree_hash(leaves, level, first)] for level, first in cover(low, high)]

    size = len(leaves)
    for stop in range(size, start - 1, -1):
        shown: list[Encodable] = [[*entries[n].head.fields(), entries[n].body] for n in range(start, stop)]
        items = tiles(0, start) + shown + tiles(stop, size)
        frame = encode([ENTRIES, handle, book, 0, signature, items])
        if len(frame) <= MAXIMUM_FRAME:
            return frame
    raise Refusal("FRAME-1", "a frame that cannot be written")


def subtree_hash(leaves: Sequence[bytes], level: int, first: int) -> bytes:
    """Hash one subtree."""
    fold = Fold()
    for leaf in leaves[first : first + (1 << level)]:
        fold.add(0, leaf)
    return fold.root()
