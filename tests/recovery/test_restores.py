"""Restoring any old copy of the store at any moment never forks (STORE-3), and nothing that was told is lost.

A small history is kept after every commit; every copy is put back, with the anchor kept or lost, with epoch secrets
kept or lost, in the first and in the second life of a station.
"""

from collections.abc import Iterator

import pytest

from detente.formats.entry import Precedence
from detente.ids import PartyId, origin_of
from detente.protocol.book import BookCopy
from detente.protocol.events import OpenBook, RenewKeys
from detente.testing.fakes import MemoryDisk, MemoryJournal
from detente.testing.line import Line
from tests.recovery.scenes import (
    Signed,
    connect,
    disconnect,
    lose_secrets,
    moments_of,
    must_be_sound,
    new_line,
    notes_of,
    rules_found,
    texts,
    twin,
)

ANCHORS = ("anchor kept", "anchor lost")
SECRETS = ("secrets kept", "secrets lost")


class History:
    """A line with a past: its present, every old copy of alfa's store, and all that was ever signed."""

    def __init__(self) -> None:
        self.signed = Signed()
        with self.signed.watching(), pytest.MonkeyPatch.context() as patch:
            self.line = new_line("restores")
            self.moments = moments_of(self.line.stations["alfa"].disk, patch)
            self._talk("first")
            self.line.act("alfa", RenewKeys())
            self.line.settle()
            self._talk("second")

    def _talk(self, word: str) -> None:
        line = self.line
        line.say("alfa", f"{word} of alfa", ["bravo", "meridian"])
        line.say("bravo", f"{word} of bravo, before it holds that", ["alfa"])
        line.settle()
        line.say("meridian", f"{word} of meridian", ["alfa", "bravo"])
        line.say("alfa", f"{word}, urgent", ["bravo"], precedence=Precedence.FLASH)
        line.settle()


@pytest.fixture(scope="module")
def history() -> History:
    """One history for all tests of this file."""
    return History()


def restored(line: Line, copy: MemoryDisk, anchor: str, secrets: str) -> Line:
    """The line after alfa's station was put back on an old copy of its store."""
    notes = notes_of(line, "alfa")
    found = twin(line)
    alfa = found.stations["alfa"]
    alfa.disk = copy.copy()
    if anchor == "anchor lost":
        alfa.journal = MemoryJournal()
    if secrets == "secrets lost":
        lose_secrets(alfa)
    if found.channel not in alfa.running.channels:
        alfa.running.found(notes, found.now)  # `detente charter join`, from the papers in HOME
    return found


def live_on(line: Line) -> None:
    """All meet again; alfa speaks and is spoken to."""
    connect(line)
    line.settle()
    line.say("alfa", "after the restore", ["bravo", "meridian"])
    line.say("bravo", "welcome back", ["alfa"])
    line.settle()


def own_book(line: Line) -> BookCopy:
    """The book in which alfa writes."""
    book = line.stations["alfa"].running.channels[line.channel].writer.book
    assert book is not None
    return book


def whole(moment: MemoryDisk, line: Line) -> bool:
    """Whether a copy holds all that alfa has written."""
    origin = origin_of(line.channel, "alfa", 1)
    now = line.stations["alfa"].disk.books[origin]
    return origin in moment.books and moment.books[origin].size == now.size


def cases(history: History) -> Iterator[tuple[int, MemoryDisk]]:
    """Every old copy with its number; equal ones once."""
    seen = set()
    for number, moment in enumerate(history.moments):
        state = (tuple(moment.books.values()), len(moment.notes), len(moment.entries))
        if state not in seen:
            seen.add(state)
            yield number, moment


@pytest.mark.parametrize("secrets", SECRETS)
@pytest.mark.parametrize("anchor", ANCHORS)
def test_no_old_copy_forks_and_nothing_told_is_lost(history: History, anchor: str, secrets: str) -> None:
    """Each old copy: the next book opens, the tail and every text come back, nobody accuses anybody."""
    told = texts(history.line, "alfa")
    assert len(told) == 8
    count = 0
    for number, moment in cases(history):
        with history.signed.world().watching():
            line = restored(history.line, moment, anchor, secrets)
            live_on(line)
            if whole(moment, history.line) and anchor == "anchor kept":
                assert own_book(line).number == 1, number
                line.act("alfa", OpenBook("key replaced"))  # for whoever has lost secrets and nothing else
                line.settle()
        assert own_book(line).number == 2, number
        for party in line.stations:
            assert texts(line, party).items() >= texts(history.line, party).items(), (number, party)
            assert {"after the restore"} <= set(texts(line, party).values()), (number, party)
        assert (
            texts(line, "alfa")[
                "bravo/0"[:6] + str(max(int(r.split("/")[1]) for r in texts(line, "alfa") if r.startswith("bravo/")))
            ]
            == "welcome back"
        )
        assert rules_found(line) == [], number
        must_be_sound(line)
        count += 1
    assert count > 10


@pytest.mark.parametrize("anchor", ANCHORS)
def test_old_copies_of_the_first_life_in_the_second(history: History, anchor: str) -> None:
    """After one restore, copies from before it are put back: book 2 was begun, so book 3 opens (STORE-3)."""
    moments = [moment for _, moment in cases(history)]
    signed = history.signed.world()
    with signed.watching():
        second = restored(history.line, moments[len(moments) // 2], "anchor kept", "secrets kept")
        live_on(second)
        disconnect(second)
    for number, moment in enumerate(moments):
        with signed.world().watching():
            third = restored(second, moment, anchor, "secrets kept")
            live_on(third)
            assert own_book(third).number == 3, number
            for party in third.stations:
                assert texts(third, party).items() >= texts(second, party).items(), (number, party)
            assert rules_found(third) == [], number
            must_be_sound(third)
            # and a restart changes nothing
            third.stations["alfa"].start()
            third.settle()
            assert own_book(third).number == 3, number
            size = own_book(third).size
            third.say("alfa", "once more", ["bravo", "meridian"])
            assert own_book(third).size == size + 1, "no new epoch only because an older book's keys were read"
            assert third.stations["alfa"].running.channels[third.channel].writer.stopped == "", number


def test_opening_needs_no_peer(history: History) -> None:
    """With every line down the next book is open after one turn, and messages are queued in it."""
    moment = history.moments[len(history.moments) // 2]
    with history.signed.world().watching():
        line = restored(history.line, moment, "anchor kept", "secrets kept")
        alfa = line.stations["alfa"].running
        assert alfa.wake == 0
        alfa.take_turn([], line.now)
        ref = line.say("alfa", "alone", ["bravo"])
    assert (ref.party, ref.book) == (PartyId("alfa"), 2)


def test_an_anchor_that_does_not_name_our_book_vouches_for_nothing(history: History) -> None:
    """A journal that was begun anew by another channel of the station: this book's past is unknown (STORE-3)."""
    with history.signed.world().watching():
        line = twin(history.line)
        alfa = line.stations["alfa"]
        assert alfa.journal.records is not None
        del alfa.journal.records[True, origin_of(line.channel, "alfa", 1)]
        connect(line)
        line.settle()
    assert own_book(line).number == 2
    alfa.start()
    assert own_book(line).number == 2
    assert line.stations["alfa"].running.channels[line.channel].writer.stopped == ""
