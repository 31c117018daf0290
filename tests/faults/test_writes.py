"""Every write fails once, in each way a medium can fail, at every point of a small exchange: nothing told is lost.

It keeps: no write is left out. The exchange is first played whole and its writes are counted; then it is played again
for each of them and each way to fail, alone and with the next write, the first of the recovery, failing too. In the end
all stations hold the same, all that was told is there once, and no two heads that ever left contradict each other.
"""

from functools import cache

import pytest

from detente.errors import StoreFault
from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.ids import PartyId
from detente.protocol.effects import Work
from detente.protocol.events import RenewKeys, Say
from detente.station.reading import log_of
from detente.testing.fakes import MemoryDisk, MemoryJournal, MemoryStore, Outcome
from tests.faults.failing_line import FailingLine, Plan

PARTIES = (("alfa", "principal", "holds"), ("bravo", "principal", "holds"), ("meridian", "mediator", "none"))
ALFA, BRAVO, MERIDIAN = (PartyId(name) for name, _, _ in PARTIES)


def say(text: str, to: PartyId, precedence: Precedence = Precedence.ROUTINE) -> Say:
    """A message."""
    return Say(Content(form="message", to=(to,), text=text, lang="en"), precedence, (to,))


def exchange(faults: dict[int, Outcome]) -> FailingLine:
    """A small exchange: meeting, messages both ways, a long one, an acknowledgement, new keys, a cut line, more."""
    line = FailingLine(PARTIES, Plan(faults))
    for a, b in (("alfa", "bravo"), ("alfa", "meridian"), ("bravo", "meridian")):
        line.connect(a, b)
    line.settle()
    first = line.try_act("alfa", say("call us", BRAVO, Precedence.FLASH), "call us")
    line.try_act("bravo", say("we are here", ALFA), "we are here")
    line.settle()
    if first is not None:
        content = Content(form="acknowledge", to=(ALFA,), by="duty officer", re=(first,))
        line.try_act("bravo", Say(content, Precedence.PRIORITY, (ALFA,)))
    long_text = "a long text " * 2_100
    line.try_act("alfa", say(long_text, BRAVO), long_text)
    line.try_act("alfa", RenewKeys())
    line.settle()
    line.cut("alfa", "bravo")
    line.try_act("bravo", say("by the mediator", ALFA, Precedence.IMMEDIATE), "by the mediator")
    line.try_act("meridian", say("a word from a third", ALFA), "a word from a third")
    line.settle()
    line.connect("alfa", "bravo")
    line.try_act("alfa", say("again directly", BRAVO), "again directly")
    line.settle()
    return line


@cache
def kinds() -> list[str]:
    """What each write of the whole exchange is: of the store, the anchor or the keys."""
    return exchange({}).plan.kinds


def check(line: FailingLine) -> None:
    """All that was told is there once and everywhere, and nobody is accused."""
    line.plan.pause()
    sizes = []
    for party, station in line.stations.items():
        driver = line.open(station)
        channel = driver.channels[line.channel]
        assert not channel.writer.stopped
        assert not driver.store.findings(), driver.store.findings()
        sizes.append({origin: (book.size, book.root(book.size)) for origin, book in channel.ledger.books.items()})
        for (origin, size), root in line.left.items():
            assert channel.ledger.books[origin].root(size) == root, f"{party} holds another history of {origin}"
        shown = {entry["ref"]: entry for entry in log_of(driver, channel)["entries"]}
        messages = [
            e["whole"] or e["text"] for e in shown.values() if e["form"] == "message" and not (e["part"] or [1])[0] > 1
        ]
        assert len(set(messages)) == len(messages), "a message is there twice"
        for ref, text in line.told.items():
            entry = shown[str(ref)]
            if entry["unreadable"] is None:
                assert (entry["whole"] or entry["text"]) == text
            else:
                assert party not in (ref.party, *reader_of(text))
            if ref.party == party and party != MERIDIAN and MERIDIAN not in reader_of(text):
                assert entry["ladder"][0]["rung"] in ("held", "acknowledged"), entry
    assert all(one == sizes[0] for one in sizes)


def reader_of(text: str) -> tuple[PartyId, ...]:
    """Whom a text of the exchange is for."""
    return (BRAVO,) if text.startswith(("call", "a long", "again")) else (ALFA,)


def test_without_faults_everything_is_told() -> None:
    """The exchange itself: every act is told, every kind of write is in it."""
    line = exchange({})
    check(line)
    assert len(line.told) == 6
    assert not line.refused
    assert set(kinds()) == {"store", "anchor", "keys"}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("again", [False, True], ids=["once", "and again"])
@pytest.mark.parametrize("how", Outcome)
def test_each_write_fails(how: Outcome, again: bool) -> None:
    """STORE-1 to STORE-4: whichever write fails, alone or with the one after it, nothing told is lost or forked."""
    for number in range(1, len(kinds()) + 1):
        line = exchange({number: how, number + 1: how} if again else {number: how})
        try:
            check(line)
        except AssertionError as error:
            raise AssertionError(f"write {number}, a {kinds()[number - 1]} write: {how.value}: {error}") from error
        assert line.refused, "the fault was never met"


@pytest.mark.parametrize("how", Outcome)
def test_each_write_of_joining_fails(how: Outcome) -> None:
    """A channel is joined whole or not at all: after the fault it is joined again, or is found joined, and works."""
    number = 0
    while True:
        number += 1
        plan = Plan({number: how})
        plan.pause()
        line = FailingLine(PARTIES[:2], plan)
        alfa = line.stations["alfa"]
        notes = [row.octets for row in alfa.disk.notes.values()]
        alfa.disk, alfa.journal, alfa.driver = MemoryDisk(), MemoryJournal(), None
        plan.go_on()
        try:
            line.open(alfa).found(notes, line.now)
        except StoreFault:
            plan.pause()
            alfa.driver = None
            if not line.open(alfa).channels:
                line.open(alfa).found(notes, line.now)
        else:
            break  # there were not so many writes
        line.connect("alfa", "bravo")
        line.settle()
        line.try_act("alfa", say("after all", BRAVO), "after all")
        line.settle()
        assert log_of(line.open(line.stations["bravo"]), line.stations["bravo"].running.channels[line.channel])
        (ref,) = line.told
        entries = {one["ref"]: one for one in log_of(line.open(alfa), alfa.running.channels[line.channel])["entries"]}
        assert entries[str(ref)]["ladder"][0]["rung"] == "held"
    assert set(plan.kinds) == {"store", "anchor", "keys"}


def test_the_check_sees_a_lost_write() -> None:
    """A store that says it has kept what it has not is found out."""

    class Forgetful(MemoryStore):
        def commit(self, work: Work, held_at: int) -> None:
            """Keep nothing."""

    line = FailingLine(PARTIES, Plan({}))
    line.connect("alfa", "bravo")
    line.settle()
    alfa = line.stations["alfa"]
    line.open(alfa).store = Forgetful(alfa.disk)
    assert line.try_act("alfa", say("call us", BRAVO), "call us")
    alfa.driver = None
    with pytest.raises((AssertionError, KeyError)):
        check(line)
