"""vectors/books: leaves, bodies and views are as stated there, and exactly the stated entries are marked."""

from functools import partial
from typing import Any

from detente.crypto.hashing import sha256
from detente.formats.canonical import decode, encode
from detente.formats.entry import Leaf, decode_body, decode_leaf, encode_body, encode_leaf
from detente.formats.frame import EntryItem, decode_item
from detente.ids import Origin, PartyId
from detente.protocol.book import HeldEntry
from detente.protocol.ledger import Ledger
from detente.protocol.roster import Roster
from detente.testing.fakes import MemoryDisk, MemoryStore
from detente.tlog.tree import leaf_hash
from tests.vectors.cases import Case, every, judged, load, octets_of


def tuples(value: Any) -> Any:  # noqa: ANN401 any decoded value
    """Lists as tuples, all the way down."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


@every("books", "leaves")
def test_book_11_leaves(case: Case) -> None:
    """BOOK-2, BOOK-11."""
    octets = octets_of(case)
    if judged(case, partial(decode_leaf, octets)):
        assert encode_leaf(decode_leaf(octets)) == octets
        assert leaf_hash(octets) == octets_of(case, "hash")


@every("books", "bodies")
def test_book_13_bodies(case: Case) -> None:
    """BOOK-13 to BOOK-18."""
    octets = octets_of(case)
    if judged(case, partial(decode_body, case["kind"], octets)):
        assert encode_body(decode_body(case["kind"], octets)) == octets


@every("books", "views")
def test_book_10_views(case: Case) -> None:
    """BOOK-10: what is counted, in its order, and the hash over its roots."""
    ledger = Ledger(Roster(), MemoryStore(MemoryDisk()))
    ledger.roster.take(load("books")["notes"]["note 1"].encode())
    assert [party.id for party in ledger.roster.newest.charter.parties] == case["parties"]
    counted = [[one.origin, one.count] for one in ledger.counted(tuples(case["seen"]))]
    assert counted == [root[:2] for root in case["roots"]]
    parts = [[origin, count, bytes.fromhex(root)] for origin, count, root in case["roots"]]
    assert encode(["detente/1 view", parts]) == octets_of(case, "input")
    assert sha256(octets_of(case, "input")) == octets_of(case, "view")


def held_entry(index: int, octets: str) -> HeldEntry:
    """An entry of the file in its place."""
    item = decode_item(tuples(decode(bytes.fromhex(octets))))
    assert isinstance(item, EntryItem)
    kind, at, precedence, epoch, seen, view, body = item
    leaf = encode_leaf(Leaf(kind, at, precedence, epoch, seen, view or b"", len(body), sha256(body)))
    return HeldEntry(index, decode_leaf(leaf), leaf, leaf_hash(leaf), body)


def filled(case: Case, *, backwards: bool) -> Ledger:
    """A ledger that has taken all entries of a record."""
    ledger = Ledger(Roster(), MemoryStore(MemoryDisk()))
    for name in case["notes"]:
        ledger.roster.take(load("books")["notes"][name].encode())
    for held in ledger.roster.book_notes.values():
        ledger.add(held, ours=False)
    origins = list(case["books"])
    for origin in reversed(origins) if backwards else origins:
        for index, name in enumerate(case["books"][origin]):
            entry = held_entry(index, load("books")["entries"][name])
            ledger.take(ledger.books[Origin(origin)], entry, view_known=False)
        ledger.check_views()
    while ledger.check_views():
        pass
    return ledger


@every("books", "records")
def test_book_12_records(case: Case) -> None:
    """BOOK-12: exactly what is stated is marked, whatever comes first."""
    for backwards in (False, True):
        ledger = filled(case, backwards=backwards)
        parties = {book.origin: [str(PartyId(book.party)), book.number] for book in ledger.books.values()}
        found = [([*parties[row.origin], row.index], row.rule) for row in ledger.work.findings]
        expected = [(reference, rules) for reference, rules in case["marks"]]
        assert len(found) == len(expected), found
        for reference, rules in expected:
            rule = next((rule for place, rule in found if place == reference and rule in rules), None)
            assert rule is not None, (reference, rules, found)
            found.remove((reference, rule))
        books = ledger.books.values()
        pending = [[*parties[book.origin], at] for book in books for at in range(book.viewed, book.size)]
        assert pending == case["pending"]
