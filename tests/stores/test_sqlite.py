"""What the SQLite store does when the disk, the machine or another program does not do as it should."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from detente.errors import InternalFault, StoreFault, StoreFull
from detente.ids import Origin
from detente.protocol.effects import AnchorRecord, BookRow, EntryRow, NodeRow, SizeRow, Work
from detente.station.anchor import JournalAnchor
from detente.stores import schema
from detente.stores.sqlite import SqliteStore
from detente.testing.conformance import ALFA, HELD_AT, NOBODY, books, entry, full_turn, head, note, receipt
from tests.stores import endless_writer
from tests.stores.mounts import fill, read_only, small_disk


def started(path: Path) -> SqliteStore:
    """A store with three books and one full turn."""
    store = SqliteStore.open(path)
    store.commit(books(), HELD_AT)
    store.commit(full_turn(0, 3), HELD_AT)
    return store


def large_turn(start: int) -> Work:
    """About 320 KB."""
    rows = [entry(ALFA, index)._replace(body=os.urandom(16_384)) for index in range(start, start + 20)]
    return Work(entries=rows, sizes=[SizeRow(ALFA, start, start + 20, 0)])


# --- a full disk


def test_a_full_disk_is_store_full_and_nothing_is_written(tmp_path: Path) -> None:
    """STORE-1: when there is no room the turn is refused whole; the store goes on, and with room it is written."""
    with small_disk(tmp_path / "disk", 3_000_000) as disk:
        store = started(disk / "store")
        size = 3
        with pytest.raises(StoreFull, match="the disk is full"):  # noqa: PT012 - some turns fit, the last does not
            while True:
                store.commit(large_turn(size), HELD_AT)
                size += 20
        assert size > 3, "some turns fit"
        filler = fill(disk)
        for _ in range(3):
            with pytest.raises(StoreFull):
                store.commit(large_turn(size), HELD_AT)
        assert store.books()[0].size == size
        assert len(store.entries(ALFA, 0, 10_000)) == size
        filler.unlink()
        store.commit(full_turn(size, size + 1), HELD_AT)
        store.close()
        store = SqliteStore.open(disk / "store")
        assert [row.index for row in store.entries(ALFA, 0, 10_000)] == list(range(size + 1))
        store.close()


def test_a_refused_book_is_not_remembered(tmp_path: Path) -> None:
    """A book that was added in a turn without room is not there afterwards, in memory as little as on disk."""
    with small_disk(tmp_path / "disk", 1_000_000) as disk:
        store = started(disk / "store")
        rows = [entry(NOBODY, index)._replace(body=bytes(16_384)) for index in range(80)]
        work = Work(books=[BookRow(NOBODY, "north", False)], entries=rows)
        with pytest.raises(StoreFull):
            store.commit(work, HELD_AT)
        assert store.entries(NOBODY, 0, 80) == []
        store.commit(Work(books=[BookRow(NOBODY, "north", False)], entries=rows[:1]), HELD_AT)
        assert store.entries(NOBODY, 0, 80) == rows[:1]
        store.close()


def test_no_room_for_a_new_store_is_store_full(tmp_path: Path) -> None:
    """Opening on a full disk says so."""
    with small_disk(tmp_path / "disk", 100_000) as disk:
        fill(disk)
        with pytest.raises(StoreFull):
            SqliteStore.open(disk / "store")


# --- a disk that cannot be written


def test_a_read_only_directory_is_said_with_what_to_do(tmp_path: Path) -> None:
    """Where the store or its log cannot be written, the fault says so before anything is asked of it."""
    directory = tmp_path / "home"
    directory.mkdir()
    started(directory / "store").close()
    with read_only(directory):
        with pytest.raises(StoreFault, match="let this user write the file and its directory") as caught:
            SqliteStore.open(directory / "store")
        assert not isinstance(caught.value, StoreFull)
        with pytest.raises(StoreFault, match="let this user write"):
            SqliteStore.open(directory / "new")


def test_a_missing_directory_and_a_missing_store_are_said(tmp_path: Path) -> None:
    """A writer needs the directory, a reader the file; a reader makes nothing."""
    with pytest.raises(StoreFault, match="make the directory first"):
        SqliteStore.open(tmp_path / "none" / "store")
    with pytest.raises(StoreFault, match="there is no store"):
        SqliteStore.open(tmp_path / "store", read_only=True)
    assert list(tmp_path.iterdir()) == []


# --- files that are not ours, newer, or damaged


def test_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    """A store of a newer program is refused with that program's version, to writers and readers, and not changed."""
    path = tmp_path / "store"
    started(path).close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO migrations VALUES (?, '7.8.9')", (len(schema.MIGRATIONS) + 1,))
    connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for reader in (False, True):
        with pytest.raises(StoreFault, match=r"written by Detente 7\.8\.9 .* start the newer program"):
            SqliteStore.open(path, read_only=reader)
    assert path.read_bytes() == before


def test_a_newer_schema_without_our_tables_is_refused(tmp_path: Path) -> None:
    """Even if the newer program no longer says which one it was."""
    path = tmp_path / "store"
    started(path).close()
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE migrations")
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(StoreFault, match="an unknown later version"):
        SqliteStore.open(path)


def test_another_programs_database_is_refused_untouched(tmp_path: Path) -> None:
    """A database of somebody else is not turned into a store."""
    path = tmp_path / "other"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreFault, match="not a Detente store"):
        SqliteStore.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """And stays as it is."""
    path = tmp_path / "text"
    path.write_bytes(b"a text, and no database\n" * 400)
    with pytest.raises(StoreFault, match="not a store"):
        SqliteStore.open(path)
    assert path.read_bytes() == b"a text, and no database\n" * 400


def test_damage_is_a_store_fault(tmp_path: Path) -> None:
    """Pages overwritten behind the store's back are found when they are read, never given out as rows."""
    path = tmp_path / "store"
    store = started(path)
    store.commit(Work(entries=[entry(ALFA, index) for index in range(3, 2_000)]), HELD_AT)
    store.close()
    octets = bytearray(path.read_bytes())
    octets[8_192:] = b"\xa5" * (len(octets) - 8_192)
    path.write_bytes(octets)
    with pytest.raises(StoreFault, match="restore"):  # noqa: PT012 - found at opening or at reading
        store = SqliteStore.open(path)
        store.entries(ALFA, 0, 2_000)
    store.close()


@pytest.mark.parametrize("table", ["bodies", "entries", "books"])
def test_an_entry_that_is_not_whole_is_a_store_fault(tmp_path: Path, table: str) -> None:
    """A row that is missing from one table is damage, not a shorter answer."""
    path = tmp_path / "store"
    started(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names above
    connection.commit()
    connection.close()
    store = SqliteStore.open(path)
    with pytest.raises(StoreFault, match="not whole"):
        store.arrivals("north")
    if table == "bodies":
        with pytest.raises(StoreFault, match="not whole"):
            store.entries(ALFA, 0, 3)
    store.close()


# --- commits whose outcome is unknown


def test_after_a_fault_the_object_refuses_everything(tmp_path: Path) -> None:
    """STORE-2: after a commit that failed nothing more is read or written before the store is opened again."""
    path = tmp_path / "store"
    store = started(path)
    with pytest.raises(StoreFault):
        store.commit(Work(entries=[entry(ALFA, 1)]), HELD_AT)
    for action in (store.books, store.notes, lambda: store.heads(ALFA), lambda: store.commit(Work(), HELD_AT)):
        with pytest.raises(StoreFault, match="STORE-2"):
            action()
    store.close()
    assert SqliteStore.open(path).books()[0].size == 3


def test_places_out_of_range_never_reach_another_book(tmp_path: Path) -> None:
    """An index of 2**40 would be the next book's first; such a row is a bug of ours and is not written."""
    path = tmp_path / "store"
    turns = [
        Work(entries=[entry(ALFA, 2**40)]),
        Work(heads=[head(ALFA, -1)]),
        Work(nodes=[NodeRow(ALFA, 8, 2**32, b"n" * 32)]),
        Work(nodes=[NodeRow(ALFA, 12, 0, b"n" * 32)]),
    ]
    started(path).close()
    for work in turns:
        store = SqliteStore.open(path)
        with pytest.raises(InternalFault):
            store.commit(work, HELD_AT)
        store.close()
    store = SqliteStore.open(path)
    assert [row.index for row in store.entries(ALFA, 0, 2**40)] == [0, 1, 2]
    assert [row.size for row in store.heads(ALFA)] == [3]
    store.close()


def test_numbers_and_kinds_that_sqlite_cannot_hold_are_faults(tmp_path: Path) -> None:
    """A size above 63 bits, or a text where octets belong, writes nothing."""
    path = tmp_path / "store"
    started(path).close()
    wrong = EntryRow(ALFA, 5, "text", b"h" * 32, b"b")  # type: ignore[arg-type]
    for work in (Work(sizes=[SizeRow(ALFA, 3, 2**63, 0)]), Work(entries=[wrong]), Work(notes=[note("x", 2**70)])):
        store = SqliteStore.open(path)
        with pytest.raises(StoreFault):
            store.commit(work, HELD_AT)
        store.close()
    store = SqliteStore.open(path)
    assert (store.books()[0].size, len(store.entries(ALFA, 0, 99)), len(store.notes())) == (3, 3, 1)
    store.close()


def test_a_second_writer_is_a_store_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-1: another writer's lock is waited for and then said; a turn that started from old sizes is refused."""
    monkeypatch.setattr("detente.stores.sqlite.WAIT_SECONDS_MAX", 0.05)
    path = tmp_path / "store"
    first = started(path)
    second = SqliteStore.open(path)
    first.commit(full_turn(3, 4), HELD_AT)
    with pytest.raises(StoreFault):
        second.commit(full_turn(3, 5), HELD_AT)
    second.close()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFault, match="one store has one station"):
        first.commit(full_turn(4, 5), HELD_AT)
    blocker.close()
    first.close()


# --- readers, and processes that die


def test_readers_read_beside_the_writer_and_never_write(tmp_path: Path) -> None:
    """A reader sees each commit as soon as it was told, and cannot commit."""
    store = started(tmp_path / "store")
    reader = SqliteStore.open(tmp_path / "store", read_only=True)
    assert reader.heads(NOBODY) == []
    for size in range(3, 30):
        store.commit(full_turn(size, size + 1), HELD_AT)
        assert reader.books()[0].size == size + 1
        assert reader.entries(ALFA, size, size + 1) == [entry(ALFA, size)]
    store.commit(Work(books=[BookRow(NOBODY, "north", False)], heads=[head(NOBODY, 1)]), HELD_AT)
    assert reader.heads(NOBODY) == [head(NOBODY, 1)]
    with pytest.raises(StoreFault, match="readonly"):
        reader.commit(Work(cosignatures=[receipt(ALFA, 9, "w")]), HELD_AT)
    reader.close()
    store.close()


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """The store and its log have mode 0600 whatever the umask."""
    store = started(tmp_path / "store")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    store.close()


def test_kill_minus_nine_loses_nothing_that_was_told(tmp_path: Path) -> None:
    """STORE-1, STORE-2: a process killed amid commits leaves whole turns, all that it told, and the anchor behind."""
    path = tmp_path / "store"
    told = 0
    for lines_count in (1, 30, 77):
        child = subprocess.Popen(
            [sys.executable, endless_writer.__file__, str(path)], stdout=subprocess.PIPE, text=True
        )
        output = child.stdout
        assert output is not None
        for _ in range(lines_count):
            told = int(output.readline())
        child.send_signal(signal.SIGKILL)
        rest = output.read().split("\n")[:-1]
        output.close()
        assert child.wait() == -signal.SIGKILL
        told = max([told, *map(int, rest)])
        _check_whole_turns(path, told)


def _check_whole_turns(path: Path, told: int) -> None:
    store = SqliteStore.open(path)
    origin = Origin(store.books()[0].origin)
    size = store.books()[0].size
    assert size >= told, "what was told is there"
    assert store.entries(origin, 0, size + 100) == [entry(origin, index) for index in range(size)]
    assert store.heads(origin)[-1] == head(origin, size), "the turn is whole: its head is there"
    assert store.cosignatures(origin)[-1].size == size
    assert len(store.arrivals("north")) == size
    assert [row.size for row in store.heads(origin)] == [row.size for row in store.cosignatures(origin)]
    store.close()
    anchor = JournalAnchor(f"{path}.anchor")
    newest = anchor.newest()
    assert newest is not None
    anchored = AnchorRecord(True, origin, *newest[True, origin])
    assert told <= anchored.size <= size, "STORE-3: the anchor names what was told, and nothing that is not stored"
    assert anchored.root == head(origin, anchored.size).root
    anchor.close()
