"""A station that receives frames of one channel, as in spec/6-frames.md (FRAME-2 to FRAME-9, FORK-1, FORK-2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference import books, frames
from tests.reference.checkpoints import Checkpoint, verify_cosignature
from tests.reference.exchange import Proved, ViewUnknown, answer_whole, check_fork, cosigner_of_number, prove_entries
from tests.reference.keys import COSIGNER, POST_QUANTUM, VerifierKey
from tests.reference.record import Judgement, judge_record, roots_by_place, roots_of
from tests.reference.refusal import Refusal, require
from tests.reference.tree import Fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.reference.books import Entry, Head
    from tests.reference.holder import Holder


@dataclass
class HeldBook:
    """A book as it is held: durable entries from 0, entries above a gap, and all heads that were verified."""

    number: int
    key: VerifierKey
    entries: list[Entry] = field(default_factory=list)
    above: dict[int, Entry] = field(default_factory=dict)
    heads: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)  # size: root and signature
    receipts: dict[tuple[int, int], int] = field(default_factory=dict)  # cosigner and type of key: size
    asked: set[bytes] = field(default_factory=set)  # heads asked for, by their signatures (FRAME-5)
    forked: bool = False
    shown: int = 0  # the largest head shown to contain the largest one verified before it (RECEIPT-3)

    @property
    def size(self) -> int:
        """The durable size."""
        return len(self.entries)

    @property
    def head(self) -> int:
        """The size of the largest verified head."""
        return max(self.heads, default=0)

    @property
    def largest_whole_head(self) -> int:
        """The size of the largest head that is verified and held whole (FRAME-5)."""
        return max((size for size in self.heads if size <= self.size), default=0)

    def leaves(self) -> list[bytes]:
        """Return the leaf hashes of the durable entries."""
        return [entry.leaf_hash() for entry in self.entries]

    def fold_at(self, size: int) -> Fold:
        """Return the own fold at a durable size."""
        fold = Fold()
        for entry in self.entries[:size]:
            fold.add(0, entry.leaf_hash())
        return fold


@dataclass(frozen=True)
class WantSent:
    """A WANT frame that the station sends."""

    book: int
    start: int
    whole: bool


@dataclass
class Receiver:
    """A station with the notes that it holds."""

    holder: Holder
    books: dict[int, HeldBook] = field(default_factory=dict)

    def receive(self, octets: bytes) -> list[WantSent]:
        """Take a frame and return the WANT frames that it calls for; a refusal means that nothing of it is kept."""
        frame = frames.read_frame(octets)
        if isinstance(frame, frames.Hello):
            self._hello(frame)
        elif isinstance(frame, frames.NoteFrame):
            self.holder.take(frame.note)
        elif isinstance(frame, frames.Entries):
            return self._entries(frame)
        elif isinstance(frame, frames.Receipt):
            self._receipt(frame)
        elif isinstance(frame, frames.Fork):
            check_fork(frame, self.book(frame.book).key)
            self.book(frame.book).forked = True  # FORK-2: work goes on with the history held first
        return []

    def book(self, number: int) -> HeldBook:
        """Return a book by its number in frames; its note must be held (OPEN-3)."""
        if number not in self.books:
            place, book = frames.book_of_number(number)
            if place >= len(self.holder.parties):
                raise Refusal("OPEN-3", "a book of a party that is not there")
            origin = books.make_origin(self.holder.newest.channel, self.holder.parties[place], book)
            self.books[number] = HeldBook(number, self.holder.book(origin).key)
        return self.books[number]

    def judgement(self) -> Judgement:
        """Judge the durable entries of all books."""
        return judge_record(self.holder, {book.key.name: book.entries for book in self.books.values()})

    def answer(self, want: frames.Want) -> bytes:
        """Answer WANT, `whole` true, from the newest head that is held whole (FRAME-5)."""
        book = self.book(want.book)
        size = book.largest_whole_head
        entries: Mapping[int, Entry] = dict(enumerate(book.entries[:size]))
        return answer_whole(want.handle, want.book, want.start, entries, book.leaves()[:size], book.heads[size][1])

    def _hello(self, frame: frames.Hello) -> None:
        """Refuse a HELLO with another charter of a number that is held (FRAME-2); nothing else in it is evidence."""
        for charter in self.holder.charters:
            if charter.channel == frame.channel and charter.number == frame.number:
                require(charter.digest == frame.digest, "CHARTER-6", "another charter of this number")

    def _view_of(self, head: Head) -> bytes | None:
        """Compute a view that was left away (FRAME-3)."""
        roots = roots_by_place(self.holder, {book.key.name: roots_of(book.entries) for book in self.books.values()})
        return books.computed_view(head.seen, self.holder.newest.channel, self.holder.parties, roots)

    def _entries(self, frame: frames.Entries) -> list[WantSent]:
        """Take ENTRIES (FRAME-4 to FRAME-8)."""
        book = self.book(frame.book)
        if frame.start > book.size:
            return [WantSent(frame.book, book.size, whole=False)]  # FRAME-4: not judged
        try:
            proved = prove_entries(book.key, book.fold_at(frame.start), frame.items, frame.signature, self._view_of)
        except ViewUnknown:
            return self._ask(book, frame.signature, Refusal("FRAME-5", "a view that cannot be computed"))
        except Refusal as refusal:
            return self._ask(book, frame.signature, refusal)
        return self._take(book, proved, frame.start, frame.signature)

    def _ask(self, book: HeldBook, signature: bytes, refusal: Refusal) -> list[WantSent]:
        """Ask once for a head, known by its signature, before a frame is refused (FRAME-5)."""
        if signature in book.asked:
            raise refusal
        book.asked.add(signature)
        return [WantSent(book.number, book.largest_whole_head, whole=True)]

    def _take(self, book: HeldBook, proved: Proved, start: int, signature: bytes) -> list[WantSent]:
        """Take what a frame has proved, if it goes with what is held."""
        if self._parts_from(book, proved):
            book.forked = True
            return []
        joins = start == book.size or proved.boundaries.get(book.size) == book.fold_at(book.size).root()
        if proved.head.size > book.head and self._contains(book, proved, max(start, book.size if joins else 0)):
            book.shown = proved.head.size
        book.heads.setdefault(proved.head.size, (proved.head.root, signature))
        if not joins:
            return []  # FRAME-4: no boundary at the durable size
        new = {index: entry for index, entry in proved.entries.items() if index >= book.size}
        return self._extend(book, new)

    def _parts_from(self, book: HeldBook, proved: Proved) -> bool:
        """Whether a proved head and one that is held are two histories (FORK-1)."""
        for size, (root, _) in book.heads.items():
            if proved.boundaries.get(size, root) != root:
                return True  # the held head is A, the new tiling shows B
        if proved.head.size <= book.size:
            held = book.fold_at(proved.head.size).root()
            return held != proved.head.root and book.head >= proved.head.size
        return False

    def _contains(self, book: HeldBook, proved: Proved, own: int) -> bool:
        """Whether a proved head is shown to contain the heads before: at boundaries, or below the `own` size."""
        return all(size <= own or size in proved.boundaries for size in (book.shown, book.head))

    def _extend(self, book: HeldBook, new: dict[int, Entry]) -> list[WantSent]:
        """Extend the durable entries by the new ones, and by those above the gap that this fills (FRAME-7)."""
        known = {**book.above, **new}
        fold = book.fold_at(book.size)
        while fold.size in known:
            index = fold.size
            fold.add(0, known[index].leaf_hash())
            head = book.heads.get(fold.size)
            if head is not None and head[0] != fold.root():
                # FRAME-7: a head above the gap says otherwise; the entries above belonged to it, so it is asked for.
                book.above = {}
                return self._ask_head(book, head[1])
            book.entries.append(known.pop(index))
        book.above = {index: entry for index, entry in known.items() if index > book.size}
        return []

    def _ask_head(self, book: HeldBook, signature: bytes) -> list[WantSent]:
        """Ask for a head that is held but no longer followed by the entries (FRAME-7)."""
        if signature in book.asked:
            return []
        book.asked.add(signature)
        return [WantSent(book.number, book.largest_whole_head, whole=True)]

    def _receipt(self, frame: frames.Receipt) -> None:
        """Take, drop or refuse a RECEIPT (FRAME-9)."""
        book = self.book(frame.book)
        found = cosigner_of_number(self.holder.newest, frame.cosigner)
        own_party, _ = frames.book_of_number(frame.book)
        if found is None or found[0] == own_party:
            return
        kind = COSIGNER if len(frame.signature) == 64 else POST_QUANTUM
        key = found[1].cosigner if kind == COSIGNER else found[1].pq
        held = frame.size <= book.size and frame.size in book.heads
        if key is None or not held or frame.size <= book.receipts.get((frame.cosigner, kind), 0):
            return
        text = Checkpoint(book.key.name, frame.size, book.fold_at(frame.size).root()).text()
        try:
            verify_cosignature(key, text, frame.timestamp.to_bytes(8, "big") + frame.signature)
        except Refusal as refusal:
            raise Refusal("FRAME-9", f"a receipt that does not verify: {refusal}") from refusal
        book.receipts[frame.cosigner, kind] = frame.size
