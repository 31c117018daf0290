"""What a station would do with a store, found out by the station's own rules and without one private key (STORE-3).

The real driver is opened on the store, with the anchor as it is and with stand-ins where keys are; no turn is taken. So
what is told here is what `detente run` does, and nothing can be signed on the way.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from detente.crypto.hashing import sha256
from detente.crypto.signing import SEED_OCTETS, SigningKey
from detente.crypto.wrapping import SEED_OCTETS as WRAP_SEED_OCTETS
from detente.crypto.wrapping import WrapKey
from detente.ids import Origin, PartyId, origin_of, split_origin
from detente.protocol.channel import Channel
from detente.protocol.effects import AnchorRecord
from detente.station.anchor import Newest
from detente.station.config import Config
from detente.station.custody import used_mark
from detente.station.driver import Driver
from detente.stores.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class Prospect:
    """What would happen in one channel. `book` is our newest book in the store, 0 if there is none."""

    channel: str
    mode: str
    book: int
    size: int
    told: int | None  # entries of that book that were told, by the anchor; None if it does not say
    why_stopped: str  # "" if that book is written on
    next_book: int
    note_at_hand: bool
    key_at_hand: bool
    lost_books: tuple[Origin, ...]  # begun, and not in the store
    ready: int  # further books whose note and key are both here, the next one included

    @property
    def opens(self) -> bool:
        """Whether the next book would open."""
        return bool(self.why_stopped) and self.note_at_hand and self.key_at_hand

    @property
    def missing(self) -> int | None:
        """How many entries that were told the store lacks in our newest book; None if the anchor does not say."""
        return None if self.told is None else max(0, self.told - self.size)


def prospects(store_path: Path, told: Newest | None, keys_path: Path, config: Config) -> list[Prospect]:
    """One for each channel of the store. `told` is what the anchor said before the store was read. Raises StoreFault."""
    keyring = _StandIns(keys_path)
    store = SqliteStore.open(store_path, read_only=True)
    try:
        driver = Driver(store, _Anchor(told), keyring, PartyId(config.party), config.station)
        return [_prospect(channel, told, keyring) for channel in driver.channels.values()]
    finally:
        store.close()


def channels_lost(told: Newest | None, found: list[Prospect]) -> list[str]:
    """Channels in which we have told something and which the store does not hold: they must be joined again."""
    ours = {split_origin(origin)[0] for own, origin in told or {} if own}
    return sorted(ours - {one.channel for one in found})


def _prospect(channel: Channel, told: Newest | None, keyring: "_StandIns") -> Prospect:
    writer, roster = channel.writer, channel.roster
    book = writer.book
    following, lost = writer.next_book()
    notes = roster.book_notes
    ready = 0
    while (held := notes.get(origin_of(roster.channel, channel.us.party, following + ready))) and keyring.has(
        "book", held.key
    ):
        ready += 1
    note = notes.get(origin_of(roster.channel, channel.us.party, following))
    record = (told or {}).get((True, book.origin)) if book is not None else None
    return Prospect(
        channel=roster.channel,
        mode=roster.newest.charter.mode,
        book=book.number if book is not None else 0,
        size=book.size if book is not None else 0,
        told=record[0] if record is not None else None,
        why_stopped=writer.stopped if book is not None else "our first book is not open yet",
        next_book=following,
        note_at_hand=note is not None,
        key_at_hand=note is not None and keyring.has("book", note.key),
        lost_books=tuple(note.origin for note in lost),
        ready=ready,
    )


class _Anchor:
    """A `contracts.Anchor` that shows and records nothing."""

    def __init__(self, told: Newest | None) -> None:
        self._told = told

    def record(self, records: list[AnchorRecord]) -> None:
        """Nothing is told here."""

    def newest(self) -> Newest | None:
        return self._told

    def close(self) -> None:
        """Nothing is open."""


class _StandIns:
    """A `protocol.shelf.Keyring` that knows which keys lie in a folder and has none of them."""

    def __init__(self, directory: Path) -> None:
        self.entropy = os.urandom
        self._directory = directory

    def has(self, kind: str, public: bytes) -> bool:
        return self._path(kind, public).exists()

    def signing_key(self, kind: str, public: bytes) -> SigningKey | None:
        """A key that nobody else has, where the real one is present: what it signed would verify nowhere."""
        return SigningKey.from_seed(os.urandom(SEED_OCTETS)) if self.has(kind, public) else None

    def mark_used(self, public: bytes) -> None:
        """No book begins here."""

    def is_used(self, public: bytes) -> bool:
        return used_mark(self._directory, public).exists()

    def new_wrap_key(self) -> WrapKey:
        return WrapKey.from_seed(os.urandom(WRAP_SEED_OCTETS))

    def wrap_key(self, digest: bytes) -> WrapKey | None:
        del digest
        return None

    def keep_secret(self, check: bytes, secret: bytes) -> None:
        """Nothing is read here."""

    def secret(self, check: bytes) -> bytes | None:
        del check
        return None

    def _path(self, kind: str, public: bytes) -> Path:
        return self._directory / f"{kind}-{sha256(public)[:8].hex()}.pem"
