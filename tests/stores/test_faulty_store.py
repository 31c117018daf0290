"""The store that fails on demand fails as its plan says, and in no other way."""

import pytest

from detente.errors import StoreFault, StoreFull
from detente.testing.conformance import ALFA, HELD_AT, books, full_turn
from detente.testing.fakes import FaultyStore, MemoryDisk, MemoryStore, Outcome


@pytest.mark.parametrize(("outcome", "size"), [(Outcome.NOT_KEPT, 0), (Outcome.KEPT, 2)])
def test_an_unknown_outcome_is_kept_or_not_and_ends_the_object(outcome: Outcome, size: int) -> None:
    """STORE-2: the caller sees the same fault either way; only reopening shows what happened."""
    disk = MemoryDisk()
    store = FaultyStore(MemoryStore(disk), {2: outcome})
    store.commit(books(), HELD_AT)
    with pytest.raises(StoreFault, match="not known whether") as caught:
        store.commit(full_turn(0, 2), HELD_AT)
    assert not isinstance(caught.value, StoreFull)
    for action in (store.books, lambda: store.entries(ALFA, 0, 1), lambda: store.commit(books(), HELD_AT)):
        with pytest.raises(StoreFault, match="STORE-2"):
            action()
    store.close()
    reopened = MemoryStore(disk)
    assert reopened.books()[0].size == len(reopened.entries(ALFA, 0, 9)) == size


def test_a_full_disk_leaves_the_object_usable() -> None:
    """StoreFull: nothing was written, and the next commit may go through."""
    store = FaultyStore(MemoryStore(MemoryDisk()), {2: Outcome.FULL, 3: Outcome.FULL})
    store.commit(books(), HELD_AT)
    for _ in range(2):
        with pytest.raises(StoreFull):
            store.commit(full_turn(0, 2), HELD_AT)
        assert store.books()[0].size == 0
    store.commit(full_turn(0, 2), HELD_AT)
    assert store.books()[0].size == 2
    assert store.commits_count == 4
