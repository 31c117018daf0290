"""Cutting evidence out of the books: one entry, or a whole channel, as a bundle that proves itself (spec/8).

It keeps: what is not asked for stays hidden behind subtree hashes; a body is disclosed only by its own message key; the
heads chosen are those that narrow the proved time most.
"""

from detente.errors import LocalMisuse
from detente.formats.bundle import BookSection, Bundle, Disclosure, encode_bundle
from detente.formats.entry import Kind
from detente.formats.frame import EntryItem, Item
from detente.ids import Ref, origin_of
from detente.protocol.book import BookCopy, HeldEntry
from detente.protocol.channel import Channel
from detente.protocol.effects import CosignatureRow, HeadRow
from detente.tlog.checkpoint import checkpoint_text
from detente.tlog.note import Note, NoteSignature, format_note, signature_line
from detente.tlog.vkeys import ED25519, verifier_key

HEADS_OF_WHOLE_BOOK_MAX = 4_096


def bundle_of(channel: Channel, entry: Ref | None, *, reveal: bool) -> bytes:
    """The octets of a bundle: one entry and what its view counts, or every book whole (entry None). Raises LocalMisuse."""
    charters = tuple(held.octets for held in channel.roster.charters)
    disclosures: list[Disclosure] = []
    if entry is None:
        books = [book for book in channel.ledger.books.values() if book.head is not None]
        sections = {book.origin: _whole(channel, book) for book in books}
        if reveal:
            for book in books:
                for held in book.entries(0, _size(book)):
                    disclosures.extend(_disclose(channel, book, held))
    else:
        book = channel.ledger.books[origin_of(channel.roster.channel, entry.party, entry.book)]
        if entry.index >= _size(book):
            raise LocalMisuse(
                f"{entry} is held above a gap; its proof is complete when the entries before it have arrived"
            )
        held = book.entries(entry.index, entry.index + 1)[0]
        sections = {book.origin: _one(channel, book, held)}
        for origin, count in channel.ledger.counted(held.leaf.seen):
            counted = channel.ledger.books[origin]
            if origin != book.origin and count <= _size(counted):
                sections[origin] = _hidden(channel, counted, count)
        if reveal:
            disclosures.extend(_disclose(channel, book, held))
            if not disclosures and held.leaf.kind == Kind.SEALED:
                raise LocalMisuse(f"{entry} cannot be opened here, so there is nothing to reveal")
    ordered = sorted(
        sections, key=lambda origin: channel.ledger.code(origin) % 16 * 64 + channel.ledger.books[origin].number
    )
    return encode_bundle(
        Bundle(
            charters,
            tuple(sections[origin] for origin in ordered),
            tuple(sorted(disclosures, key=lambda one: (one.origin, one.index))),
        )
    )


def _size(book: BookCopy) -> int:
    return book.head.size if book.head is not None else 0


def _disclose(channel: Channel, book: BookCopy, held: HeldEntry) -> list[Disclosure]:
    """The key of one entry; never that of secrets given again, which would open whole epochs (EPOCH-7)."""
    if held.leaf.kind != Kind.SEALED or channel.epochs.gives_secrets(book.origin, held):
        return []
    key = channel.epochs.message_key(book.origin, held)
    return [Disclosure(book.origin, held.index, key)] if key is not None else []


def _section(channel: Channel, book: BookCopy, items: list[Item], heads: list[HeadRow]) -> BookSection:
    receipts = _receipts_by_size(channel, book)
    notes = tuple(_checkpoint(channel, book, head, receipts.get(head.size, [])) for head in heads)
    return BookSection(channel.roster.book_notes[book.origin].octets, tuple(items), notes)


def _whole(channel: Channel, book: BookCopy) -> BookSection:
    """Every entry; the last head, and the heads with receipts (the newest of them, if there are very many)."""
    size = _size(book)
    receipts = _receipts_by_size(channel, book)
    heads = [head for head in channel.ledger.shelf.heads(book.origin) if head.size in receipts or head.size == size]
    heads = [head for head in heads if head.size <= size][-HEADS_OF_WHOLE_BOOK_MAX:]
    items: list[Item] = [_item(held) for held in book.entries(0, size)]
    return _section(channel, book, items, heads)


def _one(channel: Channel, book: BookCopy, held: HeldEntry) -> BookSection:
    """One entry between the last head with a receipt before it and the first one with a receipt after it."""
    receipts = _receipts_by_size(channel, book)
    heads = [head for head in channel.ledger.shelf.heads(book.origin) if head.size <= _size(book)]
    before = [head for head in heads if head.size <= held.index and head.size in receipts][-1:]
    after = [head for head in heads if head.size > held.index]
    covering = next((head for head in after if head.size in receipts), after[0])
    middle = before[0].size if before else 0
    items: list[Item] = [
        *book.cover_items(0, middle),
        *book.cover_items(middle, held.index),
        _item(held),
        *book.cover_items(held.index + 1, covering.size),
    ]
    return _section(channel, book, items, [*before, covering])


def _hidden(channel: Channel, book: BookCopy, count: int) -> BookSection:
    """A counted book with everything hidden, so that its root at `count` follows and the view can be checked."""
    covering = next(head for head in channel.ledger.shelf.heads(book.origin, count))
    items: list[Item] = [*book.cover_items(0, count), *book.cover_items(count, covering.size)]
    return _section(channel, book, items, [covering])


def _item(held: HeldEntry) -> EntryItem:
    leaf = held.leaf
    return EntryItem(leaf.kind, leaf.at, leaf.precedence, leaf.epoch, leaf.seen, leaf.view, held.body)


def _receipts_by_size(channel: Channel, book: BookCopy) -> dict[int, list[CosignatureRow]]:
    found: dict[int, list[CosignatureRow]] = {}
    for row in channel.ledger.shelf.cosignatures(book.origin):
        found.setdefault(row.size, []).append(row)
    return found


def _checkpoint(channel: Channel, book: BookCopy, head: HeadRow, receipts: list[CosignatureRow]) -> bytes:
    """HEAD-1, HEAD-2 and its receipts as one note."""
    owner = verifier_key(book.origin, ED25519, book.key)
    cosigners = channel.roster.cosigners(book.party)
    lines: list[NoteSignature] = [signature_line(owner, head.signature)]
    lines += [signature_line(cosigners[row.cosigner][2], row.octets) for row in receipts if row.cosigner in cosigners]
    return format_note(Note(checkpoint_text(head.origin, head.size, head.root), tuple(lines)))
