"""Verifier keys (KEY-1, KEY-2, KEY-5; C2SP signed-note): a public key with its name and the kind of its signatures."""

import re
from typing import Final, NamedTuple

from detente.crypto.hashing import sha256
from detente.crypto.signing import ED25519_PUBLIC_OCTETS, MLDSA44_PUBLIC_OCTETS
from detente.errors import Malformed
from detente.tlog import base64

ED25519: Final = 0x01  # signs the note's text
COSIGNATURE: Final = 0x04  # Ed25519, timestamped, over a checkpoint
PQ_COSIGNATURE: Final = 0x06  # ML-DSA-44, timestamped, over a checkpoint

PUBLIC_OCTETS: Final = {  # KEY-2
    ED25519: ED25519_PUBLIC_OCTETS,
    COSIGNATURE: ED25519_PUBLIC_OCTETS,
    PQ_COSIGNATURE: MLDSA44_PUBLIC_OCTETS,
}
KEY_NAME_OCTETS_MAX: Final = 255  # KEY-1; the same bound as the cosigner_name of RECEIPT-2

# KEY-5: every encoding of a point of small order, without the sign bit of x. The same list stands in libsodium
# (ge25519_has_small_order) and in "Taming the many EdDSAs" (2020); tests/tlog/test_vkeys.py computes it anew.
SMALL_ORDER_Y: Final = frozenset(
    bytes.fromhex(y)
    for y in (
        "0100000000000000000000000000000000000000000000000000000000000000",  # order 1
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # order 2
        "0000000000000000000000000000000000000000000000000000000000000000",  # order 4
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  # order 8
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  # order 8
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # order 4, y written as p
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # order 1, y written as p + 1
    )
)


class VerifierKey(NamedTuple):
    """`kind` is 0x01, 0x04 or 0x06; `public` is 32, 32 or 1,312 octets. Make it with `verifier_key` or `parse_vkey`."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 octets that stand in signature lines (KEY-1)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public)[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.encode(bytes([self.kind]) + self.public)}"


def verifier_key(name: str, kind: int, public: bytes) -> VerifierKey:
    """A checked verifier key. Raises Malformed (KEY-1, KEY-2, KEY-5)."""
    check_key_name(name)
    if kind not in PUBLIC_OCTETS:
        raise Malformed(f"0x{kind:02x} is no known type of key; known are 0x01, 0x04, 0x06", rule="KEY-2")
    if len(public) != PUBLIC_OCTETS[kind]:
        raise Malformed(
            f"a public key of type 0x{kind:02x} has {PUBLIC_OCTETS[kind]} octets, not {len(public)}", rule="KEY-2"
        )
    if kind != PQ_COSIGNATURE and public[:31] + bytes([public[31] & 0x7F]) in SMALL_ORDER_Y:
        raise Malformed(
            f"the public key of {name!r} has small order, so it proves nothing; make a new one", rule="KEY-5"
        )
    return VerifierKey(name, kind, public)


def parse_vkey(text: str) -> VerifierKey:
    """Read `name+keyid+base64`. Raises Malformed (KEY-1, KEY-2, KEY-5)."""
    # KEY-1: from the left; the base64 may hold +
    match = re.fullmatch(r"([^+]*)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]*)", text)
    if not match:
        raise Malformed(f"{text[:80]!r} is not a verifier key (name+keyid+base64)", rule="KEY-1")
    material = base64.decode(match[3], "KEY-1")
    if not material:
        raise Malformed("the verifier key holds no key", rule="KEY-1")
    key = verifier_key(match[1], material[0], material[1:])
    if key.key_id.hex() != match[2]:
        raise Malformed(f"the id of key {key.name!r} is {key.key_id.hex()}, not {match[2]}", rule="KEY-1")
    return key


def check_key_name(name: str) -> None:
    """Raise Malformed unless `name` can stand in a signature line (KEY-1)."""
    try:
        octets = len(name.encode())
    except UnicodeEncodeError as error:  # lone surrogates
        raise Malformed("a key name is not Unicode text", rule="KEY-1") from error
    bad = any(c.isspace() or c == "+" or c < " " or c == "\x7f" for c in name)
    if bad or not 1 <= octets <= KEY_NAME_OCTETS_MAX:
        raise Malformed(f"{name[:80]!r} is not a key name: 1 to 255 octets, no spaces, controls or +", rule="KEY-1")
