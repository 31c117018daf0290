"""The books of a bundle: their notes (BUNDLE-3), their tilings (BUNDLE-8) and their heads (BUNDLE-5).

It keeps: every root follows from the items, by the one procedure of TREE-4; every signature line is accounted for. What
an entry says, and whether it follows the rules of its book, is `entries.py`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from detente.crypto.hashing import sha256
from detente.errors import Malformed
from detente.formats.book_note import BookNote, parse_book_note
from detente.formats.bundle import BookSection
from detente.formats.entry import Leaf, encode_leaf
from detente.formats.frame import EntryItem, Subtree
from detente.ids import Origin, origin_of
from detente.tlog.checkpoint import Checkpoint, parse_checkpoint
from detente.tlog.tree import Frontier, leaf_hash
from detente.tlog.vkeys import PQ_COSIGNATURE
from detente.verify.charters import Chain
from detente.verify.findings import Findings, HeadFound, ReceiptFound
from detente.verify.signatures import Place, check_lines, read_note


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry that the bundle shows, in its place."""

    index: int
    leaf: Leaf
    body: bytes


@dataclass(slots=True)
class Book:
    """A book whose note can be read. `roots` holds the root at each size that was asked for and follows."""

    note: BookNote
    place: int  # of the party in the charter; -1 if it names no such party
    origin: Origin
    section: BookSection
    size: int = 0
    shown: list[Shown] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)
    heads: list[HeadFound] = field(default_factory=list)


# --- BUNDLE-3


def read_books(sections: tuple[BookSection, ...], chain: Chain, found: Findings) -> list[Book]:
    """BUNDLE-3. Books whose note cannot be read are left out, after a finding."""
    books: list[Book] = []
    keys = chain.public_keys()
    for number, section in enumerate(sections, start=1):
        place = Place("BUNDLE-3", f"book {number} of the bundle")
        note = read_note(section.note, place, found)
        if note is None:
            continue
        try:
            book_note = parse_book_note(note.text)
        except Malformed as fault:
            found.find(place.check, fault.rule, place.where, fault.text)
            continue
        party = chain.party(book_note.party)
        signers = check_lines(note, [party.root] if party else [], {}, place, found)
        if party is None:
            found.find(place.check, "OPEN-1", place.where, f"the charter names no party {book_note.party}")
        elif not signers:
            found.find(place.check, "OPEN-1", place.where, f"the root of {party.id} has not signed it")
        if book_note.channel != chain.newest.channel:
            found.find(place.check, "OPEN-1", place.where, f"it belongs to another channel, {book_note.channel}")
        if not chain.has_station(book_note.party, book_note.station):
            text = f"the charter names no station {book_note.party}/{book_note.station}"
            found.find(place.check, "BOOK-1", place.where, text)
        if book_note.key.public in keys:
            found.find(place.check, "OPEN-2", place.where, "its key is known from elsewhere in the bundle")
        keys.add(book_note.key.public)
        where = chain.newest.place(book_note.party) if party else -1
        origin = origin_of(book_note.channel, book_note.party, book_note.book)
        book = Book(book_note, where, origin, section)
        if books and (books[-1].place, books[-1].note.book) >= (book.place, book_note.book):
            text = "books are sorted by the place of the party and their number, and each occurs once"
            found.find(place.check, "BUNDLE-3", place.where, text)
        books.append(book)
    return books


# --- tilings


def tile(book: Book, sizes: Collection[int], found: Findings) -> None:
    """Walk through the items once (TREE-2, TREE-4): size, what is shown and hidden, and the root at each of `sizes`."""
    frontier = Frontier()
    if 0 in sizes:
        book.roots[0] = frontier.root()
    for item in book.section.items:
        start = frontier.size
        try:
            if isinstance(item, Subtree):
                frontier = frontier.add(item.level, item.digest)
                _hide(book.hidden, start, frontier.size - 1)
            else:
                shown = _shown(start, item)
                frontier = frontier.add_leaf(leaf_hash(encode_leaf(shown.leaf)))
                book.shown.append(shown)
        except Malformed as fault:
            found.find("BUNDLE-5", fault.rule, book.origin, f"{fault.text}; the items after it prove nothing")
            break
        if frontier.size in sizes:
            book.roots[frontier.size] = frontier.root()
    book.size = frontier.size


def _shown(index: int, item: EntryItem) -> Shown:
    view = item.view or b""  # BUNDLE-1: never null here
    leaf = Leaf(item.kind, item.at, item.precedence, item.epoch, item.seen, view, len(item.body), sha256(item.body))
    return Shown(index, leaf, item.body)


def _hide(hidden: list[tuple[int, int]], first: int, last: int) -> None:
    """BUNDLE-8, neighbours joined."""
    if hidden and hidden[-1][1] + 1 == first:
        hidden[-1] = hidden[-1][0], last
    else:
        hidden.append((first, last))


# --- BUNDLE-5


def head_sizes(book: Book) -> set[int]:
    """The sizes that the heads of a book claim, as far as they can be read. What cannot is found by `check_heads`."""
    sizes = set()
    for octets in book.section.heads:
        note = read_note(octets, Place("", ""), Findings())
        head = _checkpoint(note.text, Place("", ""), Findings()) if note is not None else None
        if head is not None:
            sizes.add(head.size)
    return sizes


def check_heads(book: Book, chain: Chain, found: Findings) -> None:
    """BUNDLE-5. Receipts are kept only of heads without a finding."""
    owner = book.note.key
    cosigners = chain.cosigners()
    siblings = {
        key: ("RECEIPT-6", f"{key.name!r} is a station of {one.party} itself, whose book this is")
        for key, one in cosigners.items()
        if one.party == book.note.party
    }
    others = [key for key in cosigners if key not in siblings]
    size = 0
    for number, octets in enumerate(book.section.heads, start=1):
        place = Place("BUNDLE-5", f"{book.origin}, head {number}")
        before = len(found.findings)
        note = read_note(octets, place, found)
        head = _checkpoint(note.text, place, found) if note is not None else None
        if note is None or head is None:
            continue
        _check_head(book, head, size, place, found)
        size = max(size, head.size)
        signers = check_lines(note, [owner, *others], siblings, place, found)
        if next(iter(signers), None) != owner:
            found.find(place.check, "HEAD-2", place.where, "the owner's signature is not the first, or does not verify")
        receipts = [
            ReceiptFound(cosigners[key].party, one.id, one.statement, key.kind == PQ_COSIGNATURE, timestamp_s)
            for key, timestamp_s in signers.items()
            if timestamp_s is not None
            for one in [cosigners[key].station]
        ]
        sound = len(found.findings) == before
        book.heads.append(HeadFound(head.size, head.root, tuple(receipts) if sound else ()))
    if size != book.size:
        text = f"the last head is of size {size}, the items of the book make {book.size}"
        found.find("BUNDLE-5", "HEAD-1", book.origin, text)


def _checkpoint(text: str, place: Place, found: Findings) -> Checkpoint | None:
    try:
        return parse_checkpoint(text)
    except Malformed as fault:
        found.find(place.check, fault.rule, place.where, fault.text)
        return None


def _check_head(book: Book, head: Checkpoint, above: int, place: Place, found: Findings) -> None:
    if head.origin != book.origin:
        found.find(place.check, "HEAD-1", place.where, f"it is a head of another book, {head.origin}")
    if head.size <= above:
        found.find(place.check, "HEAD-2", place.where, "heads are of size 1 or more, and their sizes increase")
    root = book.roots.get(head.size)
    if root is None:
        found.find(place.check, "TREE-2", place.where, f"the items have no boundary at its size {head.size}")
    elif root != head.root:
        found.find(place.check, "TREE-4", place.where, "its root is not the one that follows from the items")
