"""Judging the entries of one book in order: the marks of BOOK-12 in spec/4-books.md.

Entries may be hidden (in a bundle). A hidden entry may have been anything that the entries shown allow: a `keys` entry,
or one that adopted any later charter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference import bodies, books
from tests.reference.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reference.books import Entry, Seen
    from tests.reference.charter import Charter


@dataclass(frozen=True)
class Mark:
    """A rule that an entry breaks."""

    rule: str
    why: str


@dataclass
class BookState:
    """What is known of a book behind its last entry.

    `governing` lists the charters that can govern the next entry: one, or several after hidden entries, or none where
    the charter is not held.
    """

    party: str
    book: int
    charters: Sequence[Charter]
    governing: list[Charter] = field(default_factory=list)
    size: int = 0
    seen: Seen = ()
    keys: dict[int, bodies.Keys | None] = field(default_factory=dict)
    hidden: list[range] = field(default_factory=list)
    closed: bool = False

    def hide(self, leaves: int) -> None:
        """Pass over hidden entries."""
        self.hidden.append(range(self.size, self.size + leaves))
        if self.size == 0:
            self.governing = list(self.charters)
        elif self.governing:
            lowest = min(charter.number for charter in self.governing)
            self.governing = [charter for charter in self.charters if charter.number >= lowest]
        self.size += leaves

    def take(self, entry: Entry) -> list[Mark]:
        """Judge the next entry and go on behind it. BOOK-10 is judged elsewhere."""
        body, marks = _read_body(entry)
        if isinstance(body, bodies.Opening) and self.size == 0:
            # CHARTER-7: an opening is governed by the charter that it names
            self.governing = [charter for charter in self.charters if charter.digest == body.charter]
        marks += self._place(entry) + self._kind_and_epoch(entry) + self._seen(entry) + self._adopted(body)
        self._go_on(entry, body)
        return marks

    def _place(self, entry: Entry) -> list[Mark]:
        """Judge where the entry stands (BOOK-4)."""
        marks = []
        if (entry.head.kind == books.OPENING) != (self.size == 0):
            marks.append(Mark("BOOK-4", "entry 0 is the opening, and only entry 0"))
        if self.closed:
            marks.append(Mark("BOOK-4", "an entry after a closing"))
        return marks

    def _kind_and_epoch(self, entry: Entry) -> list[Mark]:
        """Judge kind and epoch (BOOK-3, BOOK-7)."""
        marks = []
        if entry.head.kind > books.CLOSING:
            marks.append(Mark("BOOK-3", f"an entry of the unknown kind {entry.head.kind}"))
        if entry.head.kind != books.SEALED and entry.head.epoch != 0:
            marks.append(Mark("BOOK-7", "an epoch of an entry that is not sealed"))
        if entry.head.kind == books.SEALED:
            known = entry.head.epoch in self.keys or any(entry.head.epoch in leaves for leaves in self.hidden)
            if entry.head.epoch == 0 or not known:
                marks.append(Mark("BOOK-7", "an epoch that is no earlier keys entry"))
        return marks

    def _seen(self, entry: Entry) -> list[Mark]:
        """Judge `seen` (BOOK-8, BOOK-9), and whether the charter names the party (BOOK-12)."""
        marks = []
        seen = entry.head.seen
        if self.governing:
            fitting = [charter for charter in self.governing if len(charter.parties) == len(seen)]
            if not fitting:
                marks.append(Mark("BOOK-8", "seen has not one slot for each party"))
            self.governing = fitting or self.governing
            places = [charter.place(self.party) for charter in self.governing]
            if all(place is None for place in places):
                marks.append(Mark("BOOK-12", "the governing charter does not name the party"))
            if any(place is not None and books.count_of(seen, place, self.book) > 0 for place in places):
                marks.append(Mark("BOOK-8", "the count of the author's own book is not 0"))
        for place, book in books.decreased(self.seen, seen):
            marks.append(Mark("BOOK-9", f"the count of book {book} of the party at place {place} decreases"))
        return marks

    def _adopted(self, body: bodies.Body | None) -> list[Mark]:
        """Judge the number of a charter that is adopted, where it is held (BOOK-16)."""
        if self._under_another_number(body):
            return [Mark("BOOK-16", "the number is not that of the charter")]
        return []

    def _under_another_number(self, body: bodies.Body | None) -> bool:
        """Whether a body adopts a charter that is held under another number."""
        if not isinstance(body, bodies.Adopt) or body.what != "charter":
            return False
        return any(charter.digest == body.digest and charter.number != body.number for charter in self.charters)

    def _go_on(self, entry: Entry, body: bodies.Body | None) -> None:
        """Go on behind the entry."""
        if isinstance(body, bodies.Adopt) and body.what == "charter" and not self._under_another_number(body):
            # CHARTER-7: the entries after it are governed by the charter that it names
            self.governing = [charter for charter in self.charters if charter.digest == body.digest]
        if entry.head.kind == books.KEYS:
            self.keys[self.size] = body if isinstance(body, bodies.Keys) else None
        if entry.head.kind == books.CLOSING:
            self.closed = True
        self.seen = entry.head.seen
        self.size += 1


def _read_body(entry: Entry) -> tuple[bodies.Body | None, list[Mark]]:
    """Read the body; one that does not fit is marked, and nothing else follows from it (BOOK-12)."""
    try:
        return bodies.read_body(entry.head.kind, entry.body), []
    except Refusal as refusal:
        return None, [Mark(refusal.rule, refusal.why)]
