"""Every store of ours keeps every promise of `contracts.Store`, and the checks notice a store that does not."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from detente.contracts import Store
from detente.errors import StoreFault
from detente.ids import Origin
from detente.protocol.effects import CosignatureRow, EntryRow, HeadRow, NoteRow, Work
from detente.stores.sqlite import SqliteStore
from detente.testing.conformance import STORE_CHECKS, MakeStore, check_store
from detente.testing.fakes import Arrival, FaultyStore, MemoryDisk, MemoryStore


def in_memory(kind: type[MemoryStore] = MemoryStore) -> MakeStore:
    """Makes stores whose disks outlive them."""
    disks: dict[str, MemoryDisk] = defaultdict(MemoryDisk)
    return lambda place: kind(disks[place])


def on_disk(directory: Path) -> MakeStore:
    """Makes SQLite stores in `directory`."""
    return lambda place: SqliteStore.open(directory / f"{place}.sqlite")


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_sqlite_keeps_the_promise(check: Callable[[MakeStore], None], tmp_path: Path) -> None:
    """The SQLite store, on a real disk."""
    check(on_disk(tmp_path))


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_memory_keeps_the_promise(check: Callable[[MakeStore], None]) -> None:
    """The store in memory, which the simulator trusts."""
    check(in_memory())


def test_a_faulty_store_without_a_plan_keeps_the_promise() -> None:
    """A FaultyStore changes nothing but what its plan says."""
    make = in_memory()
    check_store(lambda place: FaultyStore(make(place), {}))


class Forgets(MemoryStore):
    """Tells of entries that it does not hold after closing."""

    def close(self) -> None:
        """Lose what was committed."""
        self._disk.entries.clear()
        super().close()


class SwapsBlindly(MemoryStore):
    """Moves a size from whatever it is."""

    def commit(self, work: Work, held_at: int) -> None:
        """Make each `before` right."""
        stored = {book.origin: book.size for book in self.books()}
        work.sizes = [row._replace(before=stored.get(row.origin, row.before)) for row in work.sizes[-1:]]
        super().commit(work, held_at)


class WritesHalf(MemoryStore):
    """Keeps the notes of a turn that is refused."""

    def commit(self, work: Work, held_at: int) -> None:
        """Write notes first, in a transaction of their own."""
        super().commit(Work(notes=work.notes), held_at)
        super().commit(work, held_at)


class KeepsTheFirstHead(MemoryStore):
    """Drops a second, different head in silence."""

    def commit(self, work: Work, held_at: int) -> None:
        """Leave out heads of sizes that are there."""
        work.heads = [row for row in work.heads if not any(old.size == row.size for old in self.heads(row.origin))]
        super().commit(work, held_at)


class ReadsOneTooMany(MemoryStore):
    """Takes `at_least` as a greatest lower bound, and `after` as inclusive."""

    def heads(self, origin: Origin, at_least: int = 0) -> list[HeadRow]:
        """One size lower."""
        return super().heads(origin, at_least - 900)

    def arrivals(self, channel: str, after: int = 0) -> list[Arrival]:
        """From `after` on."""
        return super().arrivals(channel, after - 1)


class MixesChannels(MemoryStore):
    """Gives the notes of all channels."""

    def notes(self, channel: str | None = None) -> list[NoteRow]:
        """Everything, always."""
        del channel
        return super().notes()


class HidesMissingHashes(MemoryStore):
    """Gives nothing instead of a fault."""

    def hashes(self, origin: Origin, level: int, start: int, stop: int) -> list[bytes]:
        """Swallow the fault."""
        try:
            return super().hashes(origin, level, start, stop)
        except StoreFault:
            return []


class ReversesReceipts(MemoryStore):
    """Gives the newest receipt first, so that RECEIPT-5 would break."""

    def cosignatures(self, origin: Origin, at_least: int = 0) -> list[CosignatureRow]:
        """By size, descending."""
        return super().cosignatures(origin, at_least)[::-1]


class ClipsBodies(MemoryStore):
    """Cuts long bodies."""

    def entries(self, origin: Origin, start: int, stop: int) -> list[EntryRow]:
        """At 16,383 octets."""
        return [row._replace(body=row.body[:16_383]) for row in super().entries(origin, start, stop)]


class GivesTheLatest(MemoryStore):
    """Lets what was given shrink."""

    def commit(self, work: Work, held_at: int) -> None:
        """Forget the old sizes of what is given now."""
        for row in work.given:
            self._disk.given.pop((row.origin, row.party), None)
        super().commit(work, held_at)


class TakesOpenForSpecial(MemoryStore):
    """Gives everything for special."""

    def special_entries(self, origin: Origin) -> list[EntryRow]:
        """All entries."""
        return self.entries(origin, 0, 2**40)


BROKEN = (
    Forgets,
    SwapsBlindly,
    WritesHalf,
    KeepsTheFirstHead,
    ReadsOneTooMany,
    MixesChannels,
    HidesMissingHashes,
    ReversesReceipts,
    ClipsBodies,
    GivesTheLatest,
    TakesOpenForSpecial,
)


@pytest.mark.parametrize("kind", BROKEN)
def test_the_checks_notice_a_broken_promise(kind: type[MemoryStore]) -> None:
    """Each broken store fails the checks, and the message says which promise."""
    make: MakeStore = in_memory(kind)
    with pytest.raises(AssertionError, match="broken promise: "):
        check_store(make)


def test_a_copy_of_a_memory_disk_is_a_backup() -> None:
    """STORE-3's tests restore old backups: what is committed after the copy is not in it."""
    disk = MemoryDisk()
    store: Store = MemoryStore(disk)
    row = NoteRow("north", b"d" * 32, "charter", 1, "", b"octets")
    store.commit(Work(notes=[row]), 1)
    backup = disk.copy()
    store.commit(Work(notes=[row._replace(digest=b"e" * 32)]), 1)
    assert MemoryStore(backup).notes() == [row]
    assert len(store.notes()) == 2
