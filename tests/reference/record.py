"""Judging whole books against each other: what is marked, and which views cannot be checked yet (BOOK-10, BOOK-12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference import books
from tests.reference.contents import Reference
from tests.reference.judge import BookState, Mark
from tests.reference.tree import Fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.reference.books import Entry, Roots
    from tests.reference.holder import Holder


@dataclass
class Judgement:
    """The marks of entries, and the entries whose views cannot be checked yet."""

    marks: list[tuple[Reference, Mark]] = field(default_factory=list)
    pending: list[Reference] = field(default_factory=list)
    views: dict[Reference, bool | None] = field(default_factory=dict)


def roots_of(entries: Sequence[Entry]) -> list[bytes]:
    """Return the roots at 0, 1, 2, ... entries."""
    fold = Fold()
    roots = [fold.root()]
    for entry in entries:
        fold.add(0, entry.leaf_hash())
        roots.append(fold.root())
    return roots


def roots_by_place(holder: Holder, held: Mapping[str, Sequence[bytes]]) -> Roots:
    """Look up roots by place, book and count, in the roots held by origin."""

    def root(place: int, book: int, count: int) -> bytes | None:
        roots = held.get(books.make_origin(holder.newest.channel, holder.parties[place], book), ())
        return roots[count] if count < len(roots) else None

    return root


def judge_record(holder: Holder, held: Mapping[str, Sequence[Entry]]) -> Judgement:
    """Judge all entries of books that are held whole."""
    judgement = Judgement()
    roots = roots_by_place(holder, {origin: roots_of(entries) for origin, entries in held.items()})
    for origin, entries in held.items():
        note = holder.book(origin)
        state = BookState(note.party, note.book, holder.charters)
        for index, entry in enumerate(entries):
            reference = Reference(note.party, note.book, index)
            marks = state.take(entry)
            judgement.marks += [(reference, mark) for mark in marks]
            _judge_view(judgement, holder, roots, reference, entry, any(mark.rule == "BOOK-8" for mark in marks))
    return judgement


def _judge_view(
    judgement: Judgement, holder: Holder, roots: Roots, reference: Reference, entry: Entry, breaks_seen: bool
) -> None:
    """Judge one view (BOOK-10)."""
    view = books.computed_view(entry.head.seen, holder.newest.channel, holder.parties, roots)
    if view is None:
        judgement.pending.append(reference)
    elif view != entry.head.view:
        judgement.marks.append((reference, Mark("BOOK-10", "the view is another one")))
    # spec/7-reading.md: the view of an entry that breaks BOOK-8 does not verify
    judgement.views[reference] = False if breaks_seen else None if view is None else view == entry.head.view
