"""Amendments, what a holder of charters knows, and book notes (CHARTER-2 and 6, OPEN-1 and 2, spec/3-charter.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference import toml_text as toml
from tests.reference.charter import Charter, check_channel
from tests.reference.encoding import sha256
from tests.reference.keys import ED25519, VerifierKey
from tests.reference.notes import Note, parse_note, signers
from tests.reference.refusal import Refusal, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BOOK_LINE = "# Detente book, format 1"
HIGHEST_BOOK = 64  # BOOK-1


def check_amendment(before: Charter, after: Charter) -> None:
    """Refuse a text that does not amend the charter before it (CHARTER-6)."""
    require(after.number == before.number + 1, "CHARTER-6", "the number is not the next one")
    require(after.amends == before.digest, "CHARTER-6", "amends is not the digest of the charter before")
    require(after.channel == before.channel, "CHARTER-6", "another channel")
    require(after.mode == before.mode, "CHARTER-6", "another mode")
    require(after.dictionary == before.dictionary, "CHARTER-6", "another dictionary")
    require(len(after.parties) >= len(before.parties), "CHARTER-6", "a party is gone")
    for old, new in zip(before.parties, after.parties, strict=False):
        require(old.id == new.id, "CHARTER-6", f"{old.id} has not kept its place")
        require(old.root == new.root, "CHARTER-6", f"{old.id} has not kept its root")


def check_amendment_in_force(before: Charter, after: Charter, note: Note) -> None:
    """Refuse an amendment that a principal of either charter has not signed (CHARTER-6)."""
    roots = {party.id: party.root for party in [*before.principals, *after.principals]}
    signed = signers(note, [*(party.root for party in after.parties), *roots.values()])
    missing = [name for name, root in roots.items() if root not in signed]
    # The principals of both are asked for by CHARTER-6; what is missing then is what puts it in force (CHARTER-5).
    require(not missing, "CHARTER-5", f"not signed by the root of {', '.join(missing)}")


def are_equivocal(one: Charter, other: Charter) -> bool:
    """Whether two charters are two different successors with one number (CHARTER-6)."""
    return one.channel == other.channel and one.number == other.number and one.digest != other.digest


def check_against_known(charter: Charter, known: Iterable[Charter]) -> None:
    """Refuse a charter that does not go with those a station knows (CHARTER-2)."""
    for other in known:
        if other.channel == charter.channel:
            shared = zip(charter.parties, other.parties, strict=False)
            same = all(one.root == two.root for one, two in shared)
            require(same, "CHARTER-2", "a channel that is known with other roots")
        else:
            publics = {key.public for key in other.keys}
            known_elsewhere = any(key.public in publics for key in charter.keys)
            require(not known_elsewhere, "CHARTER-2", "a key that is known from another channel")


@dataclass(frozen=True)
class BookNote:
    """A book note."""

    digest: bytes
    channel: str
    party: str
    book: int
    station: str
    key: VerifierKey

    @property
    def origin(self) -> str:
        """The book's origin (BOOK-1)."""
        return f"{self.channel}/{self.party}/{self.book}"


def parse_book_note(text: bytes) -> BookNote:
    """Read the text of a book note."""
    table = toml.parse_text(text, BOOK_LINE)
    toml.integer(table.take("protocol"), 1, 1, "protocol")
    note = BookNote(
        digest=sha256(text),
        channel=check_channel(table.take("channel")),
        party=toml.identifier(table.take("party")),
        book=toml.integer(table.take("book"), 1, HIGHEST_BOOK, "book"),
        station=toml.identifier(table.take("station")),
        key=toml.vkey(table.take("key"), ED25519),
    )
    table.end()
    require(note.key.name == note.origin, "OPEN-1", "the key has not the name of the book's origin")
    return note


def check_book_note(book: BookNote, charters: Sequence[Charter]) -> VerifierKey:
    """Refuse a book note of no channel, party or station that is held; return the root that signs it (OPEN-1)."""
    root = None
    for charter in charters:
        party = charter.party(book.party)
        if charter.channel != book.channel or party is None:
            continue
        if any(station.id == book.station for station in party.stations):
            root = party.root
    if root is None:
        raise Refusal("OPEN-1", "no charter that is held has this channel, party and station")
    return root


def read_book_note(octets: bytes, charters: Sequence[Charter]) -> tuple[BookNote, Note]:
    """Read a book note that is signed by its party's root (OPEN-1)."""
    note = parse_note(octets)
    book = parse_book_note(note.text)
    root = check_book_note(book, charters)
    require(root in signers(note, [root]), "OPEN-1", "not signed by the root of its party")
    check_key_of_book(book, charters, [])
    return book, note


def check_key_of_book(book: BookNote, charters: Iterable[Charter], others: Iterable[BookNote]) -> None:
    """Refuse a book note whose key is known from anywhere else (OPEN-2)."""
    public = book.key.public
    for charter in charters:
        require(all(key.public != public for key in charter.keys), "OPEN-2", "the key stands in a charter")
        within = any(public in certificate for certificate in charter.certificates)
        require(not within, "OPEN-2", "the key stands within a certificate")
    for other in others:
        if other.digest != book.digest:
            require(other.key.public != public, "OPEN-2", "the key is that of another book")


def book_notes_equivocal(one: BookNote, other: BookNote) -> bool:
    """Whether two notes are two different ones for one book (OPEN-2)."""
    return one.origin == other.origin and one.digest != other.digest
