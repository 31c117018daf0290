"""HEAD-3, HEAD-4, STORE-1 to STORE-3: one turn is one commit and one signed head; commit, then anchor, then send, then tell."""

import pytest

from detente.contracts import Anchor, Store
from detente.errors import LocalMisuse, StoreFault, StoreFull
from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.formats.frame import Entries
from detente.ids import PartyId
from detente.protocol.effects import AnchorRecord, Work
from detente.protocol.events import OpenBook, RenewKeys, Say
from detente.station.driver import Driver, FromLink, FromOffice
from detente.testing.fakes import FaultyStore, MemoryAnchor, MemoryStore, Outcome
from detente.testing.line import Line
from tests.rules.lines import book, channel, every, off_the_wire, pair, said, size

BRAVO = PartyId("bravo")


class WatchedStore(MemoryStore):
    """A store that notes when a commit has returned."""

    events: list[str]

    def commit(self, work: Work, held_at: int) -> None:
        """See Store."""
        super().commit(work, held_at)
        self.events.append("committed")


class WatchedAnchor(MemoryAnchor):
    """An anchor that notes when a record has returned, and which heads it names."""

    events: list[str]

    def record(self, records: list[AnchorRecord]) -> None:
        """See Anchor."""
        super().record(records)
        self.events.append(f"anchored {[row.size for row in records]}")


def message(text: str) -> Say:
    """A message to bravo."""
    return Say(Content(form="message", to=(BRAVO,), text=text), Precedence.ROUTINE, (BRAVO,))


def restarted(line: Line, store: Store, anchor: Anchor) -> Driver:
    """Alfa's station on this store and anchor, with a fresh link to bravo that has greeted."""
    station = line.stations["alfa"]
    station.driver = Driver(store, anchor, station.keyring, station.party, "hq")
    line.links.clear()
    line.connect("alfa", "bravo")
    line.settle()
    return station.driver


def test_commit_then_anchor_then_send_then_tell() -> None:
    """STORE-2, STORE-3, HEAD-4: nothing can leave before the commit and the anchor have returned."""
    line = pair()
    station = line.stations["alfa"]
    store, anchor = WatchedStore(station.disk), WatchedAnchor(station.journal)
    store.events = anchor.events = events = list[str]()
    driver = restarted(line, store, anchor)
    events.clear()
    outcome = driver.take_turn([FromOffice(line.channel, message("one"))], line.now)
    assert events == ["committed", f"anchored {[size(line, 'alfa', 'alfa')]}"]
    assert outcome.done
    assert every(off_the_wire(line, "alfa", "bravo"), Entries)


def test_one_checkpoint_covers_a_whole_turn() -> None:
    """HEAD-3: a burst of acts is one commit and one signed head."""
    line = pair()
    before = len(line.stations["alfa"].running.store.heads(book(line, "alfa")))
    acts = [FromOffice(line.channel, message(f"burst {number}")) for number in range(50)]
    outcome = line.stations["alfa"].running.take_turn(acts, line.now)
    assert len(outcome.done) == 50
    assert len(line.stations["alfa"].running.store.heads(book(line, "alfa"))) == before + 1
    line.settle()
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")


def test_a_turn_that_writes_nothing_signs_nothing() -> None:
    """HEAD-2, HEAD-3: no commit, no checkpoint."""
    line = pair()
    before = line.stations["alfa"].disk.copy()
    line.stations["alfa"].running.take_turn([], line.now)
    assert line.stations["alfa"].disk == before


@pytest.mark.parametrize("outcome", [Outcome.NOT_KEPT, Outcome.KEPT])
def test_after_an_unknown_commit_the_driver_is_dead_and_the_disk_says_what_is_so(outcome: Outcome) -> None:
    """STORE-2: nothing was told; what the reopened disk holds is what was said, once, and it reaches the other side."""
    line = pair()
    station = line.stations["alfa"]
    driver = restarted(line, FaultyStore(MemoryStore(station.disk), {1: outcome}), MemoryAnchor(station.journal))
    before = size(line, "bravo", "alfa")
    with pytest.raises(StoreFault):
        driver.take_turn([FromOffice(line.channel, message("told to nobody"))], line.now)
    with pytest.raises(StoreFault):
        driver.take_turn([FromOffice(line.channel, message("nor this"))], line.now)
    station.start()
    line.links.clear()
    line.connect("alfa", "bravo")
    said(line, "alfa", "bravo", "told")
    line.settle()
    kept = 1 if outcome is Outcome.KEPT else 0
    assert size(line, "bravo", "alfa") == before + 2 + kept  # keys, perhaps one message, and the one told
    assert channel(line, "bravo").ledger.books[book(line, "alfa")].fork is None
    assert not station.running.store.findings()


def test_a_full_disk_refuses_and_loses_nothing() -> None:
    """STORE-1, StoreFull: nothing of the turn is written, and after room is made the station goes on from the disk."""
    line = pair()
    station = line.stations["alfa"]
    driver = restarted(line, FaultyStore(MemoryStore(station.disk), {1: Outcome.FULL}), MemoryAnchor(station.journal))
    before = station.disk.copy()
    with pytest.raises(StoreFull):
        driver.take_turn([FromOffice(line.channel, message("no room"))], line.now)
    assert station.disk == before
    station.start()
    line.links.clear()
    line.connect("alfa", "bravo")
    said(line, "alfa", "bravo", "room again")
    line.settle()
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")


def test_a_lost_anchor_ends_the_book() -> None:
    """STORE-3: no anchor where the store holds own heads: never that key again; the next book opens by its note."""
    line = pair()
    station = line.stations["alfa"]
    station.journal.records = None
    line.links.clear()
    station.start()
    line.connect("alfa", "bravo")
    ref = line.say("alfa", "from the next book", ["bravo"])
    line.settle()
    assert ref.book == 2
    assert size(line, "bravo", "alfa", 2) == ref.index + 1


def test_an_old_store_ends_the_book_and_its_lost_tail_comes_back_from_the_others() -> None:
    """STORE-3, section 7 of the design: the store is older than what was told; nothing forks, and nothing is lost."""
    line = pair()
    station = line.stations["alfa"]
    old = station.disk.copy()
    said(line, "alfa", "bravo", "one", "two")
    line.settle()
    told = size(line, "alfa", "alfa")
    station.disk = old
    line.links.clear()
    station.start()
    line.connect("alfa", "bravo")
    said(line, "alfa", "bravo", "after the restore")
    line.settle()
    assert size(line, "alfa", "alfa") == told
    assert size(line, "alfa", "alfa", 2) == size(line, "bravo", "alfa", 2) > 0
    assert channel(line, "bravo").ledger.books[book(line, "alfa")].fork is None
    assert not line.stations["bravo"].running.store.findings()


def test_without_a_note_for_the_next_book_the_station_says_what_is_needed() -> None:
    """STORE-3, OPEN-1: with the last note used up nothing can be written, and the refusal says why and what to do."""
    line = pair()
    station = line.stations["alfa"]
    for _ in range(2):  # book 2 takes over from book 1, and then there is no note for book 3
        station.journal.records = None
        line.links.clear()
        station.start().take_turn([], line.now)
    with pytest.raises(StoreFault) as caught:
        line.say("alfa", "nothing more can be said", ["bravo"])
    assert caught.value.rule == "STORE-3"
    assert "detente charter sign" in caught.value.text
    with pytest.raises(LocalMisuse) as misuse:
        line.act("alfa", OpenBook("restored"))
    assert misuse.value.rule == "OPEN-1"


def test_an_act_for_a_channel_not_joined_is_refused_and_the_rest_goes_on() -> None:
    """LocalMisuse: one wrong act takes no other act of its turn with it."""
    line = pair()
    acts = [FromOffice("nowhere.example/abcdefghijklmnop", RenewKeys()), FromOffice(line.channel, message("one"))]
    outcome = line.stations["alfa"].running.take_turn(acts, line.now)
    assert [source for source, _ in outcome.refused] == [acts[0]]
    assert [source for source, _ in outcome.done] == [acts[1]]


def test_a_frame_that_does_not_decode_is_refused_with_its_link() -> None:
    """FRAME-1: what a link brought is given back with the fault, and other inputs of the turn are taken."""
    line = pair()
    link = line.stations["bravo"].link_name
    bad = FromLink(link, b"\xff")
    outcome = line.stations["alfa"].running.take_turn([bad, FromOffice(line.channel, message("one"))], line.now)
    assert [source for source, _ in outcome.refused] == [bad]
    assert len(outcome.done) == 1


def test_a_charter_is_joined_once_and_only_by_its_parties() -> None:
    """CHARTER-2: founding twice is refused, and so is a charter that does not name us, or not our key."""
    line = pair()
    driver = line.stations["alfa"].running
    notes = [line.charter, line.book_note(line.stations["alfa"], 3)]
    with pytest.raises(LocalMisuse, match="has joined"):
        driver.found(notes, line.now)
    other = Line((("kilo", "principal", "holds"), ("lima", "principal", "holds")), seed="elsewhere")
    with pytest.raises(LocalMisuse, match="names no party alfa"):
        driver.found([other.charter], line.now)
    again = Line((("alfa", "principal", "holds"), ("lima", "principal", "holds")), seed="again")
    with pytest.raises(LocalMisuse) as caught:
        driver.found([again.charter], line.now)
    assert caught.value.rule == "CARD-1"
    assert list(driver.channels) == [line.channel]
