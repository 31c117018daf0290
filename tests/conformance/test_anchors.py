"""Every anchor of ours keeps every promise of `contracts.Anchor`, and the checks notice one that does not."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from detente.protocol.effects import AnchorRecord
from detente.station.anchor import JournalAnchor
from detente.testing.conformance import ANCHOR_CHECKS, MakeAnchor, check_anchor
from detente.testing.fakes import MemoryAnchor, MemoryJournal


def in_memory(kind: type[MemoryAnchor] = MemoryAnchor) -> MakeAnchor:
    """Makes anchors whose journals outlive them."""
    journals: dict[str, MemoryJournal] = defaultdict(MemoryJournal)
    return lambda place: kind(journals[place])


@pytest.mark.parametrize("check", ANCHOR_CHECKS, ids=lambda check: check.__name__)
def test_journal_keeps_the_promise(check: Callable[[MakeAnchor], None], tmp_path: Path) -> None:
    """STORE-3: the journal on a real disk."""
    check(lambda place: JournalAnchor(tmp_path / place))


@pytest.mark.parametrize("check", ANCHOR_CHECKS, ids=lambda check: check.__name__)
def test_memory_keeps_the_promise(check: Callable[[MakeAnchor], None]) -> None:
    """STORE-3: the anchor in memory, which the simulator trusts."""
    check(in_memory())


class MixesOwnAndCosigned(MemoryAnchor):
    """Knows one head of an origin only."""

    def record(self, records: list[AnchorRecord]) -> None:
        """Everything is ours."""
        super().record([row._replace(own=True) for row in records])


class KeepsTheFirst(MemoryAnchor):
    """Does not move on within one call."""

    def record(self, records: list[AnchorRecord]) -> None:
        """The first record of each head wins."""
        super().record(records[::-1])


class HidesTheLoss(MemoryAnchor):
    """A missing journal looks like an empty one."""

    def __init__(self, journal: MemoryJournal) -> None:
        journal.records = journal.records or {}
        super().__init__(journal)


@pytest.mark.parametrize("kind", [MixesOwnAndCosigned, KeepsTheFirst, HidesTheLoss])
def test_the_checks_notice_a_broken_promise(kind: type[MemoryAnchor]) -> None:
    """Each broken anchor fails the checks, and the message says which promise."""
    with pytest.raises(AssertionError, match="broken promise: "):
        check_anchor(in_memory(kind))
