"""BOOK-3 to BOOK-12 on a live line: what breaks a rule is held, receipted and marked as its author's; nothing else follows."""

from collections.abc import Callable

import pytest

from detente.crypto.hashing import sha256
from detente.formats.canonical import encode
from detente.formats.entry import Closing, Kind, Leaf, Seen, encode_body
from detente.protocol.events import Tick
from detente.station.driver import FromOffice
from detente.testing.line import Line
from tests.rules.lines import accuses_nobody, book, channel, pair, said, size

CLOSING = encode_body(Closing("done"))
NONSENSE = encode(["open", 7])


def sign(
    line: Line, kind: int, body: bytes, *, epoch: int = 0, seen: Seen | None = None, view: bytes | None = None
) -> int:
    """Let alfa's own software sign an entry as it never would; its index."""
    writer = channel(line, "alfa").writer
    assert writer.book is not None
    honest = channel(line, "alfa").ledger.seen_now(writer.book)
    counted = honest if seen is None else seen
    true_view = channel(line, "alfa").ledger.view_of(honest)
    assert true_view is not None
    index = writer._place(
        Leaf(kind, line.now, 0, epoch, counted, true_view if view is None else view, len(body), sha256(body)), body
    )
    line.stations["alfa"].running.take_turn([FromOffice(line.channel, Tick())], line.now)
    return index


def after_the_closing(line: Line) -> int:
    """A closing, forgotten by alfa's software, and one more entry."""
    sign(line, Kind.CLOSING, CLOSING)
    channel(line, "alfa").ledger.books[book(line, "alfa")].closed = False
    return sign(line, Kind.CLOSING, CLOSING)


BREACHES: dict[str, tuple[str, Callable[[Line], int]]] = {
    "an unknown kind": ("BOOK-3", lambda line: sign(line, 7, b"x")),
    "a second opening": ("BOOK-4", lambda line: sign(line, Kind.OPENING, b"x")),
    "an entry after the closing": ("BOOK-4", after_the_closing),
    "an open entry with an epoch": ("BOOK-7", lambda line: sign(line, Kind.CLOSING, CLOSING, epoch=1)),
    "a sealed entry without an epoch": ("BOOK-7", lambda line: sign(line, Kind.SEALED, b"x")),
    "a sealed entry of a later epoch": ("BOOK-7", lambda line: sign(line, Kind.SEALED, b"x", epoch=900)),
    "too few slots": ("BOOK-8", lambda line: sign(line, Kind.CLOSING, CLOSING, seen=(0, 1, 1))),
    "its own book counted": ("BOOK-8", lambda line: sign(line, Kind.CLOSING, CLOSING, seen=(1, 1))),
    "a count that went down": ("BOOK-9", lambda line: sign(line, Kind.CLOSING, CLOSING, seen=(0, 0))),
    "a view of something else": ("BOOK-10", lambda line: sign(line, Kind.CLOSING, CLOSING, view=bytes(32))),
    "a body that does not fit": ("READ-1", lambda line: sign(line, Kind.OPEN, NONSENSE)),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_held_receipted_and_marked(name: str) -> None:
    """BOOK-12: by whom, at which entry, with the octets that prove it; the line goes on."""
    rule, breach = BREACHES[name]
    line = pair()
    said(line, "bravo", "alfa", "something to count")
    line.settle()
    said(line, "alfa", "bravo", "counted")
    index = breach(line)
    line.settle()
    (finding, *_) = [row for row in line.stations["bravo"].running.store.findings() if row.rule == rule]
    assert finding.index == index
    assert finding.proof
    assert {row.origin for row in line.stations["bravo"].running.store.findings()} == {book(line, "alfa")}
    receipts = channel(line, "alfa").ledger.books[book(line, "alfa")].receipts
    assert [row.size for row in receipts.values()] == [size(line, "alfa", "alfa")]
    said(line, "bravo", "alfa", "still here")
    line.settle()
    assert size(line, "alfa", "bravo") == size(line, "bravo", "bravo")


def test_marks_are_written_once_and_survive_a_restart() -> None:
    """BOOK-12: a finding is kept for ever, and a restart does not find it again."""
    line = pair()
    sign(line, 7, b"x")
    line.settle()
    before = line.stations["bravo"].running.store.findings()
    line.stations["bravo"].start()
    line.links.clear()
    line.connect("alfa", "bravo")
    line.settle()
    assert line.stations["bravo"].running.store.findings() == before


def test_a_view_that_cannot_be_checked_yet_is_checked_when_it_can() -> None:
    """BOOK-10: counting what we do not hold yet is no breach; a wrong view is found when it is held."""
    line = pair()
    line.cut("alfa", "bravo")
    sign(line, Kind.CLOSING, CLOSING, seen=(0, 2), view=bytes(32))
    line.connect("alfa", "bravo")
    line.settle()
    held = channel(line, "bravo").ledger.books[book(line, "alfa")]
    assert held.size == size(line, "alfa", "alfa")
    assert held.viewed < held.size
    assert accuses_nobody(line, "bravo")
    said(line, "bravo", "alfa", "the entry that was counted before it was written")
    line.settle()
    assert [row.rule for row in line.stations["bravo"].running.store.findings()] == ["BOOK-10"]


def test_what_we_write_ourselves_breaks_no_rule() -> None:
    """BOOK-8 to BOOK-10: two stations that talk for a while find nothing against each other."""
    line = pair()
    for number in range(12):
        said(line, "alfa", "bravo", f"a {number}")
        if number % 3 == 0:
            line.settle()
        said(line, "bravo", "alfa", f"b {number}")
    line.settle()
    assert accuses_nobody(line)
    for party in ("alfa", "bravo"):
        for held in channel(line, party).ledger.books.values():
            assert held.viewed == held.size
