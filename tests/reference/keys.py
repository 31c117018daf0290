"""Verifier keys and what they verify, as in spec/1-encoding.md (KEY-1 to KEY-5)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from tests.reference.encoding import sha256
from tests.reference.refusal import require
from tests.reference.texts import canonical_base64

ED25519, COSIGNER, POST_QUANTUM = 0x01, 0x04, 0x06
KEY_LENGTHS = {ED25519: 32, COSIGNER: 32, POST_QUANTUM: 1312}  # KEY-2
SIGNATURE_LENGTHS = {ED25519: 64, COSIGNER: 72, POST_QUANTUM: 2428}  # RECEIPT-2

SMALL_ORDER = [  # KEY-5, each with the highest bit of its last octet clear
    bytes.fromhex(line)
    for line in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
]


@dataclass(frozen=True)
class VerifierKey:
    """A vkey (KEY-1)."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 octets of SHA-256(name, newline, type, public key)."""
        return sha256(self.name.encode("utf-8") + b"\n" + bytes([self.kind]) + self.public)[:4]

    def __str__(self) -> str:
        """Write the vkey."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


def check_key_name(name: str) -> None:
    """Refuse a name that is not one of KEY-1."""
    require(1 <= len(name.encode("utf-8")) <= 255, "KEY-1", "a key name of a wrong length")
    forbidden = any(char.isspace() or ord(char) < 0x20 or char in "\x7f+" for char in name)
    require(not forbidden, "KEY-1", "a key name with white space, a control character or a +")


def check_public_key(kind: int, public: bytes) -> None:
    """Refuse a type or length that is not of KEY-2, and points of small order (KEY-5)."""
    require(kind in KEY_LENGTHS, "KEY-2", f"a key of type {kind}")
    require(len(public) == KEY_LENGTHS[kind], "KEY-2", "a public key of a wrong length")
    if kind in (ED25519, COSIGNER):
        without_sign = public[:31] + bytes([public[31] & 0x7F])
        require(without_sign not in SMALL_ORDER, "KEY-5", "a public key of small order")


def parse_vkey(written: str) -> VerifierKey:
    """Read a vkey, from the left."""
    parts = written.split("+", 2)
    require(len(parts) == 3, "KEY-1", "a vkey has a name, an id and a key")
    name, key_id, encoded = parts
    check_key_name(name)
    require(re.fullmatch(r"[0-9a-f]{8}", key_id) is not None, "KEY-1", "a key id is 8 lower-case hexadecimal digits")
    raw = canonical_base64(encoded, "KEY-1", "a vkey's key")
    require(len(raw) > 0, "KEY-1", "a vkey without a key")
    key = VerifierKey(name, raw[0], raw[1:])
    require(key.key_id.hex() == key_id, "KEY-1", "a vkey whose id is not that of its key")
    check_public_key(key.kind, key.public)
    return key


def ed25519_verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature verifies."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def ml_dsa_verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an ML-DSA-44 signature verifies (pure, with an empty context; KEY-2)."""
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
