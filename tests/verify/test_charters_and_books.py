"""BUNDLE-2, BUNDLE-3, BUNDLE-5, BUNDLE-8, BUNDLE-9: charters, book notes, tilings, heads, proved times."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from detente.formats.book_note import BookNote, write_book_note
from detente.formats.bundle import BookSection, Bundle
from detente.formats.charter import write_charter
from detente.formats.frame import Subtree
from detente.ids import PartyId
from detente.tlog.checkpoint import checkpoint_text, cosign
from detente.tlog.note import Note, NoteSignature, format_note, parse_note, sign_note, signature_line
from detente.tlog.vkeys import ED25519, verifier_key
from detente.verify import signatures
from detente.verify.audit import audit
from detente.verify.findings import Report
from tests.verify.records import (
    ALFA,
    BRAVO,
    CHANNEL,
    HARBOUR,
    PARTIES,
    START_S,
    Record,
    TestBook,
    charter_of,
    cosigner_of,
    digest_of,
    key_of,
    octets_of,
    party_of,
    signed_charter,
    small_bundle,
    small_record,
    with_book,
)

GARBAGE = b"no note"


def checked(bundle: Bundle) -> Report:
    """The report on a bundle."""
    return audit(octets_of(bundle))


def found(bundle: Bundle) -> list[tuple[str, str]]:
    """(check, rule) of each finding, in order."""
    return [(one.check, one.rule) for one in checked(bundle).findings]


def lines_of(octets: bytes, change: Callable[[tuple[NoteSignature, ...]], tuple[NoteSignature, ...]]) -> bytes:
    """A note with its signature lines changed."""
    note = parse_note(octets)
    return format_note(Note(note.text, change(note.signatures)))


def stranger(text: str) -> NoteSignature:
    """A good signature by a key that nobody knows."""
    return sign_note(text, key_of("stranger"), "stranger")


def with_stranger(octets: bytes) -> bytes:
    """A note with a line of an unknown key at its end."""
    return lines_of(octets, lambda lines: (*lines, stranger(parse_note(octets).text)))


# --- BUNDLE-2


def chain(*charters: bytes) -> Bundle:
    """A bundle of charters alone."""
    return Bundle(charters, (), ())


THREE = [party_of(one) for one in PARTIES]
FIRST = signed_charter(charter_of(THREE))
CHARLIE = replace(party_of(PartyId("charlie")), role="observer")
SECOND = charter_of([*THREE, CHARLIE], 2, digest_of(FIRST))


def test_bundle_2_a_chain_is_sound() -> None:
    """CHARTER-5, CHARTER-6: number 1 upward, each signed by its principals; a witness's signature is welcome."""
    assert found(chain(FIRST)) == []
    assert found(chain(FIRST, signed_charter(SECOND))) == []
    report = checked(chain(signed_charter(charter_of(THREE), (ALFA, HARBOUR, BRAVO))))
    assert report.sound
    assert report.charters[0].signed_by == (ALFA, BRAVO, HARBOUR)


@pytest.mark.parametrize(
    ("charters", "expected"),
    [
        ((signed_charter(charter_of(THREE), (ALFA,)),), [("BUNDLE-2", "CHARTER-5")]),
        ((with_stranger(FIRST),), [("BUNDLE-2", "NOTE-3")]),
        ((lines_of(FIRST, lambda lines: (*lines, lines[0])),), [("BUNDLE-2", "NOTE-3")]),
        (
            (lines_of(FIRST, lambda lines: (lines[0], lines[1]._replace(signature=bytes(64)))),),
            [("BUNDLE-2", "NOTE-3"), ("BUNDLE-2", "CHARTER-5")],
        ),
        ((GARBAGE,), [("BUNDLE-2", "NOTE-1"), ("BUNDLE-2", "CHARTER-5")]),
        ((signed_charter(SECOND),), [("BUNDLE-2", "CHARTER-6")]),
        ((FIRST, GARBAGE), [("BUNDLE-2", "NOTE-1")]),
        ((FIRST, FIRST), [("BUNDLE-2", "CHARTER-6"), ("BUNDLE-2", "CHARTER-6")]),
        ((FIRST, signed_charter(replace(SECOND, amends=bytes(32)))), [("BUNDLE-2", "CHARTER-6")]),
        ((FIRST, signed_charter(replace(SECOND, mode="EXERCISE"))), [("BUNDLE-2", "CHARTER-6")]),
        ((FIRST, signed_charter(SECOND, (ALFA,))), [("BUNDLE-2", "CHARTER-5")]),
    ],
)
def test_bundle_2_findings(charters: tuple[bytes, ...], expected: list[tuple[str, str]]) -> None:
    """BUNDLE-2: everything that is wrong with the charters, and nothing else."""
    assert found(chain(*charters)) == expected


def test_bundle_2_a_charter_of_another_shape() -> None:
    """spec/3: a text that is no charter is found under its rule, and named by its number."""
    text = write_charter(charter_of(THREE)).replace('mode = "REAL"', 'mode = "GAME"')
    lines = tuple(sign_note(text, key_of(one, "root"), f"{one}-root") for one in (ALFA, BRAVO))
    report = checked(chain(format_note(Note(text, lines))))
    assert [(one.rule, one.place) for one in report.findings] == [("spec/3", "charter 1"), ("CHARTER-5", "charters")]
    assert (report.channel, report.parties) == ("", ())


def test_charter_6_a_principal_who_stops_being_one_signs_too() -> None:
    """CHARTER-6: the signatures of every principal of n and of n+1."""
    parties = [THREE[0], replace(THREE[1], role="observer"), replace(THREE[2], role="principal")]
    amended = charter_of(parties, 2, digest_of(FIRST))
    assert found(chain(FIRST, signed_charter(amended, (ALFA, BRAVO, HARBOUR)))) == []
    assert found(chain(FIRST, signed_charter(amended, (ALFA, HARBOUR)))) == [("BUNDLE-2", "CHARTER-5")]


def test_bundle_10_the_fingerprints_are_of_the_roots() -> None:
    """BUNDLE-10: one for each party, of its root alone; another root, another fingerprint."""
    report = checked(chain(FIRST))
    assert [one.id for one in report.parties] == list(PARTIES)
    assert len({one.fingerprint for one in report.parties}) == 3
    assert all(len(one.fingerprint.split(" ")) == 10 for one in report.parties)


def test_note_1_a_note_must_be_exactly_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """NOTE-1: if reading ever let other octets pass, writing them again would tell (here: a reader that drops a line)."""
    note = parse_note(FIRST)
    monkeypatch.setattr(signatures, "parse_note", lambda _octets: Note(note.text, note.signatures[:1]))
    assert found(chain(FIRST))[0] == ("BUNDLE-2", "NOTE-1")


# --- BUNDLE-3


def note_of(signer: str = ALFA, **changes: object) -> bytes:
    """A book note of alfa with something changed."""
    note = BookNote(CHANNEL, ALFA, 1, "hq", verifier_key(f"{CHANNEL}/alfa/1", ED25519, key_of(ALFA, "book", 1).public))
    note = replace(note, **changes)  # type: ignore[arg-type]
    note = replace(note, key=note.key._replace(name=f"{note.channel}/{note.party}/{note.book}"))
    text = write_book_note(note)
    return format_note(Note(text, (sign_note(text, key_of(signer, "root"), f"{signer}-root"),)))


def bad_notes() -> list[tuple[bytes, set[tuple[str, str]]]]:
    """Book notes with what must be found about them; the heads of the book no longer fit some."""
    whole = note_of()
    other_channel = CHANNEL.replace("ab", "xy")
    root = verifier_key("x", ED25519, key_of(BRAVO, "root").public)
    wrong = sign_note(parse_note(whole).text + "x\n", key_of(ALFA, "root"), "alfa-root")
    return [
        (GARBAGE, {("BUNDLE-3", "NOTE-1")}),
        (FIRST, {("BUNDLE-3", "spec/3")}),
        (note_of(BRAVO), {("BUNDLE-3", "NOTE-3"), ("BUNDLE-3", "OPEN-1")}),
        (with_stranger(whole), {("BUNDLE-3", "NOTE-3")}),
        (lines_of(whole, lambda _: (wrong,)), {("BUNDLE-3", "NOTE-3"), ("BUNDLE-3", "OPEN-1")}),
        (note_of(party=PartyId("delta")), {("BUNDLE-3", rule) for rule in ("NOTE-3", "OPEN-1", "BOOK-1")}),
        (note_of(channel=other_channel), {("BUNDLE-3", "OPEN-1")}),
        (note_of(station="bunker"), {("BUNDLE-3", "BOOK-1")}),
        (note_of(key=root), {("BUNDLE-3", "OPEN-2")}),
    ]


@pytest.mark.parametrize(("note", "expected"), bad_notes())
def test_bundle_3_findings(note: bytes, expected: set[tuple[str, str]]) -> None:
    """BUNDLE-3: everything that is wrong with a book note is found, and the other book is still checked."""
    bundle = with_book(replace(small_bundle(), disclosures=()), 0, note=note)
    report = checked(bundle)
    assert expected <= {(one.check, one.rule) for one in report.findings}
    assert {(one.check, one.rule) for one in report.findings if one.check == "BUNDLE-3"} == expected
    assert report.books[-1].origin.endswith("/bravo/1")


def test_bundle_3_books_are_sorted_and_each_occurs_once() -> None:
    """BUNDLE-3: by the place of the party, then by number; twice is a finding, and so is its key (OPEN-2)."""
    bundle = small_bundle()
    alfa, bravo = bundle.books
    assert found(replace(bundle, books=(bravo, alfa))) == [("BUNDLE-3", "BUNDLE-3")]
    assert found(replace(bundle, books=(alfa, alfa, bravo))) == [("BUNDLE-3", "OPEN-2"), ("BUNDLE-3", "BUNDLE-3")]


# --- BUNDLE-5


def whole_book() -> tuple[Record, TestBook]:
    """Alfa's book alone, four entries."""
    record, alfa, _ = small_record()
    return record, alfa


def bundle_of_heads(*heads: bytes, items: tuple[Subtree, ...] | None = None) -> Bundle:
    """Alfa's book all hidden, boundaries at 2 and 4, with these heads."""
    record, alfa = whole_book()
    hidden = items if items is not None else (*alfa.hidden(0, 2), *alfa.hidden(2, 4))
    return Bundle(tuple(record.notes), (BookSection(alfa.note, hidden, heads),), ())


def owner_head(text: str, *lines: NoteSignature) -> bytes:
    """A head of any text, signed by alfa's book key, and further lines."""
    book = TestBook(ALFA)
    return format_note(Note(text, (sign_note(text, book.key, book.origin), *lines)))


ALFA_BOOK = whole_book()[1]
LAST = ALFA_BOOK.head(4)
TEXT = parse_note(LAST).text
SIBLING = signature_line(cosigner_of(ALFA), cosign(key_of(ALFA, "cosigner"), TEXT, START_S))
OF_BRAVO = signature_line(cosigner_of(BRAVO), cosign(key_of(BRAVO, "cosigner"), TEXT, START_S))
FALSE_ROOT = owner_head(checkpoint_text(ALFA_BOOK.origin, 4, bytes(32)))


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ((LAST,), []),
        ((ALFA_BOOK.head(2), LAST), []),
        ((owner_head(TEXT, OF_BRAVO),), []),
        ((GARBAGE, LAST), ["NOTE-1"]),
        ((owner_head("a\nb\nc\n"), LAST), ["HEAD-1"]),
        ((owner_head(TEXT.replace("/alfa/", "/bravo/")),), ["HEAD-1"]),
        ((LAST, LAST), ["HEAD-2"]),
        ((LAST, ALFA_BOOK.head(2)), ["HEAD-2"]),
        ((ALFA_BOOK.head(0), LAST), ["HEAD-2"]),
        ((ALFA_BOOK.head(3), LAST), ["TREE-2"]),
        ((ALFA_BOOK.head(2),), ["HEAD-1"]),
        ((FALSE_ROOT,), ["TREE-4"]),
        ((lines_of(LAST, lambda lines: (lines[0]._replace(signature=bytes(64)),)),), ["NOTE-3", "HEAD-2"]),
        ((format_note(Note(TEXT, (OF_BRAVO,))),), ["HEAD-2"]),
        ((lines_of(owner_head(TEXT, OF_BRAVO), lambda lines: lines[::-1]),), ["HEAD-2"]),
        ((owner_head(TEXT, OF_BRAVO, OF_BRAVO),), ["NOTE-3"]),
        ((owner_head(TEXT, OF_BRAVO._replace(signature=bytes(72))),), ["NOTE-3"]),
        ((owner_head(TEXT, OF_BRAVO._replace(signature=b"\xff" * 72)),), ["NOTE-3"]),
        ((owner_head(TEXT, SIBLING),), ["RECEIPT-6"]),
        ((with_stranger(LAST),), ["NOTE-3"]),
    ],
)
def test_bundle_5_findings(heads: tuple[bytes, ...], expected: list[str]) -> None:
    """BUNDLE-5: everything that is wrong with the heads of a book, and nothing else."""
    assert found(bundle_of_heads(*heads)) == [("BUNDLE-5", rule) for rule in expected]


def test_bundle_5_a_tiling_that_is_not_aligned() -> None:
    """TREE-2: a subtree that cannot start where it stands; what was before it still stands."""
    one, two = ALFA_BOOK.hidden(0, 1), ALFA_BOOK.hidden(2, 4)
    report = checked(bundle_of_heads(LAST, items=(*one, *two)))  # type: ignore[arg-type]  # all are subtrees
    assert [one.rule for one in report.findings] == ["TREE-2", "TREE-2", "HEAD-1"]
    assert report.books[0].size == 1


def test_bundle_5_a_head_of_no_items() -> None:
    """HEAD-2: an empty book has no head."""
    assert ("BUNDLE-5", "HEAD-2") in found(bundle_of_heads(ALFA_BOOK.head(0), items=()))


def test_receipt_2_post_quantum_receipts_count() -> None:
    """RECEIPT-2: type 0x06 beside 0x04; the report tells them apart."""
    record = Record([charter_of([party_of(one, pq=True) for one in PARTIES])])
    alfa = record.book(ALFA)
    head = alfa.head(1, [(BRAVO, START_S)], pq=[(BRAVO, START_S + 5)])
    bundle = Bundle(tuple(record.notes), (BookSection(alfa.note, tuple(alfa.items), (head,)),), ())
    report = checked(bundle)
    assert report.findings == ()
    assert [one.post_quantum for one in report.books[0].heads[0].receipts] == [False, True]


# --- BUNDLE-8, BUNDLE-9


def test_bundle_8_hidden_indexes_are_listed() -> None:
    """BUNDLE-8: as ranges, neighbours joined."""
    assert [book.hidden for book in checked(small_bundle()).books] == [((0, 1), (3, 3)), ((0, 0),)]
    assert checked(bundle_of_heads(LAST)).books[0].hidden == ((0, 3),)


def test_bundle_9_the_interval_is_between_receipts_of_others() -> None:
    """BUNDLE-9: after the latest receipt at most at the index, before the earliest above it; `-` where there is none."""
    alfa, bravo = checked(small_bundle()).entries
    assert (alfa.not_before_s, alfa.not_after_s) == (START_S + 10, START_S + 20)
    assert (bravo.not_before_s, bravo.not_after_s) == (None, None)


def test_bundle_9_only_receipts_over_sound_heads_count() -> None:
    """BUNDLE-9: a receipt over a root that does not follow from the items says nothing about them."""
    line = signature_line(cosigner_of(BRAVO), cosign(key_of(BRAVO, "cosigner"), parse_note(FALSE_ROOT).text, START_S))
    head = lines_of(FALSE_ROOT, lambda lines: (*lines, line))
    report = checked(with_book(small_bundle(), 0, heads=(head,)))
    assert report.entries[0].not_after_s is None


def test_bundle_9_clocks_that_contradict_each_other_are_noted() -> None:
    """BUNDLE-9: clocks are claims; an interval that ends before it begins is no finding against anybody."""
    _, alfa, _ = small_record()
    heads = (alfa.head(2, [(BRAVO, START_S + 90)]), alfa.head(4, [(HARBOUR, START_S)]))
    report = checked(with_book(small_bundle(), 0, heads=heads))
    assert report.sound
    assert [one.text for one in report.remarks if "clocks" in one.text]
