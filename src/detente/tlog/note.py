"""C2SP signed notes (NOTE-1 to NOTE-4): a text, an empty line, signature lines.

One value has one encoding: `format_note(parse_note(octets)) == octets` for everything that is accepted.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey, verify_ed25519
from detente.errors import LocalMisuse, Malformed
from detente.limits import NOTE_OCTETS_MAX, NOTE_SIGNATURES_MAX
from detente.tlog import base64
from detente.tlog.checkpoint import verify_cosignature
from detente.tlog.vkeys import ED25519, VerifierKey, check_key_name, parse_vkey, verifier_key

__all__ = [
    "Note",
    "NoteSignature",
    "VerifierKey",
    "format_note",
    "note_digest",
    "parse_note",
    "parse_vkey",
    "sign_note",
    "signature_line",
    "verifier_key",
    "verify_note",
]

KEY_ID_OCTETS = 4

_DASH = "\u2014"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # NOTE-1: all but newline


class NoteSignature(NamedTuple):
    """One signature line. `key_id` is 4 octets; `signature` is what the kind of key makes of the text."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """`text` ends in a newline; `signatures` stand in the order of their lines."""

    text: str
    signatures: tuple[NoteSignature, ...]


def parse_note(octets: bytes) -> Note:
    """Read a note. Nothing is verified. Raises Malformed (NOTE-1, NOTE-2, KEY-1)."""
    if len(octets) > NOTE_OCTETS_MAX:
        raise Malformed(f"the note has more than {NOTE_OCTETS_MAX} octets", rule="NOTE-2")
    try:
        whole = octets.decode()
    except UnicodeDecodeError as error:
        raise Malformed("the note is not UTF-8", rule="NOTE-1") from error
    if _CONTROL.search(whole):
        raise Malformed("the note holds control characters", rule="NOTE-1")
    text, empty_line, signature_lines = whole.rpartition("\n\n")
    lines = signature_lines.split("\n")
    if not empty_line or lines.pop() != "" or not lines:
        raise Malformed("the note does not end in an empty line and signature lines", rule="NOTE-1")
    if len(lines) > NOTE_SIGNATURES_MAX:
        raise Malformed(f"the note has more than {NOTE_SIGNATURES_MAX} signatures", rule="NOTE-2")
    return Note(text + "\n", tuple(_parse_signature_line(line) for line in lines))


def format_note(note: Note) -> bytes:
    """The octets of a note. Raises LocalMisuse for a value that is no note, such as one without signatures."""
    lines = [f"{_DASH} {s.name} {base64.encode(s.key_id + s.signature)}\n" for s in note.signatures]
    try:
        octets = f"{note.text}\n{''.join(lines)}".encode()
        same = parse_note(octets) == note
    except (Malformed, UnicodeEncodeError) as error:
        raise LocalMisuse(f"this cannot be written as a note: {error}", rule="NOTE-1") from error
    if not same:  # a text without its newline would swallow the empty line
        raise LocalMisuse("this cannot be written as a note: the text does not end in a newline", rule="NOTE-1")
    return octets


def note_digest(text: str) -> bytes:
    """SHA-256 of the text of a note, signatures left out: 32 octets (NOTE-4)."""
    return sha256(text.encode())


def sign_note(text: str, key: SigningKey, name: str) -> NoteSignature:
    """The signature line of an Ed25519 key (type 0x01) under a key name."""
    return signature_line(verifier_key(name, ED25519, key.public), key.sign(text.encode()))


def signature_line(vkey: VerifierKey, signature: bytes) -> NoteSignature:
    """The signature line of signature octets (for types 0x04 and 0x06: of a cosignature) by `vkey`."""
    return NoteSignature(vkey.name, vkey.key_id, signature)


def verify_note(note: Note, vkeys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Those of `vkeys` that signed, each once, in the order of their lines. Lines of other keys are passed over.

    Raises Malformed if a line of a known key does not verify (NOTE-3). No known signer is an empty answer: the
    caller knows who had to sign.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for vkey in vkeys:
        if known.setdefault((vkey.name, vkey.key_id), vkey) != vkey:
            raise Malformed(f"two different keys share the name {vkey.name!r} and the id", rule="KEY-1")
    signers: dict[VerifierKey, None] = {}
    for line in note.signatures:
        found = known.get((line.name, line.key_id))
        if found is None:
            continue
        if not _holds(found, note.text, line.signature):
            raise Malformed(f"the signature of {line.name!r} does not verify", rule="NOTE-3")
        signers[found] = None
    return tuple(signers)


def _holds(vkey: VerifierKey, text: str, signature: bytes) -> bool:
    if vkey.kind == ED25519:
        return verify_ed25519(vkey.public, text.encode(), signature)
    return verify_cosignature(vkey, text, signature) is not None


def _parse_signature_line(line: str) -> NoteSignature:
    match = re.fullmatch(f"{_DASH} ([^ ]+) ([A-Za-z0-9+/=]+)", line)
    if not match:
        raise Malformed(f"{line[:80]!r} is not a signature line", rule="NOTE-1")
    check_key_name(match[1])
    octets = base64.decode(match[2], "NOTE-1")
    if len(octets) <= KEY_ID_OCTETS:
        raise Malformed("a signature line holds no signature", rule="NOTE-1")
    return NoteSignature(match[1], octets[:KEY_ID_OCTETS], octets[KEY_ID_OCTETS:])
