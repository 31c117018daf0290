"""Leaves, entries, `seen` and `view` as in spec/4-books.md (BOOK-1, BOOK-2, BOOK-8 to BOOK-11)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.reference import shape
from tests.reference.encoding import Encodable, Value, decode, encode, sha256
from tests.reference.refusal import Refusal, require
from tests.reference.tree import leaf_hash

OPENING, KEYS, SEALED, OPEN, ADOPT, ERASED, CLOSING = range(7)  # BOOK-3
HIGHEST_KIND = 23
MAXIMUM_BODY = 16_384  # BOOK-2
ORIGIN = re.compile(r"(.+/.+)/([a-z][a-z0-9-]{0,23})/([1-9][0-9]?)")
Seen = tuple[tuple[int, ...], ...]  # for each place, the counts of books 1, 2, ...
Roots = Callable[[int, int, int], bytes | None]  # place, book, count: the root there, where it is known


@dataclass(frozen=True)
class Head:
    """The fields of a leaf but for the body: what `h` is in spec/5-sealing.md."""

    kind: int
    at: int
    precedence: int
    epoch: int
    seen: Seen
    view: bytes | None

    def fields(self) -> list[Encodable]:
        """Return them as they stand in a leaf."""
        return [self.kind, self.at, self.precedence, self.epoch, write_seen(self.seen), self.view]


@dataclass(frozen=True)
class Entry:
    """An entry with its body."""

    head: Head
    body: bytes

    def leaf(self) -> bytes:
        """Write the leaf (BOOK-2)."""
        require(self.head.view is not None, "BOOK-2", "a leaf states its view")
        return encode([*self.head.fields(), len(self.body), sha256(self.body)])

    def leaf_hash(self) -> bytes:
        """Hash the leaf (TREE-1)."""
        return leaf_hash(self.leaf())


def write_seen(seen: Seen) -> list[Encodable]:
    """Return `seen` as it stands in a leaf: a slot of one book is an integer (BOOK-8)."""
    return [slot[0] if len(slot) == 1 else list(slot) for slot in seen]


def read_seen(value: Value, rule: str) -> Seen:
    """Read `seen` (the CDDL's shape; what it must say is BOOK-8)."""
    return tuple(_read_slot(slot, rule) for slot in shape.array(value, 2, 16, rule, "seen"))


def _read_slot(value: Value, rule: str) -> tuple[int, ...]:
    """Read one slot."""
    if isinstance(value, list):
        counts = shape.array(value, 2, 64, rule, "a slot of seen")
        return tuple(shape.count(count, rule, "a count of seen") for count in counts)
    return (shape.count(value, rule, "a slot of seen"),)


def read_head(fields: Sequence[Value], rule: str, may_leave_view: bool) -> Head:
    """Read the first six fields of a leaf or of an entry of a frame."""
    kind, at, precedence, epoch, seen, view = fields
    return Head(
        kind=shape.integer(kind, 0, HIGHEST_KIND, rule, "kind"),
        at=shape.integer(at, 0, shape.MILLISECONDS_LIMIT, rule, "at"),
        precedence=shape.integer(precedence, 0, 3, rule, "precedence"),
        epoch=shape.count(epoch, rule, "epoch"),
        seen=read_seen(seen, rule),
        view=None if view is None and may_leave_view else shape.digest(view, rule, "view"),
    )


def read_leaf(octets: bytes) -> tuple[Head, int, bytes]:
    """Read a leaf: its head, and the size and hash of its body (BOOK-2, BOOK-11)."""
    fields = shape.tuple_of(decode(octets), 8, "BOOK-11", "a leaf")
    head = read_head(fields[:6], "BOOK-11", may_leave_view=False)
    size = shape.integer(fields[6], 1, MAXIMUM_BODY, "BOOK-11", "body_size")
    return head, size, shape.digest(fields[7], "BOOK-11", "body_hash")


def check_body(head_size: int, head_hash: bytes, body: bytes) -> None:
    """Refuse a body that is not the one of its leaf (BOOK-2)."""
    require(len(body) == head_size and sha256(body) == head_hash, "BOOK-2", "the body is not that of the leaf")


def read_entry(fields: Sequence[Value], rule: str, may_leave_view: bool) -> Entry:
    """Read `[kind, at, precedence, epoch, seen, view, body]`."""
    body = shape.octets(fields[6], 1, MAXIMUM_BODY, rule, "a body")
    return Entry(read_head(fields[:6], rule, may_leave_view), body)


def make_origin(channel: str, party: str, book: int) -> str:
    """Write a book's origin (BOOK-1)."""
    return f"{channel}/{party}/{book}"


def split_origin(origin: str) -> tuple[str, str, int]:
    """Return channel, party and number of an origin (BOOK-1)."""
    match = ORIGIN.fullmatch(origin)
    if match is None or not 1 <= int(match[3]) <= 64:
        raise Refusal("BOOK-1", "not the origin of a book")
    return match[1], match[2], int(match[3])


def count_of(seen: Seen, place: int, book: int) -> int:
    """Return the count of a book; one that is not there is 0 (BOOK-9)."""
    if place >= len(seen) or book > len(seen[place]):
        return 0
    return seen[place][book - 1]


def counted(seen: Seen) -> Iterator[tuple[int, int, int]]:
    """List place, book and count of all books with a count above 0, in the order of `seen` (BOOK-10)."""
    for place, slot in enumerate(seen):
        for book, count in enumerate(slot, start=1):
            if count > 0:
                yield place, book, count


def view_hash(listed: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Hash origins, counts and roots (BOOK-10)."""
    return sha256(encode(["detente/1 view", [[origin, count, root] for origin, count, root in listed]]))


def computed_view(seen: Seen, channel: str, parties: Sequence[str], roots: Roots) -> bytes | None:
    """Compute the view of a `seen`; None where a root is not known, or a slot has no party yet (BOOK-10)."""
    if len(seen) > len(parties):
        return None
    listed: list[tuple[str, int, bytes]] = []
    for place, book, count in counted(seen):
        root = roots(place, book, count)
        if root is None:
            return None
        listed.append((make_origin(channel, parties[place], book), count, root))
    return view_hash(listed)


def decreased(before: Seen, after: Seen) -> list[tuple[int, int]]:
    """List the places and books whose count decreases (BOOK-9)."""
    return [(place, book) for place, book, count in counted(before) if count_of(after, place, book) < count]
