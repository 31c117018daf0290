"""What all vectors are made of: the encoding, hashes, trees, keys and notes of spec/1 and spec/2, written from the text.

It keeps: nothing here imports the program, so that the program and the vectors can disagree. Everything follows from
labels, but what comes out differently each time (HPKE, ML-DSA-44) or with each version of a library (zstd): that is
kept in vectors/random.json, checked, and made anew only when it does not fit.
"""

import base64
import hmac as hmac_module
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256 as hashlib_sha256
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

Case = dict[str, Any]
Cases = list[Case]

MADE = "by scripts/make_vectors.py, keys from labels; it is written from spec/ and imports no Detente code"


def sha256(octets: bytes) -> bytes:
    """32 octets."""
    return hashlib_sha256(octets).digest()


def hmac(key: bytes, octets: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac_module.digest(key, octets, "sha256")


def seed(label: str) -> bytes:
    """The 32 octets behind a label: SHA-256 of `detente vectors: <label>`."""
    return sha256(f"detente vectors: {label}".encode())


def good(name: str, **fields: object) -> Case:
    """A case that everyone accepts."""
    return {"name": name, "good": True, **fields}


def bad(name: str, rule: str, **fields: object) -> Case:
    """A case that everyone refuses; `rule` is the rule that it breaks, or several: any of them may be named."""
    return {"name": name, "good": False, "rules": rule.split(), **fields}


# --- CBOR-1, CBOR-2


def cbor(value: object) -> bytes:
    """The deterministic encoding."""
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int() if value >= 0:
            return head(0, value)
        case int():
            return head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value.encode())) + value.encode()
        case Mapping():
            pairs = sorted((cbor(key), cbor(one)) for key, one in value.items())
            return head(5, len(pairs)) + b"".join(key + one for key, one in pairs)
        case Sequence():
            return head(4, len(value)) + b"".join(map(cbor, value))
    raise TypeError(value)


def head(major: int, argument: int) -> bytes:
    """The shortest head (RFC 8949, 3)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    width = next(code for code in range(4) if argument < 1 << 8 * (1 << code))
    return bytes([major << 5 | 24 + width]) + argument.to_bytes(1 << width, "big")


def diagnostic(value: object) -> str:
    """Diagnostic notation (RFC 8949, 8), for people."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case bytes():
            return f"h'{value.hex()}'"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Mapping():
            return "{" + ", ".join(f"{diagnostic(key)}: {diagnostic(one)}" for key, one in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(diagnostic, value)) + "]"
    return str(value)


def shown(value: object) -> Case:
    """`octets` of a value, with its diagnostic notation where that is short."""
    text = diagnostic(value)
    return {"octets": cbor(value).hex(), **({"diagnostic": text} if len(text) <= 1_000 else {})}


def in_parts(octets: bytes, field: str) -> Case:
    """A field in hexadecimal; as `parts` if it ends in many equal octets."""
    rest = octets.rstrip(octets[-1:])
    if len(octets) - len(rest) < 1_000:
        return {field: octets.hex()}
    return {"parts": [[rest.hex(), 1], [octets[-1:].hex(), len(octets) - len(rest)]]}


# --- TREE-1 to TREE-3


def leaf_hash(leaf: bytes) -> bytes:
    """TREE-1."""
    return sha256(b"\x00" + leaf)


def node_hash(left: bytes, right: bytes) -> bytes:
    """TREE-1."""
    return sha256(b"\x01" + left + right)


def root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written there: split at the largest power of two below the number of leaves."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(root(hashes[:split]), root(hashes[split:]))


def cover(start: int, stop: int) -> list[tuple[int, int]]:
    """TREE-3 as (level, start): always the largest aligned subtree that ends at or below `stop`."""
    tiles = []
    while start < stop:
        level = 0
        while start % (2 << level) == 0 and start + (2 << level) <= stop:
            level += 1
        tiles.append((level, start))
        start += 1 << level
    return tiles


def covering(hashes: Sequence[bytes], start: int, stop: int) -> list[list[Any]]:
    """The cover of [start, stop) with its hashes, as items `[level, hash]`."""
    return [[level, root(hashes[first : first + (1 << level)])] for level, first in cover(start, stop)]


# --- keys and notes


class Key(NamedTuple):
    """A key with its name. `kind` is 1, 4 or 6."""

    name: str
    kind: int
    private: Any

    @property
    def public(self) -> bytes:
        """The raw public key."""
        return bytes(self.private.public_key().public_bytes_raw())

    @property
    def id(self) -> bytes:
        """KEY-1."""
        return key_id(self.name, self.kind, self.public)

    @property
    def vkey(self) -> str:
        """KEY-1."""
        return vkey(self.name, self.kind, self.public)

    def line(self, signature: bytes) -> str:
        """NOTE-1: a signature line."""
        return f"\u2014 {self.name} {b64(self.id + signature)}\n"

    def sign(self, text: str) -> str:
        """NOTE-3: the line of a key of type 0x01."""
        return self.line(self.private.sign(text.encode()))


def b64(octets: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(octets).decode()


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """KEY-1."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


def vkey(name: str, kind: int, public: bytes) -> str:
    """KEY-1."""
    return f"{name}+{key_id(name, kind, public).hex()}+{b64(bytes([kind]) + public)}"


def ed25519(label: str) -> Ed25519PrivateKey:
    """The key whose seed is that of the label."""
    return Ed25519PrivateKey.from_private_bytes(seed(label))


def signing_key(name: str, label: str) -> Key:
    """Type 0x01."""
    return Key(name, 1, ed25519(label))


def cosigner(name: str, label: str) -> Key:
    """Type 0x04."""
    return Key(name, 4, ed25519(label))


def pq_cosigner(name: str, label: str) -> Key:
    """Type 0x06."""
    return Key(name, 6, MLDSA44PrivateKey.from_seed_bytes(seed(label)))


def note(text: str, *lines: str) -> bytes:
    """NOTE-1."""
    return f"{text}\n{''.join(lines)}".encode()


def digest(text: str) -> bytes:
    """NOTE-4."""
    return sha256(text.encode())


def checkpoint(origin: str, size: int, root_hash: bytes) -> str:
    """HEAD-1."""
    return f"{origin}\n{size}\n{b64(root_hash)}\n"


def cosigned_text(text: str, timestamp_s: int) -> bytes:
    """RECEIPT-2: what type 0x04 signs."""
    return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()


def cosigned_structure(name: str, text: str, timestamp_s: int) -> bytes:
    """RECEIPT-2: what type 0x06 signs."""
    origin, size, root_text = text.splitlines()
    return b"".join(
        [
            b"subtree/v1\n\x00",
            bytes([len(name.encode())]) + name.encode(),
            timestamp_s.to_bytes(8, "big"),
            bytes([len(origin.encode())]) + origin.encode(),
            bytes(8),
            int(size).to_bytes(8, "big"),
            base64.b64decode(root_text),
        ]
    )


def cosignature(key: Key, text: str, timestamp_s: int) -> bytes:
    """RECEIPT-2, type 0x04: 72 octets."""
    return timestamp_s.to_bytes(8, "big") + key.private.sign(cosigned_text(text, timestamp_s))


def certificate(label: str) -> bytes:
    """A self-signed X.509 certificate in DER."""
    key = ed25519(f"{label} tls")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.not_valid_before(datetime(2030, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(2050, 1, 1, tzinfo=UTC)
    )
    return builder.sign(key, None).public_bytes(Encoding.DER)


# --- what is not made the same twice


class Kept:
    """Octets by name, read from vectors/random.json and kept as long as they fit."""

    def __init__(self, before: Mapping[str, str]) -> None:
        self._before = before
        self.after: dict[str, str] = {}

    def get(self, name: str, fits: Callable[[bytes], bool], make: Callable[[], bytes]) -> bytes:
        """The octets kept under this name if they fit, else new ones."""
        found = bytes.fromhex(self.after.get(name) or self._before.get(name, ""))
        if not found or (not fits(found) and name not in self.after):
            found = make()
        if not fits(found):
            raise ValueError(name)  # made wrong, or one name for two things
        self.after[name] = found.hex()
        return found

    def pq_cosignature(self, name: str, key: Key, text: str, timestamp_s: int) -> bytes:
        """RECEIPT-2, type 0x06: 2,428 octets."""
        message = cosigned_structure(key.name, text, timestamp_s)

        def fits(signature: bytes) -> bool:
            try:
                key.private.public_key().verify(signature, message)
            except InvalidSignature:
                return False
            return True

        return timestamp_s.to_bytes(8, "big") + self.get(name, fits, lambda: bytes(key.private.sign(message)))
