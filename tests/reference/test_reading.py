"""Reading order and ladder on small cases made here (ORDER-1 to ORDER-4, LADDER-1 to LADDER-3)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.reference.contents import Content, Reference
from tests.reference.ladder import OwnEntry, PartyEntry, PartyReceipt, rung
from tests.reference.reading import Held, Order, reading_order

if TYPE_CHECKING:
    from tests.reference.books import Seen
    from tests.reference.encoding import Value


def held(place: int, index: int, at: int, seen: list[int], view: bool | None = True, arrival: int = 0) -> Held:
    """Make an entry of a party's book 1."""
    return Held(place, 1, index, at, tuple((count,) for count in seen), view, arrival)


def names(order: Order) -> list[str]:
    """Name the entries in order: party and index."""
    return [f"{'abc'[entry.place]}{entry.index}" for entry in order.placed]


def waiting(order: Order) -> list[str]:
    """Name the entries that wait."""
    return [f"{'abc'[entry.place]}{entry.index}" for entry in order.pending]


def test_seen_and_time() -> None:
    """What was seen comes first; where this leaves a choice, the earlier time does (ORDER-2)."""
    entries = [held(0, 0, 5, [0, 0]), held(0, 1, 9, [0, 0]), held(1, 0, 6, [0, 0]), held(1, 1, 1, [2, 0])]
    assert names(reading_order(entries)) == ["a0", "b0", "a1", "b1"]


def test_one_time() -> None:
    """At one time the place decides (ORDER-2)."""
    assert names(reading_order([held(1, 0, 5, [0, 0]), held(0, 0, 5, [0, 0])])) == ["a0", "b0"]


def test_what_waits() -> None:
    """An entry that has seen what is not here waits, and so does what comes after it (ORDER-1)."""
    entries = [
        held(0, 0, 1, [0, 3], None, 7),
        held(0, 1, 2, [0, 0], True, 6),
        held(1, 0, 3, [0, 0], True, 5),
        held(2, 0, 4, [1, 0, 0], True, 4),
    ]
    order = reading_order(entries)
    assert names(order) == ["b0"]
    assert waiting(order) == ["c0", "a1", "a0"]


def test_view_that_does_not_verify() -> None:
    """Its `seen` makes no edge (ORDER-3)."""
    entries = [held(0, 0, 1, [0, 1], False), held(1, 0, 2, [0, 0])]
    assert names(reading_order(entries)) == ["a0", "b0"]


@pytest.mark.parametrize(("view", "stated"), [(None, ["a0", "a1", "b0"]), (True, ["a0", "b0", "a1"])])
def test_circle(view: bool | None, stated: list[str]) -> None:
    """An entry that counts what covers it loses its edges, even if its own view cannot be checked (ORDER-3).

    If the views of both verified, which their hashes make impossible, both would lose them.
    """
    entries = [held(0, 0, 1, [0, 0]), held(0, 1, 9, [0, 1], view), held(1, 0, 2, [2, 0])]
    assert names(reading_order(entries)) == stated


def test_arrived_later() -> None:
    """What comes into order above what was in order already is marked (ORDER-4)."""
    entries = [held(0, 0, 1, [0, 0], arrival=1), held(0, 1, 5, [0, 0], arrival=2), held(1, 0, 3, [0, 0], arrival=3)]
    order = reading_order(entries)
    assert names(order) == ["a0", "b0", "a1"]
    assert order.later == {(1, 1, 0)}


def chosen(entries: list[Held]) -> list[str]:
    """Order entries whose views all verify by ORDER-2 read word for word: always the smallest that may come next."""
    placed: list[Held] = []
    left = list(entries)
    while left:
        free = [
            entry
            for entry in left
            if not any(
                (other.place == entry.place and other.index < entry.index) or entry.covers(other) for other in left
            )
        ]
        smallest = min(free, key=lambda entry: (entry.at, entry.place, entry.book, entry.index))
        placed.append(smallest)
        left.remove(smallest)
    return names(Order(placed, [], set()))


def test_word_for_word() -> None:
    """Random histories come out as by the rule's own words."""
    chance = random.Random(1)
    for _ in range(100):
        sizes, seen = [0, 0, 0], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
        entries: list[Held] = []
        for _ in range(12):
            place = chance.randrange(3)
            seen[place] = [
                0 if other == place else chance.randint(seen[place][other], sizes[other]) for other in range(3)
            ]
            entries.append(held(place, sizes[place], chance.randrange(6), seen[place]))
            sizes[place] += 1
        chance.shuffle(entries)
        assert names(reading_order(entries)) == chosen(entries)


OWN = OwnEntry(Reference("alfa", 1, 4), 0, bytes(32), sent=True)
REFERENCE: list[Value] = ["alfa", 1, 4]


def status(kind: str, **fields: bytes | str) -> Content:
    """Make a status about the own entry."""
    return {"form": "status", "fields": {"kind": kind, "entry": list(REFERENCE), **fields}}


def entry(content: Content | None = None, seen: Seen = ((0,), (0,)), view: bool | None = True) -> PartyEntry:
    """Make an entry of the addressee."""
    return PartyEntry("bravo", seen, view, content)


LADDER: list[tuple[str, list[PartyReceipt], list[PartyEntry]]] = [
    ("sent", [], []),
    ("sent", [PartyReceipt("bravo", "holds", 4)], []),
    ("held", [PartyReceipt("bravo", "holds", 5)], []),
    ("sent", [PartyReceipt("bravo", "saw", 5)], []),
    ("sent", [PartyReceipt("charlie", "holds", 5)], []),
    ("held", [], [entry(seen=((5,), (0,)))]),
    ("sent", [], [entry(seen=((4,), (0,)))]),
    ("sent", [], [entry(seen=((5,), (0,)), view=None)]),
    ("held", [], [entry(status("held", leaf=bytes(32)))]),
    ("sent", [], [entry(status("held", leaf=bytes(31) + b"x"))]),
    ("cannot process", [PartyReceipt("bravo", "holds", 5)], [entry(status("cannot process", reason="padding"))]),
    ("acknowledged", [], [entry({"form": "acknowledge", "by": "watch", "re": [list(REFERENCE)]})]),
    ("sent", [], [entry({"form": "acknowledge", "re": [list(REFERENCE)]})]),
    ("answered", [], [entry({"form": "message", "text": "a", "re": [["bravo", 1, 0], list(REFERENCE)]})]),
    ("sent", [], [entry({"form": "message", "text": "a", "re": [["alfa", 2, 4]]})]),
]


@pytest.mark.parametrize(("stated", "receipts", "entries"), LADDER)
def test_ladder(stated: str, receipts: list[PartyReceipt], entries: list[PartyEntry]) -> None:
    """An entry stands on the highest rung that has its proof at hand."""
    assert rung(OWN, "bravo", receipts, entries) == stated
