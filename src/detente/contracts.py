"""What the core needs of others: promises that each store, anchor and bearer keeps.

A promise says: durable when, in which order, usable from where, and which errors. `testing/conformance.py` checks it.
"""

from typing import Protocol

from detente.ids import Origin
from detente.protocol.effects import (
    AnchorRecord,
    CosignatureRow,
    EntryRow,
    FindingRow,
    GivenRow,
    HeadRow,
    NoteRow,
    StoredBook,
    Work,
)


class Store(Protocol):
    """Keeps notes, books, heads, receipts and findings. Used from one thread at a time.

    Reads see everything committed. Every method may raise StoreFault; after one from `commit` that is not StoreFull
    the outcome is unknown, and the caller closes this object, opens a new one and reads what is there (STORE-2).
    """

    def commit(self, work: Work, held_at: int) -> None:
        """Write all of `work` in one transaction, durable when this returns, or raise and write nothing.

        `held_at` is our clock in milliseconds, kept beside each new entry. Entries get increasing arrival numbers in
        the order given. A row that exists already ((origin, index); (origin, size) of a head with other content; a
        size whose `before` is not the stored one) is a StoreFault (STORE-1). Notes, heads, cosignatures and findings
        that exist with equal content are left as they are. Raises StoreFull when the disk is full: nothing was written.
        """

    def notes(self, channel: str | None = None) -> list[NoteRow]:
        """All notes, oldest first; those of one channel if it is named."""

    def books(self) -> list[StoredBook]:
        """All books in the order in which they were added."""

    def entries(self, origin: Origin, start: int, stop: int) -> list[EntryRow]:
        """The entries held with start <= index < stop, by index; indexes not held are left out."""

    def special_entries(self, origin: Origin) -> list[EntryRow]:
        """The entries held that are neither sealed nor open (BOOK-3), by index; found without reading the others."""

    def hashes(self, origin: Origin, level: int, start: int, stop: int) -> list[bytes]:
        """Hashes of the complete subtrees `start` to `stop` - 1 of a level that is a multiple of 8 (level 0: leaf hashes)

        Raises StoreFault if one is missing.
        """

    def heads(self, origin: Origin, at_least: int = 0) -> list[HeadRow]:
        """Heads held with size >= at_least, by size."""

    def cosignatures(self, origin: Origin, at_least: int = 0) -> list[CosignatureRow]:
        """Receipts held with size >= at_least, by size then cosigner."""

    def given(self) -> list[GivenRow]:
        """The largest size given for each (origin, party)."""

    def findings(self) -> list[FindingRow]:
        """All findings, oldest first."""

    def arrivals(self, channel: str, after: int = 0) -> list[tuple[int, int, EntryRow]]:
        """(arrival number, held_at, entry) of a channel's entries with a greater arrival number, in that order."""

    def close(self) -> None:
        """Release the file. Idempotent."""


class Anchor(Protocol):
    """STORE-3: a small journal on another medium, outside backups. Used from one thread."""

    def record(self, records: list[AnchorRecord]) -> None:
        """Durable when this returns. Raises StoreFault."""

    def newest(self) -> dict[tuple[bool, Origin], tuple[int, bytes]] | None:
        """(own, origin) -> (size, root) last recorded; None if there was no journal when it was opened."""

    def close(self) -> None:
        """Release the file. Idempotent."""
