"""The bodies that are not sealed, as in spec/4-books.md (BOOK-13 to BOOK-18)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tests.reference import books, shape
from tests.reference.contents import Content, check_content
from tests.reference.encoding import Value, decode
from tests.reference.refusal import Refusal, require

if TYPE_CHECKING:
    from collections.abc import Callable

HPKE_KEY = 1_216  # KEY-4
WRAP = 1_168  # EPOCH-5
RULES = {
    books.OPENING: "BOOK-13",
    books.KEYS: "BOOK-14",
    books.OPEN: "BOOK-15",
    books.ADOPT: "BOOK-16",
    books.ERASED: "BOOK-17",
    books.CLOSING: "BOOK-18",
}


@dataclass(frozen=True)
class Opening:
    """BOOK-13."""

    charter: bytes
    reason: str
    heads: tuple[tuple[str, int, bytes], ...]
    hpke_key: bytes


@dataclass(frozen=True)
class Wrap:
    """One wrap of an epoch (EPOCH-4)."""

    reader: str
    key_index: int
    octets: bytes


@dataclass(frozen=True)
class Keys:
    """BOOK-14."""

    audience: tuple[str, ...]
    check: bytes
    wraps: tuple[Wrap, ...]
    next_key: bytes | None


@dataclass(frozen=True)
class Open:
    """BOOK-15."""

    content: Content


@dataclass(frozen=True)
class Adopt:
    """BOOK-16."""

    what: str
    number: int
    digest: bytes


@dataclass(frozen=True)
class Erased:
    """BOOK-17."""

    index: int
    authority: str


@dataclass(frozen=True)
class Closing:
    """BOOK-18."""

    reason: str


Body: TypeAlias = Opening | Keys | Open | Adopt | Erased | Closing


def read_body(kind: int, octets: bytes) -> Body | None:
    """Read the body of an entry; None for a sealed one and for unknown kinds."""
    require(1 <= len(octets) <= books.MAXIMUM_BODY, "BOOK-2", "a body has 1 to 16,384 octets")
    if kind not in RULES:
        return None
    rule = RULES[kind]
    return READERS[kind](shape.array(decode(octets), 2, 5, rule, "a body"), rule)


def _named(fields: list[Value], size: int, name: str, rule: str) -> list[Value]:
    """Return the fields behind the name of the body."""
    require(len(fields) == size, rule, "a wrong number of fields")
    require(fields[0] == name, rule, f"not named {name!r}")
    return fields[1:]


def _opening(fields: list[Value], rule: str) -> Opening:
    """Read BOOK-13."""
    charter, reason, heads, key = _named(fields, 5, "opening", rule)
    return Opening(
        shape.digest(charter, rule, "the charter"),
        shape.text(reason, 1, 200, rule, "the reason"),
        tuple(_known_head(head, rule) for head in shape.array(heads, 0, 64, rule, "heads")),
        shape.octets(key, HPKE_KEY, HPKE_KEY, rule, "the HPKE key"),
    )


def _known_head(value: Value, rule: str) -> tuple[str, int, bytes]:
    """Read `[origin, size, root]`."""
    origin, size, root = shape.tuple_of(value, 3, rule, "a head")
    return (
        shape.origin(origin, rule, "an origin"),
        shape.count(size, rule, "a size"),
        shape.digest(root, rule, "a root"),
    )


def _keys(fields: list[Value], rule: str) -> Keys:
    """Read BOOK-14."""
    audience, check, wraps, next_key = _named(fields, 5, "keys", rule)
    parties = shape.array(audience, 1, 16, rule, "the audience")
    return Keys(
        tuple(shape.matching(party, shape.PARTY_ID, rule, "a party of the audience") for party in parties),
        shape.digest(check, rule, "check"),
        tuple(_wrap(wrap, rule) for wrap in shape.array(wraps, 0, 12, rule, "wraps")),
        None if next_key is None else shape.octets(next_key, HPKE_KEY, HPKE_KEY, rule, "the next HPKE key"),
    )


def _wrap(value: Value, rule: str) -> Wrap:
    """Read `[reader origin, key index, wrap]`."""
    reader, index, octets = shape.tuple_of(value, 3, rule, "a wrap")
    return Wrap(
        shape.origin(reader, rule, "a reader"),
        shape.count(index, rule, "a key index"),
        shape.octets(octets, WRAP, WRAP, rule, "a wrap"),
    )


def _open(fields: list[Value], rule: str) -> Open:
    """Read BOOK-15."""
    (content,) = _named(fields, 2, "open", rule)
    return Open(check_content(content))


def _adopt(fields: list[Value], rule: str) -> Adopt:
    """Read BOOK-16."""
    what, number, digest = _named(fields, 4, "adopt", rule)
    if what not in ("charter", "book") or not isinstance(what, str):
        raise Refusal(rule, "neither a charter nor a book is adopted")
    highest = 65_535  # the CDDL's for both
    return Adopt(what, shape.integer(number, 1, highest, rule, "the number"), shape.digest(digest, rule, "the digest"))


def _erased(fields: list[Value], rule: str) -> Erased:
    """Read BOOK-17."""
    index, authority = _named(fields, 3, "erased", rule)
    return Erased(shape.count(index, rule, "the index"), shape.text(authority, 1, 400, rule, "the authority"))


def _closing(fields: list[Value], rule: str) -> Closing:
    """Read BOOK-18."""
    (reason,) = _named(fields, 2, "closing", rule)
    return Closing(shape.text(reason, 1, 400, rule, "the reason"))


READERS: dict[int, Callable[[list[Value], str], Body]] = {
    books.OPENING: _opening,
    books.KEYS: _keys,
    books.OPEN: _open,
    books.ADOPT: _adopt,
    books.ERASED: _erased,
    books.CLOSING: _closing,
}
