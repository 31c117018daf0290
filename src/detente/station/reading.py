"""What `detente log` shows: the entries held, opened where we can, with their ladders, in reading order; and what is new.

It only gathers; the order, the ladder and the lines are made in `records/`, the same for everyone.
"""

from typing import Any

from detente.errors import LocalMisuse, Malformed
from detente.formats.content import Content
from detente.formats.entry import Kind, Open, decode_body
from detente.ids import PartyId, Ref, origin_of, split_origin
from detente.protocol.book import HeldEntry, held_entry
from detente.protocol.channel import Channel
from detente.protocol.sealing import Unopenable
from detente.records.ladder import Ladder
from detente.records.log import CANNOT_PROCESS, NOT_FOR_US, LogEntry, log_lines, plain
from detente.records.order import Item
from detente.records.proofs import Proofs, Receipt
from detente.station.driver import Driver


def log_of(driver: Driver, channel: Channel, limit: int | None = None) -> dict[str, Any]:
    """The log of a channel; with `limit`, only its last lines."""
    items, bodies = _items(driver, channel)
    broken = _findings(driver, channel)
    contents = {item.ref: _content(channel, item.ref, bodies[item.ref]) for item in items}
    proofs = _proofs(channel, items, contents)
    entries = []
    for item in items:
        content, unreadable = contents[item.ref]
        ladders = _ladders(channel, proofs, item, content)
        entries.append(LogEntry(item, content, unreadable, tuple(broken.get(item.ref, ())), ladders))
    lines = log_lines(entries)
    charter = channel.roster.newest.charter
    return {
        "channel": charter.channel,
        "title": charter.title,
        "mode": charter.mode,
        "party": driver.party,
        "entries": lines if limit is None else lines[-limit:] if limit else [],
    }


def arrivals_of(driver: Driver, channel: Channel, after: int = 0) -> dict[str, Any]:
    """The contents that can be read here of entries with a greater arrival number, in order of arrival, without texts.

    `after` in the answer is where to go on: below the first entry that stands above a gap in its book, because the keys
    to read it may be in the gap.
    """
    entries = []
    settled = True
    for arrival, held_at, row in driver.store.arrivals(channel.roster.channel, after):
        _, party, number = split_origin(row.origin)
        ref = Ref(party, number, row.index)
        settled = settled and row.index < channel.ledger.books[row.origin].size
        if settled:
            after = arrival
        content = content_in(_content(channel, ref, held_entry(row))[0])
        if content is not None:
            line = {"form": content.form, "fields": plain(content.fields), "part": plain(content.part)}
            entries.append({"ref": str(ref), "party": party, "held_at": held_at, **line})
    return {"channel": channel.roster.channel, "entries": entries, "after": after}


def _items(driver: Driver, channel: Channel) -> tuple[list[Item], dict[Ref, HeldEntry]]:
    """Every entry held, in order of arrival, with what is known of its view."""
    wrong = {
        (finding.origin, finding.index) for finding in driver.store.findings() if finding.rule in ("BOOK-8", "BOOK-10")
    }
    items: list[Item] = []
    bodies: dict[Ref, HeldEntry] = {}
    for arrival, held_at, row in driver.store.arrivals(channel.roster.channel):
        entry = held_entry(row)
        _, party, number = split_origin(row.origin)
        book = channel.ledger.books[row.origin]
        view_ok = False if (row.origin, row.index) in wrong else _view_ok(channel, book.viewed, entry)
        ref = Ref(party, number, row.index)
        items.append(Item(ref, channel.roster.place(party), entry.leaf, view_ok, arrival, held_at))
        bodies[ref] = entry
    return items, bodies


def _view_ok(channel: Channel, viewed: int, entry: HeldEntry) -> bool | None:
    """Whether an entry's view verifies; None if it counts what is not held yet. One false count hides no later entry."""
    if entry.index < viewed:
        return True
    view = channel.ledger.view_of(entry.leaf.seen)
    return None if view is None else view == entry.leaf.view


def _findings(driver: Driver, channel: Channel) -> dict[Ref, list[tuple[str, str]]]:
    found: dict[Ref, list[tuple[str, str]]] = {}
    for finding in driver.store.findings():
        if finding.origin in channel.ledger.books and finding.rule.startswith("BOOK"):
            _, party, number = split_origin(finding.origin)
            found.setdefault(Ref(party, number, finding.index), []).append((finding.rule, finding.text))
    return found


def _content(channel: Channel, ref: Ref, entry: HeldEntry) -> tuple[Any, str]:
    """What an entry says, or why it cannot be read."""
    origin = origin_of(channel.roster.channel, ref.party, ref.book)
    if entry.leaf.kind == Kind.SEALED:
        if not channel.epochs.can_read(origin, entry.leaf.epoch):
            reason = channel.epochs.why_unreadable(origin, entry.leaf.epoch)
            return None, CANNOT_PROCESS + reason if reason else NOT_FOR_US
        try:
            return channel.epochs.open(origin, entry), ""
        except Unopenable as fault:
            return None, CANNOT_PROCESS + fault.reason
    try:
        return decode_body(entry.leaf.kind, entry.body), ""
    except (Malformed, LocalMisuse) as fault:  # the latter for a kind that is unknown here (BOOK-3)
        return None, CANNOT_PROCESS + fault.text


def _proofs(channel: Channel, items: list[Item], contents: dict[Ref, tuple[Any, str]]) -> Proofs:
    parties = tuple(party.id for party in channel.roster.newest.charter.parties)
    receipts = []
    for book in channel.ledger.books.values():
        cosigners = channel.roster.cosigners(book.party)
        for row in channel.ledger.shelf.cosignatures(book.origin):
            if row.cosigner in cosigners:
                party, statement, _ = cosigners[row.cosigner]
                receipts.append(
                    Receipt(book.party, book.number, row.size, party, statement, row.cosigner, row.timestamp)
                )
    return Proofs(parties, receipts, [(item, content_in(contents[item.ref][0])) for item in items])


def content_in(value: object) -> Content | None:
    """The content in what an entry says, if it is one."""
    if isinstance(value, Open):
        return value.content
    return value if isinstance(value, Content) else None


def _ladders(channel: Channel, proofs: Proofs, item: Item, value: object) -> tuple[Ladder, ...]:
    """LADDER-1: one ladder for each addressee of an own message."""
    content = content_in(value)
    if content is None or item.ref.party != channel.us.party or content.form != "message":
        return ()
    addressees: tuple[PartyId, ...] = tuple(dict.fromkeys((*content.to, *content.info)))
    return tuple(
        proofs.ladder(item.ref, party, given=channel.outgoing.was_given(party, item.ref)) for party in addressees
    )
