"""Signed notes as in spec/1-encoding.md (NOTE-1 to NOTE-4), and heads: checkpoints that their owner signed (HEAD-2)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference.checkpoints import Checkpoint, parse_checkpoint, verify_cosignature
from tests.reference.encoding import sha256
from tests.reference.keys import ED25519, VerifierKey, check_key_name, ed25519_verifies
from tests.reference.refusal import Refusal, require
from tests.reference.texts import canonical_base64, check_characters

if TYPE_CHECKING:
    from collections.abc import Iterable

MAXIMUM_SIGNATURES, MAXIMUM_NOTE = 64, 262_144  # NOTE-2


@dataclass(frozen=True)
class SignatureLine:
    """One signature line of a note."""

    name: str
    key_id: bytes
    signature: bytes

    def is_of(self, key: VerifierKey) -> bool:
        """Whether name and key id are those of the key."""
        return self.name == key.name and self.key_id == key.key_id

    def write(self) -> bytes:
        """Write the line with its newline."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n".encode()


@dataclass(frozen=True)
class Note:
    """A signed note: its text with the final newline, and its signature lines."""

    text: bytes
    lines: tuple[SignatureLine, ...]

    @property
    def digest(self) -> bytes:
        """NOTE-4."""
        return sha256(self.text)

    def write(self) -> bytes:
        """Write the note."""
        return self.text + b"\n" + b"".join(line.write() for line in self.lines)


def parse_note(octets: bytes) -> Note:
    """Read a note, without looking at whether its signatures verify."""
    require(len(octets) <= MAXIMUM_NOTE, "NOTE-2", "a note of more than 262,144 octets")
    characters = check_characters(octets, "NOTE-1")
    text, empty_line, signatures = characters.rpartition("\n\n")
    require(empty_line != "", "NOTE-1", "no empty line")
    require(signatures.endswith("\n"), "NOTE-1", "no signature line, or no newline at the end")
    lines = signatures[:-1].split("\n")
    require(len(lines) <= MAXIMUM_SIGNATURES, "NOTE-2", "more than 64 signatures")
    return Note((text + "\n").encode("utf-8"), tuple(_signature_line(line) for line in lines))


def _signature_line(line: str) -> SignatureLine:
    """Read one signature line, without its newline."""
    parts = line.split(" ")
    require(len(parts) == 3 and parts[0] == "—", "NOTE-1", "a line that is no signature line")
    require(parts[1] != "", "NOTE-1", "a signature line without a name")
    check_key_name(parts[1])
    raw = canonical_base64(parts[2], "NOTE-1", "a signature")
    require(len(raw) >= 5, "NOTE-1", "a signature has a key id of 4 octets and at least 1 more")
    return SignatureLine(parts[1], raw[:4], raw[4:])


def known_keys(keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Drop keys that are different under one name and one key id (KEY-1: both are refused)."""
    distinct = list(dict.fromkeys(keys))
    return [
        key
        for key in distinct
        if not any(other != key and other.name == key.name and other.key_id == key.key_id for other in distinct)
    ]


def line_verifies(key: VerifierKey, text: bytes, signature: bytes) -> bool:
    """Whether the signature of a line verifies over a note's text (NOTE-3)."""
    if key.kind == ED25519:
        return ed25519_verifies(key.public, signature, text)
    try:
        verify_cosignature(key, text, signature)
    except Refusal:
        return False
    return True


def signers(note: Note, known: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Which of the known keys signed, in the order of the lines (NOTE-3)."""
    keys = known_keys(known)
    found: list[VerifierKey] = []
    for line in note.lines:
        key = next((key for key in keys if line.is_of(key)), None)
        if key is None or key in found:
            continue  # ignored: an unknown key, or one that has signed already
        require(line_verifies(key, note.text, line.signature), "NOTE-3", f"the signature of {key.name} does not verify")
        found.append(key)
    return found


def parse_head(octets: bytes, owner: VerifierKey) -> tuple[Checkpoint, Note]:
    """Read a checkpoint note that its owner has signed (HEAD-1, HEAD-2)."""
    note = parse_note(octets)
    checkpoint = parse_checkpoint(note.text)
    require(owner.name == checkpoint.origin, "HEAD-2", "the key is not named by the origin")
    require(owner in signers(note, [owner]), "HEAD-2", "the owner has not signed")
    require(checkpoint.size > 0, "HEAD-2", "an owner signs only sizes above zero")
    return checkpoint, note
