"""What must hold when all faults have ended and everybody has spoken again: invariants 6 and 8 to 10 of `invariants.py`.

Each raises Broken.
"""

from typing import Any

from detente.formats.entry import decode_leaf
from detente.ids import Origin, origin_of, parse_ref
from detente.protocol.effects import EntryRow
from detente.records.order import HISTORY_PENDING
from detente.testing.invariants import counted_books
from detente.testing.observer import Seen, broken, held_rows, hold, party_of


def equal_pages(seen: Seen) -> None:
    """6: those who hold the same entries show the same page."""
    shown: dict[frozenset[bytes], tuple[str, list[str]]] = {}
    for party, page in seen.pages.items():
        disk = seen.honest[party].disk
        places = [parse_ref(ref) for ref in page]
        held = [disk.entries[origin_of(seen.channel, at.party, at.book)][at.index].leaf_hash for at in places]
        other, expected = shown.setdefault(frozenset(held), (party, page))
        hold(page == expected, 6, f"{party} and {other} hold the same entries and show them in another order")


def all_converge(seen: Seen) -> None:
    """10: every honest station holds every book as far as any honest one does; of a forked book, its proof (FORK-2)."""
    forked = {row.origin for station in seen.honest.values() for row in station.disk.findings if row.rule == "FORK-1"}
    origins = {origin for station in seen.honest.values() for origin in station.disk.books}
    for origin in sorted(origins - forked - disputed(seen)):
        sizes = {party: _size(seen, party, origin) for party in seen.honest}
        most = max(sizes.values())
        for party, size in sizes.items():
            hold(size == most, 10, f"{party} holds {size} entries of {origin}, and another station {most}: {sizes}")
        roots = {seen.root(party, origin, most) for party in seen.honest}
        hold(len(roots) == 1, 9, f"{origin} has several histories, and nobody has the proof")
        for giver, station in seen.honest.items():
            _newest_receipt_is_known(seen, giver, station.card.stations[0].statement, origin, most)


def _newest_receipt_is_known(seen: Seen, giver: str, statement: str, origin: Origin, size: int) -> None:
    """10: an honest owner has the receipt of every honest station for all of its newest book."""
    owner = party_of(origin)
    vkey = seen.honest[giver].card.stations[0].cosigner
    if owner not in seen.honest or owner == giver or vkey is None or not size or statement == "none":
        return
    got = [row[0] for row in seen.honest[owner].disk.cosignatures.get(origin, {}) if row[1] == vkey.name]
    hold(
        max(got, default=0) >= size,
        10,
        f"{owner} lacks the receipt of {giver} for {origin} at {size}; it has {max(got, default=0)}",
    )


def _size(seen: Seen, party: str, origin: Origin) -> int:
    stored = seen.honest[party].disk.books.get(origin)
    return stored.size if stored is not None else 0


def nothing_honest_waits(seen: Seen, party: str, log: dict[str, Any]) -> None:
    """10: at the end nothing waits for its place in the log but for entries that a hostile party keeps back or made up."""
    disk = seen.honest[party].disk
    waiting = [parse_ref(line["ref"]) for line in log["entries"] if line["mark"] == HISTORY_PENDING]
    pending = [  # an entry above a gap of a forked book stays there (FORK-2)
        ref
        for ref in waiting
        if ref.party in seen.honest or ref.index < _size(seen, party, origin_of(seen.channel, ref.party, ref.book))
    ]
    if not pending or disputed(seen):
        return  # what counts the other history of an unproved fork waits for the missing part of it
    for ref in pending:
        row = disk.entries[origin_of(seen.channel, ref.party, ref.book)][ref.index]
        counted = counted_books(seen, decode_leaf(row.leaf).seen)
        lie = ref.party not in seen.honest or any(party_of(origin) not in seen.honest for origin in counted)
        if lie and any(size > _size(seen, party, origin) for origin, size in counted.items()):
            return  # a count that nobody can ever check keeps what was said after it waiting (docs/LIMITATIONS.md)
    broken(10, f"at {party} these wait for ever for their place in the log: {[str(ref) for ref in pending[:5]]}")


def disputed(seen: Seen) -> set[Origin]:
    """Books of which honest stations hold two histories."""
    origins = {origin for station in seen.honest.values() for origin in station.disk.books}
    return {o for o in origins if _conflict([station.disk.entries.get(o, {}) for station in seen.honest.values()])}


def _conflict(copies: list[dict[int, EntryRow]]) -> bool:
    """Whether two of them have different leaves at one index."""
    return any(
        index in other and row.leaf_hash != other[index].leaf_hash
        for at, one in enumerate(copies)
        for other in copies[at + 1 :]
        for index, row in one.items()
    )


def _signed_rows(seen: Seen, party: str, origin: Origin) -> dict[int, EntryRow]:
    """The entries below the largest head of which the party holds everything: what it can prove (FORK-1)."""
    disk = seen.honest[party].disk
    size = _size(seen, party, origin)
    top = max((head for head in disk.heads.get(origin, {}) if head <= size), default=0)
    return {index: row for index, row in disk.entries.get(origin, {}).items() if index < top}


def forks_are_proved(seen: Seen) -> None:
    """9: where two honest stations hold two leaves at one place, all of them have the proof (FORK-1, FORK-2)."""
    origins = {origin for station in seen.honest.values() for origin in station.disk.books}
    for origin in sorted(origins):
        held = seen.honest
        signed = {party: _signed_rows(seen, party, origin) for party in held}
        differ = _conflict(list(signed.values()))
        proved = [any(f.origin == origin and f.rule == "FORK-1" for f in s.disk.findings) for s in seen.honest.values()]
        hold(
            all(proved) if differ or any(proved) else True,
            9,
            f"{origin} is forked, and not every station has the proof",
        )


def receipts_came_back(seen: Seen) -> None:
    """3, at the end: also a station that was rolled back holds again what it gave receipts for."""
    for (party, origin), leaves in seen.lost.items():
        if origin in disputed(seen) or any(row.origin == origin for row in seen.honest[party].disk.findings):
            continue  # of a forked book it may hold the other history now (FORK-2)
        rows = held_rows(seen.honest[party].disk, origin, len(leaves))
        same = rows is not None and [row.leaf_hash for row in rows] == leaves
        hold(
            same,
            3,
            f"{party} gave a receipt for {origin} at {len(leaves)} before its restore and does not hold it again",
        )
