"""The turn: commit, then send, then tell (STORE-2). One function in the whole program does it.

    outcome = driver.take_turn(inputs, now)         # committed and anchored when this returns
    for link in links: driver.frames_for(link, now, room)

A driver holds all channels of one station over one store and one anchor, and is used from one thread. After a StoreFault
it is dead: the caller opens a new one from the same files and so sees what is really there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from detente.contracts import Anchor, Store
from detente.crypto.certificates import certificate_fingerprint
from detente.errors import Fault, LocalMisuse, Malformed, PeerViolation
from detente.formats.frame import Hello, decode_frame
from detente.ids import Milliseconds, Origin, PartyId, Ref, origin_of
from detente.protocol.book import BookCopy, HeldEntry
from detente.protocol.channel import Channel, Turn, Us
from detente.protocol.effects import AnchorRecord, NoteRow, StoredBook, Work
from detente.protocol.events import Event, FrameIn, LinkDown, LinkUp, OpenBook, Peer, TakeNote
from detente.protocol.roster import Roster
from detente.protocol.shelf import Keyring
from detente.tlog.tree import Frontier

GIVEN_WRITTEN_WITHIN_MS = 200  # a receipt usually comes sooner, and its turn writes down what was sent as well


@dataclass(frozen=True, slots=True)
class FromLink:
    """What a bearer brings: `octets` of one frame, or None when the link has just opened or (`gone`) ended.

    `link` names station and bearer (`link_name`): the same for all its channels.
    """

    link: str
    octets: bytes | None = None
    gone: bool = False


def link_name(certificate: str, bearer: str = "tls") -> str:
    """The name of a link to the station with this certificate fingerprint (hexadecimal) by this bearer."""
    return certificate if bearer == "tls" else f"{certificate}/{bearer}"


@dataclass(frozen=True, eq=False, slots=True)
class FromOffice:
    """An act for one channel. The same object comes back in the outcome."""

    channel: str
    event: Event


Input = FromLink | FromOffice


@dataclass(slots=True)
class Outcome:
    """What to tell after the commit."""

    done: list[tuple[FromOffice, list[Ref]]] = field(default_factory=list)
    refused: list[tuple[Input, Fault]] = field(default_factory=list)
    arrived: list[tuple[str, Origin, HeldEntry]] = field(default_factory=list)
    new_notes: bool = False  # charters or book notes were taken: other stations may be trusted now


class Driver:
    """All channels of one station. `store`, `anchor` and `keyring` keep the promises of `contracts` and `protocol.shelf`."""

    def __init__(self, store: Store, anchor: Anchor, keyring: Keyring, party: PartyId, station: str) -> None:
        self.store = store
        self.party = party
        self.station = station
        self.channels: dict[str, Channel] = {}
        self._anchor = anchor
        self._keyring = keyring
        self._handles: dict[str, dict[int, str]] = {}  # of each open link: which handle means which channel
        self._peers: dict[str, dict[str, Peer]] = {}  # by link, then channel
        self._stopped: set[str] = set()  # channels whose book may not be written any more
        self._wakes: dict[str, Milliseconds] = {}  # channels that want a step by then
        self._latest = Milliseconds(0)  # when the last turn was
        names = list(dict.fromkeys(row.channel for row in store.notes() if row.kind == "charter"))
        for name in names:
            self._open_channel(name)
        self._meet_anchor()

    def _open_channel(self, name: str) -> None:
        stored = [book for book in self.store.books() if book.channel == name]
        self._peers.clear()
        self.channels[name] = self._channel(self.store.notes(name), stored)
        if self.channels[name].has_unopened:
            self._wakes[name] = Milliseconds(0)

    def _channel(self, notes: list[NoteRow], stored: list[StoredBook]) -> Channel:
        us = Us(self.party, self.station, len(self.channels))
        channel = Channel(us, notes, stored, self.store, self._keyring)
        channel.writer.was_told = self._was_told
        return channel

    def _was_told(self, origin: Origin, key: bytes) -> bool:
        """STORE-3: whether a book of ours that the store has lost was begun: its head was told, or may have been."""
        told = (self._anchor.newest() or {}).get((True, origin))
        return told[0] > 0 if told is not None else self._keyring.is_used(key)

    def _meet_anchor(self) -> None:
        """STORE-3, STORE-4: compare what was told with what the store holds, before anything is signed."""
        newest = self._anchor.newest()
        contradicted = {row.origin: row.text for row in self.store.findings() if row.rule in ("STORE-3", "FORK-1")}
        records: list[AnchorRecord] = []
        for channel in self.channels.values():
            own = channel.writer.book
            if own is None:
                self._stop(channel, "")  # a crash came between joining and opening
            else:
                _, lost = channel.writer.next_book()
                why = contradicted.get(own.origin, "") or _older_than_told(own, newest)
                if lost:
                    why = why or f"{lost[-1].origin} was begun, and the store does not hold it: it is an old copy"
                if why:
                    self._stop(channel, why)
                elif own.head is not None:
                    records.append(AnchorRecord(True, own.origin, own.head.size, own.head.root))
            for book in channel.ledger.books.values():
                if not book.ours and newest is not None and (False, book.origin) in newest:
                    channel.receipts.floor[book.origin] = newest[False, book.origin]
        if records:
            self._anchor.record(records)  # a crash between commit and anchor is mended here, before anything leaves

    # --- the turn

    def take_turn(self, inputs: Iterable[Input], now: Milliseconds) -> Outcome:
        """Commit, then tell. Raises StoreFault: then nothing of this turn may be told and this driver is dead."""
        outcome = Outcome()
        if now < self._latest:
            self._set_back(self._latest - now)
        self._latest = now
        events, sources = self._sort([*self._successions(), *inputs], outcome)
        turns: list[tuple[str, Turn]] = []
        due = [name for name, wake in self._wakes.items() if wake <= now]
        for name in dict.fromkeys([*events, *due]):
            channel = self.channels[name]
            turn = channel.step(events.get(name, []), now)
            self._stop_contradicted(channel)
            turns.append((name, turn))
            self._wakes.pop(name, None)
            if turn.wake is not None:
                self._wakes[name] = turn.wake
        outcome.new_notes = self._commit([(self.channels[name], turn) for name, turn in turns], now)
        for name, turn in turns:
            self.channels[name].released()
            self._tell(name, turn, sources, outcome)
        return outcome

    def _set_back(self, by_ms: int) -> None:
        """Our clock was set back: what is due in half a second stays so, whatever the clock says."""
        self._wakes = {name: Milliseconds(wake - by_ms) for name, wake in self._wakes.items()}
        for channel in self.channels.values():
            channel.set_back(by_ms)

    def _commit(self, turns: list[tuple[Channel, Turn]], now: Milliseconds) -> bool:
        """Make what all channels ask for durable, then anchor it; whether notes were among it. Raises StoreFault."""
        work = Work()
        anchor: list[AnchorRecord] = []
        for channel, turn in turns:
            self._begin_books(channel, turn.work)
            _join(work, turn.work)
            anchor.extend(turn.anchor)
        if work:
            self.store.commit(work, now)
        if anchor:
            self._anchor.record(anchor)
        if work.notes:
            self._stopped.update(name for name, channel in self.channels.items() if channel.writer.stopped)
            self._peers.clear()
        return bool(work.notes)

    def _begin_books(self, channel: Channel, work: Work) -> None:
        """STORE-3: that a book of ours begins is in the anchor, and beside its key, before the first commit that holds it."""
        begun = [row.origin for row in work.books if row.ours]
        if begun:
            told = self._anchor.newest() or {}
            fresh = [origin for origin in begun if (True, origin) not in told]
            self._anchor.record([AnchorRecord(True, origin, 0, Frontier().root()) for origin in fresh])
        for origin in begun:
            self._keyring.mark_used(channel.roster.book_notes[origin].key)

    def found(self, notes: list[bytes], now: Milliseconds) -> str:
        """Join a channel: its charter and our book notes, signed; opens our first book in the same commit. Its name.

        Raises LocalMisuse or PeerViolation, and then nothing was kept; StoreFault, as `take_turn`.
        """
        roster = Roster()
        rows = [row for octets in notes if (row := roster.take(octets)) is not None]
        name = roster.channel
        self._check_known(roster)
        if name in self.channels:
            raise LocalMisuse(f"this station has joined {name} already; bring amendments with `detente charter join`")
        if all(party.id != self.party for party in roster.newest.charter.parties):
            raise LocalMisuse(f"the charter of {name} names no party {self.party}")
        station = roster.station(self.party, self.station)
        if station.cosigner is not None and self._keyring.signing_key("cosigner", station.cosigner.public) is None:
            raise LocalMisuse(
                f"the charter of {name} was drafted from a card of {self.party} whose keys are not in this HOME; "
                f"draft it from a card made here (`detente card`)",
                rule="CARD-1",
            )
        channel = self._channel(rows, [])
        channel.ledger.work.notes.extend(rows)
        turn = channel.step([OpenBook("founded")], now)
        for _, fault in turn.refused:
            raise fault
        self._commit([(channel, turn)], now)
        channel.released()
        self.channels[name] = channel
        return name

    def amend(self, name: str, octets: bytes, now: Milliseconds) -> None:
        """Bring a signed note (an amendment, a later book note) to a channel that was joined."""
        outcome = self.take_turn([FromOffice(name, TakeNote(octets))], now)
        for _, fault in outcome.refused:
            raise fault

    def _check_known(self, roster: Roster) -> None:
        """CHARTER-2: no key of one channel serves another."""
        ours = {key.public: key.name for key in roster.newest.charter.vkeys()}
        for name, channel in self.channels.items():
            for held in channel.roster.charters:
                for key in held.charter.vkeys():
                    if key.public in ours and name != roster.channel:
                        raise LocalMisuse(
                            f"the key {ours[key.public]} serves the channel {name} already; its party must make a new card "
                            f"for this charter (`detente card`)",
                            rule="CHARTER-2",
                        )

    def _successions(self) -> list[FromOffice]:
        """STORE-3: acts that open the next book where none of ours may be written, if its note lies ready."""
        acts = []
        for name in sorted(self._stopped):
            channel = self.channels[name]
            book = channel.writer.book
            number, _ = channel.writer.next_book()
            if origin_of(name, self.party, number) in channel.roster.book_notes:
                reason = "founded" if book is None else "forked" if book.fork is not None else "restored"
                acts.append(FromOffice(name, OpenBook(reason)))
        self._stopped.clear()
        return acts

    def close(self) -> None:
        """Release store and anchor. Idempotent."""
        self.store.close()
        self._anchor.close()

    # --- links

    def stations(self) -> dict[str, tuple[str, bytes]]:
        """Every other station of our charters: certificate fingerprint -> (name for people, certificate)."""
        found: dict[str, tuple[str, bytes]] = {}
        for channel in self.channels.values():
            for party in channel.roster.newest.charter.parties:
                for station in party.stations:
                    if (party.id, station.id) != (self.party, self.station):
                        found.setdefault(
                            certificate_fingerprint(station.tls).hex(), (f"{party.id}/{station.id}", station.tls)
                        )
        return found

    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The bearers that the charters give for every other station, by its name for people."""
        found: dict[str, tuple[str, ...]] = {}
        for channel in self.channels.values():
            for party in channel.roster.newest.charter.parties:
                for station in party.stations:
                    name, _ = self.stations().get(certificate_fingerprint(station.tls).hex(), ("", b""))
                    if name:
                        found[name] = tuple(dict.fromkeys((*found.get(name, ()), *station.bearers)))
        return found

    def peers_of(self, link: str) -> dict[str, Peer]:
        """By channel: which station, by which bearer, this link leads to."""
        known = self._peers.get(link)
        if known is not None:
            return known
        certificate, _, bearer = link.partition("/")
        found: dict[str, Peer] = {}
        for name, channel in self.channels.items():
            for party in channel.roster.newest.charter.parties:
                for station in party.stations:
                    if certificate_fingerprint(station.tls).hex() == certificate:
                        found[name] = Peer(party.id, station.id, bearer or "tls")
        self._peers[link] = found
        return found

    def frames_for(self, link: str, now: Milliseconds, room_octets: int, *, urgent: bool = False) -> list[bytes]:
        """Frames to give to this link now, the most urgent channel first (FRAME-11).

        `urgent`: only those that may go ahead of all others on a narrow link (FRAME-12).
        """
        frames: list[bytes] = []
        peers = self.peers_of(link) if link in self._handles else {}
        while room_octets > 0:
            due = [
                (self.channels[name].outgoing.due_precedence(peer, now, urgent=urgent), name)
                for name, peer in peers.items()
            ]
            due = [pair for pair in due if pair[0] >= 0]
            if not due:
                break
            name = max(due, key=lambda pair: pair[0])[1]
            room = min(room_octets, 131_072)
            more = self.channels[name].outgoing.frames_for(peers[name], now, room, urgent=urgent)
            if not more:
                break
            frames.extend(more)
            room_octets -= sum(map(len, more))
            if self.channels[name].outgoing.has_just_given:
                wake = Milliseconds(now + GIVEN_WRITTEN_WITHIN_MS)
                self._wakes[name] = min(self._wakes.get(name, wake), wake)
        return frames

    @property
    def wake(self) -> Milliseconds | None:
        """Take a turn by then even if nothing happens."""
        return min(self._wakes.values(), default=None)

    # --- within a turn

    def _sort(self, inputs: Iterable[Input], outcome: Outcome) -> tuple[dict[str, list[Event]], dict[int, Input]]:
        events: dict[str, list[Event]] = {}
        sources: dict[int, Input] = {}
        for one in inputs:
            try:
                for name, event in self._events_of(one):
                    events.setdefault(name, []).append(event)
                    sources[id(event)] = one
            except Fault as fault:
                outcome.refused.append((one, fault))
        return events, sources

    def _events_of(self, one: Input) -> list[tuple[str, Event]]:
        if isinstance(one, FromOffice):
            if one.channel not in self.channels:
                raise LocalMisuse(f"this station has not joined a channel {one.channel!r}")
            return [(one.channel, one.event)]
        peers = self.peers_of(one.link)
        if one.gone:
            self._handles.pop(one.link, None)
            return [(name, LinkDown(peer)) for name, peer in peers.items()]
        if one.octets is None:
            self._handles[one.link] = {}
            return [(name, LinkUp(peer)) for name, peer in peers.items()]
        frame = decode_frame(one.octets)
        handles = self._handles.get(one.link)
        if handles is None:
            return []  # what a link brought after its end was noticed
        if isinstance(frame, Hello):
            if frame.channel not in peers:
                return []  # a channel that we have not joined, or not with this station: nothing to say
            handles[frame.handle] = frame.channel
        name = handles.get(frame.handle)
        if name is None:
            raise Malformed(f"a frame for handle {frame.handle}, which no HELLO gave", rule="FRAME-1")
        return [(name, FrameIn(peers[name], frame))]

    def _stop_contradicted(self, channel: Channel) -> None:
        own = channel.writer.book
        if own is not None and own.origin in channel.incoming.contradicted and not channel.writer.stopped:
            self._stop(channel, channel.incoming.contradicted[own.origin])

    def _stop(self, channel: Channel, why: str) -> None:
        channel.writer.stop(why)
        self._stopped.add(channel.roster.channel)
        self._wakes[channel.roster.channel] = Milliseconds(0)  # take a turn at once

    def _tell(self, name: str, turn: Turn, sources: dict[int, Input], outcome: Outcome) -> None:
        for event, refs in turn.done:
            source = sources.get(id(event))
            if isinstance(source, FromOffice):
                outcome.done.append((source, refs))
        for event, fault in turn.refused:
            source = sources.get(id(event))
            if source is not None and (isinstance(source, FromOffice) or isinstance(fault, PeerViolation)):
                outcome.refused.append((source, fault))
        outcome.arrived.extend((name, origin, entry) for origin, entry in turn.arrived)


def _older_than_told(book: BookCopy, newest: dict[tuple[bool, Origin], tuple[int, bytes]] | None) -> str:
    """STORE-3: why this book of ours may not be written any more; "" if it may."""
    then = "the next book takes over as soon as its signed note is here (`detente charter sign` makes notes ahead)"
    if newest is None:
        return f"the anchor is missing, so what was told from this book is not known; {then}" if book.size else ""
    told = newest.get((True, book.origin))
    if told is None:
        return (
            f"the anchor does not know {book.origin}, so what was told from it is not known; {then}"
            if book.size
            else ""
        )
    if book.size < told[0] or book.root(told[0]) != told[1]:
        return (
            f"{told[0]} entries of {book.origin} were told, but the store holds {book.size} or others: it is an old copy; "
            f"{then}"
        )
    return ""


def _join(work: Work, more: Work) -> None:
    work.notes += more.notes
    work.books += more.books
    work.entries += more.entries
    work.nodes += more.nodes
    work.sizes += more.sizes
    work.heads += more.heads
    work.cosignatures += more.cosignatures
    work.findings += more.findings
    work.given += more.given
