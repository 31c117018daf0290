"""Small worlds for the tests of the reading order: authors who write, hear of each other, and sometimes lie.

An entry's truth is known here (`honest`), so the tests can say what a station that holds only some entries would know.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from detente.formats.entry import Leaf, Seen
from detente.ids import PartyId, Ref
from detente.records.order import Item

PARTIES = tuple(map(PartyId, ("alfa", "bravo", "harbour", "meridian")))
DIGEST = bytes(32)


@dataclass(frozen=True, slots=True)
class Written:
    """One entry of a world."""

    place: int
    index: int
    at: int
    seen: tuple[int, ...]
    honest: bool


def leaf(at: int, seen: Seen, kind: int = 2) -> Leaf:
    """A leaf of which only its time and what it counts matter."""
    return Leaf(kind, at, 0, 0, seen, DIGEST, 1, DIGEST)


def item(place: int, index: int, at: int, seen: Seen, view_ok: bool | None = True, arrival: int = 0) -> Item:
    """An item of book 1 of the party at `place`."""
    return Item(Ref(PARTIES[place], 1, index), place, leaf(at, seen), view_ok, arrival, arrival)


def world(seed: int, entries: int, authors: int = 3, lies: float = 0.1) -> list[Written]:
    """Entries in the order of their writing. Each author holds a growing beginning of each other book."""
    random = Random(seed)
    written: list[Written] = []
    sizes = [0] * authors
    held = [[0] * authors for _ in range(authors)]
    for _ in range(entries):
        author = random.randrange(authors)
        for other in range(authors):
            if other != author:
                held[author][other] = random.randint(held[author][other], sizes[other])
        seen = list(held[author])
        honest = random.random() >= lies
        if not honest:
            liable = random.choice([place for place in range(authors) if place != author])
            seen[liable] += random.choice([1, 2, 1000])
        written.append(Written(author, sizes[author], random.randrange(30), tuple(seen), honest))
        sizes[author] += 1
    return written


def as_held(entries: Iterable[Written], arrivals: Sequence[int] | None = None) -> list[Item]:
    """What a station that holds these entries knows of them: a view is checked as soon as all it counts is held."""
    entries = list(entries)
    held = {(one.place, one.index) for one in entries}
    items = []
    for at, one in enumerate(entries):
        counted = [(place, index) for place, count in enumerate(one.seen) for index in range(count)]
        complete = held.issuperset(counted)
        view_ok = one.honest if complete else None
        items.append(item(one.place, one.index, one.at, one.seen, view_ok, arrivals[at] if arrivals else 0))
    return items
