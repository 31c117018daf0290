"""The reading order: ORDER-1 to ORDER-4."""

import time
from collections.abc import Callable, Iterable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from detente.ids import Ref
from detente.records.order import ARRIVED_LATER, HISTORY_PENDING, Item, Placed, reading_order
from tests.records.worlds import PARTIES, Written, as_held, item, world

SEEDS = st.integers(0, 2**32)
SIZES = st.integers(0, 40)


def in_order(placed: Iterable[Placed]) -> list[Ref]:
    """The references of what does not wait."""
    return [one.item.ref for one in placed if one.mark != HISTORY_PENDING]


def beginnings(written: list[Written], sizes: list[int]) -> list[Written]:
    """The first so many entries of each book."""
    return [one for one in written if one.index < sizes[one.place]]


@given(SEEDS, SIZES, st.randoms())
def test_order_2_is_the_same_whatever_the_order_of_arrival(seed: int, size: int, random: Random) -> None:
    """ORDER-2: equal sets give equal orders, in whatever order and with whatever numbers their entries arrived."""
    written = world(seed, size)
    shuffled = list(written)
    random.shuffle(shuffled)
    first = reading_order(as_held(written, range(size)))
    second = reading_order(as_held(shuffled, range(size)))
    assert in_order(first) == in_order(second)
    assert {one.item.ref for one in first} == {one.item.ref for one in second}
    assert len(first) == len(second) == size


@given(SEEDS, SIZES, st.lists(st.integers(0, 20), min_size=6, max_size=6))
def test_order_4_additions_never_swap(seed: int, size: int, sizes: list[int]) -> None:
    """ORDER-4: what is in order stays in order, in the same order, when more arrives; lying entries included."""
    written = world(seed, size)
    fewer = [min(pair) for pair in zip(sizes[:3], sizes[3:], strict=True)]
    more = [max(pair) for pair in zip(sizes[:3], sizes[3:], strict=True)]
    before = in_order(reading_order(as_held(beginnings(written, fewer))))
    after = in_order(reading_order(as_held(beginnings(written, more))))
    assert [ref for ref in after if ref in set(before)] == before


@given(SEEDS, SIZES)
def test_order_2_is_topological(seed: int, size: int) -> None:
    """ORDER-2: after everything before it in its book, and after everything that an honest `seen` counts."""
    written = world(seed, size)
    honest = {(PARTIES[one.place], one.index): one.honest for one in written}
    position = {ref: at for at, ref in enumerate(in_order(reading_order(as_held(written))))}
    for one in written:
        ref = Ref(PARTIES[one.place], 1, one.index)
        if ref not in position:
            continue
        needed = [(ref.party, index) for index in range(one.index)]
        if honest[ref.party, one.index]:
            needed += [(PARTIES[place], index) for place, count in enumerate(one.seen) for index in range(count)]
        assert all(position[Ref(party, 1, index)] < position[ref] for party, index in needed)


@given(SEEDS, SIZES)
def test_order_1_honest_worlds_have_nothing_pending(seed: int, size: int) -> None:
    """ORDER-1: where everything is held and nobody lies, everything is in order."""
    placed = reading_order(as_held(world(seed, size, lies=0)))
    assert len(in_order(placed)) == size
    assert all(one.since == 0 and not one.mark for one in placed)


def test_order_1_what_lacks_history_waits_at_the_end_by_arrival() -> None:
    """ORDER-1: a missing entry of the own book, one that is counted, or all that comes after either."""
    items = [
        item(0, 0, 50, (0, 0), arrival=9),
        item(0, 2, 1, (0, 0), arrival=4),  # alfa/1 is missing
        item(1, 0, 2, (3, 0), arrival=3),  # counts alfa/2
        item(1, 1, 3, (3, 0), arrival=5),
    ]
    placed = reading_order(items)
    assert [str(one.item.ref) for one in placed] == ["alfa/0", "bravo/0", "alfa/2", "bravo/1"]
    assert [one.mark for one in placed] == ["", *[HISTORY_PENDING] * 3]
    assert [one.since for one in placed] == [9, -1, -1, -1]


def test_order_1_an_unchecked_view_waits() -> None:
    """ORDER-1: in order only when its view verifies, though all it counts is there."""
    placed = reading_order([item(0, 0, 0, (0, 0)), item(1, 0, 0, (1, 0), view_ok=None)])
    assert [one.mark for one in placed] == ["", HISTORY_PENDING]


def test_order_2_ties_go_by_time_place_book_index() -> None:
    """ORDER-2: where there is a choice, the smaller (at, place, book number, index) comes first."""
    second_book = Item(Ref(PARTIES[0], 2, 0), 0, item(0, 0, 5, (0, 0)).leaf, True)
    items = [item(1, 0, 5, (0, 0)), second_book, item(0, 0, 5, (0, 0)), item(0, 1, 1, (0, 0)), item(2, 0, 4, (0, 0))]
    assert list(map(str, in_order(reading_order(items)))) == ["harbour/0", "alfa/0", "alfa/1", "alfa.2/0", "bravo/0"]


def test_order_3_a_view_that_does_not_verify_makes_no_edges() -> None:
    """ORDER-3: bravo/0 counts alfa/0 with a false view, so only its time places it; and it does not wait for alfa/7."""
    items = [item(0, 0, 9, (0, 0)), item(1, 0, 1, (1, 0), view_ok=False), item(1, 1, 2, (8, 0), view_ok=False)]
    assert list(map(str, in_order(reading_order(items)))) == ["bravo/0", "bravo/1", "alfa/0"]


def test_order_3_a_lying_seen_is_dropped_as_soon_as_the_counted_party_covers_it() -> None:
    """ORDER-3: bravo/0 claims a thousand entries of alfa. It waits, and all after it, until alfa/1 counts bravo/0."""
    lie = item(1, 0, 5, (1000, 0), view_ok=None)
    after_lie = item(2, 0, 6, (0, 1, 0))
    assert in_order(reading_order([item(0, 0, 9, (0, 0)), lie, after_lie])) == [Ref(PARTIES[0], 1, 0)]
    answered = [item(0, 0, 9, (0, 0)), lie, after_lie, item(0, 1, 1, (0, 1))]
    order = list(map(str, in_order(reading_order(answered))))
    assert order == ["bravo/0", "harbour/0", "alfa/0", "alfa/1"]


def test_order_3_only_a_verified_view_refutes_a_seen() -> None:
    """ORDER-3: alfa/1 counts bravo/0, but its own view is not verified, so nothing is known about bravo/0."""
    items = [item(0, 0, 9, (0, 0)), item(1, 0, 5, (1000, 0), view_ok=None), item(0, 1, 1, (0, 1), view_ok=None)]
    assert list(map(str, in_order(reading_order(items)))) == ["alfa/0"]


CLAIMS = st.tuples(
    st.integers(0, 2),
    st.integers(0, 9),
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)),
    st.sampled_from([True, False, None]),
)


@given(st.lists(CLAIMS, max_size=20))
def test_order_3_no_claims_make_a_circle(claims: list[tuple[int, int, tuple[int, int, int], bool | None]]) -> None:
    """ORDER-3: whatever is claimed and whatever the flags say, every entry has one place, after its book's last."""
    sizes = [0, 0, 0]
    items = []
    for place, at, seen, view_ok in claims:
        items.append(item(place, sizes[place], at, seen, view_ok))
        sizes[place] += 1
    placed = reading_order(items)
    assert sorted(one.item for one in placed) == sorted(items)
    for ref in in_order(placed):
        assert ref.index == 0 or Ref(ref.party, 1, ref.index - 1) in in_order(placed)[: in_order(placed).index(ref)]


def test_order_3_two_that_count_each_other_are_placed_by_time() -> None:
    """ORDER-3: the entry counted covers this one, both ways: both edges fall."""
    items = [item(0, 0, 2, (0, 1)), item(1, 0, 1, (1, 0))]
    assert list(map(str, in_order(reading_order(items)))) == ["bravo/0", "alfa/0"]


def test_order_2_a_count_of_the_own_book_makes_no_edge() -> None:
    """BOOK-8: such a count breaks the rule, and it places nothing."""
    assert in_order(reading_order([item(0, 0, 2, (5, 0))])) == [Ref(PARTIES[0], 1, 0)]


def test_order_2_counts_of_further_books_make_edges() -> None:
    """BOOK-8: a slot may be the counts of books 1, 2, ..."""
    second_book = Item(Ref(PARTIES[0], 2, 0), 0, item(0, 0, 8, (0, 0)).leaf, True)
    items = [item(0, 0, 7, (0, 0)), second_book, item(1, 0, 1, ((0, 1), 0))]
    assert list(map(str, in_order(reading_order(items)))) == ["alfa/0", "alfa.2/0", "bravo/0"]


def test_order_4_a_late_entry_is_marked_where_it_belongs() -> None:
    """ORDER-4: bravo/0 was written before alfa/0 by its own clock and came here after it."""
    placed = reading_order([item(0, 0, 9, (0, 0), arrival=1), item(1, 0, 5, (0, 0), arrival=2)])
    assert [(str(one.item.ref), one.mark) for one in placed] == [("bravo/0", ARRIVED_LATER), ("alfa/0", "")]


@given(SEEDS, SIZES, st.randoms())
def test_order_4_marks_are_what_people_saw_happen(seed: int, size: int, random: Random) -> None:
    """ORDER-4: an entry is marked if it came to stand above one in order at the arrival that brought it there."""
    written = world(seed, size, lies=0)
    random.shuffle(written)
    inserted: set[Ref] = set()
    shown: set[Ref] = set()
    for count in range(1, size + 1):
        order = in_order(reading_order(as_held(written[:count])))
        last = max((at for at, ref in enumerate(order) if ref in shown), default=-1)
        inserted.update(ref for at, ref in enumerate(order) if ref not in shown and at < last)
        shown = set(order)
    placed = reading_order(as_held(written, range(size)))
    assert {one.item.ref for one in placed if one.mark == ARRIVED_LATER} == inserted


def test_order_of_a_hundred_thousand_entries(record_property: Callable[[str, object], None]) -> None:
    """A long channel is put in order by one pass over a heap; how long it took stands in the report (--junit-xml)."""
    items = []
    for number in range(50_000):
        items.append(item(0, number, 2 * number, (0, number), arrival=2 * number))
        items.append(item(1, number, 2 * number + 1, (number + 1, 0), arrival=2 * number + 1))
    started = time.perf_counter()
    placed = reading_order(reversed(items))
    record_property("seconds", round(time.perf_counter() - started, 2))
    assert [one.item for one in placed] == items
