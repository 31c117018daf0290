"""All books of one channel side by side, and what the turn in progress will commit.

It keeps: `seen` and `view` are computed from what is durably held (BOOK-8 to BOOK-10); a view that cannot be checked yet
waits until it can; findings are written once. It sends nothing and signs nothing.
"""

import contextlib
from typing import NamedTuple

from detente.crypto import labels
from detente.crypto.hashing import sha256
from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import Value, encode
from detente.formats.entry import Adopt, Body, Kind, Opening, Seen, Slot, decode_body
from detente.formats.frame import book_code, decode_frame, split_book_code
from detente.ids import Origin, PartyId, origin_of, split_origin
from detente.protocol.book import BookCopy, HeldEntry, fork_shown
from detente.protocol.effects import BookRow, EntryRow, FindingRow, StoredBook, Work
from detente.protocol.roster import HeldBookNote, Roster
from detente.protocol.rules import KNOWN_KINDS, broken_rules
from detente.protocol.shelf import Shelf

VIEWS_CHECKED_IN_ONE_TURN_MAX = 2_000


class Counted(NamedTuple):
    """One book that a `seen` counts."""

    origin: Origin
    count: int  # type: ignore[assignment]  # a tuple's own `count` is never wanted here


class Ledger:
    """The books of one channel. Holds the turn's `work`, which the driver takes at its end."""

    def __init__(self, roster: Roster, shelf: Shelf) -> None:
        self.roster = roster
        self.shelf = shelf
        self.books: dict[Origin, BookCopy] = {}
        self.work = Work()
        self.adopted: set[bytes] = set()  # BOOK-16: digests that our books have adopted
        self._views: dict[Seen, bytes] = {}
        self._proofs = {row.origin: row.proof for row in shelf.findings() if row.rule == "FORK-1"}  # FORK-2: for ever
        self._in_order: dict[PartyId, list[BookCopy]] = {}  # books 1, 2, ... of a party; made anew when one is added

    # --- books

    def load(self, stored: StoredBook) -> BookCopy:
        """A book that the store has. Its adopted charter follows from its `adopt` entries."""
        book = BookCopy(stored, self.roster.book_notes[stored.origin].key, self.shelf, self.roster.charters[0].charter)
        self._keep(book)
        if stored.origin in self._proofs:
            book.fork = fork_shown(book, decode_frame(self._proofs[stored.origin]))
        for row in self.shelf.special_entries(stored.origin):
            if row.index < book.size:
                self._place(book, row.index, row.leaf[1])
                with contextlib.suppress(Malformed, LocalMisuse):  # marked when it arrived, or of an unknown kind
                    self.govern(book, decode_body(row.leaf[1], row.body))
        if book.size:
            book.last_seen = book.entries(book.size - 1, book.size)[0].leaf.seen
        return book

    def add(self, held: HeldBookNote, *, ours: bool) -> BookCopy:
        """A book whose note was just accepted; empty."""
        stored = StoredBook(held.origin, held.note.channel, ours, 0, 0)
        book = BookCopy(stored, held.key, self.shelf, self.roster.charters[0].charter)
        self._keep(book)
        self.work.books.append(BookRow(held.origin, held.note.channel, ours))
        return book

    def _keep(self, book: BookCopy) -> None:
        self.books[book.origin] = book
        self._in_order.clear()

    def said(self, book: BookCopy, entry: HeldEntry) -> Body | None:
        """What an unsealed entry of the turn says; a body that does not fit the CDDL is marked, not refused (BOOK-12)."""
        try:
            return decode_body(entry.leaf.kind, entry.body)
        except Malformed as fault:
            self.find(book, entry.index, fault.rule or "BOOK-11", fault.text, entry.body)
            return None

    def govern(self, book: BookCopy, body: Body | None) -> None:
        """Follow an entry that says by which charter the entries after it are governed: opening, adopt (CHARTER-7)."""
        if isinstance(body, Adopt) and book.ours:
            self.adopted.add(body.digest)
        if isinstance(body, Opening):
            held = self.roster.by_digest(body.charter)
        elif isinstance(body, Adopt) and body.what == "charter":
            held = self.roster.by_digest(body.digest)
            if held is not None and held.charter.number != body.number:
                return  # BOOK-16: it says two things; `take` marks it
        else:
            return
        if held is not None:
            book.charter = held.charter

    @staticmethod
    def _place(book: BookCopy, index: int, kind: int) -> None:
        """What the kind of an entry alone says of the entries after it: BOOK-4, BOOK-7."""
        if kind == Kind.KEYS:
            book.epochs.add(index)
        if kind == Kind.CLOSING:
            book.closed = True

    def code(self, origin: Origin) -> int:
        """The book's number in frames (spec/6)."""
        _, party, number = split_origin(origin)
        return book_code(self.roster.place(party), number)

    def by_code(self, code: int) -> Origin | None:
        """The origin that a frame means, whether held or not; None if there is no such party."""
        place, number = split_book_code(code)
        parties = self.roster.newest.charter.parties
        return origin_of(self.roster.channel, parties[place].id, number) if place < len(parties) else None

    # --- seen and view

    def seen_now(self, author: BookCopy) -> Seen:
        """BOOK-8: what we hold now, for the next entry of our book."""
        slots: list[Slot] = []
        for party in author.charter.parties:
            counts = [0 if book is author else book.size for book in self._books_of(party.id)]
            slots.append(counts[0] if len(counts) == 1 else tuple(counts) or 0)
        return tuple(slots)

    def _books_of(self, party: PartyId) -> list[BookCopy]:
        """Books 1, 2, ... of a party, as far as they are known here without a gap."""
        found = self._in_order.get(party)
        if found is None:
            found = self._in_order[party] = []
            while (book := self.books.get(origin_of(self.roster.channel, party, len(found) + 1))) is not None:
                found.append(book)
        return found

    def counted(self, seen: Seen) -> list[Counted]:
        """The books with a count above 0, in the order of `seen`. Slots beyond the newest charter count nothing."""
        found: list[Counted] = []
        for party, slot in zip(self.roster.newest.charter.parties, seen, strict=False):
            for number, count in enumerate((slot,) if isinstance(slot, int) else slot, start=1):
                if count:
                    found.append(Counted(origin_of(self.roster.channel, party.id, number), count))
        return found

    def view_of(self, seen: Seen) -> bytes | None:
        """BOOK-10 from what we hold; None if we do not hold that much yet, or do not know whom a slot counts."""
        if len(seen) > len(self.roster.newest.charter.parties):
            return None
        known = self._views.get(seen)
        if known is not None:
            return known
        parts: list[Value] = []
        for origin, count in self.counted(seen):
            book = self.books.get(origin)
            if book is None or book.size < count:
                return None
            parts.append([origin, count, book.root(count)])
        view = sha256(encode([labels.VIEW, parts]))
        if len(self._views) > 4_096:
            self._views.clear()
        self._views[seen] = view
        return view

    # --- growing

    def take(self, book: BookCopy, entry: HeldEntry, *, view_known: bool) -> Body | None:
        """Take the next entry of a book into the turn: its row, its rules, what it governs. What it says, if unsealed."""
        before = book.last_seen
        charter = book.charter
        body = self.said(book, entry) if entry.leaf.kind in KNOWN_KINDS and entry.leaf.kind != Kind.SEALED else None
        if isinstance(body, Opening):
            self.govern(book, body)
            charter = book.charter  # an opening is governed by the charter that it names
        if book.append(entry):
            self.work.entries.append(EntryRow(book.origin, entry.index, entry.leaf_octets, entry.leaf_hash, entry.body))
        if not book.ours:
            for rule, text in broken_rules(book, entry, before, charter):
                self.find(book, entry.index, rule, text, entry.leaf_octets)
            self._check_named(book, entry, body)
        self._place(book, entry.index, entry.leaf.kind)
        if body is not None:
            self.govern(book, body)
        if view_known and book.viewed == entry.index:
            book.viewed += 1
        return body

    def _check_named(self, book: BookCopy, entry: HeldEntry, body: Body | None) -> None:
        """What an entry names must be what it says: an epoch is a keys entry (BOOK-7), a charter has its number (BOOK-16)."""
        epoch = entry.leaf.epoch
        if entry.leaf.kind == Kind.SEALED and 0 < epoch < entry.index and epoch not in book.epochs:
            self.find(book, entry.index, "BOOK-7", f"entry {epoch} is no keys entry", entry.leaf_octets)
        if isinstance(body, Adopt) and body.what == "charter":
            held = self.roster.by_digest(body.digest)
            if held is not None and held.charter.number != body.number:
                text = f"it adopts charter {body.number}, and the digest is that of charter {held.charter.number}"
                self.find(book, entry.index, "BOOK-16", text, entry.body)

    def take_far(self, book: BookCopy, entry: HeldEntry) -> None:
        """Keep an entry above a gap (FRAME-7)."""
        book.far_entries[entry.index] = entry.leaf_hash
        self.work.entries.append(EntryRow(book.origin, entry.index, entry.leaf_octets, entry.leaf_hash, entry.body))

    def check_views(self) -> bool:
        """Check the views that can be checked by now, in every book; True if some were."""
        moved = False
        for book in self.books.values():
            if book.viewed >= book.size:
                continue
            stop = min(book.size, book.viewed + VIEWS_CHECKED_IN_ONE_TURN_MAX)
            for entry in book.entries(book.viewed, stop):
                view = self.view_of(entry.leaf.seen)
                if view is None:
                    break
                if view != entry.leaf.view:
                    self.find(
                        book, entry.index, "BOOK-10", "its view is not that of the books held here", entry.leaf_octets
                    )
                book.viewed += 1
                moved = True
        return moved

    def find(self, book: BookCopy, index: int, rule: str, text: str, proof: bytes) -> None:
        """Write a finding against the author of a book, with its proof."""
        self.work.findings.append(FindingRow(book.origin, index, rule, text, proof))

    def close_turn(self) -> Work:
        """The turn's work, complete; the ledger begins a new one."""
        for book in self.books.values():
            nodes, size = book.turn_rows()
            self.work.nodes.extend(nodes)
            if size is not None:
                self.work.sizes.append(size)
        work, self.work = self.work, Work()
        return work

    def committed(self) -> None:
        """The turn's work is durable."""
        for book in self.books.values():
            book.committed()
