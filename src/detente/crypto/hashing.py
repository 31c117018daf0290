"""SHA-256 and HMAC-SHA-256, the only hash functions of the protocol (spec/README).

Called several times for every entry, hence the algorithm object made once.
"""

from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.hmac import HMAC

_SHA256 = SHA256()
_hash = Hash.hash


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4) of `data`: 32 octets."""
    return _hash(_SHA256, data)


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) of `data`: 32 octets."""
    mac = HMAC(key, _SHA256)
    mac.update(data)
    return mac.finalize()
