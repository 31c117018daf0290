"""Wrong octets out of right ones: one change at a time, of octets or, where they are CBOR, of the value in them.

Its law: every choice comes from `below`, so that a run repeats itself, whether chance chooses or a fuzzer's input.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import cbor2

from detente.errors import Malformed
from detente.formats.canonical import decode_untyped

Below = Callable[[int], int]  # n (at least 1) -> a number from 0 to n - 1

OCTETS_MAX = 70_000  # a little more than the largest frame
NUMBERS = (0, 1, 23, 24, 255, 256, 2**16, 2**32, 2**40 - 1, 2**40, 2**48, 2**63 - 1, 2**63, 2**64 - 1, -1)
PIECES = (
    b"\n",
    b"\n\n",
    b"\0",
    b"\xff",
    b"+",
    b"=",
    b'"',
    b"'''",
    b"[[",
    b"{",
    b"a.a.",
    b"0x",
    b"\xed\xa0\x80",
    b"9999999999",
)


def chance(seed: int) -> Below:
    """Choices by chance from one seed."""
    return random.Random(seed).randrange


def choices(octets: bytes) -> Below:
    """Choices that octets make, two at most for one choice; when they are used up, always the first."""
    rest = iter(octets)

    def below(n: int) -> int:
        number = next(rest, 0)
        return (number if n <= 256 else number << 8 | next(rest, 0)) % n

    return below


def mutate(below: Below, octets: bytes, others: Sequence[bytes]) -> bytes:
    """`octets` with one change; a part of one of `others` may come in."""
    if below(3):
        value = _value_in(octets)
        if value is not None:
            return cbor2.dumps(_changed(below, value, others), canonical=True)[:OCTETS_MAX]
    return _raw(below, octets, others)[:OCTETS_MAX]


def _raw(below: Below, octets: bytes, others: Sequence[bytes]) -> bytes:
    start = below(len(octets) + 1)
    stop = min(start + 1 + below(below(64) + 1), len(octets))
    before, part, after = octets[:start], octets[start:stop], octets[stop:]
    other = others[below(len(others))] if others else b""
    cut = below(len(other) + 1)
    match below(8):
        case 0:
            part = bytes(one ^ 1 << below(8) for one in part)
        case 1:
            part = bytes(below(256) for _ in part)
        case 2:
            part = b""
        case 3:
            part += part
        case 4:
            part = PIECES[below(len(PIECES))]
        case 5:
            part += PIECES[below(len(PIECES))] * (1 + below(below(2_000) + 1))
        case 6:
            part = other[cut : cut + len(part)]
        case _:
            after = other[cut:]
    return before + part + after


def _value_in(octets: bytes) -> object:
    """The array or map that `octets` encode, or None."""
    if not octets or octets[0] >> 5 not in (4, 5):
        return None
    with suppress(Malformed):
        return decode_untyped(octets)
    return None


def _changed(below: Below, value: Any, others: Sequence[bytes]) -> object:  # noqa: ANN401 - any value of CBOR
    match value:
        case bool() | None:
            return (True, False, None, 0, b"", ())[below(6)]
        case int():
            return (value + 1, value - 1, *NUMBERS)[below(2 + len(NUMBERS))]
        case bytes():
            return mutate(below, value, others)
        case str():
            return _raw(below, value.encode("utf-8", "replace"), others).decode("utf-8", "replace")
        case tuple() if value:
            return _changed_items(below, value, others)
        case Mapping() if value:
            key = sorted(value, key=repr)[below(len(value))]
            return {**value, key: _changed(below, value[key], others)}
    return 0


def _changed_items(below: Below, value: tuple[Any, ...], others: Sequence[bytes]) -> tuple[Any, ...]:
    at = below(len(value))
    before, item, after = value[:at], value[at], value[at + 1 :]
    match below(8):
        case 0:
            return before + after
        case 1:
            return (*before, item, item, *after)
        case 2:
            return (*before, value[below(len(value))], *after)
        case 3:
            return before
    return (*before, _changed(below, item, others), *after)
