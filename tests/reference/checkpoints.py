"""Checkpoints and receipts as in spec/2-tree.md (HEAD-1, RECEIPT-1, RECEIPT-2)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from tests.reference.keys import (
    COSIGNER,
    POST_QUANTUM,
    SIGNATURE_LENGTHS,
    VerifierKey,
    ed25519_verifies,
    ml_dsa_verifies,
)
from tests.reference.refusal import Refusal, require
from tests.reference.texts import canonical_base64, check_characters

SIZE_LIMIT = 2**40 - 1  # HEAD-1
TIMESTAMP_LIMIT = 2**63 - 1  # RECEIPT-1


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """Write the text of HEAD-1."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint (HEAD-1)."""
    characters = check_characters(text, "HEAD-1")
    lines = characters.split("\n")
    require(len(lines) == 4 and lines[3] == "", "HEAD-1", "a checkpoint has exactly three lines")
    origin, size, root = lines[:3]
    require(1 <= len(origin.encode("utf-8")) <= 255, "HEAD-1", "an origin has 1 to 255 octets")
    require(re.fullmatch(r"0|[1-9][0-9]{0,12}", size) is not None, "HEAD-1", "a size that is not a plain decimal")
    require(int(size) <= SIZE_LIMIT, "HEAD-1", "a size of 2^40 or more")
    raw = canonical_base64(root, "HEAD-1", "a root")
    require(len(raw) == 32, "HEAD-1", "a root has 32 octets")
    return Checkpoint(origin, int(size), raw)


def cosigned_message(key: VerifierKey, timestamp: int, text: bytes) -> bytes:
    """Write what a cosigner signs (RECEIPT-2)."""
    if key.kind == COSIGNER:
        return f"cosignature/v1\ntime {timestamp}\n".encode() + text
    require(key.kind == POST_QUANTUM, "RECEIPT-2", "a key that is no cosigner")
    checkpoint = parse_checkpoint(text)
    name, origin = key.name.encode("utf-8"), checkpoint.origin.encode("utf-8")
    return b"".join(
        [
            b"subtree/v1\n\x00",
            bytes([len(name)]) + name,
            timestamp.to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        ]
    )


def verify_cosignature(key: VerifierKey, text: bytes, signature: bytes) -> int:
    """Verify a cosignature over a checkpoint's text and return its timestamp (RECEIPT-1, RECEIPT-2)."""
    try:
        parse_checkpoint(text)
    except Refusal as refusal:
        raise Refusal("RECEIPT-1", f"what is cosigned is no checkpoint: {refusal}") from refusal
    require(key.kind in (COSIGNER, POST_QUANTUM), "RECEIPT-2", "a key that is no cosigner")
    require(len(signature) == SIGNATURE_LENGTHS[key.kind], "RECEIPT-2", "a cosignature of a wrong length")
    timestamp = int.from_bytes(signature[:8], "big")
    require(timestamp <= TIMESTAMP_LIMIT, "RECEIPT-2", "a timestamp above 2^63 - 1")
    message = cosigned_message(key, timestamp, text)
    verifies = ed25519_verifies if key.kind == COSIGNER else ml_dsa_verifies
    require(verifies(key.public, signature[8:], message), "RECEIPT-2", "the cosignature does not verify")
    return timestamp
