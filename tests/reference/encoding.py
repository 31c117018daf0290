"""Deterministic CBOR as in spec/1-encoding.md (CBOR-1 to CBOR-4): a strict decoder, an encoder and labelled hashes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tests.reference.refusal import Refusal, require

Value: TypeAlias = "int | bytes | str | bool | list[Value] | dict[str, Value] | None"
Encodable: TypeAlias = "int | bytes | str | bool | Sequence[Encodable] | Mapping[str, Encodable] | None"

MAXIMUM_LEVEL = 16  # CBOR-3
UNSIGNED, NEGATIVE, OCTETS, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
SIMPLE_VALUES: dict[int, bool | None] = {20: False, 21: True, 22: None}


def decode(octets: bytes, level: int = 0) -> Value:
    """Read exactly one value, or refuse. `level` is how many arrays or maps stand around it."""
    value, position = _decode_at(octets, 0, level)
    require(position == len(octets), "CBOR-2", "octets are left over")
    return value


def _decode_at(octets: bytes, position: int, level: int) -> tuple[Value, int]:
    """Read the value that begins at `position` within `level` arrays or maps; also say where it ends."""
    major, argument, position = _head(octets, position)
    if major == UNSIGNED:
        return argument, position
    if major == NEGATIVE:
        require(argument < 2**63, "CBOR-1", "an integer below -2^63")
        return -1 - argument, position
    if major == OCTETS:
        return _take(octets, position, argument)
    if major == TEXT:
        raw, position = _take(octets, position, argument)
        return _utf8(raw), position
    if major == SIMPLE:
        return SIMPLE_VALUES[argument], position
    require(level < MAXIMUM_LEVEL, "CBOR-3", "more than 16 levels")
    if major == ARRAY:
        return _array(octets, position, argument, level + 1)
    return _map(octets, position, argument, level + 1)


def _head(octets: bytes, position: int) -> tuple[int, int, int]:
    """Read a head: the major type, its argument in the shortest form, and where the head ends."""
    require(position < len(octets), "CBOR-2", "the octets end before a value")
    major, short = octets[position] >> 5, octets[position] & 31
    position += 1
    require(major != TAG, "CBOR-1", "a tag")
    if major == SIMPLE:
        return major, _simple(octets, position, short), position
    require(short < 28, "CBOR-2", "an indefinite length, a break or a reserved head")
    if short < 24:
        return major, short, position
    width = 1 << (short - 24)
    raw, position = _take(octets, position, width)
    argument = int.from_bytes(raw, "big")
    smallest = 24 if width == 1 else 1 << (4 * width)
    require(argument >= smallest, "CBOR-2", "a head that is not the shortest")
    return major, argument, position


def _simple(octets: bytes, position: int, short: int) -> int:
    """Return the number of false, true or null; refuse everything else of major type 7."""
    if short == 24:
        second, _ = _take(octets, position, 1)
        require(second[0] >= 32, "CBOR-2", "a simple value in two octets that fits one")
    require(short not in (28, 29, 30, 31), "CBOR-2", "a reserved head, or a break alone")
    require(short in SIMPLE_VALUES, "CBOR-1", "a float, undefined or another simple value")
    return short


def _take(octets: bytes, position: int, count: int) -> tuple[bytes, int]:
    """Cut `count` octets."""
    require(position + count <= len(octets), "CBOR-2", "the octets end within a value")
    return octets[position : position + count], position + count


def _utf8(raw: bytes) -> str:
    """Read UTF-8 as in RFC 3629 (Python's decoder knows no surrogates and no overlong forms)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("CBOR-1", "a text that is not UTF-8") from error


def _array(octets: bytes, position: int, count: int, level: int) -> tuple[list[Value], int]:
    """Read the items of an array; a count that is too large soon meets the end of the octets."""
    items: list[Value] = []
    for _ in range(count):
        item, position = _decode_at(octets, position, level)
        items.append(item)
    return items, position


def _map(octets: bytes, position: int, count: int, level: int) -> tuple[dict[str, Value], int]:
    """Read the pairs of a map; each key's encoding must be larger than the one before."""
    pairs: dict[str, Value] = {}
    before = b""
    for _ in range(count):
        start = position
        key, position = _decode_at(octets, position, level)
        if not isinstance(key, str):
            raise Refusal("CBOR-1", "a key that is not a text")
        encoded = octets[start:position]
        require(encoded > before, "CBOR-2", "keys out of order, or a key twice")
        before = encoded
        pairs[key], position = _decode_at(octets, position, level)
    return pairs, position


def encode(value: Encodable) -> bytes:
    """Write a value in the one encoding that CBOR-2 allows."""
    return _encode(value, 0)


def _encode(value: Encodable, level: int) -> bytes:
    """Write a value that stands within `level` arrays or maps."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        require(-(2**63) <= value < 2**64, "CBOR-1", "an integer out of range")
        return _write_head(UNSIGNED, value) if value >= 0 else _write_head(NEGATIVE, -1 - value)
    if isinstance(value, bytes):
        return _write_head(OCTETS, len(value)) + value
    if isinstance(value, str):
        return _encode_text(value)
    require(level < MAXIMUM_LEVEL, "CBOR-3", "more than 16 levels")
    if isinstance(value, Mapping):
        pairs = sorted((_encode_text(key), _encode(item, level + 1)) for key, item in value.items())
        return _write_head(MAP, len(pairs)) + b"".join(key + item for key, item in pairs)
    return _write_head(ARRAY, len(value)) + b"".join(_encode(item, level + 1) for item in value)


def _encode_text(value: str) -> bytes:
    """Write a text."""
    raw = value.encode("utf-8")
    return _write_head(TEXT, len(raw)) + raw


def _write_head(major: int, argument: int) -> bytes:
    """Write the shortest head."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for short, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * width):
            return bytes([major << 5 | short]) + argument.to_bytes(width, "big")
    raise Refusal("CBOR-1", "an argument of more than 64 bits")


def sha256(octets: bytes) -> bytes:
    """SHA-256(x) of spec/README.md."""
    return hashlib.sha256(octets).digest()


def hmac_sha256(key: bytes, octets: bytes) -> bytes:
    """HMAC(key, x) of spec/README.md."""
    return hmac.new(key, octets, hashlib.sha256).digest()
