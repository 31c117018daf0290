"""The ladder: LADDER-1 to LADDER-3, and which facts climb it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import InternalFault
from detente.formats.content import Content
from detente.formats.entry import encode_leaf
from detente.ids import PartyId, Ref
from detente.records.ladder import HEIGHT, PROVED_STEPS, TABLE, Impossible, Ladder, ReceiptProof, Rung, Step, diagram
from detente.records.order import Item
from detente.records.proofs import Proofs, Receipt
from detente.tlog.tree import leaf_hash
from tests.records.worlds import PARTIES, item, leaf

ALFA, BRAVO, HARBOUR, _ = PARTIES
PROOF = ReceiptProof("bravo-hq", 3, 1_900_000_000)
OURS = Ref(ALFA, 1, 2)


def test_ladder_1_the_table_is_total() -> None:
    """LADDER-1: every state and every step is a row, or is impossible for a reason."""
    assert set(TABLE) == {(rung, step) for rung in Rung for step in Step}
    assert all(len(row.reason) > 20 for row in TABLE.values() if isinstance(row, Impossible))
    assert {rung for (rung, _), row in TABLE.items() if isinstance(row, Impossible)} == set(Rung)


def test_ladder_3_no_row_goes_down() -> None:
    """LADDER-3: no row leads below where it started."""
    assert all(HEIGHT[row] >= HEIGHT[rung] for (rung, _), row in TABLE.items() if isinstance(row, Rung))


@pytest.mark.parametrize(
    ("step", "rung"),
    [
        (Step.GIVEN, Rung.SENT),
        (Step.RECEIPT, Rung.HELD),
        (Step.SEEN, Rung.HELD),
        (Step.STATUS_HELD, Rung.HELD),
        (Step.STATUS_CANNOT, Rung.CANNOT_PROCESS),
        (Step.ACKNOWLEDGE, Rung.ACKNOWLEDGED),
        (Step.REPLY, Rung.ANSWERED),
    ],
)
def test_ladder_2_each_step_reaches_its_rung(step: Step, rung: Rung) -> None:
    """LADDER-2: from queued, each fact leads to the rung that it proves."""
    assert TABLE[Rung.QUEUED, step] is rung


@given(st.lists(st.sampled_from([step for step in Step if step is not Step.COMMITTED])))
def test_ladder_3_never_regresses_and_shows_its_proof(steps: list[Step]) -> None:
    """LADDER-3: whatever comes in whatever order, only upward; above `sent` with the proof of the rung at hand."""
    ladder = Ladder(BRAVO).climb(Step.COMMITTED)
    for step in steps:
        after = ladder.climb(step, PROOF if step in PROVED_STEPS else None)
        assert HEIGHT[after.rung] >= HEIGHT[ladder.rung]
        ladder = after
    assert (ladder.proof is None) == (HEIGHT[ladder.rung] <= HEIGHT[Rung.SENT])
    assert set(ladder.proofs) == set(steps) & PROVED_STEPS


def test_ladder_3_keeps_the_first_proof() -> None:
    """RECEIPT-5: a second proof of one step changes nothing."""
    ladder = Ladder(BRAVO).climb(Step.COMMITTED).climb(Step.RECEIPT, PROOF)
    again = ladder.climb(Step.RECEIPT, PROOF._replace(timestamp_s=1))
    assert again.proof == (Step.RECEIPT, PROOF)


@pytest.mark.parametrize("step", sorted(PROVED_STEPS, key=str))
def test_ladder_3_no_rung_without_its_proof(step: Step) -> None:
    """LADDER-3: a step above `sent` without a proof is a bug, not a rung."""
    with pytest.raises(InternalFault, match="needs a proof"):
        Ladder(BRAVO).climb(Step.COMMITTED).climb(step)


def test_ladder_2_nothing_before_the_commit_and_no_second_commit() -> None:
    """STORE-2: impossible rows raise, with their reason."""
    with pytest.raises(InternalFault, match="before its commit"):
        Ladder(BRAVO).climb(Step.RECEIPT, PROOF)
    with pytest.raises(InternalFault, match="committed once"):
        Ladder(BRAVO).climb(Step.COMMITTED).climb(Step.COMMITTED)


def test_the_diagram_holds_every_move() -> None:
    """The diagram is made from the table: each move that changes the rung stands in it, and nothing else."""
    moves = {(rung, row) for (rung, _), row in TABLE.items() if isinstance(row, Rung) and row is not rung}
    arrows = {line.split(" : ")[0].strip() for line in diagram().splitlines() if "-->" in line}
    assert arrows == {f"{a.name} --> {b.name}" for a, b in moves} | {"[*] --> UNWRITTEN"}
    assert diagram().count("%% impossible") == 2


# --- facts


def own_entries() -> list[tuple[Item, Content | None]]:
    """Three entries of ours."""
    return [(item(0, index, index, (0, 0)), None) for index in range(3)]


def rung(*entries: tuple[Item, Content | None], receipts: tuple[Receipt, ...] = (), given: bool = False) -> Rung:
    """Where OURS stands with BRAVO."""
    return Proofs(PARTIES, receipts, [*own_entries(), *entries]).ladder(OURS, BRAVO, given=given).rung


def receipt(size: int, party: PartyId = BRAVO, statement: str = "holds", timestamp_s: int = 100) -> Receipt:
    """A receipt for our book 1."""
    return Receipt(ALFA, 1, size, party, statement, f"{party}-hq", timestamp_s)


def theirs(
    content: Content | None = None, kind: int = 3, count: int = 0, place: int = 1
) -> tuple[Item, Content | None]:
    """An entry of another party."""
    seen = (count, 0, 0, 0)
    return Item(Ref(PARTIES[place], 1, 4), place, leaf(9, seen, kind), True), content


def status(kind: str, **fields: object) -> Content:
    """A status content about OURS."""
    return Content("status", fields={"kind": kind, "entry": (ALFA, 1, 2), **fields})  # type: ignore[dict-item]


def test_ladder_2_queued_and_sent_are_local() -> None:
    """LADDER-2: committed here; handed to a bearer here."""
    assert rung() is Rung.QUEUED
    assert rung(given=True) is Rung.SENT


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        (receipt(3), Rung.HELD),
        (receipt(2), Rung.QUEUED),
        (receipt(3, statement="saw"), Rung.QUEUED),
        (receipt(3, party=HARBOUR), Rung.QUEUED),
        (receipt(3)._replace(book=2), Rung.QUEUED),
        (receipt(3)._replace(author=HARBOUR), Rung.QUEUED),
    ],
)
def test_ladder_2_a_receipt_counts_if_it_holds_and_is_above(given: Receipt, reached: Rung) -> None:
    """LADDER-2: by a station of that party labelled `holds`, over this book, at a size above the index."""
    assert rung(receipts=(given,)) is reached


def test_receipt_6_siblings_do_not_count() -> None:
    """RECEIPT-6: a receipt by a station of the author's own party proves nothing."""
    ladder = Proofs(PARTIES, [receipt(3, party=ALFA)], own_entries()).ladder(OURS, ALFA, given=False)
    assert ladder.rung is Rung.QUEUED


def test_receipt_5_the_first_receipt_that_covers_is_the_proof() -> None:
    """RECEIPT-5: the earliest time of telling, though a later one is nearer in size."""
    receipts = [
        receipt(3, timestamp_s=70),
        receipt(9, timestamp_s=50),
        receipt(7, timestamp_s=60),
        receipt(2, timestamp_s=10),
    ]
    ladder = Proofs(PARTIES, receipts, own_entries()).ladder(OURS, BRAVO, given=True)
    assert ladder.proof == (Step.RECEIPT, ReceiptProof("bravo-hq", 9, 50))


def test_ladder_2_a_verified_seen_proves_held() -> None:
    """LADDER-2: counted above the index with a verified view, by that party."""
    assert rung(theirs(count=3)) is Rung.HELD
    assert rung(theirs(count=2)) is Rung.QUEUED
    assert rung(theirs(count=3, place=2)) is Rung.QUEUED
    beyond = Item(Ref(BRAVO, 1, 5), 1, leaf(9, (0, 0, 0, 0, 9), 3), True), None  # a slot that no party has
    sibling = Item(Ref(BRAVO, 1, 6), 1, leaf(9, (0, (0, 9), 0, 0), 3), True), None  # a book of its own party
    again = Item(Ref(BRAVO, 1, 7), 1, leaf(9, (3, 0, 0, 0), 3), True), None
    assert rung(beyond, sibling) is Rung.QUEUED
    proofs = Proofs(PARTIES, (), [*own_entries(), again, theirs(count=3)])
    assert proofs.ladder(OURS, BRAVO, given=False).proof == (Step.SEEN, Ref(BRAVO, 1, 4))
    entry, content = theirs(count=3)
    assert rung((entry._replace(view_ok=None), content)) is Rung.QUEUED


def test_status_2_proves_held_only_for_the_same_leaf() -> None:
    """STATUS-2: it names the leaf hash; another leaf at that place is another entry."""
    ours = leaf_hash(encode_leaf(own_entries()[2][0].leaf))
    assert rung(theirs(status("held", leaf=ours))) is Rung.HELD
    assert rung(theirs(status("held", leaf=bytes(32)))) is Rung.QUEUED
    assert rung(theirs(status("held"))) is Rung.QUEUED
    assert rung(theirs(status("held", leaf=ours), kind=2)) is Rung.QUEUED


def test_status_1_stands_aside() -> None:
    """STATUS-1: cannot process; an acknowledge from another station of the party still climbs above it."""
    cannot = theirs(status("cannot process", reason="padding"))
    assert rung(cannot, receipts=(receipt(3),)) is Rung.CANNOT_PROCESS
    entry, _ = cannot
    acknowledge = Item(Ref(BRAVO, 2, 4), 1, entry.leaf, True), Content("acknowledge", by="watch officer", re=(OURS,))
    ladder = Proofs(PARTIES, (), [*own_entries(), cannot, acknowledge]).ladder(OURS, BRAVO, given=False)
    assert ladder.rung is Rung.ACKNOWLEDGED
    assert ladder.proofs == {Step.STATUS_CANNOT: Ref(BRAVO, 1, 4), Step.ACKNOWLEDGE: Ref(BRAVO, 2, 4)}


def test_ladder_2_acknowledged_and_answered() -> None:
    """LADDER-2: its `acknowledge`, its `message` that refers to the entry; READ-4: an acknowledge names a function."""
    assert rung(theirs(Content("acknowledge", by="watch officer", re=(OURS,)))) is Rung.ACKNOWLEDGED
    assert rung(theirs(Content("acknowledge", re=(OURS,)))) is Rung.QUEUED
    assert rung(theirs(Content("message", text="x", re=(OURS,)))) is Rung.ANSWERED
    assert rung(theirs(Content("message", text="x", re=(Ref(ALFA, 1, 1),)))) is Rung.QUEUED
    assert rung(theirs(Content("other", re=(OURS,)))) is Rung.QUEUED
    assert rung(theirs(Content("message", text="x", re=(OURS,)), place=0)) is Rung.QUEUED


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "alfa/2",
        ("alfa", 1),
        ("ALFA", 1, 2),
        (1, 1, 2),
        ("alfa", "1", 2),
        ("alfa", 0, 2),
        ("alfa", 1, -1),
        ("alfa", 1, True),
    ],
)
def test_status_1_about_no_entry_proves_nothing(entry: object) -> None:
    """STATUS-1: the fields of a status come from the other side; what is no reference is passed over."""
    content = Content("status", fields={"kind": "cannot process", "entry": entry})  # type: ignore[dict-item]
    assert rung(theirs(content)) is Rung.QUEUED
