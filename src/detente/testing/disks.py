"""Disks and journals of simulated stations: each commit and each record may fail, kept or not, and everything is watched.

It keeps: a store that failed refuses everything until it is opened again (`fakes.FaultyStore`); whoever watches is told
of every work that is on the disk, also when the station that wrote it will never know. Failures are drawn at opening.
"""

import random
from collections.abc import Callable

from detente.contracts import Anchor
from detente.errors import StoreFault
from detente.ids import Origin
from detente.protocol.effects import AnchorRecord, Work
from detente.testing.fakes import FaultyStore, MemoryAnchor, MemoryDisk, MemoryJournal, MemoryStore, Outcome

FAULTS = ("commit lost", "commit kept", "disk full", "anchor fails")
COMMITS_BETWEEN_FAULTS = 60

Watch = Callable[[Work], None]


class WatchedStore(MemoryStore):
    """A MemoryStore that says what it has written."""

    def __init__(self, disk: MemoryDisk, watch: Watch) -> None:
        super().__init__(disk)
        self._watch = watch

    def commit(self, work: Work, held_at: int) -> None:
        """See `contracts.Store.commit`."""
        super().commit(work, held_at)
        self._watch(work)


class FaultyAnchor:
    """A `contracts.Anchor` of which one record fails, written or not; it then refuses everything."""

    def __init__(self, anchor: Anchor, failing: int, *, kept: bool) -> None:
        self._anchor = anchor
        self._left = failing
        self._kept = kept

    def record(self, records: list[AnchorRecord]) -> None:
        """See `contracts.Anchor.record`."""
        self._left -= 1
        if self._left == 0 and self._kept:
            self._anchor.record(records)
        if self._left <= 0:
            raise StoreFault("injected: it is not known whether this record is durable; open the anchor again")
        self._anchor.record(records)

    def newest(self) -> dict[tuple[bool, Origin], tuple[int, bytes]] | None:
        """See `contracts.Anchor.newest`."""
        return self._anchor.newest()

    def close(self) -> None:
        """See `contracts.Anchor.close`."""
        self._anchor.close()


class Disks:
    """Opens stores and anchors that fail as one seed says. `heal` ends it for what is opened afterwards."""

    def __init__(self, chance: random.Random, faults: frozenset[str]) -> None:
        self._chance = chance
        self._faults = faults

    def heal(self) -> None:
        """Disks opened from now on work."""
        self._faults = frozenset()

    def open_store(self, disk: MemoryDisk, watch: Watch) -> FaultyStore:
        """A store on this disk, with its failures planned."""
        outcomes = [
            outcome
            for fault, outcome in (
                ("commit lost", Outcome.NOT_KEPT),
                ("commit kept", Outcome.KEPT),
                ("disk full", Outcome.FULL),
            )
            if fault in self._faults
        ]
        plan: dict[int, Outcome] = {}
        if outcomes:
            plan[self._chance.randrange(1, 2 * COMMITS_BETWEEN_FAULTS)] = self._chance.choice(outcomes)
        return FaultyStore(WatchedStore(disk, watch), plan)

    def open_anchor(self, journal: MemoryJournal) -> Anchor:
        """An anchor on this journal, with its failure planned."""
        anchor = MemoryAnchor(journal)
        if "anchor fails" not in self._faults:
            return anchor
        failing = self._chance.randrange(2, 4 * COMMITS_BETWEEN_FAULTS)
        return FaultyAnchor(anchor, failing, kept=self._chance.random() < 0.5)
