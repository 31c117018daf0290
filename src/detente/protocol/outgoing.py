"""What to say next to each peer: greetings, notes, receipts, and the entries it has not got, most urgent first.

It keeps FRAME-2, FRAME-3, FRAME-10 to FRAME-12: what a peer is believed to hold comes from its HELLO and its receipts and
only decides what is sent, never what people are shown. Called after the turn's commit, so nothing here can leave early.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

from detente.formats.entry import Kind, Precedence, Seen
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
NARROW_RUN_OCTETS_MAX = 6_144  # entries and reserve of a frame on a narrow link: what an ended meeting loses is small
ENTRY_FIELDS_OCTETS = 120  # an entry item without its body, generously
JUMP_OVER_ENTRIES_MIN = 32  # an urgent entry with fewer before it travels with them
ENDS_MAX = 64  # frames on their way to one station of which the ends are remembered
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
    ends: dict[Origin, list[int]] = field(default_factory=dict)  # sizes that they may give the peer
    urgent: dict[Origin, deque[int]] = field(default_factory=dict)
    serve_until: dict[Origin, Milliseconds] = field(default_factory=dict)  # others' books that it wants from us
    quick: deque[bytes] = field(default_factory=deque)  # encoded small frames that may go before all others
    control: deque[bytes] = field(default_factory=deque)  # encoded frames that go before entries, in this order
    has_asked: bool = False  # a WANT was put into `quick`
    asked_whole: set[bytes] = field(default_factory=set)  # FRAME-5: the signatures that did not verify


class Outgoing:
    """The sending half of one channel's replication."""

    def __init__(self, ledger: Ledger, handle: int) -> None:
        self._ledger = ledger
        self.handle = handle
        self.peers: dict[Peer, PeerState] = {}
        # LADDER-2, sent: what is committed may be shown, for it will not be forgotten; the rest waits for the next turn
        self._given = {(row.origin, row.party): row.size for row in ledger.shelf.given()}
        self._just_given: dict[tuple[Origin, str], int] = {}
        self._flash_came: list[tuple[Origin, Peer]] = []

    # --- links

    def link_up(self, peer: Peer) -> PeerState:
        """A fresh link: nothing was said on it."""
        state = PeerState(peer, self.handle)
        self.peers[peer] = state
        return state

    def link_down(self, peer: Peer) -> None:
        """Forget what was sent: the next HELLO says where to resume. The next best link to the station takes over."""
        state = self.peers.get(peer)
        was_best = state is not None and self.is_best(state)
        self.peers.pop(peer, None)
        for other in self.links_to(peer) if was_best else ():
            if other.heard_hello and self.is_best(other):
                self._take_over(other)

    def links_to(self, peer: Peer) -> list[PeerState]:
        """All links to a station."""
        return [state for state in self.peers.values() if state.peer.place == peer.place]

    def is_best(self, state: PeerState) -> bool:
        """FRAME-12: whether this link carries what goes by one link only."""
        mine = _preference(state)
        return all(_preference(other) >= mine for other in self.links_to(state.peer))

    def best_links(self) -> list[PeerState]:
        """One link to each station."""
        return [state for state in self.peers.values() if self.is_best(state)]

    def flash_came(self, state: PeerState, origin: Origin) -> None:
        """A FLASH of this book came by this link: its receipt goes back by it, for the best one may be dead by now."""
        self._flash_came.append((origin, state.peer))

    def receipt_links(self, origin: Origin) -> list[PeerState]:
        """By which links a receipt of the turn for this book goes: one to each station, and those that brought a FLASH."""
        came = {peer for one, peer in self._flash_came if one == origin}
        return [state for state in self.peers.values() if state.peer in came or self.is_best(state)]

    def _take_over(self, state: PeerState) -> None:
        """FRAME-12: what the lost link carried may be lost; go on from what the station is believed to hold."""
        self._learn_proved(state)
        state.sent = dict(state.holds)
        state.ends.clear()
        state.hello_due = True
        self.greet(state)

    def has_receipt_of(self, row: CosignatureRow) -> None:
        """A verified receipt: the station that gave it holds so much, whichever link it is reached by."""
        place = self._ledger.roster.station_of_cosigner(row.cosigner)
        for state in self.peers.values():
            if state.peer.place == place:
                state.holds[row.origin] = max(state.holds.get(row.origin, 0), row.size)

    def _learn_proved(self, state: PeerState) -> None:
        for origin, size in proved_sizes(self._ledger, *state.peer.place).items():
            state.holds[origin] = max(size, state.holds.get(origin, 0))

    def set_back(self, by_ms: int) -> None:
        """See `Channel.set_back`."""
        for state in self.peers.values():
            state.serve_until = {origin: Milliseconds(until - by_ms) for origin, until in state.serve_until.items()}

    def was_given(self, party: PartyId, ref: Ref) -> bool:
        """LADDER-2, sent: whether an entry was handed to a link to a station of this party."""
        origin = origin_of(self._ledger.roster.channel, ref.party, ref.book)
        return self._given.get((origin, party), 0) > ref.index

    def handed(self, party: PartyId, sizes: tuple[tuple[Origin, int], ...]) -> None:
        """LADDER-2, sent: a courier has our entries below these sizes for this party."""
        for origin, size in sizes:
            book = self._ledger.books[origin]
            if book.ours:
                given = max(min(size, book.size), self._just_given.get((origin, party), 0))
                self._just_given[origin, party] = given

    def released(self) -> None:
        """The turn's receipts are on their way."""
        self._flash_came.clear()

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
        state.control.append(encode_frame(NoteFrame(self.handle, octets)))

    def note_to_all(self, octets: bytes) -> None:
        """NOTE to every station that has greeted."""
        for state in self.best_links():
            if state.heard_hello:
                self.note(state, octets)

    def want(self, state: PeerState, origin: Origin, start: int, *, whole: bool) -> None:
        """WANT."""
        state.has_asked = True
        state.quick.append(encode_frame(Want(self.handle, self._ledger.code(origin), start, whole)))

    def fork(self, state: PeerState, fork: Fork) -> None:
        """FORK-2: hand the proof on."""
        a, b = fork.a, fork.b
        code = self._ledger.code(a.origin)
        frame = ForkFrame(self.handle, code, a.size, a.root, a.signature, b.signature, fork.tiles)
        state.control.append(encode_frame(frame))

    def receipt(self, state: PeerState, row: CosignatureRow) -> None:
        """RECEIPT."""
        place = self.cosigner_code(row.cosigner)
        if place is None:
            return
        code = self._ledger.code(row.origin)
        frame = ReceiptFrame(self.handle, code, row.size, place, row.timestamp, row.octets[8:])
        # a receipt says nothing to a peer that has not got the note of the book yet
        (state.quick if row.origin in state.holds else state.control).append(encode_frame(frame))

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
        """Entries were added to our book in the turn: note the urgent ones. A FLASH goes by every link (FRAME-12)."""
        for entry in entries:
            if entry.leaf.precedence >= Precedence.IMMEDIATE:
                for state in self.peers.values():
                    if entry.leaf.precedence == Precedence.FLASH or self.is_best(state):
                        state.urgent.setdefault(book.origin, deque()).append(entry.index)

    # --- entries

    def frames_for(self, peer: Peer, now: Milliseconds, room_octets: int, *, urgent: bool = False) -> list[bytes]:
        """Encoded frames to give to this peer's link now, at most about `room_octets` and at least one if any is due.

        `urgent`: only those that may go ahead of everything else on a narrow link.
        """
        state = self.peers.get(peer)
        if state is None:
            return []
        frames: list[bytes] = []
        if state.hello_due:
            state.hello_due = False
            frames.append(encode_frame(self.hello()))
        if not state.heard_hello:
            return frames
        octets = sum(map(len, frames))
        while octets < room_octets or not frames:
            frame = self._next_frame(state, now, urgent=urgent)
            if frame is None:
                break
            frames.append(frame)
            octets += len(frame)
        return frames

    def _next_frame(self, state: PeerState, now: Milliseconds, *, urgent: bool) -> bytes | None:
        if state.quick:
            return state.quick.popleft()
        if state.control and not urgent:
            return state.control.popleft()
        ahead = self._next_ahead(state)
        if ahead is not None or urgent or not self.is_best(state):
            return ahead
        return self._next_run(state, now)

    def due_precedence(self, peer: Peer, now: Milliseconds, *, urgent: bool = False) -> int:
        """FRAME-11: the highest precedence waiting for this peer; -1 if nothing is. `urgent` as in `frames_for`."""
        state = self.peers.get(peer)
        if state is None:
            return -1
        if state.hello_due or state.quick or (state.control and not urgent):
            return Precedence.FLASH
        if not state.heard_hello:
            return -1
        if any(self._ahead(state, book) is not None for book in self._own_books()):
            return Precedence.FLASH
        return Precedence.ROUTINE if not urgent and self.is_best(state) and self._behind(state, now) else -1

    def hello(self) -> Hello:
        """HELLO: what we hold now."""
        books = []
        for origin, book in self._ledger.books.items():
            far = max(book.far_heads, default=book.size)
            books.append(BookState(self._ledger.code(origin), book.size, max(far, book.size)))
        newest = self._ledger.roster.newest
        return Hello(self.handle, self._ledger.roster.channel, 1, newest.charter.number, newest.digest, tuple(books))

    def _own_books(self) -> list[BookCopy]:
        return [book for book in self._ledger.books.values() if book.ours]

    def _behind(self, state: PeerState, now: Milliseconds) -> BookCopy | None:
        """The first book of which this peer is to get more: one of ours, or one that it asked for."""
        for origin, book in self._ledger.books.items():
            wanted = book.ours or state.serve_until.get(origin, -1) >= now
            if wanted and book.head is not None and state.sent.get(origin, 0) < book.head.size:
                return book
        return None

    def _ahead(self, state: PeerState, book: BookCopy) -> int | None:
        """The first urgent entry that is to go ahead of others on this link.

        On the best one, if it is a wide one, an entry with few before it travels with them.
        """
        waiting = state.urgent.get(book.origin)
        if not waiting or book.head is None:
            return None
        wide = not state.peer.is_narrow and self.is_best(state)
        done = state.sent.get(book.origin, 0) + JUMP_OVER_ENTRIES_MIN if wide else state.holds.get(book.origin, 0)
        while waiting and waiting[0] < done:
            waiting.popleft()
        return waiting[0] if waiting and waiting[0] < book.head.size else None

    def _next_ahead(self, state: PeerState) -> bytes | None:
        for book in self._own_books():
            index = self._ahead(state, book)
            if index is not None and book.head is not None:
                state.urgent[book.origin].popleft()
                return self._jump(state, book, book.head, index)
        return None

    def _next_run(self, state: PeerState, now: Milliseconds) -> bytes | None:
        book = self._behind(state, now)
        return self._run(state, book) if book is not None else None

    def _run(self, state: PeerState, book: BookCopy) -> bytes:
        """As many entries from where the peer is as one frame holds, and the hashes that close the tiling."""
        start = state.sent.get(book.origin, 0)
        head = book.head
        if head is None:
            return b""
        items: list[EntryItem | Subtree] = []
        octets = ENTRIES_RESERVE_OCTETS
        octets_max = NARROW_RUN_OCTETS_MAX if state.peer.is_narrow else FRAME_OCTETS_MAX
        position = start
        seen, without_view = None, False  # a burst was written in one turn, with one `seen`
        for entry in book.entries(start, min(head.size, start + 1_000)):
            octets += len(entry.body) + ENTRY_FIELDS_OCTETS
            if octets > octets_max and position > start:
                break
            if entry.leaf.seen != seen:
                seen, without_view = entry.leaf.seen, self._can_compute_view(state, entry.leaf.seen)
            items.append(entry_item(entry, None if without_view else entry.leaf.view))
            position += 1
        items.extend(book.cover_items(position, head.size))
        self._gave(state, book, position)
        return encode_frame(Entries(self.handle, self._ledger.code(book.origin), start, head.signature, tuple(items)))

    def _gave(self, state: PeerState, book: BookCopy, position: int) -> None:
        state.sent[book.origin] = position
        self._may_hold(state, book, position)
        if book.ours:
            self._just_given[book.origin, state.peer.party] = position

    @staticmethod
    def _may_hold(state: PeerState, book: BookCopy, size: int) -> None:
        """What is on its way may make this the peer's size of a book."""
        held = state.holds.get(book.origin, 0)
        ends = [end for end in state.ends.get(book.origin, ()) if end > held]
        state.ends[book.origin] = [*ends, size][-ENDS_MAX:]

    def _jump(self, state: PeerState, book: BookCopy, head: HeadRow, index: int) -> bytes:
        """One urgent entry ahead of what is still missing before it (FRAME-7), and the keys to read it if those are.

        A wide link keeps the order, so the frame begins where the last one ended. Otherwise it begins at what the peer is
        believed to hold, and has a boundary wherever a frame on its way ends, for one of them will be the peer's size.
        """
        start = sent = state.sent.get(book.origin, 0)
        bounds: list[int] = []
        if state.peer.is_narrow or not self.is_best(state):
            self._learn_proved(state)
            start = min(state.holds.get(book.origin, 0), index)
            ends = {end for other in self.links_to(state.peer) for end in other.ends.get(book.origin, ())}
            bounds = sorted(end for end in ends if start < end <= index)
        (entry,) = book.entries(index, index + 1)
        wanted = [entry.leaf.epoch, index] if entry.leaf.kind == Kind.SEALED and entry.leaf.epoch >= start else [index]
        items: list[Item] = []
        position = start
        for one in wanted:
            for begin, end in pairwise((position, *(end for end in bounds if position < end < one), one)):
                items.extend(book.cover_items(begin, end))
            (entry,) = book.entries(one, one + 1)
            items.append(entry_item(entry, None if self._can_compute_view(state, entry.leaf.seen) else entry.leaf.view))
            position = one + 1
            self._may_hold(state, book, position)
        items.extend(book.cover_items(position, head.size))
        if self.is_best(state) and wanted == list(range(sent, index + 1)):
            self._gave(state, book, index + 1)
        return encode_frame(Entries(self.handle, self._ledger.code(book.origin), start, head.signature, tuple(items)))

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
            items.append(entry_item(entry, entry.leaf.view))
            position += 1
        items.extend(book.cover_items(position, book.head.size))
        frame = Entries(self.handle, self._ledger.code(origin), 0, book.head.signature, tuple(items))
        state.control.append(encode_frame(frame))

    def _can_compute_view(self, state: PeerState, seen: Seen) -> bool:
        """FRAME-3: the view is left out where the peer holds all that it counts."""
        for origin, count in self._ledger.counted(seen):
            note = self._ledger.roster.book_notes[origin].note
            own = note.party == state.peer.party and note.station == state.peer.station
            if not own and state.holds.get(origin, 0) < count:
                return False
        return True


def proved_sizes(ledger: Ledger, party: PartyId, station: str) -> dict[Origin, int]:
    """How much of each book a station is proved to hold: by its receipts, and by the newest `seen` that we could check.

    What its receipts say of the time before its newest book does not count: it may have been restored from an old copy.
    """
    sizes: dict[Origin, int] = {}
    written = [
        ledger.books[origin]
        for origin, held in ledger.roster.book_notes.items()
        if origin in ledger.books and held.note.party == party and held.note.station == station
    ]
    newest = max(written, key=lambda book: book.number, default=None)
    if newest is not None and newest.viewed:
        seen = newest.entries(newest.viewed - 1, newest.viewed)[0].leaf.seen
        sizes.update((one.origin, one.count) for one in ledger.counted(seen) if one.origin in ledger.books)
    if newest is not None and newest.number > 1:
        return sizes
    for origin, book in ledger.books.items():
        for name, row in book.receipts.items():
            if ledger.roster.station_of_cosigner(name) == (party, station):
                sizes[origin] = max(row.size, sizes.get(origin, 0))
    return sizes


def _preference(state: PeerState) -> tuple[bool, int, str]:
    """Of two links to one station the one with the smaller value is better."""
    return not state.heard_hello, state.peer.rank, state.peer.bearer


def entry_item(entry: HeldEntry, view: bytes | None) -> EntryItem:
    """An entry as it travels; without its view where the receiver can compute it (FRAME-3)."""
    leaf = entry.leaf
    return EntryItem(leaf.kind, leaf.at, leaf.precedence, leaf.epoch, leaf.seen, view, entry.body)
