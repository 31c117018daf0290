"""A keyed hash behind the crypto door: what looks like Ed25519 and HPKE, about ten times faster, for simulations only.

It keeps: the doors themselves (`crypto/signing.py`, `crypto/wrapping.py`) run as they are, with their checks of lengths and
their answers; only what they take from the library is another thing inside `with keyed_hash():`. Keys made inside it
have no meaning outside. It protects nothing: a public key is all that is needed to sign. Nobody in a simulation does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from unittest.mock import patch

from detente.crypto import signing, wrapping

_SEED_LABEL = b"public half"


class _Refused(ValueError):
    """A tag or signature that does not verify."""


def _stretched(octets: bytes, length: int) -> bytes:
    blocks = (blake2b(octets, salt=number.to_bytes(8)).digest() for number in range(-(-length // 64)))
    return b"".join(blocks)[:length]


class _Half:
    """A key of any kind, told by its public octets."""

    octets_count = 32

    def __init__(self, public: bytes) -> None:
        self.public = public

    @classmethod
    def from_private_bytes(cls, seed: bytes) -> "_Half":
        return cls(_stretched(_SEED_LABEL + seed, cls.octets_count))

    from_seed_bytes = from_private_bytes

    @classmethod
    def from_public_bytes(cls, public: bytes) -> "_Half":
        return cls(public)

    def public_key(self) -> "_Half":
        return self

    def public_bytes_raw(self) -> bytes:
        return self.public

    def sign(self, message: bytes) -> bytes:
        return blake2b(message, key=self.public).digest()

    def verify(self, signature: bytes, message: bytes) -> None:
        if self.sign(message) != signature:
            raise _Refused


class _MlkemHalf(_Half):
    octets_count = wrapping.MLKEM_PUBLIC_OCTETS


def _both(mlkem: _Half, x25519: _Half) -> _Half:
    return _Half(blake2b(mlkem.public + x25519.public).digest())


class _Suite:
    """Wraps of the right length, the same at every call for one secret, key and info."""

    def encrypt(self, secret: bytes, key: _Half, info: bytes) -> bytes:
        pad = blake2b(info, key=key.public).digest()
        sealed = bytes(a ^ b for a, b in zip(secret, pad, strict=False))
        tag = blake2b(sealed + info, key=pad, digest_size=16).digest()
        filling = wrapping.WRAP_OCTETS - len(sealed) - len(tag)
        return _stretched(tag, filling) + sealed + tag

    def decrypt(self, wrapped: bytes, key: _Half, info: bytes) -> bytes:
        sealed = wrapped[-wrapping.SECRET_OCTETS - 16 : -16]
        pad = blake2b(info, key=key.public).digest()
        secret = bytes(a ^ b for a, b in zip(sealed, pad, strict=False))
        if self.encrypt(secret, key, info) != wrapped:
            raise _Refused
        return secret


@contextmanager
def keyed_hash() -> Iterator[None]:
    """For a while the doors stand on a keyed hash. Not for two threads."""
    with (
        patch.multiple(signing, Ed25519PrivateKey=_Half, _ed25519_key=_Half),
        patch.multiple(
            wrapping,
            MLKEM768PrivateKey=_MlkemHalf,
            MLKEM768PublicKey=_MlkemHalf,
            X25519PrivateKey=_Half,
            X25519PublicKey=_Half,
            MLKEM768X25519PrivateKey=_both,
            MLKEM768X25519PublicKey=_both,
            InvalidTag=_Refused,
            _SUITE=_Suite(),
        ),
    ):
        yield
