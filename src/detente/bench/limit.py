"""What this machine could do at most: the cryptography, encoding and SQLite work of both stations, and nothing else.

An author and a receiver, each a process of its own and both at the same time, as the two stations are; neither has sockets,
links, rules, or anybody to answer. They use the program's own functions, so what is left between this limit and the
stations is what links, turns and the local socket cost.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from detente.bench.texts import texts
from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey, verify_ed25519
from detente.errors import impossible
from detente.formats.content import Content, decode_content, encode_content
from detente.formats.dictionary import DICTIONARY
from detente.formats.entry import Kind, Leaf, Precedence, encode_leaf
from detente.formats.frame import Entries, EntryItem, decode_frame, encode_frame
from detente.formats.padding import pack, unpack
from detente.ids import Origin, PartyId
from detente.protocol.effects import AnchorRecord, BookRow, CosignatureRow, EntryRow, HeadRow, NodeRow, SizeRow, Work
from detente.protocol.sealing import Epoch, Header
from detente.station.anchor import JournalAnchor
from detente.stores.sqlite import SqliteStore
from detente.tlog.checkpoint import checkpoint_text, cosign
from detente.tlog.tree import Frontier, append, leaf_hash

BATCH = 1_000  # messages a commit, as a station takes under load
FRAME_ENTRIES = 190  # of this size fill one frame
CHANNEL = "bench.example/abcdefghijklmnop"
ORIGIN = Origin(f"{CHANNEL}/alfa/1")
AT = 1_800_000_000_000
_KEY = SigningKey(bytes(32))
_EPOCH = Epoch(ORIGIN, 1, (PartyId("alfa"), PartyId("bravo")), bytes(32))
_SEEN = (0, 2)
_VIEW = bytes(32)


def limit(folder: Path, count: int) -> float:
    """Messages a second, of `count` texts; both processes work at the same time, the slower one decides."""
    folder.mkdir()
    said = texts(count, count)
    frames = [frames for _, frames in _written(said)]
    spawn = multiprocessing.get_context("spawn")
    workers = []
    tasks: tuple[tuple[Callable[..., None], object], ...] = ((_author, said), (_receiver, frames))
    for number, (work, data) in enumerate(tasks):
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=work, args=(theirs, folder / f"{number}", data))
        process.start()
        workers.append((process, ours))
    for _, pipe in workers:
        pipe.recv()  # ready
    for _, pipe in workers:
        pipe.send(True)
    seconds = max(pipe.recv() for _, pipe in workers)
    for process, _ in workers:
        process.join()
    return count / float(seconds)


class _Desk:
    """A store and an anchor as a station has them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._store = SqliteStore.open(folder / "store.db")
        self._anchor = JournalAnchor(folder / "anchor")
        self._store.commit(Work(books=[BookRow(ORIGIN, CHANNEL, ours=True)]), AT)

    def commit(self, work: Work, *, own: bool) -> None:
        head = work.heads[0]
        self._store.commit(work, AT)
        self._anchor.record([AnchorRecord(own, head.origin, head.size, head.root)])


def _written(said: Sequence[str]) -> Iterator[tuple[Work, list[bytes]]]:
    """The author's work, batch by batch: rows and frames."""
    frontier = Frontier()
    for start in range(0, len(said), BATCH):
        rows: list[EntryRow] = []
        items: list[EntryItem] = []
        for number, text in enumerate(said[start : start + BATCH], start):
            content = Content("message", to=(PartyId("bravo"),), lang="en", text=text)
            header = Header(Kind.SEALED, AT, Precedence.ROUTINE, 1, _SEEN, _VIEW)
            body = _EPOCH.seal(number, header, pack(encode_content(content), DICTIONARY))
            leaf = encode_leaf(Leaf(*header, len(body), sha256(body)))
            rows.append(EntryRow(ORIGIN, number, leaf, leaf_hash(leaf), body))
            items.append(EntryItem(Kind.SEALED, AT, Precedence.ROUTINE, 1, _SEEN, None, body))
        work, frontier = _work(frontier, rows)
        text = checkpoint_text(ORIGIN, frontier.size, frontier.root())
        signature = _KEY.sign(text.encode())
        work.heads.append(HeadRow(ORIGIN, frontier.size, frontier.root(), signature))
        frames = []
        for first in range(0, len(items), FRAME_ENTRIES):
            some = tuple(items[first : first + FRAME_ENTRIES])
            frames.append(encode_frame(Entries(0, 0, start + first, signature, some)))
        yield work, frames


def _work(frontier: Frontier, rows: list[EntryRow]) -> tuple[Work, Frontier]:
    before = frontier.size
    frontier, nodes = append(frontier, [row.leaf_hash for row in rows])
    size = SizeRow(ORIGIN, before, frontier.size, frontier.size)
    return Work(entries=rows, nodes=[NodeRow(ORIGIN, *node) for node in nodes], sizes=[size]), frontier


def _author(pipe: Connection, folder: Path, said: Sequence[str]) -> None:
    desk = _Desk(folder)
    pipe.send(True)
    pipe.recv()
    began = time.perf_counter()
    for work, _ in _written(said):
        desk.commit(work, own=True)
    pipe.send(time.perf_counter() - began)


def _receiver(pipe: Connection, folder: Path, batches: Sequence[list[bytes]]) -> None:
    desk = _Desk(folder)
    frontier = Frontier()
    pipe.send(True)
    pipe.recv()
    began = time.perf_counter()
    for frames in batches:
        rows: list[EntryRow] = []
        leaves: list[Leaf] = []
        signature = b""
        for octets in frames:
            frame = decode_frame(octets)
            if not isinstance(frame, Entries):
                impossible("The author writes ENTRIES only")
            signature = frame.signature
            for item in frame.items:
                if not isinstance(item, EntryItem):
                    impossible("The author writes no subtrees")
                kind, at, precedence, epoch, seen, _, body = item
                leaf = Leaf(kind, at, precedence, epoch, seen, _VIEW, len(body), sha256(body))
                encoded = encode_leaf(leaf)
                leaves.append(leaf)
                rows.append(EntryRow(ORIGIN, frontier.size + len(rows), encoded, leaf_hash(encoded), body))
        work, frontier = _work(frontier, rows)
        text = checkpoint_text(ORIGIN, frontier.size, frontier.root())
        verify_ed25519(_KEY.public, text.encode(), signature)
        work.heads.append(HeadRow(ORIGIN, frontier.size, frontier.root(), signature))
        receipt = cosign(_KEY, text, AT // 1_000)
        work.cosignatures.append(CosignatureRow(ORIGIN, frontier.size, "bravo", 4, AT // 1_000, receipt))
        desk.commit(work, own=False)
        for leaf, row in zip(leaves, rows, strict=True):
            padded = _EPOCH.open(row.index, Header(*leaf[:6]), row.body)
            decode_content(unpack(padded, DICTIONARY))
    pipe.send(time.perf_counter() - began)
