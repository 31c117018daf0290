"""The checks that every store and every anchor must pass: each tests a promise of `contracts`. No test framework.

    check_store(lambda place: MyStore.open(directory / place))
    check_anchor(lambda place: MyAnchor(directory / place))

`make(place)` opens what is kept at `place`, a word; at first there is nothing, and it starts empty. After `close`, or
after a fault, `make(place)` again finds what was committed. A broken promise raises AssertionError. What needs a
machine (a full disk, a killed process) is not here: see the tests of the SQLite store.
"""

from collections.abc import Callable
from hashlib import sha256
from threading import Thread

from detente.contracts import Anchor, Store
from detente.errors import StoreFault, StoreFull
from detente.formats.entry import Kind
from detente.ids import Origin
from detente.protocol.effects import (
    AnchorRecord,
    BookRow,
    CosignatureRow,
    EntryRow,
    FindingRow,
    GivenRow,
    HeadRow,
    NodeRow,
    NoteRow,
    SizeRow,
    StoredBook,
    Work,
)

MakeStore = Callable[[str], Store]
MakeAnchor = Callable[[str], Anchor]

ALFA = Origin("north/alfa/1")
BRAVO = Origin("north/bravo/1")
SOUTH = Origin("south/alfa/1")
NOBODY = Origin("north/charlie/1")
HELD_AT = 1_700_000_000_123


def check_store(make: MakeStore) -> None:
    """Run every check of STORE_CHECKS, each in a place of its own. Raises AssertionError."""
    for check in STORE_CHECKS:
        check(make)


def check_anchor(make: MakeAnchor) -> None:
    """Run every check of ANCHOR_CHECKS, each in a place of its own. Raises AssertionError."""
    for check in ANCHOR_CHECKS:
        check(make)


# --- rows


def entry(origin: Origin, index: int, content: str = "", kind: Kind = Kind.SEALED) -> EntryRow:
    """An entry row with octets that depend on all arguments; of its leaf only two octets are real (BOOK-2)."""
    body = f"{origin} {index} {content}".encode()
    return EntryRow(origin, index, bytes([0x88, kind]) + body, sha256(body).digest(), body)


def note(channel: str, number: int, content: str = "") -> NoteRow:
    """A charter's row."""
    text = f"{channel} {number}".encode()
    return NoteRow(channel, sha256(text).digest(), "charter", number, "", text + content.encode())


def head(origin: Origin, size: int, content: str = "") -> HeadRow:
    """A head's row."""
    return HeadRow(origin, size, sha256(f"{origin} {size} {content}".encode()).digest(), b"s" * 64)


def receipt(origin: Origin, size: int, cosigner: str, kind: int = 4, timestamp: int = 1_700_000_000) -> CosignatureRow:
    """A receipt's row."""
    return CosignatureRow(origin, size, cosigner, kind, timestamp, timestamp.to_bytes(8, "big") + b"r" * 64)


def finding(origin: str, index: int, text: str = "slots") -> FindingRow:
    """A finding's row."""
    return FindingRow(Origin(origin), index, "BOOK-8", text, b"proof of " + text.encode())


def books() -> Work:
    """Three books in two channels."""
    return Work(books=[BookRow(ALFA, "north", True), BookRow(BRAVO, "north", False), BookRow(SOUTH, "south", True)])


def full_turn(start: int, stop: int) -> Work:
    """One row or more of every kind, with the entries `start` to `stop` - 1 of book ALFA."""
    return Work(
        notes=[note("north", start)],
        entries=[entry(ALFA, index) for index in range(start, stop)],
        nodes=[NodeRow(ALFA, 8, start, b"n" * 32)],
        sizes=[SizeRow(ALFA, start, stop, start)],
        heads=[head(ALFA, stop)],
        cosignatures=[receipt(ALFA, stop, "bravo-witness")],
        findings=[finding(ALFA, start)],
    )


# --- the store


def new_store_is_empty(make: MakeStore) -> None:
    """A new store holds nothing, and unknown names read as nothing."""
    store = make("empty")
    held = (store.notes(), store.books(), store.findings(), store.arrivals("north"), store.notes("north"))
    _equal(held, ([], [], [], [], []), "a new store is empty")
    reads = (store.entries(ALFA, 0, 9), store.heads(ALFA), store.cosignatures(ALFA), store.hashes(ALFA, 0, 5, 5))
    _equal(reads, ([], [], [], []), "an unknown book has no entries, heads or receipts")
    store.commit(Work(), HELD_AT)
    store.close()


def everything_written_is_read_back(make: MakeStore) -> None:
    """Every row kind reads back as it was written, from the same object and after reopening."""
    store = make("round-trip")
    store.commit(books(), HELD_AT)
    store.commit(full_turn(0, 3), HELD_AT)
    _read_full_turn(store)
    store.close()
    store = make("round-trip")
    _read_full_turn(store)
    store.close()


def _read_full_turn(store: Store) -> None:
    _equal(store.notes(), [note("north", 0)], "notes read back")
    expected = [StoredBook(ALFA, "north", True, 3, 0), StoredBook(BRAVO, "north", False, 0, 0)]
    _equal(store.books(), [*expected, StoredBook(SOUTH, "south", True, 0, 0)], "books read back, sizes begin at 0")
    _true(all(isinstance(book.ours, bool) for book in store.books()), "`ours` is a bool")
    _equal(store.entries(ALFA, 0, 3), [entry(ALFA, index) for index in range(3)], "entries read back")
    _equal(store.hashes(ALFA, 0, 0, 3), [entry(ALFA, index).leaf_hash for index in range(3)], "leaf hashes read back")
    _equal(store.hashes(ALFA, 8, 0, 1), [b"n" * 32], "nodes read back")
    _equal(store.heads(ALFA), [head(ALFA, 3)], "heads read back")
    _equal(store.cosignatures(ALFA), [receipt(ALFA, 3, "bravo-witness")], "receipts read back")
    _equal(store.findings(), [finding(ALFA, 0)], "findings read back")
    expected_arrivals = [(HELD_AT, entry(ALFA, index)) for index in range(3)]
    _equal([row[1:] for row in store.arrivals("north")], expected_arrivals, "arrivals read back with held_at")


def a_book_is_written_once(make: MakeStore) -> None:
    """A second BookRow of an origin is a StoreFault; a row of a book that is not there, too."""
    _refuses(make, "book-twice", Work(books=[BookRow(ALFA, "north", True)]))
    _refuses(make, "book-unknown", Work(entries=[entry(NOBODY, 0)]))
    _refuses(make, "book-unknown-head", Work(heads=[head(NOBODY, 1)]))
    _refuses(make, "book-unknown-size", Work(sizes=[SizeRow(NOBODY, 0, 1, 0)]))


def an_entry_is_unique_for_ever(make: MakeStore) -> None:
    """STORE-1: a second entry at (origin, index) is a StoreFault, be it equal or not, earlier or in the same turn."""
    _refuses(make, "entry-other", Work(entries=[entry(ALFA, 1, "other")]))
    _refuses(make, "entry-equal", Work(entries=[entry(ALFA, 1)]))
    _refuses(make, "entry-in-turn", Work(entries=[entry(ALFA, 5), entry(ALFA, 5, "other")]))
    _refuses(make, "node", Work(nodes=[NodeRow(ALFA, 8, 0, b"o" * 32)]))


def a_size_is_a_compare_and_swap(make: MakeStore) -> None:
    """STORE-1: a size moves only from the stored one; `viewed` goes with it; rows of one turn follow each other."""
    _refuses(make, "size-behind", Work(sizes=[SizeRow(ALFA, 0, 4, 0)]))
    _refuses(make, "size-ahead", Work(sizes=[SizeRow(ALFA, 4, 5, 0)]))
    _refuses(make, "size-second-wrong", Work(sizes=[SizeRow(BRAVO, 0, 1, 0), SizeRow(ALFA, 2, 5, 0)]))
    store = _started(make, "size")
    store.commit(Work(sizes=[SizeRow(ALFA, 3, 4, 1), SizeRow(ALFA, 4, 6, 2), SizeRow(BRAVO, 0, 0, 0)]), HELD_AT)
    _equal([(row.size, row.viewed) for row in store.books()], [(6, 2), (0, 0), (0, 0)], "sizes and viewed move")
    store.close()


def equal_rows_are_left_as_they_are(make: MakeStore) -> None:
    """Notes, heads, receipts and findings may come again with equal content; nothing doubles, order stays."""
    store = _started(make, "again")
    again = Work(
        notes=[note("north", 1), note("north", 0), note("north", 1)],
        heads=[head(ALFA, 3), head(ALFA, 4), head(ALFA, 4)],
        cosignatures=[receipt(ALFA, 3, "bravo-witness"), receipt(ALFA, 4, "bravo-witness")],
        findings=[finding(ALFA, 0), finding(ALFA, 0, "view"), finding(ALFA, 0, "view")],
    )
    for _ in range(2):
        store.commit(again, HELD_AT + 5)
        _equal(store.notes(), [note("north", 0), note("north", 1)], "an equal note is kept once")
        _equal(store.heads(ALFA), [head(ALFA, 3), head(ALFA, 4)], "an equal head is kept once")
        _equal([row.size for row in store.cosignatures(ALFA)], [3, 4], "an equal receipt is kept once")
        _equal(store.findings(), [finding(ALFA, 0), finding(ALFA, 0, "view")], "an equal finding is kept once")
    store.close()


def different_rows_at_one_place_are_refused(make: MakeStore) -> None:
    """A head, note or receipt with other content at the same place is a StoreFault."""
    _refuses(make, "head-root", Work(heads=[head(ALFA, 3, "other")]))
    _refuses(make, "head-signature", Work(heads=[head(ALFA, 3)._replace(signature=b"o" * 64)]))
    _refuses(make, "head-in-turn", Work(heads=[head(ALFA, 9), head(ALFA, 9, "other")]))
    _refuses(make, "note-octets", Work(notes=[note("north", 0, "other")]))
    _refuses(make, "receipt-time", Work(cosignatures=[receipt(ALFA, 3, "bravo-witness", timestamp=1_700_000_009)]))


def a_refused_turn_writes_nothing(make: MakeStore) -> None:
    """All or nothing: a turn whose last row is refused leaves no row of it behind, not even its books."""
    charlie = Work(books=[BookRow(NOBODY, "east", False)], entries=[entry(NOBODY, 0)], notes=[note("east", 1)])
    charlie.cosignatures = [receipt(NOBODY, 1, "w"), receipt(ALFA, 3, "bravo-witness", timestamp=5)]
    charlie.heads = [head(NOBODY, 1)]
    charlie.sizes = [SizeRow(NOBODY, 0, 1, 0)]
    charlie.findings = [finding(NOBODY, 0)]
    _refuses(make, "half", charlie)
    store = make("half")
    held = (store.entries(NOBODY, 0, 1), store.heads(NOBODY), store.arrivals("east"), store.notes("east"))
    _equal(held, ([], [], [], []), "nothing of a refused turn is there")
    charlie.cosignatures.pop()
    store.commit(charlie, HELD_AT)
    _equal(len(store.books()), 4, "the mended turn is written")
    store.close()


def entries_have_gaps(make: MakeStore) -> None:
    """Entries may be held past a gap: they are left out of `entries`, and a missing hash is a StoreFault."""
    store = _started(make, "gaps")
    far = 2**40 - 1
    store.commit(Work(entries=[entry(ALFA, 7), entry(ALFA, 5), entry(BRAVO, 0), entry(ALFA, far)]), HELD_AT)
    _equal([row.index for row in store.entries(ALFA, 1, 7)], [1, 2, 5], "missing indexes are left out")
    _equal([row.index for row in store.entries(ALFA, 6, 2**40)], [7, far], "the greatest index is held")
    _equal(store.entries(BRAVO, 0, 2**40), [entry(BRAVO, 0)], "books do not run into each other")
    _equal((store.entries(ALFA, 3, 3), store.entries(ALFA, 3, 5)), ([], []), "empty spans are empty")
    for origin, level, start, stop in ((ALFA, 0, 2, 6), (ALFA, 8, 0, 2), (NOBODY, 0, 0, 1), (ALFA, 16, 0, 1)):
        _faults(lambda o=origin, v=level, a=start, z=stop: store.hashes(o, v, a, z), "a missing hash is a StoreFault")  # type: ignore[misc]
    store.close()


def special_entries_are_found(make: MakeStore) -> None:
    """Entries that are neither sealed nor open, of one book, by index, past gaps as well."""
    store = _started(make, "special")
    rows = [entry(ALFA, 90 - kind, kind=kind) for kind in Kind]
    store.commit(Work(entries=[*rows, entry(BRAVO, 0, kind=Kind.OPENING)]), HELD_AT)
    expected = [row for row in reversed(rows) if row.leaf[1] not in (Kind.SEALED, Kind.OPEN)]
    _equal(store.special_entries(ALFA), expected, "special entries by index")
    _equal((store.special_entries(SOUTH), store.special_entries(NOBODY)), ([], []), "no special entries there")
    store.close()


def given_only_grows(make: MakeStore) -> None:
    """LADDER-2: the largest size given for each (origin, party) is kept, whatever comes later, in one turn or more."""
    store = _started(make, "given")
    _equal(store.given(), [], "nothing was given yet")
    store.commit(
        Work(given=[GivenRow(ALFA, "bravo", 2), GivenRow(SOUTH, "bravo", 1), GivenRow(ALFA, "bravo", 1)]), HELD_AT
    )
    store.commit(Work(given=[GivenRow(ALFA, "charlie", 3), GivenRow(ALFA, "bravo", 1)]), HELD_AT)
    store.commit(Work(given=[GivenRow(SOUTH, "bravo", 4)]), HELD_AT)
    store.close()
    store = make("given")
    expected = {GivenRow(ALFA, "bravo", 2), GivenRow(ALFA, "charlie", 3), GivenRow(SOUTH, "bravo", 4)}
    _equal((set(store.given()), len(store.given())), (expected, 3), "the largest size for each (origin, party)")
    store.close()
    _refuses(make, "given-unknown", Work(given=[GivenRow(NOBODY, "bravo", 1)]))


def levels_do_not_mix(make: MakeStore) -> None:
    """Nodes of several levels and books, at the greatest index of each level."""
    store = _started(make, "levels")
    nodes = [
        NodeRow(origin, level, index, sha256(f"{origin} {level} {index}".encode()).digest())
        for origin in (ALFA, BRAVO)
        for level in (8, 16, 24, 32, 40)
        for index in sorted({1, 2, 2 ** (40 - level) - 1})
        if index < 2 ** (40 - level)
    ]
    store.commit(Work(nodes=nodes), HELD_AT)
    for row in nodes:
        _equal(store.hashes(row.origin, row.level, row.index, row.index + 1), [row.digest], "a node reads back")
    _equal(store.hashes(ALFA, 16, 1, 3), [row.digest for row in nodes[3:5]], "nodes read back in order")
    store.close()


def reads_are_ordered_and_bounded(make: MakeStore) -> None:
    """Heads by size; receipts by size, then cosigner; notes and findings oldest first; `at_least` is inclusive."""
    store = _started(make, "order")
    sizes = (900, 20, 100)
    store.commit(Work(heads=[head(ALFA, size) for size in sizes], notes=[note("south", 9), note("north", 5)]), HELD_AT)
    receipts = [receipt(ALFA, size, name, kind) for size in sizes for name in ("zulu", "mike") for kind in (6, 4)]
    receipts.append(receipt(BRAVO, 50, "mike", timestamp=2**64 - 1))  # a peer may claim any time
    store.commit(Work(cosignatures=receipts, findings=[finding("z", 2), finding("a", 1)]), HELD_AT)
    _equal([row.size for row in store.heads(ALFA)], [3, 20, 100, 900], "heads by size")
    _equal([row.size for row in store.heads(ALFA, 20)], [20, 100, 900], "`at_least` is inclusive")
    found = [(row.size, row.cosigner, row.kind) for row in store.cosignatures(ALFA, 20)]
    _equal(found, sorted(found), "receipts by size, then cosigner")
    _equal(len(found), 12, "all receipts are there")
    _equal(store.cosignatures(BRAVO), receipts[-1:], "receipts of another book are apart, any time reads back")
    _equal(store.notes(), [note("north", 0), note("south", 9), note("north", 5)], "notes oldest first")
    _equal(store.notes("north"), [note("north", 0), note("north", 5)], "notes of one channel")
    _equal([row.origin for row in store.findings()], [ALFA, "z", "a"], "findings oldest first")
    store.close()


def arrivals_follow_the_order_given(make: MakeStore) -> None:
    """Arrival numbers grow in the order given, over turns and reopening; channels are apart; `after` is exclusive."""
    store = _started(make, "arrivals")
    store.commit(Work(entries=[entry(BRAVO, 1), entry(ALFA, 9), entry(SOUTH, 0), entry(BRAVO, 0)]), HELD_AT + 1)
    store.close()
    store = make("arrivals")
    store.commit(Work(entries=[entry(SOUTH, 1), entry(ALFA, 3)]), HELD_AT + 2)
    north = store.arrivals("north")
    places = [(row.origin, row.index) for _, _, row in north]
    _equal(places[3:], [(BRAVO, 1), (ALFA, 9), (BRAVO, 0), (ALFA, 3)], "arrivals in the order given")
    numbers = [number for number, _, _ in north]
    _true(numbers[0] > 0 and numbers == sorted(set(numbers)), "arrival numbers are above 0 and grow")
    _equal([held_at - HELD_AT for _, held_at, _ in north], [0, 0, 0, 1, 1, 1, 2], "held_at is that of the commit")
    for position, number in enumerate(numbers):
        _equal(store.arrivals("north", number), north[position + 1 :], "`after` is exclusive")
    _equal([row for _, _, row in store.arrivals("south")], [entry(SOUTH, 0), entry(SOUTH, 1)], "channels are apart")
    _equal(store.arrivals("west"), [], "an unknown channel has no arrivals")
    store.close()


def bytes_are_kept_as_they_are(make: MakeStore) -> None:
    """Every octet, the longest body, an empty proof, and texts with quotes, control and non-ASCII characters."""
    store = _started(make, "bytes")
    octets = bytes(range(256)) * 64
    row = EntryRow(ALFA, 3, octets[:400], octets[:32], octets)
    text = 'it\'s "quoted" \0 \n \u4f60\u597d \U0001f54a'
    found = FindingRow(Origin(""), 0, "", text, b"")
    store.commit(Work(entries=[row], findings=[found], notes=[note("north", 4)._replace(octets=octets)]), HELD_AT)
    store.close()
    store = make("bytes")
    _equal(store.entries(ALFA, 3, 4), [row], "a body of 16,384 octets reads back")
    _equal(store.findings()[-1], found, "any text reads back")
    _equal(store.notes()[-1].octets, octets, "a note's octets read back")
    store.close()


def usable_from_any_one_thread(make: MakeStore) -> None:
    """Used from one thread at a time, not always the same one."""
    store = _started(make, "thread")
    thread = Thread(target=lambda: store.commit(Work(sizes=[SizeRow(ALFA, 3, 8, 0)]), HELD_AT))
    thread.start()
    thread.join()
    _equal(store.books()[0].size, 8, "a commit of another thread is seen")
    store.close()


def closing_twice_is_allowed(make: MakeStore) -> None:
    """`close` is idempotent, and a closed store refuses everything."""
    store = _started(make, "closed")
    store.close()
    store.close()
    _faults(store.books, "a closed store refuses to read")
    _faults(lambda: store.entries(NOBODY, 0, 1), "a closed store refuses to read an unknown book")
    _faults(lambda: store.commit(Work(), HELD_AT), "a closed store refuses to write")


STORE_CHECKS: tuple[Callable[[MakeStore], None], ...] = (
    new_store_is_empty,
    everything_written_is_read_back,
    a_book_is_written_once,
    an_entry_is_unique_for_ever,
    a_size_is_a_compare_and_swap,
    equal_rows_are_left_as_they_are,
    different_rows_at_one_place_are_refused,
    a_refused_turn_writes_nothing,
    entries_have_gaps,
    special_entries_are_found,
    given_only_grows,
    levels_do_not_mix,
    reads_are_ordered_and_bounded,
    arrivals_follow_the_order_given,
    bytes_are_kept_as_they_are,
    usable_from_any_one_thread,
    closing_twice_is_allowed,
)


# --- the anchor


def new_anchor_says_none(make: MakeAnchor) -> None:
    """STORE-3: no journal reads as None, even at the second opening if nothing was recorded in between."""
    for _ in range(2):
        anchor = make("none")
        _equal(anchor.newest(), None, "a missing journal is None")
        anchor.record([])
        anchor.close()


def newest_record_of_each_head_is_kept(make: MakeAnchor) -> None:
    """The last record of each (own, origin), over reopening; own heads and cosigned ones are apart."""
    anchor = make("newest")
    anchor.record([AnchorRecord(True, ALFA, 1, b"a" * 32), AnchorRecord(False, BRAVO, 4, b"b" * 32)])
    anchor.record([AnchorRecord(True, ALFA, 2, b"c" * 32), AnchorRecord(True, ALFA, 3, b"d" * 32)])
    anchor.close()
    expected = {(True, ALFA): (3, b"d" * 32), (False, BRAVO): (4, b"b" * 32)}
    anchor = make("newest")
    _equal(anchor.newest(), expected, "the newest records read back")
    anchor.record([AnchorRecord(False, ALFA, 2**40, b"\0" * 32)])
    anchor.close()
    anchor = make("newest")
    _equal(anchor.newest(), {**expected, (False, ALFA): (2**40, b"\0" * 32)}, "own and cosigned are apart")
    anchor.close()


def many_records_lose_nothing(make: MakeAnchor) -> None:
    """Far more records than heads, and many heads: the newest of each survives, whatever the journal compacts."""
    anchor = make("many")
    expected: dict[tuple[bool, Origin], tuple[int, bytes]] = {}
    for turn in range(120):
        origins = [Origin(f"channel-{number % 250}/alfa/1") for number in range(turn, turn + 200)]
        records = [AnchorRecord(turn % 2 == 0, origin, turn, sha256(origin.encode()).digest()) for origin in origins]
        anchor.record(records)
        expected.update({(row.own, row.origin): (row.size, row.root) for row in records})
        if turn % 40 == 39:
            anchor.close()
            anchor = make("many")
            _equal(anchor.newest(), expected, f"all newest records are there after turn {turn}")
    anchor.close()


def anchor_closes_twice(make: MakeAnchor) -> None:
    """`close` is idempotent, and a closed anchor refuses everything."""
    anchor = make("closed")
    anchor.record([AnchorRecord(True, ALFA, 1, b"a" * 32)])
    anchor.close()
    anchor.close()
    _faults(anchor.newest, "a closed anchor refuses to read")
    _faults(lambda: anchor.record([AnchorRecord(True, ALFA, 2, b"a" * 32)]), "a closed anchor refuses to write")


ANCHOR_CHECKS: tuple[Callable[[MakeAnchor], None], ...] = (
    new_anchor_says_none,
    newest_record_of_each_head_is_kept,
    many_records_lose_nothing,
    anchor_closes_twice,
)


# --- saying what is wrong


def _started(make: MakeStore, place: str) -> Store:
    store = make(place)
    store.commit(books(), HELD_AT)
    store.commit(full_turn(0, 3), HELD_AT)
    return store


def _snapshot(store: Store) -> object:
    origins = (ALFA, BRAVO, SOUTH, NOBODY)
    return (
        *(store.notes(), store.books(), store.findings(), store.arrivals("north"), store.arrivals("south")),
        *((store.entries(origin, 0, 100), store.heads(origin), store.cosignatures(origin)) for origin in origins),
    )


def _refuses(make: MakeStore, place: str, work: Work) -> None:
    """`work` on a started store is a StoreFault that is not StoreFull, and after reopening nothing of it is there."""
    store = _started(make, place)
    before = _snapshot(store)
    work.notes.append(note("south", 77))  # a row that could be written, so that "nothing" can be seen
    work.entries.append(entry(SOUTH, 77))
    fault = _faults(lambda: store.commit(work, HELD_AT), f"{place} is a StoreFault")
    _true(not isinstance(fault, StoreFull), f"{place} is not StoreFull: there was room")
    store.close()
    store = make(place)
    _equal(_snapshot(store), before, f"{place} writes nothing")
    store.close()
    work.notes.pop()
    work.entries.pop()


def _faults(action: Callable[[], object], promise: str) -> StoreFault:
    try:
        action()
    except StoreFault as fault:
        return fault
    raise AssertionError(f"broken promise: {promise}; there was no StoreFault")


def _equal(found: object, expected: object, promise: str) -> None:
    if found != expected:
        raise AssertionError(f"broken promise: {promise}; found {found!r:.2000}, expected {expected!r:.2000}")


def _true(holds: bool, promise: str) -> None:
    if not holds:
        raise AssertionError(f"broken promise: {promise}")
