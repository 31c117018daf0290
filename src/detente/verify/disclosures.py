"""What a bundle discloses (BUNDLE-4): each message key opens its entry, and what it opens is the one possible content.

It keeps: a key that opens nothing, or names no sealed entry of the bundle, is a finding. It knows no other key.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from detente.formats.bundle import Disclosure
from detente.formats.content import Content
from detente.formats.dictionary import dictionary_for
from detente.formats.entry import Kind
from detente.ids import Origin
from detente.protocol.epochs import content_of
from detente.protocol.sealing import Header, Unopenable, open_with_message_key
from detente.verify.entries import Judged
from detente.verify.findings import Findings

# SEAL-6 names the reasons; these are the rules that they speak of.
_RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "does not open": "SEAL-1",
        "commitment fails": "SEAL-1",
        "coding": "SEAL-2",
        "padding": "SEAL-3",
        "content": "SEAL-5",
    }
)


def open_disclosed(
    disclosures: tuple[Disclosure, ...], entries: Mapping[tuple[Origin, int], Judged], found: Findings
) -> dict[tuple[Origin, int], Content]:
    """The contents by (origin, index). BUNDLE-4."""
    contents: dict[tuple[Origin, int], Content] = {}
    for one in disclosures:
        entry = entries.get((one.origin, one.index))
        where = f"disclosure of {one.origin}, entry {one.index}"
        if entry is None or entry.shown.leaf.kind != Kind.SEALED:
            found.find("BUNDLE-4", "SEAL-1", where, "the bundle shows no sealed entry at this place")
            continue
        try:
            contents[one.origin, one.index] = _content(one, entry)
        except Unopenable as fault:
            found.find("BUNDLE-4", _RULES[fault.reason], where, _text(fault.reason, entry))
    return contents


def _content(disclosure: Disclosure, entry: Judged) -> Content:
    leaf = entry.shown.leaf
    header = Header(leaf.kind, leaf.at, leaf.precedence, leaf.epoch, leaf.seen, leaf.view)
    padded = open_with_message_key(
        disclosure.message_key, disclosure.origin, disclosure.index, header, entry.shown.body
    )
    return content_of(padded, dictionary_for(entry.charter.dictionary))


def _text(reason: str, entry: Judged) -> str:
    digest = entry.charter.dictionary
    if reason == "coding" and digest is not None and dictionary_for(digest) is None:
        return f"it may be packed with the charter's dictionary {digest.hex()}, which this program does not have"
    if reason in ("does not open", "commitment fails"):
        return f"the key does not open the entry: {reason}"
    return f"the key opens the entry, and its author sealed what nobody can read: {reason}"
