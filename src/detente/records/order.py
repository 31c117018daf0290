"""The reading order (ORDER-1 to ORDER-4): one order for all who hold the same entries, and it only ever grows.

It keeps: the entries in order are a closed set, so nothing that comes later can belong before two of them and swap
them; equal closed sets give equal orders, whatever the order of arrival; every entry given comes back exactly once.
It verifies nothing: whoever fills in `view_ok` has compared the hashes (BOOK-10).
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, TypeAlias

from detente.formats.entry import Leaf, Seen
from detente.ids import Ref

HISTORY_PENDING: Final = "history pending"
ARRIVED_LATER: Final = "arrived later"

_Book: TypeAlias = tuple[int, int]  # place of the party, book number
_Positions: TypeAlias = dict[tuple[int, int, int], int]  # (place, book, index) -> position in the list given


class Item(NamedTuple):
    """One held entry, as a station or a verifier knows it.

    `place` is the party's place in the charter. `view_ok`: True the view verifies; False it does not, or can never do
    so (a wrong number of slots); None something counted is not held yet. `arrival` increases with each entry that
    came to be held here, our own included, and `held_at` (milliseconds) is our clock then; a verifier gives 0 for
    both.
    """

    ref: Ref
    place: int
    leaf: Leaf
    view_ok: bool | None
    arrival: int = 0
    held_at: int = 0


class Placed(NamedTuple):
    """An entry in its place. `since` is the arrival number with which it came into order; -1 while it waits.

    `mark` is "", `history pending` (ORDER-1) or `arrived later` (ORDER-4).
    """

    item: Item
    since: int
    mark: str


def reading_order(items: Iterable[Item]) -> list[Placed]:
    """All items, each (place, book, index) given once: those in order first, then those that wait, by arrival.

    An entry is in order when the entry before it in its book is, and, unless its edges are dropped, every entry that
    its `seen` counts is, and `view_ok` is True. The smallest (at, place, book, index) of those that can come next
    comes next (ORDER-2). Edges are dropped (ORDER-3) where `view_ok` is False, and where an entry at an index below
    the count, with a verified view, counts this one: then the `seen` here is false, for no view could cover an entry
    that covers it. So a false count freezes nothing for longer than the party that it counts is silent.

    `arrived later` (ORDER-4): let `since` of an entry be the largest arrival number among it and all that it comes
    after along edges. An entry is marked if one placed after it has a smaller `since`: that one was already in order,
    in sight of people, when this one came to stand above it. What is in order keeps its order for ever; only marks
    are added.

    About n log n for n items. Given flags that no hash could fulfil (a circle of verified views), the circle waits.
    """
    given = list(items)
    positions: _Positions = {(item.place, item.ref.book, item.ref.index): at for at, item in enumerate(given)}
    before, blocked = _edges(given, positions)
    order = _topological(given, before, blocked)
    since = _since(given, before, order)
    placed = _marked(given, order, since)
    in_order = set(order)
    waiting = sorted((at for at in range(len(given)) if at not in in_order), key=lambda at: _arrival(given[at]))
    return placed + [Placed(given[at], -1, HISTORY_PENDING) for at in waiting]


def counts(seen: Seen) -> Iterator[tuple[_Book, int]]:
    """((place, book number), count) for every count of `seen` above 0, in its order (BOOK-8)."""
    for place, slot in enumerate(seen):
        if type(slot) is int:
            if slot:
                yield (place, 1), slot
        else:
            for number, count in enumerate(slot, start=1):  # type: ignore[arg-type]  # not an int, as just asked
                if count:
                    yield (place, number), count


class _Covers:
    """For each pair of books: how much of the second the verified views of the first count, below an index."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._steps: dict[tuple[_Book, _Book], tuple[list[int], list[int]]] = {}
        verified = [item for item in items if item.view_ok]
        verified.sort(key=lambda item: item.ref.index)
        for item in verified:
            book = item.place, item.ref.book
            for counted, count in counts(item.leaf.seen):
                indexes, greatest = self._steps.setdefault((book, counted), ([], []))
                if not greatest or count > greatest[-1]:
                    indexes.append(item.ref.index)
                    greatest.append(count)

    def covers(self, book: _Book, below: int, item: Item) -> bool:
        """Whether an entry of `book` at an index under `below` counts `item`, its view verified."""
        indexes, greatest = self._steps.get((book, (item.place, item.ref.book)), ((), ()))
        step = bisect_left(indexes, below) - 1
        return step >= 0 and greatest[step] > item.ref.index


def _edges(given: Sequence[Item], positions: _Positions) -> tuple[list[list[int]], list[bool]]:
    """For each item the positions that it comes after, and whether something it needs is not there."""
    covers = _Covers(given)
    before: list[list[int]] = []
    blocked: list[bool] = []
    for item in given:
        own = item.place, item.ref.book
        needed = [(*own, item.ref.index - 1)] if item.ref.index else []
        counted = [(book, count) for book, count in counts(item.leaf.seen) if book != own]
        waits = False
        # ORDER-3: a false `seen` makes no edges; one that cannot be checked yet makes the entry wait
        if item.view_ok is not False and not any(covers.covers(book, count, item) for book, count in counted):
            waits = item.view_ok is None
            needed.extend((*book, count - 1) for book, count in counted)  # what is before that, its own book brings
        found = [positions[key] for key in needed if key in positions]
        before.append(found)
        blocked.append(waits or len(found) < len(needed))  # ORDER-1
    return before, blocked


def _topological(given: Sequence[Item], before: Sequence[Sequence[int]], blocked: Sequence[bool]) -> list[int]:
    """Positions in order (ORDER-2). What is blocked, and all that comes after it, is left out."""
    after: list[list[int]] = [[] for _ in given]
    missing = [len(needed) for needed in before]
    for at, needed in enumerate(before):
        for one in needed:
            after[one].append(at)
    keys = [(item.leaf.at, item.place, item.ref.book, item.ref.index) for item in given]
    free = [(keys[at], at) for at in range(len(given)) if not missing[at] and not blocked[at]]
    heapify(free)
    order: list[int] = []
    while free:
        _, at = heappop(free)
        order.append(at)
        for later in after[at]:
            missing[later] -= 1
            if not missing[later] and not blocked[later]:
                heappush(free, (keys[later], later))
    return order


def _since(given: Sequence[Item], before: Sequence[Sequence[int]], order: Sequence[int]) -> dict[int, int]:
    """The arrival number with which each came into order."""
    since: dict[int, int] = {}
    for at in order:
        since[at] = max(given[at].arrival, max((since[one] for one in before[at]), default=0))
    return since


def _marked(given: Sequence[Item], order: Sequence[int], since: dict[int, int]) -> list[Placed]:
    """ORDER-4: walk from the end; whoever came after something below it is marked."""
    placed: list[Placed] = []
    earliest_below: int | None = None
    for at in reversed(order):
        later = earliest_below is not None and earliest_below < since[at]
        placed.append(Placed(given[at], since[at], ARRIVED_LATER if later else ""))
        earliest_below = since[at] if earliest_below is None else min(earliest_below, since[at])
    placed.reverse()
    return placed


def _arrival(item: Item) -> tuple[int, int, int, int]:
    return item.arrival, item.place, item.ref.book, item.ref.index
