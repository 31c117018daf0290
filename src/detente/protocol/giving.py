"""Secrets given again to a station that has opened a later book, for it may have lost them: EPOCH-7, EPOCH-8.

It keeps: a party is given only what it could read already, sealed for that party alone; what it is given counts only if
the check of the epoch says so. Giving is tied to adopting the note of that book (BOOK-16), in one turn, so it happens once
and no crash comes between.
"""

import contextlib
from collections.abc import Iterator

from detente.errors import Malformed
from detente.formats.content import Content
from detente.formats.secrets import GivenSecret, secrets_content, secrets_in
from detente.ids import Ref, origin_of, split_origin
from detente.limits import SECRETS_PER_ENTRY_MAX
from detente.protocol.book import BookCopy, HeldEntry
from detente.protocol.epochs import Epochs
from detente.protocol.ledger import Ledger


def secrets_for(book: BookCopy, ledger: Ledger, epochs: Epochs) -> Iterator[Content]:
    """EPOCH-7: what to give to the party of a book that its station opened after an older one."""
    notes = ledger.roster.book_notes
    note = notes[book.origin].note
    station = (note.party, note.station)
    later = any((n.note.party, n.note.station) == station and n.note.book < note.book for n in notes.values())
    if not later or not epochs.has_key_of(book.origin):
        return
    given = []
    for origin, index, secret in epochs.known_to(book.party):
        _, party, number = split_origin(origin)
        given.append(GivenSecret(party, number, index, secret))
    for start in range(0, len(given), SECRETS_PER_ENTRY_MAX):
        opening = Ref(book.party, book.number, 0)
        yield secrets_content(book.party, opening, given[start : start + SECRETS_PER_ENTRY_MAX])


def take_secrets(book: BookCopy, entry: HeldEntry, content: Content, ledger: Ledger, epochs: Epochs) -> None:
    """EPOCH-8: keep what is right; mark a giver whose secret is not that of its own epoch."""
    given: list[GivenSecret] = []
    with contextlib.suppress(Malformed):  # of another shape: it gives nothing, and is shown as it is
        given = secrets_in(content)
    for party, number, index, secret in given:
        origin = origin_of(ledger.roster.channel, party, number)
        held = ledger.books.get(origin)
        right = epochs.accept(origin, index, secret, held=held is not None and index < held.size)
        # of another's book the giver may honestly hold another history
        if not right and origin == book.origin:
            text = f"it gives a secret that is not that of its own epoch {index}"
            ledger.find(book, entry.index, "EPOCH-8", text, entry.leaf_octets)
