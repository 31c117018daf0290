"""One channel: events and an instant in; what to commit, what to tell, and when to wake out.

    turn = channel.step(events, now)     # nothing outside has changed
    ... the driver commits turn.work and anchors turn.anchor ...
    channel.released()                   # now it may leave
    channel.outgoing.frames_for(peer, now, room)

It composes the roster (who), the ledger (books), epochs (who reads), the writer (our book), incoming (frames) and outgoing.
The rules live there; here is only their order within a turn.
"""

import contextlib
from dataclasses import dataclass, field
from typing import NamedTuple

from detente.errors import Fault, LocalMisuse, Malformed
from detente.formats.canonical import Value
from detente.formats.content import Content
from detente.formats.dictionary import dictionary_for
from detente.formats.entry import Keys, Kind, Opening, Precedence, decode_body
from detente.formats.secrets import SECRETS_FORM
from detente.ids import Milliseconds, Origin, PartyId, Ref
from detente.protocol.book import BookCopy, HeldEntry
from detente.protocol.courier import Courier
from detente.protocol.effects import AnchorRecord, EntryRow, NoteRow, StoredBook, Work
from detente.protocol.epochs import Epochs
from detente.protocol.events import (
    Brought,
    Event,
    FrameIn,
    Handed,
    LinkDown,
    LinkUp,
    OpenBook,
    RenewKeys,
    Say,
    TakeNote,
    Tick,
)
from detente.protocol.giving import secrets_for, take_secrets
from detente.protocol.incoming import Incoming
from detente.protocol.ledger import Ledger
from detente.protocol.outgoing import Outgoing
from detente.protocol.receipts import Receipts
from detente.protocol.roster import Roster
from detente.protocol.sealing import Unopenable
from detente.protocol.shelf import Keyring, Shelf
from detente.protocol.writer import Writer

OPENED_IN_ONE_TURN_MAX = 128


@dataclass(slots=True)
class Turn:
    """Everything that one step asks of the world."""

    work: Work
    anchor: list[AnchorRecord]
    done: list[tuple[Event, list[Ref]]] = field(default_factory=list)
    refused: list[tuple[Event, Fault]] = field(default_factory=list)
    arrived: list[tuple[Origin, HeldEntry]] = field(default_factory=list)  # entries that came from others in this turn
    wake: Milliseconds | None = None  # call step again by then even if nothing happens


@dataclass(frozen=True, slots=True)
class Us:
    """Which party and station we are in this channel, our cosigner key's name, and our number for the channel on links."""

    party: PartyId
    station: str
    handle: int


class _Unopened(NamedTuple):
    """A range of entries whose opening was not tried yet; or, again, in search of secrets that were given to us."""

    origin: Origin
    start: int
    stop: int
    again: bool


class Channel:
    """A channel of this station. Not for use from two threads."""

    def __init__(self, us: Us, notes: list[NoteRow], stored: list[StoredBook], shelf: Shelf, keyring: Keyring) -> None:
        self.us = us
        self.roster = Roster()
        for row in sorted(notes, key=lambda row: (row.kind != "charter", row.number)):
            self.roster.take(row.octets)
        dictionary = dictionary_for(self.roster.newest.charter.dictionary)
        self.epochs = Epochs(self.roster, keyring, us.party, dictionary)
        self.ledger = Ledger(self.roster, shelf)
        self.writer = Writer(self.ledger, self.epochs, keyring, us.party, us.station)
        self.writer.use_dictionary(dictionary)
        self.receipts = Receipts(self.ledger, keyring, us.party, us.station)
        self.outgoing = Outgoing(self.ledger, us.handle)
        self.courier = Courier(self.ledger, self.outgoing)
        self.incoming = Incoming(self.ledger, self.outgoing, self.receipts, us.party, us.station)
        self._unopened: list[_Unopened] = []
        for book in stored:
            self.ledger.load(book)
        self._learn_from_books()

    def _learn_from_books(self) -> None:
        """Epochs and reader keys from the entries that publish them; then our own newest book."""
        special: list[tuple[EntryRow, BookCopy]] = []
        for origin, book in self.ledger.books.items():
            special.extend((row, book) for row in self.ledger.shelf.special_entries(origin))
        # a wrap names a reader key, so all openings come first, then keys in the order of their books
        special.sort(key=lambda pair: (pair[0].leaf[1] != Kind.OPENING, pair[0].index))
        for row, book in special:
            with contextlib.suppress(Malformed, LocalMisuse):  # marked when it arrived, or of an unknown kind
                said = decode_body(row.leaf[1], row.body)
                if isinstance(said, Opening | Keys) and row.index < book.size:
                    self.epochs.take(row.origin, row.index, said, own_book=book.ours)
                elif isinstance(said, Keys):
                    self.epochs.take_secret(row.origin, row.index, said, own_book=book.ours)
        ours_now = [book for book in self.ledger.books.values() if book.ours]
        if ours_now:
            self.writer.resume(max(ours_now, key=lambda book: book.number))
            self.incoming.writing = self.writer.book
            self._search_secrets()

    def _search_secrets(self) -> None:
        """EPOCH-8: after a restart with epochs that we cannot read, look again at what came since our book began."""
        own = self.writer.book
        if own is None or not self.epochs.has_locked:
            return
        seen = dict(self.ledger.counted(own.entries(0, 1)[0].leaf.seen))
        for origin, book in self.ledger.books.items():
            if not book.ours and seen.get(origin, 0) < book.size:
                self._unopened.append(_Unopened(origin, seen.get(origin, 0), book.size, again=True))

    @property
    def has_unopened(self) -> bool:
        """Whether a step is wanted although nothing happens."""
        return bool(self._unopened)

    # --- the turn

    def step(self, events: list[Event], now: Milliseconds) -> Turn:
        """Take events in order. A refused event changes nothing and is given back with its Fault."""
        before = self.writer.book.size if self.writer.book else 0
        turn = Turn(Work(), [])
        for event in events:
            try:
                turn.done.append((event, self._one(event, now)))
            except Fault as fault:
                turn.refused.append((event, fault))
        self._after_frames(turn, now)
        self.incoming.tick(now)
        self.ledger.check_views()
        head = self.writer.sign_head()
        if head is not None:
            turn.anchor.append(AnchorRecord(True, head.origin, head.size, head.root))
        turn.anchor.extend(self.receipts.give(now))
        self.ledger.work.given.extend(self.outgoing.given_rows())
        turn.work = self.ledger.close_turn()
        self._note_urgent(before)
        turn.wake = now if self._unopened else self.incoming.next_tick(now)
        return turn

    def released(self) -> None:
        """The turn is committed and anchored: what it holds may leave."""
        self.ledger.committed()
        self.receipts.released(self.outgoing)
        self.outgoing.released()

    def set_back(self, by_ms: int) -> None:
        """The clock that `now` comes from was set back: what waits for a time waits no longer than before."""
        self.incoming.set_back(by_ms)
        self.outgoing.set_back(by_ms)

    def _one(self, event: Event, now: Milliseconds) -> list[Ref]:
        match event:
            case FrameIn(peer, frame):
                self.incoming.receive(peer, frame, now)
            case Say(content, precedence, audience):
                return self.writer.say(content, precedence, audience, now)
            case LinkUp(peer):
                self.outgoing.link_up(peer)
            case LinkDown(peer):
                self.outgoing.link_down(peer)
            case TakeNote(octets):
                self.incoming.take_note(octets, None)
            case OpenBook(reason):
                refs = [self.writer.open_next(reason, now)]
                self.incoming.writing = self.writer.book
                if self.writer.book is not None:
                    self.outgoing.note_to_all(self.roster.book_notes[self.writer.book.origin].octets)
                return refs
            case RenewKeys():
                return [self.writer.renew_keys(now)]
            case Brought(frame):
                return self.incoming.brought(frame, now)
            case Handed(party, sizes):
                self.outgoing.handed(party, sizes)
            case Tick():
                pass
        return []

    def _after_frames(self, turn: Turn, now: Milliseconds) -> None:
        """What taken entries bring about: keys learned, amendments adopted, bodies tried, status entries written."""
        learned, self.incoming.learned = self.incoming.learned, []
        for origin, index, said in learned:
            if isinstance(said, Opening | Keys):
                self.epochs.take(origin, index, said, own_book=self.ledger.books[origin].ours)
        far, self.incoming.learned_far = self.incoming.learned_far, []
        for origin, index, said in far:
            if isinstance(said, Keys):
                self.epochs.take_secret(origin, index, said, own_book=self.ledger.books[origin].ours)
        for origin, entries in self.incoming.taken():
            turn.arrived.extend((origin, entry) for entry in entries)
            self._unopened.append(_Unopened(origin, entries[0].index, entries[-1].index + 1, again=False))
        if self.writer.book is None or self.writer.stopped:
            self._unopened.clear()
            return
        for adoption in self.incoming.adoptions(self.writer.book):
            self.writer.adopt(adoption.what, adoption.number, adoption.digest, now)
            if adoption.book is not None:
                self._give_secrets(adoption.book, now)
        for ref, leaf_hash in self.incoming.held_above_gaps():
            self._status({"kind": "held", "entry": list(ref), "leaf": leaf_hash}, now)
        self._try_opening(now)

    def _give_secrets(self, book: BookCopy, now: Milliseconds) -> None:
        """EPOCH-7, in the turn that adopts the book's note."""
        for content in secrets_for(book, self.ledger, self.epochs):
            with contextlib.suppress(
                LocalMisuse
            ):  # more stations would read it than an epoch has wraps: nothing can be sealed
                self.writer.say(content, Precedence.ROUTINE, (book.party,), now)

    def _try_opening(self, now: Milliseconds) -> None:
        """SEAL-6: custody never implies readability, so every sealed entry is opened once, soon after its receipt."""
        left = OPENED_IN_ONE_TURN_MAX
        while self._unopened and left > 0:
            origin, start, stop, again = self._unopened.pop(0)
            book = self.ledger.books[origin]
            if stop - start > left:
                self._unopened.insert(0, _Unopened(origin, start + left, stop, again))
                stop = start + left
            left -= stop - start
            for entry in book.entries(start, stop):
                if entry.leaf.kind == Kind.SEALED:
                    self._try_one(book, entry, now, again=again)

    def _try_one(self, book: BookCopy, entry: HeldEntry, now: Milliseconds, *, again: bool) -> None:
        """Open one entry: secrets are kept, and what is meant for us and cannot be opened is said (STATUS-1)."""
        if self.epochs.can_read(book.origin, entry.leaf.epoch):
            try:
                content = self.epochs.open(book.origin, entry)
            except Unopenable as fault:
                reason = fault.reason
            else:
                if content.form == SECRETS_FORM and not book.ours:
                    take_secrets(book, entry, content, self.ledger, self.epochs)
                return
        else:
            reason = self.epochs.why_unreadable(book.origin, entry.leaf.epoch) or ""
        if reason and not again and book.party != self.us.party:
            ref: list[Value] = [book.party, book.number, entry.index]
            self._status({"kind": "cannot process", "entry": ref, "reason": reason}, now)

    def _status(self, fields: dict[str, Value], now: Milliseconds) -> None:
        self.writer.say(Content(form="status", fields=fields), Precedence.PRIORITY, (), now)

    def _note_urgent(self, before: int) -> None:
        book = self.writer.book
        if book is not None and book.size > before:
            self.outgoing.written(book, book.entries(before, book.size))
