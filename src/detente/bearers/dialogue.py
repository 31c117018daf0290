"""How two stations share one serial line: who may speak when, what is said first, and what is said again.

It keeps SERIAL-5 to SERIAL-8. A state machine without clock, chance or line: octets and an instant go in, octets to write
and events come out. One unit at a time is given to the line, so an urgent frame waits for one unit and no more; a line
with nothing to say is silent.

    dialogue.receive(octets, now)      # what the line brought
    dialogue.poll(now)                 # what to write now, paced to the line's speed; b"" if nothing
    dialogue.events                    # Met, Parted, frames: taken by the caller
    dialogue.wake(now)                 # poll again then, even if nothing happens
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from detente.bearers.streams import Receiving, Sending
from detente.bearers.units import (
    ACK_OCTETS,
    OVERHEAD_OCTETS,
    PAYLOAD_OCTETS_MAX,
    UNIT_OCTETS_MAX,
    Ack,
    Data,
    Start,
    Stream,
    Unit,
    UnitSplitter,
    decode_unit,
    encode_unit,
)
from detente.errors import LocalMisuse, Malformed
from detente.limits import FRAME_OCTETS_MAX

BITS_PER_OCTET: Final = 10  # a start bit, eight bits, a stop bit
SPEED_MIN: Final = 75  # bit/s
MARGIN_SECONDS: Final = 0.15  # how late a busy machine or a USB adapter may be
MARGIN_OCTETS: Final = 12
BULK_UNIT_OCTETS_MIN: Final = 64  # below this more would be lost to headers than won for a FLASH
MISSES_MAX: Final = 10  # turns or windows in a row without an answer; then the line is down
CALL_SECONDS_MAX: Final = 30.0
CALLS_WITH_ONE_NUMBER: Final = 8
SPEECH_OCTETS_MAX: Final = 10 * UNIT_OCTETS_MAX  # the longest turn: a window of urgent units, one bulk unit, the ACK


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one line. `turnaround_s`: how long after the other side's last octet our modem may begin, in seconds.

    `first`: True at exactly one of the two stations; it speaks first when both have fallen silent.
    Raises LocalMisuse for what no line has.
    """

    speed: int  # bit/s
    half_duplex: bool
    turnaround_s: float
    first: bool

    def __post_init__(self) -> None:
        """Refuse what no line has."""
        if self.speed < SPEED_MIN:
            raise LocalMisuse(f"a serial line has at least {SPEED_MIN} bit/s, not {self.speed}")
        if not 0 <= self.turnaround_s <= 60:
            raise LocalMisuse(f"the turnaround of a line takes 0 to 60 seconds, not {self.turnaround_s}")

    def seconds(self, octets: int) -> float:
        """How long so many octets take on the line."""
        return octets * BITS_PER_OCTET / self.speed

    @property
    def bulk_payload_octets(self) -> int:
        """SERIAL-7: so much that a bulk unit, the ACKs beside it and the switching back take no longer than the longest unit."""
        if not self.half_duplex:
            return PAYLOAD_OCTETS_MAX - ACK_OCTETS
        unit = UNIT_OCTETS_MAX - 2 * ACK_OCTETS - int(self.turnaround_s * self.speed / BITS_PER_OCTET)
        return max(unit, BULK_UNIT_OCTETS_MIN) - OVERHEAD_OCTETS

    @property
    def margin_s(self) -> float:
        """What is granted to the other side's machine."""
        return MARGIN_SECONDS + self.seconds(MARGIN_OCTETS)

    @property
    def answer_s(self) -> float:
        """From our last octet to the first one of the answer, at most. The second station is more patient."""
        once = self.turnaround_s + self.margin_s
        return once if self.first else 2 * once


@dataclass(frozen=True, slots=True)
class Met:
    """Both sides know of each other; nothing was said before."""


@dataclass(frozen=True, slots=True)
class Parted:
    """The meeting is over; what was under way may or may not have arrived."""

    why: str


Event: TypeAlias = Met | Parted | bytes  # octets: one frame


class _Turn(Enum):
    FREE = "free"  # nobody speaks; who has something to say begins
    OURS = "ours"
    THEIRS = "theirs"


class Dialogue:
    """One end of a line. `entropy(octets)` gives chance, for the number of each meeting."""

    def __init__(self, settings: Settings, entropy: Callable[[int], bytes]) -> None:
        self.settings = settings
        self.events: deque[Event] = deque()
        self.is_met = False
        self._entropy = entropy
        self._splitter = UnitSplitter()
        self._ours = 0
        self._theirs = 0
        self._sent_until = 0.0
        self._heard_at = float("-inf")
        self._given_at = float("-inf")  # when the other side last let us speak
        self._wanted_at: float | None = None  # since when we would speak, if others fell silent
        self._calls = 0
        self._call_at = float("-inf")
        self._reply: Start | None = None
        self._begin_anew()
        self._choose_number()

    # --- what to carry

    def submit(self, frame: bytes, *, urgent: bool) -> None:
        """Carry one frame. Frames of one stream keep their order; no bulk unit is first sent before an urgent one arrived."""
        if not self.is_met or not 0 < len(frame) <= FRAME_OCTETS_MAX:
            raise LocalMisuse(f"a frame of {len(frame)} octets on a line that is {'up' if self.is_met else 'down'}")
        self._sending[Stream.URGENT if urgent else Stream.BULK].submit(frame)

    @property
    def bulk_waiting_octets(self) -> int:
        """What of the bulk stream was never sent."""
        return self._sending[Stream.BULK].waiting_octets

    @property
    def waiting_octets(self) -> int:
        """What of both streams was never sent."""
        return sum(one.waiting_octets for one in self._sending.values())

    @property
    def is_settled(self) -> bool:
        """Everything submitted has arrived."""
        return all(one.is_settled for one in self._sending.values())

    def part(self, why: str) -> None:
        """End the meeting and call again."""
        was_met = self.is_met
        self._begin_anew()
        self._choose_number()
        self._theirs = 0
        self._calls = 0
        if was_met:
            self.events.append(Parted(why))

    # --- the line

    def receive(self, octets: bytes, now: float) -> None:
        """What the line brought."""
        if not octets:
            return
        self._heard_at = now
        for coded in self._splitter.feed(octets):
            unit = decode_unit(coded, self._meeting(ours_first=False))
            if isinstance(unit, Start):
                self._greeted(unit, now)
            elif unit is not None:
                self._meet()
                self._misses = 0
                self._take(unit, now)

    def poll(self, now: float) -> bytes:
        """The unit to write now; b"" if there is none, or the line is not free yet."""
        if now < self._sent_until or self._switching_until > now:
            return b""
        unit: Unit | None
        if self._reply is not None:
            unit, self._reply = self._reply, None
            self._turn = _Turn.THEIRS
        elif not self.is_met:
            unit = self._call(now)
        elif self.settings.half_duplex:
            unit = self._speak_in_turn(now)
        else:
            unit = self._speak_freely(now)
        if unit is None:
            return b""
        octets = encode_unit(unit, self._meeting(ours_first=True))
        self._sent_until = now + self.settings.seconds(len(octets))
        return octets

    def wake(self, now: float) -> float | None:
        """When `poll` may have something; None if only the line or `submit` can bring it about."""
        earliest = max(self._sent_until, self._switching_until)
        if self._reply is not None:
            return earliest
        if not self.is_met:
            return max(earliest, self._quiet_at(self._call_at))
        if self.settings.half_duplex:
            if self._turn is _Turn.THEIRS:
                return max(earliest, self._answer_by())
            if self._turn is _Turn.OURS:
                return earliest
            return max(earliest, self._free_at(now)) if self._has_something() else None
        if self._ack_due or self._has_data():
            return earliest
        return max(earliest, self._answer_by()) if self._is_unanswered() else None

    # --- meeting

    def _begin_anew(self) -> None:
        self.is_met = False
        self._sending = {
            Stream.URGENT: Sending(Stream.URGENT, PAYLOAD_OCTETS_MAX),
            Stream.BULK: Sending(Stream.BULK, self.settings.bulk_payload_octets),
        }
        self._receiving = {stream: Receiving(stream) for stream in Stream}
        self._reply = None
        self._turn = _Turn.FREE
        self._ack_due = False
        self._asking = False  # full duplex: our next ACK wants one in return
        self._bulk_said = False  # in this turn
        self._misses = 0

    def _choose_number(self) -> None:
        self._ours = 0
        while self._ours in (0, self._theirs):
            self._ours = int.from_bytes(self._entropy(2), "big")

    def _meeting(self, *, ours_first: bool) -> bytes:
        """SERIAL-3: what the CRC of every unit but START covers besides; empty while we know nobody."""
        if not self._theirs:
            return b""
        pair = (self._ours, self._theirs) if ours_first else (self._theirs, self._ours)
        return b"".join(number.to_bytes(2, "big") for number in pair)

    def _call(self, now: float) -> Unit | None:
        if now < self._quiet_at(self._call_at):
            return None
        if self._calls and self._calls % CALLS_WITH_ONE_NUMBER == 0:
            self._choose_number()  # by chance both may have chosen the same one
        patience = self._patience()
        self._call_at = now + min(patience * 2**self._calls, max(CALL_SECONDS_MAX, 2 * patience))
        self._calls += 1
        return Start(self._ours, self._theirs, ready=False)

    def _patience(self) -> float:
        """How long after a greeting its answer may take, and longer at the second station, so that calls do not meet."""
        return 2 * self.settings.answer_s + self.settings.seconds(UNIT_OCTETS_MAX // 8)

    def _greeted(self, start: Start, now: float) -> None:
        """SERIAL-5."""
        if start.ours == self._ours:
            return  # our own voice, or the same number by chance
        if start.ours != self._theirs:
            if self.is_met:
                self._begin_anew()
                self.events.append(Parted("the other station began anew"))
            self._theirs = start.ours
        if start.theirs == self._ours:
            self._meet()
        if start.ready:
            self._turn = _Turn.OURS
            self._given_at = now
        else:
            self._reply = Start(self._ours, self._theirs, ready=start.theirs == self._ours)
            self._given_at = now
            self._call_at = now + self._patience()

    def _meet(self) -> None:
        if not self.is_met:
            self.is_met = True
            self._calls = 0
            self.events.append(Met())

    # --- speaking

    def _has_data(self) -> bool:
        urgent, bulk = self._sending[Stream.URGENT], self._sending[Stream.BULK]
        return urgent.has_data() or bulk.has_data(fresh=urgent.is_settled)

    def _is_unanswered(self) -> bool:
        return any(one.is_unanswered for one in self._sending.values())

    def _has_something(self) -> bool:
        return self._ack_due or self._has_data() or self._is_unanswered()

    def _data(self, *, bulk: bool) -> Data | None:
        """SERIAL-7: urgent first; a new bulk unit only when all that is urgent has arrived."""
        urgent = self._sending[Stream.URGENT]
        return urgent.data() or (self._sending[Stream.BULK].data(fresh=urgent.is_settled) if bulk else None)

    def _ack(self, *, over: bool) -> Ack:
        asks = self._is_unanswered() if over else self._asking
        self._ack_due = self._asking = False
        return Ack(self._receiving[Stream.URGENT].heard, self._receiving[Stream.BULK].heard, over, asks)

    def _speak_in_turn(self, now: float) -> Unit | None:
        """SERIAL-6, half duplex: urgent units, at most one bulk unit, and an ACK that gives the turn away."""
        if self._turn is _Turn.THEIRS:
            if now < self._answer_by():
                return None
            self._turn = _Turn.FREE
            if self._is_unanswered() and not self._miss():
                return None
        if self._turn is _Turn.FREE:
            if not self._has_something() or now < self._free_at(now):
                return None
            self._turn = _Turn.OURS
            self._wanted_at = None
        unit = self._data(bulk=not self._bulk_said)
        if unit is None:
            self._turn = _Turn.THEIRS
            self._bulk_said = False
            return self._ack(over=True)
        self._bulk_said = self._bulk_said or unit.stream is Stream.BULK
        return unit

    def _speak_freely(self, now: float) -> Unit | None:
        """SERIAL-8, full duplex: an ACK for what came, then urgent units, then bulk units as the window allows."""
        if self._is_unanswered() and not self._has_data() and now >= self._answer_by() and not self._miss():
            return None
        return self._ack(over=False) if self._ack_due else self._data(bulk=True)

    def _miss(self) -> bool:
        """What we said was not answered: say it again. False if that was the last time."""
        self._misses += 1
        if self._misses > MISSES_MAX:
            self.part(f"no answer to {MISSES_MAX} calls")
            return False
        for sending in self._sending.values():
            sending.lose()
        if not self.settings.half_duplex:
            self._ack_due = self._asking = True  # an ACK is short and comes through where long units do not
        return True

    @property
    def _switching_until(self) -> float:
        """Half duplex: the modems need time from their last octet to our first one."""
        return self._given_at + self.settings.turnaround_s if self.settings.half_duplex else float("-inf")

    def _answer_by(self) -> float:
        """Until when we wait for the other side. While octets come it still speaks; noise for ever does not hold us up."""
        if not self.settings.half_duplex:
            return self._sent_until + 2 * self.settings.seconds(UNIT_OCTETS_MAX) + 2 * self.settings.margin_s
        latest = self._sent_until + self.settings.answer_s
        speaking = min(self._heard_at + self.settings.margin_s, latest + self.settings.seconds(SPEECH_OCTETS_MAX))
        return max(latest, speaking)

    def _free_at(self, now: float) -> float:
        """From when on we may begin by ourselves: when nobody has been heard for a while."""
        if self._wanted_at is None:
            self._wanted_at = now
        return self._quiet_at(self._wanted_at)

    def _quiet_at(self, wanted_at: float) -> float:
        """When the line has been quiet for a while after `wanted_at`; noise for ever does not hold us up."""
        heard = min(self._heard_at + self.settings.margin_s, wanted_at + self.settings.seconds(SPEECH_OCTETS_MAX))
        return max(wanted_at, heard)

    # --- listening

    def _take(self, unit: Data | Ack, now: float) -> None:
        if isinstance(unit, Data):
            self._ack_due = True
            try:
                self.events.extend(self._receiving[unit.stream].take(unit))
            except Malformed as fault:
                self.part(str(fault))
            return
        self._sending[Stream.URGENT].heard(unit.urgent)
        self._sending[Stream.BULK].heard(unit.bulk)
        self._ack_due = self._ack_due or unit.asks
        if unit.over and self.settings.half_duplex:
            for sending in self._sending.values():
                sending.lose()  # it was all said before this answer
            self._given_at = now
            self._turn = _Turn.OURS if self._ack_due or self._has_data() else _Turn.FREE
