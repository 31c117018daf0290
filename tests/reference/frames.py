"""The frames of spec/6-frames.md as octets: their shapes (FRAME-1) and their lengths on a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tests.reference import shape
from tests.reference.books import Entry, read_entry
from tests.reference.encoding import Value, decode
from tests.reference.refusal import Refusal, require
from tests.reference.tree import Subtree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RULE = "FRAME-1"
MAXIMUM_FRAME = 65_536
HELLO, NOTE, ENTRIES, RECEIPT, CHUNK, WANT, FORK = range(7)
SIZE_LIMIT = 2**40 - 1
TIMESTAMP_LIMIT = 2**63 - 1
LENGTH_LIMITS = ((1, 0x3F), (2, 0x3FFF), (4, 0x3FFF_FFFF), (8, 0x3FFF_FFFF_FFFF_FFFF))  # RFC 9000, 16
Item: TypeAlias = Entry | Subtree


@dataclass(frozen=True)
class Hello:
    """HELLO."""

    handle: int
    channel: str
    number: int
    digest: bytes
    books: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class NoteFrame:
    """NOTE."""

    handle: int
    note: bytes


@dataclass(frozen=True)
class Entries:
    """ENTRIES."""

    handle: int
    book: int
    start: int
    signature: bytes
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Receipt:
    """RECEIPT."""

    handle: int
    book: int
    size: int
    cosigner: int
    timestamp: int
    signature: bytes


@dataclass(frozen=True)
class Want:
    """WANT."""

    handle: int
    book: int
    start: int
    whole: bool


@dataclass(frozen=True)
class Fork:
    """FORK."""

    handle: int
    book: int
    size_a: int
    root_a: bytes
    signature_a: bytes
    signature_b: bytes
    items: tuple[Subtree, ...]


Frame: TypeAlias = Hello | NoteFrame | Entries | Receipt | Want | Fork


def read_frame(octets: bytes) -> Frame:
    """Read a frame, or refuse it as malformed (FRAME-1)."""
    require(1 <= len(octets) <= MAXIMUM_FRAME, RULE, "a frame has 1 to 65,536 octets")
    try:
        fields = shape.array(decode(octets), 1, None, RULE, "a frame")
    except Refusal as refusal:
        raise Refusal(RULE, f"a frame that does not decode: {refusal}") from refusal
    kind = shape.integer(fields[0], 0, 6, RULE, "the kind of a frame")
    require(kind in READERS, RULE, "CHUNK is unknown so far")
    size, reader = READERS[kind]
    require(len(fields) == size, RULE, "a frame with a wrong number of fields")
    return reader(fields)


def _handle(value: Value) -> int:
    """Read a handle."""
    return shape.integer(value, 0, 65_535, RULE, "a handle")


def _book(value: Value) -> int:
    """Read the number of a book."""
    return shape.integer(value, 0, 1_023, RULE, "a book")


def _signature(value: Value) -> bytes:
    """Read an Ed25519 signature."""
    return shape.octets(value, 64, 64, RULE, "a signature")


def _hello(fields: Sequence[Value]) -> Hello:
    """Read HELLO."""
    _, handle, channel, protocol, number, digest, books = fields
    shape.integer(protocol, 1, 1, RULE, "protocol")
    return Hello(
        _handle(handle),
        shape.origin(channel, RULE, "channel"),
        shape.integer(number, 1, 65_535, RULE, "the number of a charter"),
        shape.digest(digest, RULE, "the digest of a charter"),
        tuple(_hello_book(book) for book in shape.array(books, 0, 1_024, RULE, "books")),
    )


def _hello_book(value: Value) -> tuple[int, int, int]:
    """Read `[book, durable size, head size]`."""
    book, durable, head = shape.tuple_of(value, 3, RULE, "a book of HELLO")
    return _book(book), shape.count(durable, RULE, "a durable size"), shape.count(head, RULE, "a head size")


def _note(fields: Sequence[Value]) -> NoteFrame:
    """Read NOTE."""
    return NoteFrame(_handle(fields[1]), shape.octets(fields[2], 1, 65_000, RULE, "a note"))


def _entries(fields: Sequence[Value]) -> Entries:
    """Read ENTRIES."""
    _, handle, book, start, signature, items = fields
    return Entries(
        _handle(handle),
        _book(book),
        shape.count(start, RULE, "start"),
        _signature(signature),
        tuple(_entries_item(item) for item in shape.array(items, 0, None, RULE, "items")),
    )


def _entries_item(value: Value) -> Item:
    """Read an item of ENTRIES; an entry that does not fit is a breach of BOOK-11."""
    fields = shape.array(value, 2, 7, RULE, "an item")
    return read_item(value, "BOOK-11" if len(fields) == 7 else RULE, may_leave_view=True)


def read_item(value: Value, rule: str, may_leave_view: bool) -> Item:
    """Read an entry or a subtree hash; the number of fields tells which (FRAME-3)."""
    fields = shape.array(value, 2, 7, rule, "an item")
    if len(fields) == 7:
        return read_entry(fields, rule, may_leave_view)
    return read_subtree(fields, rule)


def read_subtree(value: Value, rule: str) -> Subtree:
    """Read `[level, hash]`."""
    level, hashed = shape.tuple_of(value, 2, rule, "a subtree hash")
    return shape.integer(level, 0, 40, rule, "a level"), shape.digest(hashed, rule, "a hash")


def _receipt(fields: Sequence[Value]) -> Receipt:
    """Read RECEIPT."""
    _, handle, book, size, cosigner, timestamp, signature = fields
    octets = shape.octets(signature, 64, 2_420, RULE, "a signature")
    require(len(octets) in (64, 2_420), RULE, "a signature of 64 or 2,420 octets")
    return Receipt(
        _handle(handle),
        _book(book),
        shape.integer(size, 1, SIZE_LIMIT, RULE, "size"),
        shape.integer(cosigner, 0, 127, RULE, "a cosigner"),
        shape.integer(timestamp, 0, TIMESTAMP_LIMIT, RULE, "a timestamp"),
        octets,
    )


def _want(fields: Sequence[Value]) -> Want:
    """Read WANT."""
    _, handle, book, start, whole = fields
    return Want(_handle(handle), _book(book), shape.count(start, RULE, "from"), shape.boolean(whole, RULE, "whole"))


def _fork(fields: Sequence[Value]) -> Fork:
    """Read FORK."""
    _, handle, book, size_a, root_a, signature_a, signature_b, items = fields
    return Fork(
        _handle(handle),
        _book(book),
        shape.integer(size_a, 1, SIZE_LIMIT, RULE, "size A"),
        shape.digest(root_a, RULE, "root A"),
        _signature(signature_a),
        _signature(signature_b),
        tuple(read_subtree(item, RULE) for item in shape.array(items, 0, None, RULE, "items")),
    )


READERS: dict[int, tuple[int, Callable[[Sequence[Value]], Frame]]] = {
    HELLO: (7, _hello),
    NOTE: (3, _note),
    ENTRIES: (6, _entries),
    RECEIPT: (7, _receipt),
    WANT: (5, _want),
    FORK: (8, _fork),
}


def write_length(length: int) -> bytes:
    """Write the length that precedes a frame on a stream (RFC 9000, 16)."""
    for place, (width, limit) in enumerate(LENGTH_LIMITS):
        if length <= limit:
            return (length | place << (8 * width - 2)).to_bytes(width, "big")
    raise Refusal(RULE, "a length of more than 62 bits")


def read_length(stream: bytes) -> tuple[int, int] | None:
    """Read the length at the beginning of a stream and say how many octets it has; None if it is not whole yet."""
    if not stream:
        return None
    place = stream[0] >> 6
    width = LENGTH_LIMITS[place][0]
    if len(stream) < width:
        return None
    length = int.from_bytes(stream[:width], "big") & LENGTH_LIMITS[place][1]
    require(write_length(length) == stream[:width], RULE, "a length that is not in its shortest form")
    require(1 <= length <= MAXIMUM_FRAME, RULE, "a length of zero, or too large")
    return length, width


def read_stream(stream: bytes) -> tuple[list[bytes], bytes]:
    """Cut a stream into the frames that have arrived whole, and the rest."""
    frames: list[bytes] = []
    while (head := read_length(stream)) is not None:
        length, width = head
        if len(stream) < width + length:
            break
        frames.append(stream[width : width + length])
        stream = stream[width + length :]
    return frames, stream


def book_number(place: int, book: int) -> int:
    """Return the number that a book has in frames."""
    return 16 * (book - 1) + place


def book_of_number(number: int) -> tuple[int, int]:
    """Return place of the party and number within it."""
    return number % 16, number // 16 + 1


def cosigner_number(party_place: int, station_place: int) -> int:
    """Return the number that a cosigner has in frames."""
    return 16 * station_place + party_place
