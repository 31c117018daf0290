"""Stores and anchors in memory, for tests and the simulator: they keep the promises of `contracts`, and fail on demand.

What a "disk" holds outlives the object that wrote it, as a file does: a crash is dropping the object and opening a new
one on the same disk; a restore from an old backup is opening one on an earlier `copy`.
"""

import enum
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from detente.contracts import Store
from detente.errors import StoreFault, StoreFull, invariant
from detente.formats.entry import Kind
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

Arrival = tuple[int, int, EntryRow]


@dataclass(slots=True)
class MemoryDisk:
    """What a MemoryStore has committed. Rows are immutable, so copies are cheap and independent."""

    notes: dict[bytes, NoteRow] = field(default_factory=dict)
    books: dict[Origin, StoredBook] = field(default_factory=dict)
    entries: dict[Origin, dict[int, EntryRow]] = field(default_factory=dict)
    nodes: dict[tuple[Origin, int, int], bytes] = field(default_factory=dict)
    heads: dict[Origin, dict[int, HeadRow]] = field(default_factory=dict)
    cosignatures: dict[Origin, dict[tuple[int, str, int], CosignatureRow]] = field(default_factory=dict)
    findings: dict[FindingRow, None] = field(default_factory=dict)
    given: dict[tuple[Origin, str], int] = field(default_factory=dict)
    arrivals: dict[str, list[Arrival]] = field(default_factory=dict)

    def copy(self) -> "MemoryDisk":
        """A backup of this moment."""
        return MemoryDisk(
            notes=dict(self.notes),
            books=dict(self.books),
            entries={origin: dict(held) for origin, held in self.entries.items()},
            nodes=dict(self.nodes),
            heads={origin: dict(held) for origin, held in self.heads.items()},
            cosignatures={origin: dict(held) for origin, held in self.cosignatures.items()},
            findings=dict(self.findings),
            given=dict(self.given),
            arrivals={channel: list(held) for channel, held in self.arrivals.items()},
        )


class MemoryStore:
    """A `contracts.Store` on a MemoryDisk."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._usable = True

    def commit(self, work: Work, held_at: int) -> None:
        """See `contracts.Store.commit`."""
        self._check_usable()
        self._usable = False  # STORE-2: after a fault this object refuses everything
        _validate(self._disk, work)
        _apply(self._disk, work, held_at)
        self._usable = True

    def notes(self, channel: str | None = None) -> list[NoteRow]:
        """See `contracts.Store.notes`."""
        self._check_usable()
        return [note for note in self._disk.notes.values() if channel in (None, note.channel)]

    def books(self) -> list[StoredBook]:
        """See `contracts.Store.books`."""
        self._check_usable()
        return list(self._disk.books.values())

    def entries(self, origin: Origin, start: int, stop: int) -> list[EntryRow]:
        """See `contracts.Store.entries`."""
        self._check_usable()
        held = self._disk.entries.get(origin, {})
        if stop - start > len(held):  # a gap, or everything
            return [held[index] for index in sorted(held) if start <= index < stop]
        return [held[index] for index in range(start, stop) if index in held]

    def special_entries(self, origin: Origin) -> list[EntryRow]:
        """See `protocol.shelf.Shelf.special_entries`."""
        self._check_usable()
        held = self._disk.entries.get(origin, {})
        return [held[index] for index in sorted(held) if held[index].leaf[1] not in (Kind.SEALED, Kind.OPEN)]

    def hashes(self, origin: Origin, level: int, start: int, stop: int) -> list[bytes]:
        """See `contracts.Store.hashes`."""
        self._check_usable()
        invariant(level % 8 == 0 and 0 <= level <= 40, "the store holds levels 0, 8, ..., 40")
        held = self._disk.entries.get(origin, {})
        try:
            if level == 0:
                return [held[index].leaf_hash for index in range(start, stop)]
            return [self._disk.nodes[origin, level, index] for index in range(start, stop)]
        except KeyError as error:
            raise StoreFault(f"hashes {start} to {stop - 1} of level {level} of {origin} are not all there") from error

    def heads(self, origin: Origin, at_least: int = 0) -> list[HeadRow]:
        """See `contracts.Store.heads`."""
        self._check_usable()
        held = self._disk.heads.get(origin, {})
        return [held[size] for size in sorted(held) if size >= at_least]

    def cosignatures(self, origin: Origin, at_least: int = 0) -> list[CosignatureRow]:
        """See `contracts.Store.cosignatures`."""
        self._check_usable()
        held = self._disk.cosignatures.get(origin, {})
        return [held[key] for key in sorted(held) if key[0] >= at_least]

    def given(self) -> list[GivenRow]:
        """See `contracts.Store.given`."""
        self._check_usable()
        return [GivenRow(origin, party, size) for (origin, party), size in self._disk.given.items()]

    def findings(self) -> list[FindingRow]:
        """See `contracts.Store.findings`."""
        self._check_usable()
        return list(self._disk.findings)

    def arrivals(self, channel: str, after: int = 0) -> list[Arrival]:
        """See `contracts.Store.arrivals`."""
        self._check_usable()
        held = self._disk.arrivals.get(channel, [])
        return held[bisect_right(held, after, key=lambda arrival: arrival[0]) :]

    def close(self) -> None:
        """See `contracts.Store.close`."""
        self._usable = False

    def _check_usable(self) -> None:
        if not self._usable:
            raise StoreFault("this store is closed, or its last commit failed; open it again", rule="STORE-2")


class Outcome(enum.Enum):
    """How an injected commit ends."""

    NOT_KEPT = "StoreFault, and nothing was written"
    KEPT = "StoreFault, although all was written"
    FULL = "StoreFull, and nothing was written; the store goes on"


class FaultyStore:
    """A `contracts.Store` around another, whose commits fail as `plan` says: number of the commit from 1 -> Outcome.

    After NOT_KEPT and KEPT it refuses everything but `close`, as a caller has to reopen (STORE-2).
    """

    def __init__(self, store: Store, plan: Mapping[int, Outcome]) -> None:
        self._store = store
        self._plan = plan
        self._usable = True
        self.commits_count = 0

    def commit(self, work: Work, held_at: int) -> None:
        """See `contracts.Store.commit`."""
        self._inner()
        self.commits_count += 1
        outcome = self._plan.get(self.commits_count)
        if outcome is Outcome.FULL:
            raise StoreFull("injected: the disk is full; nothing was written")
        if outcome is not Outcome.NOT_KEPT:
            self._store.commit(work, held_at)
        if outcome is not None:
            self._usable = False
            raise StoreFault("injected: it is not known whether this commit happened; open the store again")

    def notes(self, channel: str | None = None) -> list[NoteRow]:
        """See `contracts.Store.notes`."""
        return self._inner().notes(channel)

    def books(self) -> list[StoredBook]:
        """See `contracts.Store.books`."""
        return self._inner().books()

    def entries(self, origin: Origin, start: int, stop: int) -> list[EntryRow]:
        """See `contracts.Store.entries`."""
        return self._inner().entries(origin, start, stop)

    def special_entries(self, origin: Origin) -> list[EntryRow]:
        """See `protocol.shelf.Shelf.special_entries`."""
        return self._inner().special_entries(origin)

    def hashes(self, origin: Origin, level: int, start: int, stop: int) -> list[bytes]:
        """See `contracts.Store.hashes`."""
        return self._inner().hashes(origin, level, start, stop)

    def heads(self, origin: Origin, at_least: int = 0) -> list[HeadRow]:
        """See `contracts.Store.heads`."""
        return self._inner().heads(origin, at_least)

    def cosignatures(self, origin: Origin, at_least: int = 0) -> list[CosignatureRow]:
        """See `contracts.Store.cosignatures`."""
        return self._inner().cosignatures(origin, at_least)

    def given(self) -> list[GivenRow]:
        """See `contracts.Store.given`."""
        return self._inner().given()

    def findings(self) -> list[FindingRow]:
        """See `contracts.Store.findings`."""
        return self._inner().findings()

    def arrivals(self, channel: str, after: int = 0) -> list[Arrival]:
        """See `contracts.Store.arrivals`."""
        return self._inner().arrivals(channel, after)

    def close(self) -> None:
        """See `contracts.Store.close`."""
        self._store.close()

    def _inner(self) -> Store:
        if not self._usable:
            raise StoreFault(
                "injected: the outcome of the last commit is unknown; open the store again", rule="STORE-2"
            )
        return self._store


@dataclass(slots=True)
class MemoryJournal:
    """What a MemoryAnchor has recorded; `records` is None until the first record."""

    records: dict[tuple[bool, Origin], tuple[int, bytes]] | None = None


class MemoryAnchor:
    """A `contracts.Anchor` on a MemoryJournal."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self._open = True

    def record(self, records: list[AnchorRecord]) -> None:
        """See `contracts.Anchor.record`."""
        self._check_open()
        if not records:
            return
        held = dict(self._journal.records or {})
        held.update({(row.own, row.origin): (row.size, row.root) for row in records})
        self._journal.records = held

    def newest(self) -> dict[tuple[bool, Origin], tuple[int, bytes]] | None:
        """See `contracts.Anchor.newest`."""
        self._check_open()
        return None if self._journal.records is None else dict(self._journal.records)

    def close(self) -> None:
        """See `contracts.Anchor.close`."""
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise StoreFault("this anchor is closed; open it again")


def _validate(disk: MemoryDisk, work: Work) -> None:
    """Raise StoreFault if `work` as a whole cannot be written; change nothing."""
    origins = [book.origin for book in work.books]
    _expect_new("book", origins, disk.books.keys())
    named = (
        {row.origin for row in work.entries} | {row.origin for row in work.nodes} | {row.origin for row in work.sizes}
    )
    named |= (
        {row.origin for row in work.heads}
        | {row.origin for row in work.cosignatures}
        | {row.origin for row in work.given}
    )
    for origin in named:
        if origin not in disk.books and origin not in origins:
            raise StoreFault(f"there is no book {origin}; commit its BookRow first, or with this row")
    held = disk.entries
    _expect_new(
        "entry",
        [(row.origin, row.index) for row in work.entries],
        {(row.origin, row.index) for row in work.entries if row.index in held.get(row.origin, {})},
    )
    _expect_new("node", [(row.origin, row.level, row.index) for row in work.nodes], disk.nodes.keys())
    sizes: dict[Origin, int] = {}
    for row in work.sizes:
        stored_size = disk.books[row.origin].size if row.origin in disk.books else 0
        if sizes.get(row.origin, stored_size) != row.before:  # STORE-1
            raise StoreFault(f"the size of {row.origin} is not what this turn started with", rule="STORE-1")
        sizes[row.origin] = row.after
    new_notes: dict[bytes, NoteRow] = {}
    for note in work.notes:
        _expect_equal(disk.notes.get(note.digest) or new_notes.setdefault(note.digest, note), note)
    new_heads: dict[tuple[Origin, int], HeadRow] = {}
    for head in work.heads:
        stored = disk.heads.get(head.origin, {}).get(head.size)
        _expect_equal(stored or new_heads.setdefault((head.origin, head.size), head), head)
    new_receipts: dict[tuple[Origin, int, str, int], CosignatureRow] = {}
    for receipt in work.cosignatures:
        place = (receipt.size, receipt.cosigner, receipt.kind)
        stored_receipt = disk.cosignatures.get(receipt.origin, {}).get(place)
        _expect_equal(stored_receipt or new_receipts.setdefault((receipt.origin, *place), receipt), receipt)


def _apply(disk: MemoryDisk, work: Work, held_at: int) -> None:
    for book in work.books:
        disk.books[book.origin] = StoredBook(book.origin, book.channel, book.ours, 0, 0)
    for note in work.notes:
        disk.notes.setdefault(note.digest, note)
    for entry in work.entries:
        disk.entries.setdefault(entry.origin, {})[entry.index] = entry
        arrived = disk.arrivals.setdefault(disk.books[entry.origin].channel, [])
        arrived.append((len(arrived) + 1, held_at, entry))
    for node in work.nodes:
        disk.nodes[node.origin, node.level, node.index] = node.digest
    for row in work.sizes:
        disk.books[row.origin] = disk.books[row.origin]._replace(size=row.after, viewed=row.viewed)
    for head in work.heads:
        disk.heads.setdefault(head.origin, {})[head.size] = head
    for receipt in work.cosignatures:
        key = (receipt.size, receipt.cosigner, receipt.kind)
        disk.cosignatures.setdefault(receipt.origin, {})[key] = receipt
    disk.findings.update(dict.fromkeys(work.findings))
    for given in work.given:
        place = (given.origin, given.party)
        disk.given[place] = max(given.size, disk.given.get(place, 0))


def _expect_new(what: str, keys: Sequence[object], held: Collection[object]) -> None:
    if len(set(keys)) != len(keys) or any(key in held for key in keys):
        raise StoreFault(f"this turn writes a {what} that is there already; nothing was written", rule="STORE-1")


def _expect_equal(held: object, row: object) -> None:
    if held != row:
        raise StoreFault("there is such a row with other content; nothing was written", rule="STORE-1")
