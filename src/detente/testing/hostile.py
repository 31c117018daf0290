"""Hostile parties: the honest core with a twist in what they sign, in what they send, and in what they let in.

It keeps: a hostile station runs the same driver with its own real keys, so all that it does is something that a real
party could do; it never has anybody else's keys. Every twist is drawn from the world's chance.
"""

import random
from collections import deque
from dataclasses import replace

from detente.crypto.hashing import sha256
from detente.errors import Malformed
from detente.formats.content import Content
from detente.formats.entry import Closing, Keys, Kind, Leaf, Precedence, Seen, Wrap, encode_body
from detente.formats.frame import (
    Entries,
    ForkFrame,
    Frame,
    Hello,
    NoteFrame,
    ReceiptFrame,
    Subtree,
    Want,
    decode_frame,
    encode_frame,
)
from detente.ids import Origin, PartyId, Ref
from detente.protocol.book import BookCopy
from detente.protocol.epochs import SECRET_OCTETS, Epochs
from detente.protocol.ledger import Ledger
from detente.protocol.sealing import wrap_secret
from detente.protocol.writer import Writer
from detente.station.driver import Driver
from detente.testing.fakes import MemoryJournal
from detente.testing.line import MemoryStation

KINDS = (
    "lying",
    "withholding",
    "forking",
    "flooding",
    "replaying",
    "splitting wraps",
    "closing early",
    "breaking rules",
)
REMEMBERED_FRAMES_MAX = 200


class LyingLedger(Ledger):
    """Counts what is not held, forgets what was counted, and makes up views."""

    chance: random.Random
    made_up: Seen | None = None

    def seen_now(self, author: BookCopy) -> Seen:
        """The counts to sign, now and then false."""
        seen = super().seen_now(author)
        if self.chance.random() > 0.15:
            return seen
        slots = list(seen)
        place = self.chance.randrange(len(slots))
        slot = slots[place]
        if isinstance(slot, int):
            slots[place] = self.chance.choice((slot + self.chance.randrange(1, 50), max(0, slot - 2), 0))
        elif self.chance.random() < 0.5:
            slots.append(3)  # one slot too many
        self.made_up = tuple(slots)
        return self.made_up

    def view_of(self, seen: Seen) -> bytes | None:
        """The view to sign: made up where the counts are, and now and then elsewhere."""
        view = super().view_of(seen)
        if seen == self.made_up:
            self.made_up = None
            if view is None or self.chance.random() < 0.3:
                return sha256(repr(seen).encode())
        return view


class SplittingEpochs(Epochs):
    """Gives one reader another secret than the rest, or wraps nothing for it."""

    chance: random.Random

    def begin(self, audience: tuple[PartyId, ...], own: Origin, index: int, next_key: bytes | None) -> Keys:
        """A new epoch, split now and then."""
        body = super().begin(audience, own, index, next_key)
        if not body.wraps or self.chance.random() < 0.5:
            return body
        at = self.chance.randrange(len(body.wraps))
        wrap = body.wraps[at]
        if self.chance.random() < 0.3:
            return replace(body, wraps=body.wraps[:at] + body.wraps[at + 1 :])
        key = self._every_key[wrap.reader, wrap.key_index]
        octets = wrap_secret(bytes(SECRET_OCTETS), (self._roster.channel, own, index), audience, wrap.reader, key)
        if self.chance.random() < 0.3:
            octets = bytes(len(octets))
        return replace(body, wraps=(*body.wraps[:at], Wrap(wrap.reader, wrap.key_index, octets), *body.wraps[at + 1 :]))


class RuleBreakingWriter(Writer):
    """Signs leaves that fit the shape and break a rule, and bodies that are none."""

    chance: random.Random
    twists: frozenset[str] = frozenset()

    def say(self, content: Content, precedence: Precedence, audience: tuple[PartyId, ...], at: int) -> list[Ref]:
        """Writes the content, and now and then something else before it."""
        if self.chance.random() < 0.1 and self.book is not None and not self.stopped:
            if "breaking rules" in self.twists:
                self._break_a_rule(self.book, at)
            if "closing early" in self.twists and self.chance.random() < 0.2:
                self._write(Kind.CLOSING, Closing("for now"), Precedence.ROUTINE, at)
                self.book.closed = False
        return super().say(content, precedence, audience, at)

    def _break_a_rule(self, book: BookCopy, at: int) -> None:
        kind = self.chance.choice((0, 1, 2, 3, 4, 5, 6, 9, 23))
        closed = book.closed
        body = encode_body(Closing("x")) if self.chance.random() < 0.3 else self.chance.randbytes(40)
        seen = self._ledger.seen_now(book)
        epoch = self.chance.choice((0, 0, 1, book.size + 5))
        leaf = Leaf(kind, at, self.chance.randrange(4), epoch, seen, self._view(seen), len(body), sha256(body))
        self._place(leaf, body)
        book.closed = closed


class Hostile:
    """What one hostile party does otherwise. `kinds` are some of KINDS."""

    def __init__(self, chance: random.Random, kinds: frozenset[str], party: str, place: int) -> None:
        self._chance = chance
        self.kinds = kinds
        self._party = party
        self._place = place
        self._remembered: deque[bytes] = deque(maxlen=REMEMBERED_FRAMES_MAX)
        self.calm = False  # once the world heals: nothing new is invented, what was decided stays

    def dress(self, driver: Driver) -> None:
        """Replace what signs, in a driver that was just opened."""
        for channel in driver.channels.values():
            if "lying" in self.kinds:
                channel.ledger.__class__ = LyingLedger
                channel.ledger.chance = self._chance  # type: ignore[attr-defined]
            if "splitting wraps" in self.kinds:
                channel.epochs.__class__ = SplittingEpochs
                channel.epochs.chance = self._chance  # type: ignore[attr-defined]
            if self.kinds & {"breaking rules", "closing early"}:
                channel.writer.__class__ = RuleBreakingWriter
                channel.writer.chance = self._chance  # type: ignore[attr-defined]
                channel.writer.twists = self.kinds  # type: ignore[attr-defined]

    def lets_in(self, octets: bytes) -> bool:
        """Whether a frame reaches its station. One that forks must not learn of its other history."""
        self._remembered.append(octets)
        if "forking" not in self.kinds:
            return True
        try:
            frame = decode_frame(octets)
        except Malformed:
            return True
        return not (isinstance(frame, Entries | ForkFrame) and frame.book % 16 == self._place)

    def sends(self, frames: list[bytes]) -> list[bytes]:
        """What goes out instead of what its station gave."""
        found: list[bytes] = []
        for octets in frames:
            self._remembered.append(octets)
            if "withholding" in self.kinds and not self._is_given(octets):
                continue
            found.append(self._twisted(octets))
        if self.calm:
            return found
        if "replaying" in self.kinds and self._remembered and self._chance.random() < 0.3:
            found.extend(self._chance.choice(self._remembered) for _ in range(self._chance.randrange(1, 6)))
        if "flooding" in self.kinds and self._chance.random() < 0.2:
            found.extend(self._made_up() for _ in range(self._chance.randrange(5, 40)))
        return found

    def _is_given(self, octets: bytes) -> bool:
        """Some entries and receipts are kept back."""
        frame = decode_frame(octets)
        return not isinstance(frame, Entries | ReceiptFrame | NoteFrame) or self._chance.random() < 0.6

    def _twisted(self, octets: bytes) -> bytes:
        if "lying" not in self.kinds or self._chance.random() > 0.1 or self.calm:
            return octets
        frame = decode_frame(octets)
        if isinstance(frame, Hello):
            books = tuple(
                state._replace(
                    durable=self._chance.choice((0, state.durable, state.durable + self._chance.randrange(99)))
                )
                for state in frame.books
            )
            return encode_frame(replace(frame, books=books))
        if isinstance(frame, ReceiptFrame):
            return encode_frame(replace(frame, timestamp=frame.timestamp + 1))
        return octets

    def _made_up(self) -> bytes:
        """A frame out of nothing: well formed, and of no use."""
        chance = self._chance
        book = chance.choice((0, 1, 2, 16, 17, 18, 35))
        made: Frame = chance.choice(
            (
                Want(0, book, chance.randrange(40), chance.random() < 0.5),
                Want(0, book, 2**39, chance.random() < 0.5),
                ReceiptFrame(0, book, chance.randrange(1, 40), chance.randrange(5), 1_900_000_000, bytes(64)),
                Entries(0, book, chance.randrange(9), bytes(64), ()),
                NoteFrame(0, b"nothing"),
                ForkFrame(0, book, 1, bytes(32), bytes(64), bytes(64), (Subtree(0, bytes(32)), Subtree(0, bytes(32)))),
            )
        )
        return encode_frame(made)


def twin_of(station: MemoryStation) -> MemoryStation:
    """A second station with the same keys that goes on from the same disk, and whose anchor forgets: what a forker runs."""
    records = station.journal.records
    return replace(
        station,
        disk=station.disk.copy(),
        journal=MemoryJournal(None if records is None else dict(records)),
        driver=None,
    )
