"""The store in one SQLite file. Its law: `contracts.Store`.

One connection and one explicit transaction per commit, in WAL mode with synchronous=FULL: when `commit` returns, the
log was synced. After a commit whose outcome is unknown this object refuses everything (STORE-2): close it, open it
again, and read what is there. Only plain inserts: a row that is there already stops the transaction, and so each key is
a compare-and-swap (STORE-1). Of the protocol it knows where a leaf has its kind, and nothing else.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from detente.errors import StoreFault, StoreFull, invariant
from detente.ids import Origin
from detente.limits import INDEX_MAX
from detente.protocol.effects import (
    CosignatureRow,
    EntryRow,
    FindingRow,
    GivenRow,
    HeadRow,
    NodeRow,
    NoteRow,
    StoredBook,
    Work,
)
from detente.stores import schema
from detente.stores.files import disk_faults, sync_directory

INDEX_BITS = 40  # INDEX_MAX = 2**40
NODE_INDEX_BITS = 36  # a node's index has at most 32 bits, its level / 8 at most 3
WAIT_SECONDS_MAX = 5.0  # for a lock that another process holds; readers never hold one that a writer needs
CACHE_KIB = 16_384  # pages kept in memory: the inner pages of several million entries, and the tails of many books
LOG_PAGES_MAX = (
    1_000  # 4 MiB: when the log is longer, a commit also moves it into the file; short enough not to be felt
)

Row = tuple[object, ...]


class SqliteStore:
    """A `contracts.Store`. Get one from `open`."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._books: dict[str, tuple[int, int]] = {}  # origin -> (book, channel); committed rows only
        self._unknown = False

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, read_only: bool = False) -> "SqliteStore":
        """Open the store at `path`; a new one is created unless `read_only`. A reader may run beside the writer.

        Raises StoreFault: no such file, not writable, not ours, of a newer program, damaged; StoreFull.
        """
        name = os.fspath(path)
        if not read_only:
            _create_file(Path(name))
        elif not Path(name).exists():
            raise StoreFault(f"there is no store at {name}; start the station once, or name the right file")
        with _faults(name):
            uri = f"{Path(name).absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=WAIT_SECONDS_MAX, check_same_thread=False
            )
        try:
            with _faults(name):
                _prepare(connection, name, read_only)
        except StoreFault:
            connection.close()
            raise
        return cls(connection, name)

    def commit(self, work: Work, held_at: int) -> None:
        """See `contracts.Store.commit`."""
        self._usable()
        self._unknown = True  # until the end is known
        try:
            with _faults(self._path):
                self._connection.execute("BEGIN IMMEDIATE")
                self._write(work, held_at)
                self._connection.execute("COMMIT")
        except StoreFull:
            with _faults(self._path):
                self._roll_back()
            self._unknown = False  # without its last frame a transaction is not in the log: nothing was written
            raise
        except StoreFault:
            with _faults(self._path):
                self._roll_back()
            raise
        self._unknown = False

    def notes(self, channel: str | None = None) -> list[NoteRow]:
        """See `contracts.Store.notes`."""
        sql = "SELECT channel, digest, kind, number, party, octets FROM notes"
        if channel is None:
            return [NoteRow(*row) for row in self._read(f"{sql} ORDER BY id")]
        return [NoteRow(*row) for row in self._read(f"{sql} WHERE channel = ? ORDER BY id", channel)]

    def books(self) -> list[StoredBook]:
        """See `contracts.Store.books`."""
        sql = """SELECT b.origin, c.name, b.ours, b.size, b.viewed FROM books b
            LEFT JOIN channels c ON c.id = b.channel ORDER BY b.id"""
        return [
            StoredBook(origin, channel, ours == 1, size, viewed)
            for origin, channel, ours, size, viewed in self._read(sql)
        ]

    def entries(self, origin: Origin, start: int, stop: int) -> list[EntryRow]:
        """See `contracts.Store.entries`."""
        return self._read_entries(origin, start, stop)

    def special_entries(self, origin: Origin) -> list[EntryRow]:
        """See `protocol.shelf.Shelf.special_entries`."""
        return self._read_entries(origin, 0, INDEX_MAX, f"AND {schema.SPECIAL}")

    def hashes(self, origin: Origin, level: int, start: int, stop: int) -> list[bytes]:
        """See `contracts.Store.hashes`."""
        invariant(level % 8 == 0 and 0 <= level <= INDEX_BITS, "the store holds levels 0, 8, ..., 40")
        span = self._span(origin, start, stop)
        found: list[tuple[bytes]] = []
        if span is not None and level == 0:
            found = self._read("SELECT leaf_hash FROM entries WHERE id >= ? AND id < ? ORDER BY id", *span)
        elif span is not None:
            raised = [key + (level // 8 << NODE_INDEX_BITS) for key in span]
            found = self._read("SELECT digest FROM nodes WHERE id >= ? AND id < ? ORDER BY id", *raised)
        if len(found) != max(0, stop - start):
            place = f"hashes {start} to {stop - 1} of level {level} of {origin}"
            raise StoreFault(f"{self._path}: {place} are not all there{_MEND}")
        return [digest for (digest,) in found]

    def heads(self, origin: Origin, at_least: int = 0) -> list[HeadRow]:
        """See `contracts.Store.heads`."""
        span = self._span(origin, at_least, INDEX_MAX)
        if span is None:
            return []
        sql = "SELECT id, root, signature FROM heads WHERE id >= ? AND id < ? ORDER BY id"
        return [HeadRow(origin, key % INDEX_MAX, root, signature) for key, root, signature in self._read(sql, *span)]

    def cosignatures(self, origin: Origin, at_least: int = 0) -> list[CosignatureRow]:
        """See `contracts.Store.cosignatures`."""
        book = self._book_to_read(origin)
        if book is None:
            return []
        sql = """SELECT size, cosigner, kind, timestamp, octets FROM cosignatures
            WHERE book = ? AND size >= ? ORDER BY size, cosigner, kind"""
        return [
            CosignatureRow(origin, size, cosigner, kind, int.from_bytes(timestamp, "big"), octets)
            for size, cosigner, kind, timestamp, octets in self._read(sql, book, at_least)
        ]

    def given(self) -> list[GivenRow]:
        """See `contracts.Store.given`."""
        sql = (
            "SELECT b.origin, g.party, g.size FROM given g LEFT JOIN books b ON b.id = g.book ORDER BY g.book, g.party"
        )
        return [GivenRow(*row) for row in self._read(sql)]

    def findings(self) -> list[FindingRow]:
        """See `contracts.Store.findings`."""
        return [
            FindingRow(*row) for row in self._read("SELECT origin, place, rule, text, proof FROM findings ORDER BY id")
        ]

    def arrivals(self, channel: str, after: int = 0) -> list[tuple[int, int, EntryRow]]:
        """See `contracts.Store.arrivals`."""
        found = self._read("SELECT id FROM channels WHERE name = ?", channel)
        if not found:
            return []
        base = found[0][0] << INDEX_BITS
        sql = """SELECT a.id, a.held_at, o.origin, a.entry, e.leaf, e.leaf_hash, b.body FROM arrivals a
            LEFT JOIN entries e ON e.id = a.entry LEFT JOIN bodies b ON b.id = a.entry
            LEFT JOIN books o ON o.id = a.entry >> ? WHERE a.id > ? AND a.id < ? ORDER BY a.id"""
        arrived = [
            (key - base, held_at, EntryRow(Origin(origin), entry % INDEX_MAX, leaf, leaf_hash, body))
            for key, held_at, origin, entry, leaf, leaf_hash, body in self._read(
                sql, INDEX_BITS, base + after, base + INDEX_MAX
            )
        ]
        self._whole([entry for _, _, entry in arrived])
        return arrived

    def close(self) -> None:
        """See `contracts.Store.close`."""
        self._unknown = True
        with _faults(self._path):
            self._connection.close()

    def _write(self, work: Work, held_at: int) -> None:
        """Write all rows inside the open transaction. Books come first: other rows name them."""
        for book in work.books:
            channel = self._channel(book.channel)
            self._run("INSERT INTO books (origin, channel, ours) VALUES (?, ?, ?)", [(book.origin, channel, book.ours)])
        self._keep("notes", "channel, digest, kind, number, party, octets", work.notes)
        if work.entries:
            self._write_entries(work.entries, held_at)
        if work.nodes:
            self._run("INSERT INTO nodes VALUES (?, ?)", [(self._node_key(node), node.digest) for node in work.nodes])
        if work.sizes:
            sql = "UPDATE books SET size = ?, viewed = ? WHERE id = ? AND size = ?"
            rows = [(row.after, row.viewed, self._book(row.origin)[0], row.before) for row in work.sizes]
            if self._run(sql, rows) != len(rows):  # STORE-1
                text = f"{self._path}: the size of a book is not what this turn started with{_REOPEN}"
                raise StoreFault(text, rule="STORE-1")
        heads = [(self._key(row.origin, row.size), row.root, row.signature) for row in work.heads]
        self._keep("heads", "id, root, signature", heads)
        self._keep(
            "cosignatures",
            "book, size, cosigner, kind, timestamp, octets",
            [
                (
                    self._book(row.origin)[0],
                    row.size,
                    row.cosigner,
                    row.kind,
                    row.timestamp.to_bytes(8, "big"),
                    row.octets,
                )
                for row in work.cosignatures
            ],
        )
        if work.given:
            sql = """INSERT INTO given VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET size = max(size, excluded.size)"""
            self._run(sql, [(self._book(row.origin)[0], row.party, row.size) for row in work.given])
        for finding in work.findings:
            columns = "origin, place, rule, text, proof"
            if not self._has("findings", columns, finding):
                self._keep("findings", columns, [finding])

    def _write_entries(self, entries: Sequence[EntryRow], held_at: int) -> None:
        keys = [self._key(entry.origin, entry.index) for entry in entries]
        self._run(
            "INSERT INTO entries VALUES (?, ?, ?)",
            [(key, entry.leaf, entry.leaf_hash) for key, entry in zip(keys, entries, strict=True)],
        )
        self._run(
            "INSERT INTO bodies VALUES (?, ?)", [(key, entry.body) for key, entry in zip(keys, entries, strict=True)]
        )
        newest: dict[int, int] = {}  # channel -> key of its newest arrival
        arrivals = []
        for key, entry in zip(keys, entries, strict=True):
            channel = self._book(entry.origin)[1]
            arrival = (newest[channel] if channel in newest else self._newest_arrival(channel)) + 1
            newest[channel] = arrival
            arrivals.append((arrival, key, held_at))
        self._run("INSERT INTO arrivals VALUES (?, ?, ?)", arrivals)

    def _keep(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Insert rows; one that is there already must be equal."""
        if not rows:
            return
        marks = ", ".join("?" * len(rows[0]))
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
        if self._run(sql, rows) == len(rows):
            return
        if not all(self._has(table, columns, row) for row in rows):
            raise StoreFault(f"{self._path}: {table} has such a row with other content{_REOPEN}", rule="STORE-1")

    def _has(self, table: str, columns: str, row: Row) -> bool:
        """Whether exactly this row is there."""
        terms = " AND ".join(f"{column} = ?" for column in columns.split(", "))
        sql = f"SELECT 1 FROM {table} WHERE {terms}"  # noqa: S608 - our own names
        return self._connection.execute(sql, row).fetchone() is not None

    def _run(self, sql: str, rows: Iterable[Row]) -> int:
        return self._connection.executemany(sql, rows).rowcount

    def _read_entries(self, origin: Origin, start: int, stop: int, condition: str = "") -> list[EntryRow]:
        span = self._span(origin, start, stop)
        if span is None:
            return []
        sql = f"""SELECT entries.id, leaf, leaf_hash, body FROM entries LEFT JOIN bodies ON bodies.id = entries.id
            WHERE entries.id >= ? AND entries.id < ? {condition} ORDER BY entries.id"""  # noqa: S608 - our constant
        rows = [
            EntryRow(origin, key % INDEX_MAX, leaf, leaf_hash, body)
            for key, leaf, leaf_hash, body in self._read(sql, *span)
        ]
        self._whole(rows)
        return rows

    def _read(self, sql: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        self._usable()
        with _faults(self._path):
            return self._connection.execute(sql, values).fetchall()

    def _usable(self) -> None:
        if self._unknown:
            raise StoreFault(
                f"{self._path}: this store object is closed, or its last commit may or may not have happened; "
                "close it and open the store again",
                rule="STORE-2",
            )

    def _whole(self, entries: list[EntryRow]) -> None:
        """A leaf without its body, or the other way round, is damage."""
        for entry in entries:
            if None in entry:
                raise StoreFault(f"{self._path}: entry {entry.index} of {entry.origin} is not whole{_MEND}")

    def _book(self, origin: str) -> tuple[int, int]:
        found = self._books.get(origin) or self._find_book(origin)
        if found is None:
            raise StoreFault(f"{self._path}: there is no book {origin}; commit its BookRow first, or with this row")
        return found

    def _find_book(self, origin: str) -> tuple[int, int] | None:
        """(book, channel) of an origin, remembered."""
        if origin not in self._books:
            found = self._connection.execute("SELECT id, channel FROM books WHERE origin = ?", (origin,)).fetchone()
            if found is None:
                return None
            self._books[origin] = found
        return self._books[origin]

    def _book_to_read(self, origin: str) -> int | None:
        self._usable()
        with _faults(self._path):
            found = self._find_book(origin)
        return found[0] if found else None

    def _span(self, origin: str, start: int, stop: int) -> tuple[int, int] | None:
        """The keys of places `start` to `stop` - 1 of a book; None if there is no such book."""
        invariant(0 <= start <= INDEX_MAX and stop <= INDEX_MAX, "places in a book are between 0 and 2**40")
        book = self._book_to_read(origin)
        return None if book is None else ((book << INDEX_BITS) + start, (book << INDEX_BITS) + stop)

    def _key(self, origin: str, place: int) -> int:
        invariant(0 <= place < INDEX_MAX, "a place in a book is between 0 and 2**40 - 1")
        return self._book(origin)[0] << INDEX_BITS | place

    def _node_key(self, node: NodeRow) -> int:
        invariant(
            node.level % 8 == 0 and 8 <= node.level <= INDEX_BITS, "the store keeps nodes of levels 8, 16, ..., 40"
        )
        invariant(0 <= node.index < 1 << (INDEX_BITS - node.level), "a node lies within 2**40 leaves")
        return self._key(node.origin, node.level // 8 << NODE_INDEX_BITS | node.index)

    def _channel(self, name: str) -> int:
        self._run("INSERT INTO channels (name) VALUES (?) ON CONFLICT DO NOTHING", [(name,)])
        (channel,) = self._connection.execute("SELECT id FROM channels WHERE name = ?", (name,)).fetchone()
        return int(channel)

    def _newest_arrival(self, channel: int) -> int:
        """The key of a channel's newest arrival, or the one before its first."""
        base = channel << INDEX_BITS
        sql = "SELECT max(id) FROM arrivals WHERE id >= ? AND id < ?"
        (newest,) = self._connection.execute(sql, (base, base + INDEX_MAX)).fetchone()
        return base if newest is None else int(newest)

    def _roll_back(self) -> None:
        self._books.clear()  # it may name books of this transaction
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


_REOPEN = "; nothing of this turn was written. Close the store, open it again, and read what is there"
_MEND = "; the file is damaged or was changed by hand. Stop the station and restore this store from a backup"


def _create_file(path: Path) -> None:
    """Make an empty file that only its owner can read, if there is none; its name is durable when this returns."""
    with disk_faults(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_directory(path.absolute().parent)


def _prepare(connection: sqlite3.Connection, path: str, read_only: bool) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")  # finds some damage early
    connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
    if read_only:
        schema.check(connection, path)
        return
    schema.check(connection, path)  # before the journal mode of another program's file is changed
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreFault(f"{path} cannot have a write-ahead log here (is it a network file system?); use a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES_MAX}")
    # Empty the log now: what a failed sync has left in it may be in memory only, and look written; the copy is synced.
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise  # without room for the copy the log stays, and what is there can still be read
    schema.migrate(connection, path)


@contextmanager
def _faults(path: str) -> Iterator[None]:
    """Turn errors of SQLite into ours, with what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_FULL:
            raise StoreFull(_full(path)) from error
        advice = _ADVICE.get(code & 0xFF, _STOP) if code is not None else _STOP
        name = getattr(error, "sqlite_errorname", "no code")
        raise StoreFault(f"{path}: {error} ({name}){advice}") from error
    except OverflowError as error:
        raise StoreFault(f"{path}: a number of this turn has more than 63 bits{_REOPEN}") from error


def _full(path: str) -> str:
    return f"{path}: the disk is full; nothing was written, and what was there is whole. Make room, then go on"


_STOP = "; close the store, open it again, and read what is there; if it happens again, check the disk"
_ALLOW = "; let this user write the file and its directory (log files are made beside it), or give another place"
_ADVICE = {
    sqlite3.SQLITE_READONLY: _ALLOW,
    sqlite3.SQLITE_CANTOPEN: _ALLOW,
    sqlite3.SQLITE_PERM: _ALLOW,
    sqlite3.SQLITE_CORRUPT: _MEND,
    sqlite3.SQLITE_NOTADB: "; this is not a store, or it is damaged. Name the right file, or restore it from a backup",
    sqlite3.SQLITE_CONSTRAINT: f"; a row of this turn is there already, or has the wrong shape{_REOPEN}",
    sqlite3.SQLITE_BUSY: "; another program holds this store. Stop it: one store has one station",
}
