"""Courier files at the desk: what goes into one, piece by piece, and what a frame out of one means.

It keeps: whoever asks writes and reads the file, so the engine is never held up by a slow stick; only what is committed
goes out, and only a file that is durable counts as handed over (LADDER-2).
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from detente.errors import LocalMisuse
from detente.formats.frame import decode_frame
from detente.ids import Origin, PartyId
from detente.protocol.channel import Channel
from detente.protocol.events import Brought, Handed

ANSWER_OCTETS = 1_000_000  # frames in one answer, about

Arguments = Mapping[str, Any]


def courier_plan(channels: Iterable[Channel], to: str) -> dict[str, Any]:
    """For each channel that the station `to` (PARTY or PARTY/STATION) shares: the first frames, and what follows them."""
    plans = []
    for channel in channels:
        place = _place(channel, to)
        if place is None:
            continue
        stretches = channel.courier.stretches(*place)
        plans.append(
            {
                "channel": channel.roster.channel,
                "party": place[0],
                "station": place[1],
                "frames": _texts(channel.courier.opening(*place)),
                "books": [{"origin": one.origin, "start": one.start, "stop": one.stop} for one in stretches],
            }
        )
    if not plans:
        raise LocalMisuse(f"no channel of this station has a station {to}; `detente status` lists them")
    return {"channels": plans}


def courier_frames(channel: Channel, arguments: Arguments) -> dict[str, Any]:
    """Frames of one book from `start`, about ANSWER_OCTETS of them; `next` is where the following ones begin."""
    origin = _origin(channel, str(arguments.get("origin") or ""))
    book = channel.ledger.books[origin]
    start = min(int(arguments.get("start") or 0), book.size)
    frames: list[bytes] = []
    octets = 0
    while octets < ANSWER_OCTETS:
        more, following = channel.courier.entries(origin, start)
        if not more:
            break
        frames += more
        octets += sum(map(len, more))
        start = following
    return {"channel": channel.roster.channel, "frames": _texts(frames), "next": start}


def handed(channel: Channel, arguments: Arguments) -> Handed:
    """The act that follows a durable file."""
    (to,) = arguments.get("to") or ("",)
    place = _place(channel, to)
    if place is None:
        raise LocalMisuse(f"{channel.roster.channel} has no station {to}")
    sizes = arguments.get("sizes") or {}
    return Handed(place[0], tuple((_origin(channel, origin), size) for origin, size in sizes.items()))


def brought(octets: bytes) -> Brought:
    """The act that takes one frame out of a file. Raises Malformed."""
    return Brought(decode_frame(octets))


def _place(channel: Channel, to: str) -> tuple[PartyId, str] | None:
    party_id, _, station_id = to.partition("/")
    us = channel.us
    for party in channel.roster.newest.charter.parties:
        if party.id != party_id:
            continue
        others = [one.id for one in party.stations if (party.id, one.id) != (us.party, us.station)]
        if not station_id and len(others) > 1:
            raise LocalMisuse(
                f"{party.id} has several stations; name one: {', '.join(f'{to}/{one}' for one in others)}"
            )
        if station_id in others or (not station_id and others):
            return party.id, station_id or others[0]
    return None


def _origin(channel: Channel, origin: str) -> Origin:
    if origin not in channel.ledger.books:
        raise LocalMisuse(f"there is no book {origin!r} here")
    return Origin(origin)


def _texts(frames: list[bytes]) -> list[str]:
    return [base64.b64encode(frame).decode() for frame in frames]
