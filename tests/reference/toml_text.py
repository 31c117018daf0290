"""The strict TOML of cards, charters and book notes as in spec/3-charter.md: tables that are read up, kinds of value.

A breach outside the numbered rules is refused as `spec/3`.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from typing import TYPE_CHECKING, TypeVar

from tests.reference.keys import VerifierKey, parse_vkey
from tests.reference.refusal import Refusal, require
from tests.reference.texts import canonical_base64, check_characters

if TYPE_CHECKING:
    from collections.abc import Callable

RULE = "spec/3"
MAXIMUM_LINE = 4_096
MAXIMUM_FULL_STOPS = 128  # in one line
IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{0,23}")
SCOPE = re.compile(r"[a-z][a-z0-9-]{0,39}")
LANGUAGE = re.compile(r"[a-z]{2}")
DIGEST = re.compile(r"([0-9a-f]{64})?")
ADDRESS = re.compile(
    r"tls://(?:[a-z0-9][a-z0-9.-]{0,252}|\[[0-9a-f:.]{2,45}\]):([1-9][0-9]{0,4})|(?:serial|courier):[a-z0-9][a-z0-9-]{0,62}"
)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Item = TypeVar("Item")


def parse_text(text: bytes, first_line: str) -> Table:
    """Read the TOML of a note's text whose first line is fixed."""
    require(text.endswith(b"\n"), "NOTE-1", "a text that does not end in a newline")
    characters = check_characters(text, RULE)
    lines = characters.split("\n")
    require(lines[0] == first_line, RULE, f"the first line is not {first_line!r}")
    require(all(len(line.encode("utf-8")) <= MAXIMUM_LINE for line in lines), RULE, "a line of more than 4,096 octets")
    require(all(line.count(".") <= MAXIMUM_FULL_STOPS for line in lines), RULE, "a line of more than 128 full stops")
    try:
        return Table(tomllib.loads(characters), "the text")
    except (ValueError, RecursionError) as error:
        raise Refusal(RULE, f"not TOML: {error}") from error


class Table:
    """A TOML table that is read up: every key is taken once, and none may be left over."""

    def __init__(self, value: object, what: str) -> None:
        """Take a value that must be a table."""
        if not isinstance(value, dict):
            raise Refusal(RULE, f"{what} is not a table")
        self.left = dict(value)
        self.what = what

    def take(self, key: str) -> object:
        """Take the value of a key that must be there."""
        require(key in self.left, RULE, f"{key} is missing in {self.what}")
        return self.left.pop(key)

    def table(self, key: str) -> Table:
        """Take a table that must be there."""
        return Table(self.take(key), key)

    def tables(self, key: str) -> list[Table]:
        """Take an array of tables; none at all is the array without items."""
        value = self.left.pop(key, [])
        if not isinstance(value, list):
            raise Refusal(RULE, f"{key} is not an array of tables")
        return [Table(item, key) for item in value]

    def optional_vkey(self, key: str, kind: int) -> VerifierKey | None:
        """Take a vkey that may be absent."""
        return vkey(self.take(key), kind) if key in self.left else None

    def end(self) -> None:
        """Refuse keys that nobody took."""
        require(not self.left, RULE, f"unknown keys in {self.what}: {', '.join(sorted(self.left))}")


def matching(value: object, pattern: re.Pattern[str], what: str) -> str:
    """Take a text that the whole pattern matches."""
    if not isinstance(value, str):
        raise Refusal(RULE, f"{what} is not a text")
    require(pattern.fullmatch(value) is not None, RULE, f"{what} has a wrong form")
    return value


def identifier(value: object) -> str:
    """Take an *id*."""
    return matching(value, IDENTIFIER, "an id")


def scope(value: object) -> str:
    """Take a *scope*."""
    return matching(value, SCOPE, "a scope")


def language(value: object) -> str:
    """Take a *language*."""
    return matching(value, LANGUAGE, "a language")


def address(value: object) -> str:
    """Take an *address*."""
    written = matching(value, ADDRESS, "an address")
    if written.startswith("tls:"):
        require(int(written.rpartition(":")[2]) <= 65_535, RULE, "a port above 65,535")
    return written


def digest(value: object, what: str) -> bytes | None:
    """Take a *digest*; None for the empty text."""
    return bytes.fromhex(matching(value, DIGEST, what)) or None


def line(value: object, maximum: int, what: str, newlines: bool = False) -> str:
    """Take a *line of n*, or the same with newlines."""
    if not isinstance(value, str):
        raise Refusal(RULE, f"{what} is not a text")
    require(1 <= len(value) <= maximum, RULE, f"{what} has a wrong length")
    require(not value.isspace(), RULE, f"{what} is white space alone")
    forbidden = any((ord(char) < 0x20 and not (newlines and char == "\n")) or char == "\x7f" for char in value)
    require(not forbidden, RULE, f"{what} has a control character")
    return value


def integer(value: object, low: int, high: int, what: str) -> int:
    """Take an integer from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(RULE, f"{what} is not an integer")
    require(low <= value <= high, RULE, f"{what} is out of range")
    return value


def one_of(value: object, allowed: tuple[str, ...], what: str) -> str:
    """Take one of some texts."""
    if not isinstance(value, str) or value not in allowed:
        raise Refusal(RULE, f"{what} is none of {', '.join(allowed)}")
    return value


def listed(value: object, low: int, high: int, item: Callable[[object], Item], what: str) -> list[Item]:
    """Take a *list of a to b*."""
    if not isinstance(value, list):
        raise Refusal(RULE, f"{what} is not an array")
    require(low <= len(value) <= high, RULE, f"{what} has a wrong number of items")
    items = [item(part) for part in value]
    require(all(part not in items[:place] for place, part in enumerate(items)), RULE, f"{what} has two alike")
    return items


def by_language(table: Table, maximum: int, newlines: bool = False) -> dict[str, str]:
    """Take a table of language to a line of n."""
    texts = {language(key): line(value, maximum, f"{table.what}.{key}", newlines) for key, value in table.left.items()}
    require(len(texts) > 0, RULE, f"{table.what} has no language")
    return texts


def moment(value: object, what: str) -> dt.datetime:
    """Take a date-time with the offset Z or +00:00, from 1970, in whole seconds."""
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise Refusal(RULE, f"{what} is not a date-time with an offset")
    require(value.utcoffset() == dt.timedelta(0), RULE, f"{what} has an offset that is not zero")
    require(value.microsecond == 0, RULE, f"{what} is not in whole seconds")
    require(value >= EPOCH, RULE, f"{what} is before 1970")
    return value


def vkey(value: object, kind: int) -> VerifierKey:
    """Take a vkey of one type."""
    if not isinstance(value, str):
        raise Refusal(RULE, "a vkey is not a text")
    key = parse_vkey(value)
    require(key.kind == kind, "KEY-2", f"the vkey of {key.name} is not of type {kind}")
    return key


def certificate(value: object) -> bytes:
    """Take the base64 of a DER certificate, of which only the outermost head is looked at."""
    if not isinstance(value, str):
        raise Refusal(RULE, "tls is not a text")
    raw = canonical_base64(value, RULE, "tls")
    require(len(raw) >= 2 and raw[0] == 0x30 and raw[1] in (0x81, 0x82), RULE, "tls is not a DER sequence")
    width = raw[1] & 0x7F
    require(len(raw) >= 2 + width, RULE, "tls is cut off")
    require(int.from_bytes(raw[2 : 2 + width], "big") == len(raw) - 2 - width, RULE, "tls has another length")
    return raw
