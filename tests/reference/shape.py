"""The small pieces of spec/detente.cddl: each function returns the value with its type, or refuses it by a rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.reference.refusal import Refusal, require

if TYPE_CHECKING:
    from tests.reference.encoding import Value

COUNT_LIMIT = 2**40 - 1  # `index` and `count`
MILLISECONDS_LIMIT = 2**48 - 1
PARTY_ID = re.compile(r"[a-z][a-z0-9-]{0,23}")


def integer(value: Value, low: int, high: int, rule: str, what: str) -> int:
    """Take an integer from `low` to `high`; `true` is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(rule, f"{what} is not an integer")
    require(low <= value <= high, rule, f"{what} is out of range")
    return value


def count(value: Value, rule: str, what: str) -> int:
    """Take an `index` or `count` of the CDDL: below 2^40."""
    return integer(value, 0, COUNT_LIMIT, rule, what)


def octets(value: Value, low: int, high: int, rule: str, what: str) -> bytes:
    """Take a byte string of `low` to `high` octets."""
    if not isinstance(value, bytes):
        raise Refusal(rule, f"{what} is not a byte string")
    require(low <= len(value) <= high, rule, f"{what} has a wrong length")
    return value


def digest(value: Value, rule: str, what: str) -> bytes:
    """Take 32 octets."""
    return octets(value, 32, 32, rule, what)


def text(value: Value, low: int, high: int, rule: str, what: str) -> str:
    """Take a text of `low` to `high` octets of UTF-8."""
    if not isinstance(value, str):
        raise Refusal(rule, f"{what} is not a text")
    require(low <= len(value.encode("utf-8")) <= high, rule, f"{what} has a wrong length")
    return value


def origin(value: Value, rule: str, what: str) -> str:
    """Take an `origin` of the CDDL: a text of 1 to 255 octets."""
    return text(value, 1, 255, rule, what)


def matching(value: Value, pattern: re.Pattern[str], rule: str, what: str) -> str:
    """Take a text that the whole pattern matches."""
    if not isinstance(value, str):
        raise Refusal(rule, f"{what} is not a text")
    require(pattern.fullmatch(value) is not None, rule, f"{what} has a wrong form")
    return value


def array(value: Value, low: int, high: int | None, rule: str, what: str) -> list[Value]:
    """Take an array of `low` to `high` items (None: as many as there are)."""
    if not isinstance(value, list):
        raise Refusal(rule, f"{what} is not an array")
    require(low <= len(value) and (high is None or len(value) <= high), rule, f"{what} has a wrong number of items")
    return value


def tuple_of(value: Value, size: int, rule: str, what: str) -> list[Value]:
    """Take an array of exactly `size` items."""
    return array(value, size, size, rule, what)


def boolean(value: Value, rule: str, what: str) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise Refusal(rule, f"{what} is not a boolean")
    return value
