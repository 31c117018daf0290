"""The entries that a bundle shows: the rules of their book (BUNDLE-6), their views (BUNDLE-7), their times (BUNDLE-9).

It keeps: nothing is held against an author that a hidden entry could explain. A finding here is against the author, for
the entry is under a signed head; the file itself may be whole.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from detente.crypto import labels
from detente.crypto.hashing import sha256
from detente.errors import Malformed
from detente.formats.canonical import encode
from detente.formats.charter import Charter
from detente.formats.entry import Adopt, Body, Kind, Opening, Seen, decode_body
from detente.formats.frame import EntryItem
from detente.ids import Origin, Ref, origin_of
from detente.protocol.rules import KNOWN_KINDS, broken_rules
from detente.records.order import counts
from detente.verify.books import Book, Shown
from detente.verify.charters import Chain
from detente.verify.findings import VIEW_NOT_CHECKED, VIEW_VERIFIED, VIEW_WRONG, Findings


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry after its checks; `charter` governs it."""

    ref: Ref
    book: Book
    shown: Shown
    body: Body | None
    charter: Charter
    view: str


@dataclass(slots=True)
class _State:
    """What the entries shown so far say about the next one."""

    origin: Origin
    charter: Charter
    certain: bool = True  # no hidden entry could have adopted another charter
    closed: bool = False
    seen: Seen = ()


def judge(book: Book, chain: Chain, books: Mapping[Origin, Book], found: Findings) -> list[Judged]:
    """BUNDLE-6 and BUNDLE-7 for every entry shown of a book."""
    state = _State(book.origin, chain.links[0].charter)
    kinds: dict[int, int] = {}
    judged: list[Judged] = []
    position = 0
    for shown in book.shown:
        ref = Ref(book.note.party, book.note.book, shown.index)
        state.certain = state.certain and shown.index == position
        position = shown.index + 1
        body = _body(ref, shown, found)
        _govern(state, shown, body, ref, chain, found)
        if book.place >= 0:  # else no charter names the party, which is found already, and none governs its entries
            for rule, text in broken_rules(state, shown, state.seen, state.charter):
                found.find("BUNDLE-6", rule, str(ref), text, ref.party)
        if shown.leaf.kind == Kind.SEALED and kinds.get(shown.leaf.epoch, Kind.KEYS) != Kind.KEYS:
            found.find("BUNDLE-6", "BOOK-7", str(ref), f"entry {shown.leaf.epoch} is no keys entry", ref.party)
        view = _view(shown, chain.newest, books, ref, found)
        judged.append(Judged(ref, book, shown, body, state.charter, view))
        kinds[shown.index] = shown.leaf.kind
        _follow(state, shown, body, ref, chain, found)
    return judged


def _body(ref: Ref, shown: Shown, found: Findings) -> Body | None:
    """BOOK-13 to BOOK-18."""
    if shown.leaf.kind == Kind.SEALED or shown.leaf.kind not in KNOWN_KINDS:
        return None
    try:
        return decode_body(shown.leaf.kind, shown.body)
    except Malformed as fault:
        found.find("BUNDLE-6", fault.rule, str(ref), fault.text, ref.party)
        return None


def _govern(state: _State, shown: Shown, body: Body | None, ref: Ref, chain: Chain, found: Findings) -> None:
    """Which charter governs this entry: the opening names its own; where entries are hidden, a later one may fit."""
    if isinstance(body, Opening):
        named = chain.by_digest(body.charter)
        if named is None:
            found.find("BUNDLE-2", "BOOK-13", str(ref), "it names a charter that the bundle does not hold", ref.party)
        else:
            state.charter = named
            state.certain = True
    if not state.certain:
        later = (link.charter for link in chain.links if link.charter.number >= state.charter.number)
        slots = len(shown.leaf.seen)
        state.charter = next((one for one in later if len(one.parties) == slots), state.charter)
    if ref.party not in {party.id for party in state.charter.parties}:
        state.charter = chain.newest


def _follow(state: _State, shown: Shown, body: Body | None, ref: Ref, chain: Chain, found: Findings) -> None:
    """What this entry changes for those after it (BOOK-4, BOOK-9, CHARTER-7)."""
    state.seen = shown.leaf.seen
    state.closed = state.closed or shown.leaf.kind == Kind.CLOSING
    if not isinstance(body, Adopt) or body.what != "charter":
        return
    named = chain.by_digest(body.digest)
    if named is None:
        found.find("BUNDLE-2", "BOOK-16", str(ref), "it adopts a charter that the bundle does not hold", ref.party)
    elif named.number != body.number:
        text = f"it adopts charter {body.number}, and the digest is that of charter {named.number}"
        found.find("BUNDLE-6", "BOOK-16", str(ref), text, ref.party)
    else:
        state.charter = named


# --- BUNDLE-7


def counted_sizes(books: list[Book], chain: Chain) -> dict[Origin, set[int]]:
    """For each origin the sizes at which some view needs its root. Reads the items, before they are tiled."""
    found: dict[Origin, set[int]] = {}
    for seen in {item.seen for book in books for item in book.section.items if isinstance(item, EntryItem)}:
        for origin, count in _counted(seen, chain.newest) or ():
            found.setdefault(origin, set()).add(count)
    return found


def _counted(seen: Seen, charter: Charter) -> list[tuple[Origin, int]] | None:
    """The books that a `seen` counts, in its order; None if it has more slots than any charter has parties."""
    if len(seen) > len(charter.parties):
        return None
    return [
        (origin_of(charter.channel, charter.parties[place].id, number), count)
        for (place, number), count in counts(seen)
    ]


def _view(shown: Shown, charter: Charter, books: Mapping[Origin, Book], ref: Ref, found: Findings) -> str:
    parts: list[tuple[Origin, int, bytes]] = []
    counted = _counted(shown.leaf.seen, charter)
    for origin, count in counted or ():
        root = books[origin].roots.get(count) if origin in books else None
        if root is not None:
            parts.append((origin, count, root))
    if counted is None or len(parts) < len(counted):
        found.remark(str(ref), "view not checked: the bundle does not hold what the entry counts that far")
        return VIEW_NOT_CHECKED
    if sha256(encode([labels.VIEW, parts])) == shown.leaf.view:
        return VIEW_VERIFIED
    text = (
        f"its view is not that of the books in this bundle: either {ref.party} states a history that it did not see, "
        "or it saw another history of a book that it counts, and can show the signed heads of that one"
    )
    found.find("BUNDLE-7", "BOOK-10", str(ref), text, ref.party)
    return VIEW_WRONG


# --- BUNDLE-9


class Times:
    """The interval of proved time of each entry of a book, from its heads with receipts."""

    def __init__(self, book: Book) -> None:
        heads = sorted((head.size, one.timestamp_s) for head in book.heads for one in head.receipts)
        self._sizes = [size for size, _ in heads]
        self._latest = list(accumulate((time for _, time in heads), max))
        self._earliest = list(accumulate((time for _, time in reversed(heads)), min))[::-1]

    def interval(self, index: int) -> tuple[int | None, int | None]:
        """(not before, not after) in seconds since 1970; None where no receipt bounds it."""
        above = bisect_right(self._sizes, index)
        not_before = self._latest[above - 1] if above else None
        not_after = self._earliest[above] if above < len(self._sizes) else None
        return not_before, not_after
