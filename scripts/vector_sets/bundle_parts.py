"""What bundles are made of, and the small line that most of them show (spec/8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vector_sets.base import Kept, cbor, digest, head
from vector_sets.record import OPEN, Book, Record, message_key, secret_of
from vector_sets.world import ALFA, BRAVO, FIRST, HARBOUR, START_S

DEPTH = 4  # the array of the bundle, its books, one book, its items: each item is one piece
NAMED_OCTETS_MIN = 300


@dataclass
class Section:
    """One book in a bundle; its note is that of the book unless another is given."""

    book: Book
    items: list[Any]
    heads: list[bytes]
    note: bytes = b""

    @property
    def value(self) -> list[Any]:
        """spec/8."""
        note = self.note or self.book.party.signed_book_note(self.book.number)
        return [note, self.items, self.heads]


@dataclass
class Bundle:
    """A bundle."""

    charters: list[bytes]
    sections: list[Section]
    disclosures: list[Any]

    @property
    def value(self) -> list[Any]:
        """spec/8."""
        books = [section.value for section in self.sections]
        return ["detente/1 bundle", self.charters, books, self.disclosures]


@dataclass
class Pieces:
    """Octets that many bundles share, each once."""

    octets: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def of(self, value: Any, after: bytes = b"") -> list[str]:  # noqa: ANN401 any value
        """The encoding of a value in pieces."""
        found: list[str] = []
        rest = b""
        for octets in (*self._cut(value, DEPTH), after):
            if len(octets) < NAMED_OCTETS_MIN:
                rest += octets
                continue
            found += [rest.hex(), self._name(octets)] if rest else [self._name(octets)]
            rest = b""
        return [*found, rest.hex()] if rest else found

    def _cut(self, value: Any, depth: int) -> list[bytes]:  # noqa: ANN401 any value
        if isinstance(value, bytes):
            return [head(2, len(value)), value]
        if not isinstance(value, list) or not depth:
            return [cbor(value)]
        return [head(4, len(value)), *(octets for one in value for octets in self._cut(one, depth - 1))]

    def _name(self, octets: bytes) -> str:
        try:
            kind, held, value = "text", self.texts, octets.decode()
        except UnicodeDecodeError:
            kind, held, value = "piece", self.octets, octets.hex()
        name = next((name for name, one in held.items() if one == value), f"{kind} {len(held) + 1}")
        held[name] = value
        return name


def fingerprint(text: str) -> str:
    """CARD-2."""
    digits = digest(text).hex()[:40]
    return " ".join(digits[at : at + 4] for at in range(0, 40, 4))


def disclosure(book: Book, epoch: int, index: int) -> list[Any]:
    """BUNDLE-4."""
    return [book.origin, index, message_key(secret_of(book, epoch), book.origin, epoch, index)]


@dataclass
class Line:
    """The small line: alfa wrote five entries, bravo two, harbour one."""

    record: Record
    alfa: Book
    bravo: Book
    harbour: Book
    heads: list[bytes]
    charter: bytes
    message: dict[str, Any]
    second: dict[str, Any]
    remark: dict[str, Any]
    answer: dict[str, Any]


def small(kept: Kept) -> Line:
    """The small line."""
    record = Record()
    alfa, bravo, harbour = record.book(ALFA), record.book(BRAVO), record.book(HARBOUR)
    message = {"form": "message", "to": ["bravo"], "lang": "en", "text": "The line is open."}
    second = {"form": "message", "to": ["bravo"], "text": "Second."}
    remark = {"form": "message", "text": "Open to all."}
    answer = {"form": "acknowledge", "by": "watch", "re": [["alfa", 1, 2]]}
    record.begin(kept, alfa, [bravo], seen=(0, 1, 1))
    record.seal(alfa, 1, message)
    record.seal(alfa, 1, second)
    record.say(alfa, "Open to all.")
    record.add(bravo, OPEN, ["open", answer], seen=(3, 0, 1))
    at_bravo, at_harbour = BRAVO.stations[0].cosigner, HARBOUR.stations[0].cosigner
    pq = HARBOUR.stations[0].pq_cosigner
    line = pq.line(kept.pq_cosignature("bundles pq", pq, alfa.text(5), START_S + 25))
    heads = [
        alfa.head(2, (at_bravo, START_S + 10)),
        alfa.head(3, (at_harbour, START_S + 15)),
        alfa.head(5, (at_bravo, START_S + 30), (at_harbour, START_S + 20), lines=[line]),
    ]
    charter = FIRST.signed(ALFA, BRAVO)
    return Line(record, alfa, bravo, harbour, heads, charter, message, second, remark, answer)


def whole(line: Line, *, heads: Sequence[bytes] = ()) -> Bundle:
    """Every entry of the small line."""
    sections = [
        Section(line.alfa, line.alfa.items(0, 5), list(heads) or line.heads),
        Section(line.bravo, line.bravo.items(0, 2), [line.bravo.head(2)]),
        Section(line.harbour, line.harbour.items(0, 1), [line.harbour.head(1)]),
    ]
    return Bundle([line.charter], sections, [])
