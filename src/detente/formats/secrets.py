"""The content by which a party is given epoch secrets again: EPOCH-7. Shape only; whether a secret is right, EPOCH-8 says.

It keeps: what is written can be read back, a content holds few enough secrets to fit one entry, and one that has any
other shape gives nothing.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from detente.errors import Malformed
from detente.formats.content import Content
from detente.formats.shapes import check_array, check_octets, check_party_id, check_unsigned
from detente.ids import PartyId, Ref
from detente.limits import BOOKS_PER_PARTY_MAX, INDEX_MAX, SECRETS_PER_ENTRY_MAX

SECRETS_FORM: Final = "secrets"
SECRET_OCTETS: Final = 32

_RULE = "EPOCH-7"


class GivenSecret(NamedTuple):
    """The secret of the epoch that the entry `index` of this book began."""

    party: PartyId
    book: int
    index: int  # type: ignore[assignment]  # a tuple's own `index` is never wanted here
    secret: bytes


def secrets_content(to: PartyId, opening: Ref, secrets: Sequence[GivenSecret]) -> Content:
    """The content that gives `secrets` to a party which opened a later book; at most SECRETS_PER_ENTRY_MAX of them."""
    return Content(form=SECRETS_FORM, to=(to,), re=(opening,), fields={"epochs": tuple(map(tuple, secrets))})


def secrets_in(content: Content) -> list[GivenSecret]:
    """The secrets of a content of this form. Raises Malformed."""
    fields = content.fields or {}
    epochs = fields.get("epochs")
    if set(fields) != {"epochs"} or type(epochs) is not tuple or not 1 <= len(epochs) <= SECRETS_PER_ENTRY_MAX:
        raise Malformed(f"`secrets` has a list `epochs` of 1 to {SECRETS_PER_ENTRY_MAX}, and nothing else", rule=_RULE)
    found = []
    for one in epochs:
        party, book, index, secret = check_array(one, 4, None, _RULE)
        check_party_id(party, "the party of an epoch", _RULE)
        check_unsigned(book, BOOKS_PER_PARTY_MAX, "the book of an epoch", _RULE, least=1)
        check_unsigned(index, INDEX_MAX - 1, "the index of an epoch", _RULE, least=1)
        check_octets(secret, SECRET_OCTETS, "the secret of an epoch", _RULE)
        found.append(GivenSecret(party, book, index, secret))
    return found
