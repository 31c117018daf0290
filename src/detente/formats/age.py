"""The age format, version 1, with a passphrase (C2SP age): a file that the stock tool `age` opens as well.

    header: "age-encryption.org/v1", one scrypt stanza that wraps the file key, and the header's MAC
    payload: a nonce, then chunks of 64 KiB, each sealed with its number and with whether it is the last one

It keeps: nothing of a chunk is given out before its tag is verified; a file that was cut off, joined or reordered does not
open. Only scrypt stanzas, as the format wants it: then the passphrase also proves who made the file.
"""

import base64
import re
from collections.abc import Callable
from typing import Final

from detente.crypto.hashing import hmac_sha256
from detente.crypto.passwords import chunk_open, chunk_seal, hkdf_sha256, scrypt_key
from detente.errors import LocalMisuse, Malformed, invariant

CHUNK_OCTETS: Final = 65_536
SEALED_CHUNK_OCTETS: Final = CHUNK_OCTETS + 16
HEADER_OCTETS_MAX: Final = 512  # one scrypt stanza has fewer than 200
NONCE_OCTETS: Final = 16
LOG_WORK: Final = 18  # as the stock tool: about a second and 256 MiB for each guess
LOG_WORK_MAX: Final = 20  # what a file of others may make us work

_VERSION = b"age-encryption.org/v1\n"
_SCRYPT_LABEL = b"age-encryption.org/v1/scrypt"
_ZERO_NONCE = bytes(12)
_HEADER = re.compile(
    rb"age-encryption\.org/v1\n-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n"
)


class Sealer:
    """Seals one file. `head` goes first, then every chunk in order."""

    def __init__(self, passphrase: bytes, entropy: Callable[[int], bytes], log_work: int = LOG_WORK) -> None:
        file_key, salt, nonce = entropy(16), entropy(16), entropy(NONCE_OCTETS)
        body = chunk_seal(scrypt_key(passphrase, _SCRYPT_LABEL + salt, log_work), _ZERO_NONCE, file_key)
        unsigned = _VERSION + b"-> scrypt %s %d\n%s\n---" % (_base64(salt), log_work, _base64(body))
        mac = hmac_sha256(hkdf_sha256(file_key, b"", b"header"), unsigned)
        self.head = unsigned + b" " + _base64(mac) + b"\n" + nonce
        self._chunks = _Chunks(file_key, nonce)

    def seal(self, chunk: bytes, *, last: bool) -> bytes:
        """The next chunk: CHUNK_OCTETS, or fewer if it is the last; an empty one only as the whole payload."""
        invariant(len(chunk) == CHUNK_OCTETS or (last and len(chunk) < CHUNK_OCTETS), "a chunk of age is 64 KiB")
        return chunk_seal(self._chunks.key, self._chunks.next_nonce(last=last), chunk)


class Opener:
    """Opens one file, given its first HEADER_OCTETS_MAX octets. `start` is where its chunks begin."""

    def __init__(self, passphrase: bytes, beginning: bytes) -> None:
        """Raises Malformed for a file that is not of this form; LocalMisuse for a wrong passphrase."""
        found = _HEADER.match(beginning)
        if found is None:
            raise Malformed("this is no file that age has encrypted with one passphrase")
        salt, body, mac = (_octets(found[place]) for place in (1, 3, 4))
        if int(found[2]) > LOG_WORK_MAX:
            raise Malformed(f"its work factor is {int(found[2])}; at most {LOG_WORK_MAX} is taken")
        file_key = chunk_open(scrypt_key(passphrase, _SCRYPT_LABEL + salt, int(found[2])), _ZERO_NONCE, body)
        if file_key is None:
            raise LocalMisuse("wrong passphrase, or the beginning of the file is damaged")
        unsigned = found[0][: found.start(4) - 1]
        nonce = beginning[found.end() : found.end() + NONCE_OCTETS]
        if mac != hmac_sha256(hkdf_sha256(file_key, b"", b"header"), unsigned) or len(nonce) != NONCE_OCTETS:
            raise Malformed("the header of the file was altered, or it is cut off")
        self.start = found.end() + NONCE_OCTETS
        self._chunks = _Chunks(file_key, nonce)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        """The next chunk, given all its octets (SEALED_CHUNK_OCTETS, or fewer at the end). Raises Malformed."""
        number = self._chunks.number
        chunk = chunk_open(self._chunks.key, self._chunks.next_nonce(last=last), sealed)
        if chunk is None or (last and number > 0 and not chunk):
            raise Malformed(f"the file is damaged or cut off in the 64 KiB from octet {number * CHUNK_OCTETS:,} on")
        return chunk


class _Chunks:
    """The payload's key, and the nonces in their order."""

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self.key = hkdf_sha256(file_key, nonce, b"payload")
        self.number = 0

    def next_nonce(self, *, last: bool) -> bytes:
        nonce = self.number.to_bytes(11, "big") + bytes([last])
        self.number += 1
        return nonce


def _base64(octets: bytes) -> bytes:
    return base64.b64encode(octets).rstrip(b"=")


def _octets(text: bytes) -> bytes:
    """Canonical base64 without padding, of a text that has its letters and a length it can have. Raises Malformed."""
    octets = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if _base64(octets) != text:
        raise Malformed("the header of the file is no canonical base64")
    return octets
