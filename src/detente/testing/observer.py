"""What an outsider saw of the honest stations of a simulated world: everything at the moment it left or was shown.

It keeps: nothing here asks a station what it believes. Frames are read as they are given to links, pages as they are
shown, and both are held against what lies on the disks. `invariants.py` says what must hold.
"""

from dataclasses import dataclass, field
from typing import NoReturn

from detente.formats.charter import Party
from detente.formats.frame import split_book_code
from detente.ids import Origin, PartyId, origin_of
from detente.protocol.effects import EntryRow, FindingRow
from detente.testing.fakes import MemoryDisk
from detente.testing.line import MemoryStation
from detente.tlog.tree import Frontier

Place = tuple[str, Origin]  # a station's party, and a book


class Broken(Exception):
    """An invariant of protocol section 10 does not hold. `number` is its number there."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"invariant {number}: {text}")
        self.number = number
        self.text = text

    def __reduce__(self) -> tuple[type["Broken"], tuple[int, str]]:
        return Broken, (self.number, self.text)  # it comes home from another process


def broken(number: int, text: str) -> NoReturn:
    """Raise Broken."""
    raise Broken(number, text)


def hold(holds: bool, number: int, text: str) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        broken(number, text)


@dataclass(slots=True)
class Receipted:
    """One receipt that left its station."""

    root: bytes
    timestamp: int


@dataclass(slots=True)
class Seen:
    """All that was seen. `honest` maps a party to its station; hostile ones are not in it."""

    channel: str
    parties: tuple[Party, ...]
    honest: dict[str, MemoryStation]
    leaves: dict[Origin, list[bytes]] = field(default_factory=dict)  # that honest owners have signed and released
    heads: dict[tuple[Origin, bytes], int] = field(default_factory=dict)  # released signatures, to their sizes
    receipts: dict[Place, dict[int, Receipted]] = field(default_factory=dict)
    owed: dict[Place, list[bytes]] = field(default_factory=dict)  # leaves that must stay where they were receipted
    lost: dict[Place, list[bytes]] = field(default_factory=dict)  # the same, of a disk that was rolled back
    sent: dict[tuple[Origin, str], int] = field(default_factory=dict)  # entries below this left for that party
    pages: dict[str, list[str]] = field(default_factory=dict)  # what was last shown in order, by party
    rungs: dict[tuple[str, str, str], int] = field(default_factory=dict)  # (party, entry, addressee) to height
    findings: list[tuple[str, FindingRow]] = field(
        default_factory=list
    )  # against honest parties, to be judged at the end
    frontiers: dict[Place, list[Frontier]] = field(default_factory=dict)
    restored: set[str] = field(default_factory=set)  # parties whose disk was rolled back at some time
    checks_count: int = 0

    def origin(self, code: int) -> Origin:
        """The book that a frame means."""
        place, number = split_book_code(code)
        return origin_of(self.channel, self.parties[place].id, number)

    def place(self, party: str) -> int:
        """The party's place in the charter."""
        return next(place for place, one in enumerate(self.parties) if one.id == party)

    def root(self, party: str, origin: Origin, size: int) -> bytes | None:
        """The root of what the party's disk holds of a book; None if it does not hold so much. Recomputed here."""
        disk = self.honest[party].disk
        grown = self.frontiers.setdefault((party, origin), [Frontier()])
        held = disk.entries.get(origin, {})
        while len(grown) <= size:
            row = held.get(len(grown) - 1)
            if row is None:
                return None
            grown.append(grown[-1].add_leaf(row.leaf_hash))
        return grown[size].root()

    def rolled_back(self, party: str) -> None:
        """The party's disk is an older one: what it showed and owed is judged anew when the rest has come back."""
        self.restored.add(party)
        self.pages.pop(party, None)
        for place in [place for place in self.frontiers if place[0] == party]:
            del self.frontiers[place]
        for place in [place for place in self.owed if place[0] == party]:
            self.lost.setdefault(place, self.owed.pop(place))
        for shown in [shown for shown in self.rungs if shown[0] == party]:
            del self.rungs[shown]


def held_rows(disk: MemoryDisk, origin: Origin, stop: int) -> list[EntryRow] | None:
    """The first rows of a book on a disk; None if one is missing."""
    held = disk.entries.get(origin, {})
    rows = [held.get(index) for index in range(stop)]
    return None if None in rows else [row for row in rows if row is not None]


def party_of(origin: Origin) -> PartyId:
    """Whose book it is."""
    return PartyId(origin.rsplit("/", 2)[1])
