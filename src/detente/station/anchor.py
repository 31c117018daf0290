"""The anchor in one small file, on another medium than the store and outside its backups. Its law: STORE-3.

What `record` has returned from is on the medium. The file is filled with zeros before it is used, so that a record is
one write in place and one fdatasync, with no change of the file's size. When it is full, and whenever it is opened,
the newest record of each (own, origin) is copied into a new file that takes the old one's name; so a file in use has a
clean tail. The medium needs room for two such files.

A file: 64 octets of header, then blocks of one `record` call each, each starting at a multiple of 64. Big-endian:

    crc32 of what follows (4), octets of records (4), sequence (8), records
    record: own (1), size (8), root (32), octets of origin (2), origin

A block that is not whole ends the journal: its call never returned (a torn tail), unless a later block is whole, for
then it was durable once and the medium has lost it. It cannot tell a torn last block from one that was lost later.
"""

import fcntl
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from detente.errors import StoreFault
from detente.ids import Origin
from detente.protocol.effects import AnchorRecord
from detente.stores.files import disk_faults, sync_directory, write_at

HEADER = b"detente anchor 1\n".ljust(64, b"\0")
ALIGNMENT_OCTETS = 64
CAPACITY_OCTETS_MIN = 1_048_576  # about 8,000 records of one head before the first compaction
CAPACITY_FACTOR = 4  # a new file has room for three times its records more, so that copying stays rare

_BLOCK = struct.Struct(">IIQ")
_RECORD = struct.Struct(">?Q32sH")

Newest = dict[tuple[bool, Origin], tuple[int, bytes]]


class JournalAnchor:
    """A `contracts.Anchor` in the file `path`. One process at a time."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the journal; a missing one is made at the first `record`, so that no crash before it hides the loss.

        Raises StoreFault: another format, damaged, in use by another process, not writable; StoreFull.
        """
        self._path = Path(path).absolute()
        self._temporary = self._path.with_name(f".{self._path.name}.new")
        self._newest: Newest = {}
        self._descriptor = -1
        self._sequence = 0
        try:
            with disk_faults(self._path):
                self._missing = not self._path.exists()
                if not self._missing:
                    self._load()
                self._rewrite()
        except StoreFault:
            self.close()  # releases the lock: it can be opened again once there is room
            raise

    def record(self, records: list[AnchorRecord]) -> None:
        """See `contracts.Anchor.record`. After a StoreFault that is not StoreFull this object refuses everything."""
        self._check_open()
        if not records:
            return
        newest = self._newest | {(row.own, row.origin): (row.size, row.root) for row in records}
        block = _block(self._sequence, records)
        if self._end + len(block) > self._capacity:
            with disk_faults(self._path):
                self._rewrite(extra_octets=len(block))
            block = _block(self._sequence, records)
        descriptor, self._descriptor = self._descriptor, -1  # until the end is known
        try:
            with disk_faults(self._path):
                write_at(descriptor, block, self._end)
                os.fdatasync(descriptor)
                if self._missing:
                    self._rename()
        except StoreFault:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self._end += len(block)
        self._sequence += 1
        self._newest = newest

    def newest(self) -> Newest | None:
        """See `contracts.Anchor.newest`: None while there is no journal, that is until the first record."""
        self._check_open()
        return None if self._missing else dict(self._newest)

    def close(self) -> None:
        """See `contracts.Anchor.close`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _load(self) -> None:
        """Read the journal and keep it locked until a new one has taken its place."""
        self._descriptor = _open_locked(self._path, os.O_RDWR)
        self._newest, self._sequence = _read_journal(self._path)

    def _rewrite(self, extra_octets: int = 0) -> None:
        """Continue in a new file that begins with the newest records and has room for `extra_octets` and many more."""
        live = HEADER + (_block(self._sequence, self._newest_records()) if self._newest else b"")
        capacity = max(CAPACITY_OCTETS_MIN, CAPACITY_FACTOR * (len(live) + extra_octets))
        descriptor = _open_locked(self._temporary, os.O_RDWR | os.O_CREAT)
        try:
            os.ftruncate(descriptor, 0)
            write_at(descriptor, live.ljust(capacity, b"\0"), 0)
            os.fsync(descriptor)
        except OSError:
            os.close(descriptor)
            self._temporary.unlink()
            raise
        try:
            if not self._missing:
                self._rename()
        except OSError:
            os.close(descriptor)
            raise
        finally:
            self.close()  # the old file, locked until here
        self._descriptor = descriptor
        self._capacity = capacity
        self._end = len(live)
        self._sequence += 1 if self._newest else 0

    def _rename(self) -> None:
        self._temporary.rename(self._path)
        sync_directory(self._path.parent)
        self._missing = False

    def _newest_records(self) -> list[AnchorRecord]:
        return [AnchorRecord(own, origin, size, root) for (own, origin), (size, root) in self._newest.items()]

    def _check_open(self) -> None:
        if self._descriptor < 0:
            raise StoreFault(
                f"{self._path}: this anchor is closed, or its last record may not be durable; open it again",
                rule="STORE-2",
            )


def read_anchor(path: Path) -> Newest | None:
    """What a journal says, without opening it for use; None if there is none. Raises StoreFault."""
    with disk_faults(path):
        return _read_journal(path)[0] if path.exists() else None


def _read_journal(path: Path) -> tuple[Newest, int]:
    """The newest records of a journal, and the next sequence. Raises StoreFault, OSError."""
    octets = path.read_bytes()
    if octets[: len(HEADER)] != HEADER:
        raise StoreFault(
            f"{path} is not a Detente anchor of format 1; give the right file, or start the newer program",
            rule="STORE-3",
        )
    newest: Newest = {}
    offset, next_sequence = len(HEADER), 0
    while (found := _read_block(octets, offset)) and found[0] == (next_sequence if newest else found[0]):
        sequence, records, offset = found
        next_sequence = sequence + 1
        newest |= records
    if not newest or _holds_later_block(octets.rstrip(b"\0"), offset, next_sequence):
        raise StoreFault(
            f"{path} is damaged at octet {offset}: records that were durable are lost. Move it away; the "
            "station then opens new books, as after the loss of an anchor",
            rule="STORE-3",
        )
    return newest, next_sequence


def _open_locked(path: Path, flags: int) -> int:
    """Open a file that no other process has open here. Raises StoreFault, OSError."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except BlockingIOError:
        pass  # said below
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    raise StoreFault(f"{path} is in use by another process; stop that station first: one anchor has one station")


def _block(sequence: int, records: Iterable[AnchorRecord]) -> bytes:
    parts = []
    for own, origin, size, root in records:
        name = origin.encode()
        parts.append(_RECORD.pack(own, size, root, len(name)) + name)
    body = b"".join(parts)
    block = _BLOCK.pack(0, len(body), sequence) + body
    block = zlib.crc32(block[4:]).to_bytes(4, "big") + block[4:]
    return block.ljust(-(-len(block) // ALIGNMENT_OCTETS) * ALIGNMENT_OCTETS, b"\0")


def _read_block(octets: bytes, offset: int) -> tuple[int, Newest, int] | None:
    """(sequence, records, where the next block starts), or None if there is no whole block."""
    if offset + _BLOCK.size > len(octets):
        return None
    crc, length, sequence = _BLOCK.unpack_from(octets, offset)
    position = offset + _BLOCK.size
    end = position + length
    if length == 0 or end > len(octets) or zlib.crc32(octets[offset + 4 : end]) != crc:
        return None
    records: Newest = {}
    while position < end:
        own, size, root, name_octets = _RECORD.unpack_from(octets, position)
        position += _RECORD.size + name_octets
        records[own, Origin(octets[position - name_octets : position].decode())] = (size, root)
    return sequence, records, -(-end // ALIGNMENT_OCTETS) * ALIGNMENT_OCTETS


def _holds_later_block(octets: bytes, offset: int, sequence: int) -> bool:
    """Whether a whole block of `sequence` or later lies from `offset` on. A torn tail has none: its call was last."""
    sequences = range(sequence, sequence + len(octets) // ALIGNMENT_OCTETS + 1)
    for later in range(offset, len(octets) - _BLOCK.size, ALIGNMENT_OCTETS):
        if _BLOCK.unpack_from(octets, later)[2] in sequences and _read_block(octets, later) is not None:
            return True
    return False
