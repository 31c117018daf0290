"""A reader of the diagnostic notation (RFC 8949, 8) in which the vectors state values: what CBOR-1 allows, no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.reference.encoding import Value

WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def parse_diagnostic(written: str) -> Value:
    """Read one value."""
    value, position = _value(written, _skip(written, 0))
    assert _skip(written, position) == len(written), "characters are left over"
    return value


def _skip(written: str, position: int) -> int:
    """Skip spaces."""
    while position < len(written) and written[position] == " ":
        position += 1
    return position


def _value(written: str, position: int) -> tuple[Value, int]:
    """Read the value at `position`; also say where it ends."""
    for word, meaning in WORDS.items():
        if written.startswith(word, position):
            return meaning, position + len(word)
    char = written[position]
    if char == "[":
        return _array(written, position + 1)
    if char == "{":
        return _map(written, position + 1)
    if char == '"':
        return _text(written, position)
    if written.startswith("h'", position):
        end = written.index("'", position + 2)
        return bytes.fromhex(written[position + 2 : end]), end + 1
    end = position + 1
    while end < len(written) and written[end].isdigit():
        end += 1
    return int(written[position:end]), end


def _text(written: str, position: int) -> tuple[str, int]:
    """Read a text in quotes; its escapes are those of JSON."""
    text, end = json.JSONDecoder(strict=False).raw_decode(written, position)
    assert isinstance(text, str)
    return text, end


def _array(written: str, position: int) -> tuple[list[Value], int]:
    """Read the items of an array, behind its bracket."""
    items: list[Value] = []
    position = _skip(written, position)
    while written[position] != "]":
        item, position = _value(written, position)
        items.append(item)
        position = _skip(written, position)
        if written[position] == ",":
            position = _skip(written, position + 1)
    return items, position + 1


def _map(written: str, position: int) -> tuple[dict[str, Value], int]:
    """Read the pairs of a map, behind its brace."""
    pairs: dict[str, Value] = {}
    position = _skip(written, position)
    while written[position] != "}":
        key, position = _text(written, position)
        position = _skip(written, position)
        assert written[position] == ":", "a key without a value"
        pairs[key], position = _value(written, _skip(written, position + 1))
        position = _skip(written, position)
        if written[position] == ",":
            position = _skip(written, position + 1)
    return pairs, position + 1
