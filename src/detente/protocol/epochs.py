"""Who can read what: reader keys published in books, epochs of ours by audience, and epochs of others that we could unwrap.

It keeps EPOCH-1 to EPOCH-6, and EPOCH-8 for secrets given again: an author wraps to the newest key of each reading station
that it holds; a secret is in custody before the entry that carries it is committed. Opening an entry never changes anything.
"""

from dataclasses import dataclass
from typing import NamedTuple

from detente.crypto.hashing import sha256
from detente.errors import LocalMisuse, Malformed
from detente.formats.content import Content, decode_content
from detente.formats.entry import Keys, Opening, Wrap
from detente.formats.padding import unpack
from detente.formats.secrets import SECRETS_FORM
from detente.ids import Origin, PartyId
from detente.limits import READERS_PER_EPOCH_MAX
from detente.protocol.book import HeldEntry
from detente.protocol.roster import Roster
from detente.protocol.sealing import Epoch, Header, Unopenable, epoch_check, unwrap_secret, wrap_secret
from detente.protocol.shelf import Keyring

SECRET_OCTETS = 32
NO_WRAP = "no wrap for this station"  # SEAL-6


@dataclass(frozen=True, slots=True)
class ReaderKey:
    """An HPKE key and where its owner published it."""

    origin: Origin
    index: int
    public: bytes


class _Locked(NamedTuple):
    """An epoch meant for us whose secret is not known: why (SEAL-6), and what a secret must fit."""

    reason: str
    audience: tuple[PartyId, ...]
    check: bytes


class Epochs:
    """The epochs of one channel, as far as this station can read them."""

    def __init__(self, roster: Roster, keyring: Keyring, ours: PartyId, dictionary: bytes | None) -> None:
        self._roster = roster
        self._keyring = keyring
        self._party = ours
        self._dictionary = dictionary
        self._reader_keys: dict[Origin, ReaderKey] = {}  # the newest of each book
        self._every_key: dict[tuple[Origin, int], bytes] = {}
        self._known: dict[tuple[Origin, int], Epoch] = {}
        self._locked: dict[tuple[Origin, int], _Locked] = {}
        self._readers: dict[tuple[tuple[PartyId, ...], Origin], tuple[ReaderKey, ...]] = {}  # until another key comes
        self._mine: dict[tuple[PartyId, ...], tuple[Epoch, tuple[ReaderKey, ...]]] = {}

    # --- learning from entries

    def publish(self, origin: Origin, index: int, public: bytes) -> None:
        """An opening or keys entry published this HPKE key."""
        self._readers.clear()
        key = ReaderKey(origin, index, public)
        self._reader_keys[origin] = key
        self._every_key[origin, index] = public

    def take(self, origin: Origin, index: int, body: Opening | Keys, *, own_book: bool) -> None:
        """Learn from an opening or keys entry of any book."""
        if isinstance(body, Opening):
            self.publish(origin, index, body.hpke_key)
            return
        if body.next is not None:
            self.publish(origin, index, body.next)
        self.take_secret(origin, index, body, own_book=own_book)

    def take_secret(self, origin: Origin, index: int, body: Keys, *, own_book: bool) -> None:
        """Only the secret of an epoch, if it is for us: all that a keys entry above a gap may give (EPOCH-4)."""
        if self._party not in body.audience:
            return
        secret = self._keyring.secret(body.check)
        if secret is None and not own_book:
            try:
                secret = self._unwrap(origin, index, body)
            except Unopenable as fault:
                self._locked[origin, index] = _Locked(fault.reason, body.audience, body.check)
                return
            self._keyring.keep_secret(body.check, secret)
        if secret is None:
            self._locked[origin, index] = _Locked(NO_WRAP, body.audience, body.check)
            return
        epoch = Epoch(origin, index, body.audience, secret)
        self._known[origin, index] = epoch
        before = self._mine.get(body.audience)
        if own_book and (before is None or self._number(before[0].origin) <= self._number(origin)):
            self._mine[body.audience] = (epoch, self._keys_named(body))  # entries of an older book may come back later

    def _keys_named(self, body: Keys) -> tuple[ReaderKey, ...]:
        return tuple(
            ReaderKey(wrap.reader, wrap.key_index, self._every_key.get((wrap.reader, wrap.key_index), b""))
            for wrap in body.wraps
        )

    def _unwrap(self, origin: Origin, index: int, body: Keys) -> bytes:
        """EPOCH-6. Raises Unopenable with the reason of SEAL-6."""
        for wrap in body.wraps:
            public = self._every_key.get((wrap.reader, wrap.key_index))
            key = self._keyring.wrap_key(sha256(public)) if public is not None else None
            if key is not None:
                place = (self._roster.channel, origin, index)
                return unwrap_secret(wrap.octets, place, body.audience, wrap.reader, key, body.check)
        raise Unopenable(NO_WRAP)

    # --- secrets given again

    def has_key_of(self, origin: Origin) -> bool:
        """Whether a book has published a key to which we can wrap."""
        return origin in self._reader_keys

    def known_to(self, party: PartyId) -> list[tuple[Origin, int, bytes]]:
        """EPOCH-7: (origin, index, secret) of every epoch that we can read and that has this party in its audience."""
        found = [epoch for epoch in self._known.values() if party in epoch.audience]
        return sorted((epoch.origin, epoch.index, epoch.secret) for epoch in found)

    def accept(self, origin: Origin, index: int, secret: bytes, *, held: bool) -> bool:
        """EPOCH-8: a secret that somebody gave us again; False if it is not that epoch's.

        `held`: whether the entry at that index is here. One of an epoch that is still to come is kept under the check that
        it gives, and so only found if it is the right one.
        """
        known = self._known.get((origin, index))
        if known is not None:
            return known.secret == secret
        locked = self._locked.get((origin, index))
        check = epoch_check(secret, origin, index)
        if locked is None and held:
            return True  # no epoch that we are to read: nothing to keep, and nothing to judge it by
        if locked is not None and locked.check != check:
            return False
        self._keyring.keep_secret(check, secret)
        if locked is not None:
            self._known[origin, index] = Epoch(origin, index, locked.audience, secret)
            del self._locked[origin, index]
        return True

    @property
    def has_locked(self) -> bool:
        """Whether some epoch that is meant for us cannot be read."""
        return bool(self._locked)

    # --- reading

    def can_read(self, origin: Origin, epoch: int) -> bool:
        """Whether this epoch's secret is known."""
        return (origin, epoch) in self._known

    def why_unreadable(self, origin: Origin, epoch: int) -> str | None:
        """SEAL-6: why an epoch meant for us cannot be read; None if it can, or is not meant for us."""
        locked = self._locked.get((origin, epoch))
        return locked.reason if locked else None

    def audience(self, origin: Origin, epoch: int) -> tuple[PartyId, ...]:
        """Who can read an epoch that we can read; empty if we cannot."""
        known = self._known.get((origin, epoch))
        return known.audience if known else ()

    def open(self, origin: Origin, entry: HeldEntry) -> Content:
        """The content of a sealed entry. Raises Unopenable with the reason of SEAL-6."""
        leaf = entry.leaf
        epoch = self._known.get((origin, leaf.epoch))
        if epoch is None:
            raise Unopenable(self.why_unreadable(origin, leaf.epoch) or NO_WRAP)
        header = Header(leaf.kind, leaf.at, leaf.precedence, leaf.epoch, leaf.seen, leaf.view)
        return content_of(epoch.open(entry.index, header, entry.body), self._dictionary)

    def gives_secrets(self, origin: Origin, entry: HeldEntry) -> bool:
        """Whether a sealed entry that we can open gives secrets again (EPOCH-7)."""
        try:
            return self.open(origin, entry).form == SECRETS_FORM
        except Unopenable:
            return False

    def message_key(self, origin: Origin, entry: HeldEntry) -> bytes | None:
        """`mk` of one sealed entry, to disclose it; None if we cannot read it."""
        epoch = self._known.get((origin, entry.leaf.epoch))
        return epoch.message_key(entry.index) if epoch else None

    # --- writing

    def audience_of(self, parties: tuple[PartyId, ...]) -> tuple[PartyId, ...]:
        """EPOCH-2: the parties and our own, in the charter's order. Raises LocalMisuse for one that cannot read."""
        charter = self._roster.newest.charter
        known = {party.id: party for party in charter.parties}
        for party in parties:
            if party not in known:
                raise LocalMisuse(f"the charter names no party {party!r}; it names {', '.join(known)}")
            if known[party].role == "witness":
                raise LocalMisuse(f"{party} is a witness and reads nothing; address the others", rule="EPOCH-2")
        wanted = {*parties, self._party}
        return tuple(party.id for party in charter.parties if party.id in wanted)

    def readers(self, audience: tuple[PartyId, ...], own: Origin) -> tuple[ReaderKey, ...]:
        """EPOCH-4: the newest key of each reading station. Raises LocalMisuse if a party has opened no book yet."""
        found = self._readers.get((audience, own))
        if found is None:
            found = self._readers[audience, own] = self._find_readers(audience, own)
        return found

    def _find_readers(self, audience: tuple[PartyId, ...], own: Origin) -> tuple[ReaderKey, ...]:
        ours = self._roster.book_notes[own].note.station  # whoever writes the epoch has its secret in custody already
        newest: dict[tuple[PartyId, str], ReaderKey] = {}
        numbers: dict[tuple[PartyId, str], int] = {}
        for origin, key in self._reader_keys.items():
            note = self._roster.book_notes[origin].note
            station = (note.party, note.station)
            if station != (self._party, ours) and note.party in audience and note.book >= numbers.get(station, 0):
                newest[station], numbers[station] = key, note.book
        missing = [party for party in audience if party != self._party and not any(s[0] == party for s in newest)]
        if missing:
            raise LocalMisuse(
                f"nothing can be sealed for {', '.join(missing)} yet: the opening of its book, which holds its key, has not "
                f"arrived here. Let the stations be in contact once (`detente run`), then send again",
                rule="EPOCH-4",
            )
        if len(newest) > READERS_PER_EPOCH_MAX:
            raise LocalMisuse(
                f"{len(newest)} stations would read this; at most {READERS_PER_EPOCH_MAX} can", rule="EPOCH-6"
            )
        place = self._roster.place
        return tuple(sorted(newest.values(), key=lambda k: (place(self._note_party(k.origin)), self._number(k.origin))))

    def _note_party(self, origin: Origin) -> PartyId:
        return self._roster.book_notes[origin].note.party

    def _number(self, origin: Origin) -> int:
        return self._roster.book_notes[origin].note.book

    def current(self, audience: tuple[PartyId, ...], own: Origin) -> Epoch | None:
        """Our epoch for this audience, if it is of this book and wraps to every reader's newest key."""
        found = self._mine.get(audience)
        if found is None or found[0].origin != own or found[1] != self.readers(audience, own):
            return None
        return found[0]

    def begin(self, audience: tuple[PartyId, ...], own: Origin, index: int, next_key: bytes | None) -> Keys:
        """EPOCH-1: a new epoch at `index` of our book; the body of its keys entry. Its secret is in custody after this."""
        secret = self._keyring.entropy(SECRET_OCTETS)
        check = epoch_check(secret, own, index)
        readers = self.readers(audience, own)
        place = (self._roster.channel, own, index)
        wraps: list[Wrap] = []
        kept: list[ReaderKey] = []
        for reader in readers:
            try:
                octets = wrap_secret(secret, place, audience, reader.origin, reader.public)
            except Malformed:
                # EPOCH-6: a reader whose key fails is left out; it will answer with STATUS-1 and people see that
                continue
            wraps.append(Wrap(reader.origin, reader.index, octets))
            kept.append(reader)
        self._keyring.keep_secret(check, secret)
        epoch = Epoch(own, index, audience, secret)
        self._known[own, index] = epoch
        self._mine[audience] = (epoch, readers)
        return Keys(audience, check, tuple(wraps), next_key)

    def forget_mine(self) -> None:
        """Every audience gets a new epoch at its next message."""
        self._mine.clear()


def content_of(padded: bytes, dictionary: bytes | None) -> Content:
    """SEAL-2 to SEAL-5. Raises Unopenable."""
    try:
        octets = unpack(padded, dictionary)
    except Malformed as fault:
        raise Unopenable("padding" if fault.rule == "SEAL-3" else "coding") from fault
    try:
        return decode_content(octets)
    except Malformed as fault:
        raise Unopenable("content") from fault
