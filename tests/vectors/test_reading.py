"""vectors/reading: the program gives the stated order, marks and rungs."""

from typing import Any

from detente.formats.canonical import encode
from detente.formats.content import Content, decode_content
from detente.formats.entry import Leaf, decode_leaf
from detente.ids import PartyId, Ref
from detente.records.order import Item, reading_order
from detente.records.proofs import Proofs, Receipt
from tests.vectors.cases import Case, every, octets_of

PARTIES = tuple(map(PartyId, ("alfa", "bravo", "harbour", "charlie")))


def item(reference: list[Any], kind: int, at: int, seen: list[Any], view: bool | None, arrival: int) -> Item:
    """An entry of which only this matters."""
    slots = tuple(tuple(slot) if isinstance(slot, list) else slot for slot in seen)
    leaf = Leaf(kind, at, 0, 0, slots, bytes(32), 1, bytes(32))
    party, book, index = reference
    return Item(Ref(PartyId(party), book, index), PARTIES.index(party), leaf, view, arrival)


@every("reading", "orders")
def test_order_1_orders(case: Case) -> None:
    """ORDER-1 to ORDER-4."""
    items = [item(reference, 2, at, seen, view, arrival) for reference, at, seen, view, arrival in case["entries"]]
    for given in (items, items[::-1]):
        assert [[list(one.item.ref), one.mark] for one in reading_order(given)] == case["order"]


def plain(value: Any) -> Any:  # noqa: ANN401 any content
    """A content of the file: `["hex", digits]` is an octet string."""
    if isinstance(value, list) and len(value) == 2 and value[0] == "hex":
        return bytes.fromhex(value[1])
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def content_of(value: Any) -> Content | None:  # noqa: ANN401 any content
    """A content of the file."""
    return decode_content(encode(plain(value))) if value is not None else None


@every("reading", "ladders")
def test_ladder_2_ladders(case: Case) -> None:
    """LADDER-1, LADDER-2, STATUS-1, STATUS-2."""
    alfa, bravo = PARTIES[:2]
    own = Ref(alfa, 1, 3)
    entries: list[tuple[Item, Content | None]] = [(Item(own, 0, decode_leaf(octets_of(case, "leaf")), True, 1), None)]
    for reference, kind, seen, view, content in case["entries"]:
        entries.append((item(reference, kind, 0, seen, view, 2), content_of(content)))
    receipts = [
        Receipt(alfa, 1, size, PartyId(party), statement, f"{party}/hq", 1_900_000_000)
        for party, statement, size in case["receipts"]
    ]
    ladder = Proofs(PARTIES, receipts, entries).ladder(own, bravo, given=case["given"])
    assert ladder.rung.value == case["rung"]
    assert (ladder.proof is None) == (case["rung"] in ("queued", "sent"))  # LADDER-3
