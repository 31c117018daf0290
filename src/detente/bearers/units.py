"""Units: what a serial line carries, at most 256 octets each, told apart and checked however noisy the line is.

It keeps SERIAL-1 to SERIAL-3: a unit that does not arrive octet for octet, or belongs to another meeting of the two
stations, is as if it had never been sent. The framing is COBS (Cheshire and Baker, 1999), whose cost is the same for any
content; the check is CRC-32 as in ISO 3309 (zlib). Pure: no clock, no line.
"""

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

UNIT_OCTETS_MAX: Final = 256  # on the line, delimiters included
OVERHEAD_OCTETS: Final = 8  # two delimiters, one octet of COBS, one of header and four of CRC
PAYLOAD_OCTETS_MAX: Final = UNIT_OCTETS_MAX - OVERHEAD_OCTETS
ACK_OCTETS: Final = 13
SEQUENCE_NUMBERS: Final = 64
VERSION: Final = 1

_DELIMITER = b"\0"
_CRC_OCTETS = 4
_CODED_OCTETS_MAX = UNIT_OCTETS_MAX - 2  # between the delimiters
_DATA_URGENT, _DATA_BULK, _ACK, _START = range(4)
_FLAG, _FLAG_ASKS = 0x20, 0x10


class Stream(IntEnum):
    """Each direction has two streams of frames; a unit of the urgent one never waits for one of the other."""

    URGENT = 0
    BULK = 1


WINDOW: Final = {Stream.URGENT: 8, Stream.BULK: 16}  # units under way; the width of the lists in an ACK
_LIST_OCTETS: Final = {Stream.URGENT: 1, Stream.BULK: 2}


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of a stream, of 1 to PAYLOAD_OCTETS_MAX octets, and its number modulo SEQUENCE_NUMBERS."""

    stream: Stream
    number: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What has arrived of one stream: everything before `following`, and of those after it the ones in `beyond`.

    Bit k of `beyond` stands for number `following` + 1 + k.
    """

    following: int
    beyond: int


@dataclass(frozen=True, slots=True)
class Ack:
    """What has arrived. `over`: the turn is the other side's (half duplex); `asks`: something of ours is unanswered."""

    urgent: Heard
    bulk: Heard
    over: bool
    asks: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Greeting: the number of our meeting, the other side's as we know it (0: not yet). `ready`: needs no answer."""

    ours: int
    theirs: int
    ready: bool


Unit: TypeAlias = Data | Ack | Start


def encode_unit(unit: Unit, meeting: bytes) -> bytes:
    """The octets on the line. `meeting`: both numbers, the sender's first; empty for START (SERIAL-3)."""
    if isinstance(unit, Data):
        content = bytes([unit.stream << 6 | unit.number]) + unit.payload
    elif isinstance(unit, Ack):
        content = bytes([_ACK << 6 | _FLAG * unit.over | _FLAG_ASKS * unit.asks])
        for stream, heard in ((Stream.URGENT, unit.urgent), (Stream.BULK, unit.bulk)):
            content += bytes([heard.following]) + heard.beyond.to_bytes(_LIST_OCTETS[stream], "big")
    else:
        content = bytes([_START << 6 | _FLAG * unit.ready, VERSION])
        content += unit.ours.to_bytes(2, "big") + unit.theirs.to_bytes(2, "big")
        meeting = b""
    check = zlib.crc32(meeting + content).to_bytes(_CRC_OCTETS, "big")
    return _DELIMITER + stuffed(content + check) + _DELIMITER


def decode_unit(coded: bytes, meeting: bytes) -> Unit | None:
    """The unit in what stood between two delimiters; None if it is none of this meeting (SERIAL-2, SERIAL-3).

    `meeting`: the sender's number first.
    """
    octets = unstuffed(coded)
    if octets is None or len(octets) <= _CRC_OCTETS:
        return None
    content, check = octets[:-_CRC_OCTETS], int.from_bytes(octets[-_CRC_OCTETS:], "big")
    kind, rest = content[0] >> 6, content[1:]
    salt = b"" if kind == _START else meeting
    if zlib.crc32(salt + content) != check or (kind != _START and not meeting):
        return None
    if kind == _START:
        return _start(content)
    if kind == _ACK:
        return _ack(content)
    return Data(Stream(kind), content[0] % SEQUENCE_NUMBERS, rest) if rest else None


def _start(content: bytes) -> Start | None:
    if len(content) != 6 or content[1] != VERSION or content[0] & 0x1F:
        return None
    ours = int.from_bytes(content[2:4], "big")
    return Start(ours, int.from_bytes(content[4:6], "big"), bool(content[0] & _FLAG)) if ours else None


def _ack(content: bytes) -> Ack | None:
    if len(content) != 6 or content[0] & 0x0F or max(content[1], content[3]) >= SEQUENCE_NUMBERS:
        return None
    bulk = Heard(content[3], int.from_bytes(content[4:6], "big"))
    return Ack(Heard(content[1], content[2]), bulk, bool(content[0] & _FLAG), bool(content[0] & _FLAG_ASKS))


class UnitSplitter:
    """Cuts what a line brings at the delimiters. Keeps at most one unit; what is longer than any unit is dropped."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, octets: bytes) -> list[bytes]:
        """What stood between delimiters, in order; empty stretches are left out."""
        pieces = octets.split(_DELIMITER)
        found: list[bytes] = []
        for place, piece in enumerate(pieces):
            self._rest += piece[: _CODED_OCTETS_MAX + 1 - len(self._rest)]
            if place < len(pieces) - 1:
                if 0 < len(self._rest) <= _CODED_OCTETS_MAX:
                    found.append(bytes(self._rest))
                self._rest.clear()
        return found


def stuffed(octets: bytes) -> bytes:
    """COBS of at most 253 octets: one more octet, and no octet 0. Each code tells how far the next one is."""
    return b"".join(bytes([len(piece) + 1]) + piece for piece in octets.split(_DELIMITER))


def unstuffed(coded: bytes) -> bytes | None:
    """What `stuffed` was given; None if this is not such a text."""
    pieces: list[bytes] = []
    position = 0
    while position < len(coded):
        following = position + coded[position]
        if coded[position] == 0 or following > len(coded):
            return None
        pieces.append(coded[position + 1 : following])
        position = following
    return _DELIMITER.join(pieces) if pieces else None
