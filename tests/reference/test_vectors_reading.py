"""Every case of vectors/reading.json against this reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.reference.books import read_seen
from tests.reference.cases import Case, cases, read_reference
from tests.reference.contents import Content, check_content
from tests.reference.ladder import OwnEntry, PartyEntry, PartyReceipt, rung
from tests.reference.reading import Held, Place, reading_order
from tests.reference.tree import leaf_hash

if TYPE_CHECKING:
    from tests.reference.encoding import Value

PARTIES = ["alfa", "bravo", "harbour", "charlie"]  # as the header states for the ladders


@cases("reading.json", "orders")
def test_orders(case: Case) -> None:
    """Entries are ordered, and marked, as stated."""

    def where(stated: list[Any]) -> Place:
        reference = read_reference(stated)
        return case["parties"].index(reference.party), reference.book, reference.index

    entries = [
        Held(*where(reference), at=at, seen=read_seen(seen, "BOOK-8"), view=view, arrival=arrival)
        for reference, at, seen, view, arrival in case["entries"]
    ]
    order = reading_order(entries)
    found = [(entry.where, "arrived later" if entry.where in order.later else "") for entry in order.placed]
    found += [(entry.where, "history pending") for entry in order.pending]
    assert found == [(where(reference), mark) for reference, mark in case["order"]]


def read_value(stated: Any) -> Value:  # noqa: ANN401 - JSON
    """Read a value given as JSON, octet strings in it as `["hex", digits]`."""
    if isinstance(stated, list) and len(stated) == 2 and stated[0] == "hex":
        return bytes.fromhex(stated[1])
    if isinstance(stated, list):
        return [read_value(item) for item in stated]
    if isinstance(stated, dict):
        return {key: read_value(value) for key, value in stated.items()}
    assert stated is None or isinstance(stated, bool | int | str)
    return stated


def read_opened(stated: Any) -> Content | None:  # noqa: ANN401 - JSON
    """Read the content of a held entry, or null."""
    return None if stated is None else check_content(read_value(stated))


@cases("reading.json", "ladders")
def test_ladders(case: Case) -> None:
    """The entry stands on the stated rung."""
    own = OwnEntry(read_reference(["alfa", 1, 3]), 0, leaf_hash(bytes.fromhex(case["leaf"])), case["given"])
    receipts = [PartyReceipt(party, statement, size) for party, statement, size in case["receipts"]]
    entries = [
        PartyEntry(read_reference(reference).party, read_seen(seen, "BOOK-8"), view, read_opened(content), kind)
        for reference, kind, seen, view, content in case["entries"]
    ]
    assert all(entry.party in PARTIES for entry in entries)
    assert rung(own, "bravo", receipts, entries) == case["rung"]
