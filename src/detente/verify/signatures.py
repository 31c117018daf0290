"""Notes of a bundle and every one of their signature lines: none is passed over (BUNDLE-11).

It keeps: a note has exactly the octets that its parts give (NOTE-1); each line is by a key that may sign here, once,
and verifies; anything else is a finding.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from detente.crypto.signing import verify_ed25519
from detente.errors import LocalMisuse, Malformed
from detente.tlog.checkpoint import verify_cosignature
from detente.tlog.note import Note, NoteSignature, format_note, parse_note
from detente.tlog.vkeys import ED25519, VerifierKey
from detente.verify.findings import Findings


class Place(NamedTuple):
    """Under which check of spec/8, and where in the bundle, a finding stands."""

    check: str
    where: str


def read_note(octets: bytes, place: Place, found: Findings) -> Note | None:
    """The note in `octets`; None after a finding if it is none."""
    try:
        note = parse_note(octets)
        same = format_note(note) == octets
    except (Malformed, LocalMisuse) as fault:
        found.find(place.check, fault.rule, place.where, fault.text)
        return None
    if not same:
        found.find(place.check, "NOTE-1", place.where, "its octets are not exactly those of the note that they hold")
        return None
    return note


def check_lines(
    note: Note,
    keys: Iterable[VerifierKey],
    refused: Mapping[VerifierKey, tuple[str, str]],
    place: Place,
    found: Findings,
) -> dict[VerifierKey, int | None]:
    """The keys whose lines verify, in the order of the lines; for a cosignature with its timestamp in seconds.

    `refused` holds keys that are known and may not sign here, with (rule, text).
    """
    known = {(key.name, key.key_id): key for key in (*refused, *keys)}
    verified: dict[VerifierKey, int | None] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            text = f"the signature line of {line.name!r} (key id {line.key_id.hex()}) is of no key that may sign here"
            found.find(place.check, "NOTE-3", place.where, text)
        elif key in refused:
            found.find(place.check, refused[key][0], place.where, refused[key][1])
        elif key in verified:
            found.find(place.check, "NOTE-3", place.where, f"{line.name!r} has signed twice")
        else:
            holds, timestamp_s = _verified(key, note.text, line)
            if holds:
                verified[key] = timestamp_s
            else:
                found.find(place.check, "NOTE-3", place.where, f"the signature of {line.name!r} does not verify")
    return verified


def _verified(key: VerifierKey, text: str, line: NoteSignature) -> tuple[bool, int | None]:
    if key.kind == ED25519:
        return verify_ed25519(key.public, text.encode(), line.signature), None
    timestamp_s = verify_cosignature(key, text, line.signature)
    return timestamp_s is not None, timestamp_s
