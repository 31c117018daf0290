"""Evidence bundles: one file with charters, books and disclosures (spec/8).

It keeps: BUNDLE-1. The file is exactly one encoding and fits the CDDL; disclosures are sorted and different. What the
parts prove is the verifier's business.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from detente.crypto.labels import BUNDLE
from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import decode_untyped, encode_untyped
from detente.formats.frame import COUNT_MAX, HELLO_BOOKS_MAX, ORIGIN_OCTETS_MAX, EntryItem, Item, decode_item
from detente.formats.shapes import check_array, check_digest, check_text, check_unsigned
from detente.ids import Origin

CHARTERS_MAX: Final = 64
BOOKS_MAX: Final = HELLO_BOOKS_MAX

_RULE = "BUNDLE-1"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """`mk` (32 octets) of the sealed entry `index`: it opens that entry and no other."""

    origin: Origin
    index: int
    message_key: bytes


@dataclass(frozen=True, slots=True)
class BookSection:
    """The octets of a book note, items that tile the book (every entry with its view), the octets of its heads."""

    note: bytes
    items: tuple[Item, ...]
    heads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The octets of the charter notes from number 1, the books, and what is disclosed of them."""

    charters: tuple[bytes, ...]
    books: tuple[BookSection, ...]
    disclosures: tuple[Disclosure, ...]


def encode_bundle(bundle: Bundle) -> bytes:
    """The octets of a bundle. Raises LocalMisuse if it does not fit the CDDL."""
    books = tuple((book.note, book.items, book.heads) for book in bundle.books)
    disclosures = tuple((one.origin, one.index, one.message_key) for one in bundle.disclosures)
    octets = encode_untyped((BUNDLE, bundle.charters, books, disclosures))
    try:
        decode_bundle(octets)
    except Malformed as fault:
        raise LocalMisuse(f"this bundle cannot be written: {fault.text}", rule=fault.rule) from fault
    return octets


def decode_bundle(data: bytes) -> Bundle:
    """The bundle in `data`. Raises Malformed (BUNDLE-1)."""
    _, charters, books, disclosures = check_array(decode_untyped(data), 4, BUNDLE, _RULE)
    if type(books) is not tuple or len(books) > BOOKS_MAX:
        raise Malformed(f"a bundle has at most {BOOKS_MAX} books", rule=_RULE)
    if type(disclosures) is not tuple:
        raise Malformed("the disclosures of a bundle are a list", rule=_RULE)
    found = tuple(map(_disclosure, disclosures))
    places = [(one.origin, one.index) for one in found]
    if any(before >= after for before, after in pairwise(places)):
        raise Malformed("disclosures are sorted by origin and index, each place once", rule=_RULE)
    return Bundle(_octet_strings(charters, CHARTERS_MAX, "charters"), tuple(map(_section, books)), found)


def _section(value: object) -> BookSection:
    note, items, heads = check_array(value, 3, None, _RULE)
    if type(note) is not bytes:
        raise Malformed("a book note is a byte string", rule=_RULE)
    if type(items) is not tuple:
        raise Malformed("the items of a book are a list", rule=_RULE)
    found = tuple(map(decode_item, items))
    if any(type(item) is EntryItem and item.view is None for item in found):
        raise Malformed("every entry of a bundle has its view", rule=_RULE)
    return BookSection(note, found, _octet_strings(heads, None, "heads"))


def _disclosure(value: object) -> Disclosure:
    origin, index, message_key = check_array(value, 3, None, _RULE)
    check_text(origin, ORIGIN_OCTETS_MAX, "an origin", _RULE)
    check_unsigned(index, COUNT_MAX, "an index", _RULE)
    check_digest(message_key, "a message key", _RULE)
    return Disclosure(Origin(origin), index, message_key)


def _octet_strings(value: object, most: int | None, name: str) -> tuple[bytes, ...]:
    if type(value) is not tuple or not value or (most is not None and len(value) > most):
        bound = "" if most is None else f" and at most {most}"
        raise Malformed(f"the {name} are a list of at least one{bound}", rule=_RULE)
    if not all(type(one) is bytes for one in value):
        raise Malformed(f"the {name} are byte strings", rule=_RULE)
    return value
