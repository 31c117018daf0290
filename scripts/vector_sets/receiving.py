"""What a station makes of frames, for vectors/frames.json: FRAME-2 to FRAME-9, FORK-1, FORK-2.

It keeps: every case begins with the same empty station; what it holds in a case came by the frames of that case.
"""

from typing import Any

from vector_sets.base import Case, Cases, Kept, Key, cbor, checkpoint, cosignature, digest, good, seed
from vector_sets.record import Book, Record
from vector_sets.world import ALFA, BRAVO, CHARLIE, FIRST, HARBOUR, START_S, Station

HANDLE = 7


class Frames:
    """Frames by name, each once."""

    def __init__(self) -> None:
        self.octets: dict[str, str] = {}

    def __call__(self, frame: object) -> str:
        """The name of a frame."""
        octets = cbor(frame).hex()
        name = next((name for name, one in self.octets.items() if one == octets), f"frame {len(self.octets) + 1}")
        self.octets[name] = octets
        return name


def line() -> tuple[Book, Book, Record]:
    """Seven entries of alfa, who has seen nobody; harbour's opening."""
    record = Record()
    alfa = record.book(ALFA)
    harbour = record.book(HARBOUR)
    for number in range(1, 7):
        record.say(alfa, f"Message {number}.")
    return alfa, harbour, record


def entries(book: Book, start: int, stop: int, *items: object, code: int = 0, **changes: Any) -> list[Any]:  # noqa: ANN401 any field
    """ENTRIES that tile [start, stop): `items`, or else all entries without views."""
    signature = changes.get("signature", book.signature(stop))
    return [2, HANDLE, code, start, signature, list(items) if items else book.items(start, stop, with_view=False)]


class Told:
    """The steps of one case; what is so after a step is so until something else is said."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._so: Case = {"durable": 0, "above": [], "head": 0, "receipts": [], "forked": False, "marks": []}
        self.steps: list[Case] = []

    def step(self, frame: object, **so: Any) -> "Told":  # noqa: ANN401 any field
        """One frame, and what it changes."""
        once = {key: so.pop(key) for key in ("wants", "refused", "may_ask") if key in so}
        self._so |= so
        held = {key: value for key, value in self._so.items() if value is not None}
        step = {"frame": self._frames(frame), **held, "wants": [], **once}
        self.steps.append({key: value for key, value in step.items() if value is not None})
        return self


def case(name: str, told: Told, *, peer: str = "alfa/hq", book: int = 0) -> Case:
    """One case."""
    return good(name, peer=peer, book=book, steps=told.steps)


def growing(frames: Frames) -> Cases:
    """FRAME-3, FRAME-4, FRAME-6, FRAME-7, FRAME-8."""
    alfa, _, record = line()
    first = entries(alfa, 0, 5)
    one = alfa.items(4, 5)[0]

    def start() -> Told:
        return Told(frames).step(first, durable=5, head=5)

    def gap() -> Told:
        return (
            Told(frames)
            .step(entries(alfa, 0, 2), durable=2, head=2)
            .step(entries(alfa, 2, 5, *alfa.tiles(2, 4), one), above=[4], head=5)
        )

    over = entries(alfa, 0, 5, *alfa.tiles(0, 5))
    another = alfa.twin(2)
    record.books[alfa.origin] = another
    record.say(another, "Otherwise 2.")
    record.say(another, "Otherwise 3.")
    lowered = alfa.twin(5)
    record.books[alfa.origin] = lowered
    record.book(BRAVO)
    record.say(lowered, "a", seen=(0, 1, 1))
    record.say(lowered, "b", seen=(0, 0, 1))
    return [
        case("from nothing, without views", Told(frames).step(first, durable=5, head=5)),
        case("from nothing, with views", Told(frames).step(entries(alfa, 0, 5, *alfa.items(0, 5)), durable=5, head=5)),
        case("in two frames", start().step(entries(alfa, 5, 7), durable=7, head=7)),
        case("the same again", start().step(first)),
        case("a head only, of what is held", start().step([2, HANDLE, 0, 5, alfa.signature(5), []])),
        case("a head below what is held", start().step(entries(alfa, 0, 3))),
        case("a head above what is held, by a subtree", start().step(entries(alfa, 5, 6, *alfa.tiles(5, 6)), head=6)),
        case("a start below what is held", start().step(entries(alfa, 3, 7), durable=7, head=7)),
        case(
            "a start below what is held, known entries as hashes",
            start().step(entries(alfa, 0, 7, *alfa.tiles(0, 5), *alfa.items(5, 7)), durable=7, head=7),
        ),
        case(
            "no boundary at what is held",
            start().step(entries(alfa, 4, 7, *alfa.tiles(4, 6), *alfa.items(6, 7)), head=None),
        ),
        case("a start above what is held", start().step(entries(alfa, 6, 7), wants=[[5, False]])),
        case(
            "a start above what is held is not judged",
            start().step(entries(alfa, 6, 7, signature=bytes(64)), wants=[[5, False]]),
        ),
        case("an entry above a gap", gap()),
        case("a gap is filled", gap().step(entries(alfa, 2, 4), durable=5, above=[])),
        case(
            "a gap is filled otherwise than the head above it says",
            gap()
            .step(entries(another, 2, 4), durable=None, above=None, head=None, forked=None, wants=None)
            .step(entries(alfa, 0, 5, *alfa.tiles(0, 4), one), forked=True),
        ),
        case("a gap is filled with the entry behind it", gap().step(entries(alfa, 2, 5), durable=5, above=[])),
        case("a head over a gap, then its entries", Told(frames).step(over, head=5).step(first, durable=5)),
        case(
            "a wrong entry is taken and marked",
            Told(frames)
            .step(entries(lowered, 0, 7, *lowered.items(0, 7)), durable=7, head=7, marks=[[["alfa", 1, 6], ["BOOK-9"]]]),
        ),
    ]  # fmt: skip


def failing(frames: Frames) -> Cases:
    """FRAME-1, FRAME-4, FRAME-5, OPEN-3, FRAME-2."""
    alfa, _, record = line()
    first = entries(alfa, 0, 5)
    unsigned = entries(alfa, 0, 5, signature=bytes(64))
    of_six = entries(alfa, 0, 5, signature=alfa.signature(6))
    crooked = entries(alfa, 0, 5, alfa.items(0, 1)[0], [1, seed("x")], *alfa.items(3, 5))
    other_text = alfa.items(0, 5, with_view=False)
    other_text[2] = [*other_text[2][:6], b"another body"]
    record.book(BRAVO)
    ahead = alfa.twin(5)
    record.books[alfa.origin] = ahead
    record.say(ahead, "Seen.", seen=(0, 0, 1))
    blind = entries(ahead, 5, 6)
    seeing = entries(ahead, 0, 6, *ahead.tiles(0, 5), *ahead.items(5, 6))
    hello = [0, HANDLE, FIRST.text().split('channel = "')[1].split('"')[0], 1, 1, digest(FIRST.text()), []]

    def start() -> Told:
        return Told(frames).step(first, durable=5, head=5)

    def twice(frame: object, told: Told, start_at: int) -> Told:
        return told.step(frame, wants=[[start_at, True]]).step(frame, refused=["FRAME-4", "FRAME-5", "TREE-2"])

    return [
        case("a signature that does not verify", twice(unsigned, Told(frames), 0)),
        case("the signature of another size", twice(of_six, Told(frames), 0)),
        case("another body under the signature", twice(entries(alfa, 0, 5, *other_text), Told(frames), 0)),
        case("a tiling that is not aligned", twice(crooked, Told(frames), 0)),
        case("a bad frame changes nothing", twice(entries(alfa, 5, 7, signature=alfa.signature(5)), start(), 5)),
        case("after it a good frame is taken", Told(frames).step(unsigned, wants=[[0, True]]).step(first, durable=5, head=5)),
        case("a view that cannot be computed", start().step(blind, wants=[[5, True]]).step(seeing, durable=6, head=6)),
        case("a book of a party that is not there", Told(frames).step(entries(alfa, 0, 5, code=9), refused=["OPEN-3"])),
        case("a book whose note is not held", Told(frames).step(entries(alfa, 0, 5, code=16), refused=["OPEN-3"])),
        case("the entries of another book", twice(entries(alfa, 0, 5, code=2), Told(frames), 0), book=2),
        case("HELLO again", start().step([*hello[:6], [[0, 5, 5]]])),
        case("HELLO that promises more", start().step([*hello[:6], [[0, 9, 9], [2, 1, 1]]])),
        case("HELLO with another charter of this number", start().step([*hello[:5], bytes(32), []], refused=["CHARTER-6"])),
    ]  # fmt: skip


def forks(frames: Frames) -> Cases:
    """FORK-1, FORK-2, FRAME-5, FRAME-7."""
    alfa, _, record = line()
    other = alfa.twin(3)
    record.books[alfa.origin] = other
    for number in range(3, 8):
        record.say(other, f"Otherwise {number}.")
    first = entries(alfa, 0, 5)

    def start() -> Told:
        return Told(frames).step(first, durable=5, head=5)

    def fork(size: int, tiles: list[Any], **changes: Any) -> list[Any]:  # noqa: ANN401 any field
        stop = sum(1 << level for level, _ in tiles)
        signed = {"a": alfa.signature(size), "b": other.signature(stop) if stop else bytes(64), "root": alfa.root(size)}
        signed |= changes
        return [6, HANDLE, 0, size, signed["root"], signed["a"], signed["b"], tiles]

    same, more = other.tiles(0, 5), [*other.tiles(0, 5), *other.tiles(5, 8)]

    def shown(name: str, frame: list[Any]) -> Case:
        return case(name, start().step(frame, forked=True), peer="harbour/hq")

    def refused(name: str, frame: list[Any]) -> Case:
        return case(name, start().step(frame, refused=["FORK-1", "TREE-2"]), peer="harbour/hq")

    over = entries(alfa, 0, 5, *alfa.tiles(0, 5))
    unknown = [*fork(5, same)[:2], 16, *fork(5, same)[3:]]
    otherwise = entries(other, 0, 5, *other.items(0, 5))
    honest = fork(5, [*alfa.tiles(0, 5), *alfa.tiles(5, 7)], b=alfa.signature(7))
    return [
        shown("a FORK of one size", fork(5, same)),
        shown("a FORK of two sizes", fork(5, more)),
        shown("a FORK below what is held", fork(4, [*other.tiles(0, 4), *other.tiles(4, 8)])),
        shown("a FORK above what is held", fork(6, [*other.tiles(0, 6), *other.tiles(6, 8)])),
        case("a FORK before any entry", Told(frames).step(fork(5, same), forked=True), peer="harbour/hq"),
        refused("two heads of one history", honest),
        refused("one head twice", fork(5, alfa.tiles(0, 5), b=alfa.signature(5))),
        refused("signature A is wrong", fork(5, same, a=bytes(64))),
        refused("signature B is wrong", fork(5, same, b=bytes(64))),
        refused("signatures the wrong way round", fork(5, same, a=other.signature(5), b=alfa.signature(5))),
        refused("root A is another", fork(5, same, root=seed("x"))),
        refused("no boundary at size A", fork(5, [*other.tiles(0, 4), *other.tiles(4, 8)])),
        refused("size A above N", fork(7, same)),
        refused("no items", fork(5, [])),
        refused("items that are not aligned", fork(5, [other.tiles(0, 1)[0], [1, seed("x")], *other.tiles(3, 5)])),
        case("a FORK of a book whose note is not held", start().step(unknown, refused=["FORK-1", "OPEN-3"])),
        case(
            "ENTRIES of another history of the same size",
            start().step(otherwise, forked=True, head=None),
        ),
        case(
            "ENTRIES of another history that is longer",
            start().step(entries(other, 0, 8, *other.tiles(0, 4), *other.items(4, 8)), forked=True, head=None),
        ),
        case(
            "ENTRIES of a shorter other history",
            start().step(entries(other, 0, 4, *other.items(0, 4)), forked=True, head=None),
        ),
        case(
            "another history that joins nothing asks for the whole, and then shows",
            start()
            .step(entries(other, 5, 6), wants=[[5, True]])
            .step(entries(other, 0, 6, *other.tiles(0, 5), *other.items(5, 6)), forked=True, head=None),
        ),
        case(
            "a head over a gap that its entries contradict",
            Told(frames).step(over, head=5).step(otherwise, forked=True, durable=None, head=None),
        ),
    ]  # fmt: skip


def receipts(frames: Frames, kept: Kept) -> Cases:
    """FRAME-9, RECEIPT-1, RECEIPT-2, RECEIPT-6."""
    alfa, _, _ = line()
    witness, own, guest = HARBOUR.stations[0], ALFA.stations[1], CHARLIE.stations[0]

    def start() -> Told:
        return Told(frames).step(entries(alfa, 0, 5), durable=5, head=5)

    def receipt(size: int, key: Key, code: int, at: int = START_S, text: str = "") -> list[Any]:
        return [3, HANDLE, 0, size, code, at, cosignature(key, text or alfa.text(size), at)[8:]]

    fine = receipt(5, witness.cosigner, 2)
    pq = kept.pq_cosignature("receiving pq", witness.pq_cosigner, alfa.text(5), START_S)[8:]
    wrong = [*fine[:5], START_S + 1, fine[6]]
    other = receipt(5, witness.cosigner, 2, text=checkpoint(alfa.origin, 5, seed("x")))

    def dropped(name: str, frame: list[Any]) -> Case:
        return case(name, start().step(frame), peer="harbour/hq")

    def failed(name: str, frame: list[Any]) -> Case:
        return case(name, start().step(frame, refused=["FRAME-9", "RECEIPT-2"], may_ask=True), peer="harbour/hq")

    return [
        case("a receipt of a witness", start().step(fine, receipts=[[2, 5, 4]]), peer="harbour/hq"),
        case("a receipt of a witness, brought by another", start().step(fine, receipts=[[2, 5, 4]])),
        case(
            "a receipt of the station itself",
            start().step(receipt(5, BRAVO.stations[0].cosigner, 1), receipts=[[1, 5, 4]]),
        ),
        case("a receipt again", start().step(fine, receipts=[[2, 5, 4]]).step(fine), peer="harbour/hq"),
        case(
            "a receipt of a smaller size after it",
            Told(frames)
            .step(entries(alfa, 0, 3), durable=3, head=3)
            .step(entries(alfa, 3, 5), durable=5, head=5)
            .step(fine, receipts=[[2, 5, 4]])
            .step(receipt(3, witness.cosigner, 2)),
            peer="harbour/hq",
        ),
        case(
            "a receipt of a larger size after it",
            start()
            .step(fine, receipts=[[2, 5, 4]])
            .step(entries(alfa, 5, 7), durable=7, head=7)
            .step(receipt(7, witness.cosigner, 2), receipts=[[2, 7, 4]]),
            peer="harbour/hq",
        ),
        case(
            "receipts of both types",
            start().step(fine, receipts=[[2, 5, 4]]).step([*fine[:6], pq], receipts=[[2, 5, 4], [2, 5, 6]]),
            peer="harbour/hq",
        ),
        case("a receipt of ML-DSA-44", start().step([*fine[:6], pq], receipts=[[2, 5, 6]]), peer="harbour/hq"),
        dropped("a receipt of a station of the book's own party", receipt(5, own.cosigner, 16)),
        dropped("a receipt of a cosigner whose party is not there", receipt(5, guest.cosigner, 3)),
        dropped("a receipt of a cosigner whose station is not there", receipt(5, witness.cosigner, 18)),
        dropped("a receipt for a size that is not held", receipt(7, witness.cosigner, 2)),
        dropped("a receipt for a size of which no head is verified", receipt(4, witness.cosigner, 2)),
        failed("a receipt with another time", wrong),
        failed("a receipt over another root", other),
        failed("a receipt by another key", receipt(5, BRAVO.stations[0].cosigner, 2)),
        failed("a receipt of ML-DSA-44 with another time", [*fine[:5], START_S + 1, pq]),
    ]


def answers(frames: Frames) -> Cases:
    """FRAME-5."""
    alfa, _, _ = line()
    steps = [frames(entries(alfa, 0, 5)), frames(entries(alfa, 5, 7))]
    found = []
    for start in (0, 2, 5, 6):
        items = [*alfa.tiles(0, start), *alfa.items(start, 7)]
        found.append(
            good(
                f"the whole from {start}",
                peer="harbour/hq",
                steps=steps,
                want=frames([5, HANDLE, 0, start, True]),
                answer=frames([2, HANDLE, 0, 0, alfa.signature(7), items]),
            )
        )
    return found


def giving(frames: Frames) -> Cases:
    """RECEIPT-3 to RECEIPT-6, FRAME-7, FRAME-8, FORK-2."""
    alfa, _, record = line()
    other = alfa.twin(3)
    record.books[alfa.origin] = other
    record.say(other, "Otherwise 3.")
    record.say(other, "Otherwise 4.")
    five, more = entries(alfa, 0, 5), entries(alfa, 5, 7)
    two, above = entries(alfa, 0, 2), entries(alfa, 2, 5, *alfa.tiles(2, 4), *alfa.items(4, 5))
    over = entries(alfa, 0, 5, *alfa.tiles(0, 5))
    joined = entries(alfa, 0, 7, *alfa.tiles(0, 5), *alfa.tiles(5, 7))
    apart = entries(alfa, 0, 7, *alfa.tiles(0, 7))
    fork = [6, HANDLE, 0, 5, alfa.root(5), alfa.signature(5), other.signature(5), other.tiles(0, 5)]

    def given(
        name: str, who: Station, *steps: tuple[list[Any], int, tuple[int, int] | None], own: bool = False
    ) -> Case:
        code = [ALFA, BRAVO, HARBOUR].index(next(party for party in (ALFA, BRAVO, HARBOUR) if party.id == who.party))
        told = []
        for frame, second, receipt in steps:
            sent = []
            if receipt is not None:
                size, at = receipt[0], START_S + receipt[1]
                signed = cosignature(who.cosigner, alfa.text(size), at)[8:]
                sent.append(frames([3, HANDLE, 0, size, 16 * own + code, at, signed]))
            told.append({"frame": frames(frame), "now_s": START_S + second, "sent": sent})
        private = seed(f"{who.name} cosigner").hex()
        return good(name, at=f"{who.party}/{who.id}", cosigner=private, peer="alfa/hq", steps=told)

    holds, saw = BRAVO.stations[0], HARBOUR.stations[0]
    return [
        given("a receipt for all that is held", holds, (five, 0, (5, 0)), (more, 10, (7, 10))),
        given("the same entries again: the same receipt", holds, (five, 0, (5, 0)), (five, 20, (5, 0))),
        given(
            "the first receipt that covers what came again",
            holds,
            (five, 0, (5, 0)),
            (more, 10, (7, 10)),
            (entries(alfa, 0, 3), 20, (5, 0)),
            (five, 30, (5, 0)),
            (entries(alfa, 3, 7), 40, (7, 10)),
        ),
        given(
            "nothing for what is above a gap",
            holds,
            (two, 0, (2, 0)),
            (above, 10, None),
            (entries(alfa, 2, 4), 20, (5, 20)),
        ),
        given("nothing for a head without its entries", holds, (over, 0, None), (five, 10, (5, 10))),
        given("nothing for a bad frame", holds, (entries(alfa, 0, 5, signature=bytes(64)), 0, None)),
        given("nothing more for a forked book", holds, (five, 0, (5, 0)), (fork, 10, None), (more, 20, None)),
        given("who saw gives a receipt for a head", saw, (over, 0, (5, 0)), (joined, 10, (7, 10))),
        given("none for a head that is not shown to contain the last", saw, (over, 0, (5, 0)), (apart, 10, None)),
        given("who saw and holds", saw, (five, 0, (5, 0)), (entries(alfa, 5, 7, *alfa.tiles(5, 7)), 10, (7, 10))),
        given("nothing by a station that the charter does not name", Station("bravo", "moved"), (five, 0, None)),
        given("nothing for the books of the own party", ALFA.stations[1], (five, 0, None), own=True),
    ]


def received(kept: Kept) -> dict[str, object]:
    """The groups."""
    frames = Frames()
    notes = [FIRST.signed(ALFA, BRAVO), ALFA.signed_book_note(1), HARBOUR.signed_book_note(1)]
    cases = growing(frames) + failing(frames) + forks(frames) + receipts(frames, kept)
    answered, given = answers(frames), giving(frames)
    return {
        "notes": [octets.decode() for octets in notes],
        "frames": frames.octets,
        "receiving": cases,
        "answers": answered,
        "giving": given,
    }
