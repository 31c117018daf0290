"""What to say next to each peer: greetings, notes, receipts, and the entries it has not got, most urgent first.

It keeps FRAME-2, FRAME-3, FRAME-10, FRAME-11: what a peer is believed to hold comes from its HELLO and its receipts and
only decides what is sent, never what people are shown. Called after the turn's commit, so nothing here can leave early.
"""

from collections import deque
from dataclasses import dataclass, field

from detente.formats.entry import Precedence, Seen
from detente.formats.frame import (
    BookState,
    Entries,
    EntryItem,
    ForkFrame,
    Hello,
    Item,
    NoteFrame,
    ReceiptFrame,
    Subtree,
    Want,
    encode_frame,
)
from detente.ids import Milliseconds, Origin, PartyId, Ref, origin_of
from detente.limits import FRAME_OCTETS_MAX
from detente.protocol.book import BookCopy, Fork, HeldEntry
from detente.protocol.effects import CosignatureRow, GivenRow, HeadRow
from detente.protocol.events import Peer
from detente.protocol.ledger import Ledger

ENTRIES_RESERVE_OCTETS = 2_200  # head, signature and the hashes that close the tiling
ENTRY_FIELDS_OCTETS = 120  # an entry item without its body, generously
JUMP_OVER_ENTRIES_MIN = 32  # an urgent entry with fewer before it travels with them
SERVING_MS = 30_000  # how long a WANT for another's book is served on (the asker repeats it)


@dataclass(slots=True)
class PeerState:
    """One link, as seen by one channel."""

    peer: Peer
    handle: int  # ours for this channel
    hello_due: bool = True
    heard_hello: bool = False
    charter_number: int = 0
    holds: dict[Origin, int] = field(default_factory=dict)  # believed durable sizes
    sent: dict[Origin, int] = field(default_factory=dict)  # entries below this were given to the link
    urgent: dict[Origin, deque[int]] = field(default_factory=dict)
    serve_until: dict[Origin, Milliseconds] = field(default_factory=dict)  # others' books that it wants from us
    control: deque[bytes] = field(default_factory=deque)  # encoded frames that go before entries
    asked_whole: set[bytes] = field(default_factory=set)  # FRAME-5: the signatures that did not verify


class Outgoing:
    """The sending half of one channel's replication."""

    def __init__(self, ledger: Ledger, handle: int) -> None:
        self._ledger = ledger
        self._handle = handle
        self.peers: dict[Peer, PeerState] = {}
        # LADDER-2, sent: what is committed may be shown, for it will not be forgotten; the rest waits for the next turn
        self._given = {(row.origin, row.party): row.size for row in ledger.shelf.given()}
        self._just_given: dict[tuple[Origin, str], int] = {}

    # --- links

    def link_up(self, peer: Peer) -> PeerState:
        """A fresh link: nothing was said on it."""
        state = PeerState(peer, self._handle)
        self.peers[peer] = state
        return state

    def link_down(self, peer: Peer) -> None:
        """Forget what was sent: the next HELLO says where to resume."""
        self.peers.pop(peer, None)

    def set_back(self, by_ms: int) -> None:
        """See `Channel.set_back`."""
        for state in self.peers.values():
            state.serve_until = {origin: Milliseconds(until - by_ms) for origin, until in state.serve_until.items()}

    def was_given(self, party: PartyId, ref: Ref) -> bool:
        """LADDER-2, sent: whether an entry was handed to a link to a station of this party."""
        origin = origin_of(self._ledger.roster.channel, ref.party, ref.book)
        return self._given.get((origin, party), 0) > ref.index

    def given_rows(self) -> list[GivenRow]:
        """At a turn's end: what was handed to links since the last one."""
        grown = {place: size for place, size in self._just_given.items() if size > self._given.get(place, 0)}
        self._just_given.clear()
        self._given.update(grown)
        return [GivenRow(origin, party, size) for (origin, party), size in grown.items()]

    @property
    def has_just_given(self) -> bool:
        """Whether a turn is wanted soon to write down what was handed to links."""
        return bool(self._just_given)

    # --- small frames

    def note(self, state: PeerState, octets: bytes) -> None:
        """NOTE."""
        state.control.append(encode_frame(NoteFrame(self._handle, octets)))

    def note_to_all(self, octets: bytes) -> None:
        """NOTE to every peer that has greeted."""
        for state in self.peers.values():
            if state.heard_hello:
                self.note(state, octets)

    def want(self, state: PeerState, origin: Origin, start: int, *, whole: bool) -> None:
        """WANT."""
        state.control.append(encode_frame(Want(self._handle, self._ledger.code(origin), start, whole)))

    def fork(self, state: PeerState, fork: Fork) -> None:
        """FORK-2: hand the proof on."""
        a, b = fork.a, fork.b
        code = self._ledger.code(a.origin)
        frame = ForkFrame(self._handle, code, a.size, a.root, a.signature, b.signature, fork.tiles)
        state.control.append(encode_frame(frame))

    def receipt(self, state: PeerState, row: CosignatureRow) -> None:
        """RECEIPT."""
        place = self.cosigner_code(row.cosigner)
        if place is None:
            return
        code = self._ledger.code(row.origin)
        frame = ReceiptFrame(self._handle, code, row.size, place, row.timestamp, row.octets[8:])
        state.control.append(encode_frame(frame))

    def cosigner_code(self, name: str) -> int | None:
        """The number of a cosigner key in frames; None if the newest charter does not name it."""
        for party_place, party in enumerate(self._ledger.roster.newest.charter.parties):
            for station_place, station in enumerate(party.stations):
                if any(key is not None and key.name == name for key in (station.cosigner, station.pq)):
                    return 16 * station_place + party_place
        return None

    def greet(self, state: PeerState) -> None:
        """After the peer's HELLO: notes it lacks, proofs of forks, the newest receipts for every book: lost ones heal."""
        roster = self._ledger.roster
        for held in roster.charters:
            if held.charter.number > state.charter_number:
                self.note(state, held.octets)
        for origin in self._ledger.books:
            if origin not in state.holds:
                self.note(state, roster.book_notes[origin].octets)
        for book in self._ledger.books.values():
            if book.fork is not None:
                self.fork(state, book.fork)
            for row in book.receipts.values():
                self.receipt(state, row)

    def written(self, book: BookCopy, entries: list[HeldEntry]) -> None:
        """Entries were added to our book in the turn: note the urgent ones."""
        for entry in entries:
            if entry.leaf.precedence >= Precedence.IMMEDIATE:
                for state in self.peers.values():
                    state.urgent.setdefault(book.origin, deque()).append(entry.index)

    # --- entries

    def frames_for(self, peer: Peer, now: Milliseconds, room_octets: int) -> list[bytes]:
        """Encoded frames to give to this peer's link now, at most about `room_octets` and at least one if any is due."""
        state = self.peers.get(peer)
        if state is None:
            return []
        frames: list[bytes] = []
        if state.hello_due:
            state.hello_due = False
            frames.append(encode_frame(self._hello()))
        if not state.heard_hello:
            return frames
        octets = sum(map(len, frames))
        while octets < room_octets or not frames:
            frame = state.control.popleft() if state.control else self._next_entries(state, now)
            if frame is None:
                break
            frames.append(frame)
            octets += len(frame)
        return frames

    def due_precedence(self, peer: Peer, now: Milliseconds) -> int:
        """FRAME-11: the highest precedence waiting for this peer; -1 if nothing is."""
        state = self.peers.get(peer)
        if state is None:
            return -1
        if state.hello_due or state.control:
            return Precedence.FLASH
        if not state.heard_hello:
            return -1
        highest = -1
        for book in self._books_for(state, now):
            if book.head is not None and state.sent.get(book.origin, 0) < book.head.size:
                urgent = self._urgent(state, book) is not None
                highest = max(highest, int(Precedence.FLASH if urgent else Precedence.ROUTINE))
        return highest

    def _hello(self) -> Hello:
        books = []
        for origin, book in self._ledger.books.items():
            far = max(book.far_heads, default=book.size)
            books.append(BookState(self._ledger.code(origin), book.size, max(far, book.size)))
        newest = self._ledger.roster.newest
        return Hello(self._handle, self._ledger.roster.channel, 1, newest.charter.number, newest.digest, tuple(books))

    def _books_for(self, state: PeerState, now: Milliseconds) -> list[BookCopy]:
        return [
            book for origin, book in self._ledger.books.items() if book.ours or state.serve_until.get(origin, -1) >= now
        ]

    def _urgent(self, state: PeerState, book: BookCopy) -> int | None:
        """The first urgent entry that has a long queue before it."""
        waiting = state.urgent.get(book.origin)
        sent = state.sent.get(book.origin, 0)
        while waiting and waiting[0] < sent + JUMP_OVER_ENTRIES_MIN:
            waiting.popleft()
        return waiting[0] if waiting else None

    def _next_entries(self, state: PeerState, now: Milliseconds) -> bytes | None:
        behind: list[BookCopy] = []
        for book in self._books_for(state, now):
            if book.head is None or state.sent.get(book.origin, 0) >= book.head.size:
                continue
            urgent = self._urgent(state, book)
            if urgent is not None and urgent < book.head.size:
                state.urgent[book.origin].popleft()
                return self._jump(state, book, book.head, urgent)
            behind.append(book)
        return self._run(state, behind[0]) if behind else None

    def _run(self, state: PeerState, book: BookCopy) -> bytes:
        """As many entries from where the peer is as one frame holds, and the hashes that close the tiling."""
        start = state.sent.get(book.origin, 0)
        head = book.head
        if head is None:
            return b""
        items: list[EntryItem | Subtree] = []
        octets = ENTRIES_RESERVE_OCTETS
        position = start
        seen, without_view = None, False  # a burst was written in one turn, with one `seen`
        for entry in book.entries(start, min(head.size, start + 1_000)):
            octets += len(entry.body) + ENTRY_FIELDS_OCTETS
            if octets > FRAME_OCTETS_MAX and position > start:
                break
            if entry.leaf.seen != seen:
                seen, without_view = entry.leaf.seen, self._can_compute_view(state, entry.leaf.seen)
            items.append(_entry_item(entry, None if without_view else entry.leaf.view))
            position += 1
        items.extend(book.cover_items(position, head.size))
        state.sent[book.origin] = position
        if book.ours:
            self._just_given[book.origin, state.peer.party] = position
        return encode_frame(Entries(self._handle, self._ledger.code(book.origin), start, head.signature, tuple(items)))

    def _jump(self, state: PeerState, book: BookCopy, head: HeadRow, index: int) -> bytes:
        """One urgent entry ahead of what is still missing before it (FRAME-7)."""
        start = state.sent.get(book.origin, 0)
        entry = book.entries(index, index + 1)[0]
        items: tuple[Item, ...] = (
            *book.cover_items(start, index),
            _entry_item(entry, None if self._can_compute_view(state, entry.leaf.seen) else entry.leaf.view),
            *book.cover_items(index + 1, head.size),
        )
        return encode_frame(Entries(self._handle, self._ledger.code(book.origin), start, head.signature, items))

    def whole(self, state: PeerState, origin: Origin, start: int) -> None:
        """FRAME-5: the answer to WANT whole: the tree up to `start` as hashes, then entries with their views."""
        book = self._ledger.books.get(origin)
        if book is None or book.head is None or start > book.head.size:
            return
        items: list[EntryItem | Subtree] = list(book.cover_items(0, start))
        octets, position = ENTRIES_RESERVE_OCTETS, start
        for entry in book.entries(start, min(book.head.size, start + 200)):
            octets += len(entry.body) + ENTRY_FIELDS_OCTETS
            if octets > FRAME_OCTETS_MAX:
                break
            items.append(_entry_item(entry, entry.leaf.view))
            position += 1
        items.extend(book.cover_items(position, book.head.size))
        frame = Entries(self._handle, self._ledger.code(origin), 0, book.head.signature, tuple(items))
        state.control.append(encode_frame(frame))

    def _can_compute_view(self, state: PeerState, seen: Seen) -> bool:
        """FRAME-3: the view is left out where the peer holds all that it counts."""
        for origin, count in self._ledger.counted(seen):
            note = self._ledger.roster.book_notes[origin].note
            own = note.party == state.peer.party and note.station == state.peer.station
            if not own and state.holds.get(origin, 0) < count:
                return False
        return True


def _entry_item(entry: HeldEntry, view: bytes | None) -> EntryItem:
    leaf = entry.leaf
    return EntryItem(leaf.kind, leaf.at, leaf.precedence, leaf.epoch, leaf.seen, view, entry.body)
