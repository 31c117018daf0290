"""CHARTER-2 to CHARTER-7, OPEN-1 to OPEN-3, BOOK-16: notes on a live line: who signs, what is taken, what is equivocation."""

from dataclasses import replace

import pytest

from detente.errors import BrokenRule, Equivocation, Malformed
from detente.formats.book_note import BookNote, write_book_note
from detente.formats.charter import Charter, write_charter
from detente.formats.entry import Adopt, Kind, decode_body
from detente.formats.frame import NoteFrame
from detente.ids import PartyId, origin_of
from detente.protocol.events import TakeNote
from detente.protocol.roster import Roster
from detente.station.driver import FromOffice
from detente.testing.line import Line, MemoryStation
from detente.tlog.note import Note, format_note, parse_note, sign_note
from detente.tlog.vkeys import ED25519, verifier_key
from tests.rules.lines import (
    PAIR,
    book,
    channel,
    deliver,
    every,
    off_the_wire,
    pair,
    refusal,
    said,
    size,
)


def amendment(line: Line, title: str, signers: tuple[str, ...] = ("alfa", "bravo"), number: int = 2) -> bytes:
    """A charter that amends the line's first one, signed by these."""
    newest = channel(line, "alfa").roster.charters[number - 2]
    return signed(line, replace(newest.charter, number=number, amends=newest.digest, title=title), signers)


def signed(line: Line, charter: Charter, signers: tuple[str, ...]) -> bytes:
    """The note of a charter with these parties' signatures."""
    text = write_charter(charter)
    stations = [line.stations[party] for party in signers]
    return format_note(Note(text, tuple(sign_note(text, one.root, one.card.root.name) for one in stations)))


def book_note(
    line: Line, station: MemoryStation, key: bytes, number: int = 3, by: MemoryStation | None = None
) -> bytes:
    """A book note for a station with a stated key, signed by its root or by another's."""
    origin = origin_of(line.channel, station.party, number)
    note = BookNote(line.channel, station.party, number, "hq", verifier_key(origin, ED25519, key))
    text = write_book_note(note)
    signer = by or station
    return format_note(Note(text, (sign_note(text, signer.root, signer.card.root.name),)))


def adoptions(line: Line, party: str) -> list[Adopt]:
    """What a party's book has adopted."""
    rows = line.stations[party].running.store.special_entries(book(line, party))
    said_ = [decode_body(Kind.ADOPT, row.body) for row in rows if row.leaf[1] == Kind.ADOPT]
    return [body for body in said_ if isinstance(body, Adopt)]


def test_an_amendment_spreads_and_every_book_adopts_it() -> None:
    """CHARTER-6, CHARTER-7, BOOK-16: brought to one station, handed on to all, adopted once in each book."""
    line = pair()
    line.act_quietly("alfa", TakeNote(amendment(line, "Amended")))
    line.settle()
    for party in ("alfa", "bravo"):
        assert channel(line, party).roster.newest.charter.title == "Amended"
        assert [(one.what, one.number) for one in adoptions(line, party)] == [("charter", 2)]
        own = channel(line, party).ledger.books[book(line, party)]
        assert own.charter.number == 2


def test_an_amendment_without_every_principal_is_not_taken() -> None:
    """CHARTER-5, CHARTER-6: the refusal names whose signature is missing."""
    line = pair()
    with pytest.raises(Malformed, match="signature of bravo is missing"):
        line.act_quietly("alfa", TakeNote(amendment(line, "Half", ("alfa",))))
    assert channel(line, "alfa").roster.newest.charter.number == 1


def test_two_charters_with_one_number_are_equivocation_and_kept() -> None:
    """CHARTER-6: everyone who signed both did; the second is kept as evidence and governs nothing."""
    line = pair()
    line.act_quietly("alfa", TakeNote(amendment(line, "One")))
    with pytest.raises(Equivocation):
        line.act_quietly("alfa", TakeNote(amendment(line, "Another")))
    assert channel(line, "alfa").roster.newest.charter.title == "One"


def test_a_second_charter_from_a_link_is_evidence_too() -> None:
    """CHARTER-6: it ends the link, and what was signed stays as a finding with its octets."""
    line = pair()
    line.act_quietly("alfa", TakeNote(amendment(line, "One")))
    line.settle()
    other = amendment(line, "Another")
    note = NoteFrame(channel(line, "bravo").us.handle, other)
    assert refusal(deliver(line, "bravo", "alfa", note)).rule == "CHARTER-6"
    assert [row.proof for row in line.stations["alfa"].running.store.findings()] == [other]


def test_numbers_come_without_gaps() -> None:
    """CHARTER-6: number 3 says nothing before number 2 is here."""
    line = pair()
    line.act_quietly("alfa", TakeNote(amendment(line, "Two")))
    third = amendment(line, "Three", number=3)
    with pytest.raises(Malformed):
        line.act_quietly("bravo", TakeNote(third))
    line.settle()
    line.act_quietly("bravo", TakeNote(third))
    line.settle()
    assert channel(line, "alfa").roster.newest.charter.title == "Three"


def test_the_first_charter_is_number_one() -> None:
    """CHARTER-6: a channel is joined from its beginning."""
    line = pair()
    with pytest.raises(Malformed, match="bring charter number 1 first"):
        Roster().take(amendment(line, "Two"))


def test_what_is_neither_charter_nor_book_note_is_refused() -> None:
    """OPEN-1: a note of another kind, or before any charter, or of another channel."""
    line = pair()
    alfa = line.stations["alfa"]
    text = "hello\n"
    stranger = format_note(Note(text, (sign_note(text, alfa.root, alfa.card.root.name),)))
    other = Line((("kilo", "principal", "holds"), ("lima", "principal", "holds")), seed="elsewhere")
    foreign = other.book_note(other.stations["kilo"], 3)
    for octets in (stranger, foreign):
        with pytest.raises(Malformed) as caught:
            line.act_quietly("alfa", TakeNote(octets))
        assert caught.value.rule == "OPEN-1"
    with pytest.raises(Malformed):
        Roster().take(foreign)


def test_a_book_note_needs_its_partys_root() -> None:
    """OPEN-1: bravo's root opens no book of alfa's."""
    line = pair()
    alfa, bravo = line.stations["alfa"], line.stations["bravo"]
    key = alfa.keyring.new_signing_key("book").public
    with pytest.raises(Malformed) as caught:
        line.act_quietly("bravo", TakeNote(book_note(line, alfa, key, by=bravo)))
    assert caught.value.rule == "OPEN-1"


def test_two_notes_for_one_book_are_equivocation() -> None:
    """OPEN-2: the first one held governs; the second is kept."""
    line = pair()
    alfa = line.stations["alfa"]
    notes = [book_note(line, alfa, alfa.keyring.new_signing_key("book").public) for _ in range(2)]
    line.act_quietly("bravo", TakeNote(notes[0]))
    line.act_quietly("bravo", TakeNote(notes[0]))
    with pytest.raises(Equivocation) as caught:
        line.act_quietly("bravo", TakeNote(notes[1]))
    assert caught.value.rule == "OPEN-2"
    held = channel(line, "bravo").roster.book_notes[book(line, "alfa", 3)]
    assert held.octets == notes[0]


def test_a_book_key_serves_one_book() -> None:
    """OPEN-2, KEY-3: a key that stands anywhere else opens nothing."""
    line = pair()
    alfa = line.stations["alfa"]
    used = channel(line, "alfa").roster.book_notes[book(line, "alfa")].key
    for key in (used, alfa.root.public):
        with pytest.raises(BrokenRule) as caught:
            line.act_quietly("bravo", TakeNote(book_note(line, alfa, key)))
        assert caught.value.rule == "OPEN-2"


def test_a_later_book_is_adopted_by_the_others() -> None:
    """OPEN-3, BOOK-16: its note precedes its entries, and every other book says that it knows it."""
    line = pair()
    station = line.stations["alfa"]
    station.journal.records = None
    line.links.clear()
    station.start()
    line.connect("alfa", "bravo")
    said(line, "alfa", "bravo", "from book 2")
    line.settle()
    assert [(one.what, one.number) for one in adoptions(line, "bravo")] == [("book", 2)]
    assert size(line, "bravo", "alfa", 2) == size(line, "alfa", "alfa", 2)


def test_whoever_greets_with_an_older_charter_gets_the_newer_ones() -> None:
    """CHARTER-6, FRAME-2: HELLO states the adopted number, and the answer holds what is missing."""
    line = Line(PAIR)
    line.act_quietly("alfa", TakeNote(amendment(line, "Amended")))
    line.connect("alfa", "bravo")
    deliver(line, "bravo", "alfa", *off_the_wire(line, "bravo", "alfa"))
    notes = every(off_the_wire(line, "alfa", "bravo"), NoteFrame)
    assert "Amended" in parse_note(notes[0].note).text


def test_a_station_that_no_charter_names_has_no_place() -> None:
    """CHARTER-4: asked for by a name that is not there."""
    line = pair()
    with pytest.raises(Malformed):
        channel(line, "alfa").roster.station(PartyId("alfa"), "elsewhere")
    with pytest.raises(Malformed):
        channel(line, "alfa").roster.station(PartyId("nobody"), "hq")


def test_an_act_that_writes_nothing_is_done() -> None:
    """TakeNote gives no entry of its own; the act is answered all the same."""
    line = pair()
    act = FromOffice(line.channel, TakeNote(amendment(line, "Amended")))
    outcome = line.stations["alfa"].running.take_turn([act], line.now)
    assert outcome.done == [(act, [])]
    assert outcome.new_notes
