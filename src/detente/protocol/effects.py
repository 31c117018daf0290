"""What the core may ask of the world: rows to commit in one transaction, and afterwards things to tell.

A `Work` is what one turn writes (STORE-1): all of it or nothing. Rows are plain tuples in the shape that the store keeps.
Nothing here decides anything.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from detente.ids import Origin


class NoteRow(NamedTuple):
    """A signed note that this station holds: a charter or a book note, with its signatures."""

    channel: str
    digest: bytes  # NOTE-4
    kind: str  # "charter" | "book"
    number: int  # charter number or book number
    party: str  # "" for a charter
    octets: bytes


class BookRow(NamedTuple):
    """A book that this station keeps a copy of, ours or another's. Written once, when its note is accepted."""

    origin: Origin
    channel: str
    ours: bool


class EntryRow(NamedTuple):
    """One entry. (origin, index) is unique for ever; a second insert is a StoreFault and nothing is written."""

    origin: Origin
    index: int  # type: ignore[assignment]  # a tuple's own `index` is never wanted here
    leaf: bytes
    leaf_hash: bytes
    body: bytes


class NodeRow(NamedTuple):
    """The hash of a complete subtree at a level that is a multiple of 8."""

    origin: Origin
    level: int
    index: int  # type: ignore[assignment]  # see EntryRow
    digest: bytes


class SizeRow(NamedTuple):
    """The durable size of a book moves from `before` to `after`; a compare-and-swap (STORE-1).

    `viewed` is how many of its entries have had their `view` checked (BOOK-10).
    """

    origin: Origin
    before: int
    after: int
    viewed: int


class HeadRow(NamedTuple):
    """A signed checkpoint: our own, or another's that verified."""

    origin: Origin
    size: int
    root: bytes
    signature: bytes


class CosignatureRow(NamedTuple):
    """A receipt, given or got. `cosigner` is the name of its vkey; `octets` holds timestamp and signature (RECEIPT-2)."""

    origin: Origin
    size: int
    cosigner: str
    kind: int  # 4 Ed25519, 6 ML-DSA-44
    timestamp: int
    octets: bytes


class FindingRow(NamedTuple):
    """A rule broken by whom, with the octets that prove it. Kept for ever."""

    origin: Origin
    index: int  # type: ignore[assignment]  # see EntryRow; the entry, or the size of the head
    rule: str
    text: str
    proof: bytes


class GivenRow(NamedTuple):
    """LADDER-2, sent: entries of our book below `size` were handed to a bearer for this party. It only grows."""

    origin: Origin
    party: str
    size: int


@dataclass(slots=True)
class Work:
    """Everything that one turn writes, over all channels of the station."""

    notes: list[NoteRow] = field(default_factory=list)
    books: list[BookRow] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    nodes: list[NodeRow] = field(default_factory=list)
    sizes: list[SizeRow] = field(default_factory=list)
    heads: list[HeadRow] = field(default_factory=list)
    cosignatures: list[CosignatureRow] = field(default_factory=list)
    findings: list[FindingRow] = field(default_factory=list)
    given: list[GivenRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(
            (
                self.notes,
                self.books,
                self.entries,
                self.nodes,
                self.sizes,
                self.heads,
                self.cosignatures,
                self.findings,
                self.given,
            )
        )


class AnchorRecord(NamedTuple):
    """STORE-3: one head that is about to be told. `own` is True for our book's head, False for one that we cosign."""

    own: bool
    origin: Origin
    size: int
    root: bytes


class StoredBook(NamedTuple):
    """What the store knows of one book when the station opens."""

    origin: Origin
    channel: str
    ours: bool
    size: int
    viewed: int
