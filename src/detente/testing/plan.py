"""What one seed draws: the parties of a world, who of them is hostile and how, and which faults there are.

It keeps: everything is drawn from one source of chance, in one order.
"""

import random
from dataclasses import dataclass, field

from detente.ids import Milliseconds
from detente.testing import disks, hostile, network
from detente.testing.fakes import MemoryDisk
from detente.testing.hostile import Hostile
from detente.testing.line import START, MemoryStation

YEAR_MS = 31_557_600_000
BIRTH = Milliseconds(START + 10 * YEAR_MS)  # so that a clock 64 years behind still has a date after 1970
WORLD_FAULTS = ("crash", "two processes", "rollback", "clocks", "amendment", "new book", "link flaps")
LOSSY = {"loss", "one way", "reordering", "two bearers", "delay"}
FAULTS = (*network.FAULTS, *disks.FAULTS, *WORLD_FAULTS)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed draws before it begins. Equal plans and seeds are equal runs."""

    honest: tuple[tuple[str, str, str], ...]  # party, role, statement
    hostile: tuple[tuple[str, str, str, frozenset[str]], ...]  # with kinds of hostility
    faults: frozenset[str]

    @property
    def parties(self) -> tuple[tuple[str, str, str], ...]:
        """All of them, in the charter's order."""
        return (*self.honest, *((party, role, statement) for party, role, statement, _ in self.hostile))


def draw_plan(chance: random.Random) -> Plan:
    """At least three stations, two of them honest; about half of all faults."""
    honest = [("alfa", "principal", "holds"), ("bravo", "principal", "holds")]
    if chance.random() < 0.5:
        honest.append(("harbour", "mediator", "holds"))
    if chance.random() < 0.25:
        honest.append(("meadow", "witness", "saw"))
    hostile_count = chance.choice((0, 1, 1, 2)) if len(honest) > 2 else chance.choice((1, 1, 2))
    parties = []
    for party in ("yonder", "zenith")[:hostile_count]:
        kinds = frozenset(kind for kind in hostile.KINDS if chance.random() < 0.35)
        parties.append((party, chance.choice(("principal", "mediator")), "holds", kinds))
    faults = frozenset(fault for fault in FAULTS if chance.random() < 0.45)
    return Plan(tuple(honest), tuple(parties), faults)


@dataclass(eq=False, slots=True)
class Actor:
    """One station of the world. A forking party has two actors with the same keys."""

    name: str
    station: MemoryStation
    hostile: Hostile | None
    clock_ms: int = 0  # how far its clock is off
    backups: list[MemoryDisk] = field(default_factory=list)

    @property
    def up(self) -> bool:
        """Whether it runs."""
        return self.station.driver is not None


@dataclass(slots=True)
class Figures:
    """What happened in one seed."""

    seed: int
    steps: int = 0
    simulated_ms: int = 0
    turns: int = 0
    frames: int = 0
    crashes: int = 0
    refusals: int = 0
    checks: int = 0
    entries: int = 0
