"""FORK-1, FORK-2: whoever signs two histories is proved to have, by anyone who hears of both; nobody else ever is."""

from dataclasses import replace

import pytest

from detente.formats.frame import Entries, ForkFrame, Frame, ReceiptFrame, Subtree
from detente.ids import Origin
from detente.protocol.effects import FindingRow
from detente.testing.line import Line
from tests.rules.lines import (
    THREE,
    as_if,
    book,
    channel,
    connected,
    deliver,
    every,
    off_the_wire,
    refusal,
    said,
    size,
    three,
    twin_of,
)


def forked() -> Line:
    """Alfa has said one thing to bravo and another to meridian, at the same index; these two have not met since."""
    line = three()
    fork_between(line)
    return line


def fork_between(line: Line) -> None:
    """Let alfa do it on a line at rest."""
    line.cut("bravo", "meridian")
    line.cut("alfa", "meridian")
    twin = twin_of(line, "alfa")
    said(line, "alfa", "bravo", "we agree")
    line.settle()
    line.cut("alfa", "bravo")
    with as_if(line, "alfa", twin):
        said(line, "alfa", "bravo", "we do not agree")
        line.connect("alfa", "meridian")
        line.settle()
        line.cut("alfa", "meridian")
    assert size(line, "bravo", "alfa") == size(line, "meridian", "alfa")


def findings(line: Line, party: str, rule: str) -> list[FindingRow]:
    """What a station holds against somebody by one rule."""
    return [row for row in line.stations[party].running.store.findings() if row.rule == rule]


def test_a_fork_of_equal_size_is_found_by_those_who_meet() -> None:
    """FORK-1: the receipt of one contradicts what the other holds; it asks for the whole, and has the proof."""
    line = forked()
    line.connect("bravo", "meridian")
    line.settle()
    for party in ("bravo", "meridian"):
        (finding,) = findings(line, party, "FORK-1")
        assert finding.origin == book(line, "alfa")
        assert channel(line, party).ledger.books[book(line, "alfa")].fork is not None
        other = {"bravo": "meridian", "meridian": "bravo"}[party]
        assert not [row for row in line.stations[party].running.store.findings() if row.origin == book(line, other)]


def test_work_goes_on_with_the_history_held_first_and_without_receipts() -> None:
    """FORK-2: both histories stay where they were held first; the forker gets no further receipt from anybody."""
    line = forked()
    before = size(line, "bravo", "alfa")
    line.connect("bravo", "meridian")
    line.settle()
    line.connect("alfa", "bravo")
    said(line, "alfa", "bravo", "as if nothing were")
    line.settle()
    assert size(line, "bravo", "alfa") == before
    receipts = channel(line, "alfa").ledger.books[book(line, "alfa")].receipts
    assert max(row.size for row in receipts.values()) <= before
    said(line, "bravo", "meridian", "we go on")
    line.settle()
    assert size(line, "meridian", "bravo") == size(line, "bravo", "bravo")


def test_a_proof_is_handed_on_and_kept_once() -> None:
    """FORK-2: who was not there gets the proof too; a second proof of the same fork adds nothing."""
    line = forked()
    line.connect("bravo", "meridian")
    deliver(line, "bravo", "meridian", *off_the_wire(line, "bravo", "meridian"))
    proof = _proof(line)
    assert not deliver(line, "bravo", "meridian", proof, proof).refused
    assert len(findings(line, "meridian", "FORK-1")) == 1


def test_who_comes_later_gets_the_proof_with_the_greeting() -> None:
    """FORK-2: handed on to every station of the channel, also to one that was away when it was found."""
    line = Line((*THREE, ("harbour", "witness", "saw")))
    connected(line)
    for party in ("alfa", "bravo", "meridian"):
        line.cut("harbour", party)
    fork_between(line)
    line.connect("bravo", "meridian")
    line.settle()
    line.stations["bravo"].start()
    line.links.clear()
    line.connect("bravo", "harbour")
    line.settle()
    assert findings(line, "harbour", "FORK-1")


def test_the_proof_outlives_a_restart() -> None:
    """FORK-2: kept for ever; after a restart the forked book still gets no receipt."""
    line = forked()
    line.connect("bravo", "meridian")
    line.settle()
    line.stations["bravo"].start()
    assert findings(line, "bravo", "FORK-1")
    line.links.clear()
    line.connect("alfa", "bravo")
    before = _given(line, "bravo")
    said(line, "alfa", "bravo", "as if nothing were")
    line.settle()
    assert _given(line, "bravo") == before


@pytest.mark.parametrize("part", ["root_a", "signature_a", "signature_b", "items", "size_a"])
def test_what_is_no_proof_is_refused_and_accuses_nobody(part: str) -> None:
    """FORK-1: both signatures verify, the boundary at A is there, and the roots differ, or it is nothing."""
    line = forked()
    line.connect("bravo", "meridian")
    deliver(line, "bravo", "meridian", *off_the_wire(line, "bravo", "meridian"))
    proof = _proof(line)
    wrong: dict[str, ForkFrame] = {
        "root_a": replace(proof, root_a=bytes(32)),
        "signature_a": replace(proof, signature_a=bytes(64)),
        "signature_b": replace(proof, signature_b=bytes(64)),
        "items": replace(proof, items=(Subtree(0, bytes(32)), *proof.items)),
        "size_a": replace(proof, size_a=proof.size_a + 1),
    }
    fault = refusal(deliver(line, "bravo", "meridian", wrong[part]))
    assert fault.rule == "FORK-1"
    assert not findings(line, "meridian", "FORK-1")


def test_a_head_beside_itself_is_no_fork() -> None:
    """FORK-1: two signatures over one history prove nothing."""
    line = three()
    ours = channel(line, "alfa").ledger.books[book(line, "alfa")]
    assert ours.head is not None
    frame = ForkFrame(
        channel(line, "bravo").us.handle,
        channel(line, "bravo").ledger.code(ours.origin),
        ours.size,
        ours.head.root,
        ours.head.signature,
        ours.head.signature,
        tuple(ours.cover_items(0, ours.size)),
    )
    assert refusal(deliver(line, "bravo", "meridian", frame)).rule == "FORK-1"


def test_a_history_that_was_seen_as_a_head_and_then_replaced_is_a_fork() -> None:
    """FRAME-7: a verified head above the durable size is kept, and what comes later must agree with it."""
    line = three()
    twin = twin_of(line, "alfa")
    for party in ("bravo", "meridian"):
        line.cut("alfa", party)
    said(line, "alfa", "bravo", *(f"first history {number}" for number in range(4)))
    mine = channel(line, "alfa").ledger.books[book(line, "alfa")]
    assert mine.head is not None
    line.connect("alfa", "bravo")
    deliver(line, "bravo", "alfa", *off_the_wire(line, "bravo", "alfa"))
    hello, *_ = off_the_wire(line, "alfa", "bravo")
    held = size(line, "bravo", "alfa")
    head_only = Entries(
        hello.handle, channel(line, "alfa").ledger.code(mine.origin), held, mine.head.signature,
        tuple(mine.cover_items(held, mine.size)),
    )  # fmt: skip
    deliver(line, "alfa", "bravo", hello, head_only)
    assert mine.size in channel(line, "bravo").ledger.books[mine.origin].far_heads
    line.cut("alfa", "bravo")
    with as_if(line, "alfa", twin):
        said(line, "alfa", "bravo", *(f"second history {number}" for number in range(4)))
        line.connect("alfa", "bravo")
        line.settle()
    assert findings(line, "bravo", "FORK-1")


def test_a_twin_of_ours_stops_our_book() -> None:
    """Section 7 of the design, STORE-3: a head of our own book that we did not write: alarm, and no further signature."""
    line = three()
    twin = twin_of(line, "alfa")
    line.cut("alfa", "bravo")
    line.cut("alfa", "meridian")
    with as_if(line, "alfa", twin):
        line.connect("alfa", "bravo")
        said(line, "alfa", "bravo", "not by us", "nor this")
        line.settle()
        line.cut("alfa", "bravo")
    line.connect("alfa", "bravo")
    line.settle()
    assert findings(line, "alfa", "STORE-3")
    ref = line.say("alfa", "from the next book", ["bravo"])
    line.settle()
    assert ref.book == 2  # it took over by its note
    assert size(line, "bravo", "alfa", 2) == ref.index + 1
    assert not findings(line, "bravo", "FORK-1")


def _proof(line: Line) -> ForkFrame:
    """Carry frames between bravo and meridian until one of them has the proof; the proof, as bravo would hand it on."""
    for _ in range(6):
        frames = _without_forks(off_the_wire(line, "meridian", "bravo"))
        deliver(line, "meridian", "bravo", *frames)
        answers = off_the_wire(line, "bravo", "meridian")
        proofs = every(answers, ForkFrame)
        if proofs:
            return proofs[0]
        deliver(line, "bravo", "meridian", *answers)
    raise AssertionError("nobody found the fork")


def _without_forks(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if not isinstance(frame, ForkFrame)]


def _given(line: Line, party: str) -> dict[tuple[Origin, int], bytes]:
    store = line.stations[party].running.store
    cosigner = line.stations[party].card.stations[0].cosigner
    assert cosigner is not None
    rows = store.cosignatures(book(line, "alfa"))
    return {(row.origin, row.size): row.octets for row in rows if row.cosigner == cosigner.name}


def test_a_receipt_over_another_history_leads_to_the_proof() -> None:
    """FRAME-9: the cosigner of a receipt that does not verify may hold another history; it is asked once, whole."""
    line = forked()
    line.connect("bravo", "meridian")
    hello = off_the_wire(line, "meridian", "bravo")
    deliver(line, "bravo", "meridian", *off_the_wire(line, "bravo", "meridian"))
    deliver(line, "meridian", "bravo", *hello)
    receipts = every(off_the_wire(line, "meridian", "bravo"), ReceiptFrame)
    (receipt,) = [frame for frame in receipts if (frame.book, frame.cosigner) == (0, 2)]  # meridian's, of alfa's book
    assert not deliver(line, "meridian", "bravo", receipt).refused
    assert refusal(deliver(line, "meridian", "bravo", receipt)).rule == "FRAME-9"


def test_a_shorter_history_than_the_one_held_is_a_fork_too() -> None:
    """FORK-1: what comes later may be the smaller head; the tiles then are those of what is held."""
    line = three()
    twin = twin_of(line, "alfa")
    said(line, "alfa", "bravo", "one", "two", "three")
    line.settle()
    line.cut("alfa", "bravo")
    with as_if(line, "alfa", twin):
        said(line, "alfa", "bravo", "another")
        line.connect("alfa", "bravo")
        hello, *_ = off_the_wire(line, "alfa", "bravo")
        ours = channel(line, "alfa").ledger.books[book(line, "alfa")]
        assert ours.head is not None
        items = tuple(ours.cover_items(0, ours.size))
        code = channel(line, "alfa").ledger.code(ours.origin)
        deliver(line, "alfa", "bravo", hello, Entries(hello.handle, code, 0, ours.head.signature, items))
    assert findings(line, "bravo", "FORK-1")
    line.settle()
    assert findings(line, "meridian", "FORK-1")


def test_a_shorter_twin_of_ours_stops_our_book_too() -> None:
    """STORE-3: another history under our own key, of any size, means that somebody else holds it."""
    line = three()
    twin = twin_of(line, "alfa")
    said(line, "alfa", "bravo", "one", "two", "three")
    line.settle()
    with as_if(line, "alfa", twin):
        said(line, "alfa", "bravo", "not by us")
        theirs = channel(line, "alfa").ledger.books[book(line, "alfa")]
        assert theirs.head is not None
        code = channel(line, "alfa").ledger.code(theirs.origin)
        items = tuple(theirs.cover_items(0, theirs.size))
        head = Entries(channel(line, "bravo").us.handle, code, 0, theirs.head.signature, items)
    deliver(line, "bravo", "alfa", head)
    (finding,) = findings(line, "alfa", "STORE-3")
    assert "did not write" in finding.text
    assert channel(line, "alfa").writer.stopped


def test_a_head_of_ours_that_comes_back_is_no_alarm() -> None:
    """STORE-3: what we wrote may come back from anybody, also an old head of it."""
    line = three()
    said(line, "alfa", "bravo", "one")
    old = channel(line, "alfa").ledger.books[book(line, "alfa")].head
    assert old is not None
    said(line, "alfa", "bravo", "two")
    line.settle()
    ours = channel(line, "alfa").ledger.books[book(line, "alfa")]
    code = channel(line, "alfa").ledger.code(ours.origin)
    items = tuple(ours.cover_items(0, old.size))
    frame = Entries(channel(line, "bravo").us.handle, code, 0, old.signature, items)
    assert not deliver(line, "bravo", "alfa", frame).refused
    assert not findings(line, "alfa", "STORE-3")
    assert not channel(line, "alfa").writer.stopped
