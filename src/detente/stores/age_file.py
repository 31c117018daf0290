"""A file in the age format as a stream that is written or read once, from beginning to end, in constant memory.

It keeps: what was read was verified; a file counts as whole only when its last chunk has been read.
"""

import os
from collections.abc import Callable
from typing import BinaryIO

from detente.errors import invariant
from detente.formats.age import CHUNK_OCTETS, HEADER_OCTETS_MAX, LOG_WORK, SEALED_CHUNK_OCTETS, Opener, Sealer


class AgeWriter:
    """Write plain octets; the file gets sealed ones. `finish` seals what is left."""

    def __init__(
        self,
        file: BinaryIO,
        passphrase: bytes,
        entropy: Callable[[int], bytes] = os.urandom,
        log_work: int = LOG_WORK,
    ) -> None:
        self._file = file
        self._sealer = Sealer(passphrase, entropy, log_work)
        self._waiting = bytearray()
        self.octets = 0  # plain octets written
        file.write(self._sealer.head)

    def write(self, octets: bytes) -> int:
        """Take more octets. Raises OSError."""
        self._waiting += octets
        self.octets += len(octets)
        while len(self._waiting) > CHUNK_OCTETS:  # the last chunk is known only at the end
            self._file.write(self._sealer.seal(bytes(self._waiting[:CHUNK_OCTETS]), last=False))
            del self._waiting[:CHUNK_OCTETS]
        return len(octets)

    def finish(self) -> None:
        """Seal the last chunk. Raises OSError."""
        self._file.write(self._sealer.seal(bytes(self._waiting), last=True))
        self._waiting.clear()


class AgeReader:
    """Read the plain octets of a sealed file. Raises Malformed, LocalMisuse, OSError."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        beginning = file.read(HEADER_OCTETS_MAX)
        self._file = file
        self._opener = Opener(passphrase, beginning)
        self._sealed = beginning[self._opener.start :]
        self._plain = bytearray()
        self.ended = False

    def read(self, octets: int) -> bytes:
        """The next octets, fewer only at the end."""
        invariant(octets >= 0, "a file in the age format is read in parts")
        while len(self._plain) < octets and not self.ended:
            self._next_chunk()
        found = bytes(self._plain[:octets])
        del self._plain[:octets]
        return found

    def read_rest(self) -> int:
        """Read to the end and verify it; how many octets there were."""
        count = 0
        while part := self.read(CHUNK_OCTETS):
            count += len(part)
        return count

    def _next_chunk(self) -> None:
        wanted = SEALED_CHUNK_OCTETS + 1  # one more shows whether this is the last
        while len(self._sealed) < wanted and (more := self._file.read(wanted - len(self._sealed))):
            self._sealed += more
        self.ended = len(self._sealed) < wanted
        self._plain += self._opener.open(self._sealed[:SEALED_CHUNK_OCTETS], last=self.ended)
        self._sealed = self._sealed[SEALED_CHUNK_OCTETS:]
