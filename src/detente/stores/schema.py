"""The tables of the SQLite store, as numbered migrations.

Its law: a migration that was ever released is never changed; a new one is added behind it. A file says whose it is
(`application_id`), which migrations it has had (`user_version`), and which program made each one (table `migrations`).
A file of a newer program is refused before anything in it is touched.
"""

import sqlite3

from detente import __version__
from detente.errors import StoreFault

APPLICATION_ID = 0x4445_5430  # "DET0"

SPECIAL = "substr(leaf, 2, 1) NOT IN (x'02', x'03')"

# Keys of 63 bits hold a number and a place: (book << 40) | index, and likewise for channels and heads. Such tables are
# rowid tables: a run of one book lies together, is appended in order, and needs no second index.
_FIRST = (
    "CREATE TABLE migrations (number INTEGER PRIMARY KEY, program TEXT NOT NULL) STRICT",
    "CREATE TABLE channels (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE notes (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, digest BLOB NOT NULL UNIQUE,
        kind TEXT NOT NULL, number INTEGER NOT NULL, party TEXT NOT NULL, octets BLOB NOT NULL) STRICT""",
    "CREATE INDEX notes_by_channel ON notes (channel)",
    """CREATE TABLE books (id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, channel INTEGER NOT NULL,
        ours INTEGER NOT NULL, size INTEGER NOT NULL DEFAULT 0, viewed INTEGER NOT NULL DEFAULT 0) STRICT""",
    # `id` is (book << 40) | index. Bodies stand apart, so that reading leaves or hashes does not read bodies.
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL) STRICT",
    # The few entries that are neither sealed nor open: the second octet of a leaf is its kind (BOOK-2, BOOK-3).
    f"CREATE INDEX special_entries ON entries (id) WHERE {SPECIAL}",
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    # `id` is (channel << 40) | arrival number, `entry` the id in `entries`.
    "CREATE TABLE arrivals (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, held_at INTEGER NOT NULL) STRICT",
    # `id` is (book << 40) | (level / 8 << 36) | index: from level 8 on an index has at most 32 bits.
    "CREATE TABLE nodes (id INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT",
    # `id` is (book << 40) | size.
    "CREATE TABLE heads (id INTEGER PRIMARY KEY, root BLOB NOT NULL, signature BLOB NOT NULL) STRICT",
    # timestamp: 8 octets, big-endian; a peer may claim any of 64 bits, and an INTEGER has 63.
    """CREATE TABLE cosignatures (book INTEGER NOT NULL, size INTEGER NOT NULL, cosigner TEXT NOT NULL,
        kind INTEGER NOT NULL, timestamp BLOB NOT NULL, octets BLOB NOT NULL,
        PRIMARY KEY (book, size, cosigner, kind)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE findings (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, place INTEGER NOT NULL,
        rule TEXT NOT NULL, text TEXT NOT NULL, proof BLOB NOT NULL) STRICT""",
    """CREATE TABLE given (book INTEGER NOT NULL, party TEXT NOT NULL, size INTEGER NOT NULL,
        PRIMARY KEY (book, party)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX findings_by_place ON findings (origin, place, rule)",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)


def check(connection: sqlite3.Connection, path: str) -> None:
    """Refuse a file that is not ours, or that a newer program wrote. Raises StoreFault, or sqlite3.Error."""
    if _is_new(connection):
        return
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreFault(f"{path} is a database, but not a Detente store; name the right file")
    found = _pragma(connection, "user_version")
    if found > len(MIGRATIONS):
        raise StoreFault(
            f"{path} was written by Detente {_last_program(connection)} (schema {found}); this is Detente "
            f"{__version__}, which knows schemas up to {len(MIGRATIONS)}. Nothing was changed; start the newer program"
        )


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the file up to date, each migration in one transaction. Raises StoreFault, or sqlite3.Error.

    Takes the write lock even if there is nothing to do: a file that cannot be written is found when it is opened.
    """
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            check(connection, path)
            done = _pragma(connection, "user_version")
            if done == len(MIGRATIONS):
                return
            for statement in MIGRATIONS[done]:
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (done + 1, __version__))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {done + 1}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _is_new(connection: sqlite3.Connection) -> bool:
    """Whether nothing at all is in the file yet."""
    (count,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return count == 0 and _pragma(connection, "application_id") == 0


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _last_program(connection: sqlite3.Connection) -> str:
    try:
        row = connection.execute("SELECT program FROM migrations ORDER BY number DESC LIMIT 1").fetchone()
    except sqlite3.OperationalError:  # a later schema may have no such table
        row = None
    return str(row[0]) if row else "of an unknown later version"
