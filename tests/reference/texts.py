"""What notes, keys and checkpoints have in common: base64 and the characters of a text (NOTE-1)."""

from __future__ import annotations

import base64
import binascii

from tests.reference.refusal import Refusal, require


def canonical_base64(written: str, rule: str, what: str) -> bytes:
    """Read standard base64 with padding, in the form that re-encoding gives again (NOTE-1)."""
    try:
        raw = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(rule, f"{what} is not base64") from error
    require(base64.b64encode(raw).decode() == written, rule, f"{what} is not canonical base64")
    return raw


def check_characters(octets: bytes, rule: str) -> str:
    """Read UTF-8 without control characters but newline (NOTE-1)."""
    try:
        characters = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(rule, "not UTF-8") from error
    forbidden = any((ord(char) < 0x20 and char != "\n") or char == "\x7f" for char in characters)
    require(not forbidden, rule, "a control character")
    return characters
