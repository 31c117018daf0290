"""What a station holds of charters and book notes, and which new ones it takes (CHARTER-2, 5, 6, OPEN-1 to OPEN-3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference.chain import (
    BookNote,
    are_equivocal,
    book_notes_equivocal,
    check_against_known,
    check_amendment,
    check_amendment_in_force,
    check_key_of_book,
    read_book_note,
)
from tests.reference.charter import CHARTER_LINE, Charter, check_in_force, read_charter
from tests.reference.notes import parse_note
from tests.reference.refusal import Refusal, require


@dataclass
class Holder:
    """The charters of one channel, in order, and the book notes, by origin."""

    charters: list[Charter] = field(default_factory=list)
    books: dict[str, BookNote] = field(default_factory=dict)

    @property
    def newest(self) -> Charter:
        """The newest charter held."""
        return self.charters[-1]

    @property
    def parties(self) -> list[str]:
        """The parties by the newest charter (BOOK-10: a place never changes its party)."""
        return [party.id for party in self.newest.parties]

    def take(self, octets: bytes) -> None:
        """Take a charter or a book note."""
        first_line = parse_note(octets).text.split(b"\n", 1)[0].decode("utf-8")
        if first_line == CHARTER_LINE:
            self.take_charter(octets)
        else:
            self.take_book_note(octets)

    def take_charter(self, octets: bytes) -> None:
        """Take the next charter, or refuse it; one that is held already changes nothing."""
        charter, note = read_charter(octets)
        if any(known.digest == charter.digest for known in self.charters):
            return
        equivocal = any(are_equivocal(known, charter) for known in self.charters)
        require(not equivocal, "CHARTER-6", "two different charters with one number")
        if self.charters:
            check_amendment(self.newest, charter)
            check_amendment_in_force(self.newest, charter, note)
        else:
            require(charter.number == 1, "CHARTER-6", "the first charter has number 1")
            check_in_force(charter, note)
        check_against_known(charter, self.charters)
        for book in self.books.values():
            check_key_of_book(book, [charter], [])
        self.charters.append(charter)

    def take_book_note(self, octets: bytes) -> None:
        """Take a book note, or refuse it; one that is held already changes nothing."""
        book, _ = read_book_note(octets, self.charters)
        held = self.books.get(book.origin)
        if held is not None and held.digest == book.digest:
            return
        check_key_of_book(book, self.charters, self.books.values())
        equivocal = held is not None and book_notes_equivocal(held, book)
        require(not equivocal, "OPEN-2", "two different notes for one book")
        self.books[book.origin] = book

    def book(self, origin: str) -> BookNote:
        """Return the note of a book, which must be held before its entries (OPEN-3)."""
        if origin not in self.books:
            raise Refusal("OPEN-3", "a book whose note is not held")
        return self.books[origin]
