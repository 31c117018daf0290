"""The audit of a bundle: all checks of spec/8 in their order, all findings, from octets alone.

    report = audit(octets)
    report.sound        # BUNDLE-10: no finding

It keeps: it raises nothing whatever the octets are, goes on after a finding wherever it can, and trusts only what it
has computed itself (BUNDLE-11). Whose record it is, only the fingerprints of the roots can tell, by another way.
"""

from detente.errors import Malformed
from detente.formats.bundle import Bundle, decode_bundle
from detente.formats.content import Content
from detente.formats.entry import Open
from detente.ids import Origin
from detente.verify.books import Book, check_heads, head_sizes, read_books, tile
from detente.verify.charters import Chain, read_chain
from detente.verify.disclosures import open_disclosed
from detente.verify.entries import Judged, Times, counted_sizes, judge
from detente.verify.findings import BookFound, EntryFound, Findings, Report


def audit(octets: bytes) -> Report:
    """The report on the octets of a bundle file. Raises nothing."""
    found = Findings()
    try:
        bundle = decode_bundle(octets)
    except Malformed as fault:  # BUNDLE-1
        found.find("BUNDLE-1", fault.rule, "file", fault.text)
        return _report(found)
    chain = read_chain(bundle.charters, found)
    return _report(found) if chain is None else _audit_books(bundle, chain, found)


def _audit_books(bundle: Bundle, chain: Chain, found: Findings) -> Report:
    books = read_books(bundle.books, chain, found)
    sizes = counted_sizes(books, chain)
    for book in books:
        tile(book, sizes.get(book.origin, set()) | head_sizes(book), found)
        check_heads(book, chain, found)
    by_origin: dict[Origin, Book] = {}
    for book in books:
        by_origin.setdefault(book.origin, book)
    judged = [entry for book in books for entry in judge(book, chain, by_origin, found)]
    places: dict[tuple[Origin, int], Judged] = {}
    for entry in judged:
        places.setdefault((entry.book.origin, entry.shown.index), entry)
    contents = open_disclosed(bundle.disclosures, places, found)
    times = {id(book): Times(book) for book in books}
    entries = [_entry(entry, times[id(entry.book)], contents, found) for entry in judged]
    return _report(found, chain, books, entries)


def _entry(entry: Judged, times: Times, contents: dict[tuple[Origin, int], Content], found: Findings) -> EntryFound:
    not_before_s, not_after_s = times.interval(entry.shown.index)
    if not_before_s is not None and not_after_s is not None and not_before_s > not_after_s:
        found.remark(str(entry.ref), "the cosigners' clocks contradict each other: its interval ends before it begins")
    disclosed = contents.get((entry.book.origin, entry.shown.index))
    content = entry.body.content if isinstance(entry.body, Open) else disclosed
    return EntryFound(
        ref=entry.ref,
        leaf=entry.shown.leaf,
        body=entry.body,
        content=content,
        disclosed=disclosed is not None,
        view=entry.view,
        not_before_s=not_before_s,
        not_after_s=not_after_s,
    )


def _report(
    found: Findings,
    chain: Chain | None = None,
    books: list[Book] | None = None,
    entries: list[EntryFound] | None = None,
) -> Report:
    findings, remarks = tuple(found.findings), tuple(found.remarks)
    if chain is None:
        return Report(findings, remarks)
    return Report(
        findings,
        remarks,
        channel=chain.newest.channel,
        mode=chain.newest.mode,
        title=chain.newest.title,
        charters=chain.described(),
        parties=chain.parties(),
        books=tuple(BookFound(book.origin, book.size, tuple(book.heads), tuple(book.hidden)) for book in books or ()),
        entries=tuple(entries or ()),
    )
