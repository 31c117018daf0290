"""Three honest stations, and a wire between them that changes, drops, repeats and diverts what they send each other.

What it tests: a hostile frame is taken or refused as a PeerViolation, and a refused one leaves nothing in the store.
When the wire is honest again, all stations hold the same books, no message is missing, and nobody stands accused.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cache

from detente.errors import PeerViolation
from detente.ids import Milliseconds, Ref, origin_of
from detente.protocol.events import Tick
from detente.station.driver import FromLink, FromOffice, Input, Outcome
from detente.testing.fakes import MemoryJournal
from detente.testing.line import Line, MemoryKeyring, MemoryStation
from fuzz.mutator import Below, choices, mutate

PARTIES = (("alfa", "principal", "holds"), ("bravo", "principal", "holds"), ("harbour", "witness", "saw"))
PAIRS = (("alfa", "bravo"), ("alfa", "harbour"), ("bravo", "harbour"))
ROUNDS = 4


class Wire(Line):
    """A line that keeps every frame that it carries, and can be copied."""

    def __init__(self, parties: Sequence[tuple[str, str, str]], seed: str = "fuzz") -> None:
        self.frames: list[bytes] = []
        super().__init__(parties, seed)

    def again(self) -> "Wire":
        """The same line once more: its stations start again from copies of their disks, nobody is connected."""
        line = copy(self)
        line.frames, line.links, line.carried = list(self.frames), set(), []
        line.stations = {party: _restarted(station) for party, station in self.stations.items()}
        return line

    def connect_all(self) -> None:
        """A fresh link between every two stations."""
        for a, b in PAIRS:
            if frozenset((a, b)) in self.links:
                self.cut(a, b)
            self.connect(a, b)

    def _turn(self, party: str, inputs: list[FromLink]) -> Outcome:
        self.frames += [one.octets for one in inputs if one.octets is not None]
        return super()._turn(party, inputs)


class HostileWire:
    """Carries the frames of a line, and does to each what `below` chooses; 0 is to carry it as it is."""

    def __init__(self, line: Wire, below: Below) -> None:
        self.line = line
        self.below = below

    def carry_once(self) -> None:
        """What every station sends now, once."""
        for pair in PAIRS:
            for a, b in (pair, pair[::-1]):
                sender = self.line.stations[a].running
                for octets in sender.frames_for(self.line.stations[b].link_name, self.line.now, 1_000_000):
                    self._carry(a, b, octets)
        for party in self.line.stations:
            self._deliver(party, [])

    def _carry(self, a: str, b: str, octets: bytes) -> None:
        frames = [octets]
        match self.below(32):  # three in four pass as they are: else hardly any link outlives its greeting
            case 1 | 2 | 3:
                frames = [mutate(self.below, octets, self.line.frames)]
            case 4:
                frames = []
            case 5:
                frames = [octets, octets]
            case 6:
                frames = [octets, self.line.frames[self.below(len(self.line.frames))]]
            case 7:
                frames = [octets, mutate(self.below, octets, self.line.frames)]
        self.line.frames.append(octets)
        for one in frames:
            if self._refused(a, b, one):
                self.line.cut(a, b)  # as a station ends a link for a bad frame
                self.line.connect(a, b)
                return

    def _refused(self, a: str, b: str, octets: bytes) -> bool:
        self._deliver(b, [FromOffice(self.line.channel, Tick())])  # what waits is written now, and not with the frame
        station = self.line.stations[b]
        before = station.disk.copy()
        outcome = self._deliver(b, [FromLink(self.line.stations[a].link_name, octets)])
        for _, fault in outcome.refused:
            assert isinstance(fault, PeerViolation), repr(fault)
            assert station.disk == before, "a refused frame left something in the store"
        return bool(outcome.refused)

    def _deliver(self, party: str, inputs: list[Input]) -> Outcome:
        return self.line.stations[party].running.take_turn(inputs, self.line.now)


def stations_agree(line: Line, said: Sequence[Ref]) -> None:
    """All stations hold the same books without a finding, and every entry of `said`. AssertionError if not."""
    books = []
    for party, station in line.stations.items():
        assert not station.disk.findings, [(party, row.rule, row.text) for row in station.disk.findings]
        channel = station.running.channels[line.channel]
        assert not channel.writer.stopped
        assert not any(book.fork for book in channel.ledger.books.values())
        books.append({origin: (book.size, book.root(book.size)) for origin, book in channel.ledger.books.items()})
    assert all(one == books[0] for one in books), books
    for ref in said:
        assert ref.index < books[0][origin_of(line.channel, ref.party, ref.book)][0], f"{ref} is lost"


def hostile_wire(octets: bytes) -> None:
    """The octets choose what the wire does while each station says something, four rounds long."""
    line = line_at_rest()
    wire = HostileWire(line, choices(octets))
    line.connect_all()
    said = [line.say("alfa", "Is the line open?", ["bravo"]), line.say("bravo", "It is.", ["alfa"])]
    for _ in range(ROUNDS):
        line.now = Milliseconds(line.now + 500)
        wire.carry_once()
    said.append(line.say("alfa", "Good.", ["bravo"]))
    line.now = Milliseconds(line.now + 100_000)  # whatever was put off is due
    line.connect_all()
    line.settle()
    line.connect_all()  # what a lie kept from being sent goes out after the next greeting
    line.settle()
    stations_agree(line, said)


def line_at_rest() -> Wire:
    """Three stations that have talked and hold all of it; nobody is connected."""
    return _first_line().again()


def frames_of_a_line() -> list[bytes]:
    """Every frame that they sent each other while they met and talked."""
    return _first_line().frames


@cache
def _first_line() -> Wire:
    line = Wire(PARTIES)
    line.connect_all()
    line.settle()
    line.say("alfa", "We will be at the bridge at nine.", ["bravo"])
    line.say("bravo", "Understood. " * 40, ["alfa"])
    line.settle()
    return line


def _restarted(station: MemoryStation) -> MemoryStation:
    keyring = MemoryKeyring(station.keyring.entropy)
    for name in ("_signing", "_wrapping", "_secrets"):
        setattr(keyring, name, dict(getattr(station.keyring, name)))
    journal = MemoryJournal(dict(station.journal.records or {}))
    return replace(station, keyring=keyring, disk=station.disk.copy(), journal=journal, driver=None)
