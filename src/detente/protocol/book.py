"""One book as this station holds it, ours or another's: its tree, what is durable, what was proved about it.

It keeps: a frame's items are proved against our own frontier before anything changes (FRAME-4); what is above a gap counts
for no receipt (FRAME-7); a head that contradicts one verified before is a fork with its proof (FORK-1).
It does not know links, keys or contents, and it judges no rule of a single entry (`rules.py`).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from detente.crypto.hashing import sha256
from detente.crypto.signing import verify_ed25519
from detente.errors import InternalFault, Malformed, impossible, invariant
from detente.formats.charter import Charter
from detente.formats.entry import Leaf, Seen, decode_leaf, encode_leaf
from detente.formats.frame import EntryItem, ForkFrame, Frame, Subtree
from detente.ids import Origin, split_origin
from detente.limits import INDEX_MAX, RECENT_ENTRIES_MAX, RECENT_ROOTS_MAX
from detente.protocol.effects import CosignatureRow, EntryRow, HeadRow, NodeRow, SizeRow, StoredBook
from detente.protocol.shelf import Shelf
from detente.tlog.checkpoint import checkpoint_text
from detente.tlog.tree import Frontier, append, cover, frontier_at, leaf_hash, root_at, subtree_hash


class HeldEntry(NamedTuple):
    """An entry with its place."""

    index: int  # type: ignore[assignment]  # a tuple's own `index` is never wanted here
    leaf: Leaf
    leaf_octets: bytes
    leaf_hash: bytes
    body: bytes


class Tile(NamedTuple):
    """A subtree hash and where it starts."""

    level: int
    start: int
    digest: bytes


@dataclass(slots=True)
class Proved:
    """What one ENTRIES frame proves: entries, and a signed head whose tree has our frontier as its beginning."""

    head: HeadRow
    entries: list[HeldEntry]
    tiles: list[Tile]  # of [start, N), entries included as level 0
    start: int
    joins: bool  # its tree begins with all that we hold, or is the beginning of that, so its entries may be taken


class Fork(NamedTuple):
    """FORK-1: head A, and head B with subtree hashes that tile [0, B.size) with a boundary at A.size."""

    a: HeadRow
    b: HeadRow
    tiles: tuple[Subtree, ...]


class BookCopy:
    """A book and what this station has proved about it. The turn in progress may be ahead of the store until `committed`."""

    def __init__(self, stored: StoredBook, key: bytes, shelf: Shelf, charter: Charter) -> None:
        self.origin: Origin = stored.origin
        self.channel, self.party, self.number = split_origin(stored.origin)
        self.ours = stored.ours
        self.key = key
        self.charter = charter  # governs the next entry (CHARTER-7)
        self.size = stored.size
        self.viewed = stored.viewed
        self.head: HeadRow | None = None  # the largest verified head that we hold every entry of
        self.far_heads: dict[int, HeadRow] = {}  # verified heads above the size
        self.joined: HeadRow | None = None  # the largest head shown in this run to contain all verified before it
        self.far_entries: dict[int, bytes] = {}  # leaf hashes of entries held above a gap
        self.receipts: dict[str, CosignatureRow] = {}  # the largest, by cosigner
        self.last_seen: Seen = ()
        self.closed = False
        self.epochs: set[int] = set()  # the indexes of its keys entries (EPOCH-1)
        self.fork: Fork | None = None
        self._shelf = shelf
        self._stored_size = stored.size
        self._stored_viewed = stored.viewed
        self._pending_hashes: list[bytes] = []
        self._pending_nodes: dict[tuple[int, int], bytes] = {}  # of those of them that the frontier covers
        self._roots: OrderedDict[int, bytes] = OrderedDict()
        self._recent: list[HeldEntry] = []  # the newest entries, without gaps, up to the size
        self._frontier = frontier_at(self.read_hashes, stored.size)  # may be behind the size: see `frontier`
        self._load()

    def _load(self) -> None:
        for row in reversed(self._shelf.heads(self.origin)):
            if row.size > self.size:
                self.far_heads[row.size] = row
            elif row.root == self.root(row.size):  # a head of another history may be kept above it (FRAME-7)
                self.head = row
                break
        for cosignature in self._shelf.cosignatures(self.origin):
            self.receipts[cosignature.cosigner] = cosignature
        for entry in self._shelf.entries(self.origin, self.size, INDEX_MAX):
            self.far_entries[entry.index] = entry.leaf_hash

    # --- reading

    @property
    def frontier(self) -> Frontier:
        """The frontier of all that is held. Many entries are taken at once: one by one would take five times as long."""
        if self._frontier.size < self.size:
            fresh = self._pending_hashes[self._frontier.size - self._stored_size :]
            self._frontier, completed = append(self._frontier, fresh)
            self._pending_nodes.update({(level, index): digest for level, index, digest in completed})
        return self._frontier

    def read_hashes(self, level: int, start: int, stop: int) -> list[bytes]:
        """Hashes of complete subtrees at a level that is a multiple of 8, those of the turn in progress included."""
        stored = min(stop, self._stored_size >> level)
        hashes = self._shelf.hashes(self.origin, level, start, stored) if start < stored else []
        if level == 0:
            base = self._stored_size
            return hashes + self._pending_hashes[max(start, base) - base : max(stop, base) - base]
        if stop > stored and self.frontier:  # it completes the nodes of this turn
            hashes += [self._pending_nodes[level, index] for index in range(max(start, stored), stop)]
        return hashes

    def root(self, size: int) -> bytes:
        """The root of the first `size` entries; `size` is at most the size held."""
        if not 0 <= size <= self.size:
            impossible(f"root of {self.origin} at {size} above {self.size}")
        known = self._roots.get(size)
        if known is None:
            known = self.frontier.root() if size == self.size else root_at(self.read_hashes, size)
            self._roots[size] = known
            if len(self._roots) > RECENT_ROOTS_MAX:
                self._roots.popitem(last=False)
        return known

    def cover_items(self, start: int, stop: int) -> list[Subtree]:
        """The cover of [start, stop) as frame items; all of it is held."""
        return [Subtree(level, subtree_hash(self.read_hashes, level, at >> level)) for level, at in cover(start, stop)]

    def entries(self, start: int, stop: int) -> list[HeldEntry]:
        """Committed or pending entries of [start, stop), all of them held."""
        if self._recent and self._recent[0].index <= start:
            first = self._recent[0].index
            return self._recent[start - first : stop - first]
        return [held_entry(row) for row in self._shelf.entries(self.origin, start, stop)]

    # --- proving

    def prove(self, start: int, signature: bytes, items: Sequence[EntryItem | Subtree], views: list[bytes]) -> Proved:
        """FRAME-4. `views` holds the view of each entry item in order. Raises Malformed; changes nothing."""
        if start > self.size:
            raise Malformed(f"entries from {start} do not join what is held ({self.size})", rule="FRAME-4")
        frontier = self.frontier if start == self.size else frontier_at(self.read_hashes, start)
        entries: list[HeldEntry] = []
        tiles: list[Tile] = []
        run: list[bytes] = []  # leaf hashes that the frontier lacks: many are added at once
        position = start
        joins = start == self.size
        view = iter(views)
        for item in items:
            if isinstance(item, EntryItem):
                kind, at, precedence, epoch, seen, _, body = item
                leaf = Leaf(kind, at, precedence, epoch, seen, next(view), len(body), sha256(body))
                octets = encode_leaf(leaf)
                digest = leaf_hash(octets)
                entries.append(HeldEntry(position, leaf, octets, digest, body))
                tiles.append(Tile(0, position, digest))
                run.append(digest)
                position += 1
            else:
                tiles.append(Tile(item.level, position, item.digest))
                frontier = append(frontier, run)[0].add(item.level, item.digest)
                run.clear()
                position += 1 << item.level
            if position == self.size and not joins:
                frontier = append(frontier, run)[0]
                run.clear()
                joins = frontier.root() == self.root(position)
        frontier = append(frontier, run)[0]
        if position > INDEX_MAX or position == 0:
            raise Malformed("the head has no size that a book can have", rule="HEAD-2")
        head = HeadRow(self.origin, position, frontier.root(), signature)
        if not self.signed(head):
            raise Malformed(
                f"the head of {self.origin} at {position} does not follow from the entries sent", rule="FRAME-4"
            )
        if position < self.size:
            joins = head.root == self.root(position)  # nothing new; all of it is held, or another history is
        return Proved(head, entries, tiles, start, joins)

    def signed(self, head: HeadRow) -> bool:
        """HEAD-2: whether the book's key signed this head."""
        known = self.head
        if known is not None and known == head:
            return True
        text = checkpoint_text(head.origin, head.size, head.root)
        return verify_ed25519(self.key, text.encode(), head.signature)

    def fork_with(self, proved: Proved) -> Fork | None:
        """FORK-1: the proof that a head just proved contradicts one verified before, if it does and the tiles can show it."""
        ours = self.heads_held()
        b = self.head
        if b is not None and proved.head.size < b.size and proved.head.root != self.root(proved.head.size):
            boundary = proved.head.size
            return Fork(proved.head, b, (*self.cover_items(0, boundary), *self.cover_items(boundary, b.size)))
        for a in ours:
            root = self._root_within(proved, a.size)
            if root is not None and root != a.root:
                beginning = frontier_items(frontier_at(self.read_hashes, proved.start))
                tiles = (*beginning, *(Subtree(tile.level, tile.digest) for tile in proved.tiles))
                return Fork(a, proved.head, tiles)
        return None

    def _root_within(self, proved: Proved, size: int) -> bytes | None:
        """The root at `size` as the frame shows it; None where its tiling has no boundary."""
        if not proved.start <= size <= proved.head.size:
            return None
        frontier = self.frontier if proved.start == self.size else frontier_at(self.read_hashes, proved.start)
        for tile in proved.tiles:
            if frontier.size >= size:
                break
            frontier = frontier.add(tile.level, tile.digest)
        return frontier.root() if frontier.size == size else None

    def take_head(self, proved: Proved) -> None:
        """Remember a head just proved, and whether it is shown to contain every head verified before it (RECEIPT-3)."""
        below = [size for size in self.far_heads if self.size < size <= proved.head.size]
        if all(self._root_within(proved, size) == self.far_heads[size].root for size in below):
            self.joined = max(self.joined or proved.head, proved.head, key=lambda head: head.size)
        self.nearer_head(proved.head)

    def heads_held(self) -> list[HeadRow]:
        """The verified heads at or above the size, the one at or below it first."""
        near = [self.head] if self.head is not None else []
        return near + [self.far_heads[size] for size in sorted(self.far_heads)]

    # --- growing (in the turn; durable after its commit)

    def append(self, entry: HeldEntry) -> bool:
        """Take the next entry. False if its bytes were held already above a gap (no new row)."""
        if entry.index != self.size:
            impossible(f"{self.origin}: entry {entry.index} does not follow {self.size}")
        self._pending_hashes.append(entry.leaf_hash)
        self.size += 1
        self._recent.append(entry)
        if len(self._recent) > 2 * RECENT_ENTRIES_MAX:
            del self._recent[:RECENT_ENTRIES_MAX]
        self.last_seen = entry.leaf.seen
        return self.far_entries.pop(entry.index, None) is None

    def nearer_head(self, head: HeadRow) -> None:
        """Remember a verified head: as the near one when all of it is held, else as a far one."""
        if head.size > self.size:
            self.far_heads[head.size] = head
        elif self.head is None or head.size > self.head.size:
            self.head = head

    def turn_rows(self) -> tuple[list[NodeRow], SizeRow | None]:
        """The subtree nodes completed in this turn and the size's move; called once at its end."""
        invariant(self.frontier.size == self.size, f"the frontier of {self.origin} is behind its size")
        nodes = [NodeRow(self.origin, *place, digest) for place, digest in self._pending_nodes.items()]
        if self.size == self._stored_size and self.viewed == self._stored_viewed:
            return nodes, None
        return nodes, SizeRow(self.origin, self._stored_size, self.size, self.viewed)

    def committed(self) -> None:
        """The turn's rows are durable."""
        self._stored_size = self.size
        self._stored_viewed = self.viewed
        self._pending_hashes.clear()
        self._pending_nodes.clear()


def fork_shown(book: BookCopy, frame: Frame) -> Fork:
    """FORK-1: the fork of this book that a FORK frame proves. Raises Malformed if it proves none; that accuses nobody."""
    if not isinstance(frame, ForkFrame):
        raise Malformed("this is no FORK", rule="FORK-1")
    frontier, position, at_a = Frontier(), 0, None
    for level, digest in frame.items:
        if position & ((1 << level) - 1):
            raise Malformed("the tiles of a fork do not join", rule="FORK-1")
        frontier = frontier.add(level, digest)
        position += 1 << level
        if position == frame.size_a:
            at_a = frontier.root()
    a = HeadRow(book.origin, frame.size_a, frame.root_a, frame.signature_a)
    b = HeadRow(book.origin, position, frontier.root(), frame.signature_b)
    if at_a is None or at_a == a.root or not book.signed(a) or not book.signed(b):
        raise Malformed("this is no proof of a fork", rule="FORK-1")
    return Fork(a, b, frame.items)


def held_entry(row: EntryRow) -> HeldEntry:
    """A stored entry, read back. Raises InternalFault if the store holds what cannot be a leaf."""
    try:
        leaf = decode_leaf(row.leaf)
    except Malformed as fault:
        raise InternalFault(f"the store holds a damaged leaf {row.origin} {row.index}: {fault}") from fault
    return HeldEntry(row.index, leaf, row.leaf, row.leaf_hash, row.body)


def frontier_items(frontier: Frontier) -> list[Subtree]:
    """A frontier as the frame items that tile [0, size)."""
    tiles = cover(0, frontier.size)
    return [Subtree(level, digest) for (level, _), digest in zip(tiles, frontier.hashes, strict=True)]


def leaf_hash_of(item: EntryItem, view: bytes) -> bytes:
    """The leaf hash of an entry as it travels, with its view."""
    kind, at, precedence, epoch, seen, _, body = item
    return leaf_hash(encode_leaf(Leaf(kind, at, precedence, epoch, seen, view, len(body), sha256(body))))
