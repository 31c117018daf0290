"""BUNDLE-4, BUNDLE-6, BUNDLE-7: what entries say, against their books, their views and their disclosures."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from detente.crypto import labels
from detente.crypto.hashing import hmac_sha256
from detente.crypto.sealing import aead_seal
from detente.formats.bundle import BookSection, Bundle, Disclosure
from detente.formats.canonical import encode
from detente.formats.content import Content
from detente.formats.entry import Adopt, Closing, Kind, Open, encode_body
from detente.formats.padding import pack
from detente.ids import Origin, PartyId
from detente.verify.audit import audit
from detente.verify.findings import VIEW_NOT_CHECKED, VIEW_VERIFIED, VIEW_WRONG, Report
from tests.verify.records import (
    ALFA,
    BRAVO,
    PARTIES,
    Record,
    TestBook,
    charter_of,
    digest_of,
    octets_of,
    party_of,
    signed_charter,
    small_bundle,
    small_record,
    with_book,
)

SAY = Open(Content("message", text="x"))


def whole(record: Record, *books: TestBook, disclosures: tuple[Disclosure, ...] = ()) -> Bundle:
    """Every entry of some books, one head each."""
    sections = tuple(BookSection(book.note, tuple(book.items), (book.head(len(book.items)),)) for book in books)
    return Bundle(tuple(record.notes), sections, disclosures)


def report_on(bundle: Bundle) -> Report:
    """Its report."""
    return audit(octets_of(bundle))


def found(bundle: Bundle) -> list[tuple[str, str]]:
    """(check, rule) of each finding."""
    return [(one.check, one.rule) for one in report_on(bundle).findings]


# --- BUNDLE-6


def no_change(_record: Record, _book: TestBook) -> None:
    """A good book."""


def unknown_kind(record: Record, book: TestBook) -> None:
    """BOOK-3."""
    book.add(9, b"anything", record.view(book.seen))


def second_opening(_record: Record, book: TestBook) -> None:
    """BOOK-4."""
    book.items.append(book.items[0])


def after_closing(record: Record, book: TestBook) -> None:
    """BOOK-4."""
    record.write(book, Closing("done"))
    record.write(book, SAY)


def epoch_of_an_open_entry(record: Record, book: TestBook) -> None:
    """BOOK-7."""
    book.add(Kind.OPEN, encode_body(SAY), record.view(book.seen), epoch=1)


def epoch_to_come(record: Record, book: TestBook) -> None:
    """BOOK-7."""
    record.seal(book, Content("message", text="x"), epoch=8)


def epoch_that_is_none(record: Record, book: TestBook) -> None:
    """BOOK-7: the bundle shows that entry 1 is no keys entry."""
    record.write(book, SAY)
    record.seal(book, Content("message", text="x"))


def missing_slot(record: Record, book: TestBook) -> None:
    """BOOK-8."""
    record.see(book, (0, 0))
    record.write(book, SAY)


def own_count(record: Record, book: TestBook) -> None:
    """BOOK-8."""
    record.see(book, (1, 0, 0))
    record.write(book, SAY)


def count_goes_down(record: Record, book: TestBook) -> None:
    """BOOK-9."""
    bravo = record.book(BRAVO)
    record.write(bravo, SAY)
    for count in (2, 1):
        record.see(book, (0, count, 0))
        record.write(book, SAY)


def no_opening(record: Record, book: TestBook) -> None:
    """BOOK-13."""
    book.items.clear()
    book.add(Kind.OPENING, encode(["opening"]), record.view(book.seen))


def bad_body(record: Record, book: TestBook) -> None:
    """BOOK-16."""
    book.add(Kind.ADOPT, encode(["adopt", "x"]), record.view(book.seen))


def adopts_another_number(record: Record, book: TestBook) -> None:
    """BOOK-16."""
    record.write(book, Adopt("charter", 7, digest_of(record.notes[0])))


def adopts_nothing_we_have(record: Record, book: TestBook) -> None:
    """BUNDLE-2: the chain is complete."""
    record.write(book, Adopt("charter", 2, bytes(32)))


def opens_with_nothing_we_have(record: Record, book: TestBook) -> None:
    """BUNDLE-2."""
    book.items.clear()
    book.add(Kind.OPENING, encode(["opening", bytes(32), "x", [], bytes(1216)]), record.view(book.seen))


def adopts_a_book(record: Record, book: TestBook) -> None:
    """BOOK-16: a book note need not be in the bundle."""
    record.write(book, Adopt("book", 2, bytes(32)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (no_change, []),
        (unknown_kind, [("BUNDLE-6", "BOOK-3")]),
        (second_opening, [("BUNDLE-6", "BOOK-4")]),
        (after_closing, [("BUNDLE-6", "BOOK-4")]),
        (epoch_of_an_open_entry, [("BUNDLE-6", "BOOK-7")]),
        (epoch_to_come, [("BUNDLE-6", "BOOK-7")]),
        (epoch_that_is_none, [("BUNDLE-6", "BOOK-7")]),
        (missing_slot, [("BUNDLE-6", "BOOK-8")]),
        (own_count, [("BUNDLE-6", "BOOK-8")]),
        (count_goes_down, [("BUNDLE-6", "BOOK-9")]),
        (no_opening, [("BUNDLE-6", "BOOK-13")]),
        (bad_body, [("BUNDLE-6", "BOOK-16")]),
        (adopts_another_number, [("BUNDLE-6", "BOOK-16")]),
        (adopts_nothing_we_have, [("BUNDLE-2", "BOOK-16")]),
        (opens_with_nothing_we_have, [("BUNDLE-2", "BOOK-13")]),
        (adopts_a_book, []),
    ],
)
def test_bundle_6_findings(change: Callable[[Record, TestBook], None], expected: list[tuple[str, str]]) -> None:
    """BUNDLE-6: each broken rule is found against the author of the entry; nothing else is."""
    record = Record()
    alfa = record.book(ALFA)
    change(record, alfa)
    report = report_on(whole(record, *record.books.values()) if len(record.books) == 1 else sorted_whole(record))
    assert [(one.check, one.rule) for one in report.findings] == expected
    assert {one.against for one in report.findings} <= {ALFA}
    assert all(one.place.startswith("alfa/") for one in report.findings)


def sorted_whole(record: Record) -> Bundle:
    """All books of a record in the order of BUNDLE-3."""
    books = sorted(record.books.values(), key=lambda book: (PARTIES.index(book.party), book.number))
    return whole(record, *books)


def amended() -> tuple[Record, TestBook]:
    """Two charters, the second with one more party, and alfa's book under the first."""
    three = [party_of(one) for one in PARTIES]
    first = charter_of(three)
    four = [*three, replace(party_of(PartyId("charlie")), role="observer")]
    record = Record([first, charter_of(four, 2, digest_of(signed_charter(first)))])
    return record, record.book(ALFA)


def test_charter_7_an_adopt_entry_changes_the_slots() -> None:
    """CHARTER-7: the entries after it are governed by it, and have its number of slots; one before it does not."""
    record, alfa = amended()
    record.write(alfa, Adopt("charter", 2, digest_of(record.notes[1])))
    record.see(alfa, (0, 0, 0, 0))
    record.write(alfa, SAY)
    assert found(whole(record, alfa)) == []
    early, book = amended()
    early.see(book, (0, 0, 0, 0))
    early.write(book, SAY)
    assert found(whole(early, book)) == [("BUNDLE-6", "BOOK-8")]


def test_bundle_6_what_is_hidden_may_have_adopted_a_charter() -> None:
    """BUNDLE-6: as far as the bundle shows what came before; a hidden adopt entry explains a fourth slot."""
    record, alfa = amended()
    record.write(alfa, Adopt("charter", 2, digest_of(record.notes[1])))
    record.see(alfa, (0, 0, 0, 0))
    record.write(alfa, SAY)
    bundle = whole(record, alfa)
    assert found(with_book(bundle, 0, items=(*alfa.hidden(0, 2), alfa.items[2]))) == []
    assert found(with_book(bundle, 0, items=(alfa.items[0], *alfa.hidden(1, 2), alfa.items[2]))) == []


def test_charter_6_a_new_party_writes_under_the_charter_that_names_it() -> None:
    """BOOK-8: the opening is governed by the charter that it names, also where the opening is hidden."""
    record, _ = amended()
    record.notes.reverse()  # so that the book opens under the second
    charlie = TestBook(PartyId("charlie"))
    charlie.seen = (0, 0, 0, 0)
    record.books[charlie.origin] = charlie
    record.write(charlie, SAY)
    charlie.items.clear()
    opening = encode(["opening", digest_of(record.notes[0]), "joined", [], bytes(1216)])
    charlie.add(Kind.OPENING, opening, record.view(charlie.seen))
    record.write(charlie, SAY)
    record.notes.reverse()
    assert found(whole(record, charlie)) == []
    assert found(with_book(whole(record, charlie), 0, items=(*charlie.hidden(0, 1), charlie.items[1]))) == []


def test_book_1_an_unknown_party_is_found_once() -> None:
    """BUNDLE-3: a book of nobody is found at its note; its entries are shown, and judged by no charter."""
    record = Record()
    delta = TestBook(PartyId("delta"))
    delta.add(Kind.OPEN, encode_body(SAY), record.view(delta.seen))
    report = report_on(whole(record, delta))
    assert {one.check for one in report.findings} == {"BUNDLE-3"}
    assert len(report.entries) == 1


# --- BUNDLE-7


def views(bundle: Bundle) -> list[str]:
    """What became of each view."""
    return [one.view for one in report_on(bundle).entries]


def test_bundle_7_views_are_checked_where_the_counted_books_are_there() -> None:
    """BUNDLE-7: BOOK-10 over the roots at the counts; an entry that counts nothing is checked too."""
    record, alfa, bravo = small_record()
    bundle = whole(record, alfa, bravo)
    assert views(bundle) == [VIEW_VERIFIED] * 6
    assert report_on(bundle).sound
    assert report_on(bundle).remarks == ()


def test_bundle_7_a_view_that_cannot_be_checked_is_a_note() -> None:
    """BUNDLE-7: a counted book that is not there, or hidden in a larger subtree; no finding against anybody."""
    bundle = replace(small_bundle(), books=small_bundle().books[:1])
    report = report_on(bundle)
    assert report.sound
    assert [one.view for one in report.entries] == [VIEW_NOT_CHECKED]
    assert [one.place for one in report.remarks] == ["alfa/2"]
    _, _, bravo = small_record()
    merged = with_book(small_bundle(), 1, items=tuple(bravo.hidden(0, 2)))
    assert report_on(merged).sound
    assert views(merged) == [VIEW_NOT_CHECKED]


def test_bundle_7_a_wrong_view_is_found_against_its_author() -> None:
    """BOOK-10, BOOK-12: signed, and not what the books of the bundle say."""
    record, alfa, bravo = small_record()
    record.see(alfa, (0, 2, 0))
    alfa.add(Kind.OPEN, encode_body(SAY), bytes(32))
    report = report_on(whole(record, alfa, bravo))
    assert [(one.check, one.rule, one.against) for one in report.findings] == [("BUNDLE-7", "BOOK-10", ALFA)]
    assert report.entries[4].view == VIEW_WRONG


def test_bundle_7_more_slots_than_parties_cannot_be_checked() -> None:
    """BOOK-8: no book is counted by such a slot, so no root follows."""
    record = Record()
    alfa = record.book(ALFA)
    record.see(alfa, (0, 0, 0, 5))
    alfa.add(Kind.OPEN, encode_body(SAY), bytes(32))
    assert found(whole(record, alfa)) == [("BUNDLE-6", "BOOK-8")]
    assert views(whole(record, alfa)) == [VIEW_VERIFIED, VIEW_NOT_CHECKED]


def test_bundle_7_further_books_of_a_party_are_counted() -> None:
    """BOOK-8: a slot of several counts."""
    record = Record()
    alfa = record.book(ALFA)
    first, second = record.book(BRAVO), record.book(BRAVO, 2)
    record.see(alfa, (0, (1, 1), 0))
    record.write(alfa, SAY)
    assert views(whole(record, alfa, first, second)) == [VIEW_VERIFIED] * 4


# --- BUNDLE-4


def disclosed(padded: bytes) -> Bundle:
    """A bundle of one entry that seals these octets, and its message key."""
    record = Record()
    alfa = record.book(ALFA)
    alfa.add(9, b"-", record.view(alfa.seen))
    index = record.seal(alfa, SAY.content, padded=padded)
    bundle = whole(record, alfa, disclosures=(record.disclosure(alfa, index),))
    return with_book(bundle, 0, items=(*alfa.hidden(0, 2), alfa.items[2]))


@pytest.mark.parametrize(
    ("padded", "rule"),
    [
        (pack(encode({"form": "message"}), None), None),
        (b"\0\0\1x".ljust(64, b"\0"), "SEAL-3"),
        (b"\x09\0\1x".ljust(32, b"\0"), "SEAL-2"),
        (b"\x02\0\1x".ljust(32, b"\0"), "SEAL-2"),
        (pack(encode({"form": "message", "secret": 1}), None), "SEAL-5"),
    ],
)
def test_bundle_4_what_was_sealed_is_checked(padded: bytes, rule: str | None) -> None:
    """SEAL-2 to SEAL-5: the author sealed it so, and the key shows it."""
    assert found(disclosed(padded)) == ([("BUNDLE-4", rule)] if rule else [])


def test_bundle_4_the_disclosed_content_is_in_the_report() -> None:
    """BUNDLE-4: octet for octet."""
    entry = report_on(small_bundle()).entries[0]
    assert entry.disclosed
    assert entry.content == Content("message", (BRAVO,), lang="en", text="The line is open.")


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, message_key=bytes(32)),
        lambda one: replace(one, index=3),
        lambda one: replace(one, origin=Origin(one.origin.replace("alfa", "bravo")), index=1),
    ],
    ids=["a wrong key", "a hidden entry", "an open entry"],
)
def test_bundle_4_a_key_that_opens_nothing_here(change: Callable[[Disclosure], Disclosure]) -> None:
    """SEAL-1: a wrong key, a hidden entry, an entry that is not sealed."""
    bundle = small_bundle()
    assert found(replace(bundle, disclosures=(change(bundle.disclosures[0]),))) == [("BUNDLE-4", "SEAL-1")]


def test_seal_1_a_commitment_to_something_else_is_found() -> None:
    """SEAL-1: it opens, and `c` is not the commitment to what it opens."""
    record = Record()
    alfa = record.book(ALFA)
    key = record.epoch(alfa).message_key(2)
    commitment = bytes(32)
    sealed = aead_seal(hmac_sha256(key, encode([labels.SEAL, commitment])), pack(encode({"form": "x"}), None))
    alfa.add(9, b"-", record.view(alfa.seen))
    alfa.add(Kind.SEALED, commitment + sealed, record.view(alfa.seen), 1)
    bundle = whole(record, alfa, disclosures=(Disclosure(alfa.origin, 2, key),))
    bundle = with_book(bundle, 0, items=(*alfa.hidden(0, 2), alfa.items[2]))
    assert [one.text for one in report_on(bundle).findings] == ["the key does not open the entry: commitment fails"]


def test_seal_2_an_unknown_dictionary_is_named() -> None:
    """SEAL-2: the charter states a dictionary that this program does not have; the finding says which."""
    charter = replace(charter_of([party_of(one) for one in PARTIES]), dictionary=b"\x07" * 32)
    record = Record([charter])
    alfa = record.book(ALFA)
    alfa.add(9, b"-", record.view(alfa.seen))
    index = record.seal(alfa, SAY.content, padded=b"\x02\0\1x".ljust(32, b"\0"))
    bundle = whole(record, alfa, disclosures=(record.disclosure(alfa, index),))
    (finding,) = [one for one in report_on(bundle).findings if one.check == "BUNDLE-4"]
    assert "07" * 32 in finding.text
