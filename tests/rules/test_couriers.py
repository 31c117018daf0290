"""Couriers by the core alone: files shuffled, doubled, lost and weeks late always converge, and bring no new quarrel."""

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import Malformed
from detente.formats.frame import Entries, EntryItem, Frame, Want, decode_frame
from detente.protocol.events import Brought, Handed
from detente.station.driver import FromOffice, Outcome
from detente.testing.line import Line
from tests.rules.lines import PAIR, THREE, WITH_WITNESS, accuses_nobody, book, channel, later, refusal, size

WEEK_MS = 7 * 86_400_000
PARTIES = ("alfa", "bravo", "meridian")


def pack(line: Line, sender: str, receiver: str) -> list[Frame]:
    """A courier file: its frames."""
    courier = channel(line, sender).courier
    place = (line.stations[receiver].party, "hq")
    octets = courier.opening(*place)
    for stretch in courier.stretches(*place):
        at = stretch.start
        while at < stretch.stop:
            more, at = courier.entries(stretch.origin, at)
            octets += more
    sizes = tuple((stretch.origin, stretch.stop) for stretch in courier.stretches(*place))
    line.act_quietly(sender, Handed(place[0], sizes))
    return [decode_frame(one) for one in octets]


def unpack(line: Line, receiver: str, file: list[Frame]) -> Outcome:
    """Read a file in, all of it in one turn; then a turn for what follows from it."""
    acts = [FromOffice(line.channel, Brought(frame)) for frame in file]
    outcome = line.stations[receiver].running.take_turn(acts, line.now)
    later(line, 1_000)
    return outcome


def exchange(line: Line) -> None:
    """A file from everyone to everyone, in order, twice over: all hold everything and know it."""
    for _ in range(3):
        for sender in line.stations:
            for receiver in line.stations:
                if sender != receiver:
                    assert unpack(line, receiver, pack(line, sender, receiver)).refused == []


def sizes(line: Line, holder: str) -> dict[str, int]:
    """How much of every book a station holds."""
    return {origin: one.size for origin, one in channel(line, holder).ledger.books.items()}


def by_courier(parties: tuple[tuple[str, str, str], ...]) -> Line:
    """A line that never had a link; everyone has everyone's opening."""
    line = Line(parties)
    exchange(line)
    return line


@settings(max_examples=40)
@given(st.data())
def test_files_shuffled_doubled_and_weeks_late_converge(data: st.DataObject) -> None:
    """COURIER-2, COURIER-3: whatever arrives is taken whole, in any order; what never arrives comes with the next file."""
    line = by_courier(THREE)
    under_way: list[tuple[str, list[Frame]]] = []
    said = 0
    for _ in range(data.draw(st.integers(3, 12))):
        act = data.draw(st.sampled_from(("say", "pack", "pack", "unpack", "lose", "wait")))
        if act == "say":
            author, reader = data.draw(st.permutations(PARTIES))[:2]
            line.say(author, f"message {said} " + "x" * data.draw(st.sampled_from((5, 900, 9_000))), [reader])
            said += 1
        elif act == "pack":
            sender, receiver = data.draw(st.permutations(PARTIES))[:2]
            under_way.append((receiver, pack(line, sender, receiver)))
        elif under_way and act != "wait":
            place = data.draw(st.integers(0, len(under_way) - 1))
            receiver, file = under_way[place]
            if act == "lose" or data.draw(st.booleans()):
                under_way.pop(place)  # else it is read once more later
            if act == "unpack":
                assert unpack(line, receiver, file).refused == []
        later(line, data.draw(st.sampled_from((1_000, WEEK_MS))))
    exchange(line)
    expected = sizes(line, "alfa")
    for party in PARTIES:
        assert sizes(line, party) == expected
        for origin, one in channel(line, party).ledger.books.items():
            held_by_others = [row.size for row in one.receipts.values()]
            assert min(held_by_others) == expected[origin]
    assert accuses_nobody(line)


def test_each_file_holds_everything_since_the_last_proof() -> None:
    """COURIER-2: proved by a receipt or a `seen`, not by a file that was sent; the proof makes the next one short."""
    line = by_courier(PAIR)
    files = []
    for number in range(5):
        line.say("alfa", f"message {number}", ["bravo"])
        files.append(pack(line, "alfa", "bravo"))
    (frame,) = [one for one in files[-1] if isinstance(one, Entries)]
    assert len(frame.items) == size(line, "alfa", "alfa") - frame.start
    unpack(line, "bravo", files[-1])
    unpack(line, "alfa", pack(line, "bravo", "alfa"))
    assert [one for one in pack(line, "alfa", "bravo") if isinstance(one, Entries)] == []


def test_entries_travel_with_their_views() -> None:
    """COURIER-2: nobody can be asked for a view that cannot be computed."""
    line = by_courier(WITH_WITNESS)
    line.say("alfa", "a", ["bravo"])
    line.say("bravo", "b", ["alfa"])
    items = [item for one in pack(line, "alfa", "harbour") if isinstance(one, Entries) for item in one.items]
    assert items
    assert all(item.view is not None for item in items if isinstance(item, EntryItem))


def test_receipts_of_third_parties_can_be_checked_by_who_reads_the_file() -> None:
    """COURIER-2: entries end at the heads that receipts were given for."""
    line = by_courier(THREE)
    line.say("alfa", "first", ["bravo"])
    unpack(line, "meridian", pack(line, "alfa", "meridian"))
    unpack(line, "alfa", pack(line, "meridian", "alfa"))
    line.say("alfa", "second", ["bravo"])
    unpack(line, "bravo", pack(line, "alfa", "bravo"))
    receipts = channel(line, "bravo").ledger.books[book(line, "alfa")].receipts
    assert receipts["meridian.invalid/holds"].size < size(line, "bravo", "alfa")


def test_a_frame_that_does_not_follow_is_refused_and_nothing_is_asked() -> None:
    """COURIER-4: a hole, a damaged signature, a request: refused each by itself, and the rest is taken."""
    line = by_courier(PAIR)
    for number in range(3):
        line.say("alfa", f"message {number}", ["bravo"])
    file = pack(line, "alfa", "bravo")
    (entries,) = [one for one in file if isinstance(one, Entries)]
    before = size(line, "bravo", "alfa")
    hole = Entries(entries.handle, entries.book, entries.start + 1, entries.signature, entries.items[1:])
    forged = Entries(entries.handle, entries.book, entries.start, bytes(64), entries.items)
    for bad in (hole, forged, Want(0, 0, 0, whole=False)):
        fault = refusal(unpack(line, "bravo", [bad]))
        assert isinstance(fault, Malformed)
        assert size(line, "bravo", "alfa") == before
    assert len(unpack(line, "bravo", [hole, *file, forged]).refused) == 2
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")
    assert accuses_nobody(line)
