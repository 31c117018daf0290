"""What a frame does: greetings, notes, entries, receipts, requests, proofs of forks. FRAME-1 to FRAME-9, FORK-1, FORK-2.

It keeps: a frame is proved whole before anything changes; what does not verify is a bad frame of whoever sent it and
accuses nobody; what verifies and contradicts what was verified before is a fork, with its proof.
"""

import contextlib
from dataclasses import dataclass, field
from typing import NamedTuple

from detente.errors import Equivocation, Malformed
from detente.formats.entry import Body, Kind, Precedence, decode_body
from detente.formats.frame import (
    Entries,
    EntryItem,
    ForkFrame,
    Frame,
    Hello,
    NoteFrame,
    ReceiptFrame,
    Want,
    encode_frame,
)
from detente.ids import Milliseconds, Origin, PartyId, Ref, split_origin
from detente.limits import WHOLE_ASKED_MAX
from detente.protocol.book import BookCopy, Fork, HeldEntry, Proved, fork_shown, held_entry
from detente.protocol.effects import FindingRow, HeadRow
from detente.protocol.events import Peer
from detente.protocol.ledger import Ledger
from detente.protocol.outgoing import SERVING_MS, Outgoing, PeerState
from detente.protocol.receipts import Receipts

GOSSIP_MS = (
    500  # how often news of others' books is told to peers, and how soon a missing part is asked of a third station
)
DIRECT_GRACE_MS = 2_000  # a writer with a direct link is given this long before a third station is asked
ASK_AGAIN_MS = 10_000


@dataclass(slots=True)
class _Behind:
    """A book of which a peer says it holds more than we do."""

    since: Milliseconds
    asked: int = -ASK_AGAIN_MS
    holders: dict[Peer, int] = field(default_factory=dict)
    tries: dict[Peer, int] = field(default_factory=dict)  # how often each was asked


class Adoption(NamedTuple):
    """BOOK-16: what to adopt, and the book if it is a book note."""

    what: str
    number: int
    digest: bytes
    book: BookCopy | None


class Incoming:
    """The receiving half of one channel's replication."""

    def __init__(self, ledger: Ledger, outgoing: Outgoing, receipts: Receipts, party: PartyId, station: str) -> None:
        self._ledger = ledger
        self._outgoing = outgoing
        self._receipts = receipts
        self._party = party
        self._station = station
        self._taken: dict[Origin, list[HeldEntry]] = {}
        self.learned: list[tuple[Origin, int, Body]] = []  # what unsealed entries said that came in this turn
        self.learned_far: list[tuple[Origin, int, Body]] = []  # the same of keys entries above gaps (FRAME-12)
        self._held_far: list[tuple[Ref, bytes]] = []
        self._behind: dict[Origin, _Behind] = {}
        self._told_sizes: dict[Origin, int] = {}
        self._next_gossip: Milliseconds | None = None
        self.writing: BookCopy | None = None  # the book that this station writes in
        self.contradicted: dict[Origin, str] = {}  # our own books of which somebody holds more than we wrote

    # --- frames

    def receive(self, peer: Peer, frame: Frame, now: Milliseconds) -> None:
        """One frame of this channel. Raises PeerViolation; then nothing of it was kept."""
        state = self._outgoing.peers.get(peer)
        if state is None:
            raise Malformed(f"a frame of {peer}, which has no link", rule="FRAME-1")
        self._one(state, frame, now)

    def brought(self, frame: Frame, now: Milliseconds) -> list[Ref]:
        """COURIER-4: one frame out of a file; what is new of it, a receipt by the last entry that it covers.

        Raises PeerViolation; then nothing of it was kept.
        """
        state = PeerState(Peer(PartyId(""), "", "courier"), 0)
        if isinstance(frame, Hello):
            self._check_greeting(state, frame)
            return []
        if isinstance(frame, Want):
            raise Malformed("a file asks for something, and whoever reads it cannot answer", rule="COURIER-4")
        work = self._ledger.work
        entries, cosignatures = len(work.entries), len(work.cosignatures)
        self._one(state, frame, now)
        if state.has_asked:  # and there is nobody to answer
            raise Malformed(
                "this frame does not follow from what is held here: it is damaged, or an older file comes first",
                rule="COURIER-4",
            )
        refs = [Ref(*split_origin(row.origin)[1:], row.index) for row in work.entries[entries:]]
        return refs + [Ref(*split_origin(row.origin)[1:], row.size - 1) for row in work.cosignatures[cosignatures:]]

    def _one(self, state: PeerState, frame: Frame, now: Milliseconds) -> None:
        match frame:
            case Hello():
                self._hello(state, frame, now)
            case NoteFrame(_, octets):
                self.take_note(octets, state)
            case Entries():
                self._entries(state, frame, now)
            case ReceiptFrame():
                self._receipt(state, frame, now)
            case Want():
                self._want(state, frame, now)
            case ForkFrame():
                self._fork(frame)

    def _check_greeting(self, state: PeerState, hello: Hello) -> None:
        roster = self._ledger.roster
        if hello.channel != roster.channel:
            raise Malformed(f"a HELLO for {hello.channel}", rule="FRAME-1")
        known = next((h for h in roster.charters if h.charter.number == hello.number), None)
        if known is not None and known.digest != hello.digest:
            raise Malformed(
                f"{state.peer} stands under another charter {hello.number} of this channel; the parties must compare "
                f"fingerprints (`detente charter show`)",
                rule="CHARTER-6",
            )

    def _hello(self, state: PeerState, hello: Hello, now: Milliseconds) -> None:
        self._check_greeting(state, hello)
        first = not state.heard_hello
        state.heard_hello = True
        state.charter_number = hello.number
        for code, size, _ in hello.books:
            origin = self._ledger.by_code(code)
            if origin is None:
                continue
            state.holds[origin] = max(size, state.holds.get(origin, 0))
            book = self._ledger.books.get(origin)
            if first:
                state.sent[origin] = min(size, book.size if book else size)
            if size > (book.size if book else 0):
                self._behind.setdefault(origin, _Behind(now)).holders[state.peer] = size
                self._schedule(now)
        if first and self._outgoing.is_best(state):
            self._outgoing.greet(state)

    def take_note(self, octets: bytes, state: PeerState | None) -> None:
        """NOTE, or a note brought by an operator (state None). A second, different one is kept as evidence."""
        roster = self._ledger.roster
        try:
            row = roster.take(octets)
        except Equivocation as fault:
            channel = Origin(roster.channel)
            self._ledger.work.findings.append(FindingRow(channel, 0, fault.rule, fault.text, octets))
            raise
        if row is None:
            return
        self._ledger.work.notes.append(row)
        for held in roster.book_notes.values():
            ours = held.note.party == self._party and held.note.station == self._station
            if held.digest == row.digest and not ours and held.origin not in self._ledger.books:
                self._ledger.add(held, ours=False)
        for other in self._outgoing.best_links():
            if other is not state and other.heard_hello and (row.kind == "charter" or self._is_open(row.digest)):
                self._outgoing.note(other, octets)

    def _is_open(self, digest: bytes) -> bool:
        return any(self._ledger.roster.book_notes[origin].digest == digest for origin in self._ledger.books)

    def _entries(self, state: PeerState, frame: Entries, now: Milliseconds) -> None:
        origin = self._ledger.by_code(frame.book)
        book = self._ledger.books.get(origin) if origin is not None else None
        if book is None:
            raise Malformed("entries of a book whose note was not brought", rule="OPEN-3")
        if frame.start > book.size:
            self._outgoing.want(state, book.origin, book.size, whole=False)
            return
        views: list[bytes] = []
        known: list[bool] = []
        for item in frame.items:
            if isinstance(item, EntryItem):
                view = item.view if item.view is not None else self._ledger.view_of(item.seen)
                if view is None:
                    self._ask_whole(state, book, frame.signature)  # several frames of one head may have left views out
                    return
                views.append(view)
                known.append(item.view is None)
        try:
            proved = book.prove(frame.start, frame.signature, frame.items, views)
        except Malformed:
            if not self._ask_whole(state, book, frame.signature):
                raise
            return
        self._take_proved(state, book, proved, known, now)

    def _ask_whole(self, state: PeerState, book: BookCopy, signature: bytes) -> bool:
        """FRAME-5: ask once for the head with this signature, from the largest head we verified; False if it is refused."""
        if signature in state.asked_whole or len(state.asked_whole) >= WHOLE_ASKED_MAX:
            return False
        state.asked_whole.add(signature)
        start = book.head.size if book.head is not None else 0
        self._outgoing.want(state, book.origin, start, whole=True)
        return True

    def _take_proved(
        self, state: PeerState, book: BookCopy, proved: Proved, known: list[bool], now: Milliseconds
    ) -> None:
        if book is self.writing:
            if proved.head.size > book.size or proved.head.root != book.root(proved.head.size):
                self._contradict(book, proved.head)
            return
        if book.fork is not None:
            return  # FORK-2: work goes on with the history held first
        fork = book.fork_with(proved)
        if fork is not None:
            self._keep_fork(book, fork)
            return
        if not proved.joins:
            return  # nothing shows that its tree begins with what is held here; what is missing is asked for again
        size, far = book.size, len(self._held_far)
        for entry, view_known in zip(proved.entries, known, strict=True):
            if entry.index >= book.size:
                self._take_entry(state, book, entry, view_known=view_known)
        new_far = len(self._held_far) > far
        state.holds[book.origin] = max(state.holds.get(book.origin, 0), proved.start)
        new_head = book.head is None or proved.head.size > book.head.size
        if new_head:
            new_head = proved.head.size not in book.far_heads
            if new_head:
                self._ledger.work.heads.append(proved.head)
            book.take_head(proved)
        self._settle_heads(state, book)
        if book.size == size and not new_far and not new_head:
            self._receipts.repeat(book, min(proved.head.size, size), state, self._outgoing)
        self._schedule(now)

    def _take_entry(self, state: PeerState, book: BookCopy, entry: HeldEntry, *, view_known: bool) -> None:
        """Take one entry at the book's size, or keep it above a gap (FRAME-7)."""
        if entry.leaf.precedence == Precedence.FLASH:
            self._outgoing.flash_came(state, book.origin)
        if entry.index == book.size:
            self._take(book, entry, view_known=view_known)
        elif entry.index not in book.far_entries:
            self._ledger.take_far(book, entry)
            if entry.leaf.kind == Kind.KEYS:
                with contextlib.suppress(Malformed):  # marked when it joins its book (BOOK-12)
                    self.learned_far.append((book.origin, entry.index, decode_body(entry.leaf.kind, entry.body)))
            self._held_far.append((Ref(book.party, book.number, entry.index), entry.leaf_hash))
        self._join_far(book)

    def _take(self, book: BookCopy, entry: HeldEntry, *, view_known: bool) -> None:
        body = self._ledger.take(book, entry, view_known=view_known)
        if body is not None:
            self.learned.append((book.origin, entry.index, body))
        self._taken.setdefault(book.origin, []).append(entry)

    def _join_far(self, book: BookCopy) -> None:
        """Entries that were held above a gap and now follow without one."""
        while book.size in book.far_entries:
            rows = self._ledger.shelf.entries(book.origin, book.size, book.size + 1)
            entry = held_entry(rows[0]) if rows else self._far_of_this_turn(book)
            self._take(book, entry, view_known=False)

    def _far_of_this_turn(self, book: BookCopy) -> HeldEntry:
        row = next(r for r in self._ledger.work.entries if r.origin == book.origin and r.index == book.size)
        return held_entry(row)

    def _settle_heads(self, state: PeerState, book: BookCopy) -> None:
        """FRAME-7: heads that we now hold every entry of become the near head, if they are heads of what we hold."""
        for size in sorted(book.far_heads):
            if size <= book.size:
                head = book.far_heads.pop(size)
                if head.root != book.root(size):
                    self._ask_whole(
                        state, book, head.signature
                    )  # another history is signed; the whole proves it (FORK-1)
                elif book.head is None or size > book.head.size:
                    book.head = head

    def _contradict(self, book: BookCopy, head: HeadRow) -> None:
        """Protocol section 7: a head of our own book that we did not write. Alarm, and stop that book."""
        text = f"{book.origin} has a signed head at {head.size} that this station did not write; it wrote {book.size} entries"
        if book.origin not in self.contradicted:
            self._ledger.find(book, head.size, "STORE-3", text, head.signature)
            self.contradicted[book.origin] = text

    def _keep_fork(self, book: BookCopy, fork: Fork) -> None:
        """FORK-2."""
        if book.fork is not None:
            return
        book.fork = fork
        frame = ForkFrame(
            0, self._ledger.code(book.origin), fork.a.size, fork.a.root, fork.a.signature, fork.b.signature, fork.tiles
        )
        text = f"two histories are signed: {fork.a.size} and {fork.b.size} entries do not agree"
        self._ledger.find(book, fork.a.size, "FORK-1", text, encode_frame(frame))
        if book is self.writing:
            self.contradicted[book.origin] = f"{book.origin}: {text}"
        for state in self._outgoing.best_links():
            self._outgoing.fork(state, fork)

    def _fork(self, frame: ForkFrame) -> None:
        origin = self._ledger.by_code(frame.book)
        book = self._ledger.books.get(origin) if origin is not None else None
        if book is None:
            raise Malformed("a fork of a book whose note was not brought", rule="FORK-1")
        self._keep_fork(book, fork_shown(book, frame))

    def _receipt(self, state: PeerState, frame: ReceiptFrame, now: Milliseconds) -> None:
        origin = self._ledger.by_code(frame.book)
        book = self._ledger.books.get(origin) if origin is not None else None
        if book is None:
            return
        try:
            row = self._receipts.take(book, frame)
        except Malformed:
            # the cosigner may have signed another history of this book
            if book.ours or not self._ask_whole(state, book, frame.signature):
                raise
            return
        if row is not None:
            self._outgoing.has_receipt_of(row)
            for other in self._outgoing.best_links():
                if other.peer.place != state.peer.place and other.heard_hello:
                    self._outgoing.receipt(other, row)
            self._schedule(now)

    def _want(self, state: PeerState, want: Want, now: Milliseconds) -> None:
        origin = self._ledger.by_code(want.book)
        if origin is None or origin not in self._ledger.books:
            return
        if want.whole:
            self._outgoing.whole(state, origin, want.start)
        else:
            state.sent[origin] = want.start
            state.serve_until[origin] = Milliseconds(now + SERVING_MS)

    # --- what the turn makes of it

    def taken(self) -> list[tuple[Origin, list[HeldEntry]]]:
        """Entries of others that joined their books since the last call, by book."""
        taken, self._taken = self._taken, {}
        return list(taken.items())

    def held_above_gaps(self) -> list[tuple[Ref, bytes]]:
        """Entries kept above a gap since the last call (STATUS-2)."""
        held, self._held_far = self._held_far, []
        return [(ref, leaf_hash) for ref, leaf_hash in held if ref.party != self._party]

    def adoptions(self, own: BookCopy) -> list[Adoption]:
        """BOOK-16: amendments in force and later books of others, once opened, that our book has not adopted yet."""
        roster = self._ledger.roster
        adopted = self._ledger.adopted
        charters = [
            Adoption("charter", held.charter.number, held.digest, None)
            for held in roster.charters
            if held.charter.number > own.charter.number and held.digest not in adopted
        ]
        notes = [
            Adoption("book", book.number, roster.book_notes[origin].digest, book)
            for origin, book in self._ledger.books.items()
            if book.number > 1 and book.size > 0 and not book.ours and roster.book_notes[origin].digest not in adopted
        ]
        return charters + notes

    # --- gossip: others' books and receipts by way of third stations (FRAME-10)

    def _schedule(self, now: Milliseconds) -> None:
        if self._next_gossip is None:
            self._next_gossip = Milliseconds(now + GOSSIP_MS)

    def next_tick(self, now: Milliseconds) -> Milliseconds | None:
        """When `tick` has something to do."""
        del now
        return self._next_gossip

    def set_back(self, by_ms: int) -> None:
        """See `Channel.set_back`."""
        if self._next_gossip is not None:
            self._next_gossip = Milliseconds(self._next_gossip - by_ms)
        for behind in self._behind.values():
            behind.since = Milliseconds(behind.since - by_ms)
            behind.asked -= by_ms

    def tick(self, now: Milliseconds) -> None:
        """Tell peers of growth in others' books; ask for what is missing here."""
        if self._next_gossip is None or now < self._next_gossip:
            return
        self._next_gossip = None
        for origin in list(self._behind):
            self._ask_for(origin, now)
        if self._behind:
            self._schedule(now)
        if len(self._ledger.roster.newest.charter.parties) > 2:
            sizes = {origin: book.size for origin, book in self._ledger.books.items() if not book.ours}
            if sizes != self._told_sizes:
                self._told_sizes = sizes
                for state in self._outgoing.best_links():
                    state.hello_due = True

    def _ask_for(self, origin: Origin, now: Milliseconds) -> None:
        behind = self._behind[origin]
        book = self._ledger.books.get(origin)
        if book is None:
            return  # its note comes first
        holders = {
            peer: size for peer, size in behind.holders.items() if peer in self._outgoing.peers and size > book.size
        }
        if not holders:
            del self._behind[origin]
            return
        note = self._ledger.roster.book_notes[origin].note
        direct = any(peer.party == note.party and peer.station == note.station for peer in self._outgoing.peers)
        if (direct and not book.ours and now - behind.since < DIRECT_GRACE_MS) or now - behind.asked < ASK_AGAIN_MS:
            return
        behind.asked = now
        # who claims most may be lying (FRAME-2), so everyone has a turn
        peer = min(holders, key=lambda peer: (behind.tries.get(peer, 0), -holders[peer]))
        behind.tries[peer] = behind.tries.get(peer, 0) + 1
        self._outgoing.want(self._outgoing.peers[peer], origin, book.size, whole=False)
