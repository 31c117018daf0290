"""FRAME-2 to FRAME-11: what two stations say to each other, frame by frame."""

from dataclasses import replace

from detente.errors import Malformed
from detente.formats.entry import Kind, Precedence
from detente.formats.frame import Entries, EntryItem, Hello, NoteFrame, ReceiptFrame, Want
from detente.testing.line import Line
from tests.rules.lines import (
    THREE,
    accuses_nobody,
    book,
    channel,
    connected,
    deliver,
    every,
    later,
    off_the_wire,
    only,
    pair,
    refusal,
    said,
    size,
    three,
    wants,
)


def test_a_frame_before_any_hello_is_refused() -> None:
    """FRAME-1: a handle means nothing before its HELLO."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    entries = only(off_the_wire(line, "alfa", "bravo"), Entries)
    outcome = deliver(line, "alfa", "bravo", replace(entries, handle=7))
    assert refusal(outcome).rule == "FRAME-1"


def test_hello_is_never_evidence() -> None:
    """FRAME-2: a HELLO that claims more than was written moves no ladder and no size, and accuses nobody."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    lie = replace(
        _hello(line, "bravo"),
        books=tuple(state._replace(durable=900, head=900) for state in _hello(line, "bravo").books),
    )
    deliver(line, "bravo", "alfa", lie)
    line.settle()
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")
    assert accuses_nobody(line)


def test_another_charter_under_the_same_number_is_refused() -> None:
    """FRAME-2, CHARTER-6: the two do not stand under one charter, and people must compare fingerprints."""
    line = pair()
    outcome = deliver(line, "bravo", "alfa", replace(_hello(line, "bravo"), digest=bytes(32)))
    assert refusal(outcome).rule == "CHARTER-6"
    assert "fingerprints" in refusal(outcome).text


def test_views_are_left_out_only_where_the_peer_can_compute_them() -> None:
    """FRAME-3: in step nothing is sent that the receiver can compute; to one who lacks a counted book it is sent."""
    line = three()
    said(line, "alfa", "bravo", "one")
    in_step = only(off_the_wire(line, "alfa", "bravo"), Entries)
    assert all(item.view is None for item in in_step.items if isinstance(item, EntryItem))

    line = Line(THREE)
    line.connect("alfa", "meridian")
    line.settle()
    said(line, "meridian", "alfa", "for alfa only")
    line.settle()
    said(line, "alfa", "meridian", "counts what bravo has never seen")
    line.connect("alfa", "bravo")
    while not (sent := every(_one_way(line, "alfa", "bravo"), Entries)):
        pass
    items = [item for frame in sent for item in frame.items if isinstance(item, EntryItem)]
    assert [item.view is None for item in items] == [True, *[False] * (len(items) - 1)]  # the opening counts nothing


def test_entries_prove_themselves_or_nothing_of_them_is_kept() -> None:
    """FRAME-4: one wrong octet in a body, and the whole frame goes; it is asked for whole once, then refused."""
    line = pair()
    said(line, "alfa", "bravo", "one", "two")
    before = size(line, "bravo", "alfa")
    entries = only(off_the_wire(line, "alfa", "bravo"), Entries)
    (*rest, last) = entries.items
    assert isinstance(last, EntryItem)
    wrong = replace(entries, items=(*rest, last._replace(body=bytes([last.body[0] ^ 1]) + last.body[1:])))

    assert not deliver(line, "alfa", "bravo", wrong).refused
    (want,) = wants(off_the_wire(line, "bravo", "alfa"), whole=True)  # FRAME-5
    assert want.start == before
    assert refusal(deliver(line, "alfa", "bravo", wrong)).rule == "FRAME-4"
    assert size(line, "bravo", "alfa") == before
    assert accuses_nobody(line)

    deliver(line, "alfa", "bravo", entries)
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")


def test_entries_that_do_not_join_are_asked_for_from_where_they_would() -> None:
    """FRAME-4: a start above the durable size is not judged; WANT names the durable size."""
    line = pair()
    said(line, "alfa", "bravo", "lost")
    off_the_wire(line, "alfa", "bravo")  # the wire swallows it
    held = size(line, "bravo", "alfa")
    said(line, "alfa", "bravo", "comes")
    deliver(line, "alfa", "bravo", only(off_the_wire(line, "alfa", "bravo"), Entries))
    assert [want.start for want in wants(off_the_wire(line, "bravo", "alfa"), whole=False)] == [held]

    deliver(line, "bravo", "alfa", Want(_handle(line, "bravo"), _code(line, "alfa"), held, whole=False))
    line.settle()
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")


def test_a_missing_view_is_asked_for_once_and_answered_with_views() -> None:
    """FRAME-5: a null view that cannot be computed is no fault; the answer has all views, from the head that was verified."""
    line = Line(THREE)
    line.connect("alfa", "meridian")
    line.settle()
    said(line, "alfa", "meridian", "counts meridian's book, of which bravo has nothing")
    line.connect("alfa", "bravo")
    deliver(line, "bravo", "alfa", *off_the_wire(line, "bravo", "alfa"))
    sent = off_the_wire(line, "alfa", "bravo")
    without = [
        replace(
            frame,
            items=tuple(i._replace(view=None) if isinstance(i, EntryItem) else i for i in frame.items),
        )
        if isinstance(frame, Entries)
        else frame
        for frame in sent
    ]
    assert not deliver(line, "alfa", "bravo", *without).refused
    (want,) = wants(off_the_wire(line, "bravo", "alfa"), whole=True)
    assert want.start == 0
    deliver(line, "bravo", "alfa", want)
    answer = only(off_the_wire(line, "alfa", "bravo"), Entries)
    assert answer.start == 0
    assert all(item.view is not None for item in answer.items if isinstance(item, EntryItem))
    assert not deliver(line, "alfa", "bravo", answer).refused
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")


def test_a_frame_without_items_is_a_head_alone() -> None:
    """FRAME-6: start = N; its signature is checked all the same."""
    line = pair()
    ours = channel(line, "alfa").ledger.books[book(line, "alfa")]
    assert ours.head is not None
    head = Entries(_handle(line, "alfa"), _code(line, "alfa"), ours.size, ours.head.signature, ())
    assert not deliver(line, "alfa", "bravo", head).refused
    forged = replace(head, signature=bytes(64))
    deliver(line, "alfa", "bravo", forged)  # asked whole first (FRAME-5)
    assert refusal(deliver(line, "alfa", "bravo", forged)).rule == "FRAME-4"


def test_a_flash_jumps_the_queue_and_counts_for_no_receipt_until_the_gap_is_filled() -> None:
    """FRAME-7, FRAME-11, STATUS-2: it is held and said to be, above a gap; the receipt comes with the rest."""
    line = pair()
    said(line, "alfa", "bravo", *(f"routine {number}" for number in range(60)))
    ref = line.say("alfa", "check your fire", ["bravo"], Precedence.FLASH)
    first, *_ = every(off_the_wire(line, "alfa", "bravo"), Entries)
    kinds = [item.kind for item in first.items if isinstance(item, EntryItem)]
    assert kinds == [Kind.KEYS, Kind.SEALED]  # FRAME-12: the keys to read it, and nothing else of what waits

    before = size(line, "bravo", "alfa")
    deliver(line, "alfa", "bravo", first)
    theirs = channel(line, "bravo").ledger.books[book(line, "alfa")]
    assert ref.index in theirs.far_entries
    assert theirs.size == before + 1
    answers = off_the_wire(line, "bravo", "alfa")
    assert not every(answers, ReceiptFrame)
    outcome = deliver(line, "bravo", "alfa", *answers)
    (status,) = [entry for _, origin, entry in outcome.arrived if origin == book(line, "bravo")]
    assert b"held" in status.body

    line.cut("alfa", "bravo")
    line.connect("alfa", "bravo")
    line.settle()
    assert size(line, "bravo", "alfa") == size(line, "alfa", "alfa")
    assert not channel(line, "bravo").ledger.books[book(line, "alfa")].far_entries
    assert accuses_nobody(line)


def test_entries_held_already_change_nothing_and_heal_a_lost_receipt() -> None:
    """FRAME-8, RECEIPT-5: a receipt that the wire swallowed comes again, the very same, when the entries come again."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    entries = only(off_the_wire(line, "alfa", "bravo"), Entries)
    deliver(line, "alfa", "bravo", entries)
    (lost,) = every(off_the_wire(line, "bravo", "alfa"), ReceiptFrame)
    later(line, 5_000)
    deliver(line, "alfa", "bravo", entries)
    (again,) = every(off_the_wire(line, "bravo", "alfa"), ReceiptFrame)
    assert again == lost
    deliver(line, "bravo", "alfa", again)
    receipts = channel(line, "alfa").ledger.books[book(line, "alfa")].receipts
    assert [row.size for row in receipts.values()] == [size(line, "alfa", "alfa")]


def test_receipts_that_say_nothing_new_are_dropped_and_forged_ones_refused() -> None:
    """FRAME-9: too small, of a key that the charter does not name, over what is not held: dropped. Forged: a bad frame."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    deliver(line, "alfa", "bravo", *off_the_wire(line, "alfa", "bravo"))
    receipt = only(off_the_wire(line, "bravo", "alfa"), ReceiptFrame)
    for dropped in (
        replace(receipt, size=receipt.size - 1),
        replace(receipt, size=receipt.size + 1),
        replace(receipt, cosigner=16),
        replace(receipt, cosigner=15),
        replace(receipt, cosigner=0),  # alfa's own
        replace(receipt, book=5),
        replace(receipt, signature=bytes(2_420)),  # type 0x06 is not given by stations yet
    ):
        assert not deliver(line, "bravo", "alfa", dropped).refused
        assert not any(
            row.size == receipt.size for row in channel(line, "alfa").ledger.books[book(line, "alfa")].receipts.values()
        )
    forged = replace(receipt, signature=bytes(64))
    assert refusal(deliver(line, "bravo", "alfa", forged)).rule == "FRAME-9"
    assert not deliver(line, "bravo", "alfa", receipt, receipt).refused
    assert accuses_nobody(line)


def test_a_third_station_serves_what_the_direct_line_cannot() -> None:
    """FRAME-10: entries, notes and receipts prove themselves, whoever carries them."""
    line = Line(THREE)
    line.connect("alfa", "meridian")
    line.connect("bravo", "meridian")
    line.settle()
    ref = line.say("alfa", "by way of meridian", ["bravo"], Precedence.IMMEDIATE)
    line.settle()
    assert size(line, "bravo", "alfa") == ref.index + 1
    receipts = channel(line, "alfa").ledger.books[book(line, "alfa")].receipts
    assert {name.split(".")[0] for name in receipts} == {"bravo", "meridian"}
    assert {row.size for row in receipts.values()} == {ref.index + 1}


def test_small_frames_go_before_entries() -> None:
    """FRAME-11: HELLO, NOTE, RECEIPT, WANT and FORK are not held up by a long queue."""
    line = pair()
    said(line, "bravo", "alfa", "one")
    said(line, "alfa", "bravo", *(f"{number}" * 200 for number in range(40)))
    deliver(line, "bravo", "alfa", *off_the_wire(line, "bravo", "alfa"))
    frames = off_the_wire(line, "alfa", "bravo")
    assert isinstance(frames[0], ReceiptFrame)
    assert isinstance(frames[-1], Entries)


def test_entries_of_a_book_whose_note_is_not_held_are_refused() -> None:
    """OPEN-3, FORK-1: no note, no book."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    entries = only(off_the_wire(line, "alfa", "bravo"), Entries)
    assert refusal(deliver(line, "alfa", "bravo", replace(entries, book=entries.book + 16))).rule == "OPEN-3"


def test_notes_come_before_entries_after_a_hello() -> None:
    """OPEN-3: a note precedes the first entries of its book; who has greeted gets what it lacks."""
    line = Line(THREE[:2])
    line.connect("alfa", "bravo")
    hello = only(off_the_wire(line, "bravo", "alfa"), Hello)
    assert [type(frame) for frame in off_the_wire(line, "alfa", "bravo")] == [Hello]  # nothing else before the other's
    deliver(line, "bravo", "alfa", hello)
    kinds = [type(frame) for frame in off_the_wire(line, "alfa", "bravo")]
    assert kinds.index(NoteFrame) < kinds.index(Entries)


def test_what_a_link_brought_after_its_end_is_ignored() -> None:
    """FRAME-1: frames of a link that is gone belong to nothing; no fault, nothing kept."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    entries = only(off_the_wire(line, "alfa", "bravo"), Entries)
    before = size(line, "bravo", "alfa")
    line.cut("alfa", "bravo")
    assert not deliver(line, "alfa", "bravo", entries).refused
    assert size(line, "bravo", "alfa") == before


def test_two_lines_do_not_know_each_other() -> None:
    """FRAME-1: a HELLO for a channel that is not shared is ignored, and its handle means nothing."""
    line = connected(Line(THREE[:2]))
    stranger = replace(_hello(line, "bravo"), channel="other.example/abcdefghijklmnop", handle=9)
    outcome = deliver(line, "bravo", "alfa", stranger)
    assert not outcome.refused
    outcome = deliver(line, "bravo", "alfa", Want(9, 0, 0, whole=False))
    assert isinstance(refusal(outcome), Malformed)


def _hello(line: Line, party: str) -> Hello:
    """The greeting that a party would say now."""
    return channel(line, party).outgoing.hello()


def _handle(line: Line, party: str) -> int:
    return channel(line, party).us.handle


def _code(line: Line, party: str) -> int:
    return channel(line, party).ledger.code(book(line, party))


def _one_way(line: Line, sender: str, receiver: str) -> list[Hello | Entries | NoteFrame | ReceiptFrame | Want]:
    """Carry what both have to say once; what the sender said."""
    there = off_the_wire(line, sender, receiver)
    deliver(line, sender, receiver, *there)
    deliver(line, receiver, sender, *off_the_wire(line, receiver, sender))
    return [frame for frame in there if isinstance(frame, Hello | Entries | NoteFrame | ReceiptFrame | Want)]
