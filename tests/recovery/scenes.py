"""A line in memory of which every moment is kept, and which can be put back into any of them.

Whatever any station signs is written down, so that a fork shows even if nobody was ever shown both sides.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from detente.ids import Origin
from detente.protocol.effects import HeadRow
from detente.protocol.writer import Writer
from detente.station.evidence import bundle_of
from detente.station.reading import log_of
from detente.testing.fakes import MemoryDisk, MemoryJournal, MemoryStore
from detente.testing.line import Line, MemoryKeyring, MemoryStation, seeded
from detente.verify.audit import audit

PARTIES = [("alfa", "principal", "holds"), ("bravo", "principal", "holds"), ("meridian", "mediator", "none")]
BOOKS_SIGNED_AHEAD = 5


class Signed:
    """Every head that was signed with a book's key: one root for each size, each a beginning of the next."""

    def __init__(self) -> None:
        self.heads: dict[Origin, dict[int, bytes]] = {}
        self.leaves: dict[tuple[Origin, int], bytes] = {}

    def world(self) -> "Signed":
        """What was signed until now: where worlds part, each goes on with a copy of its own."""
        found = Signed()
        found.heads = {origin: dict(known) for origin, known in self.heads.items()}
        found.leaves = dict(self.leaves)
        return found

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While this lasts, a second history of any book fails the test at the moment it is signed."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Writer, "sign_head", self._wrapped())
            yield

    def _wrapped(self) -> Callable[[Writer], HeadRow | None]:
        real = Writer.sign_head

        def sign_head(writer: Writer) -> HeadRow | None:
            head = real(writer)
            if head is not None and writer.book is not None:
                known = self.heads.setdefault(head.origin, {})
                assert known.setdefault(head.size, head.root) == head.root, f"FORK: {head.origin} at {head.size}"
                before = max((size for size in known if size < head.size), default=0)
                for entry in writer.book.entries(before, head.size):
                    place = (head.origin, entry.index)
                    assert self.leaves.setdefault(place, entry.leaf_hash) == entry.leaf_hash, f"FORK: {place}"
            return head

        return sign_head


def new_line(seed: str) -> Line:
    """Three stations that met, with book notes signed ahead."""
    line = Line(PARTIES, seed)
    for station in line.stations.values():
        for number in range(3, BOOKS_SIGNED_AHEAD + 1):
            station.running.amend(line.channel, line.book_note(station, number), line.now)
    connect(line)
    line.settle()
    return line


def connect(line: Line) -> None:
    """Every link up."""
    names = sorted(line.stations)
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            line.connect(a, b)


def disconnect(line: Line) -> None:
    """Every link down."""
    for pair in list(line.links):
        line.cut(*sorted(pair))


def twin(line: Line) -> Line:
    """The same line at the same moment, independent of it: links down, stations not started."""
    found = copy.copy(line)
    found.links, found.carried, found.stations = set(), [], {}
    for party, station in line.stations.items():
        keyring = MemoryKeyring(seeded(f"twin {party}"))
        keyring._signing = dict(station.keyring._signing)
        keyring._wrapping = dict(station.keyring._wrapping)
        keyring._secrets = dict(station.keyring._secrets)
        keyring._used = set(station.keyring._used)
        records = station.journal.records
        journal = MemoryJournal(None if records is None else dict(records))
        found.stations[party] = MemoryStation(
            station.party, station.role, keyring, station.root, station.certificate, station.card,
            station.disk.copy(), journal,
        )  # fmt: skip
    return found


def moments_of(disk: MemoryDisk, patch: pytest.MonkeyPatch) -> list[MemoryDisk]:
    """From now on: a copy of this disk after each commit on it."""
    moments = [MemoryDisk(), disk.copy()]
    real = MemoryStore.commit

    def commit(store: MemoryStore, work: object, held_at: int) -> None:
        real(store, work, held_at)  # type: ignore[arg-type]
        if store._disk is disk:
            moments.append(disk.copy())

    patch.setattr(MemoryStore, "commit", commit)
    return moments


def lose_secrets(station: MemoryStation) -> None:
    """The journal of secrets and the HPKE keys are gone; signing keys stay."""
    station.keyring._secrets.clear()
    station.keyring._wrapping.clear()


def notes_of(line: Line, party: str) -> list[bytes]:
    """The charter and our book notes as HOME keeps them."""
    return [row.octets for row in line.stations[party].disk.notes.values() if row.party in ("", party)]


def texts(line: Line, party: str) -> dict[str, str | None]:
    """What a party can read: reference to text, of all messages."""
    driver = line.stations[party].running
    lines = log_of(driver, driver.channels[line.channel])["entries"]
    return {one["ref"]: one["text"] for one in lines if one["form"] == "message"}


def rules_found(line: Line) -> list[tuple[str, str]]:
    """Every finding of every station: whose it is, and the rule."""
    return [(row.origin, row.rule) for station in line.stations.values() for row in station.running.store.findings()]


def must_be_sound(line: Line) -> None:
    """Each station's books as a stranger audits them."""
    for party, station in line.stations.items():
        report = audit(bundle_of(station.running.channels[line.channel], None, reveal=False))
        assert report.sound, (party, report.findings)
