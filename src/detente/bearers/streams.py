"""One direction of one stream of a serial line: frames cut into numbered units here, put together again there.

It keeps SERIAL-4: frames come out whole, in order and once, whatever units are lost, doubled or late; what waits is
bounded by the window. Pure: no clock, no line. It does not know when a unit may be sent (`dialogue.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from detente.bearers.units import SEQUENCE_NUMBERS, WINDOW, Data, Heard, Stream
from detente.formats.frame import FrameSplitter, length_prefix


@dataclass(slots=True)
class _UnderWay:
    payload: bytes
    sending: int = 0  # which transmission of the stream its newest one was
    lost: bool = False


class Sending:
    """The sending half. `data` gives what to transmit next; `heard` takes what the other side says has arrived."""

    def __init__(self, stream: Stream, payload_octets: int) -> None:
        self._stream = stream
        self._payload_octets = payload_octets
        self._waiting = bytearray()
        self._units: dict[int, _UnderWay] = {}  # by number, oldest first
        self._following = 0
        self._sendings = 0

    @property
    def waiting_octets(self) -> int:
        """What was never transmitted."""
        return len(self._waiting)

    @property
    def is_settled(self) -> bool:
        """Everything has arrived."""
        return not self._waiting and not self._units

    @property
    def is_unanswered(self) -> bool:
        """Something was transmitted of which we do not know that it arrived."""
        return bool(self._units)

    def submit(self, frame: bytes) -> None:
        """One frame of 1 to 65,536 octets, after those submitted before."""
        self._waiting += length_prefix(len(frame)) + frame

    def has_data(self, *, fresh: bool = True) -> bool:
        """Whether `data` gives something."""
        lost = any(unit.lost for unit in self._units.values())
        return lost or (fresh and bool(self._waiting) and len(self._units) < WINDOW[self._stream])

    def data(self, *, fresh: bool = True) -> Data | None:
        """The next unit: the oldest one lost, else (`fresh`) a new one if the window has room."""
        number = next((number for number, unit in self._units.items() if unit.lost), None)
        if number is None:
            if not self.has_data(fresh=fresh):
                return None
            number = self._following
            self._following = (number + 1) % SEQUENCE_NUMBERS
            self._units[number] = _UnderWay(bytes(self._waiting[: self._payload_octets]))
            del self._waiting[: self._payload_octets]
        self._sendings += 1
        unit = self._units[number]
        unit.lost, unit.sending = False, self._sendings
        return Data(self._stream, number, unit.payload)

    def heard(self, heard: Heard) -> None:
        """What has arrived. A line keeps the order, so what was transmitted before something that arrived is lost."""
        newest = 0
        for number in list(self._units):
            distance = (number - heard.following) % SEQUENCE_NUMBERS
            beyond = 1 <= distance <= WINDOW[self._stream] and heard.beyond >> (distance - 1) & 1
            if distance >= SEQUENCE_NUMBERS // 2 or beyond:
                newest = max(newest, self._units.pop(number).sending)
        for unit in self._units.values():
            unit.lost = unit.lost or unit.sending < newest

    def lose(self) -> None:
        """Nothing that is under way will be answered any more."""
        for unit in self._units.values():
            unit.lost = True


class Receiving:
    """The receiving half. `take` gives the frames that a unit completes."""

    def __init__(self, stream: Stream, splitter: Callable[[], FrameSplitter] = FrameSplitter) -> None:
        self._window = WINDOW[stream]
        self._splitter = splitter()
        self._following = 0
        self._beyond: dict[int, bytes] = {}

    @property
    def heard(self) -> Heard:
        """What has arrived, for the other side."""
        beyond = 0
        for number in self._beyond:
            beyond |= 1 << (number - self._following - 1) % SEQUENCE_NUMBERS
        return Heard(self._following, beyond)

    def take(self, unit: Data) -> list[bytes]:
        """Frames in order. Raises Malformed (FRAME-1) if the stream is none of frames."""
        if (unit.number - self._following) % SEQUENCE_NUMBERS <= self._window:
            self._beyond[unit.number] = unit.payload
        frames: list[bytes] = []
        while (payload := self._beyond.pop(self._following, None)) is not None:
            self._following = (self._following + 1) % SEQUENCE_NUMBERS
            frames += self._splitter.feed(payload)
        return frames
