"""Signatures: Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204, pure, empty context).

A check answers yes or no. A key or signature of the wrong length, or that is no key at all, answers no.
"""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from detente.errors import LocalMisuse

SEED_OCTETS: Final = 32
ED25519_PUBLIC_OCTETS: Final = 32
ED25519_SIGNATURE_OCTETS: Final = 64
MLDSA44_PUBLIC_OCTETS: Final = 1312
MLDSA44_SIGNATURE_OCTETS: Final = 2420

# Parsed keys kept for reuse: far above the keys of any station's charters, and bounded against hostile ones.
_PARSED_KEYS_MAX = 2048


class SigningKey:
    """An Ed25519 private key. `seed` and `public` are 32 octets; the seed never appears in `repr`."""

    __slots__ = ("_key", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        """Raise LocalMisuse unless `seed` has 32 octets."""
        _require_seed(seed)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: bytes = self._key.public_key().public_bytes_raw()
        self.seed = seed

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """The key of a seed of 32 octets."""
        return cls(seed)

    def sign(self, message: bytes) -> bytes:
        """The deterministic signature of RFC 8032: 64 octets."""
        return self._key.sign(message)


class PqSigningKey:
    """An ML-DSA-44 private key. `seed` is 32 octets, `public` 1,312."""

    __slots__ = ("_key", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        """Raise LocalMisuse unless `seed` has 32 octets."""
        _require_seed(seed)
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.public: bytes = self._key.public_key().public_bytes_raw()
        self.seed = seed

    @classmethod
    def from_seed(cls, seed: bytes) -> "PqSigningKey":
        """The key of a seed of 32 octets."""
        return cls(seed)

    def sign(self, message: bytes) -> bytes:
        """A signature of 2,420 octets. It is hedged: two signatures of one message differ, and both verify."""
        return self._key.sign(message)


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 octets) over `message` is by the key `public` (32 octets)."""
    if len(public) != ED25519_PUBLIC_OCTETS or len(signature) != ED25519_SIGNATURE_OCTETS:
        return False
    try:
        _ed25519_key(public).verify(signature, message)
    except (InvalidSignature, ValueError):  # ValueError: the octets are no key
        return False
    return True


def verify_mldsa44(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (2,420 octets) over `message` is by the key `public` (1,312 octets)."""
    if len(public) != MLDSA44_PUBLIC_OCTETS or len(signature) != MLDSA44_SIGNATURE_OCTETS:
        return False
    try:
        _mldsa44_key(public).verify(signature, message)
    except (InvalidSignature, ValueError):  # ValueError: the octets are no key
        return False
    return True


@lru_cache(maxsize=_PARSED_KEYS_MAX)
def _ed25519_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


@lru_cache(maxsize=_PARSED_KEYS_MAX)
def _mldsa44_key(public: bytes) -> MLDSA44PublicKey:
    return MLDSA44PublicKey.from_public_bytes(public)


def _require_seed(seed: bytes) -> None:
    if len(seed) != SEED_OCTETS:
        raise LocalMisuse(f"a signing seed has {SEED_OCTETS} octets, not {len(seed)}; make a new one")
