"""Receipts given and got: RECEIPT-1 to RECEIPT-6, FRAME-9, STORE-4.

It keeps: a receipt is given only over a head of which every byte below is durable (the same transaction holds both), never
below an older one and never against what the anchor says; a receipt got counts only if it verifies over the root we hold.
"""

from collections.abc import Iterator

from detente.crypto.signing import ED25519_SIGNATURE_OCTETS, SigningKey
from detente.errors import Malformed
from detente.formats.frame import ReceiptFrame
from detente.ids import Milliseconds, Origin, PartyId
from detente.protocol.book import BookCopy
from detente.protocol.effects import AnchorRecord, CosignatureRow, HeadRow
from detente.protocol.ledger import Ledger
from detente.protocol.outgoing import Outgoing, PeerState
from detente.protocol.shelf import Keyring
from detente.tlog.checkpoint import (
    checkpoint_text,
    cosign,
    verify_cosignature,
)
from detente.tlog.vkeys import COSIGNATURE, VerifierKey


class Receipts:
    """The receipts of one channel."""

    def __init__(self, ledger: Ledger, keyring: Keyring, party: PartyId, station: str) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._party = party
        self._station = station
        self._given: list[CosignatureRow] = []
        self._key: SigningKey | None = None
        self.floor: dict[Origin, tuple[int, bytes]] = {}  # STORE-4: the anchor's newest cosigned heads

    def ours(self) -> tuple[VerifierKey, str] | None:
        """Our cosigner key and its statement by the newest charter; None if the charter gives us none."""
        parties = self._ledger.roster.newest.charter.parties
        stations = (station for party in parties if party.id == self._party for station in party.stations)
        station = next((one for one in stations if one.id == self._station), None)  # an amendment may leave us out
        return (station.cosigner, station.statement) if station is not None and station.cosigner is not None else None

    def give(self, now: Milliseconds) -> Iterator[AnchorRecord]:
        """At the turn's end: a receipt for every book of another party whose held part grew to a new head."""
        found = self.ours()
        if found is None:
            return
        vkey, statement = found
        if self._key is None or self._key.public != vkey.public:
            self._key = self._keyring.signing_key("cosigner", vkey.public)
        if self._key is None:
            return
        for book in self._ledger.books.values():
            head = self._head_to_cosign(book, statement)
            if head is None:
                continue
            before = book.receipts.get(vkey.name)
            if before is not None and head.size <= before.size:
                continue  # RECEIPT-4
            timestamp = max(now // 1000, before.timestamp if before else 0)
            octets = cosign(self._key, checkpoint_text(head.origin, head.size, head.root), timestamp)
            row = CosignatureRow(head.origin, head.size, vkey.name, COSIGNATURE, timestamp, octets)
            book.receipts[vkey.name] = row
            self._ledger.work.cosignatures.append(row)
            self._given.append(row)
            yield AnchorRecord(False, head.origin, head.size, head.root)

    def _head_to_cosign(self, book: BookCopy, statement: str) -> HeadRow | None:
        if book.party == self._party or book.fork is not None:
            return None  # RECEIPT-6; a forked book gets no further receipt from us
        head, joined = book.head, book.joined
        if statement == "saw" and joined is not None and (head is None or joined.size > head.size):
            head = joined  # RECEIPT-3
        floor = self.floor.get(book.origin)
        if head is None or floor is None:
            return head
        size, root = floor
        if head.size < size or book.size < size or book.root(size) != root:
            return None  # STORE-4: not below the anchor, not against it
        return head

    def released(self, outgoing: Outgoing) -> None:
        """After the commit: the receipts of the turn go to every station of the channel."""
        for row in self._given:
            for state in outgoing.receipt_links(row.origin):
                outgoing.receipt(state, row)
        self._given.clear()

    def repeat(self, book: BookCopy, size: int, state: PeerState, outgoing: Outgoing) -> None:
        """RECEIPT-5: entries came again; answer with the first receipt of ours that covers them."""
        found = self.ours()
        if found is None or book.party == self._party:
            return
        for row in self._ledger.shelf.cosignatures(book.origin, size):
            if row.cosigner == found[0].name:
                outgoing.receipt(state, row)
                return

    def take(self, book: BookCopy, frame: ReceiptFrame) -> CosignatureRow | None:
        """FRAME-9: verify and keep a receipt; None if it says nothing new. Raises Malformed."""
        post_quantum = len(frame.signature) != ED25519_SIGNATURE_OCTETS
        vkey = self._cosigner(frame.cosigner, post_quantum=post_quantum)
        if vkey is None or vkey.name not in self._ledger.roster.cosigners(book.party):
            return None
        before = book.receipts.get(vkey.name)
        if before is not None and frame.size <= before.size:
            return None
        if frame.size > book.size or not self._is_head(book, frame.size):
            return None
        text = checkpoint_text(book.origin, frame.size, book.root(frame.size))
        octets = frame.timestamp.to_bytes(8, "big") + frame.signature
        if verify_cosignature(vkey, text, octets) is None:
            raise Malformed(
                f"the receipt of {vkey.name} for {book.origin} at {frame.size} does not verify", rule="FRAME-9"
            )
        row = CosignatureRow(book.origin, frame.size, vkey.name, vkey.kind, frame.timestamp, octets)
        book.receipts[vkey.name] = row
        self._ledger.work.cosignatures.append(row)
        return row

    def _cosigner(self, code: int, *, post_quantum: bool) -> VerifierKey | None:
        parties = self._ledger.roster.newest.charter.parties
        party_place, station_place = code % 16, code // 16
        if party_place >= len(parties) or station_place >= len(parties[party_place].stations):
            return None
        station = parties[party_place].stations[station_place]
        return station.pq if post_quantum else station.cosigner

    def _is_head(self, book: BookCopy, size: int) -> bool:
        if book.head is not None and book.head.size == size:
            return True
        stored = self._ledger.shelf.heads(book.origin, size)
        return bool(stored) and stored[0].size == size
