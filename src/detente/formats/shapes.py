"""The checks that the CDDL needs again and again: digests, texts, numbers, party ids in decoded CBOR.

It keeps: each raises Malformed with a text that names the thing and what is expected, and the rule of the caller.
Text lengths are in octets of UTF-8, as CDDL's `.size` counts them.
"""

from typing import Any

from detente.errors import Malformed
from detente.ids import PARTY_ID
from detente.limits import PARTIES_MAX

DIGEST_OCTETS = 32


def check_array(value: object, items: int, label: str | None, rule: str) -> tuple[Any, ...]:
    """`value`, an array of exactly `items` items whose first is `label` (if one is given)."""
    if not isinstance(value, tuple) or len(value) != items or (label is not None and value[0] != label):
        named = f" that begins with {label!r}" if label is not None else ""
        raise Malformed(f"expected an array of {items} items{named}", rule=rule)
    return value


def check_digest(value: object, name: str, rule: str) -> None:
    """32 octets."""
    check_octets(value, DIGEST_OCTETS, name, rule)


def check_octets(value: object, octets: int, name: str, rule: str) -> None:
    """A byte string of exactly `octets` octets."""
    if type(value) is not bytes or len(value) != octets:
        raise Malformed(f"{name} is a byte string of {octets} octets", rule=rule)


def check_octets_within(value: object, octets_max: int, name: str, rule: str) -> None:
    """A byte string of 1 to `octets_max` octets."""
    if type(value) is not bytes or not 1 <= len(value) <= octets_max:
        raise Malformed(f"{name} is a byte string of 1 to {octets_max} octets", rule=rule)


def check_text(value: object, octets_max: int, name: str, rule: str) -> None:
    """A text of 1 to `octets_max` octets."""
    if type(value) is not str or not value or _octets_of(value, octets_max) > octets_max:
        raise Malformed(f"{name} is a text of 1 to {octets_max} octets", rule=rule)


def check_choice(value: object, choices: tuple[str, ...], name: str, rule: str) -> None:
    """One of a few texts."""
    if type(value) is not str or value not in choices:
        raise Malformed(f"{name} is one of {', '.join(choices)}", rule=rule)


def check_unsigned(value: object, most: int, name: str, rule: str, *, least: int = 0) -> None:
    """An integer (no boolean) from `least` to `most`."""
    if type(value) is not int or not least <= value <= most:
        raise Malformed(f"{name} is a number from {least} to {most}", rule=rule)


def check_party_id(value: object, name: str, rule: str) -> None:
    """`[a-z][a-z0-9-]{0,23}`."""
    if type(value) is not str or not PARTY_ID.fullmatch(value):
        raise Malformed(f"{name} is 1 to 24 characters a-z, 0-9 or -, beginning with a letter", rule=rule)


def check_party_ids(value: object, name: str, rule: str) -> None:
    """An array of 1 to 16 party ids."""
    if type(value) is not tuple or not 1 <= len(value) <= PARTIES_MAX:
        raise Malformed(f"{name} is a list of 1 to {PARTIES_MAX} party ids", rule=rule)
    for one in value:
        check_party_id(one, name, rule)


def _octets_of(text: str, octets_max: int) -> int:
    """The length in UTF-8; an upper bound of it where that is enough."""
    most = 4 * len(text)
    return most if most <= octets_max else len(text.encode("utf-8", "surrogatepass"))
