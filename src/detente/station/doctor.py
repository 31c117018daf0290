"""The doctor: what a careful operator would look at, each with what to do if it is not well.

Its law: it only looks; it may run beside the station; every check says what it saw, so that "well" can be believed.
"""

import contextlib
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from detente.crypto.certificates import certificate_public_key, certificate_validity
from detente.crypto.hashing import sha256
from detente.errors import Fault, Malformed
from detente.formats.entry import Keys, Opening, decode_body
from detente.ids import PartyId
from detente.limits import CLOCK_AHEAD_MS_MAX, DISK_FREE_OCTETS_MIN
from detente.protocol.roster import Roster
from detente.station.anchor import read_anchor
from detente.station.backup import last_backup
from detente.station.home import Home
from detente.station.prospects import Prospect, channels_lost, prospects
from detente.station.store_check import Progress, check_store, no_progress
from detente.stores.sqlite import SqliteStore

WELL, LOOK, BAD = "well", "look", "bad"
BACKUP_DAYS_MAX = 7
CERTIFICATE_DAYS_MIN = 30
BOOKS_AHEAD_MIN = 2

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `state` is well, look (soon) or bad (now); `todo` is empty where nothing is to be done."""

    what: str
    state: str
    saw: str
    todo: str = ""


def examine(
    home: Home, passphrase: Callable[[], bytes], now_ms: int, progress: Progress = no_progress
) -> list[Finding]:
    """All checks. A check that cannot be made is a finding, not a fault."""
    found: list[Finding] = []
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "permissions": lambda: _permissions(home),
        "keys": lambda: _keys(home, passphrase),
        "certificate": lambda: _certificate(home, now_ms),
        "disk": lambda: _disk(home),
    }
    if home.store_path.exists():
        checks |= {
            "anchor": lambda: _anchor(home),
            "books": lambda: _books(home),
            "clock": lambda: _clock(home, now_ms),
            "backup": lambda: _backup(home, now_ms),
            "store": lambda: _store(home, progress),
        }
    else:
        checks["store"] = lambda: _no_store(home)
    for what, check in checks.items():
        try:
            found.extend(check())
        except Fault as fault:
            found.append(Finding(what, BAD, str(fault)))
    return found


def _no_store(home: Home) -> Iterator[Finding]:
    if home.anchor_path.exists():
        saw = f"{home.store_path} is missing, and {home.anchor_path} says that we have written"
        yield Finding("store", BAD, saw, f"detente restore FILE {home.path}")
    else:
        yield Finding("store", LOOK, "no channel was joined yet", f"detente charter join {home.path} CHARTER")


def _permissions(home: Home) -> Iterator[Finding]:
    private = [home.path, home.keys_path, home.store_path, home.passphrase_path, *home.keys_path.glob("*")]
    open_to_others = [
        path for path in private if path is not None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if not open_to_others:
        yield Finding("permissions", WELL, f"{home.path} and its keys are for their owner alone")
    for path in open_to_others:
        mode = "700" if path.is_dir() else "600"
        yield Finding("permissions", BAD, f"others can read {path}", f"chmod {mode} {path}")


def _keys(home: Home, passphrase: Callable[[], bytes]) -> Iterator[Finding]:
    custody = home.open_custody(passphrase())
    wanted = [("tls", certificate_public_key(home.certificate()), "of our links")]
    pq: list[tuple[bytes, str]] = []
    roots: list[str] = []
    for roster in _rosters(home):
        us = roster.newest.charter.party(PartyId(home.config.party))
        channel = roster.channel
        wanted += [
            ("cosigner", station.cosigner.public, f"of our receipts in {channel}")
            for station in us.stations
            if station.id == home.config.station and station.cosigner is not None
        ]
        wanted += [
            ("book", held.key, f"of {held.origin}")
            for held in roster.book_notes.values()
            if (held.note.party, held.note.station) == (home.config.party, home.config.station)
        ]
        pq += [(one.pq.public, channel) for one in us.stations if one.id == home.config.station and one.pq is not None]
        if custody.has("root", us.root.public):
            roots.append(us.root.name)
    missing = [f"{kind} key {use}" for kind, public, use in wanted if custody.signing_key(kind, public) is None]
    missing += [f"pq key of our receipts in {channel}" for public, channel in pq if custody.pq_key(public) is None]
    readers = _reader_keys(home)
    missing += [f"hpke key of {origin}" for origin, public in readers if custody.wrap_key(sha256(public)) is None]
    if missing:
        todo = f"bring their files back to {home.keys_path} from where the keys are kept apart"
        yield Finding("keys", BAD, f"not in {home.keys_path}: {'; '.join(missing)}", todo)
    else:
        yield Finding("keys", WELL, f"{len(wanted) + len(pq) + len(readers)} private keys are here and open")
    if roots:
        todo = "move its file offline, unless a charter or book notes are to be signed just now"
        yield Finding("keys", LOOK, f"on this machine lies a root key: {', '.join(roots)}", todo)


def _certificate(home: Home, now_ms: int) -> Iterator[Finding]:
    certificates = [("ours", home.certificate())]
    for roster in _rosters(home):
        for party in roster.newest.charter.parties:
            certificates += [(f"{party.id}/{one.id} in {roster.channel}", one.tls) for one in party.stations]
    wrong = []
    for whose, octets in dict(certificates).items():
        begins, ends = certificate_validity(octets)
        if not begins * 1_000 <= now_ms < (ends - CERTIFICATE_DAYS_MIN * 86_400) * 1_000:
            wrong.append(whose)
    if wrong:
        todo = (
            "look at the clock; else make a card with `detente card HOME --for CHARTER` and amend the charter in time"
        )
        yield Finding(
            "certificate", BAD, f"not valid now and for {CERTIFICATE_DAYS_MIN} days more: {', '.join(wrong)}", todo
        )
    else:
        yield Finding("certificate", WELL, f"{len(certificates)} certificates are valid for more than a month")


def _anchor(home: Home) -> Iterator[Finding]:
    path = home.anchor_path
    told = read_anchor(path)
    if told is None:
        todo = "if it was lost: nothing to do, the next start opens the next books; make a backup after it"
        state = BAD if home.store_path.exists() and _rosters(home) else LOOK
        yield Finding("anchor", state, f"there is no anchor at {path}", todo)
        return
    yield Finding("anchor", WELL, f"it names {len(told)} heads that were told")
    if home.store_path.exists() and path.stat().st_dev == home.store_path.stat().st_dev:
        todo = "stop the station, move the journal to another medium, and name it in config.toml (`anchor`)"
        yield Finding(
            "anchor", LOOK, f"{path} lies on the same medium as the store: both can be rolled back together", todo
        )


def _books(home: Home) -> Iterator[Finding]:
    told = read_anchor(home.anchor_path)
    found = prospects(home.store_path, told, home.keys_path, home.config)
    for channel in channels_lost(told, found):
        todo = f"detente charter join {home.path} with the charters of that channel in {home.charters_path}"
        yield Finding("books", BAD, f"we have written in {channel}, and the store does not hold it", todo)
    for one in found:
        yield from _book(home, one)


def _book(home: Home, one: Prospect) -> Iterator[Finding]:
    sign = f"detente charter sign {home.path} CHARTER with the root key at hand: it makes the notes of more books"
    if one.why_stopped:
        saw = f"{one.channel}: {one.why_stopped}"
        todo = f"book {one.next_book} opens when the station runs: detente run {home.path}" if one.opens else sign
        yield Finding("books", LOOK if one.opens else BAD, saw, todo)
        return
    saw = f"{one.channel}: book {one.book} is written on; notes and keys of {one.ready} more are at hand"
    if one.ready >= BOOKS_AHEAD_MIN:
        yield Finding("books", WELL, saw)
    else:
        yield Finding("books", LOOK if one.ready else BAD, saw, sign)


def _clock(home: Home, now_ms: int) -> Iterator[Finding]:
    store = SqliteStore.open(home.store_path, read_only=True)
    try:
        ahead_ms, whose = 0, ""
        for book in store.books():
            for row in store.cosignatures(book.origin)[-16:]:
                if row.timestamp * 1_000 - now_ms > ahead_ms:
                    ahead_ms, whose = row.timestamp * 1_000 - now_ms, row.cosigner
    finally:
        store.close()
    if ahead_ms > CLOCK_AHEAD_MS_MAX:
        saw = f"{whose} signed a receipt {ahead_ms // 1_000} s in our future"
        yield Finding("clock", BAD, saw, "set this machine's clock from a source you trust; ask them about theirs")
    else:
        yield Finding("clock", WELL, "no receipt lies in our future")


def _disk(home: Home) -> Iterator[Finding]:
    free = shutil.disk_usage(home.path).free
    store = home.store_path.stat().st_size if home.store_path.exists() else 0
    saw = f"{free // 1_048_576:,} MiB are free, the store has {store // 1_048_576:,} MiB"
    if free < DISK_FREE_OCTETS_MIN:
        yield Finding("disk", BAD, saw, "make room now: below 32 MiB nothing more is accepted")
    elif free < 2 * store + DISK_FREE_OCTETS_MIN:
        yield Finding("disk", LOOK, saw, "make room: a backup needs as much again as the store has")
    else:
        yield Finding("disk", WELL, saw)


def _backup(home: Home, now_ms: int) -> Iterator[Finding]:
    last = last_backup(home)
    todo = f"detente backup {home.path} -o FILE, and take the file to another place"
    if last is None:
        yield Finding("backup", BAD, "no backup was ever made here", todo)
        return
    days = (now_ms - last["at"]) / _DAY_MS
    saw = f"the last backup is {days:.1f} days old: {last['file']}"
    covered = {book["origin"] for book in last["books"]}
    newer = [row.origin for row in _own_books(home) if row.origin not in covered]
    if newer:
        yield Finding("backup", BAD, f"{saw}; it is from before {', '.join(newer)} was opened", f"{todo}, now")
    else:
        yield Finding("backup", WELL if days <= BACKUP_DAYS_MAX else LOOK, saw, "" if days <= BACKUP_DAYS_MAX else todo)


def _store(home: Home, progress: Progress) -> Iterator[Finding]:
    books = check_store(home.store_path, progress)
    entries = sum(book.size for book in books)
    yield Finding(
        "store", WELL, f"SQLite finds no damage; {entries:,} entries in {len(books)} books fold to their signed heads"
    )
    store = SqliteStore.open(home.store_path, read_only=True)
    try:
        findings = store.findings()
    finally:
        store.close()
    if findings:
        rules = ", ".join(sorted({f"{row.origin}: {row.rule}" for row in findings}))
        yield Finding("store", LOOK, f"{len(findings)} findings are kept: {rules}", f"detente status {home.path}")


def _reader_keys(home: Home) -> list[tuple[str, bytes]]:
    """The newest HPKE key that each of our books published: what the others seal to."""
    if not home.store_path.exists():
        return []
    store = SqliteStore.open(home.store_path, read_only=True)
    newest: dict[str, bytes] = {}
    try:
        for book in store.books():
            for row in store.special_entries(book.origin) if book.ours else []:
                with contextlib.suppress(Malformed):  # the check of the store names a damaged entry
                    body = decode_body(row.leaf[1], row.body)
                    key = body.hpke_key if isinstance(body, Opening) else body.next if isinstance(body, Keys) else None
                    newest |= {book.origin: key} if key is not None else {}
    finally:
        store.close()
    return sorted(newest.items())


def _own_books(home: Home) -> list[Any]:
    store = SqliteStore.open(home.store_path, read_only=True)
    try:
        return [book for book in store.books() if book.ours]
    finally:
        store.close()


def _rosters(home: Home) -> list[Roster]:
    """The notes of every channel that the store holds."""
    if not home.store_path.exists():
        return []
    store = SqliteStore.open(home.store_path, read_only=True)
    found: dict[str, Roster] = {}
    try:
        for row in sorted(store.notes(), key=lambda row: (row.kind != "charter", row.number)):
            found.setdefault(row.channel, Roster()).take(row.octets)
    finally:
        store.close()
    return list(found.values())
