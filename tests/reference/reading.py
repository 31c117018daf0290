"""The reading order as in spec/7-reading.md (ORDER-1 to ORDER-4)."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference.books import Seen, count_of, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

Place = tuple[int, int, int]  # place of the party, book number, index


@dataclass(frozen=True)
class Held:
    """An entry as it is held: `arrival` is its number as it arrived, `view` whether its view verifies.

    `view` is None where it cannot be checked yet.
    """

    place: int
    book: int
    index: int
    at: int
    seen: Seen
    view: bool | None
    arrival: int = 0

    @property
    def where(self) -> Place:
        """Where the entry stands."""
        return self.place, self.book, self.index

    @property
    def key(self) -> tuple[int, int, int, int]:
        """What decides where the order leaves a choice (ORDER-2)."""
        return self.at, self.place, self.book, self.index

    def covers(self, other: Held) -> bool:
        """Whether this entry's `seen` counts the other one."""
        return count_of(self.seen, other.place, other.book) > other.index


@dataclass(frozen=True)
class Order:
    """The reading order: the entries in order, those that wait, and those marked *arrived later*."""

    placed: list[Held]
    pending: list[Held]
    later: set[Place]


def reading_order(entries: Sequence[Held]) -> Order:
    """Order entries (ORDER-1 to ORDER-4)."""
    held = {entry.where: entry for entry in entries}
    needs = {entry.where: needed(entry, held) for entry in entries}
    closed = _closed(needs)
    placed = _topological([held[where] for where in closed], needs)
    waiting = [entry for entry in entries if entry.where not in closed]
    pending = sorted(waiting, key=lambda entry: (entry.arrival, entry.where))
    return Order(placed, pending, _arrived_later(placed, needs))


def drops_edges(entry: Held, held: dict[Place, Held]) -> bool:
    """Whether `seen` of the entry makes no edges (ORDER-3)."""
    if entry.view is False:
        return True
    for place, book, count in counted(entry.seen):
        in_book = [other for other in held.values() if (other.place, other.book) == (place, book)]
        if any(other.index < count and other.view is True and other.covers(entry) for other in in_book):
            return True
    return False


def needed(entry: Held, held: dict[Place, Held]) -> list[Place] | None:
    """List the entries right before this one; None if it must wait whatever else is in order (ORDER-1, ORDER-3)."""
    before = [(entry.place, entry.book, entry.index - 1)] if entry.index > 0 else []
    if drops_edges(entry, held):
        return before
    if entry.view is None:
        return None
    # The last entry counted is enough: those before it in its book come before it.
    return before + [(place, book, count - 1) for place, book, count in counted(entry.seen)]


def _closed(needs: dict[Place, list[Place] | None]) -> set[Place]:
    """Return the entries all of whose needs are in order, again and again until nothing is added (ORDER-1)."""
    closed: set[Place] = set()
    grown = True
    while grown:
        ready = [
            where
            for where, before in needs.items()
            if where not in closed and before is not None and all(other in closed for other in before)
        ]
        closed.update(ready)
        grown = bool(ready)
    return closed


def _topological(entries: Sequence[Held], needs: dict[Place, list[Place] | None]) -> list[Held]:
    """Place always the smallest of all entries that may come next (ORDER-2)."""
    held = {entry.where: entry for entry in entries}
    waits = {entry.where: set(needs[entry.where] or ()) for entry in entries}
    followers: dict[Place, list[Place]] = {where: [] for where in held}
    for where, before in waits.items():
        for other in before:
            followers[other].append(where)
    heap = [(held[where].key, where) for where, before in waits.items() if not before]
    heapq.heapify(heap)
    placed: list[Held] = []
    while heap:
        _, where = heapq.heappop(heap)
        placed.append(held[where])
        for follower in followers[where]:
            waits[follower].discard(where)
            if not waits[follower]:
                heapq.heappush(heap, (held[follower].key, follower))
    return placed


def _arrived_later(placed: Sequence[Held], needs: dict[Place, list[Place] | None]) -> set[Place]:
    """Mark the entries after which one is placed that came into order with a smaller number (ORDER-4)."""
    came: dict[Place, int] = {}
    for entry in placed:
        before = needs[entry.where] or []
        came[entry.where] = max([entry.arrival, *(came[other] for other in before)])
    later: set[Place] = set()
    smallest_after: int | None = None
    for entry in reversed(placed):
        number = came[entry.where]
        if smallest_after is not None and smallest_after < number:
            later.add(entry.where)
        smallest_after = number if smallest_after is None else min(smallest_after, number)
    return later
