"""A store judged whole from its octets: SQLite's own check, then every entry, tree and head of every book.

It keeps: nothing is believed that can be computed; the same words for the backup that was just written and for the store
in use. It changes nothing and needs no key.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from detente.crypto.hashing import sha256
from detente.crypto.signing import verify_ed25519
from detente.errors import Malformed, PeerViolation, StoreFault
from detente.formats.entry import decode_leaf
from detente.ids import Origin
from detente.protocol.effects import EntryRow, StoredBook
from detente.protocol.roster import Roster
from detente.stores.sqlite import SqliteStore
from detente.tlog.checkpoint import checkpoint_text
from detente.tlog.tree import Frontier, completed_nodes, leaf_hash

ENTRIES_AT_ONCE = 500

Progress = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True, slots=True)
class BookChecked:
    """One book that is whole up to its signed head."""

    origin: Origin
    ours: bool
    size: int
    root: bytes


def no_progress(_done: int, _total: int) -> None:
    """For callers whom nobody watches."""


def check_store(path: Path, progress: Progress = no_progress) -> list[BookChecked]:
    """Every book of the store at `path`, all of it verified. Raises StoreFault that names what is wrong."""
    _check_sqlite(path)
    store = SqliteStore.open(path, read_only=True)
    try:
        rosters = _rosters(store, path)
        books = store.books()
        total, done = sum(book.size for book in books), 0
        found = []
        for book in books:
            held = rosters[book.channel].book_notes.get(book.origin) if book.channel in rosters else None
            if held is None:
                raise StoreFault(f"{path}: the signed note of {book.origin} is missing{_MEND}")
            frontier = Frontier()
            roots = {0: frontier.root()}
            wanted = {head.size for head in store.heads(book.origin)}
            for rows in _batches(store, book):
                before = frontier
                for row in rows:
                    _check_entry(path, row)
                    frontier = frontier.add_leaf(row.leaf_hash)
                    if frontier.size in wanted:
                        roots[frontier.size] = frontier.root()
                _check_nodes(path, store, book.origin, before, [row.leaf_hash for row in rows])
                done += len(rows)
                progress(done, total)
            found.append(_check_heads(path, store, book, held.key, roots))
        return found
    finally:
        store.close()


def _check_sqlite(path: Path) -> None:
    if not path.exists():
        raise StoreFault(f"there is no store at {path}; start the station once, or name the right file")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreFault(f"{path}: {error}{_MEND}") from error
    if rows != [("ok",)]:
        raise StoreFault(f"{path}: SQLite finds damage: {rows[0][0]}{_MEND}")


def _rosters(store: SqliteStore, path: Path) -> dict[str, Roster]:
    found: dict[str, Roster] = {}
    for row in sorted(store.notes(), key=lambda row: (row.kind != "charter", row.number)):
        try:
            found.setdefault(row.channel, Roster()).take(row.octets)
        except PeerViolation as fault:
            raise StoreFault(f"{path}: a signed note of {row.channel} does not verify: {fault}{_MEND}") from fault
    return found


def _batches(store: SqliteStore, book: StoredBook) -> Iterator[list[EntryRow]]:
    for start in range(0, book.size, ENTRIES_AT_ONCE):
        stop = min(book.size, start + ENTRIES_AT_ONCE)
        rows = store.entries(book.origin, start, stop)
        if [row.index for row in rows] != list(range(start, stop)):
            raise StoreFault(f"{book.origin}: entries between {start} and {stop} are missing{_MEND}")
        yield rows


def _check_entry(path: Path, row: EntryRow) -> None:
    try:
        leaf = decode_leaf(row.leaf)
    except Malformed as fault:
        raise StoreFault(f"{path}: entry {row.index} of {row.origin} is damaged: {fault}{_MEND}") from fault
    if row.leaf_hash != leaf_hash(row.leaf):
        raise StoreFault(f"{path}: the leaf of entry {row.index} of {row.origin} was altered{_MEND}")
    if (leaf.body_size, leaf.body_hash) != (len(row.body), sha256(row.body)):
        raise StoreFault(f"{path}: the body of entry {row.index} of {row.origin} was altered{_MEND}")


def _check_nodes(path: Path, store: SqliteStore, origin: Origin, before: Frontier, hashes: list[bytes]) -> None:
    for level, index, digest in completed_nodes(before, hashes):
        if store.hashes(origin, level, index, index + 1) != [digest]:
            raise StoreFault(f"{path}: the tree of {origin} was altered at level {level}, {index}{_MEND}")


def _check_heads(path: Path, store: SqliteStore, book: StoredBook, key: bytes, roots: dict[int, bytes]) -> BookChecked:
    for head in store.heads(book.origin):
        text = checkpoint_text(head.origin, head.size, head.root)
        if head.size <= book.size and roots[head.size] != head.root:
            raise StoreFault(f"{path}: the head of {book.origin} at {head.size} is not that of its entries{_MEND}")
        if not verify_ed25519(key, text.encode(), head.signature):
            raise StoreFault(f"{path}: the head of {book.origin} at {head.size} is not signed by its key{_MEND}")
    if book.ours and book.size not in {head.size for head in store.heads(book.origin, book.size)}:
        raise StoreFault(f"{path}: the head of {book.origin} at {book.size} is missing{_MEND}")
    last = max((head.size for head in store.heads(book.origin) if head.size <= book.size), default=0)
    return BookChecked(book.origin, book.ours, book.size, roots[last] if book.size == last else b"")


_MEND = "; restore the store from another backup (`detente restore`)"
