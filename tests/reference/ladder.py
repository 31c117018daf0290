"""The ladder as in spec/7-reading.md (LADDER-1 to LADDER-3): how far an own entry has come with one addressee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference.books import OPEN, Seen, count_of
from tests.reference.contents import Content, Reference, is_acknowledge, is_message, references_of, status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# LADDER-1; `cannot process` stands above held and below acknowledged
RUNGS = ("queued", "sent", "held", "cannot process", "acknowledged", "answered")


@dataclass(frozen=True)
class OwnEntry:
    """An own entry, committed here; `leaf` is its leaf hash."""

    reference: Reference
    place: int
    leaf: bytes
    sent: bool = False


@dataclass(frozen=True)
class PartyReceipt:
    """A verified receipt over the book of the own entry."""

    party: str
    statement: str
    size: int


@dataclass(frozen=True)
class PartyEntry:
    """An entry of a party as it is held here; `content` is None where there is none or it cannot be opened."""

    party: str
    seen: Seen
    view: bool | None
    content: Content | None
    kind: int = OPEN


def rung(own: OwnEntry, addressee: str, receipts: Sequence[PartyReceipt], entries: Sequence[PartyEntry]) -> str:
    """Return the highest rung that has its proof at hand (LADDER-2, LADDER-3)."""
    reached = ["queued"]
    if own.sent:
        reached.append("sent")
    if any(proves_held(own, addressee, receipt) for receipt in receipts):
        reached.append("held")
    for entry in entries:
        if entry.party == addressee:
            reached += rungs_by_entry(own, entry)
    return max(reached, key=RUNGS.index)


def proves_held(own: OwnEntry, addressee: str, receipt: PartyReceipt) -> bool:
    """Whether a receipt by a station labelled `holds` covers the entry."""
    return receipt.party == addressee and receipt.statement == "holds" and receipt.size > own.reference.index


def rungs_by_entry(own: OwnEntry, entry: PartyEntry) -> list[str]:
    """List the rungs that an entry of the addressee proves."""
    reached = []
    if entry.view is True and count_of(entry.seen, own.place, own.reference.book) > own.reference.index:
        reached.append("held")
    if entry.content is None:
        return reached
    status = status_of(entry.content) if entry.kind == OPEN else None  # spec/4-books.md: status entries are open
    if status is not None and status.entry == own.reference:
        if status.kind == "cannot process":
            reached.append("cannot process")
        elif status.leaf == own.leaf:  # STATUS-2: another leaf hash says nothing about the entry
            reached.append("held")
    if own.reference in references_of(entry.content):
        if is_acknowledge(entry.content):
            reached.append("acknowledged")
        if is_message(entry.content):
            reached.append("answered")
    return reached
