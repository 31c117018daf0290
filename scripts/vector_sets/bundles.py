"""vectors/bundles.json: evidence bundles, sound and not (spec/8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vector_sets import bundle_faults
from vector_sets.base import MADE, Case, Cases, Kept, cbor, digest, good
from vector_sets.bundle_parts import Bundle, Pieces, Section, disclosure, fingerprint, small, whole
from vector_sets.padding import padded, zstd
from vector_sets.record import ADOPT, OPENING, Book, Record
from vector_sets.world import ALFA, BRAVO, CHARLIE, FIRST, HARBOUR, SECOND, START_S, Charter, Station

HEADER = {
    "title": "Evidence bundles, and what a verifier finds in them",
    "rules": [f"BUNDLE-{number}" for number in range(1, 12)],
    "made": MADE + "; HPKE wraps, ML-DSA-44 signatures and zstd frames are kept in random.json",
    "verified": "the program's verifier",
    "groups": {
        "pieces": "octets by name, in hexadecimal",
        "texts": "octets by name, UTF-8, as texts",
        "roots": "BUNDLE-10: the fingerprint of each party's root",
        "bundles": "`file` is the bundle: its strings one after the other, each a name in `pieces` or `texts`, or octets in "
        "hexadecimal. "
        "`findings` are what a verifier finds: each is [check, rules, against]; it names that check and one of these rules, and "
        'holds it against that party ("": against nobody, the file is at fault). All of them are found. Where `more` is true, '
        "others may follow from the same fault; else there are none. A good case has no findings: the bundle is sound. "
        "`books`: [origin, size, hidden indexes as [first, last]]. `entries`: each entry shown, as [reference, view, "
        'not before, not after, content]; view is "verified", "not checked" or "wrong" (BUNDLE-7); the interval of proved time '
        "in seconds, or null (BUNDLE-9); content is that of a disclosed or open entry in CBOR, in hexadecimal, or null. "
        "`cosignatures`: those that count, as [origin, size, party, station, type, seconds]. What a bad case does not state "
        "is not prescribed",
        "bits": "BUNDLE-11: in the bundle `of` (a name above), which is sound, any single bit is changed: there is a finding",
    },
}


@dataclass
class Expected:
    """What a verifier says of a sound bundle."""

    books: list[Any] = field(default_factory=list)
    entries: list[Any] = field(default_factory=list)
    cosignatures: list[Any] = field(default_factory=list)


def said(name: str, pieces: Pieces, bundle: Bundle, expected: Expected) -> Case:
    """A sound bundle."""
    told = {"books": expected.books, "entries": expected.entries, "cosignatures": expected.cosignatures}
    return good(name, file=pieces.of(bundle.value), findings=[], **told)


def shown(book: Book, index: int, *time: int | None, view: str = "verified", content: Any = None) -> list[Any]:  # noqa: ANN401 any content
    """One entry of a report."""
    octets = cbor(content).hex() if content is not None else None
    return [[book.party.id, book.number, index], view, *(time or (None, None)), octets]


def receipts(book: Book, *rows: tuple[int, Station, int, int]) -> list[list[Any]]:
    """Cosignatures of a report: (size, station, type, seconds)."""
    return [[book.origin, size, station.party, station.id, kind, at] for size, station, kind, at in rows]


def sound(pieces: Pieces, kept: Kept) -> Cases:
    """Bundles without findings."""
    line = small(kept)
    alfa, bravo, harbour = line.alfa, line.bravo, line.harbour
    at_bravo, at_harbour = BRAVO.stations[0], HARBOUR.stations[0]
    first, last = (None, START_S + 10), (START_S + 15, START_S + 20)
    counted = receipts(
        alfa,
        (2, at_bravo, 4, START_S + 10),
        (3, at_harbour, 4, START_S + 15),
        (5, at_bravo, 4, START_S + 30),
        (5, at_harbour, 4, START_S + 20),
        (5, at_harbour, 6, START_S + 25),
    )
    others = [[bravo.origin, 2, []], [harbour.origin, 1, []]]
    of_others = [shown(bravo, 0), shown(bravo, 1, content=line.answer), shown(harbour, 0)]

    def of_alfa(two: Any = None, three: Any = None) -> list[Any]:  # noqa: ANN401 any content
        return [
            shown(alfa, 0, *first),
            shown(alfa, 1, *first),
            shown(alfa, 2, START_S + 10, START_S + 15, content=two),
            shown(alfa, 3, *last, content=three),
            shown(alfa, 4, *last, content=line.remark),
        ]

    everything = whole(line)
    two = disclosure(alfa, 1, 2)
    revealed = replace(everything, disclosures=[two, disclosure(alfa, 1, 3)])
    hidden = [[alfa.origin, 5, [[0, 1], [3, 4]]], [bravo.origin, 1, [[0, 0]]], [harbour.origin, 1, [[0, 0]]]]
    one = Section(alfa, [*alfa.tiles(0, 2), *alfa.items(2, 3), *alfa.tiles(3, 5)], line.heads)
    counted_books = [Section(book, book.tiles(0, 1), [book.head(1)]) for book in (bravo, harbour)]
    entry = shown(alfa, 2, START_S + 10, START_S + 15, content=line.message)
    alone = [*entry[:1], "not checked", *entry[2:]]
    return [
        said("charters alone", pieces, Bundle([line.charter], [], []), Expected()),
        said(
            "every entry", pieces, everything, Expected([[alfa.origin, 5, []], *others], of_alfa() + of_others, counted)
        ),
        said(
            "every entry, two disclosed",
            pieces,
            revealed,
            Expected([[alfa.origin, 5, []], *others], of_alfa(line.message, line.second) + of_others, counted),
        ),
        said(
            "one entry",
            pieces,
            Bundle([line.charter], [one, *counted_books], [two]),
            Expected(hidden, [entry], counted),
        ),
        said(
            "one entry, its view unproved",
            pieces,
            Bundle([line.charter], [one], [two]),
            Expected(hidden[:1], [alone], counted),
        ),
        *further(pieces, kept),
        *amended(pieces),
    ]


def further(pieces: Pieces, kept: Kept) -> Cases:
    """Times, signatures, codings, several books."""
    line = small(kept)
    alfa, station = line.alfa, BRAVO.stations[0]
    tiles = alfa.tiles(0, 2)

    def timed(name: str, times: Sequence[tuple[int, int]], *interval: int | None) -> Case:
        heads = [alfa.head(size, (station.cosigner, at)) for size, at in times]
        section = Section(alfa, [*tiles, *alfa.items(2, 3), *alfa.tiles(3, 4), *alfa.tiles(4, 5)], heads)
        expected = Expected(
            [[alfa.origin, 5, [[0, 1], [3, 4]]]],
            [shown(alfa, 2, *interval, view="not checked")],
            receipts(alfa, *((size, station, 4, at) for size, at in times)),
        )
        return said(name, pieces, Bundle([line.charter], [section], []), expected)

    bare = Section(alfa, [*alfa.tiles(0, 4), *alfa.items(4, 5)], [alfa.head(5)])
    short = cbor(line.message)
    record = Record()
    packed = record.book(ALFA)
    record.begin(kept, packed, [])
    record.seal(packed, 1, padded(2, zstd(kept, "bundles short", short, dictionary=True)))
    with_dictionary = Section(packed, packed.items(0, 3), [packed.head(3)])
    pair = Record()
    books = [pair.book(ALFA), pair.book(ALFA, 2), pair.book(BRAVO)]
    pair.say(books[2], "Two books.", seen=((1, 1), 0, 0))
    every = FIRST.signed(HARBOUR, BRAVO, ALFA)
    return [
        timed("between two receipts", [(2, START_S), (5, START_S + 60)], START_S, START_S + 60),
        timed("before the first receipt", [(5, START_S + 60)], None, START_S + 60),
        timed(
            "the latest before, the earliest after",
            [(2, START_S + 5), (4, START_S + 70), (5, START_S + 60)],
            START_S + 5,
            START_S + 60,
        ),
        timed("clocks that contradict each other", [(2, START_S + 60), (5, START_S)], START_S + 60, START_S),
        said(
            "no receipts",
            pieces,
            Bundle([every], [bare], []),
            Expected([[alfa.origin, 5, [[0, 3]]]], [shown(alfa, 4, view="not checked", content=line.remark)]),
        ),
        said(
            "packed with the dictionary",
            pieces,
            Bundle([line.charter], [with_dictionary], [disclosure(packed, 1, 2)]),
            Expected(
                [[packed.origin, 3, []]], [shown(packed, 0), shown(packed, 1), shown(packed, 2, content=line.message)]
            ),
        ),
        said(
            "two books of one party",
            pieces,
            Bundle(
                [line.charter], [Section(book, book.items(0, 9), [book.head(len(book.entries))]) for book in books], []
            ),
            Expected(
                [[book.origin, len(book.entries), []] for book in books],
                [
                    *(shown(book, 0) for book in books),
                    shown(books[2], 1, content={"form": "message", "text": "Two books."}),
                ],
            ),
        ),
    ]


def amended(pieces: Pieces) -> Cases:
    """CHARTER-7, RECEIPT-1: any charter of the chain counts."""
    charters = [FIRST.signed(ALFA, BRAVO), SECOND.signed(ALFA, BRAVO)]
    record = Record(FIRST, SECOND)
    alfa = record.book(ALFA)
    record.add(alfa, ADOPT, ["adopt", "charter", 2, digest(SECOND.text())])
    record.say(alfa, "Four.", seen=(0, 0, 0, 0))
    charlie = record.book(CHARLIE, opened=False)
    record.add(charlie, OPENING, record.opening(charlie, SECOND), seen=(3, 0, 0, 0))
    four = {"form": "message", "text": "Four."}
    sections = [
        Section(alfa, alfa.items(0, 3), [alfa.head(3)]),
        Section(charlie, charlie.items(0, 1), [charlie.head(1)]),
    ]
    gap = Section(alfa, [*alfa.items(0, 1), *alfa.tiles(1, 2), *alfa.items(2, 3)], [alfa.head(3)])
    away = Charter((ALFA, replace(BRAVO, stations=(Station("bravo", "moved"),)), HARBOUR), 2, FIRST.text())
    old = BRAVO.stations[0]
    plain = Record()
    book = plain.book(ALFA)
    gone = Section(book, book.items(0, 1), [book.head(1, (old.cosigner, START_S))])
    return [
        said(
            "an amendment",
            pieces,
            Bundle(charters, sections, []),
            Expected(
                [[alfa.origin, 3, []], [charlie.origin, 1, []]],
                [shown(alfa, 0), shown(alfa, 1), shown(alfa, 2, content=four), shown(charlie, 0)],
            ),
        ),
        said(
            "the hidden entry may have adopted the amendment",
            pieces,
            Bundle(charters, [gap], []),
            Expected([[alfa.origin, 3, [[1, 1]]]], [shown(alfa, 0), shown(alfa, 2, content=four)]),
        ),
        said(
            "a receipt of a station that the amendment leaves out",
            pieces,
            Bundle([charters[0], away.signed(ALFA, BRAVO)], [gone], []),
            Expected([[book.origin, 1, []]], [shown(book, 0, None, START_S)], receipts(book, (1, old, 4, START_S))),
        ),
    ]


def sets(kept: Kept) -> dict[str, object]:
    """The file."""
    pieces = Pieces()
    cases = sound(pieces, kept) + bundle_faults.cases(pieces, kept)
    return {
        "header": HEADER,
        "pieces": pieces.octets,
        "texts": pieces.texts,
        "roots": {party.id: fingerprint(party.root.vkey) for party in (ALFA, BRAVO, HARBOUR, CHARLIE)},
        "bundles": cases,
        "bits": [good("one entry", of="one entry")],
    }
