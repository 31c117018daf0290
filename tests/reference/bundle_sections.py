"""One book of a bundle by itself: its note, tiling, heads, entries and proved times (BUNDLE-3, 5, 6, 8, 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference.books import Entry
from tests.reference.chain import BookNote, check_book_note, check_key_of_book, parse_book_note
from tests.reference.checkpoints import Checkpoint, parse_checkpoint, verify_cosignature
from tests.reference.findings import Findings, check_lines
from tests.reference.judge import BookState
from tests.reference.notes import Note, line_verifies, parse_note
from tests.reference.refusal import Refusal, require
from tests.reference.tree import Fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reference.charter import Charter
    from tests.reference.frames import Item
    from tests.reference.keys import VerifierKey


@dataclass(frozen=True)
class Cosignature:
    """A cosignature that counts (BUNDLE-9)."""

    size: int
    party: str
    station: str
    kind: int
    timestamp: int


@dataclass
class Section:
    """A book of which the note can be read."""

    note: BookNote
    size: int = 0
    entries: dict[int, Entry] = field(default_factory=dict)
    hidden: list[range] = field(default_factory=list)
    boundaries: dict[int, bytes] = field(default_factory=dict)
    cosignatures: list[Cosignature] = field(default_factory=list)  # of heads without findings

    def name(self, index: int) -> str:
        """Name one of its entries."""
        return f"{self.note.origin} {index}"

    def hide(self, start: int, stop: int) -> None:
        """Add hidden indexes, as one range with those right before them (BUNDLE-8)."""
        if self.hidden and self.hidden[-1].stop == start:
            start = self.hidden.pop().start
        self.hidden.append(range(start, stop))

    def interval(self, index: int) -> tuple[int | None, int | None]:
        """Return the interval of proved time of an entry, in seconds (BUNDLE-9)."""
        before = [found.timestamp for found in self.cosignatures if found.size <= index]
        after = [found.timestamp for found in self.cosignatures if found.size > index]
        return max(before, default=None), min(after, default=None)


@dataclass
class ReadSection:
    """A section, if its note can be read, and the findings made with it."""

    section: Section | None
    findings: Findings


def read_section(
    what: str, octets: bytes, items: Sequence[Item], heads: Sequence[bytes], charters: Sequence[Charter]
) -> ReadSection:
    """Read and check one book."""
    findings = Findings()
    try:
        note = parse_note(octets)
        section = Section(parse_book_note(note.text))
    except Refusal as refusal:
        findings.refused("BUNDLE-3", what, refusal)
        return ReadSection(None, findings)
    _check_note(section.note, note, charters, findings)
    _read_items(section, items, charters, findings)
    _check_heads(section, heads, charters, findings)
    _note_intervals(section, findings)
    return ReadSection(section, findings)


def _check_note(book: BookNote, note: Note, charters: Sequence[Charter], findings: Findings) -> None:
    """Check that a book note is signed by the root of a party, and by nobody else (BUNDLE-3)."""
    what = f"the note of {book.origin}"
    try:
        root = check_book_note(book, charters)
    except Refusal as refusal:
        findings.refused("BUNDLE-3", what, refusal)
    else:
        if root not in check_lines(note, [root], "BUNDLE-3", what, findings):
            findings.add("BUNDLE-3", "OPEN-1", f"{what}: not signed by the root of its party")
    try:
        check_key_of_book(book, charters, [])
    except Refusal as refusal:
        findings.refused("BUNDLE-3", what, refusal)


def _read_items(section: Section, items: Sequence[Item], charters: Sequence[Charter], findings: Findings) -> None:
    """Add the items to the tree and judge the entries (BUNDLE-5, BUNDLE-6, BUNDLE-8)."""
    fold = Fold()
    state = BookState(section.note.party, section.note.book, charters)
    for item in items:
        index = fold.size
        try:
            if isinstance(item, Entry):
                fold.add(0, item.leaf_hash())
            else:
                fold.add(*item)
        except Refusal as refusal:
            findings.refused("BUNDLE-5", section.name(index), refusal)
            break
        section.boundaries[fold.size] = fold.root()
        if isinstance(item, Entry):
            section.entries[index] = item
            for mark in state.take(item):
                findings.add("BUNDLE-6", mark.rule, f"{section.name(index)}: {mark.why}", section.note.party)
        else:
            section.hide(index, fold.size)
            state.hide(fold.size - index)
    section.size = fold.size


def _check_heads(section: Section, heads: Sequence[bytes], charters: Sequence[Charter], findings: Findings) -> None:
    """Check the heads of a book (BUNDLE-5)."""
    before = 0
    for number, octets in enumerate(heads, start=1):
        what = f"head {number} of {section.note.origin}"
        try:
            note = parse_note(octets)
            checkpoint = parse_checkpoint(note.text)
        except Refusal as refusal:
            findings.refused("BUNDLE-5", what, refusal)
            continue
        own = Findings()
        _check_head(section, checkpoint, note, what, own)
        if checkpoint.size <= before:
            own.add("BUNDLE-5", "BUNDLE-5", f"{what}: the sizes do not increase")
        if number == len(heads) and checkpoint.size != section.size:
            own.add("BUNDLE-5", "BUNDLE-5", f"{what}: the last head is not that of the whole tiling")
        before = checkpoint.size
        cosignatures = _cosignatures(section, checkpoint.size, note, charters, what, own)
        if not own.found:
            section.cosignatures += cosignatures
        findings.extend(own)


def _check_head(section: Section, checkpoint: Checkpoint, note: Note, what: str, findings: Findings) -> None:
    """Check that a head is one of its book, signed by the owner, with the root of the tiling (HEAD-2)."""
    owner, first = section.note.key, note.lines[0]
    if checkpoint.origin != section.note.origin:
        findings.add("BUNDLE-5", "HEAD-1", f"{what}: it is of another origin")
    if checkpoint.size == 0:
        findings.add("BUNDLE-5", "HEAD-2", f"{what}: an owner signs only sizes above zero")
    verifies = first.is_of(owner) and line_verifies(owner, note.text, first.signature)
    if not verifies:
        findings.add("BUNDLE-5", "HEAD-2", f"{what}: not signed by the owner, first of all")
    if first.is_of(owner) and not verifies:
        findings.add("BUNDLE-5", "NOTE-3", f"{what}: the signature of the owner does not verify")
    root = section.boundaries.get(checkpoint.size)
    if root is None:
        findings.add("BUNDLE-5", "TREE-2", f"{what}: its size is no boundary of the tiling")
    elif root != checkpoint.root:
        findings.add("BUNDLE-5", "TREE-4", f"{what}: its root does not follow from the tiling")


def cosigners_of(charters: Sequence[Charter]) -> list[tuple[str, str, VerifierKey]]:
    """List party, station and key of all cosigners (RECEIPT-1: any charter of the chain counts)."""
    return [
        (party.id, station.id, key)
        for charter in charters
        for party in charter.parties
        for station in party.stations
        for key in station.cosigners
    ]


def _cosignatures(
    section: Section, size: int, note: Note, charters: Sequence[Charter], what: str, findings: Findings
) -> list[Cosignature]:
    """Check every line of a head but the first, and return what counts (BUNDLE-5, RECEIPT-1, 2, 6)."""
    cosigners = cosigners_of(charters)
    counted: list[Cosignature] = []
    seen = {section.note.key} if note.lines[0].is_of(section.note.key) else set()
    for line in note.lines[1:]:
        own = line.is_of(section.note.key)
        keys = {section.note.key} if own else {key for _, _, key in cosigners if line.is_of(key)}
        try:
            require(len(keys) == 1, "RECEIPT-1", "a line of a key that is no cosigner of a charter")
            key = keys.pop()
            require(key not in seen, "NOTE-3", "a second line of one key")
            seen.add(key)
            require(line_verifies(key, note.text, line.signature), "NOTE-3", "the signature does not verify")
            if own:
                continue  # that it does not stand first is found already (HEAD-2)
            others = [
                (party, station) for party, station, known in cosigners if known == key and party != section.note.party
            ]
            require(bool(others), "RECEIPT-6", "a cosigner of the same party")
            counted.append(Cosignature(size, *others[0], key.kind, verify_cosignature(key, note.text, line.signature)))
        except Refusal as refusal:
            findings.refused("BUNDLE-5", f"{what}: {line.name}", refusal)
    return counted


def _note_intervals(section: Section, findings: Findings) -> None:
    """Note the intervals that end before they begin (BUNDLE-9)."""
    for index in section.entries:
        begin, end = section.interval(index)
        if begin is not None and end is not None and end < begin:
            findings.note("BUNDLE-9", f"{section.name(index)}: the interval of proved time ends before it begins")
