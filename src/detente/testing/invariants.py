"""The invariants of protocol section 10, one function each where they can be checked from outside. Each raises Broken.

     1 one_history_per_key           at every frame of an own book that leaves
     2 nothing_leaves_early          at every frame that leaves; told_is_durable at every answer to an office
     3 receipted_bytes_stay          at every receipt that leaves, at every reopening, at the end
     4 receipts_grow                 at every receipt that is committed or leaves
     5 seen_is_held                  at every own entry that is committed
     6 pages_only_grow               whenever a log is shown; equal_pages at the end
     7 rungs_are_proved              whenever a log is shown
     8 nobody_honest_is_accused      at every finding that is committed, and at the end
     9 forks_are_proved              at the end
    10 all_converge                  at the end
    11 in `world.py` (`_come_to_rest`): after healing no frame is given any more
    14 a_restart_changes_nothing     at random moments, on a copy of disk and journal

Not yet, and why: 12 (quotas and the receiver's credit are not built, so a flood is only harmless, not bounded), 13 (there
is no narrow bearer yet), 15 (no contact schedule and no alarms yet).
"""

from typing import Any

from detente.crypto.hashing import sha256
from detente.crypto.signing import verify_ed25519
from detente.formats.entry import Seen as Counts
from detente.formats.entry import decode_leaf
from detente.formats.frame import Entries, EntryItem, Frame, ReceiptFrame
from detente.ids import Origin, Ref, origin_of, parse_ref, split_origin
from detente.protocol.channel import Channel
from detente.protocol.effects import CosignatureRow, EntryRow, FindingRow, Work
from detente.records.ladder import HEIGHT, Rung, Step
from detente.records.order import HISTORY_PENDING, counts
from detente.station.driver import Driver, Outcome
from detente.testing.fakes import MemoryAnchor, MemoryJournal, MemoryStore
from detente.testing.observer import Receipted, Seen, broken, held_rows, hold, party_of
from detente.tlog.checkpoint import checkpoint_text, verify_cosignature
from detente.tlog.vkeys import COSIGNATURE

_SHOWN_BY_ENTRY = {
    Step.SEEN.value,
    Step.STATUS_HELD.value,
    Step.STATUS_CANNOT.value,
    Step.ACKNOWLEDGE.value,
    Step.REPLY.value,
}


# --- when something leaves


def frame_leaves(seen: Seen, party: str, to: str, frame: Frame) -> None:
    """1 to 4, for one frame that an honest station gave to a link."""
    seen.checks_count += 1
    if isinstance(frame, Entries):
        size = frame.start + sum(1 if isinstance(item, EntryItem) else 1 << item.level for item in frame.items)
        origin = seen.origin(frame.book)
        nothing_leaves_early(seen, party, origin, frame)
        if party_of(origin) == party:
            one_history_per_key(seen, party, origin, size, frame.signature)
            _note_sent(seen, origin, to, frame)
    elif isinstance(frame, ReceiptFrame) and frame.cosigner == seen.place(party):
        receipt_leaves(seen, party, frame)


def one_history_per_key(seen: Seen, party: str, origin: Origin, size: int, signature: bytes) -> None:
    """1: no key releases two leaves at one index, or a head that is not over the leaves it released (HEAD-3)."""
    if seen.heads.get((origin, signature)) == size and len(seen.leaves[origin]) >= size:
        return
    rows = held_rows(seen.honest[party].disk, origin, size)
    if rows is None:
        broken(2, f"{party} released a head of {origin} at {size} without holding that much")
    leaves = [row.leaf_hash for row in rows]
    known = seen.leaves.setdefault(origin, [])
    common = min(len(known), size)
    hold(known[:common] == leaves[:common], 1, f"{origin} has two histories below {common}")
    root = seen.root(party, origin, size)
    key = book_key(seen, party, origin)
    signed = root is not None and verify_ed25519(key, checkpoint_text(origin, size, root).encode(), signature)
    hold(signed, 1, f"the head of {origin} at {size} is not over the leaves that {party} holds")
    anchored = (seen.honest[party].journal.records or {}).get((True, origin), (0, b""))
    hold(anchored[0] >= size, 2, f"{party} released {origin} at {size}, and its anchor says {anchored[0]} (HEAD-4)")
    seen.leaves[origin] = known if len(known) >= size else leaves
    seen.heads[origin, signature] = size


def nothing_leaves_early(seen: Seen, party: str, origin: Origin, frame: Entries) -> None:
    """2: whatever a frame carries is on the disk of the station that gives it away."""
    held = seen.honest[party].disk.entries.get(origin, {})
    position = frame.start
    for item in frame.items:
        if not isinstance(item, EntryItem):
            position += 1 << item.level
            continue
        row = held.get(position)
        if row is None:
            broken(2, f"{party} released entry {position} of {origin} before its commit")
        leaf = decode_leaf(row.leaf)
        same = (leaf.kind, leaf.at, leaf.seen, row.body) == (item.kind, item.at, item.seen, item.body)
        hold(same, 2, f"{party} released another entry {position} of {origin} than it holds")
        position += 1


def told_is_durable(seen: Seen, party: str, outcome: Outcome) -> None:
    """2: what an office is told was written is on the disk, under a head."""
    disk = seen.honest[party].disk
    for _, refs in outcome.done:
        for ref in refs:
            origin = origin_of(seen.channel, ref.party, ref.book)
            heads = disk.heads.get(origin, {})
            kept = ref.index in disk.entries.get(origin, {}) and max(heads, default=0) > ref.index
            hold(kept, 2, f"{party} told its office of {ref}, which is not on its disk")


def _note_sent(seen: Seen, origin: Origin, to: str, frame: Entries) -> None:
    position = frame.start
    for item in frame.items:
        position += 1 if isinstance(item, EntryItem) else 1 << item.level
        if isinstance(item, EntryItem):
            seen.sent[origin, to] = max(position, seen.sent.get((origin, to), 0))


def receipt_leaves(seen: Seen, party: str, frame: ReceiptFrame) -> None:
    """2, 3, 4 for a receipt of the station itself."""
    origin, size = seen.origin(frame.book), frame.size
    known = seen.receipts.setdefault((party, origin), {})
    station = seen.honest[party]
    vkey = station.card.stations[0].cosigner
    row = station.disk.cosignatures.get(origin, {}).get((size, vkey.name if vkey else "", COSIGNATURE))
    if row is None or row.timestamp != frame.timestamp:
        broken(2, f"{party} released a receipt for {origin} at {size} before its commit")
    anchored = (station.journal.records or {}).get((False, origin), (0, b""))
    hold(
        anchored[0] >= size, 2, f"{party} released a receipt for {origin} at {size} before its anchor had it (STORE-3)"
    )
    if size in known and known[size].timestamp == frame.timestamp:
        return
    if station.card.stations[0].statement == "holds":
        leaves = receipted_bytes_are_there(seen, party, origin, size)
        if len(leaves) > len(seen.owed.get((party, origin), ())):
            seen.owed[party, origin] = leaves
    receipts_grow(seen, party, row)
    known[size] = Receipted(_cosigned_root(seen, party, row), row.timestamp)


def receipted_bytes_are_there(seen: Seen, party: str, origin: Origin, size: int) -> list[bytes]:
    """3, at the moment of the receipt: every leaf and every body is there, and the bodies are those of the leaves."""
    rows = held_rows(seen.honest[party].disk, origin, size)
    if rows is None:
        broken(3, f"{party} gave a receipt for {origin} at {size} without holding all of it")
    for row in rows[len(seen.owed.get((party, origin), ())) :]:
        leaf = decode_leaf(row.leaf)
        whole = leaf.body_hash == sha256(row.body) and leaf.body_size == len(row.body)
        hold(whole, 3, f"{party} gave a receipt for {origin} at {size}, and its body {row.index} is another one")
    return [row.leaf_hash for row in rows]


def _cosigned_root(seen: Seen, party: str, row: CosignatureRow) -> bytes:
    """The root that a receipt is over, found among what the station holds: its leaves, or its verified heads."""
    vkey = seen.honest[party].card.stations[0].cosigner
    roots = [seen.root(party, row.origin, row.size)]
    head = seen.honest[party].disk.heads.get(row.origin, {}).get(row.size)
    roots += [head.root] if head is not None else []
    for root in roots:
        if root is not None and vkey is not None:
            text = checkpoint_text(row.origin, row.size, root)
            if verify_cosignature(vkey, text, row.octets) == row.timestamp:
                return root
    return broken(3, f"{party} gave a receipt for {row.origin} at {row.size} over what it does not hold")


def receipts_grow(seen: Seen, party: str, row: CosignatureRow) -> None:
    """4: receipts of one cosigner for one book are of one history, and their times do not decrease with the size."""
    root = _cosigned_root(seen, party, row)
    for size, other in seen.receipts.get((party, row.origin), {}).items():
        if size == row.size:
            hold(other.root == root, 4, f"{party} cosigned two roots of {row.origin} at {size}")
        elif size < row.size:
            in_order = other.timestamp <= row.timestamp or party in seen.restored  # an old copy forgets the time
            hold(in_order, 4, f"the receipts of {party} for {row.origin} go back in time")
            now = seen.root(party, row.origin, size)
            hold(
                now is None or now == other.root,
                4,
                f"{party} cosigned heads of {row.origin} that do not agree: {size}, {row.size}",
            )


# --- when something is committed


def work_is_committed(seen: Seen, party: str, work: Work) -> None:
    """4, 5, 8 for what one turn of an honest station wrote."""
    seen.checks_count += 1
    vkey = seen.honest[party].card.stations[0].cosigner
    for receipt in work.cosignatures:
        if vkey is not None and receipt.cosigner == vkey.name:
            known = seen.receipts.get((party, receipt.origin), {})
            if receipt.size in known and known[receipt.size].timestamp == receipt.timestamp:
                continue  # it comes back from others after a restore
            released = max(known, default=0)
            hold(receipt.size >= released, 4, f"{party} cosigned {receipt.origin} at {receipt.size} after {released}")
    own = [row for row in work.entries if party_of(row.origin) == party]
    for row in own:
        if row.index >= len(seen.leaves.get(row.origin, ())):  # what was released earlier comes back after a restore
            seen_is_held(seen, party, row)
    for finding in work.findings:
        nobody_honest_is_accused(seen, party, finding)


def seen_is_held(seen: Seen, party: str, row: EntryRow) -> None:
    """5: what an own entry counts is on the disk by its commit, its view is right, and no count goes down (BOOK-8 to 10)."""
    from detente.crypto import labels  # noqa: PLC0415
    from detente.formats.canonical import Value, encode  # noqa: PLC0415

    leaf = decode_leaf(row.leaf)
    parts: list[Value] = []
    for (place, number), size in counts(leaf.seen):
        origin = origin_of(seen.channel, seen.parties[place].id, number)
        root = seen.root(party, origin, size)
        if root is None:
            broken(5, f"{party} signed {row.origin} {row.index}: it counts {size} of {origin} and does not hold them")
        parts.append([origin, size, root])
    view = sha256(encode([labels.VIEW, parts]))
    hold(view == leaf.view, 5, f"{party} signed {row.origin} {row.index} with a view that is not of what it holds")
    before = seen.honest[party].disk.entries[row.origin].get(row.index - 1)
    earlier = dict(counts(decode_leaf(before.leaf).seen)) if before is not None else {}
    later = dict(counts(leaf.seen))
    sinking = [book for book, size in earlier.items() if later.get(book, 0) < size]
    hold(not sinking, 5, f"{party} signed {row.origin} {row.index} with a lower count than before it (BOOK-9)")
    for (giver, origin), receipts in seen.receipts.items():
        if giver == party and origin != row.origin and (party, origin) not in seen.lost:
            _, of, number = split_origin(origin)
            counted = later.get((seen.place(of), number), 0)
            statement = seen.honest[party].card.stations[0].statement
            enough = statement != "holds" or counted >= max(receipts, default=0)
            hold(
                enough,
                5,
                f"{row.origin} {row.index} counts {counted} of {origin}, less than {party} gave a receipt for",
            )


def nobody_honest_is_accused(seen: Seen, party: str, finding: FindingRow) -> None:
    """8. A view that does not verify may be a third party's fork (BOOK-12): that is judged when all is known."""
    accused = finding.origin.rsplit("/", 2)[1] if finding.origin != seen.channel else ""
    if accused not in seen.honest or (accused == party and finding.rule == "STORE-3" and party in seen.restored):
        return  # the latter is an alarm about itself: others hold more of its book than the old copy
    hold(
        finding.rule == "BOOK-10",
        8,
        f"{party} accuses {finding.origin} {finding.index}: {finding.text} [{finding.rule}]",
    )
    seen.findings.append((party, finding))


def views_broken_by_forks_only(seen: Seen) -> None:
    """8, at the end: an honest view fails only where it counts a book of which the fork is proved there."""
    for party, finding in seen.findings:
        disk = seen.honest[party].disk
        row = disk.entries[finding.origin].get(finding.index)
        forked = {proof.origin for proof in disk.findings if proof.rule == "FORK-1"}
        counted = counted_books(seen, decode_leaf(row.leaf).seen) if row is not None else {}
        excused = bool(forked & counted.keys())
        hold(excused, 8, f"{party} accuses {finding.origin} {finding.index}: {finding.text} [{finding.rule}]")


def counted_books(seen: Seen, leaf_seen: Counts) -> dict[Origin, int]:
    """The books that an entry counts, with how much of each."""
    return {
        origin_of(seen.channel, seen.parties[place].id, number): size
        for (place, number), size in counts(leaf_seen)
        if place < len(seen.parties)
    }


# --- when something is shown


def pages_only_grow(seen: Seen, party: str, log: dict[str, Any]) -> None:
    """6: what was shown in order keeps its order, whatever comes later (ORDER-4)."""
    seen.checks_count += 1
    page = [line["ref"] for line in log["entries"] if line["mark"] != HISTORY_PENDING]
    before = seen.pages.get(party, [])
    known = set(before)
    hold([ref for ref in page if ref in known] == before, 6, f"entries shown at {party} have changed places")
    seen.pages[party] = page


def rungs_are_proved(seen: Seen, party: str, log: dict[str, Any]) -> None:
    """7: no rung goes down, and each stands on something that is on the disk and verifies (LADDER-3)."""
    for line in log["entries"]:
        for ladder in line["ladder"]:
            ref, addressee, rung = parse_ref(line["ref"]), ladder["party"], Rung(ladder["rung"])
            shown = (party, line["ref"], addressee)
            height = HEIGHT[rung]
            hold(
                height >= seen.rungs.get(shown, 0), 7, f"{party} showed {ref} for {addressee} higher than {rung.value}"
            )
            seen.rungs[shown] = height
            if height >= HEIGHT[Rung.SENT]:
                _was_sent(seen, ref, addressee, ladder["proofs"], rung)
            if height > HEIGHT[Rung.SENT]:
                hold(bool(ladder["proofs"]), 7, f"{party} shows {ref} as {rung.value} without a proof")
            for proof in ladder["proofs"]:
                _proof_holds(seen, party, ref, addressee, proof)


def _was_sent(seen: Seen, ref: Ref, addressee: str, proofs: list[Any], rung: Rung) -> None:
    origin = origin_of(seen.channel, ref.party, ref.book)
    left = seen.sent.get((origin, addressee), 0) > ref.index
    hold(left or (rung is not Rung.SENT and bool(proofs)), 7, f"{ref} is shown as sent to {addressee} and never left")


def _proof_holds(seen: Seen, party: str, ref: Ref, addressee: str, proof: dict[str, Any]) -> None:
    disk = seen.honest[party].disk
    origin = origin_of(seen.channel, ref.party, ref.book)
    if proof["step"] in _SHOWN_BY_ENTRY:
        by = parse_ref(proof["entry"])
        row = disk.entries.get(origin_of(seen.channel, by.party, by.book), {}).get(by.index)
        hold(
            row is not None and by.party == addressee,
            7,
            f"{ref}: {proof['step']} stands on {by}, which {party} does not hold",
        )
        return
    receipt = disk.cosignatures.get(origin, {}).get((proof["size"], proof["cosigner"], COSIGNATURE))
    vkey = seen.parties[seen.place(addressee)].stations[0].cosigner
    root = seen.root(party, origin, proof["size"])
    ok = (
        receipt is not None
        and vkey is not None
        and vkey.name == proof["cosigner"]
        and root is not None
        and proof["size"] > ref.index
        and verify_cosignature(vkey, checkpoint_text(origin, proof["size"], root), receipt.octets)
        == proof["timestamp_s"]
    )
    hold(ok, 7, f"{ref} is shown as held by {addressee}, and no receipt on the disk of {party} says so")
    if addressee in seen.honest and (addressee, origin) not in seen.lost:
        held = held_rows(seen.honest[addressee].disk, origin, ref.index + 1)
        hold(held is not None, 7, f"{ref} is shown as held by {addressee}, which does not hold it")


# --- when a station was opened again


def receipted_bytes_stay(seen: Seen, party: str) -> None:
    """3: what a station gave a receipt for is still on its disk."""
    seen.checks_count += 1
    for (giver, origin), leaves in seen.owed.items():
        if giver == party:
            rows = held_rows(seen.honest[party].disk, origin, len(leaves))
            same = rows is not None and [row.leaf_hash for row in rows] == leaves
            hold(same, 3, f"{party} gave a receipt for {origin} at {len(leaves)} and holds it no more")


def a_restart_changes_nothing(seen: Seen, party: str, driver: Driver) -> None:
    """14: a station opened from a copy of the disk knows what the running one knows."""
    seen.checks_count += 1
    station = seen.honest[party]
    journal = MemoryJournal(None if station.journal.records is None else dict(station.journal.records))
    again = Driver(
        MemoryStore(station.disk.copy()), MemoryAnchor(journal), station.keyring, driver.party, driver.station
    )
    for name, channel in driver.channels.items():
        running, opened = _knowledge(channel), _knowledge(again.channels[name])
        for what, value in running.items():
            same = opened[what] == value
            hold(same, 14, f"after a restart {party} has other {what}: {opened[what]!r:.300} instead of {value!r:.300}")


def _knowledge(channel: Channel) -> dict[str, Any]:
    books = channel.ledger.books
    own = channel.writer.book
    return {
        "sizes": {origin: (book.size, book.viewed, book.closed) for origin, book in books.items()},
        "roots": {origin: book.root(book.size) for origin, book in books.items()},
        "heads": {origin: book.head for origin, book in books.items()},
        "far entries": {origin: book.far_entries for origin, book in books.items()},
        "far heads": {origin: book.far_heads for origin, book in books.items()},
        "receipts": {origin: book.receipts for origin, book in books.items()},
        "forks": {origin: book.fork is not None for origin, book in books.items()},
        "last seen": {origin: book.last_seen for origin, book in books.items()},
        "charters of books": {origin: book.charter.number for origin, book in books.items()},
        "charters": [held.digest for held in channel.roster.charters],
        "own book": (own.origin if own is not None else None, bool(channel.writer.stopped)),
        "readable epochs": sorted(
            (origin, entry.leaf.epoch)
            for origin, book in books.items()
            for entry in book.entries(0, book.size)
            if channel.epochs.can_read(origin, entry.leaf.epoch)
        ),
    }


# --- small things


def book_key(seen: Seen, party: str, origin: Origin) -> bytes:
    """The key of a book, as the party holds its note."""
    driver = seen.honest[party].running
    return driver.channels[seen.channel].roster.book_notes[origin].key
