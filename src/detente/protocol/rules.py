"""The rules of a single entry in its book: BOOK-3, BOOK-4, BOOK-7, BOOK-8, BOOK-9. (BOOK-10 is checked in `ledger.py`.)

Called by the station for entries of others and by the offline verifier for all: one truth for both. An entry that breaks
a rule is held and shown all the same (BOOK-12); what is returned here is the mark.
"""

from collections.abc import Iterator
from typing import Protocol

from detente.formats.charter import Charter
from detente.formats.entry import Kind, Leaf, Seen
from detente.ids import Origin, split_origin

KNOWN_KINDS = frozenset(Kind)


class _Book(Protocol):
    origin: Origin
    closed: bool


class _Entry(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def leaf(self) -> Leaf: ...


def broken_rules(book: _Book, entry: _Entry, before: Seen, charter: Charter) -> Iterator[tuple[str, str]]:
    """(rule, text) for each rule that an entry breaks. `before` is the `seen` of the entry before it."""
    leaf = entry.leaf
    if leaf.kind not in KNOWN_KINDS:
        yield "BOOK-3", f"kind {leaf.kind} is unknown"
    if (leaf.kind == Kind.OPENING) != (entry.index == 0):
        yield "BOOK-4", "the opening is entry 0 and only entry 0"
    if book.closed:
        yield "BOOK-4", "it follows a closing"
    if leaf.kind != Kind.SEALED and leaf.epoch:
        yield "BOOK-7", "an entry that is not sealed names an epoch"
    if leaf.kind == Kind.SEALED and not 0 < leaf.epoch < entry.index:
        yield "BOOK-7", f"epoch {leaf.epoch} is not an earlier entry"
    if len(leaf.seen) != len(charter.parties):
        yield "BOOK-8", f"seen has {len(leaf.seen)} slots, the charter {len(charter.parties)} parties"
    else:
        _, party, number = split_origin(book.origin)
        if all(one.id != party for one in charter.parties):
            yield "BOOK-1", "the charter that governs it does not name its party"
        elif count_in(leaf.seen, charter.place(party), number):
            yield "BOOK-8", "it counts its own book"
    if decreases(before, leaf.seen):
        yield "BOOK-9", "a count of seen went down"


def count_in(seen: Seen, place: int, number: int) -> int:
    """The count for one book, 0 if it has none."""
    if place >= len(seen):
        return 0
    slot = seen[place]
    counts = (slot,) if isinstance(slot, int) else slot
    return counts[number - 1] if number <= len(counts) else 0


def decreases(before: Seen, after: Seen) -> bool:
    """BOOK-9: whether any count is lower than it was."""
    if before == after:
        return False
    for place, slot in enumerate(before):
        for number, count in enumerate((slot,) if isinstance(slot, int) else slot, start=1):
            if count_in(after, place, number) < count:
                return True
    return False
