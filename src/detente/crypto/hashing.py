"""SHA-256 and HMAC-SHA-256, the only hash functions of the protocol (spec/README).

Called a dozen times for every entry. For SHA-256 the standard library's door to OpenSSL is the shorter one; it leads to
the same code.
"""

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

_SHA256 = SHA256()


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4) of `data`: 32 octets."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) of `data`: 32 octets."""
    mac = HMAC(key, _SHA256)
    mac.update(data)
    return mac.finalize()


class HmacKey:
    """A key of HMAC-SHA-256 that is used for many messages: its own part of the work is done once."""

    __slots__ = ("_begun",)

    def __init__(self, key: bytes) -> None:
        self._begun = HMAC(key, _SHA256)

    def tag(self, data: bytes) -> bytes:
        """HMAC-SHA-256 of `data` under this key: 32 octets."""
        mac = self._begun.copy()
        mac.update(data)
        return mac.finalize()
