"""Bundles with findings, for vectors/bundles.json: BUNDLE-1 to BUNDLE-7."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vector_sets.base import Case, Cases, Kept, Key, checkpoint, digest, note, seed, vkey
from vector_sets.bundle_parts import Bundle, Line, Pieces, Section, disclosure, small, whole
from vector_sets.record import ADOPT, CLOSING, ERASED, KEYS, OPEN, OPENING, SEALED, Book, Record, reader_key
from vector_sets.world import ALFA, BRAVO, CHANNEL, CHARLIE, FIRST, HARBOUR, SECOND, START_S, Charter, signed

Found = tuple[str, str, str]  # check, rules, against


def bad_case(name: str, pieces: Pieces, value: Any, *found: Found, after: bytes = b"", **told: Any) -> Case:  # noqa: ANN401 any value
    """A bundle with findings."""
    findings = [[check, rules.split(), against] for check, rules, against in found]
    return {"name": name, "good": False, "file": pieces.of(value, after), "findings": findings, **told}


def shapes(pieces: Pieces, line: Line) -> Cases:
    """BUNDLE-1."""
    label, charters, books, _ = whole(line).value
    two, three = disclosure(line.alfa, 1, 2), disclosure(line.alfa, 1, 3)
    no_view = [[books[0][0], line.alfa.items(0, 5, with_view=False), books[0][2]], *books[1:]]

    def refused(name: str, value: Any, after: bytes = b"") -> Case:  # noqa: ANN401 any value
        return bad_case(
            name, pieces, value, ("BUNDLE-1", "BUNDLE-1 CBOR-1 CBOR-2 CBOR-3 BOOK-11 BOOK-2 FRAME-1", ""), after=after
        )

    return [
        refused("an octet after it", whole(line).value, b"\0"),
        refused("another label", ["detente/2 bundle", charters, books, []]),
        refused("three fields", [label, charters, books]),
        refused("no charters", [label, [], books, []]),
        refused("a charter that is a text", [label, [charters[0].decode()], books, []]),
        refused("a book of two fields", [label, charters, [books[0][:2]], []]),
        refused("a book without a head", [label, charters, [[*books[0][:2], []]], []]),
        refused("entries without views", [label, charters, no_view, []]),
        refused("an item of three fields", [label, charters, [[books[0][0], [[0, seed("x"), 0]], books[0][2]]], []]),
        refused(
            "an entry that does not fit",
            [label, charters, [[books[0][0], [[24, *line.alfa.items(0, 1)[0][1:]]], books[0][2]]], []],
        ),
        refused("disclosures out of order", [label, charters, books, [three, two]]),
        refused("a disclosure twice", [label, charters, books, [two, two]]),
        refused("a key of 31 octets", [label, charters, books, [[*two[:2], two[2][1:]]]]),
    ]


def charters(pieces: Pieces, line: Line) -> Cases:
    """BUNDLE-2."""
    text = FIRST.text()
    sections = whole(line).sections
    third = Charter(SECOND.parties, 3, SECOND.text())
    one, two = line.charter, SECOND.signed(ALFA, BRAVO)
    wrong = note(text, ALFA.root.line(bytes(64)), BRAVO.root.sign(text))
    other = Charter(SECOND.parties, 2, "another\n").signed(ALFA, BRAVO)
    unread = signed(text.replace("protocol = 1", "protocol = 2"), ALFA, BRAVO)

    def with_charters(name: str, octets: list[bytes], *rules: str, more: bool = False) -> Case:
        found = [("BUNDLE-2", rule, "") for rule in rules]
        told = {"more": True} if more else {}
        return bad_case(name, pieces, Bundle(octets, sections, []).value, *found, **told)

    record = Record()
    book = record.book(ALFA, opened=False)
    record.add(book, OPENING, record.opening(book, SECOND))
    opened = Bundle([one], [Section(book, book.items(0, 1), [book.head(1)])], []).value
    record = Record()
    book = record.book(ALFA)
    record.add(book, ADOPT, ["adopt", "charter", 2, digest(SECOND.text())])
    adopted = Bundle([one], [Section(book, book.items(0, 2), [book.head(2)])], []).value
    return [
        with_charters("a charter that one principal has not signed", [FIRST.signed(ALFA)], "CHARTER-5"),
        with_charters("a charter that nobody has signed but the witness", [FIRST.signed(HARBOUR)], "CHARTER-5"),
        with_charters("a charter with a wrong signature", [wrong], "NOTE-3", "CHARTER-5"),
        with_charters("a charter signed by a stranger too", [FIRST.signed(ALFA, BRAVO, CHARLIE)], "NOTE-3"),
        with_charters("a charter signed twice by one", [FIRST.signed(ALFA, BRAVO, BRAVO)], "NOTE-3"),
        with_charters("number 2 alone", [two], "CHARTER-6", more=True),
        with_charters("number 3 after number 1", [one, third.signed(ALFA, BRAVO)], "CHARTER-6", more=True),
        with_charters("number 2 amends another text", [one, other], "CHARTER-6", more=True),
        with_charters("number 2 that one principal has not signed", [one, SECOND.signed(ALFA)], "CHARTER-5", more=True),
        with_charters("a charter that cannot be read", [unread], "spec/3", more=True),
        with_charters("a charter that is no note", [b"x"], "NOTE-1", more=True),
        bad_case(
            "an opening names a charter that is not there",
            pieces,
            opened,
            ("BUNDLE-2", "BOOK-13 CHARTER-7", "alfa"),
            more=True,
        ),
        bad_case(
            "an adopted charter is not there", pieces, adopted, ("BUNDLE-2", "BOOK-16 CHARTER-7", "alfa"), more=True
        ),
    ]


def notes(pieces: Pieces, line: Line) -> Cases:
    """BUNDLE-3."""
    text = ALFA.book_note(1)
    fine = ALFA.signed_book_note(1)
    sections = whole(line).sections
    of_cosigner = vkey(f"{CHANNEL}/alfa/1", 1, BRAVO.stations[0].cosigner.public)
    elsewhere = CHANNEL[:-1] + "b"
    moved = text.replace(ALFA.book(1).vkey, vkey(f"{elsewhere}/alfa/1", 1, ALFA.book(1).public))
    moved = moved.replace(f'"{CHANNEL}"', f'"{elsewhere}"')
    charlie = Record(SECOND).book(CHARLIE)
    stranger = Section(charlie, charlie.items(0, 1), [charlie.head(1)])

    def with_note(name: str, octets: bytes, *rules: str, more: bool = False) -> Case:
        found = [("BUNDLE-3", rule, "") for rule in rules]
        told = {"more": True} if more else {}
        changed = [replace(sections[0], note=octets), *sections[1:]]
        return bad_case(name, pieces, Bundle([line.charter], changed, []).value, *found, **told)

    def with_sections(name: str, changed: list[Section], *rules: str, more: bool = False) -> Case:
        found = [("BUNDLE-3", rule, "") for rule in rules]
        told = {"more": True} if more else {}
        return bad_case(name, pieces, Bundle([line.charter], changed, []).value, *found, **told)

    return [
        with_note("a book note by another root", signed(text, BRAVO), "OPEN-1", "NOTE-3"),
        with_note("a book note with a wrong signature", note(text, ALFA.root.line(bytes(64))), "NOTE-3", "OPEN-1"),
        with_note("a book note signed by another too", signed(text, ALFA, BRAVO), "NOTE-3"),
        with_note("a book note signed twice", note(text, ALFA.root.sign(text), ALFA.root.sign(text)), "NOTE-3"),
        with_note("a book note of another channel", signed(moved, ALFA), "OPEN-1", more=True),
        with_note("a book note of an unknown station", signed(text.replace('"hq"', '"bunker"'), ALFA), "OPEN-1 BOOK-1"),
        with_note(
            "a book note with a cosigner's key",
            signed(text.replace(ALFA.book(1).vkey, of_cosigner), ALFA),
            "OPEN-2",
            more=True,
        ),
        with_note("a book note that cannot be read", fine[1:], "spec/3", more=True),
        with_sections("a book of a party that the charter does not name", [*sections, stranger], "OPEN-1", more=True),
        with_sections("books out of order", [sections[1], sections[0], sections[2]], "BUNDLE-3"),
        with_sections("a book twice", [sections[0], *sections], "BUNDLE-3 OPEN-2", more=True),
    ]


def disclosures(pieces: Pieces, line: Line, kept: Kept) -> Cases:
    """BUNDLE-4."""
    two = disclosure(line.alfa, 1, 2)
    hidden = [*line.alfa.items(0, 2), *line.alfa.tiles(2, 3), *line.alfa.items(3, 5)]
    record = Record()
    unread = record.book(ALFA)
    record.begin(kept, unread, [])
    for p in (b"\x09" + bytes(31), bytes(3) + b"\x01" + bytes(28), b"\x00\x00\x01\xff" + bytes(28)):
        record.seal(unread, 1, p)
    section = Section(unread, unread.items(0, 5), [unread.head(5)])

    def opened(name: str, rules: str, mk: list[Any], sections: list[Section] | None = None) -> Case:
        bundle = Bundle([line.charter], sections or whole(line).sections, [mk])
        return bad_case(name, pieces, bundle.value, ("BUNDLE-4", rules, ""))

    return [
        opened("a key that does not open", "SEAL-1", [*two[:2], bytes(32)]),
        opened("the key of another entry", "SEAL-1", [two[0], 3, two[2]]),
        opened("a key for an open entry", "SEAL-1 BUNDLE-4", [two[0], 4, two[2]]),
        opened("a key for an entry that is not there", "SEAL-1 BUNDLE-4", [two[0], 5, two[2]]),
        opened("a key for a book that is not there", "SEAL-1 BUNDLE-4", [CHANNEL + "/alfa/2", 2, two[2]]),
        opened(
            "a key for a hidden entry",
            "SEAL-1 BUNDLE-4",
            two,
            [Section(line.alfa, hidden, line.heads), *whole(line).sections[1:]],
        ),
        opened("sealed in an unknown coding", "SEAL-2", disclosure(unread, 1, 2), [section]),
        opened("sealed with wrong padding", "SEAL-3", disclosure(unread, 1, 3), [section]),
        opened("sealed what is no content", "SEAL-5 CBOR-2", disclosure(unread, 1, 4), [section]),
    ]


def heads(pieces: Pieces, line: Line) -> Cases:
    """BUNDLE-5, BUNDLE-9: a head with a finding counts for no time."""
    alfa, text = line.alfa, line.alfa.text(5)
    at_bravo, own = BRAVO.stations[0].cosigner, ALFA.stations[1].cosigner
    key = alfa.key
    time = (at_bravo, START_S)
    good_line = at_bravo.line(_cosigned(at_bravo, text))
    stranger = CHARLIE.stations[0].cosigner
    untrue = checkpoint(alfa.origin, 5, seed("x"))
    other_book = checkpoint(line.bravo.origin, 5, alfa.root(5))
    extended = text + "extension\n"
    crooked = [*alfa.items(0, 1), *alfa.tiles(2, 4), *alfa.items(4, 5)]

    def with_heads(name: str, rules: str, *octets: bytes, more: bool = False) -> Case:
        told: dict[str, Any] = {"more": True} if more else {"cosignatures": []}
        found = [("BUNDLE-5", rule, "") for rule in rules.split(",")]
        return bad_case(name, pieces, whole(line, heads=octets).value, *found, **told)

    misaligned = whole(line)
    misaligned.sections[0].items = crooked
    return [
        with_heads("a head that the owner has not signed", "HEAD-2", note(text, good_line)),
        with_heads("a head with a wrong signature", "NOTE-3,HEAD-2", note(text, key.line(bytes(64)), good_line)),
        with_heads("a head that the owner has signed last", "HEAD-2", note(text, good_line, key.sign(text))),
        with_heads("a head signed twice by the owner", "NOTE-3", note(text, key.sign(text), key.sign(text))),
        with_heads("another root", "TREE-4", note(untrue, key.sign(untrue))),
        with_heads("a head of another book", "HEAD-1", note(other_book, key.sign(text)), more=True),
        with_heads("a head with an extension", "HEAD-1", note(extended, key.sign(extended)), more=True),
        with_heads("a head that is no note", "NOTE-1", b"x", more=True),
        with_heads("a wrong cosignature", "NOTE-3", alfa.head(5, lines=[at_bravo.line(bytes(72))])),
        with_heads(
            "a cosignature over another head",
            "NOTE-3",
            alfa.head(5, lines=[at_bravo.line(_cosigned(at_bravo, alfa.text(4)))]),
        ),
        with_heads("a cosignature of the book's own party", "RECEIPT-6 NOTE-3", alfa.head(5, (own, START_S))),
        with_heads("a cosignature of a stranger", "NOTE-3 RECEIPT-1", alfa.head(5, (stranger, START_S))),
        with_heads("two cosignatures of one key", "NOTE-3", alfa.head(5, time, (at_bravo, START_S + 1))),
        with_heads("heads that do not grow", "HEAD-2 BUNDLE-5", alfa.head(5), alfa.head(5), more=True),
        with_heads("heads in the wrong order", "HEAD-2 BUNDLE-5", alfa.head(5), alfa.head(3), more=True),
        with_heads("the last head is not that of all entries", "HEAD-1 BUNDLE-5", alfa.head(4), more=True),
        bad_case(
            "a head at no boundary",
            pieces,
            Bundle([line.charter], [Section(alfa, alfa.tiles(0, 5), [alfa.head(3), alfa.head(5)])], []).value,
            ("BUNDLE-5", "TREE-2 BUNDLE-5", ""),
        ),
        bad_case("items that are not aligned", pieces, misaligned.value, ("BUNDLE-5", "TREE-2", ""), more=True),
    ]


def _cosigned(key: Key, text: str) -> bytes:
    return START_S.to_bytes(8, "big") + key.private.sign(f"cosignature/v1\ntime {START_S}\n{text}".encode())


Change = Callable[[Record, Book], object]
MESSAGE = ["open", {"form": "message", "text": "x"}]


def entries(pieces: Pieces, line: Line, kept: Kept) -> Cases:
    """BUNDLE-6, BUNDLE-7: against the author."""
    hpke = reader_key(line.alfa).public
    again = ["opening", digest(FIRST.text()), "again", [], hpke]

    def two(kind: int, body: Any, *second: Any, **changes: Any) -> Change:  # noqa: ANN401 any body, any field
        def change(record: Record, book: Book) -> None:
            record.add(book, kind, body, **changes)
            for one in second:
                record.add(book, *one)

        return change

    def lowered(record: Record, book: Book) -> None:
        record.say(book, "x", seen=(0, 1, 0))
        record.say(book, "x", seen=(0, 0, 0))

    def no_keys(record: Record, book: Book) -> None:
        record.say(book, "x")
        record.seal(book, 1, {"form": "x"})

    def unread(record: Record, book: Book) -> None:
        record.begin(kept, book, [], precedence=0)
        record.add(book, SEALED, b"\0", epoch=1)

    cases: list[tuple[str, str, Change]] = [
        ("an entry of an unknown kind", "BOOK-3", two(7, b"x")),
        ("a second opening", "BOOK-4", two(OPENING, again)),
        ("an entry after the closing", "BOOK-4", two(CLOSING, ["closing", "x"], (OPEN, MESSAGE))),
        ("an epoch on an open entry", "BOOK-7", two(OPEN, MESSAGE, epoch=1)),
        ("sealed under an epoch that is no keys entry", "BOOK-7", no_keys),
        ("two slots", "BOOK-8", two(OPEN, MESSAGE, seen=(0, 1))),
        ("the own book counted", "BOOK-8", two(OPEN, MESSAGE, seen=(1, 0, 0))),
        ("a count that goes down", "BOOK-9", lowered),
        ("keys that do not fit", "BOOK-14", two(KEYS, ["keys", [], bytes(32), [], None])),
        ("an open entry that does not fit", "BOOK-15 READ-1", two(OPEN, ["open", {}])),
        ("an adoption that does not fit", "BOOK-16", two(ADOPT, ["adopt", "card", 2, bytes(32)])),
        ("an erasure that does not fit", "BOOK-17", two(ERASED, ["erased", 0])),
        ("a closing that does not fit", "BOOK-18", two(CLOSING, b"\xff")),
    ]
    found = []
    for name, rules, change in cases:
        record = Record()
        alfa, bravo = record.book(ALFA), record.book(BRAVO)
        change(record, alfa)
        bundle = Bundle([line.charter], [entire(alfa), entire(bravo)], [])
        inside = " CBOR-1 CBOR-2" if "fit" in name else ""
        found.append(bad_case(name, pieces, bundle.value, ("BUNDLE-6", rules + inside, "alfa")))
    found += views(pieces, line)
    record = Record()
    alfa = record.book(ALFA)
    unread(record, alfa)
    bundle = Bundle([line.charter], [entire(alfa)], [])
    found.append({**bad_case("a sealed body that nobody can open is no finding", pieces, bundle.value), "good": True})
    return found


def views(pieces: Pieces, line: Line) -> Cases:
    """BUNDLE-7."""
    record = Record()
    alfa, bravo = record.book(ALFA), record.book(BRAVO)
    record.say(alfa, "x", seen=(0, 1, 0), view=bytes(32))
    record.say(bravo, "x", seen=(2, 0, 0))
    wrong = Bundle([line.charter], [entire(alfa), entire(bravo)], [])
    record.say(alfa, "x", seen=(0, 0, 0), view=bytes(32))
    nothing = Bundle([line.charter], [entire(alfa), entire(bravo)], [])
    return [
        bad_case("another view", pieces, wrong.value, ("BUNDLE-7", "BOOK-10", "alfa")),
        bad_case(
            "another view of nothing, and a count that goes down",
            pieces,
            nothing.value,
            ("BUNDLE-7", "BOOK-10", "alfa"),
            ("BUNDLE-6", "BOOK-9", "alfa"),
        ),
    ]


def entire(book: Book) -> Section:
    """All of a book."""
    size = len(book.entries)
    return Section(book, book.items(0, size), [book.head(size)])


def cases(pieces: Pieces, kept: Kept) -> Cases:
    """All of them."""
    line = small(kept)
    return [
        *shapes(pieces, line),
        *charters(pieces, line),
        *notes(pieces, line),
        *disclosures(pieces, line, kept),
        *heads(pieces, line),
        *entries(pieces, line, kept),
    ]
