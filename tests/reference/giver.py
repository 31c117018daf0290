"""A station that gives receipts for what it takes, as in spec/2-tree.md (RECEIPT-3 to RECEIPT-6; FRAME-8, FORK-2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference import frames
from tests.reference.checkpoints import Checkpoint, cosigned_message
from tests.reference.encoding import encode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from tests.reference.charter import Station
    from tests.reference.receiver import HeldBook, Receiver

Given = tuple[int, int, bytes]  # size, timestamp and signature
State = tuple[int, frozenset[int], int]  # the durable size, the indexes above a gap, the largest verified head


@dataclass
class Giver:
    """A station of a party with its receiving half, its private key, and the receipts that it gave, by book."""

    party: str
    station: str
    private: Ed25519PrivateKey
    receiver: Receiver
    given: dict[int, list[Given]] = field(default_factory=dict)

    def receive(self, octets: bytes, now: int) -> list[bytes]:
        """Take a frame and return the RECEIPT frames that it calls for, at the time `now` in seconds."""
        frame = frames.read_frame(octets)
        before = self._state(frame)
        self.receiver.receive(octets)
        if not isinstance(frame, frames.Entries):
            return []
        found, book = self._own_station(), self.receiver.books.get(frame.book)
        own_party = self.receiver.holder.newest.place(self.party) == frame.book % 16
        if found is None or book is None or own_party:  # RECEIPT-1, RECEIPT-6
            return []
        number, station = found
        new = self._new(book, station, now)
        if new is not None:
            return [self._frame(frame, number, new)]
        proved = frame.start <= book.size and self._end(frame) in book.heads
        if not proved or before != self._state(frame):
            return []
        repeated = self._first(frame.book, min(self._end(frame), book.size))  # FRAME-8
        return [] if repeated is None else [self._frame(frame, number, repeated)]

    def _state(self, frame: frames.Frame) -> State:
        """Return what is held of the frame's book, to see whether the frame brought anything new."""
        book = self.receiver.books.get(frame.book) if isinstance(frame, frames.Entries) else None
        if book is None:
            return 0, frozenset(), 0
        return book.size, frozenset(book.above), book.head

    def _end(self, frame: frames.Entries) -> int:
        """Return the size at which the items end."""
        return frame.start + sum(1 << item[0] if isinstance(item, tuple) else 1 for item in frame.items)

    def _own_station(self) -> tuple[int, Station] | None:
        """Return the own number and station by the newest charter; None if it does not name this key (RECEIPT-1)."""
        public = self.private.public_key().public_bytes_raw()
        for place, party in enumerate(self.receiver.holder.newest.parties):
            for station_place, station in enumerate(party.stations):
                named = (party.id, station.id) == (self.party, self.station)
                if named and station.cosigner is not None and station.cosigner.public == public:
                    return 16 * station_place + place, station
        return None

    def _new(self, book: HeldBook, station: Station, now: int) -> Given | None:
        """Give a receipt that may be given and is larger than all before (RECEIPT-3, RECEIPT-4, FORK-2)."""
        size = book.largest_whole_head if station.statement == "holds" else book.shown
        before = self.given.setdefault(book.number, [])
        largest, latest = (before[-1][0], before[-1][1]) if before else (0, 0)
        if book.forked or station.cosigner is None or size <= largest:
            return None
        timestamp = max(now, latest)
        text = Checkpoint(book.key.name, size, book.heads[size][0]).text()
        signature = self.private.sign(cosigned_message(station.cosigner, timestamp, text))
        before.append((size, timestamp, signature))
        return before[-1]

    def _first(self, number: int, size: int) -> Given | None:
        """Return the first receipt that covers the entries below a size (RECEIPT-5)."""
        covering = [given for given in self.given.get(number, []) if given[0] >= size > 0]
        return min(covering, default=None)

    def _frame(self, frame: frames.Entries, number: int, given: Given) -> bytes:
        """Write the RECEIPT frame."""
        size, timestamp, signature = given
        return encode([frames.RECEIPT, frame.handle, frame.book, size, number, timestamp, signature])
