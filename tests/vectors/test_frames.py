"""vectors/frames: frames and streams are read as stated there, and a station makes of them what is stated there."""

from functools import partial
from typing import Any

from detente.errors import Fault
from detente.formats.frame import Entries, FrameSplitter, Hello, ReceiptFrame, Want, decode_frame, encode_frame
from detente.ids import Milliseconds, PartyId
from detente.protocol.book import BookCopy
from detente.protocol.channel import Channel, Turn, Us
from detente.protocol.events import Event, FrameIn, LinkUp, Peer, TakeNote
from detente.protocol.roster import Roster
from detente.testing.fakes import MemoryDisk, MemoryStore
from detente.testing.line import MemoryKeyring, seeded
from tests.vectors.cases import Case, every, judged, load, octets_of

NOW = Milliseconds(1_900_000_100_000)
HANDLE = 7
ROOM = 10_000_000


@every("frames", "shapes")
def test_frame_1_shapes(case: Case) -> None:
    """FRAME-1, BOOK-11."""
    octets = octets_of(case)
    if judged(case, partial(decode_frame, octets)):
        assert encode_frame(decode_frame(octets)) == octets


@every("frames", "streams")
def test_frame_1_streams(case: Case) -> None:
    """FRAME-1: whole or octet by octet, the same frames come out."""
    stream = octets_of(case)
    if judged(case, partial(FrameSplitter().feed, stream)):
        splitter = FrameSplitter()
        frames = splitter.feed(stream)
        assert [len(f) if isinstance(one, int) else f.hex() for f, one in zip(frames, case["frames"], strict=True)] == (
            case["frames"]
        )
        assert splitter.waiting_octets == case["rest"]
        if len(stream) < 1_000:
            again = FrameSplitter()
            assert [f for at in range(len(stream)) for f in again.feed(stream[at : at + 1])] == frames


class Station:
    """The core of a station on a disk in memory, with one link. It has no book, and gives receipts if it has a key."""

    def __init__(self, peer: str, at: str = "bravo/hq", cosigner: str = "") -> None:
        charter, *book_notes = (text.encode() for text in load("frames")["notes"])
        row = Roster().take(charter)
        assert row is not None
        self.store = MemoryStore(MemoryDisk())
        seeds = bytes.fromhex(cosigner)
        keyring = MemoryKeyring((lambda _: seeds) if cosigner else seeded("vectors"))
        if cosigner:
            keyring.new_signing_key("cosigner")
        party, _, station = at.partition("/")
        self.channel = Channel(Us(PartyId(party), station, HANDLE), [row], [], self.store, keyring)
        party, _, station = peer.partition("/")
        self.peer = Peer(PartyId(party), station)
        self.turn([TakeNote(octets) for octets in book_notes])
        hello = Hello(HANDLE, self.channel.roster.channel, 1, 1, self.channel.roster.newest.digest, ())
        self.turn([LinkUp(self.peer), FrameIn(self.peer, hello)])
        self.sent()

    def turn(self, events: list[Event], now: Milliseconds = NOW) -> Turn:
        """One turn, committed."""
        turn = self.channel.step(events, now)
        self.store.commit(turn.work, now)
        self.channel.released()
        return turn

    def take(self, name: str, now: Milliseconds = NOW) -> Fault | None:
        """A frame of the file; why it was refused, if it was."""
        frame = decode_frame(bytes.fromhex(load("frames")["frames"][name]))
        refused = self.turn([FrameIn(self.peer, frame)], now).refused
        return refused[0][1] if refused else None

    def sent(self) -> list[Any]:
        """What it wants to send now."""
        return [decode_frame(octets) for octets in self.channel.outgoing.frames_for(self.peer, NOW, ROOM)]

    def book(self, code: int) -> BookCopy:
        """The book of a number."""
        origin = self.channel.ledger.by_code(code)
        assert origin is not None
        return self.channel.ledger.books[origin]

    def holds(self, code: int) -> Case:
        """What the vectors say of a book."""
        book = self.book(code)
        cosigners = {
            name: 16 * station_place + place
            for place, party in enumerate(self.channel.roster.newest.charter.parties)
            for station_place, station in enumerate(party.stations)
            for name in (key.name for key in (station.cosigner, station.pq) if key is not None)
        }
        findings = [row for row in self.store.findings() if row.origin == book.origin and row.rule.startswith("BOOK")]
        return {
            "durable": book.size,
            "above": sorted(book.far_entries),
            "head": max((head.size for head in book.heads_held()), default=0),
            "receipts": sorted([cosigners[row.cosigner], row.size, row.kind] for row in book.receipts.values()),
            "forked": book.fork is not None,
            "marks": [[[book.party, book.number, row.index], [row.rule]] for row in findings],
        }


@every("frames", "receiving")
def test_frame_4_receiving(case: Case) -> None:
    """FRAME-2 to FRAME-9, FORK-1, FORK-2: step by step."""
    station = Station(case["peer"])
    for number, step in enumerate(case["steps"]):
        where = f"step {number}"
        before = station.holds(case["book"])
        refusal = station.take(step["frame"])
        wants = [[one.start, one.whole] for one in station.sent() if isinstance(one, Want)]
        after = station.holds(case["book"])
        for key in before.keys() & step.keys():
            assert after[key] == step[key], (where, key)
        if "refused" in step and not (step.get("may_ask") and [whole for _, whole in wants] == [True]):
            assert refusal is not None, where
            assert refusal.rule in step["refused"], where
            assert after == before, where
        elif "refused" not in step:
            assert refusal is None, (where, str(refusal))
        if "wants" in step and not step.get("may_ask"):
            assert wants == step["wants"], where


@every("frames", "answers")
def test_frame_5_answers(case: Case) -> None:
    """FRAME-5: the whole."""
    station = Station(case["peer"])
    for name in case["steps"]:
        assert station.take(name) is None
    station.sent()
    assert station.take(case["want"]) is None
    answers = [encode_frame(one).hex() for one in station.sent() if isinstance(one, Entries)]
    assert answers == [load("frames")["frames"][case["answer"]]]


@every("frames", "giving")
def test_receipt_3_giving(case: Case) -> None:
    """RECEIPT-3 to RECEIPT-6, FRAME-7, FRAME-8, FORK-2."""
    station = Station(case["peer"], case["at"], case["cosigner"])
    for number, step in enumerate(case["steps"]):
        station.take(step["frame"], Milliseconds(step["now_s"] * 1000))
        sent = [encode_frame(one).hex() for one in station.sent() if isinstance(one, ReceiptFrame)]
        assert sent == [load("frames")["frames"][name] for name in step["sent"]], f"step {number}"
