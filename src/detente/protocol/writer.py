"""Our own book: the only place where this station writes. Entries are sealed, placed, and covered by one signed head a turn.

It keeps: only our book is written (BOOK-1); `seen` is what we hold at that moment (BOOK-8); one checkpoint a commit (HEAD-3);
a book that is closed, superseded or contradicted by the anchor is never signed again (STORE-3).
"""

from collections.abc import Callable
from dataclasses import replace

from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey
from detente.errors import LocalMisuse, StoreFault, invariant
from detente.formats.content import Content, encode_content
from detente.formats.entry import (
    Adopt,
    Body,
    Head,
    Kind,
    Leaf,
    Open,
    Opening,
    Precedence,
    encode_body,
    encode_leaf,
)
from detente.formats.padding import pack
from detente.ids import Origin, PartyId, Ref, origin_of
from detente.limits import BOOKS_PER_PARTY_MAX, INDEX_MAX
from detente.protocol.book import BookCopy, HeldEntry
from detente.protocol.effects import HeadRow
from detente.protocol.epochs import Epochs
from detente.protocol.ledger import Ledger
from detente.protocol.roster import HeldBookNote
from detente.protocol.sealing import Header
from detente.protocol.shelf import Keyring
from detente.tlog.checkpoint import checkpoint_text
from detente.tlog.tree import leaf_hash

TEXT_PART_OCTETS_MAX = 12_000  # READ-5: fits a body uncompressed, with its other keys


class Writer:
    """Writes for one station in one channel. `book` is None until a book of ours is open."""

    def __init__(self, ledger: Ledger, epochs: Epochs, keyring: Keyring, party: PartyId, station: str) -> None:
        self._ledger = ledger
        self._epochs = epochs
        self._keyring = keyring
        self._party = party
        self._station = station
        self._dictionary: bytes | None = None
        self.book: BookCopy | None = None
        self.stopped: str = ""  # why nothing is written any more; "" while all is well
        self.was_told: Callable[[Origin, bytes], bool] = lambda _origin, _key: False  # STORE-3, of books not held here
        self._key: SigningKey | None = None

    def use_dictionary(self, dictionary: bytes | None) -> None:
        """SEAL-2 coding 2, if the charter states a dictionary that is known here."""
        self._dictionary = dictionary

    def resume(self, book: BookCopy) -> None:
        """Go on writing in a book of ours."""
        self._key = self._keyring.signing_key("book", book.key)
        self.book = book
        if self._key is None:
            self.stopped = f"the private key of {book.origin} is not in this station's keys"

    def stop(self, why: str) -> None:
        """STORE-3, protocol section 7: never sign with this book's key again."""
        self.stopped = why

    # --- writing entries (all in the turn; nothing leaves before its commit)

    def next_book(self) -> tuple[int, list[HeldBookNote]]:
        """The number of our next book, and the notes of older ones that the store has lost: their keys are used up."""
        roster = self._ledger.roster
        lost: list[HeldBookNote] = []
        number = 1
        while True:
            origin = origin_of(roster.channel, self._party, number)
            held = roster.book_notes.get(origin)
            if origin not in self._ledger.books:
                if held is None or not self.was_told(origin, held.key):
                    return number, lost
                lost.append(held)
            number += 1

    def open_next(self, reason: str, at: int) -> Ref:
        """BOOK-13: open our next book. Its note and key must be here. Raises LocalMisuse."""
        roster = self._ledger.roster
        number, lost = self.next_book()
        if number > BOOKS_PER_PARTY_MAX:
            raise LocalMisuse(f"a party has at most {BOOKS_PER_PARTY_MAX} books in a channel; found a new channel")
        origin = origin_of(roster.channel, self._party, number)
        held = roster.book_notes.get(origin)
        key = self._keyring.signing_key("book", held.key) if held is not None else None
        if held is None or key is None or held.note.station != self._station:
            raise LocalMisuse(
                f"to open book {number} this station needs the book note {origin}, signed by the root of {self._party}, and its "
                f"private key: `detente charter sign` makes both",
                rule="OPEN-1",
            )
        wrap_key = self._keyring.new_wrap_key()  # the one thing that may fail: nothing has changed yet
        for note in lost:  # what was told in them comes back from others
            self._ledger.add(note, ours=note.note.station == self._station)
        older = [
            Head(book.origin, book.head.size, book.head.root)
            for book in sorted(self._ledger.books.values(), key=lambda book: book.number)
            if book.party == self._party and book.head is not None
        ]
        self.book = self._ledger.add(held, ours=True)
        self.book.charter = roster.newest.charter
        self._key = key
        self.stopped = ""
        self._epochs.forget_mine()
        opening = Opening(roster.newest.digest, "restored" if lost else reason, tuple(older), wrap_key.public)
        index = self._write(Kind.OPENING, opening, Precedence.ROUTINE, at)
        self._epochs.take(origin, index, opening, own_book=True)
        return Ref(self._party, number, index)

    def say(self, content: Content, precedence: Precedence, audience: tuple[PartyId, ...], at: int) -> list[Ref]:
        """Write a content: sealed for `audience` and ourselves, or open if it is empty. A long text goes in parts (READ-5)."""
        pieces = split_text(content)
        if len(pieces) == 1:
            return [self._say_one(content, precedence, audience, at)]
        farthest = Ref(self._party, BOOKS_PER_PARTY_MAX, INDEX_MAX - 1)  # no reference is longer
        for number in range(1, len(pieces) + 1):  # a part that does not fit is refused before the first is written
            self._check_fits(_part(content, pieces, number, farthest), sealed=bool(audience))
        first = self._say_one(_part(content, pieces, 1, None), precedence, audience, at)
        parts = [_part(content, pieces, number, first) for number in range(2, len(pieces) + 1)]
        return [first, *(self._say_one(part, precedence, audience, at) for part in parts)]

    def _check_fits(self, content: Content, *, sealed: bool) -> None:
        if sealed:
            pack(encode_content(content), self._dictionary)
        else:
            encode_body(Open(content))

    def _say_one(self, content: Content, precedence: Precedence, audience: tuple[PartyId, ...], at: int) -> Ref:
        book = self._writable()
        if not audience:
            index = self._write(Kind.OPEN, Open(content), precedence, at)
            return Ref(self._party, book.number, index)
        wanted = self._epochs.audience_of(audience)
        padded = pack(encode_content(content), self._dictionary)
        epoch = self._epochs.current(wanted, book.origin)
        if epoch is None:
            self._begin_epoch(wanted, at, None)
            epoch = self._epochs.current(wanted, book.origin)
        if epoch is None:
            raise LocalMisuse("none of the readers has a usable key", rule="EPOCH-6")
        seen = self._ledger.seen_now(book)
        view = self._view(seen)
        header = Header(Kind.SEALED, at, precedence, epoch.index, seen, view)
        body = epoch.seal(book.size, header, padded)
        return Ref(self._party, book.number, self._place(Leaf(*header, len(body), sha256(body)), body))

    def renew_keys(self, at: int) -> Ref:
        """Publish a new HPKE key; every audience gets a new epoch at its next message."""
        book = self._writable()
        wrap_key = self._keyring.new_wrap_key()
        self._epochs.forget_mine()
        index = self._begin_epoch((self._party,), at, wrap_key.public)
        self._epochs.forget_mine()
        return Ref(self._party, book.number, index)

    def adopt(self, what: str, number: int, digest: bytes, at: int) -> Ref:
        """BOOK-16."""
        book = self._writable()
        return Ref(
            self._party, book.number, self._write(Kind.ADOPT, Adopt(what, number, digest), Precedence.PRIORITY, at)
        )

    def _begin_epoch(self, audience: tuple[PartyId, ...], at: int, next_key: bytes | None) -> int:
        book = self._writable()
        body = self._epochs.begin(audience, book.origin, book.size, next_key)
        index = self._write(Kind.KEYS, body, Precedence.ROUTINE, at)
        if next_key is not None:
            self._epochs.publish(book.origin, index, next_key)
        return index

    def _writable(self) -> BookCopy:
        if self.stopped:
            raise StoreFault(f"nothing can be written: {self.stopped}", rule="STORE-3")
        if self.book is None:
            raise LocalMisuse("this station has not opened its book in this channel: `detente charter join` does it")
        if self.book.closed:
            raise LocalMisuse("our book is closed in this channel", rule="BOOK-4")
        return self.book

    def _write(self, kind: Kind, body: Body, precedence: Precedence, at: int) -> int:
        book = self._writable()
        octets = encode_body(body)
        seen = self._ledger.seen_now(book)
        return self._place(Leaf(kind, at, precedence, 0, seen, self._view(seen), len(octets), sha256(octets)), octets)

    def _view(self, seen: tuple[int | tuple[int, ...], ...]) -> bytes:
        view = self._ledger.view_of(seen)
        invariant(view is not None, "our own seen counts more than we hold")
        return view or b""

    def _place(self, leaf: Leaf, body: bytes) -> int:
        book = self._writable()
        octets = encode_leaf(leaf)
        entry = HeldEntry(book.size, leaf, octets, leaf_hash(octets), body)
        self._ledger.take(book, entry, view_known=True)
        return entry.index

    # --- the turn's end

    def sign_head(self) -> HeadRow | None:
        """HEAD-3: one checkpoint for all that the turn wrote; None if it wrote nothing."""
        book = self.book
        if book is None or self._key is None or self.stopped or book.size == (book.head.size if book.head else 0):
            return None
        text = checkpoint_text(book.origin, book.size, book.root(book.size))
        head = HeadRow(book.origin, book.size, book.root(book.size), self._key.sign(text.encode()))
        # a flipped bit in memory must not end a book: what is told is verified first
        invariant(book.signed(head), f"our own head of {book.origin} does not verify")
        book.nearer_head(head)
        self._ledger.work.heads.append(head)
        return head


def split_text(content: Content) -> list[str]:
    """READ-5: the text of a content in pieces of whole characters that each fit one entry; at least one, maybe empty."""
    try:
        octets = (content.text or "").encode()
    except UnicodeEncodeError as error:
        raise LocalMisuse("the text holds half a surrogate pair, which no UTF-8 can hold", rule="CBOR-1") from error
    if len(octets) <= TEXT_PART_OCTETS_MAX:
        return [content.text or ""]
    pieces: list[str] = []
    start = 0
    while start < len(octets):
        stop = min(start + TEXT_PART_OCTETS_MAX, len(octets))
        while stop < len(octets) and octets[stop] & 0xC0 == 0x80:
            stop -= 1
        pieces.append(octets[start:stop].decode())
        start = stop
    return pieces


def _part(content: Content, pieces: list[str], number: int, first: Ref | None) -> Content:
    """READ-5: part `number` of a content; every part after the first refers to it."""
    re = content.re if first is None or number == 1 else (first, *content.re)
    return replace(content, text=pieces[number - 1], part=(number, len(pieces)), re=re)
