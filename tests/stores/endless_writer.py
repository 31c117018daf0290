"""A program that commits turn after turn to the store given as argument, and prints each size when it was told.

The test that kills it starts it; alone it never ends. Turns have 1 to 40 entries, so a kill meets all parts of one.
"""

import sys

from detente.ids import Origin
from detente.protocol.effects import AnchorRecord, BookRow, Work
from detente.station.anchor import JournalAnchor
from detente.stores.sqlite import SqliteStore
from detente.testing.conformance import HELD_AT, full_turn, head

ORIGIN = Origin("north/alfa/1")


def main(path: str) -> None:
    """Go on where the store ends."""
    store = SqliteStore.open(path)
    anchor = JournalAnchor(f"{path}.anchor")
    if not store.books():
        store.commit(Work(books=[BookRow(ORIGIN, "north", True)]), HELD_AT)
    size = store.books()[0].size
    while True:
        after = size + 1 + size % 40
        store.commit(full_turn(size, after), HELD_AT)
        anchor.record([AnchorRecord(True, ORIGIN, after, head(ORIGIN, after).root)])
        size = after
        sys.stdout.write(f"{size}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
