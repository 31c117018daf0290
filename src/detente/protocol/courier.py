"""What goes into a courier file for one station, of one channel: everything since the last proof of what it holds.

It keeps COURIER-2 and COURIER-3: a file needs nothing of the files before it, so they may come in any order, twice, or
weeks late. Nothing is remembered of a file but how far it was handed over (LADDER-2).
"""

from collections.abc import Iterator
from typing import NamedTuple

from detente.errors import invariant
from detente.formats.frame import Entries, Item, encode_frame
from detente.ids import Origin, PartyId
from detente.limits import FRAME_OCTETS_MAX
from detente.protocol.book import BookCopy
from detente.protocol.effects import HeadRow
from detente.protocol.events import Peer
from detente.protocol.ledger import Ledger
from detente.protocol.outgoing import (
    ENTRIES_RESERVE_OCTETS,
    ENTRY_FIELDS_OCTETS,
    Outgoing,
    PeerState,
    entry_item,
    proved_sizes,
)
from detente.tlog.vkeys import COSIGNATURE


class Stretch(NamedTuple):
    """What of one book goes into the file: entries from `start` to `stop`."""

    origin: Origin
    start: int
    stop: int


class Courier:
    """The files of one channel. Called after a turn's commit, so nothing leaves early."""

    def __init__(self, ledger: Ledger, outgoing: Outgoing) -> None:
        self._ledger = ledger
        self._outgoing = outgoing

    def stretches(self, party: PartyId, station: str) -> list[Stretch]:
        """Every book held, from what the station is proved to hold of it; its own books it wrote itself."""
        proved = proved_sizes(self._ledger, party, station)
        found = []
        for origin, book in self._ledger.books.items():
            size = book.head.size if book.head is not None else 0
            note = self._ledger.roster.book_notes[origin].note
            own = note.party == party and note.station == station
            found.append(Stretch(origin, size if own else min(proved.get(origin, 0), size), size))
        return found

    def opening(self, party: PartyId, station: str) -> list[bytes]:
        """The frames before all entries: greeting, notes, forks, and receipts for what the station holds already."""
        state = PeerState(Peer(party, station, "courier"), self._outgoing.handle)
        frames = [encode_frame(self._outgoing.hello())]
        for held in self._ledger.roster.charters[1:]:  # nobody takes a file without having joined by the first one
            self._outgoing.note(state, held.octets)
        for origin, book in self._ledger.books.items():
            self._outgoing.note(state, self._ledger.roster.book_notes[origin].octets)
            if book.fork is not None:
                self._outgoing.fork(state, book.fork)
        for stretch in self.stretches(party, station):
            self._receipts(state, self._ledger.books[stretch.origin], 0, stretch.start)
        return [*frames, *state.control, *state.quick]

    def entries(self, origin: Origin, start: int) -> tuple[list[bytes], int]:
        """One frame of entries from `start`, with every view, and the receipts that it completes; where the next begins.

        A frame ends at a head that somebody gave a receipt for, so that the receipt can be checked by who reads it.
        """
        book = self._ledger.books[origin]
        head = next(iter(self._heads(book, start)), None)
        if head is None:
            return [], start
        items: list[Item] = []
        octets, position = ENTRIES_RESERVE_OCTETS, start
        for entry in book.entries(start, min(head.size, start + 1_000)):
            octets += len(entry.body) + ENTRY_FIELDS_OCTETS
            if octets > FRAME_OCTETS_MAX and position > start:
                break
            items.append(entry_item(entry, entry.leaf.view))
            position += 1
        items.extend(book.cover_items(position, head.size))
        code = self._ledger.code(origin)
        frame = encode_frame(Entries(self._outgoing.handle, code, start, head.signature, tuple(items)))
        state = PeerState(Peer(PartyId(""), "", "courier"), self._outgoing.handle)
        self._receipts(state, book, start, position)
        return [frame, *state.control], position

    def _heads(self, book: BookCopy, start: int) -> Iterator[HeadRow]:
        """The heads above `start` that a frame may end at: those with receipts, and the newest."""
        if book.head is None or book.head.size <= start:
            return
        wanted = {row.size for row in book.receipts.values() if start < row.size < book.head.size}
        for size in sorted(wanted):
            (head, *_) = self._ledger.shelf.heads(book.origin, size)
            invariant(head.size == size, f"there is no head of {book.origin} at {size}, for which a receipt is held")
            yield head
        yield book.head

    def _receipts(self, state: PeerState, book: BookCopy, above: int, up_to: int) -> None:
        for row in book.receipts.values():
            if row.kind == COSIGNATURE and above < row.size <= up_to:
                self._outgoing.receipt(state, row)
