"""What others say of our own book decides nothing; what they prove stops it for good (STORE-3, protocol of chapter 2)."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from detente.errors import StoreFault
from detente.formats.frame import BookState, Hello
from detente.ids import origin_of
from detente.protocol.outgoing import Outgoing
from detente.station.driver import Driver
from detente.testing.fakes import FaultyStore, MemoryAnchor, MemoryDisk, MemoryJournal, MemoryStore, Outcome
from detente.testing.line import Line
from tests.recovery.scenes import Signed, connect, disconnect, must_be_sound, new_line, rules_found, texts, twin


class Past:
    """A line, and the same line some messages earlier."""

    def __init__(self) -> None:
        self.signed = Signed()
        with self.signed.watching():
            self.line = new_line("lying")
            self._talk()
            self.earlier = twin(self.line)
            self._talk()
            disconnect(self.line)

    def _talk(self) -> None:
        for number in range(3):
            self.line.say("alfa", f"number {number}", ["bravo", "meridian"])
            self.line.say("bravo", f"answer {number}", ["alfa"])
            self.line.settle()


@pytest.fixture(scope="module")
def past() -> Past:
    """One for all tests of this file."""
    return Past()


@pytest.fixture
def line(past: Past) -> Iterator[Line]:
    """The line, watched: a second history of any book fails."""
    with past.signed.world().watching():
        yield twin(past.line)


def number_of(line: Line) -> int:
    """Which book alfa writes in."""
    book = line.stations["alfa"].running.channels[line.channel].writer.book
    return book.number if book is not None else 0


def put_back(line: Line, party: str, disk: MemoryDisk) -> None:
    """An old copy of one store."""
    line.stations[party].disk = disk.copy()


def test_peers_that_serve_an_older_head_of_our_book(line: Line, past: Past) -> None:
    """Both peers pretend to hold less than they do: nothing forks; what they hide comes when one of them shows it."""
    for party in line.stations:
        put_back(line, party, past.earlier.stations[party].disk)
        if party != "alfa":
            line.stations[party].journal = MemoryJournal()
    connect(line)
    line.settle()
    line.say("alfa", "after", ["bravo"])
    line.settle()
    assert number_of(line) == 2
    disconnect(line)
    put_back(line, "meridian", past.line.stations["meridian"].disk)
    line.stations["meridian"].start()
    connect(line)
    line.settle()
    told = {ref: text for ref, text in texts(past.line, "alfa").items() if ref.startswith("alfa/")}
    assert len(told) == 6
    assert texts(line, "alfa").items() >= told.items()
    assert rules_found(line) == []
    must_be_sound(line)


def test_a_claim_alone_stops_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """FRAME-2: a HELLO that claims more of our book than we wrote is no evidence."""
    real = Outgoing.hello

    def lying(outgoing: Outgoing) -> Hello:
        hello = real(outgoing)
        if outgoing is line.stations["alfa"].running.channels[line.channel].outgoing:
            return hello
        lies.append(outgoing)
        return replace(hello, books=tuple(BookState(one.book, one.durable + 9, one.head + 9) for one in hello.books))

    lies: list[Outgoing] = []
    monkeypatch.setattr(Outgoing, "hello", lying)
    connect(line)
    line.settle()
    line.say("alfa", "still here", ["bravo"])
    line.settle()
    assert len(lies) >= 4
    assert "still here" in texts(line, "bravo").values()
    assert number_of(line) == 1
    assert rules_found(line) == []


@pytest.mark.parametrize("commit", range(7))
def test_a_whole_machine_rolled_back_stops_when_it_is_shown_more(line: Line, past: Past, commit: int) -> None:
    """Store, anchor and keys are old together: the first proof of a longer book of ours ends that book for good.

    So it is too if the machine crashes right after any of its commits.
    """
    old = past.earlier.stations["alfa"]
    alfa = line.stations["alfa"]
    put_back(line, "alfa", old.disk)
    records = old.journal.records
    assert records is not None
    alfa.journal.records = dict(records)
    store = FaultyStore(MemoryStore(alfa.disk), {commit: Outcome.KEPT})
    alfa.driver = Driver(store, MemoryAnchor(alfa.journal), alfa.keyring, alfa.party, "hq")
    assert number_of(line) == 1
    with contextlib.suppress(StoreFault):
        connect(line)
        line.settle()
    alfa.start()
    disconnect(line)
    connect(line)
    line.settle()
    line.settle(step_ms=11_000)  # what was asked for in vain is asked for again
    assert number_of(line) == 2
    assert rules_found(line) == [(origin_of(line.channel, "alfa", 1), "STORE-3")]
    assert texts(line, "alfa").items() >= texts(past.line, "alfa").items()
    must_be_sound(line)
