"""The small values that all rooms share: names, places in books, times. No behaviour beyond reading and writing them."""

import re
from typing import NamedTuple, NewType

from detente.errors import LocalMisuse

PartyId = NewType("PartyId", str)  # "usa": `[a-z][a-z0-9-]{0,23}`
Origin = NewType("Origin", str)  # BOOK-1: "<channel>/<party>/<n>"
Milliseconds = NewType("Milliseconds", int)  # since 1970-01-01T00:00:00Z; a claim of whoever wrote it

PARTY_ID = re.compile(r"[a-z][a-z0-9-]{0,23}")


class Ref(NamedTuple):
    """READ-2: the place of one entry. People write `party/index` for book 1, `party.n/index` for others."""

    party: PartyId
    book: int
    index: int  # type: ignore[assignment]  # a tuple's own `index` is never wanted here

    def __str__(self) -> str:
        return f"{self.party}/{self.index}" if self.book == 1 else f"{self.party}.{self.book}/{self.index}"


def parse_ref(text: str) -> Ref:
    """Read `party/index` or `party.n/index`. Raises LocalMisuse."""
    match = re.fullmatch(r"([a-z][a-z0-9-]{0,23})(?:\.([1-9][0-9]?))?/(0|[1-9][0-9]{0,12})", text)
    if not match:
        raise LocalMisuse(f"{text!r} is not a record number; write PARTY/INDEX, for example alfa/17", rule="READ-2")
    return Ref(PartyId(match[1]), int(match[2] or 1), int(match[3]))


def origin_of(channel: str, party: str, book: int) -> Origin:
    """BOOK-1."""
    return Origin(f"{channel}/{party}/{book}")


def split_origin(origin: str) -> tuple[str, PartyId, int]:
    """The channel, party and book number of an origin."""
    channel, party, book = origin.rsplit("/", 2)
    return channel, PartyId(party), int(book)
