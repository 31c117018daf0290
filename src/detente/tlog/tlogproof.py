"""The `.tlog-proof` file (C2SP tlog-proof): one entry's inclusion under one cosigned checkpoint, verifiable offline.

One value has one encoding, as with notes. The extra data is not authenticated; nothing here looks at it.
"""

import re
from dataclasses import dataclass
from typing import Final

from detente.errors import LocalMisuse, Malformed
from detente.tlog import base64
from detente.tlog.checkpoint import SIZE_MAX, parse_checkpoint
from detente.tlog.note import Note, format_note, parse_note
from detente.tlog.policy import Policy
from detente.tlog.proof import verify_inclusion

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
HASHES_MAX: Final = 63  # the height of the largest tree
EXTRA_OCTETS_MAX: Final = 65_536

_RULE = "c2sp.org/tlog-proof"
_HEAD = re.compile(rf"{re.escape(FIRST_LINE)}\n(?:extra ([A-Za-z0-9+/=]*)\n)?index (0|[1-9][0-9]{{0,18}})\n")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """`hashes` go from the leaf's sibling upward; `checkpoint` is a note whose text is a checkpoint."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None


def parse_tlog_proof(octets: bytes) -> TlogProof:
    """Read a proof. Nothing is verified. Raises Malformed."""
    head, empty_line, note_octets = octets.partition(b"\n\n")
    try:
        text = head.decode() + "\n"
    except UnicodeDecodeError as error:
        raise Malformed("the proof is not UTF-8", rule=_RULE) from error
    match = _HEAD.match(text)
    if not empty_line or not match or int(match[2]) > SIZE_MAX:
        raise Malformed(f"this is not a proof that begins with {FIRST_LINE!r}", rule=_RULE)
    lines = text[match.end() :].split("\n")[:-1]
    extra = None if match[1] is None else base64.decode(match[1], _RULE)
    if len(lines) > HASHES_MAX or len(extra or b"") > EXTRA_OCTETS_MAX:
        raise Malformed("the proof or its extra data is too long", rule=_RULE)
    hashes = tuple(base64.decode(line, _RULE) for line in lines)
    if any(len(part) != 32 for part in hashes):
        raise Malformed("a line of the proof is not a hash of 32 octets", rule=_RULE)
    checkpoint = parse_note(note_octets)
    parse_checkpoint(checkpoint.text)
    return TlogProof(int(match[2]), hashes, checkpoint, extra)


def format_tlog_proof(proof: TlogProof) -> bytes:
    """The octets of a proof file. Raises LocalMisuse for a value that is no proof."""
    lines = [FIRST_LINE]
    if proof.extra is not None:
        lines.append(f"extra {base64.encode(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines.extend(base64.encode(part) for part in proof.hashes)
    octets = "".join(f"{line}\n" for line in lines).encode() + b"\n" + format_note(proof.checkpoint)
    try:
        parse_tlog_proof(octets)
    except Malformed as error:
        raise LocalMisuse(f"this cannot be written as a proof: {error}", rule=_RULE) from error
    return octets


def verify_tlog_proof(proof: TlogProof, leaf: bytes, policy: Policy) -> bool:
    """Whether the entry with the leaf hash `leaf` is in a log that `policy` accepts. Raises as `Policy.accepts`."""
    checkpoint = parse_checkpoint(proof.checkpoint.text)
    included = verify_inclusion(leaf, proof.index, checkpoint.size, checkpoint.root, proof.hashes)
    return included and policy.accepts(proof.checkpoint)
