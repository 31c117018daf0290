"""The wrap of EPOCH-5: HPKE (RFC 9180) single-shot, base mode, MLKEM768-X25519, HKDF-SHA256, ChaCha20-Poly1305.

It holds as long as either ML-KEM-768 or X25519 holds. Base mode says nothing about who wrapped: the signature of the
book does.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from detente.errors import LocalMisuse, Malformed

SUITE_IDS: Final = (25722, 1, 3)  # EPOCH-5: KEM 0x647A, KDF 0x0001, AEAD 0x0003
SECRET_OCTETS: Final = 32
WRAP_OCTETS: Final = 1168  # encapsulation 1,088 + 32, secret 32, tag 16
PUBLIC_OCTETS: Final = 1216  # KEY-4
SEED_OCTETS: Final = 96
MLKEM_PUBLIC_OCTETS: Final = 1184
MLKEM_SEED_OCTETS: Final = 64

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class WrapKey:
    """A reader's private key. `seed` is 96 octets (ML-KEM-768 seed, then X25519 key), `public` 1,216 (KEY-4)."""

    __slots__ = ("library_key", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        """Raise LocalMisuse unless `seed` has 96 octets."""
        if len(seed) != SEED_OCTETS:
            raise LocalMisuse(f"a wrap seed has {SEED_OCTETS} octets, not {len(seed)}; make a new one")
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seed[:MLKEM_SEED_OCTETS])
        x25519 = X25519PrivateKey.from_private_bytes(seed[MLKEM_SEED_OCTETS:])
        self.library_key = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public: bytes = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        self.seed = seed

    @classmethod
    def from_seed(cls, seed: bytes) -> "WrapKey":
        """The key of a seed of 96 octets."""
        return cls(seed)


def wrap(secret: bytes, public: bytes, info: bytes) -> bytes:
    """Wrap a secret of 32 octets to the reader key `public`: 1,168 octets, different at every call.

    Raises Malformed if `public` is no key: wrong length, ML-KEM coefficients out of range (FIPS 203, 7.2), or an X25519
    point of small order (RFC 9180, 7.1.4).
    """
    if len(secret) != SECRET_OCTETS:
        raise LocalMisuse(f"a wrapped secret has {SECRET_OCTETS} octets, not {len(secret)}", rule="EPOCH-1")
    if len(public) != PUBLIC_OCTETS:
        raise Malformed(f"an HPKE key has {PUBLIC_OCTETS} octets, not {len(public)}", rule="KEY-4")
    try:
        key = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_OCTETS]),
            X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_OCTETS:]),
        )
        return _SUITE.encrypt(secret, key, info)
    except ValueError as error:  # both kinds of hostile key; our own arguments are checked above
        raise Malformed("the HPKE key is no MLKEM768-X25519 key; leave this reader out", rule="KEY-4") from error


def unwrap(wrapped: bytes, key: WrapKey, info: bytes) -> bytes | None:
    """The secret (32 octets), or None if `wrapped` was not made for this key and `info`, or was altered."""
    if len(wrapped) != WRAP_OCTETS:  # EPOCH-5
        return None
    try:
        return _SUITE.decrypt(wrapped, key.library_key, info)
    except InvalidTag:
        return None
