"""What tests of the rules share: lines of two and three stations, frames taken off the wire, and frames made by hand.

It keeps: stations are the real ones (`detente.testing.line`); only the wire between them is in a test's hands.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from detente.errors import Fault
from detente.formats.entry import Precedence
from detente.formats.frame import Frame, Want, decode_frame, encode_frame
from detente.ids import Milliseconds, Origin, PartyId, origin_of
from detente.protocol.channel import Channel
from detente.station.driver import FromLink, Outcome
from detente.testing.fakes import MemoryJournal
from detente.testing.line import ROOM_OCTETS, Line, MemoryStation

F = TypeVar("F", bound=Frame)

PAIR = (("alfa", "principal", "holds"), ("bravo", "principal", "holds"))
THREE = (*PAIR, ("meridian", "mediator", "holds"))
WITH_WITNESS = (*PAIR, ("harbour", "witness", "saw"))


def pair() -> Line:
    """Two principals, connected and at rest."""
    return connected(Line(PAIR))


def three() -> Line:
    """Two principals and a mediator that gives receipts, all connected and at rest."""
    return connected(Line(THREE))


def connected(line: Line) -> Line:
    """Connect every two stations and let them greet."""
    parties = list(line.stations)
    for place, a in enumerate(parties):
        for b in parties[place + 1 :]:
            line.connect(a, b)
    line.settle()
    return line


def channel(line: Line, party: str) -> Channel:
    """The core of a party's station."""
    return line.stations[party].running.channels[line.channel]


def book(line: Line, party: str, number: int = 1) -> Origin:
    """The origin of a party's book."""
    return origin_of(line.channel, PartyId(party), number)


def size(line: Line, holder: str, author: str, number: int = 1) -> int:
    """How many entries of the author's book the holder has durable."""
    return channel(line, holder).ledger.books[book(line, author, number)].size


def off_the_wire(line: Line, sender: str, receiver: str) -> list[Frame]:
    """What the sender would put on its link to the receiver now; it believes to have sent it."""
    link = line.stations[receiver].link_name
    octets = line.stations[sender].running.frames_for(link, line.now, ROOM_OCTETS)
    return [decode_frame(one) for one in octets]


def only(frames: Iterable[Frame], kind: type[F]) -> F:
    """The one frame of a kind among others."""
    (found,) = [frame for frame in frames if isinstance(frame, kind)]
    return found


def every(frames: Iterable[Frame], kind: type[F]) -> list[F]:
    """All frames of a kind."""
    return [frame for frame in frames if isinstance(frame, kind)]


def deliver(line: Line, sender: str, receiver: str, *frames: Frame) -> Outcome:
    """Put frames into the receiver as if the sender's link had brought them, in one turn."""
    link = line.stations[sender].link_name
    return line.stations[receiver].running.take_turn(
        [FromLink(link, encode_frame(frame)) for frame in frames], line.now
    )


def refusal(outcome: Outcome) -> Fault:
    """The one fault of a turn."""
    ((_, fault),) = outcome.refused
    return fault


def accuses_nobody(line: Line, *parties: str) -> bool:
    """Whether no station holds a finding against anybody."""
    return not any(line.stations[party].running.store.findings() for party in parties or line.stations)


def later(line: Line, milliseconds: int) -> None:
    """Let time pass; every station takes a turn."""
    line.now = Milliseconds(line.now + milliseconds)
    for station in line.stations.values():
        station.running.take_turn([], line.now)


def said(line: Line, sender: str, receiver: str, *texts: str, precedence: Precedence = Precedence.ROUTINE) -> None:
    """Write messages, one turn each; nothing is carried yet."""
    for text in texts:
        line.say(sender, text, [receiver], precedence)


def wants(frames: Sequence[Frame], *, whole: bool) -> list[Want]:
    """The requests among frames."""
    return [frame for frame in every(frames, Want) if frame.whole is whole]


def twin_of(line: Line, party: str) -> MemoryStation:
    """A second station with the same keys that goes on from the same disk, and whose anchor forgets: what a liar runs."""
    station = line.stations[party]
    journal = MemoryJournal(dict(station.journal.records or {}))
    return replace(station, disk=station.disk.copy(), journal=journal, driver=None)


@contextmanager
def as_if(line: Line, party: str, station: MemoryStation) -> Iterator[None]:
    """For a while the party's station is this one; links up to now are unknown to it."""
    real = line.stations[party]
    line.stations[party] = station
    try:
        yield
    finally:
        line.stations[party] = real
