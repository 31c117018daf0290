"""Checkpoints (HEAD-1; C2SP tlog-checkpoint) and cosignatures over them (RECEIPT-2; C2SP tlog-cosignature).

A cosignature is the timestamp (8 octets, big-endian) and the signature: what stands in a signature line after the key
id.
"""

import re
from typing import Final, NamedTuple

from detente.crypto.signing import (
    ED25519_SIGNATURE_OCTETS,
    MLDSA44_SIGNATURE_OCTETS,
    PqSigningKey,
    SigningKey,
    verify_ed25519,
    verify_mldsa44,
)
from detente.errors import LocalMisuse, Malformed
from detente.tlog import base64
from detente.tlog.vkeys import COSIGNATURE, PQ_COSIGNATURE, VerifierKey, check_key_name

SIZE_MAX: Final = 2**63 - 1  # any C2SP log; a book is smaller (cddl `count`)
TIMESTAMP_S_MAX: Final = 2**63 - 1
ORIGIN_OCTETS_MAX: Final = 255  # log_origin of RECEIPT-2
TIMESTAMP_OCTETS: Final = 8
COSIGNATURE_OCTETS: Final = TIMESTAMP_OCTETS + ED25519_SIGNATURE_OCTETS
PQ_COSIGNATURE_OCTETS: Final = TIMESTAMP_OCTETS + MLDSA44_SIGNATURE_OCTETS

_PQ_LABEL = b"subtree/v1\n\0"


class Checkpoint(NamedTuple):
    """The head of a log: `root` (32 octets) of its first `size` leaves."""

    origin: str
    size: int
    root: bytes


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The text that the owner signs: three lines, each with its newline (HEAD-1)."""
    return f"{origin}\n{size}\n{base64.encode(root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note. Raises Malformed (HEAD-1)."""
    match = re.fullmatch(r"([^\x00-\x1f\x7f\ud800-\udfff]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n", text)
    if not match:
        raise Malformed("this is not a checkpoint of three lines: origin, size, root", rule="HEAD-1")
    origin, size, root = match[1], int(match[2]), base64.decode(match[3], "HEAD-1")
    if len(origin.encode()) > ORIGIN_OCTETS_MAX or size > SIZE_MAX:
        raise Malformed("the checkpoint's origin or size is too large", rule="HEAD-1")
    return Checkpoint(origin, size, root)


def cosign(key: SigningKey, text: str, timestamp_s: int) -> bytes:
    """The Ed25519 cosignature (type 0x04, 72 octets) over a checkpoint text at a time in seconds."""
    _require_timestamp(timestamp_s)
    return timestamp_s.to_bytes(TIMESTAMP_OCTETS) + key.sign(_ed25519_message(text, timestamp_s))


def cosign_pq(key: PqSigningKey, name: str, text: str, timestamp_s: int) -> bytes:
    """The ML-DSA-44 cosignature (type 0x06, 2,428 octets); it covers the cosigner's key name too."""
    _require_timestamp(timestamp_s)
    check_key_name(name)
    message = _pq_message(name, parse_checkpoint(text), timestamp_s)
    return timestamp_s.to_bytes(TIMESTAMP_OCTETS) + key.sign(message)


def verify_cosignature(vkey: VerifierKey, text: str, cosignature: bytes) -> int | None:
    """The timestamp (seconds) of a cosignature by `vkey` over a checkpoint text, or None if it is not one."""
    timestamp_s = int.from_bytes(cosignature[:TIMESTAMP_OCTETS])
    signature = cosignature[TIMESTAMP_OCTETS:]
    if timestamp_s > TIMESTAMP_S_MAX:
        return None
    try:
        checkpoint = parse_checkpoint(text)
    except Malformed:  # RECEIPT-1: a cosignature covers a checkpoint and nothing else
        return None
    if vkey.kind == COSIGNATURE:
        holds = verify_ed25519(vkey.public, _ed25519_message(text, timestamp_s), signature)
    elif vkey.kind == PQ_COSIGNATURE:
        holds = verify_mldsa44(vkey.public, _pq_message(vkey.name, checkpoint, timestamp_s), signature)
    else:
        holds = False
    return timestamp_s if holds else None


def join_cosignature(timestamp_s: int, signature: bytes) -> bytes:
    """A cosignature from its two parts, as a RECEIPT frame carries them apart."""
    _require_timestamp(timestamp_s)
    return timestamp_s.to_bytes(TIMESTAMP_OCTETS) + signature


def split_cosignature(cosignature: bytes) -> tuple[int, bytes]:
    """(timestamp in seconds, signature). Raises Malformed unless it has the length of one of the two types."""
    if len(cosignature) not in (COSIGNATURE_OCTETS, PQ_COSIGNATURE_OCTETS):
        raise Malformed(f"a cosignature has 72 or 2428 octets, not {len(cosignature)}", rule="RECEIPT-2")
    return int.from_bytes(cosignature[:TIMESTAMP_OCTETS]), cosignature[TIMESTAMP_OCTETS:]


def _ed25519_message(text: str, timestamp_s: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()  # RECEIPT-2


def _pq_message(name: str, checkpoint: Checkpoint, timestamp_s: int) -> bytes:
    """`cosigned_message` of C2SP tlog-cosignature (TLS presentation language), with start 0 (RECEIPT-2)."""
    cosigner, origin = name.encode(), checkpoint.origin.encode()
    return b"".join(
        (
            _PQ_LABEL,
            len(cosigner).to_bytes(1),
            cosigner,
            timestamp_s.to_bytes(8),
            len(origin).to_bytes(1),
            origin,
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _require_timestamp(timestamp_s: int) -> None:
    if not 0 <= timestamp_s <= TIMESTAMP_S_MAX:
        raise LocalMisuse(f"{timestamp_s} is not a time in seconds since 1970; check the clock", rule="RECEIPT-2")
