"""Book notes: which key writes a book, and at which station (spec/3, OPEN-1).

It keeps: the key is named by the book's origin. The root's signature, and whether the key is known from elsewhere
(OPEN-2), are the roster's business.
"""

from dataclasses import dataclass
from typing import Final

from detente.errors import Malformed
from detente.formats.charter import PROTOCOL, read_channel
from detente.formats.toml_note import Writer, read_document
from detente.ids import PartyId, origin_of
from detente.limits import BOOKS_PER_PARTY_MAX
from detente.tlog.note import VerifierKey
from detente.tlog.vkeys import ED25519

BOOK_NOTE_FIRST_LINE: Final = "# Detente book, format 1"


@dataclass(frozen=True, slots=True)
class BookNote:
    """Book number `book` of a party, written by one of its stations with `key` (type 0x01)."""

    channel: str
    party: PartyId
    book: int
    station: str
    key: VerifierKey


def parse_book_note(text: str) -> BookNote:
    """The book note in the text of a note. Raises Malformed (spec/3, OPEN-1)."""
    table = read_document(text, BOOK_NOTE_FIRST_LINE)
    table.number("protocol", PROTOCOL, PROTOCOL)
    note = BookNote(
        channel=read_channel(table),
        party=table.party_id("party"),
        book=table.number("book", 1, BOOKS_PER_PARTY_MAX),
        station=table.party_id("station"),
        key=table.vkey("key", ED25519),
    )
    table.done()
    origin = origin_of(note.channel, note.party, note.book)
    if note.key.name != origin:
        raise Malformed(f"the key of this book must have the name {origin!r}, not {note.key.name!r}", rule="OPEN-1")
    return note


def write_book_note(note: BookNote) -> str:
    """The text of a book note. Raises LocalMisuse for what none can hold."""
    writer = Writer(BOOK_NOTE_FIRST_LINE)
    writer.comment("The key below writes this book, at that station. Signed by the root of the party.")
    writer.put("protocol", PROTOCOL)
    writer.put("channel", note.channel)
    writer.put("party", note.party)
    writer.put("book", note.book)
    writer.put("station", note.station)
    writer.put("key", str(note.key))
    return writer.document(parse_book_note, note)
