"""vectors/reading.json: the reading order and the ladder (spec/7). Contents and parts stand in contents.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vector_sets.base import MADE, Case, Cases, good, leaf_hash, seed
from vector_sets.record import OPEN, SEALED, Entry

HEADER = {
    "title": "The reading order, and the ladder of an entry",
    "rules": ["ORDER-1", "ORDER-2", "ORDER-3", "ORDER-4", "LADDER-1", "LADDER-2", "LADDER-3", "STATUS-1", "STATUS-2"],
    "made": MADE + "; the order is computed from the words of spec/7, without any index or short cut",
    "verified": "the program",
    "groups": {
        "orders": "`entries` are held, in the order of their arrival; each is [reference, at, seen, view, arrival]. `parties` is "
        "the charter's order. `view`: true verifies, false does not verify, null cannot be checked yet. `arrival` numbers what "
        "arrived, beginning with 1; what arrived at once has one number. `order` is the reading order: [reference, mark], the "
        'mark one of "", "arrived later" (ORDER-4) and "history pending" (ORDER-1)',
        "ladders": "LADDER-1, LADDER-2: alfa's own entry alfa/3, to bravo; parties are alfa, bravo, harbour, charlie. `given`: "
        "handed to a bearer here. `receipts` are verified receipts for alfa's book 1: [party, statement, size]. `entries` are "
        "held entries of other books: [reference, kind, seen, view, content]; `view` as above; the content is opened and given "
        'as JSON, octet strings in it as ["hex", digits], or null. `rung` is where the entry stands with bravo. `leaf` is the '
        "leaf of alfa/3",
    },
}
PARTIES = ["alfa", "bravo", "harbour", "charlie"]
Place = tuple[int, int]


@dataclass(frozen=True)
class Held:
    """A held entry. `place` is that of the party."""

    place: int
    book: int
    index: int
    at: int
    seen: tuple[Any, ...]
    view: bool | None
    arrival: int

    @property
    def key(self) -> tuple[int, int, int]:
        """Who, which book, where."""
        return self.place, self.book, self.index

    @property
    def counts(self) -> dict[Place, int]:
        """What its `seen` counts above 0, by place and book."""
        found = {}
        for place, slot in enumerate(self.seen):
            for book, count in enumerate([slot] if isinstance(slot, int) else slot, start=1):
                if count:
                    found[place, book] = count
        return found

    @property
    def reference(self) -> list[Any]:
        """READ-2."""
        return [PARTIES[self.place], self.book, self.index]


def covers(one: Held, other: Held) -> bool:
    """The word *covers* of spec/7."""
    return one.counts.get((other.place, other.book), 0) > other.index


def edges(entry: Held, held: Sequence[Held]) -> list[tuple[int, int, int]] | None:
    """ORDER-2, ORDER-3: what its `seen` makes it come after; None if its edges are dropped."""
    if entry.view is False:
        return None
    for one in held:
        below = entry.counts.get((one.place, one.book), 0)
        if one.index < below and one.view is True and covers(one, entry):
            return None
    return [(place, book, index) for (place, book), count in entry.counts.items() for index in range(count)]


def reading_order(held: Sequence[Held]) -> list[list[Any]]:
    """ORDER-1 to ORDER-4, word for word."""
    by_key = {entry.key: entry for entry in held}
    after: dict[Held, list[tuple[int, int, int]]] = {}
    may_wait: dict[Held, bool] = {}
    for entry in held:
        found = edges(entry, held)
        may_wait[entry] = found is not None and entry.view is None
        own = [(entry.place, entry.book, index) for index in range(entry.index)]
        after[entry] = own + (found or [])
    ordered: set[tuple[int, int, int]] = set()
    while True:
        more = {e.key for e in held if not may_wait[e] and ordered.issuperset(after[e])} - ordered
        if not more:
            break
        ordered |= more
    placed: list[Held] = []
    done: set[tuple[int, int, int]] = set()
    while len(placed) < len(ordered):
        free = [e for e in held if e.key in ordered - done and done.issuperset(after[e])]
        placed.append(min(free, key=lambda e: (e.at, *e.key)))
        done.add(placed[-1].key)
    since: dict[Held, int] = {}
    for entry in placed:
        since[entry] = max([entry.arrival, *(since[by_key[key]] for key in after[entry])])
    order = []
    for number, entry in enumerate(placed):
        later = any(since[below] < since[entry] for below in placed[number + 1 :])
        order.append([entry.reference, "arrived later" if later else ""])
    waiting = sorted((e for e in held if e.key not in ordered), key=lambda e: (e.arrival, *e.key))
    return order + [[entry.reference, "history pending"] for entry in waiting]


def order_case(name: str, *held: Held) -> Case:
    """One case."""
    arrived = sorted(held, key=lambda entry: entry.arrival)
    entries = [[e.reference, e.at, list(e.seen), e.view, e.arrival] for e in arrived]
    return good(name, parties=PARTIES, entries=entries, order=reading_order(arrived))


def entry(who: str, at: int, seen: Sequence[Any], arrival: int, view: bool | None = True) -> Held:
    """Short: `a0` is alfa's entry 0, `a.2/0` that of its book 2."""
    place = "abhc".index(who[0])
    book, _, index = who[1:].lstrip(".").rpartition("/")
    return Held(place, int(book or 1), int(index), at, tuple(seen), view, arrival)


def orders() -> Cases:
    """By hand, then by chance."""
    none = (0, 0, 0, 0)
    found = [
        order_case("nothing"),
        order_case("by time", entry("a0", 30, none, 1), entry("b0", 10, none, 2), entry("h0", 20, none, 3)),
        order_case("ties by the place of the party", *(entry(f"{who}0", 10, none, 1) for who in "chba")),
        order_case("ties by the number of the book", entry("a.2/0", 10, none, 1), entry("a0", 10, none, 2)),
        order_case(
            "a book keeps its order against its clock",
            entry("a0", 30, none, 1),
            entry("a1", 10, none, 2),
            entry("b0", 20, none, 3),
        ),
        order_case("what is seen comes before", entry("a0", 50, none, 1), entry("b0", 10, (1, 0, 0, 0), 2)),
        order_case(
            "of all that may come next the smallest",
            entry("a0", 1, none, 1),
            entry("a1", 9, none, 1),
            entry("b0", 2, none, 1),
            entry("b1", 8, (1, 0, 0, 0), 1),
        ),
        order_case("a gap in a book waits", entry("a0", 1, none, 1), entry("a2", 3, none, 2)),
        order_case(
            "what is seen is not held", entry("b0", 1, (1, 0, 0, 0), 1, None), entry("b1", 2, (1, 0, 0, 0), 2, None)
        ),
        order_case(
            "a view that cannot be checked holds back its book",
            entry("b0", 1, none, 1),
            entry("b1", 2, (5, 0, 0, 0), 2, None),
            entry("b2", 3, none, 3),
            entry("a0", 9, none, 4),
        ),
        order_case(
            "a false view holds back nothing",
            entry("b0", 1, none, 1),
            entry("b1", 2, (5, 0, 0, 0), 2, view=False),
            entry("b2", 3, none, 3),
            entry("a0", 9, none, 4),
        ),
        order_case("a false view makes no edge", entry("a0", 9, none, 1), entry("b0", 1, (1, 0, 0, 0), 2, view=False)),
        order_case("arrived later", entry("a0", 10, none, 1), entry("b0", 20, none, 2), entry("a1", 12, none, 3)),
        order_case(
            "arrived later, several",
            *(entry(f"b{n}", 20 + n, none, 1) for n in range(2)),
            *(entry(f"a{n}", 10 + n, none, 2 + n) for n in range(3)),
            entry("h0", 30, none, 9),
        ),
        order_case("what arrived at once is not later", entry("a0", 10, none, 1), entry("b0", 5, none, 1)),
        order_case(
            "it came into order when what it waited for arrived",
            entry("b0", 1, (1, 0, 0, 0), 1),
            entry("h0", 30, none, 2),
            entry("a0", 20, none, 3),
        ),
        order_case("pending by arrival", entry("a1", 9, none, 3), entry("b1", 1, none, 2), entry("h1", 0, none, 2)),
        order_case(
            "a circle: the one that is covered counts what covers it",
            entry("a0", 1, none, 1),
            entry("a1", 2, (0, 3, 0, 0), 2, None),
            entry("b0", 1, none, 3),
            entry("b1", 3, (2, 0, 0, 0), 4),
        ),
        order_case(
            "the same, the liar verified",
            entry("a0", 1, none, 1),
            entry("a1", 2, (0, 2, 0, 0), 2),
            entry("b0", 9, none, 3),
            entry("b1", 3, (2, 0, 0, 0), 4),
        ),
        order_case(
            "a cover that is not verified drops nothing",
            entry("a0", 1, none, 1),
            entry("a1", 2, (0, 2, 0, 0), 2),
            entry("b0", 9, none, 3),
            entry("b1", 3, (2, 0, 0, 0), 4, view=False),
        ),
        order_case(
            "a cover at or above the count drops nothing",
            entry("a0", 5, (0, 1, 0, 0), 1),
            entry("b0", 9, none, 2),
            entry("b1", 3, (1, 0, 0, 0), 3),
        ),
        order_case(
            "dropped edges drop all of them",
            entry("h0", 50, none, 1),
            entry("a0", 2, (0, 1, 1, 0), 2),
            entry("b0", 3, (1, 0, 0, 0), 3),
        ),
        order_case(
            "several books of one party",
            entry("a0", 40, none, 1),
            entry("a.2/0", 30, none, 2),
            entry("b0", 1, ((1, 1), 0, 0, 0), 3),
            entry("b1", 2, ((1, 1), 0, 0, 0), 4),
        ),
        order_case("the own book counted", entry("a0", 1, none, 1), entry("a1", 2, (2, 0, 0, 0), 2, view=False)),
    ]
    return found + [order_case(f"by chance {number}", *by_chance(number)) for number in range(12)]


def by_chance(number: int) -> list[Held]:
    """Three authors of whom one sometimes lies; a station that holds most of what they wrote, in another order."""
    drawn = 0

    def below(limit: int) -> int:
        nonlocal drawn
        drawn += 1
        return int.from_bytes(seed(f"order {number} {drawn}")[:4], "big") % limit

    sizes, known = [0, 0, 0], [[0] * 3 for _ in range(3)]
    written: list[tuple[int, int, int, tuple[int, ...], bool]] = []
    for _ in range(14):
        author = below(3)
        for other in range(3):
            if other != author:
                known[author][other] += below(sizes[other] - known[author][other] + 1)
        seen, honest = [*known[author], 0], below(6) > 0
        if not honest:
            seen[(author + 1) % 3] += 1 + below(3)
        written.append((author, sizes[author], below(20), tuple(seen), honest))
        sizes[author] += 1
    missing = below(len(written)) if number % 3 == 2 else None
    held = [one for at, one in enumerate(written) if at != missing]
    there = {one[:2] for one in held}
    arrivals = sorted(range(len(held)), key=lambda at: at + below(6))
    found = []
    for arrival, at in enumerate(arrivals, start=1):
        place, index, time, seen_, honest = held[at]
        whole = all((other, one) in there for other, count in enumerate(seen_) for one in range(count))
        found.append(Held(place, 1, index, time, seen_, honest if whole else None, arrival))
    return found


# --- the ladder

LEAF = Entry(SEALED, 1_900_000_000_000, 0, 1, (0, 0, 0, 0), bytes(32), bytes(48)).leaf
OWN = ["alfa", 1, 3]
SEEN = [0, 0, 0, 0]


def ladder(name: str, rung: str, **facts: Any) -> Case:  # noqa: ANN401 any field
    """One case."""
    return good(name, **{"given": True, "receipts": [], "entries": [], **facts}, rung=rung, leaf=LEAF.hex())


def of(who: str, content: Any = None, **changes: Any) -> list[Any]:  # noqa: ANN401 any content, any field
    """An entry of another party."""
    fields = {"kind": OPEN, "seen": SEEN, "view": True, **changes}
    return [[who, 1, 5], fields["kind"], fields["seen"], fields["view"], content]


def status(kind: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 any field
    """A status."""
    return {"form": "status", "fields": {"kind": kind, "entry": OWN, **fields}}


def ladders() -> Cases:
    """LADDER-1, LADDER-2."""
    held = status("held", leaf=["hex", leaf_hash(LEAF).hex()])
    cannot = status("cannot process", reason="padding")
    read = {"form": "acknowledge", "by": "watch", "re": [OWN]}
    answer = {"form": "message", "text": "Yes.", "re": [["alfa", 1, 1], OWN]}
    counted = [4, 0, 0, 0]
    receipt = ["bravo", "holds", 4]
    return [
        ladder("committed here", "queued", given=False),
        ladder("handed to a bearer", "sent"),
        ladder("a receipt above it", "held", receipts=[receipt]),
        ladder("a receipt, not handed to a bearer here", "held", receipts=[receipt], given=False),
        ladder("a receipt of just its index", "sent", receipts=[["bravo", "holds", 3]]),
        ladder("a receipt of who only saw", "sent", receipts=[["bravo", "saw", 4]]),
        ladder("a receipt of another party", "sent", receipts=[["harbour", "holds", 4]]),
        ladder("counted", "held", entries=[of("bravo", seen=counted)]),
        ladder(
            "counted by a sealed entry that cannot be read", "held", entries=[of("bravo", kind=SEALED, seen=counted)]
        ),
        ladder("not counted that far", "sent", entries=[of("bravo", seen=[3, 0, 0, 0])]),
        ladder("counted in another book", "sent", entries=[of("bravo", seen=[[3, 9], 0, 0, 0])]),
        ladder("counted, the view does not verify", "sent", entries=[of("bravo", seen=counted, view=False)]),
        ladder("counted, the view cannot be checked", "sent", entries=[of("bravo", seen=counted, view=None)]),
        ladder("counted by another party", "sent", entries=[of("harbour", seen=counted)]),
        ladder("status held", "held", entries=[of("bravo", held)]),
        ladder("status held of another leaf", "sent", entries=[of("bravo", status("held", leaf=["hex", "00" * 32]))]),
        ladder("status held without a leaf", "sent", entries=[of("bravo", status("held"))]),
        ladder(
            "status held of another entry",
            "sent",
            entries=[of("bravo", {**held, "fields": {**held["fields"], "entry": ["alfa", 1, 2]}})],
        ),
        ladder("status held by another party", "sent", entries=[of("harbour", held)]),
        ladder("a status that is sealed says nothing", "sent", entries=[of("bravo", held, kind=SEALED)]),
        ladder("cannot process", "cannot process", entries=[of("bravo", cannot)]),
        ladder("cannot process stands above held", "cannot process", receipts=[receipt], entries=[of("bravo", cannot)]),
        ladder("cannot process without a reason", "sent", entries=[of("bravo", status("cannot process"))]),
        ladder(
            "a status with a key too many",
            "sent",
            entries=[of("bravo", status("cannot process", reason="padding", more=1))],
        ),
        ladder("a status of another kind", "sent", entries=[of("bravo", status("lost", reason="padding"))]),
        ladder("acknowledged", "acknowledged", entries=[of("bravo", read)]),
        ladder("acknowledged in a sealed entry", "acknowledged", entries=[of("bravo", read, kind=SEALED)]),
        ladder(
            "acknowledged stands above cannot process", "acknowledged", entries=[of("bravo", cannot), of("bravo", read)]
        ),
        ladder("the acknowledge of another party", "sent", entries=[of("harbour", read)]),
        ladder(
            "the acknowledge of another entry",
            "sent",
            entries=[of("bravo", {**read, "re": [["alfa", 1, 2], ["alfa", 2, 3]]})],
        ),
        ladder("answered", "answered", entries=[of("bravo", answer)]),
        ladder(
            "answered and acknowledged",
            "answered",
            receipts=[receipt],
            entries=[of("bravo", answer), of("bravo", read)],
        ),
        ladder(
            "an answer that does not refer to it", "sent", entries=[of("bravo", {"form": "message", "text": "Yes."})]
        ),
        ladder(
            "a content of another form refers to it", "sent", entries=[of("bravo", {"form": "notice", "re": [OWN]})]
        ),
        ladder("the own message refers to it", "sent", entries=[[["alfa", 1, 5], OPEN, SEEN, True, answer]]),
    ]


def sets() -> dict[str, object]:
    """The file."""
    return {"header": HEADER, "orders": orders(), "ladders": ladders()}
