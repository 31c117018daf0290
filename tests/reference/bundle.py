"""Evidence bundles and the checks of the offline verifier as in spec/8-bundle.md (BUNDLE-1 to BUNDLE-11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference import books, shape
from tests.reference.bodies import Adopt, Body, Open, Opening, read_body
from tests.reference.bundle_sections import Section, read_section
from tests.reference.chain import check_amendment
from tests.reference.charter import Charter, fingerprint, parse_charter
from tests.reference.encoding import Value, decode, sha256
from tests.reference.findings import Findings, check_lines
from tests.reference.frames import Item, read_item
from tests.reference.notes import parse_note
from tests.reference.refusal import Refusal, require
from tests.reference.sealing import open_entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reference.books import Entry
    from tests.reference.contents import Content
    from tests.reference.keys import VerifierKey

LABEL = "detente/1 bundle"


@dataclass(frozen=True)
class SectionOctets:
    """One book of a bundle as it stands in the file."""

    note: bytes
    items: tuple[Item, ...]
    heads: tuple[bytes, ...]


@dataclass(frozen=True)
class Bundle:
    """A bundle as it stands in the file."""

    charters: tuple[bytes, ...]
    books: tuple[SectionOctets, ...]
    disclosures: tuple[tuple[str, int, bytes], ...]


@dataclass
class Report:
    """What the verifier says of a bundle."""

    findings: Findings = field(default_factory=Findings)
    charters: list[Charter] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    disclosed: dict[tuple[str, int], Content] = field(default_factory=dict)
    views: dict[tuple[str, int], str] = field(default_factory=dict)  # verified, not checked or wrong (BUNDLE-7)

    @property
    def sound(self) -> bool:
        """Whether there is no finding (BUNDLE-10)."""
        return not self.findings.found

    def content(self, section: Section, index: int) -> Content | None:
        """Return the content of an entry that is disclosed or open; None of any other."""
        entry = section.entries[index]
        if entry.head.kind == books.OPEN:
            body = _body(entry)
            return body.content if isinstance(body, Open) else None
        return self.disclosed.get((section.note.origin, index))

    def fingerprints(self) -> list[tuple[str, str]]:
        """List the parties with the fingerprints of their roots (BUNDLE-10)."""
        newest = self.charters[-1].parties if self.charters else ()
        return [(party.id, fingerprint(str(party.root).encode("utf-8"))) for party in newest]


def read_bundle(octets: bytes) -> Bundle:
    """Read the file's one value (BUNDLE-1)."""
    try:
        value = decode(octets)
    except Refusal as refusal:
        raise Refusal("BUNDLE-1", f"not one value: {refusal}") from refusal
    rule = "BUNDLE-1"
    label, charters, sections, disclosures = shape.tuple_of(value, 4, rule, "a bundle")
    require(label == LABEL, rule, "the label is another one")
    return Bundle(
        tuple(_octets(charter) for charter in shape.array(charters, 1, 64, rule, "charters")),
        tuple(_section(section) for section in shape.array(sections, 0, 1024, rule, "books")),
        tuple(_disclosure(item) for item in shape.array(disclosures, 0, None, rule, "disclosures")),
    )


def _octets(value: Value) -> bytes:
    """Read a byte string of any length."""
    if not isinstance(value, bytes):
        raise Refusal("BUNDLE-1", "a note is not a byte string")
    return value


def _section(value: Value) -> SectionOctets:
    """Read `[book note, items, heads]`."""
    rule = "BUNDLE-1"
    note, items, heads = shape.tuple_of(value, 3, rule, "a book")
    return SectionOctets(
        _octets(note),
        tuple(read_item(item, rule, may_leave_view=False) for item in shape.array(items, 0, None, rule, "items")),
        tuple(_octets(head) for head in shape.array(heads, 1, None, rule, "heads")),
    )


def _disclosure(value: Value) -> tuple[str, int, bytes]:
    """Read `[origin, index, mk]`."""
    rule = "BUNDLE-1"
    origin, index, key = shape.tuple_of(value, 3, rule, "a disclosure")
    return shape.origin(origin, rule, "an origin"), shape.count(index, rule, "an index"), shape.digest(key, rule, "mk")


def verify_bundle(octets: bytes, dictionary: bytes | None = None) -> Report:
    """Make all checks, going on after a finding wherever that is possible."""
    report = Report()
    try:
        bundle = read_bundle(octets)
    except Refusal as refusal:
        report.findings.refused("BUNDLE-1", "the file", refusal)
        return report
    _check_charters(bundle.charters, report)
    for place, section in enumerate(bundle.books, start=1):
        read = read_section(f"book {place}", section.note, section.items, section.heads, report.charters)
        report.findings.extend(read.findings)
        if read.section is not None:
            report.sections.append(read.section)
    _check_sections(report)
    _check_named_charters(report)
    _check_views(report)
    _check_disclosures(bundle.disclosures, report, dictionary)
    return report


def _check_charters(charters: Sequence[bytes], report: Report) -> None:
    """Make the checks of BUNDLE-2 on the charters alone."""
    before: Charter | None = None
    for number, octets in enumerate(charters, start=1):
        what = f"charter {number}"
        try:
            note = parse_note(octets)
            charter = parse_charter(note.text)
        except Refusal as refusal:
            report.findings.refused("BUNDLE-2", what, refusal)
            before = None
            continue
        roots = [party.root for party in charter.parties]
        roots += [party.root for party in before.principals] if before is not None else []
        signed = check_lines(note, roots, "BUNDLE-2", what, report.findings)
        _check_link(before, charter, signed, number, report.findings)
        report.charters.append(charter)
        before = charter


def _check_link(
    before: Charter | None, charter: Charter, signed: Sequence[VerifierKey], number: int, findings: Findings
) -> None:
    """Check that a charter is in force and amends the one before it (CHARTER-5, CHARTER-6)."""
    what = f"charter {number}"
    if number > 1 and before is None:
        findings.add("BUNDLE-2", "CHARTER-6", f"{what}: the charter before it cannot be read")
    if before is None and charter.number != number:
        findings.add("BUNDLE-2", "CHARTER-6", f"{what}: its number is {charter.number}")
    if before is not None:
        try:
            check_amendment(before, charter)
        except Refusal as refusal:
            findings.refused("BUNDLE-2", what, refusal)
    needed = [*charter.principals, *(before.principals if before is not None else ())]
    missing = sorted({party.id for party in needed if party.root not in signed})
    if missing:
        findings.add("BUNDLE-2", "CHARTER-5", f"{what}: not signed by the root of {', '.join(missing)}")


def _check_sections(report: Report) -> None:
    """Check what the books say of each other: order, origins and keys (BUNDLE-3)."""
    newest = report.charters[-1] if report.charters else None
    before: tuple[int, int] | None = None
    for number, section in enumerate(report.sections):
        others = report.sections[:number]
        if any(other.note.origin == section.note.origin for other in others):
            report.findings.add("BUNDLE-3", "BUNDLE-3", f"{section.note.origin}: the origin occurs twice")
        if any(other.note.key.public == section.note.key.public for other in others):
            report.findings.add("BUNDLE-3", "OPEN-2", f"{section.note.origin}: the key is that of another book")
        place = newest.place(section.note.party) if newest is not None else None
        if place is None:
            continue
        if before is not None and (place, section.note.book) < before:
            report.findings.add("BUNDLE-3", "BUNDLE-3", f"{section.note.origin}: the books are not sorted")
        before = place, section.note.book


def _check_named_charters(report: Report) -> None:
    """Check that every charter that a shown entry names or adopts is there (BUNDLE-2)."""
    digests = {charter.digest for charter in report.charters}
    for section in report.sections:
        for index, entry in section.entries.items():
            named = _named_charter(entry)
            if named is not None and named[1] not in digests:
                # Against nobody: who made the file may have left the charter out.
                report.findings.add("BUNDLE-2", named[0], f"{section.name(index)} names a charter that is not there")


def _body(entry: Entry) -> Body | None:
    """Read the body of an entry; None where it does not fit."""
    try:
        return read_body(entry.head.kind, entry.body)
    except Refusal:
        return None


def _named_charter(entry: Entry) -> tuple[str, bytes] | None:
    """Return the digest of the charter that an entry names or adopts, and the rule by which it does."""
    body = _body(entry)
    if isinstance(body, Opening):
        return "BOOK-13", body.charter
    return ("BOOK-16", body.digest) if isinstance(body, Adopt) and body.what == "charter" else None


def _check_views(report: Report) -> None:
    """Check the view of each entry where the roots follow (BUNDLE-7)."""
    if not report.charters:
        return
    newest = report.charters[-1]
    parties = [party.id for party in newest.parties]
    sections = {section.note.origin: section for section in report.sections}

    def root(place: int, book: int, count: int) -> bytes | None:
        section = sections.get(books.make_origin(newest.channel, parties[place], book))
        return None if section is None else section.boundaries.get(count)

    for section in report.sections:
        for index, entry in section.entries.items():
            view = books.computed_view(entry.head.seen, newest.channel, parties, root)
            said = "not checked" if view is None else "verified" if view == entry.head.view else "wrong"
            report.views[section.note.origin, index] = said
            if said == "not checked":
                report.findings.note("BUNDLE-7", f"{section.name(index)}: view not checked")
            elif said == "wrong":
                what = f"{section.name(index)}: the view is another one"
                report.findings.add("BUNDLE-7", "BOOK-10", what, section.note.party)


def _check_disclosures(disclosures: Sequence[tuple[str, int, bytes]], report: Report, dictionary: bytes | None) -> None:
    """Open what is disclosed (BUNDLE-4)."""
    sections = {section.note.origin: section for section in report.sections}
    stated = report.charters[0].dictionary if report.charters else None
    known = dictionary if dictionary is not None and sha256(dictionary) == stated else None
    before: tuple[bytes, int] | None = None
    for origin, index, key in disclosures:
        what = f"the disclosure of {origin} {index}"
        place = origin.encode("utf-8"), index
        if before is not None and place <= before:
            report.findings.add("BUNDLE-1", "BUNDLE-1", f"{what} is not in order, or there twice")
        before = place
        section = sections.get(origin)
        entry = section.entries.get(index) if section is not None else None
        if entry is None or entry.head.kind != books.SEALED:
            report.findings.add("BUNDLE-4", "BUNDLE-4", f"{what} is of no sealed entry that the bundle shows")
            continue
        try:
            report.disclosed[origin, index] = open_entry(key, origin, index, entry.head, entry.body, known)
        except Refusal as refusal:
            report.findings.refused("BUNDLE-4", what, refusal)
