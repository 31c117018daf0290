"""Contents, references and texts in parts as in spec/7-reading.md (READ-1 to READ-5, STATUS-1 and STATUS-2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference import shape
from tests.reference.encoding import Value, decode
from tests.reference.refusal import Refusal, require

if TYPE_CHECKING:
    from collections.abc import Sequence

FORM = re.compile(r"[a-z0-9-]{1,40}")
LANGUAGE = re.compile(r"[a-z]{2}")
KEYS = {"form", "to", "info", "by", "lang", "text", "re", "part", "fields"}
Content = dict[str, Value]


@dataclass(frozen=True, order=True)
class Reference:
    """A reference to an entry (READ-2)."""

    party: str
    book: int
    index: int

    def __str__(self) -> str:
        """Write it as people do."""
        return f"{self.party}/{self.index}" if self.book == 1 else f"{self.party}.{self.book}/{self.index}"


def read_reference(value: Value, rule: str = "READ-2") -> Reference:
    """Read `[party, book, index]`."""
    party, book, index = shape.tuple_of(value, 3, rule, "a reference")
    return Reference(
        shape.matching(party, shape.PARTY_ID, rule, "the party of a reference"),
        shape.integer(book, 1, 64, rule, "the book of a reference"),
        shape.count(index, rule, "the index of a reference"),
    )


def parse_reference(written: str) -> Reference:
    """Read a reference as people write it."""
    match = re.fullmatch(r"([a-z][a-z0-9-]{0,23})(?:\.([1-9][0-9]?))?/(0|[1-9][0-9]{0,12})", written)
    if match is None:
        raise Refusal("READ-2", "not a reference")
    book = int(match[2]) if match[2] else 1
    reference = read_reference([match[1], book, int(match[3])])
    require(str(reference) == written, "READ-2", "book 1 is not written")
    return reference


def read_content(octets: bytes) -> Content:
    """Read the octets of a content that stands alone, as in a sealed body (SEAL-5)."""
    return check_content(decode(octets))


def check_content(value: Value) -> Content:
    """Refuse a value that is not a content (READ-1)."""
    if not isinstance(value, dict):
        raise Refusal("READ-1", "a content is a map")
    require(set(value) <= KEYS, "READ-1", "an unknown key")
    require("form" in value, "READ-1", "no form")
    shape.matching(value["form"], FORM, "READ-1", "form")
    for key in ("to", "info"):
        if key in value:
            for party in shape.array(value[key], 1, 16, "READ-1", key):
                shape.matching(party, shape.PARTY_ID, "READ-1", f"a party in {key}")
    if "by" in value:
        shape.text(value["by"], 1, 200, "READ-1", "by")
    if "lang" in value:
        shape.matching(value["lang"], LANGUAGE, "READ-1", "lang")
    if "text" in value:
        require(isinstance(value["text"], str), "READ-1", "text is not a text")
    if "re" in value:
        for reference in shape.array(value["re"], 1, 16, "READ-1", "re"):
            read_reference(reference)
    if "part" in value:
        part, parts = shape.tuple_of(value["part"], 2, "READ-1", "part")
        total = shape.integer(parts, 1, 65_535, "READ-1", "the number of parts")
        shape.integer(part, 1, total, "READ-1", "the number of a part")
    if "fields" in value:
        require(isinstance(value["fields"], dict), "READ-1", "fields is not a map")
    return value


def references_of(content: Content) -> list[Reference]:
    """Return the references of a content."""
    listed = content.get("re", [])
    return [read_reference(item) for item in listed] if isinstance(listed, list) else []


@dataclass(frozen=True)
class Status:
    """What a status says: `cannot process` with a reason, or `held` with a leaf hash."""

    kind: str
    entry: Reference
    reason: str | None = None
    leaf: bytes | None = None


def status_of(content: Content) -> Status | None:
    """Read a status (STATUS-1, STATUS-2); None if the content says nothing of the kind."""
    fields = content.get("fields")
    if content["form"] != "status" or not isinstance(fields, dict):
        return None
    try:
        entry = read_reference(fields.get("entry"))
    except Refusal:
        return None
    reason, leaf = fields.get("reason"), fields.get("leaf")
    if set(fields) == {"kind", "entry", "reason"} and fields["kind"] == "cannot process" and isinstance(reason, str):
        return Status("cannot process", entry, reason=reason)
    held = set(fields) == {"kind", "entry", "leaf"} and fields["kind"] == "held"
    if held and isinstance(leaf, bytes) and len(leaf) == 32:
        return Status("held", entry, leaf=leaf)
    return None


def is_acknowledge(content: Content) -> bool:
    """Whether a content is an `acknowledge` with what that form has (READ-4)."""
    return content["form"] == "acknowledge" and "re" in content and "by" in content


def is_message(content: Content) -> bool:
    """Whether a content is a `message` with what that form has (READ-4)."""
    return content["form"] == "message" and "text" in content


def whole_texts(entries: Sequence[tuple[Reference, Content]]) -> dict[Reference, str]:
    """Join the texts that travelled in parts, by the reference of part 1 (READ-5)."""
    in_order = sorted(entries, key=lambda entry: entry[0])
    wholes: dict[Reference, str] = {}
    for first, content in in_order:
        if part_of(content)[0] == 1 and part_of(content)[1] >= 2:
            texts = _part_texts(first, content, in_order)
            if len(texts) == part_of(content)[1]:
                wholes[first] = "".join(texts[number] for number in sorted(texts))
    return wholes


def part_of(content: Content) -> tuple[int, int]:
    """Return [k, n] of a content, or (0, 0)."""
    part = content.get("part")
    if isinstance(part, list) and isinstance(part[0], int) and isinstance(part[1], int):
        return part[0], part[1]
    return 0, 0


def _part_texts(first: Reference, head: Content, entries: Sequence[tuple[Reference, Content]]) -> dict[int, str]:
    """Collect the texts of the parts that belong to the part 1 at `first`, by their numbers."""
    texts: dict[int, str] = {}
    for reference, content in entries:
        number, total = part_of(content)
        same_book = (reference.party, reference.book) == (first.party, first.book)
        alike = total == part_of(head)[1] and all(content.get(key) == head.get(key) for key in ("form", "to", "info"))
        if not same_book or not alike or number in texts:
            continue  # the smaller index counts: entries come in the order of indexes
        belongs = reference == first if number == 1 else references_of(content)[:1] == [first]
        follows = reference.index >= first.index
        text = content.get("text")
        if belongs and follows and isinstance(text, str):
            texts[number] = text
    return texts
