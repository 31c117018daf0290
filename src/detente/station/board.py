"""What `detente status` shows: the state of every channel as plain facts. It judges nothing and sends nothing."""

from typing import Any

from detente.crypto.certificates import certificate_fingerprint
from detente.protocol.book import BookCopy
from detente.protocol.channel import Channel
from detente.station.driver import Driver


def status_of(driver: Driver, *, running: bool) -> dict[str, Any]:
    """All channels of a station. Links are filled in by the runtime, which alone knows them."""
    return {
        "party": driver.party,
        "station": driver.station,
        "running": running,
        "channels": [_channel(driver, channel) for channel in driver.channels.values()],
    }


def _channel(driver: Driver, channel: Channel) -> dict[str, Any]:
    charter = channel.roster.newest.charter
    role = charter.party(driver.party).role
    findings = [finding for finding in driver.store.findings() if finding.origin.startswith(charter.channel)]
    return {
        "channel": charter.channel,
        "title": charter.title,
        "mode": charter.mode,
        "charter": charter.number,
        "charter_digest": channel.roster.newest.digest.hex(),
        "party": driver.party,
        "role": role,
        "stopped": channel.writer.stopped,
        "stations": [
            {
                "party": party.id,
                "station": station.id,
                "certificate": certificate_fingerprint(station.tls).hex(),
                "link": "down",
                "since": None,
                "description": "",
                "bearers": [],  # each with its name, state, since when, and description
            }
            for party in charter.parties
            for station in party.stations
            if (party.id, station.id) != (driver.party, driver.station)
        ],
        "books": [_book(channel, book) for book in channel.ledger.books.values()],
        "findings": [
            {"origin": row.origin, "index": row.index, "rule": row.rule, "text": row.text} for row in findings
        ],
    }


def _book(channel: Channel, book: BookCopy) -> dict[str, Any]:
    cosigners = channel.roster.cosigners(book.party)
    return {
        "origin": book.origin,
        "party": book.party,
        "book": book.number,
        "ours": book.ours,
        "size": book.size,
        "head": book.head.size if book.head else 0,
        "root": book.head.root.hex() if book.head else "",
        "above_gaps": len(book.far_entries),
        "forked": book.fork is not None,
        "receipts": [
            {
                "cosigner": row.cosigner,
                "party": cosigners[row.cosigner][0],
                "statement": cosigners[row.cosigner][1],
                "size": row.size,
                "timestamp": row.timestamp,
            }
            for row in book.receipts.values()
            if row.cosigner in cosigners
        ],
    }
