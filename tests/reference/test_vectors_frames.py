"""Every case of vectors/frames.json against this reader."""

from __future__ import annotations

from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.reference import encoding, frames
from tests.reference.cases import Case, cases, check_marks, load, octets_of, refused
from tests.reference.diagnostic import parse_diagnostic
from tests.reference.giver import Giver
from tests.reference.holder import Holder
from tests.reference.receiver import HeldBook, Receiver, WantSent


@cases("frames.json", "shapes")
def test_frames(case: Case) -> None:
    """A frame is read."""
    octets = octets_of(case)
    if not case["good"]:
        refused(case, lambda: frames.read_frame(octets))
        return
    frames.read_frame(octets)
    value = encoding.decode(octets)
    assert encoding.encode(value) == octets
    if "diagnostic" in case:
        assert value == parse_diagnostic(case["diagnostic"])


@cases("frames.json", "streams")
def test_streams(case: Case) -> None:
    """A stream is cut into frames."""
    octets = octets_of(case)
    if not case["good"]:
        refused(case, lambda: frames.read_stream(octets))
        return
    found, rest = frames.read_stream(octets)
    assert [
        len(frame) if isinstance(stated, int) else frame.hex()
        for frame, stated in zip(found, case["frames"], strict=True)
    ] == case["frames"]
    assert len(rest) == case["rest"]


def receiving_station() -> Receiver:
    """Return the station of the vectors, with the notes that it holds."""
    holder = Holder()
    stated = load("frames.json")["notes"]
    for note in stated.values() if isinstance(stated, dict) else stated:
        holder.take(note.encode("utf-8"))
    return Receiver(holder)


def check_step(step: Case, station: Receiver, number: int, asked: list[WantSent]) -> None:
    """Require what a step says of the book behind it."""
    book = station.books.get(number) or HeldBook(number, next(iter(station.holder.books.values())).key)
    found = {
        "durable": book.size,
        "above": sorted(book.above),
        "head": book.head,
        "forked": book.forked,
        "receipts": sorted([cosigner, size, kind] for (cosigner, kind), size in book.receipts.items()),
        "wants": [[want.start, want.whole] for want in asked],
    }
    for key, value in found.items():
        assert step.get(key, value) == value, f"{key} in {step}"
    if "marks" in step:
        check_marks(step["marks"], station.judgement().marks)


@cases("frames.json", "receiving")
def test_receiving(case: Case) -> None:
    """A station receives frames."""
    station, named = receiving_station(), load("frames.json")["frames"]
    for step in case["steps"]:
        asked: list[WantSent] = []
        octets = bytes.fromhex(named[step["frame"]])
        if "refused" in step:
            refused({"rules": step["refused"]}, partial(station.receive, octets))
        else:
            asked = station.receive(octets)
        check_step(step, station, case["book"], asked)


@cases("frames.json", "answers")
def test_answers(case: Case) -> None:
    """A station answers WANT, `whole` true."""
    station, named = receiving_station(), load("frames.json")["frames"]
    for name in case["steps"]:
        station.receive(bytes.fromhex(named[name]))
    want = frames.read_frame(bytes.fromhex(named[case["want"]]))
    assert isinstance(want, frames.Want)
    assert station.answer(want).hex() == named[case["answer"]]


@cases("frames.json", "giving")
def test_giving(case: Case) -> None:
    """A station gives the stated receipts, and no others."""
    named = load("frames.json")["frames"]
    party, station = case["at"].split("/")
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["cosigner"]))
    giver = Giver(party, station, private, receiving_station())
    for step in case["steps"]:
        sent = giver.receive(bytes.fromhex(named[step["frame"]]), step["now_s"])
        assert [octets.hex() for octets in sent] == [named[name] for name in step["sent"]]
