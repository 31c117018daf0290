"""The courier file: frames for one station, carried by hand, in the framing of a stream (COURIER-1).

It keeps: a file is whole under its name or not there at all; what is read is given frame by frame with its place, so a
file that breaks off or is damaged is used as far as it goes. What the frames say is not asked here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from detente.errors import LocalMisuse, Malformed
from detente.formats.frame import FrameSplitter, length_prefix

HEADER: Final = b"detente courier 1\n"
_READ_OCTETS = 262_144


class Piece(NamedTuple):
    """One frame of a file, its number from 1, and where the file goes on after it."""

    number: int
    octets: bytes
    end: int


def frame_octets(frame: bytes) -> bytes:
    """A frame as it stands in a file."""
    return length_prefix(len(frame)) + frame


def read_courier(file: BinaryIO, name: str) -> Iterator[Piece]:
    """The frames of a file, in order. Raises LocalMisuse if it is none, Malformed where it breaks off (COURIER-5)."""
    if file.read(len(HEADER)) != HEADER:
        raise LocalMisuse(f"{name} is no courier file; `detente courier out` writes them", rule="COURIER-1")
    splitter = FrameSplitter()
    number, end = 0, len(HEADER)
    while octets := file.read(_READ_OCTETS):
        try:
            frames = splitter.feed(octets)
        except Malformed as fault:
            raise Malformed(
                f"{name} cannot be read after frame {number}, octet {end}: {fault.text}", rule="COURIER-5"
            ) from fault
        for frame in frames:
            number, end = number + 1, end + len(frame_octets(frame))
            yield Piece(number, frame, end)
    if splitter.waiting_octets or not number:
        raise Malformed(
            f"{name} breaks off after frame {number}, octet {end}; everything before was read", rule="COURIER-5"
        )


@contextmanager
def new_courier(path: Path) -> Iterator[BinaryIO]:
    """A file to write frames to (`frame_octets`); durable under its name when this ends, else not there. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(HEADER)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
