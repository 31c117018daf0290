"""Secrets of epochs that are given again to a station that lost its own (EPOCH-7 and EPOCH-8 in spec/5-sealing.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference import shape
from tests.reference.books import make_origin
from tests.reference.contents import Content, Reference, read_reference
from tests.reference.refusal import Refusal, require
from tests.reference.sealing import epoch_check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.reference.bodies import Keys
    from tests.reference.encoding import Value

FORM = "secrets"
MOST_ITEMS = 128
TAKEN, KEPT, MARKED, IGNORED = "taken", "kept", "marked", "ignored"


@dataclass(frozen=True)
class Again:
    """One secret that is given again, with the place of its epoch."""

    epoch: Reference
    secret: bytes


@dataclass(frozen=True)
class SecretsContent:
    """What a content of the form `secrets` says: for whom, which opening called for it, and the secrets."""

    party: str
    opening: Reference
    epochs: tuple[Again, ...]


def read_secrets(content: Content) -> SecretsContent:
    """Read a content of the form `secrets`, or refuse one that has not just what EPOCH-7 states."""
    require(content["form"] == FORM, "EPOCH-7", "another form")
    require(set(content) == {"form", "to", "re", "fields"}, "EPOCH-7", "a key too many or too few")
    (to,) = shape.array(content["to"], 1, 1, "EPOCH-7", "to")
    (opening,) = shape.array(content["re"], 1, 1, "EPOCH-7", "re")
    party, reference = shape.matching(to, shape.PARTY_ID, "EPOCH-7", "to"), read_reference(opening, "EPOCH-7")
    require(reference.party == party and reference.index == 0, "EPOCH-7", "re is no opening of the party in to")
    fields = content["fields"]
    if not isinstance(fields, dict) or set(fields) != {"epochs"}:
        raise Refusal("EPOCH-7", "fields are not just epochs")
    items = shape.array(fields["epochs"], 1, MOST_ITEMS, "EPOCH-7", "epochs")
    return SecretsContent(party, reference, tuple(_read_item(item) for item in items))


def _read_item(value: Value) -> Again:
    """Read `[party, book, index, secret]`."""
    *place, secret = shape.tuple_of(value, 4, "EPOCH-7", "an epoch")
    return Again(read_reference(place, "EPOCH-7"), shape.octets(secret, 32, 32, "EPOCH-7", "a secret"))


def secrets_to_give(opening: Reference, readable: Iterable[tuple[Reference, Keys, bytes]]) -> list[Content]:
    """Write the contents for the party of a later book: each epoch that it could read, by 128 (EPOCH-7)."""
    items: list[Value] = [
        [epoch.party, epoch.book, epoch.index, secret]
        for epoch, keys, secret in readable
        if opening.party in keys.audience
    ]
    reference: Value = [opening.party, opening.book, opening.index]
    return [
        {
            "form": FORM,
            "to": [opening.party],
            "re": [reference],
            "fields": {"epochs": items[first : first + MOST_ITEMS]},
        }
        for first in range(0, len(items), MOST_ITEMS)
    ]


def judge_secret(
    given: Again, channel: str, reader: str, giver: tuple[str, int], there: bool, keys: Keys | None
) -> str:
    """Say what becomes of a secret: it is taken, kept until its entry is there, marked or ignored (EPOCH-8).

    `giver` is the party and number of the book in which the content stands. `there` is whether the entry that the
    secret names is held; `keys` is its body, or None if it is no `keys` entry that fits.
    """
    if not there:
        return KEPT
    origin = make_origin(channel, given.epoch.party, given.epoch.book)
    fits = keys is not None and epoch_check(given.secret, origin, given.epoch.index) == keys.check
    if fits and keys is not None and reader in keys.audience:
        return TAKEN
    return MARKED if (given.epoch.party, given.epoch.book) == giver else IGNORED
