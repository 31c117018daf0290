"""Who may do what: the charters of one channel in order, the book notes held, and the keys that both name.

It keeps CHARTER-2 to CHARTER-7 and OPEN-1 to OPEN-3: a note is taken only with the signatures it needs, and two different
notes of one root with one number are equivocation. It does not know entries; which charter governs an entry is the
business of its book (`book.py`).
"""

from dataclasses import dataclass

from detente.errors import BrokenRule, Equivocation, Malformed
from detente.formats.book_note import BOOK_NOTE_FIRST_LINE, BookNote, parse_book_note
from detente.formats.charter import CHARTER_FIRST_LINE, Charter, Station, check_amendment, parse_charter
from detente.ids import Origin, PartyId, origin_of
from detente.protocol.effects import NoteRow
from detente.tlog.note import Note, note_digest, parse_note, verify_note
from detente.tlog.vkeys import VerifierKey


@dataclass(frozen=True, slots=True)
class HeldCharter:
    """A charter in force, with the digest that entries name."""

    charter: Charter
    digest: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class HeldBookNote:
    """A book note that its root signed."""

    note: BookNote
    digest: bytes
    octets: bytes
    key: bytes  # the 32 octets of the book's Ed25519 key

    @property
    def origin(self) -> Origin:
        """BOOK-1."""
        return origin_of(self.note.channel, self.note.party, self.note.book)


class Roster:
    """The notes of one channel. `take` is the only way in."""

    def __init__(self) -> None:
        self.charters: list[HeldCharter] = []
        self.book_notes: dict[Origin, HeldBookNote] = {}

    @property
    def channel(self) -> str:
        """The channel's name."""
        return self.charters[0].charter.channel

    @property
    def newest(self) -> HeldCharter:
        """The charter with the highest number that is held. Keys and links follow it; entries follow their own book's."""
        return self.charters[-1]

    def by_digest(self, digest: bytes) -> HeldCharter | None:
        """The charter with this digest, if held."""
        return next((held for held in self.charters if held.digest == digest), None)

    def place(self, party: PartyId) -> int:
        """The party's place in the charter's list; the same in every charter of the channel (CHARTER-6)."""
        return self.newest.charter.place(party)

    def station(self, party: PartyId, station_id: str) -> Station:
        """A station named in the newest charter. Raises Malformed if there is none."""
        for station in self.newest.charter.party(party).stations:
            if station.id == station_id:
                return station
        raise Malformed(f"the charter names no station {party}/{station_id}")

    def station_of_cosigner(self, name: str) -> tuple[PartyId, str] | None:
        """The party and station whose cosigner key has this name in the newest charter."""
        for party in self.newest.charter.parties:
            for station in party.stations:
                if station.cosigner is not None and station.cosigner.name == name:
                    return party.id, station.id
        return None

    def cosigners(self, book_party: PartyId) -> dict[str, tuple[PartyId, str, VerifierKey]]:
        """By key name: the (party, statement, vkey) that may give receipts for this party's books (RECEIPT-1, RECEIPT-6)."""
        found: dict[str, tuple[PartyId, str, VerifierKey]] = {}
        for party in self.newest.charter.parties:
            for station in party.stations:
                for key in (station.cosigner, station.pq):
                    if party.id != book_party and key is not None:
                        found[key.name] = (party.id, station.statement, key)
        return found

    def take(self, octets: bytes) -> NoteRow | None:
        """Verify a note and keep it; its row to commit, or None if it was held already. Raises PeerViolation."""
        note = parse_note(octets)
        first_line = note.text.split("\n", 1)[0]
        if first_line == CHARTER_FIRST_LINE:
            return self._take_charter(note, octets)
        if first_line == BOOK_NOTE_FIRST_LINE:
            return self._take_book_note(note, octets)
        raise Malformed("this note is neither a charter nor a book note", rule="OPEN-1")

    def _take_charter(self, note: Note, octets: bytes) -> NoteRow | None:
        digest = note_digest(note.text)
        if self.by_digest(digest) is not None:
            return None
        charter = parse_charter(note.text)
        self._check_signed(charter, note)
        if not self.charters:
            if charter.number != 1:
                raise Malformed(
                    f"this is amendment number {charter.number}; bring charter number 1 first", rule="CHARTER-6"
                )
        else:
            for held in self.charters:
                if held.charter.number == charter.number and held.charter.channel == charter.channel:
                    raise Equivocation(
                        f"two different charters with number {charter.number} are signed: "
                        f"{held.digest.hex()[:16]} and {digest.hex()[:16]}",
                        rule="CHARTER-6",
                    )
            check_amendment(self.newest.charter, self.newest.digest, charter)
            self._check_signed(self.newest.charter, note)
        self.charters.append(HeldCharter(charter, digest, octets))
        return NoteRow(charter.channel, digest, "charter", charter.number, "", octets)

    @staticmethod
    def _check_signed(charter: Charter, note: Note) -> None:
        """CHARTER-5: the root of every principal."""
        signers = {key.name for key in verify_note(note, [party.root for party in charter.parties])}
        missing = [
            party.id for party in charter.parties if party.role == "principal" and party.root.name not in signers
        ]
        if missing:
            raise Malformed(
                f"the charter is not in force: the signature of {', '.join(missing)} is missing. "
                f"Every principal signs it with `detente charter sign`",
                rule="CHARTER-5",
            )

    def _take_book_note(self, note: Note, octets: bytes) -> NoteRow | None:
        digest = note_digest(note.text)
        book_note = parse_book_note(note.text)
        if not self.charters or book_note.channel != self.channel:
            raise Malformed(f"this book note belongs to the channel {book_note.channel}", rule="OPEN-1")
        party = self.newest.charter.party(book_note.party)
        if not verify_note(note, [party.root]):
            raise Malformed(f"the book note of {party.id} is not signed by its root", rule="OPEN-1")
        if not self._names_station(book_note.party, book_note.station):
            raise Malformed(f"no charter names a station {book_note.party}/{book_note.station}", rule="OPEN-1")
        origin = origin_of(book_note.channel, book_note.party, book_note.book)
        held = self.book_notes.get(origin)
        if held is not None:
            if held.digest == digest:
                return None
            raise Equivocation(f"the root of {party.id} signed two notes for its book {book_note.book}", rule="OPEN-2")
        key = book_note.key.public
        if key in self._keys():
            raise BrokenRule(f"the key of {origin} is known from elsewhere", rule="OPEN-2")
        self.book_notes[origin] = HeldBookNote(book_note, digest, octets, key)
        return NoteRow(self.channel, digest, "book", book_note.book, book_note.party, octets)

    def _names_station(self, party_id: PartyId, station_id: str) -> bool:
        """OPEN-1: whether any charter held names this station; a newer one may have left it out."""
        parties = (party for held in self.charters for party in held.charter.parties if party.id == party_id)
        return any(station.id == station_id for party in parties for station in party.stations)

    def _keys(self) -> set[bytes]:
        keys = {held.key for held in self.book_notes.values()}
        for held in self.charters:
            keys.update(key.public for key in held.charter.vkeys())
        return keys
