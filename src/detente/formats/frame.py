"""What two stations say to each other: the frames of spec/6, one CBOR array each, and their framing on a stream.

It keeps: a frame fits its shape in every part or is refused (FRAME-1); a stream never makes us keep more than one
frame. Whether items tile anything, and whether a signature verifies, is not asked here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import decode_untyped, encode_untyped
from detente.formats.entry import DIGEST_OCTETS, NUMBER_MAX, Seen, check_leaf_fields
from detente.formats.shapes import (
    check_array,
    check_digest,
    check_octets,
    check_octets_within,
    check_text,
    check_unsigned,
)
from detente.limits import (
    BODY_OCTETS_MAX,
    BOOKS_PER_PARTY_MAX,
    FRAME_OCTETS_MAX,
    INDEX_MAX,
    PARTIES_MAX,
    STATIONS_PER_PARTY_MAX,
    TREE_LEVELS_MAX,
)

HELLO, NOTE, ENTRIES, RECEIPT, CHUNK, WANT, FORK = range(7)  # CHUNK is reserved: nothing has its shape yet
PROTOCOL: Final = 1
HANDLE_MAX: Final = 65_535
COUNT_MAX: Final = INDEX_MAX - 1
BOOK_CODE_MAX: Final = PARTIES_MAX * BOOKS_PER_PARTY_MAX - 1
COSIGNER_CODE_MAX: Final = PARTIES_MAX * STATIONS_PER_PARTY_MAX - 1
HELLO_BOOKS_MAX: Final = BOOK_CODE_MAX + 1
NOTE_IN_FRAME_OCTETS_MAX: Final = 65_000
TIMESTAMP_S_MAX: Final = 2**63 - 1
ORIGIN_OCTETS_MAX: Final = 255
ED25519_SIGNATURE_OCTETS: Final = 64
MLDSA44_SIGNATURE_OCTETS: Final = 2_420

_RULE = "FRAME-1"


class BookState(NamedTuple):
    """One book in HELLO: its number in frames, how many entries are durable, the size of the largest verified head."""

    book: int
    durable: int
    head: int


class EntryItem(NamedTuple):
    """FRAME-3: a leaf's fields and the body (its size and hash follow). `view` is None where it can be computed."""

    kind: int
    at: int
    precedence: int
    epoch: int
    seen: Seen
    view: bytes | None
    body: bytes


class Subtree(NamedTuple):
    """FRAME-3: the hash of 2^level leaves."""

    level: int
    digest: bytes


Item: TypeAlias = EntryItem | Subtree


@dataclass(frozen=True, slots=True)
class Hello:
    """HELLO. `number` and `digest` are those of the newest charter held."""

    handle: int
    channel: str
    protocol: int
    number: int
    digest: bytes
    books: tuple[BookState, ...]


@dataclass(frozen=True, slots=True)
class NoteFrame:
    """NOTE: the octets of a charter or book note."""

    handle: int
    note: bytes


@dataclass(frozen=True, slots=True)
class Entries:
    """ENTRIES: `items` tile [start, N), `signature` is the owner's over the checkpoint of size N."""

    handle: int
    book: int
    start: int
    signature: bytes
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class ReceiptFrame:
    """RECEIPT: a cosignature without its timestamp (in seconds), of 64 octets (type 0x04) or 2,420 (type 0x06)."""

    handle: int
    book: int
    size: int
    cosigner: int
    timestamp: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Want:
    """WANT: entries from `start`; `whole` asks for the tree below it and for every view (FRAME-5)."""

    handle: int
    book: int
    start: int
    whole: bool


@dataclass(frozen=True, slots=True)
class ForkFrame:
    """FORK: the proof of FORK-1."""

    handle: int
    book: int
    size_a: int
    root_a: bytes
    signature_a: bytes
    signature_b: bytes
    items: tuple[Subtree, ...]


Frame: TypeAlias = Hello | NoteFrame | Entries | ReceiptFrame | Want | ForkFrame


def encode_frame(frame: Frame) -> bytes:
    """The octets of a frame whose fields fit the CDDL. Raises LocalMisuse if they are more than 65,536."""
    octets = encode_untyped(_fields_of(frame))
    if len(octets) > FRAME_OCTETS_MAX:
        raise LocalMisuse(f"a frame has at most {FRAME_OCTETS_MAX} octets, not {len(octets)}; send less at once")
    return octets


def decode_frame(data: bytes) -> Frame:
    """The frame in `data`. Raises Malformed (FRAME-1, BOOK-11, CBOR-2)."""
    if len(data) > FRAME_OCTETS_MAX:
        raise Malformed(f"a frame has at most {FRAME_OCTETS_MAX} octets, not {len(data)}", rule=_RULE)
    fields = decode_untyped(data)
    if type(fields) is not tuple or len(fields) < 2 or type(fields[0]) is not int:
        raise Malformed("a frame is an array that begins with its kind and a handle", rule=_RULE)
    reader = _READERS.get(fields[0])
    if reader is None:
        raise Malformed(f"there is no frame of kind {fields[0]}", rule=_RULE)
    check_unsigned(fields[1], HANDLE_MAX, "a handle", _RULE)
    return reader(fields)


def decode_item(fields: object) -> Item:
    """The entry or the subtree that a decoded array holds. Raises Malformed (FRAME-1, BOOK-11). Hot."""
    if type(fields) is tuple:
        if len(fields) == 7:
            kind, at, precedence, epoch, seen, view, body = fields
            check_leaf_fields(kind, at, precedence, epoch, seen)
            if view is not None and (type(view) is not bytes or len(view) != DIGEST_OCTETS):
                raise Malformed("the view of an entry has 32 octets, or is null", rule=_RULE)
            if type(body) is not bytes or not 1 <= len(body) <= BODY_OCTETS_MAX:
                raise Malformed(f"the body of an entry has 1 to {BODY_OCTETS_MAX} octets", rule="BOOK-2")
            return EntryItem._make(fields)
        if len(fields) == 2:
            check_unsigned(fields[0], TREE_LEVELS_MAX, "the level of a subtree", _RULE)
            check_digest(fields[1], "the hash of a subtree", _RULE)
            return Subtree._make(fields)
    raise Malformed("an item is an entry of 7 fields or a subtree of 2", rule=_RULE)


# --- numbers in frames


def book_code(place: int, number: int) -> int:
    """The number in frames of book `number` (from 1) of the party at `place` (from 0)."""
    return PARTIES_MAX * (number - 1) + place


def split_book_code(code: int) -> tuple[int, int]:
    """The (place of the party, book number) that a number in a frame means."""
    return code % PARTIES_MAX, code // PARTIES_MAX + 1


def cosigner_code(party_place: int, station_place: int) -> int:
    """The number in frames of a cosigner."""
    return PARTIES_MAX * station_place + party_place


def split_cosigner_code(code: int) -> tuple[int, int]:
    """The (place of the party, place of the station within it) that a number in a frame means."""
    return code % PARTIES_MAX, code // PARTIES_MAX


# --- framing on a stream

_VARINT_OCTETS = (1, 2, 4, 8)  # RFC 9000, 16: the first two bits tell
_VARINT_LIMITS = (1 << 6, 1 << 14, 1 << 30, 1 << 62)


def length_prefix(octets: int) -> bytes:
    """The RFC 9000 variable-length integer that stands before a frame of so many octets; the shortest form."""
    for code, limit in enumerate(_VARINT_LIMITS):
        if octets < limit:
            width = _VARINT_OCTETS[code]
            return (octets | code << (8 * width - 2)).to_bytes(width, "big")
    raise LocalMisuse(f"no frame has {octets} octets")


class FrameSplitter:
    """Cuts a stream into frames. Keeps at most one frame that is not complete, and refuses a longer one by its prefix.

    After a Malformed the stream has no meaning any more: the link ends.
    """

    def __init__(self, frame_octets_max: int = FRAME_OCTETS_MAX) -> None:
        self._frame_octets_max = frame_octets_max
        self._rest = bytearray()

    @property
    def waiting_octets(self) -> int:
        """How much of an incomplete frame is kept; 0 between frames."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The octets of the frames that `data` completes, in order. Raises Malformed (FRAME-1)."""
        rest = self._rest
        rest += data
        frames: list[bytes] = []
        position = 0
        while (prefix := self._prefix(position)) is not None:
            start, octets = prefix
            if len(rest) < start + octets:
                break
            position = start + octets
            frames.append(bytes(rest[start:position]))
        del rest[:position]
        return frames

    def _prefix(self, position: int) -> tuple[int, int] | None:
        """Where the frame after `position` begins and its length; None if its prefix is not complete."""
        rest = self._rest
        if position == len(rest):
            return None
        code = rest[position] >> 6
        width = _VARINT_OCTETS[code]
        if len(rest) < position + width:
            return None
        octets = int.from_bytes(rest[position : position + width], "big") & (_VARINT_LIMITS[code] - 1)
        if code and octets < _VARINT_LIMITS[code - 1]:
            raise Malformed("the length of a frame is not in its shortest form", rule=_RULE)
        if not 1 <= octets <= self._frame_octets_max:
            raise Malformed(f"a frame here has 1 to {self._frame_octets_max} octets, not {octets}", rule=_RULE)
        return position + width, octets


# --- shapes


def _fields_of(frame: Frame) -> tuple[Any, ...]:
    match frame:
        case Hello(handle, channel, protocol, number, digest, books):
            return HELLO, handle, channel, protocol, number, digest, books
        case NoteFrame(handle, note):
            return NOTE, handle, note
        case Entries(handle, book, start, signature, items):
            return ENTRIES, handle, book, start, signature, items
        case ReceiptFrame(handle, book, size, cosigner, timestamp, signature):
            return RECEIPT, handle, book, size, cosigner, timestamp, signature
        case Want(handle, book, start, whole):
            return WANT, handle, book, start, whole
    signatures = (frame.signature_a, frame.signature_b)
    return FORK, frame.handle, frame.book, frame.size_a, frame.root_a, *signatures, frame.items


def _hello(fields: tuple[Any, ...]) -> Hello:
    _, handle, channel, protocol, number, digest, books = check_array(fields, 7, None, _RULE)
    check_text(channel, ORIGIN_OCTETS_MAX, "a channel", _RULE)
    check_unsigned(protocol, PROTOCOL, "the protocol", _RULE, least=PROTOCOL)
    check_unsigned(number, NUMBER_MAX, "the number of a charter", _RULE, least=1)
    check_digest(digest, "the digest of a charter", _RULE)
    if type(books) is not tuple or len(books) > HELLO_BOOKS_MAX:
        raise Malformed(f"HELLO lists at most {HELLO_BOOKS_MAX} books", rule=_RULE)
    for one in books:
        book, durable, head = check_array(one, 3, None, _RULE)
        _check_book(book)
        check_unsigned(durable, COUNT_MAX, "a durable size", _RULE)
        check_unsigned(head, COUNT_MAX, "a head size", _RULE)
    return Hello(handle, channel, protocol, number, digest, tuple(BookState._make(one) for one in books))


def _note(fields: tuple[Any, ...]) -> NoteFrame:
    _, handle, note = check_array(fields, 3, None, _RULE)
    check_octets_within(note, NOTE_IN_FRAME_OCTETS_MAX, "a note", _RULE)
    return NoteFrame(handle, note)


def _entries(fields: tuple[Any, ...]) -> Entries:
    _, handle, book, start, signature, items = check_array(fields, 6, None, _RULE)
    _check_book(book)
    check_unsigned(start, COUNT_MAX, "a start", _RULE)
    check_octets(signature, ED25519_SIGNATURE_OCTETS, "the signature of a head", _RULE)
    if type(items) is not tuple:
        raise Malformed("the items of a frame are a list", rule=_RULE)
    return Entries(handle, book, start, signature, tuple(map(decode_item, items)))


def _receipt(fields: tuple[Any, ...]) -> ReceiptFrame:
    _, handle, book, size, cosigner, timestamp, signature = check_array(fields, 7, None, _RULE)
    _check_book(book)
    check_unsigned(size, COUNT_MAX, "a size", _RULE, least=1)
    check_unsigned(cosigner, COSIGNER_CODE_MAX, "a cosigner", _RULE)
    check_unsigned(timestamp, TIMESTAMP_S_MAX, "a timestamp", _RULE)
    if type(signature) is not bytes or len(signature) not in (ED25519_SIGNATURE_OCTETS, MLDSA44_SIGNATURE_OCTETS):
        raise Malformed("a receipt has a signature of 64 or 2,420 octets", rule="FRAME-9")
    return ReceiptFrame(handle, book, size, cosigner, timestamp, signature)


def _want(fields: tuple[Any, ...]) -> Want:
    _, handle, book, start, whole = check_array(fields, 5, None, _RULE)
    _check_book(book)
    check_unsigned(start, COUNT_MAX, "a start", _RULE)
    if type(whole) is not bool:
        raise Malformed("`whole` is true or false", rule=_RULE)
    return Want(handle, book, start, whole)


def _fork(fields: tuple[Any, ...]) -> ForkFrame:
    _, handle, book, size_a, root_a, signature_a, signature_b, items = check_array(fields, 8, None, _RULE)
    _check_book(book)
    check_unsigned(size_a, COUNT_MAX, "a size", _RULE, least=1)
    check_digest(root_a, "a root", _RULE)
    check_octets(signature_a, ED25519_SIGNATURE_OCTETS, "the signature of a head", _RULE)
    check_octets(signature_b, ED25519_SIGNATURE_OCTETS, "the signature of a head", _RULE)
    if type(items) is not tuple:
        raise Malformed("the items of a frame are a list", rule=_RULE)
    subtrees: list[Subtree] = []
    for one in items:
        level, digest = check_array(one, 2, None, _RULE)
        check_unsigned(level, TREE_LEVELS_MAX, "the level of a subtree", _RULE)
        check_digest(digest, "the hash of a subtree", _RULE)
        subtrees.append(Subtree(level, digest))
    return ForkFrame(handle, book, size_a, root_a, signature_a, signature_b, tuple(subtrees))


def _check_book(book: object) -> None:
    check_unsigned(book, BOOK_CODE_MAX, "the number of a book", _RULE)


_READERS: Final[MappingProxyType[int, Callable[[tuple[Any, ...]], Frame]]] = MappingProxyType(
    {HELLO: _hello, NOTE: _note, ENTRIES: _entries, RECEIPT: _receipt, WANT: _want, FORK: _fork}
)
