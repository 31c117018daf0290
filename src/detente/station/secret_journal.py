"""Epoch secrets by their check (EPOCH-3), in one file that only grows. Its law: durable when `keep` returns.

A file: 80 octets of header, which prove that the station key is the right one, then records of 80 octets: the check
(32), and the secret (32) sealed (48). Each record is sealed under a key of its own, derived from the station key and
the check. A last record that is not whole was never told (a torn tail); the next one is written over it.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from detente.crypto.hashing import hmac_sha256
from detente.crypto.sealing import TAG_OCTETS, aead_open, aead_seal
from detente.crypto.wrapping import SECRET_OCTETS
from detente.errors import LocalMisuse, StoreFault
from detente.stores.files import disk_faults, write_at, write_file

MAGIC: Final = b"detente secrets 1\n".ljust(48, b"\0")
CHECK_OCTETS: Final = 32
RECORD_OCTETS: Final = CHECK_OCTETS + SECRET_OCTETS + TAG_OCTETS  # 80, the header's size as well


class SecretJournal:
    """Secrets in the file `path` under `key` (32 octets). Several processes may keep some; each waits for the other."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Read the file; an empty one is begun. Raises StoreFault."""
        self._path = path
        self._key = key
        self._sealed: dict[bytes, bytes] = {}  # check -> sealed secret
        self._last = MAGIC + hmac_sha256(key, MAGIC)  # the record before the next one: the header first
        self._end = RECORD_OCTETS
        with disk_faults(path):
            if not path.exists():
                raise StoreFault(f"{path} is missing; restore it, or make it empty to go on without the old secrets")
            if path.stat().st_size == 0:
                write_file(path, self._last)
            octets = path.read_bytes()
        if octets[:RECORD_OCTETS] != self._last:
            raise StoreFault(f"{path} does not belong to this station key, or is damaged; restore both together")
        self._take(octets[RECORD_OCTETS:])

    def get(self, check: bytes) -> bytes | None:
        """The secret kept under `check`, or None. Raises StoreFault if the record is damaged."""
        sealed = self._sealed.get(check)
        if sealed is None:
            return None
        secret = self._open(check, sealed)
        if secret is None:
            raise StoreFault(f"{self._path} is damaged: the secret {check.hex()} does not open; restore the file")
        return secret

    def keep(self, check: bytes, secret: bytes) -> None:
        """Keep a secret (32 octets) under its check (32 octets). Raises LocalMisuse, StoreFault."""
        if len(check) != CHECK_OCTETS or len(secret) != SECRET_OCTETS:
            raise LocalMisuse("a check and an epoch secret have 32 octets each", rule="EPOCH-1")
        with disk_faults(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # released with the descriptor
                self._append(descriptor, check, secret)
            finally:
                os.close(descriptor)

    def _append(self, descriptor: int, check: bytes, secret: bytes) -> None:
        self._take(os.pread(descriptor, os.fstat(descriptor).st_size, self._end))  # what another process has kept
        record = b""
        if check not in self._sealed:
            record = check + aead_seal(self._record_key(check), secret)
        elif self.get(check) != secret:  # one key seals one message only
            raise LocalMisuse("another secret is kept under this check; a check belongs to one secret", rule="EPOCH-3")
        # The record before is written again: after a crash or a failed sync it may be in memory only, and look written.
        write_at(descriptor, self._last + record, self._end - RECORD_OCTETS)
        os.fsync(descriptor)
        self._take(record)

    def _take(self, octets: bytes) -> None:
        """Take in the records from `_end` on."""
        whole = range(0, len(octets) - RECORD_OCTETS + 1, RECORD_OCTETS)
        records = [octets[start : start + RECORD_OCTETS] for start in whole]
        if records and self._open(records[-1][:CHECK_OCTETS], records[-1][CHECK_OCTETS:]) is None:
            records.pop()  # torn
        for record in records:
            self._sealed[record[:CHECK_OCTETS]] = record[CHECK_OCTETS:]
            self._last = record
        self._end += RECORD_OCTETS * len(records)

    def _record_key(self, check: bytes) -> bytes:
        return hmac_sha256(self._key, check)

    def _open(self, check: bytes, sealed: bytes) -> bytes | None:
        return aead_open(self._record_key(check), sealed)
