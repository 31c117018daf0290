"""Deterministic CBOR (RFC 8949, 4.2.1) of the few kinds of value that Detente uses: CBOR-1 to CBOR-3.

It keeps: one value has one encoding, and other octets than those are refused. The parsing is cbor2's; because cbor2
reads far more than we allow, what it returned is checked by a walk and by encoding it again. No value gets a meaning
here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import Struct
from typing import Any, TypeAlias, TypeGuard, cast

import cbor2

from detente.errors import LocalMisuse, Malformed
from detente.limits import NESTING_LEVELS_MAX

# Decoded arrays are tuples and decoded maps are immutable; `encode` also takes lists and dictionaries.
Value: TypeAlias = "int | str | bytes | bool | Sequence[Value] | Mapping[str, Value] | None"

UNSIGNED, BYTES, TEXT, ARRAY, MAP = 0, 2, 3, 4, 5  # major types (RFC 8949, 3.1) for `head`

_INTEGER_MIN = -(2**63)
_INTEGER_MAX = 2**64 - 1
_DIRECT = 24  # below this a head holds its argument itself
_LEVELS_READ_MAX = 100  # cbor2 stops here; CBOR-3 is checked by our own walk
_MAP_KINDS = (dict, cbor2.frozendict)
_HEADS = tuple(bytes([octet]) for octet in range(256))
_OCTET, _SHORT, _WORD, _LONG = (Struct(shape).pack for shape in (">BB", ">BH", ">BI", ">BQ"))


def encode(value: Value) -> bytes:
    """The one encoding of `value`. Raises LocalMisuse (CBOR-1, CBOR-3) for a value that the protocol does not have."""
    kind = type(value)
    if kind is bytes:
        return head(BYTES, len(value)) + value  # type: ignore[arg-type, operator]
    problem = _problem(value, 1)
    if problem is not None:
        raise LocalMisuse(f"this value cannot be encoded: {problem[1]}", rule=problem[0])
    return encode_untyped(value)


def decode(data: bytes) -> Value:
    """The value whose encoding `data` is; arrays as tuples, maps immutable. Raises Malformed (CBOR-1 to CBOR-3)."""
    value = _read(data)
    check_value(value)
    _check_exact(value, data)
    return cast("Value", value)


def check_value(value: object, *, level: int = 1) -> None:
    """Raise Malformed (CBOR-1, CBOR-3) unless `value`, found at `level` of a decoded value, is of the allowed kinds."""
    problem = _problem(value, level)
    if problem is not None:
        raise Malformed(f"these octets hold {problem[1]}", rule=problem[0])


def encode_untyped(value: object) -> bytes:
    """Like `encode`, without the walk over the types: for a value that was checked against a fixed shape."""
    try:
        return cbor2.dumps(value, canonical=True)
    except UnicodeEncodeError as error:
        raise LocalMisuse("a text holds half a surrogate pair, which no UTF-8 can hold", rule="CBOR-1") from error


def decode_untyped(data: bytes) -> object:
    """Like `decode`, without the walk over the types: for a caller that checks every part against a fixed shape.

    What is returned may hold floats, `undefined` and the like, or be nested too deep. Raises Malformed (CBOR-2).
    """
    value = _read(data)
    _check_exact(value, data)
    return value


def head(major: int, argument: int) -> bytes:
    """The shortest head of an item: `argument` is its value (UNSIGNED), octets (BYTES, TEXT) or items (ARRAY, MAP)."""
    first = major << 5
    if argument < _DIRECT:
        return _HEADS[first + argument]
    if argument < 1 << 8:
        return _OCTET(first + 24, argument)
    if argument < 1 << 16:
        return _SHORT(first + 25, argument)
    if argument < 1 << 32:
        return _WORD(first + 26, argument)
    return _LONG(first + 27, argument)


def is_map(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a map. The two kinds that occur are looked for first: asking for any Mapping takes long."""
    return type(value) in _MAP_KINDS or isinstance(value, Mapping)


class _EveryTag(dict[int, Callable[..., Any]]):
    """Says for each tag that we read it ourselves, and refuses it: cbor2 never builds dates, cycles or big numbers."""

    def __getitem__(self, _: int) -> Callable[..., Any]:
        return _refuse_tag


class _TagFound(Exception):
    """Told apart by its type in `_read`, where cbor2 has wrapped it; never leaves this file."""


def _refuse_tag(*_: object) -> object:
    raise _TagFound


_EVERY_TAG = _EveryTag()


def _read(data: bytes) -> object:
    try:
        return cbor2.loads(
            data,
            semantic_decoders=_EVERY_TAG,
            max_depth=_LEVELS_READ_MAX,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
            immutable=True,
        )
    except (cbor2.CBORDecodeError, _TagFound) as error:
        if _TagFound in (type(error), type(error.__cause__)):
            raise Malformed("these octets hold a tag; no tags are used", rule="CBOR-1") from error
        raise Malformed(f"these octets are not one value in deterministic CBOR: {error}", rule="CBOR-2") from error


def _check_exact(value: object, data: bytes) -> None:
    if cbor2.dumps(value, canonical=True) != data:
        raise Malformed(
            "these octets are not exactly the encoding of their value: "
            "a long head, keys out of order, or octets left over",
            rule="CBOR-2",
        )


def _problem(value: object, level: int) -> tuple[str, str] | None:
    """The (rule, description) of the first thing in `value` that is not allowed. NamedTuples and IntEnums pass."""
    kind = type(value)
    if kind is str or kind is bytes or kind is bool or value is None:
        return None
    if isinstance(value, int):
        if _INTEGER_MIN <= value <= _INTEGER_MAX:
            return None
        return "CBOR-1", "an integer below -2^63 or above 2^64-1"
    if isinstance(value, tuple | list):
        return _problem_within(value, level)
    if is_map(value):
        if not all(type(key) is str for key in value):
            return "CBOR-1", "a map with a key that is not a text"
        return _problem_within(value.values(), level)
    return "CBOR-1", f"a value of the kind {kind.__name__}, which the protocol does not have"


def _problem_within(items: Iterable[object], level: int) -> tuple[str, str] | None:
    if level > NESTING_LEVELS_MAX:
        return "CBOR-3", f"arrays or maps nested deeper than {NESTING_LEVELS_MAX} levels"
    for item in items:
        problem = _problem(item, level + 1)
        if problem is not None:
            return problem
    return None
