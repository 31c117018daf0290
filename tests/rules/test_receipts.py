"""RECEIPT-3 to RECEIPT-6, STORE-4: when a station countersigns, and when it does not."""

from dataclasses import replace

import pytest

from detente.formats.entry import Precedence
from detente.formats.frame import Entries, EntryItem, ReceiptFrame
from detente.ids import Origin, PartyId
from detente.protocol.effects import CosignatureRow
from detente.testing.fakes import MemoryJournal
from detente.testing.line import Line
from tests.rules.lines import (
    PAIR,
    WITH_WITNESS,
    accuses_nobody,
    book,
    channel,
    connected,
    deliver,
    every,
    later,
    off_the_wire,
    pair,
    said,
    size,
    twin_of,
)


def given(line: Line, party: str, author: str) -> list[CosignatureRow]:
    """The receipts that a station has given for an author's book, by size."""
    cosigner = line.stations[party].card.stations[0].cosigner
    assert cosigner is not None
    rows = line.stations[party].running.store.cosignatures(book(line, author))
    return [row for row in rows if row.cosigner == cosigner.name]


def test_holds_is_said_only_when_every_body_below_is_durable() -> None:
    """RECEIPT-3: a FLASH above a gap gets no receipt of a station that `holds`."""
    line = pair()
    said(line, "alfa", "bravo", *(f"routine {number}" for number in range(40)))
    line.say("alfa", "check your fire", ["bravo"], Precedence.FLASH)
    before = given(line, "bravo", "alfa")
    flash, *rest = every(off_the_wire(line, "alfa", "bravo"), Entries)
    deliver(line, "alfa", "bravo", flash)
    assert given(line, "bravo", "alfa") == before
    deliver(line, "alfa", "bravo", *rest)
    assert given(line, "bravo", "alfa")[-1].size == size(line, "alfa", "alfa")


def test_saw_is_said_when_the_head_is_verified() -> None:
    """RECEIPT-3: a witness that has verified consistency says `saw` at the new head, though it lacks entries below."""
    line = connected(Line(WITH_WITNESS))
    said(line, "alfa", "bravo", *(f"routine {number}" for number in range(40)))
    line.say("alfa", "check your fire", ["bravo"], Precedence.FLASH)
    flash, *_ = every(off_the_wire(line, "alfa", "harbour"), Entries)
    deliver(line, "alfa", "harbour", flash)
    assert size(line, "harbour", "alfa") < size(line, "alfa", "alfa")
    assert given(line, "harbour", "alfa")[-1].size == size(line, "alfa", "alfa")


def test_sizes_and_times_never_go_down() -> None:
    """RECEIPT-4: one receipt a size, growing, and a clock set back makes no older timestamp."""
    line = pair()
    for number in range(3):
        said(line, "alfa", "bravo", f"message {number}")
        line.settle()
        later(line, -86_400_000)
    rows = given(line, "bravo", "alfa")
    assert [row.size for row in rows] == sorted({row.size for row in rows})
    assert [row.timestamp for row in rows] == sorted(row.timestamp for row in rows)


def test_the_first_receipt_that_covers_an_entry_is_repeated() -> None:
    """RECEIPT-5: asked again, a station answers with the receipt of the smallest size that covers it."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    (first,) = every(off_the_wire(line, "alfa", "bravo"), Entries)
    deliver(line, "alfa", "bravo", first)
    (told,) = every(off_the_wire(line, "bravo", "alfa"), ReceiptFrame)
    said(line, "alfa", "bravo", "two")
    line.settle()
    deliver(line, "alfa", "bravo", first)
    assert every(off_the_wire(line, "bravo", "alfa"), ReceiptFrame) == [told]


def test_stations_of_one_party_do_not_countersign_each_other() -> None:
    """RECEIPT-6: nobody finds a receipt of a party over a book of its own."""
    line = pair()
    said(line, "alfa", "bravo", "one")
    line.settle()
    assert not given(line, "alfa", "alfa")
    assert given(line, "alfa", "bravo")


@pytest.mark.parametrize("entries", [1, 3])
def test_a_store_older_than_its_anchor_countersigns_nothing_below_it(entries: int) -> None:
    """STORE-4, RECEIPT-4: after a restore no second receipt at a size told before, until the book is held as far again."""
    line = pair()
    disk = line.stations["bravo"].disk.copy()
    said(line, "alfa", "bravo", *(f"told {number}" for number in range(entries)))
    line.settle()
    (*_, told) = given(line, "bravo", "alfa")

    line.stations["bravo"].disk = disk  # the old copy comes back; the anchor does not forget
    line.stations["bravo"].start()
    line.links.clear()
    line.connect("alfa", "bravo")
    (frame,) = _fresh_entries(line)
    assert [type(item) for item in frame.items] == [EntryItem] * (entries + 1)  # the keys come first
    before = given(line, "bravo", "alfa")
    assert all(row.size < told.size for row in before)
    deliver(line, "alfa", "bravo", frame)
    rows = given(line, "bravo", "alfa")
    assert {row.size for row in rows} - {row.size for row in before} <= {told.size}
    assert accuses_nobody(line, "alfa")


def test_a_store_and_anchor_against_a_twin_of_the_author() -> None:
    """STORE-4: where the restored store was led into another history than the anchor names, nothing is countersigned."""
    line = pair()
    disk = line.stations["bravo"].disk.copy()
    twin = twin_of(line, "alfa")
    said(line, "alfa", "bravo", "told and countersigned")
    line.settle()
    told = given(line, "bravo", "alfa")[-1]
    line.stations["bravo"].disk = disk
    line.stations["bravo"].start()
    line.links.clear()
    line.stations["alfa"] = twin
    said(line, "alfa", "bravo", "another history")
    line.connect("alfa", "bravo")
    line.settle()
    assert size(line, "bravo", "alfa") == told.size
    assert all(row.size < told.size for row in given(line, "bravo", "alfa"))


def test_without_an_anchor_everything_is_countersigned_anew() -> None:
    """STORE-4 has nothing to go by where no anchor was kept; a fresh station gives receipts as usual."""
    line = Line(PAIR)
    line.stations["bravo"].journal = MemoryJournal()
    connected(line)
    assert given(line, "bravo", "alfa")


def test_a_party_without_a_cosigner_key_gives_none() -> None:
    """RECEIPT-1: the charter names who countersigns; a mediator that it gives no key is no compelled witness."""
    line = connected(Line((*PAIR, ("meridian", "mediator", "none"))))
    said(line, "alfa", "bravo", "one")
    line.settle()
    receipts = channel(line, "alfa").ledger.books[book(line, "alfa")].receipts
    assert [row.cosigner for row in receipts.values()] == ["bravo.invalid/holds"]
    assert size(line, "meridian", "alfa") == size(line, "alfa", "alfa")


def test_a_receipt_of_a_station_that_saw_is_no_rung() -> None:
    """LADDER-2, RECEIPT-3: `saw` is kept as a receipt, and proves no holding."""
    line = connected(Line(WITH_WITNESS))
    said(line, "alfa", "bravo", "one")
    line.settle()
    cosigners = channel(line, "alfa").roster.cosigners(book_party(line))
    statements = {party: statement for party, statement, _ in cosigners.values()}
    assert statements == {"bravo": "holds", "harbour": "saw"}
    receipts = channel(line, "alfa").ledger.books[book(line, "alfa")].receipts
    assert len(receipts) == 2


def book_party(line: Line) -> PartyId:
    """Alfa, as the author of its book."""
    return channel(line, "alfa").us.party


def _fresh_entries(line: Line) -> list[Entries]:
    """Greet on a fresh link and catch the entries on the wire."""
    deliver(line, "bravo", "alfa", *off_the_wire(line, "bravo", "alfa"))
    frames = off_the_wire(line, "alfa", "bravo")
    entries = [frame for frame in every(frames, Entries) if _origin(line, frame) == book(line, "alfa")]
    deliver(line, "alfa", "bravo", *(frame for frame in frames if frame not in entries))
    return [replace(frame) for frame in entries]


def _origin(line: Line, frame: Entries) -> Origin | None:
    return channel(line, "alfa").ledger.by_code(frame.book)
