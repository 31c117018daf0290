"""Faults planted into the core, one at a time: each must be caught by an invariant within a few hundred seeds.

    python -m detente.testing.planted              # all of them; the exit status is 0 if each is caught
    python -m detente.testing.planted "no anchor"

It keeps: a simulator that has never caught anything proves nothing. Each plant replaces one function for a while, here
and nowhere else; the seeds are those of `make world`.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from detente.errors import Malformed
from detente.formats.entry import Seen
from detente.formats.frame import Frame, Item
from detente.protocol import incoming
from detente.protocol.book import BookCopy, Fork, Proved, fork_shown
from detente.protocol.effects import HeadRow, Work
from detente.protocol.ledger import Ledger
from detente.protocol.outgoing import Outgoing, PeerState
from detente.protocol.receipts import Receipts
from detente.records.proofs import Proofs, Receipt
from detente.station import driver
from detente.testing import disks, fakes
from detente.testing.fakes import MemoryAnchor, MemoryJournal
from detente.testing.observer import Broken
from detente.testing.plan import Actor
from detente.testing.tally import say
from detente.testing.world import World, run_seed

SEEDS_MAX = 500


def no_anchor() -> AbstractContextManager[object]:
    """What was told is written down nowhere (STORE-3)."""
    return patch.object(disks.Disks, "open_anchor", lambda _self, _journal: MemoryAnchor(MemoryJournal({})))


def send_before_commit() -> AbstractContextManager[object]:
    """Frames go to the links while the transaction is still open (STORE-2)."""
    begun = World._start  # noqa: SLF001
    hook: dict[int, Callable[[], None]] = {}

    def start(world: World, actor: Actor) -> None:
        hook[id(actor.station.disk)] = lambda: world._pump(actor)  # noqa: SLF001
        begun(world, actor)

    commit = disks.WatchedStore.commit

    def early(store: disks.WatchedStore, work: Work, held_at: int) -> None:
        hook.get(id(store._disk), lambda: None)()  # noqa: SLF001
        commit(store, work, held_at)

    return _all(patch.object(World, "_start", start), patch.object(disks.WatchedStore, "commit", early))


def cosign_before_bodies() -> AbstractContextManager[object]:
    """A station that `holds` cosigns the largest head it has verified, as one that `saw` does (RECEIPT-3)."""

    def largest(_self: Receipts, book: BookCopy, _statement: str) -> HeadRow | None:
        heads = book.heads_held()
        return heads[-1] if heads and not book.ours else None

    return patch.object(Receipts, "_head_to_cosign", largest)


def no_compare_and_swap() -> AbstractContextManager[object]:
    """The store writes whatever it is given (STORE-1)."""
    return patch.object(fakes, "_validate", lambda _disk, _work: None)


def old_key_after_restore() -> AbstractContextManager[object]:
    """The store is believed, whatever the anchor says (STORE-3)."""
    return patch.object(driver, "_older_than_told", lambda _book, _newest: "")


def lower_seen() -> AbstractContextManager[object]:
    """Now and then an entry counts less than the one before it (BOOK-9)."""
    honest = Ledger.seen_now

    def lower(self: Ledger, author: BookCopy) -> Seen:
        seen = honest(self, author)
        if author.size % 7 == 3:
            return tuple(max(0, slot - 1) if isinstance(slot, int) else slot for slot in seen)
        return seen

    return patch.object(Ledger, "seen_now", lower)


def fork_without_proof() -> AbstractContextManager[object]:
    """A FORK is believed without looking at its signatures (FORK-1)."""

    def believed(book: BookCopy, frame: Frame) -> Fork:
        with patch.object(BookCopy, "signed", lambda _self, _head: True):
            return honest(book, frame)

    honest = fork_shown
    return patch.object(incoming, "fork_shown", believed)


def body_unchecked() -> AbstractContextManager[object]:
    """Entries are taken although the signed head does not follow from them (FRAME-4)."""
    honest = BookCopy.prove

    def unchecked(self: BookCopy, start: int, signature: bytes, items: Sequence[Item], views: list[bytes]) -> Proved:
        try:
            return honest(self, start, signature, items, views)
        except Malformed:
            with patch.object(BookCopy, "signed", lambda _self, _head: True):
                return honest(self, start, signature, items, views)

    return patch.object(BookCopy, "prove", unchecked)


def receipt_never_resent() -> AbstractContextManager[object]:
    """A receipt is told when it is given, and never again (RECEIPT-5)."""
    greet = Outgoing.greet

    def silent(self: Outgoing, state: PeerState) -> None:
        with patch.object(Outgoing, "receipt", lambda _self, _state, _row: None):
            greet(self, state)

    return _all(
        patch.object(Receipts, "repeat", lambda _self, _book, _size, _state, _outgoing: None),
        patch.object(Outgoing, "greet", silent),
    )


def rung_without_receipt() -> AbstractContextManager[object]:
    """The ladder takes a receipt to reach further than it does (LADDER-3)."""
    honest = Proofs._take_receipt  # noqa: SLF001

    def further(self: Proofs, receipt: Receipt) -> None:
        honest(self, receipt._replace(size=receipt.size + 1))

    return patch.object(Proofs, "_take_receipt", further)


PLANTS: dict[str, Callable[[], Any]] = {
    "no anchor": no_anchor,
    "send before commit": send_before_commit,
    "cosign before bodies": cosign_before_bodies,
    "no compare-and-swap": no_compare_and_swap,
    "old key after restore": old_key_after_restore,
    "lower seen": lower_seen,
    "FORK without proof": fork_without_proof,
    "body unchecked": body_unchecked,
    "receipt never resent": receipt_never_resent,
    "rung without receipt": rung_without_receipt,
}


@contextmanager
def _all(*patches: AbstractContextManager[object]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield


def caught(name: str, seeds: range = range(1, SEEDS_MAX + 1)) -> tuple[int, Broken] | None:
    """The first seed with which this planted fault is caught, and how; None if it is not."""
    for seed in seeds:
        try:
            with PLANTS[name]():
                run_seed(seed)
        except Broken as broken:
            return seed, broken
    return None


def main(arguments: list[str] | None = None) -> int:
    """Plant each fault and say by what it is caught."""
    parser = argparse.ArgumentParser(
        prog="python -m detente.testing.planted", description="Does the world catch faults?"
    )
    parser.add_argument("names", nargs="*", metavar="FAULT", help=f"of: {', '.join(PLANTS)} (all)")
    names = parser.parse_args(arguments).names or list(PLANTS)
    missed = 0
    for name in names:
        found = caught(name)
        missed += found is None
        say(f"{name:24} " + (f"seed {found[0]:3}  {found[1]}" if found else f"NOT CAUGHT within {SEEDS_MAX} seeds"))
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
