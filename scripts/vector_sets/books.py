"""vectors/books.json: leaves, bodies, views and whole small books (spec/4)."""

from typing import Any

from vector_sets.base import MADE, Cases, Kept, bad, cbor, digest, good, seed, sha256, shown
from vector_sets.book_bodies import bodies
from vector_sets.record import (
    ADOPT,
    CLOSING,
    ERASED,
    KEYS,
    OPEN,
    OPENING,
    SEALED,
    Book,
    Record,
    origin_of,
    reader_key,
)
from vector_sets.world import ALFA, BRAVO, CHARLIE, FIRST, HARBOUR, SECOND

HEADER = {
    "title": "Leaves, bodies that are not sealed, views, and small books with what is marked in them",
    "rules": [f"BOOK-{number}" for number in range(2, 19)] + ["OPEN-3", "CHARTER-7", "KEY-4", "EPOCH-5", "EPOCH-6"],
    "made": MADE,
    "verified": "the program",
    "groups": {
        "leaves": "BOOK-2, BOOK-11: `octets` are read to the leaf of `diagnostic` and written to the same octets; `hash` is its "
        "leaf hash. A bad one is refused with its whole frame",
        "bodies": "BOOK-13 to BOOK-18: the body `octets` of an entry of `kind` is read to `diagnostic` and written to the same "
        "octets; a bad one is marked. `parts` instead of `octets`: each octet string so many times, one after the other",
        "views": "BOOK-10: `seen` of an entry under a charter of `parties` in that order, the `roots` by origin and count; "
        "`input` is what is hashed to `view`",
        "notes": "whole charter notes and book notes by name, as texts, for the group below",
        "entries": "entries by name: CBOR of [kind, at, precedence, epoch, seen, view, body] in hexadecimal, for the group "
        "below. Names mean nothing",
        "records": "a station holds the charters and book notes `notes` (names, taken in this order) and takes all entries of "
        "`books` (names of entries by origin, index 0 first; books in any order). Then exactly `marks` are marked as broken by "
        "the author (BOOK-12): each is [reference, rules], and one of these rules is named; an entry that breaks two rules "
        "stands there twice. The views of the entries `pending` (references) cannot be checked; all others verify or are marked",
    },
}


def leaves() -> Cases:
    """BOOK-2, BOOK-3, BOOK-6, BOOK-8, BOOK-11."""
    view, body = seed("leaf view"), seed("leaf body")
    fine: list[Any] = [3, 1_900_000_000_000, 0, 0, [0, 7, 0], view, 100, body]
    cases = [
        ("an open entry", fine),
        ("all zero", [0, 0, 0, 0, [0, 0], bytes(32), 1, bytes(32)]),
        ("all at their largest", [23, 2**48 - 1, 3, 2**40 - 1, [2**40 - 1] * 16, view, 16_384, body]),
        ("several books of one party", [2, 1, 1, 1, [0, [3, 0], [5, 6, 7]], view, 48, body]),
        ("64 books of one party", [2, 1, 1, 1, [0, list(range(64))], view, 48, body]),
    ]

    def changed(at: int, value: object) -> list[Any]:
        return [*fine[:at], value, *fine[at + 1 :]]

    wrong = [
        ("seven fields", fine[:7]),
        ("nine fields", [*fine, 0]),
        ("a map", {"kind": 3}),
        ("kind 24", changed(0, 24)),
        ("kind -1", changed(0, -1)),
        ("a kind that is a boolean", changed(0, value=True)),
        ("a time of 2^48", changed(1, 2**48)),
        ("a time below 0", changed(1, -1)),
        ("precedence 4", changed(2, 4)),
        ("epoch 2^40", changed(3, 2**40)),
        ("seen of one slot", changed(4, [0])),
        ("seen of 17 slots", changed(4, [0] * 17)),
        ("seen that is a number", changed(4, 0)),
        ("a slot of one book", changed(4, [0, [7], 0])),
        ("a slot of no book", changed(4, [0, [], 0])),
        ("a slot of 65 books", changed(4, [0, [1] * 65, 0])),
        ("a count of 2^40", changed(4, [0, 2**40, 0])),
        ("a count of 2^40 in an array", changed(4, [0, [1, 2**40], 0])),
        ("a count below 0", changed(4, [0, -1, 0])),
        ("a count that is null", changed(4, [0, None, 0])),
        ("an array in a slot", changed(4, [0, [1, [1, 1]], 0])),
        ("a view of 31 octets", changed(5, view[:31])),
        ("a view that is null", changed(5, None)),
        ("a body of no octets", changed(6, 0)),
        ("a body of 16,385 octets", changed(6, 16_385)),
        ("a body hash of 33 octets", changed(7, body + b"\0")),
    ]
    found = [good(name, **shown(leaf), hash=sha256(b"\0" + cbor(leaf)).hex()) for name, leaf in cases]
    found += [bad(name, "BOOK-11", octets=cbor(leaf).hex()) for name, leaf in wrong]
    found.append(bad("an octet after it", "CBOR-2", octets=cbor(fine).hex() + "00"))
    found.append(bad("a long head", "CBOR-2", octets=(b"\x98\x08" + cbor(fine)[1:]).hex()))
    return found


def views() -> Cases:
    """BOOK-10."""
    parties = ["alfa", "bravo", "harbour"]
    cases: list[tuple[str, list[Any]]] = [
        ("nothing counted", [0, 0, 0]),
        ("one book", [0, 7, 0]),
        ("in the order of the parties", [24, 0, 1]),
        ("several books of one party", [0, [7, 0, 300], 1]),
        ("books of the own party", [[0, 5], 0, 0]),
    ]
    found = []
    for name, seen in cases:
        counted = [
            (origin_of(party, number), count)
            for party, slot in zip(parties, seen, strict=True)
            for number, count in enumerate([slot] if isinstance(slot, int) else slot, start=1)
            if count
        ]
        roots = [[origin, count, seed(f"root of {origin} at {count}")] for origin, count in counted]
        octets = cbor(["detente/1 view", roots])
        listed = [[origin, count, value.hex()] for origin, count, value in roots]
        found.append(
            good(name, parties=parties, seen=seen, roots=listed, input=octets.hex(), view=sha256(octets).hex())
        )
    return found


# --- whole books


class Collected:
    """Records as cases; their notes and entries, each once."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.entries: dict[str, str] = {}
        self.cases: Cases = []

    def add(self, name: str, record: Record, *marks: list[Any], pending: list[Any] | None = None) -> None:
        """One record."""
        charters = [charter.signed(ALFA, BRAVO) for charter in record.charters]
        notes = [named(self.notes, "note", octets.decode()) for octets in (*charters, *record.book_notes())]
        books = {
            book.origin: [named(self.entries, "entry", cbor(item).hex()) for item in book.items(0, len(book.entries))]
            for book in record.books.values()
        }
        self.cases.append(good(name, notes=notes, books=books, marks=list(marks), pending=pending or []))


def named(held: dict[str, str], kind: str, value: str) -> str:
    """The name of a value, each value once."""
    for name, one in held.items():
        if one == value:
            return name
    name = f"{kind} {len(held) + 1}"
    held[name] = value
    return name


def mark(party: str, index: int, rules: str, number: int = 1) -> list[Any]:
    """One mark."""
    return [[party, number, index], rules.split()]


def start() -> tuple[Record, Book, Book]:
    """Alfa, bravo and harbour have opened their books; bravo has seen alfa's and said so."""
    record = Record()
    alfa, bravo = record.book(ALFA), record.book(BRAVO)
    record.book(HARBOUR)
    record.say(bravo, "Bravo is here.", seen=(1, 0, 1))
    return record, alfa, bravo


def sound(collected: Collected, kept: Kept) -> None:
    """Nothing is marked."""
    record, alfa, bravo = start()
    record.begin(kept, alfa, [bravo], seen=(0, 2, 1))
    record.seal(alfa, 1, {"form": "message", "to": ["bravo"], "text": "Line check."})
    record.add(bravo, OPEN, ["open", {"form": "acknowledge", "by": "watch", "re": [["alfa", 1, 2]]}], seen=(3, 0, 1))
    record.add(alfa, ERASED, ["erased", 2, "by the rules of alfa"], seen=(0, 3, 1), precedence=3)
    record.add(alfa, CLOSING, ["closing", "moved"], at=0)
    collected.add("a small line", record)
    record, alfa, bravo = start()
    second = record.book(ALFA, 2)
    record.add(bravo, ADOPT, ["adopt", "book", 2, digest(ALFA.book_note(2))], seen=(1, 0, 1))
    record.say(bravo, "Two books.", seen=((1, 1), 0, 1))
    record.say(second, "From the second.", seen=(1, 4, 1))
    record.say(alfa, "From the first.", seen=((0, 2), 4, 1))
    collected.add("two books of one party", record)
    record, alfa, _ = amended()
    record.say(alfa, "Four.", seen=(0, 2, 1, 0))
    charlie = record.book(CHARLIE, opened=False)
    record.add(charlie, OPENING, record.opening(charlie, SECOND), seen=(2, 2, 1, 0))
    record.say(alfa, "Charlie is here.", seen=(0, 2, 1, 1))
    collected.add("an amendment", record)
    record, alfa, bravo = start()
    record.say(alfa, "Ahead.", seen=(0, 5, 1), view=seed("what nobody holds"))
    collected.add("a view of what is not held", record, pending=[["alfa", 1, 1]])


def amended() -> tuple[Record, Book, Book]:
    """As start, and alfa has adopted charter 2."""
    record, alfa, bravo = start()
    record.charters = (FIRST, SECOND)
    record.add(alfa, ADOPT, ["adopt", "charter", 2, digest(SECOND.text())], seen=(0, 2, 1))
    return record, alfa, bravo


def single(collected: Collected) -> None:
    """One entry of alfa at index 1 is marked."""
    message = ["open", {"form": "message", "text": "x"}]
    history = start()[1].twin(1)
    cases: list[tuple[str, str, int, Any, dict[str, Any]]] = [
        ("an unknown kind", "BOOK-3", 7, b"anything", {}),
        ("the last unknown kind", "BOOK-3", 23, b"\xff", {}),
        (
            "a second opening",
            "BOOK-4",
            OPENING,
            cbor(["opening", digest(FIRST.text()), "again", [], reader_key(history).public]),
            {},
        ),
        ("an open entry with an epoch", "BOOK-7", OPEN, message, {"epoch": 1}),
        ("a sealed entry of epoch 0", "BOOK-7", SEALED, bytes(48), {"epoch": 0}),
        ("a sealed entry of its own index", "BOOK-7", SEALED, bytes(48), {"epoch": 1}),
        ("a sealed entry of a later epoch", "BOOK-7", SEALED, bytes(48), {"epoch": 2}),
        ("two slots", "BOOK-8", OPEN, message, {"seen": (0, 2)}),
        ("four slots", "BOOK-8", OPEN, message, {"seen": (0, 2, 1, 0)}),
        ("the own book counted", "BOOK-8", OPEN, message, {"seen": (1, 2, 1)}),
        ("another view", "BOOK-10", OPEN, message, {"seen": (0, 2, 1), "view": bytes(32)}),
        (
            "the view of one entry less",
            "BOOK-10",
            OPEN,
            message,
            {"seen": (0, 2, 1), "view": start()[0].view((0, 1, 1))},
        ),
    ]
    for name, rule, kind, body, changes in cases:
        record, alfa, _ = start()
        record.add(alfa, kind, body, **changes)
        slots = [["alfa", 1, 1]] if len(changes.get("seen", ())) > 3 else []
        collected.add(name, record, mark("alfa", 1, rule), pending=slots)
    for name, rule, kind, body in (
        ("an open entry without a form", "BOOK-15 READ-1", OPEN, ["open", {"text": "a"}]),
        ("an open entry that is no CBOR", "BOOK-15 CBOR-1 CBOR-2", OPEN, b"\xff"),
        ("an open entry of two contents", "BOOK-15", OPEN, [*message, {"form": "x"}]),
        ("keys without an audience", "BOOK-14", KEYS, ["keys", [], bytes(32), [], None]),
        ("an adoption of nothing", "BOOK-16", ADOPT, ["adopt", "nothing", 2, bytes(32)]),
        ("an erasure by nobody", "BOOK-17", ERASED, ["erased", 0, ""]),
        ("a closing without a reason", "BOOK-18", CLOSING, ["closing"]),
    ):
        record, alfa, _ = start()
        record.add(alfa, kind, body)
        collected.add(name, record, mark("alfa", 1, rule))


def several(collected: Collected, kept: Kept) -> None:
    """What needs more than one entry."""
    record, alfa, bravo = start()
    record.say(alfa, "a", seen=(0, 2, 1))
    record.seal(alfa, 1, {"form": "message", "text": "a"})
    record.begin(kept, alfa, [bravo])
    record.seal(alfa, 3, {"form": "message", "text": "a"})
    collected.add("an epoch that is no keys entry", record, mark("alfa", 2, "BOOK-7"))
    record, alfa, _ = start()
    record.say(alfa, "a", seen=(0, 2, 1))
    record.say(alfa, "b", seen=(0, 1, 1))
    record.say(alfa, "c", seen=(0, 1, 1))
    collected.add("a count that goes down once", record, mark("alfa", 2, "BOOK-9"))
    record, alfa, bravo = start()
    record.book(ALFA, 2)
    record.say(bravo, "a", seen=((1, 1), 0, 1))
    record.say(bravo, "b", seen=(1, 0, 1))
    collected.add("a count that disappears", record, mark("bravo", 3, "BOOK-9"))
    record, alfa, _ = start()
    record.add(alfa, CLOSING, ["closing", "moved"])
    record.say(alfa, "a")
    record.say(alfa, "b")
    collected.add("two entries after a closing", record, mark("alfa", 2, "BOOK-4"), mark("alfa", 3, "BOOK-4"))
    record, alfa, _ = start()
    record.add(alfa, CLOSING, ["closing", ""])
    record.say(alfa, "a")
    collected.add(
        "a closing that does not fit closes as well", record, mark("alfa", 1, "BOOK-18"), mark("alfa", 2, "BOOK-4")
    )
    record = Record()
    alfa = record.book(ALFA, opened=False)
    record.say(alfa, "a")
    record.say(alfa, "b")
    collected.add("a book without an opening", record, mark("alfa", 0, "BOOK-4"))
    record = Record()
    alfa = record.book(ALFA, opened=False)
    record.add(alfa, OPENING, record.opening(alfa, hpke=bytes(1_215)))
    record.say(alfa, "a")
    collected.add("an opening with a short key", record, mark("alfa", 0, "BOOK-13 KEY-4"))
    record, alfa, _ = start()
    record.add(alfa, 9, b"x", seen=(0, 2, 1), view=bytes(32), epoch=1)
    collected.add("three rules at once", record, *(mark("alfa", 1, rule) for rule in ("BOOK-3", "BOOK-7", "BOOK-10")))
    amendments(collected)


def amendments(collected: Collected) -> None:
    """CHARTER-7, BOOK-8, BOOK-12."""
    record, alfa, bravo = amended()
    record.say(alfa, "Three slots.", seen=(0, 2, 1))
    record.say(bravo, "Not adopted yet.", seen=(1, 0, 1))
    collected.add("old slots after an adoption", record, mark("alfa", 2, "BOOK-8"))
    record, alfa, _ = start()
    record.charters = (FIRST, SECOND)
    record.add(alfa, ADOPT, ["adopt", "charter", 2, digest(SECOND.text())], seen=(0, 2, 1, 0))
    record.say(alfa, "Four slots.", seen=(0, 2, 1, 0))
    collected.add("new slots in the adoption itself", record, mark("alfa", 1, "BOOK-8"))
    record, alfa, _ = start()
    record.charters = (FIRST, SECOND)
    record.say(alfa, "Four slots.", seen=(0, 2, 1, 0))
    collected.add("new slots without an adoption", record, mark("alfa", 1, "BOOK-8"))
    record, alfa, _ = start()
    record.charters = (FIRST, SECOND)
    record.add(alfa, ADOPT, ["adopt", "charter", 70_000, digest(SECOND.text())], seen=(0, 2, 1))
    record.say(alfa, "Still three slots.", seen=(0, 2, 1))
    collected.add("an adoption that does not fit adopts nothing", record, mark("alfa", 1, "BOOK-16"))
    record, alfa, _ = start()
    record.charters = (FIRST, SECOND)
    record.add(alfa, ADOPT, ["adopt", "charter", 3, digest(SECOND.text())], seen=(0, 2, 1))
    record.say(alfa, "Still three slots.", seen=(0, 2, 1))
    collected.add("an adoption of charter 2 as number 3 adopts nothing", record, mark("alfa", 1, "BOOK-16"))
    record, alfa, _ = start()
    record.charters = (FIRST, SECOND)
    record.add(alfa, ADOPT, ["adopt", "book", 2, digest(SECOND.text())], seen=(0, 2, 1))
    record.say(alfa, "Still three slots.", seen=(0, 2, 1))
    collected.add("a book note with the digest of a charter adopts no charter", record)
    record = Record(FIRST, SECOND)
    charlie = record.book(CHARLIE, opened=False)
    record.add(charlie, OPENING, record.opening(charlie, FIRST))
    collected.add("an opening under a charter without its party", record, mark("charlie", 0, "BOOK-12 BOOK-1"))


def sets(kept: Kept) -> dict[str, object]:
    """The file."""
    collected = Collected()
    sound(collected, kept)
    single(collected)
    several(collected, kept)
    return {
        "header": HEADER,
        "leaves": leaves(),
        "bodies": bodies(),
        "views": views(),
        "notes": collected.notes,
        "entries": collected.entries,
        "records": collected.cases,
    }
