"""Leaves and the bodies that are not sealed: BOOK-2, BOOK-3, BOOK-6, BOOK-8, BOOK-11, BOOK-13 to BOOK-18.

It keeps: what is read fits the CDDL in every part, and one leaf or body has one value and one encoding. Whether an
entry follows the rules of its book (an earlier epoch, counts that never decrease) is the protocol's business.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias, TypeGuard

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import decode_untyped, encode_untyped
from detente.formats.content import Content, content_of_map, content_to_map
from detente.formats.shapes import (
    check_array,
    check_choice,
    check_digest,
    check_octets,
    check_party_ids,
    check_text,
    check_unsigned,
)
from detente.ids import Origin, PartyId
from detente.limits import (
    BODY_OCTETS_MAX,
    BOOKS_PER_PARTY_MAX,
    INDEX_MAX,
    PARTIES_MAX,
    READERS_PER_EPOCH_MAX,
)

# BOOK-8: one count, or the counts of books 1, 2, ... in order
Slot: TypeAlias = int | tuple[int, ...]
Seen: TypeAlias = tuple[Slot, ...]


class Kind(IntEnum):
    """BOOK-3. A leaf may hold another kind; it is then held and marked."""

    OPENING = 0
    KEYS = 1
    SEALED = 2
    OPEN = 3
    ADOPT = 4
    ERASED = 5
    CLOSING = 6


class Precedence(IntEnum):
    """BOOK-6."""

    ROUTINE = 0
    PRIORITY = 1
    IMMEDIATE = 2
    FLASH = 3


class Leaf(NamedTuple):
    """BOOK-2: what the tree holds of one entry. `at` in milliseconds, digests of 32 octets."""

    kind: int
    at: int
    precedence: int
    epoch: int
    seen: Seen
    view: bytes
    body_size: int
    body_hash: bytes


LEAF_FIELDS: Final = len(Leaf._fields)
KIND_MAX: Final = 23
AT_MS_MAX: Final = 2**48 - 1
DIGEST_OCTETS: Final = 32
HPKE_KEY_OCTETS: Final = 1_216  # KEY-4
WRAP_OCTETS: Final = 1_168  # EPOCH-5
HEADS_MAX: Final = 64
NUMBER_MAX: Final = 65_535
OPENING_REASON_OCTETS_MAX: Final = 200
REASON_OCTETS_MAX: Final = 400


def encode_leaf(leaf: Leaf) -> bytes:
    """The octets of a leaf (BOOK-2). Its fields must fit the CDDL already: `check_leaf` before signing (BOOK-11)."""
    return encode_untyped(leaf)


def decode_leaf(data: bytes) -> Leaf:
    """The leaf in `data`. Raises Malformed (BOOK-11, CBOR-2)."""
    fields = decode_untyped(data)
    if type(fields) is not tuple or len(fields) != LEAF_FIELDS:
        raise Malformed(f"a leaf is an array of {LEAF_FIELDS} fields", rule="BOOK-11")
    leaf = Leaf._make(fields)
    check_leaf(leaf)
    return leaf


def check_leaf(leaf: Leaf) -> None:
    """Raise Malformed (BOOK-11) unless every field fits the CDDL."""
    check_leaf_fields(leaf.kind, leaf.at, leaf.precedence, leaf.epoch, leaf.seen)
    if type(leaf.view) is not bytes or len(leaf.view) != DIGEST_OCTETS:
        raise Malformed("the view of a leaf has 32 octets", rule="BOOK-11")
    if not _is_unsigned(leaf.body_size) or not 1 <= leaf.body_size <= BODY_OCTETS_MAX:
        raise Malformed(f"the body of an entry has 1 to {BODY_OCTETS_MAX} octets", rule="BOOK-11")
    if type(leaf.body_hash) is not bytes or len(leaf.body_hash) != DIGEST_OCTETS:
        raise Malformed("the body hash of a leaf has 32 octets", rule="BOOK-11")


def check_leaf_fields(kind: object, at: object, precedence: object, epoch: object, seen: object) -> None:
    """Raise Malformed (BOOK-11) unless these fields fit the CDDL. Shared by leaves and by entries in frames; hot."""
    if not (_is_unsigned(kind) and 0 <= kind <= KIND_MAX):
        raise Malformed(f"the kind of an entry is a number from 0 to {KIND_MAX}", rule="BOOK-11")
    if not (_is_unsigned(at) and 0 <= at <= AT_MS_MAX):
        raise Malformed("the time of an entry is in milliseconds, below 2^48", rule="BOOK-11")
    if not (_is_unsigned(precedence) and 0 <= precedence <= Precedence.FLASH):
        raise Malformed("the precedence of an entry is a number from 0 to 3", rule="BOOK-11")
    if not (_is_unsigned(epoch) and 0 <= epoch < INDEX_MAX):
        raise Malformed("the epoch of an entry is an index below 2^40", rule="BOOK-11")
    if type(seen) is not tuple or not 2 <= len(seen) <= PARTIES_MAX:
        raise Malformed(f"seen has one slot for each of 2 to {PARTIES_MAX} parties", rule="BOOK-11")
    for slot in seen:
        if type(slot) is int:
            if not 0 <= slot < INDEX_MAX:
                raise Malformed("a count of seen is below 2^40", rule="BOOK-11")
        else:
            _check_slot_of_books(slot)


# --- bodies


class Head(NamedTuple):
    """The size and root of a book at one time, as an opening names it."""

    origin: Origin
    size: int
    root: bytes


class Wrap(NamedTuple):
    """EPOCH-4: one wrap of 1,168 octets, for the reader key that entry `key_index` of the book `reader` publishes."""

    reader: Origin
    key_index: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """BOOK-13: the charter's digest, why the book was opened, last known heads of older books, the first HPKE key."""

    charter: bytes
    reason: str
    heads: tuple[Head, ...]
    hpke_key: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """BOOK-14, EPOCH-1: an epoch for `audience`; `check` of 32 octets; `next` is the author's next HPKE key or None."""

    audience: tuple[PartyId, ...]
    check: bytes
    wraps: tuple[Wrap, ...]
    next: bytes | None


@dataclass(frozen=True, slots=True)
class Open:
    """BOOK-15: a content that everyone who holds the book can read."""

    content: Content


@dataclass(frozen=True, slots=True)
class Adopt:
    """BOOK-16: `what` is "charter" or "book", with its number and digest."""

    what: str
    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Erased:
    """BOOK-17: the body of the own entry `index` is erased, by that authority."""

    index: int
    authority: str


@dataclass(frozen=True, slots=True)
class Closing:
    """BOOK-18."""

    reason: str


Body: TypeAlias = Opening | Keys | Open | Adopt | Erased | Closing


def encode_body(body: Body) -> bytes:
    """The octets of a body. Raises LocalMisuse if it does not fit the CDDL (so that no such body is ever signed)."""
    fields = _fields_of(body)
    try:
        _READERS[_KINDS[type(body)]](fields)
    except Malformed as fault:
        raise LocalMisuse(f"this entry cannot be written: {fault.text}", rule=fault.rule) from fault
    octets = encode_untyped(fields)
    if len(octets) > BODY_OCTETS_MAX:
        raise LocalMisuse(
            f"this entry has {len(octets)} octets, more than {BODY_OCTETS_MAX}; say it in several", rule="BOOK-2"
        )
    return octets


def decode_body(kind: int, data: bytes) -> Body:
    """The body of an entry of `kind`: an Opening, Keys, Open, Adopt, Erased or Closing.

    Raises Malformed (BOOK-13 to BOOK-18).
    A sealed body, and the body of an unknown kind, have no shape that anybody could read: LocalMisuse.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise LocalMisuse(f"the body of an entry of kind {kind} is not read here", rule="BOOK-3")
    if not 1 <= len(data) <= BODY_OCTETS_MAX:
        raise Malformed(f"the body of an entry has 1 to {BODY_OCTETS_MAX} octets", rule="BOOK-2")
    return reader(decode_untyped(data))


def _fields_of(body: Body) -> tuple[Any, ...]:
    match body:
        case Opening():
            return ("opening", body.charter, body.reason, tuple(tuple(one) for one in body.heads), body.hpke_key)
        case Keys():
            return ("keys", body.audience, body.check, tuple(tuple(one) for one in body.wraps), body.next)
        case Open():
            return ("open", content_to_map(body.content))
        case Adopt():
            return ("adopt", body.what, body.number, body.digest)
        case Erased():
            return ("erased", body.index, body.authority)
    return ("closing", body.reason)


def _opening(fields: object) -> Opening:
    rule = "BOOK-13"
    _, charter, reason, heads, hpke_key = check_array(fields, 5, "opening", rule)
    check_digest(charter, "the charter of an opening", rule)
    check_text(reason, OPENING_REASON_OCTETS_MAX, "the reason of an opening", rule)
    if type(heads) is not tuple or len(heads) > HEADS_MAX:
        raise Malformed(f"an opening has a list of at most {HEADS_MAX} heads", rule=rule)
    for one in heads:
        origin, size, root = check_array(one, 3, None, rule)
        check_text(origin, 255, "an origin", rule)
        check_unsigned(size, INDEX_MAX - 1, "a size", rule)
        check_digest(root, "a root", rule)
    check_octets(hpke_key, HPKE_KEY_OCTETS, "an HPKE key", "KEY-4")
    return Opening(charter, reason, tuple(Head._make(one) for one in heads), hpke_key)


def _keys(fields: object) -> Keys:
    rule = "BOOK-14"
    _, audience, check, wraps, following = check_array(fields, 5, "keys", rule)
    check_party_ids(audience, "the audience of an epoch", rule)
    check_digest(check, "the check of an epoch", rule)
    if type(wraps) is not tuple or len(wraps) > READERS_PER_EPOCH_MAX:
        raise Malformed(f"an epoch has a list of at most {READERS_PER_EPOCH_MAX} wraps", rule="EPOCH-6")
    for one in wraps:
        reader, key_index, octets = check_array(one, 3, None, rule)
        check_text(reader, 255, "an origin", rule)
        check_unsigned(key_index, INDEX_MAX - 1, "a key index", rule)
        check_octets(octets, WRAP_OCTETS, "a wrap", "EPOCH-5")
    if following is not None:
        check_octets(following, HPKE_KEY_OCTETS, "an HPKE key", "KEY-4")
    return Keys(audience, check, tuple(Wrap._make(one) for one in wraps), following)


def _open(fields: object) -> Open:
    _, content = check_array(fields, 2, "open", "BOOK-15")
    return Open(content_of_map(content, level=2))


def _adopt(fields: object) -> Adopt:
    rule = "BOOK-16"
    _, what, number, digest = check_array(fields, 4, "adopt", rule)
    check_choice(what, ("charter", "book"), "what is adopted", rule)
    check_unsigned(number, NUMBER_MAX, "a number", rule, least=1)
    check_digest(digest, "the digest of an adopt entry", rule)
    return Adopt(what, number, digest)


def _erased(fields: object) -> Erased:
    rule = "BOOK-17"
    _, index, authority = check_array(fields, 3, "erased", rule)
    check_unsigned(index, INDEX_MAX - 1, "an index", rule)
    check_text(authority, REASON_OCTETS_MAX, "the authority of an erasure", rule)
    return Erased(index, authority)


def _closing(fields: object) -> Closing:
    _, reason = check_array(fields, 2, "closing", "BOOK-18")
    check_text(reason, REASON_OCTETS_MAX, "the reason of a closing", "BOOK-18")
    return Closing(reason)


_KINDS: Final = MappingProxyType(
    {
        Opening: Kind.OPENING,
        Keys: Kind.KEYS,
        Open: Kind.OPEN,
        Adopt: Kind.ADOPT,
        Erased: Kind.ERASED,
        Closing: Kind.CLOSING,
    }
)
_READERS: Final[MappingProxyType[int, Callable[[Any], Body]]] = MappingProxyType(
    {
        Kind.OPENING: _opening,
        Kind.KEYS: _keys,
        Kind.OPEN: _open,
        Kind.ADOPT: _adopt,
        Kind.ERASED: _erased,
        Kind.CLOSING: _closing,
    }
)


def _is_unsigned(value: object) -> TypeGuard[int]:
    """An integer that is not a boolean; our own IntEnums are."""
    return type(value) is int or isinstance(value, IntEnum)


def _check_slot_of_books(slot: object) -> None:
    if type(slot) is not tuple or not 2 <= len(slot) <= BOOKS_PER_PARTY_MAX:
        raise Malformed(f"a slot of seen is a count or the counts of 2 to {BOOKS_PER_PARTY_MAX} books", rule="BOOK-11")
    for count in slot:
        if type(count) is not int or not 0 <= count < INDEX_MAX:
            raise Malformed("a count of seen is below 2^40", rule="BOOK-11")
