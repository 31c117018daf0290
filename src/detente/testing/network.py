"""The simulated network: what stations give to it arrives late, twice, in another order, damaged, or never.

It keeps: nothing is made up here but damage; whether a frame is lost is drawn when it is given, so that one seed is one
run. It knows octets and the names of both ends, and no station. A link that is cut loses what was under way on it.
"""

import random
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from detente.ids import Milliseconds

DAY_MS = 86_400_000
DELAY_MS_MAX = 21 * DAY_MS
FAULTS = ("loss", "duplication", "reordering", "damage", "one way", "two bearers", "delay")

Direction = tuple[str, str]  # from, to


@dataclass(slots=True)
class _Lane:
    """One direction of a link: what is under way, earliest first."""

    flying: list[tuple[int, int, bytes]] = field(default_factory=list)
    last_due: int = 0  # in order, nothing arrives before what was given earlier
    blocked: bool = False


class Network:
    """Links between named ends. `faults` is what may go wrong; `heal` ends all of it."""

    def __init__(self, chance: random.Random, faults: frozenset[str]) -> None:
        self._chance = chance
        self._faults = faults
        self._lanes: dict[Direction, _Lane] = {}
        self._number = count()
        self.losses_count = 0

    def open(self, a: str, b: str) -> None:
        """A fresh link between two ends; what an earlier one had under way is gone."""
        for direction in ((a, b), (b, a)):
            self._lanes[direction] = _Lane()

    def cut(self, a: str, b: str) -> None:
        """The link is gone."""
        self._lanes.pop((a, b), None)
        self._lanes.pop((b, a), None)

    def is_open(self, a: str, b: str) -> bool:
        """Whether there is a link."""
        return (a, b) in self._lanes

    def links(self) -> list[Direction]:
        """Every open link once, in the order in which they were opened."""
        found = dict.fromkeys((min(d), max(d)) for d in self._lanes)
        return list(found)

    def heal(self) -> None:
        """From now on everything arrives, once, soon and in order."""
        self._faults = frozenset()
        for lane in self._lanes.values():
            lane.blocked = False

    def turn_one_way(self) -> Direction | None:
        """Block one direction of some link, or free it again; which one."""
        if not self._lanes:
            return None
        direction = self._chance.choice(list(self._lanes))
        self._lanes[direction].blocked = not self._lanes[direction].blocked
        return direction

    # --- frames

    def send(self, a: str, b: str, frames: list[bytes], now: Milliseconds) -> None:
        """Frames that a station at one end gave to its link. On a link that is gone they are lost."""
        lane = self._lanes.get((a, b))
        if lane is None:
            return
        chance = self._chance.random
        for octets in frames:
            if lane.blocked or ("loss" in self._faults and chance() < 0.06):
                self.losses_count += 1
                continue
            copies = 2 if "duplication" in self._faults and chance() < 0.06 else 1
            if "two bearers" in self._faults and chance() < 0.1:
                copies += 1  # given to both: the slower one brings it again
            for _ in range(copies):
                self._fly(lane, octets, now)

    def _fly(self, lane: _Lane, octets: bytes, now: Milliseconds) -> None:
        chance = self._chance
        due = now + chance.randrange(1, 40)
        if "damage" in self._faults and chance.random() < 0.01:
            octets = self._damaged(octets)
        if "delay" in self._faults and chance.random() < 0.02:
            due += chance.choice((60_000, 3_600_000, DAY_MS, DELAY_MS_MAX))
        bearers = "two bearers" in self._faults and chance.random() < 0.3
        if bearers or ("reordering" in self._faults and chance.random() < 0.2):
            due += chance.randrange(400)
        else:
            due = max(due, lane.last_due)
            lane.last_due = due
        heappush(lane.flying, (due, next(self._number), octets))

    def _damaged(self, octets: bytes) -> bytes:
        at = self._chance.randrange(len(octets))
        kind = self._chance.randrange(3)
        if kind == 0:
            return octets[:at] + bytes([octets[at] ^ (1 << self._chance.randrange(8))]) + octets[at + 1 :]
        return octets[:at] or b"\0" if kind == 1 else octets[:at] + octets

    # --- arriving

    def due(self, now: Milliseconds) -> list[Direction]:
        """Directions on which something has arrived."""
        return [direction for direction, lane in self._lanes.items() if lane.flying and lane.flying[0][0] <= now]

    def next_due(self) -> int | None:
        """When the next frame arrives anywhere; None if nothing is under way."""
        return min((lane.flying[0][0] for lane in self._lanes.values() if lane.flying), default=None)

    def take(self, direction: Direction, now: Milliseconds, most: int) -> list[bytes]:
        """What has arrived, at most so many frames."""
        flying = self._lanes[direction].flying
        taken: list[bytes] = []
        while flying and flying[0][0] <= now and len(taken) < most:
            taken.append(heappop(flying)[2])
        return taken
