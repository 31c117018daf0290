"""A serial line in virtual time: two dialogues, octets that take their time, noise, losses and collisions from one seed.

It keeps: nothing here knows what a unit is; octets are garbled or lost as a real line would, and both ends see only octets.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from detente.bearers.dialogue import BITS_PER_OCTET, Dialogue, Event, Settings

PIECE_OCTETS = 4


@dataclass
class End:
    """One end of the line."""

    dialogue: Dialogue
    events: list[tuple[float, Event]] = field(default_factory=list)
    written: list[tuple[float, int]] = field(default_factory=list)  # when a unit began, its octets

    @property
    def frames(self) -> list[bytes]:
        """The frames that came, in order."""
        return [event for _, event in self.events if isinstance(event, bytes)]


class SerialWorld:
    """Two ends and what lies between them. `run` lets time pass."""

    def __init__(
        self,
        *,
        speed: int = 2_400,
        half_duplex: bool = True,
        turnaround_s: float = 0.1,
        bit_errors: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.now = 0.0
        self.bit_errors = bit_errors
        self.is_cut = False
        self.speed = speed
        self.half_duplex = half_duplex
        self.turnaround_s = turnaround_s
        self._chance = random.Random(seed)
        self.ends = [End(self.make(first=True)), End(self.make(first=False))]
        self._air: list[tuple[float, int, bytes]] = []  # (when it has arrived, from which end, octets)
        self._speaking = [0.0, 0.0]  # until when each end speaks

    def make(self, *, first: bool) -> Dialogue:
        """A fresh end, as after a restart."""
        settings = Settings(self.speed, self.half_duplex, self.turnaround_s, first)
        return Dialogue(settings, self._chance.randbytes)

    def restart(self, place: int) -> None:
        """One end forgets everything."""
        self.ends[place].dialogue = self.make(first=place == 0)

    def run(self, until: Callable[[], bool], seconds_max: float) -> None:
        """Let time pass until something holds. Fails if it does not within so many seconds."""
        end = self.now + seconds_max
        self._step()
        while not until():
            assert self.now < end, f"waited {seconds_max} s in vain"
            self._pass_time(end)
            self._step()

    def _pass_time(self, end: float) -> None:
        wakes = [wake for place in (0, 1) if (wake := self.ends[place].dialogue.wake(self.now)) is not None]
        arrivals = [when for when, _, _ in self._air]
        following = min([*wakes, *arrivals, end + 1e-3])
        self.now = max(following, self.now) + 1e-6

    def _step(self) -> None:
        ripe = sorted(one for one in self._air if one[0] <= self.now)
        self._air = [one for one in self._air if one[0] > self.now]
        for when, place, octets in ripe:
            other = 1 - place
            heard = self._through_the_air(octets)
            if self.half_duplex and self._speaking[other] > when - len(octets) * BITS_PER_OCTET / self.speed:
                continue  # who speaks does not hear
            if heard:
                self.ends[other].dialogue.receive(heard, when)
        for place, end in enumerate(self.ends):
            octets = end.dialogue.poll(self.now)
            if octets:
                end.written.append((self.now, len(octets)))
                self._write(place, octets)
            while end.dialogue.events:
                end.events.append((self.now, end.dialogue.events.popleft()))

    def _write(self, place: int, octets: bytes) -> None:
        begin = self.now
        self._speaking[place] = begin + len(octets) * BITS_PER_OCTET / self.speed
        for at in range(0, len(octets), PIECE_OCTETS):
            piece = octets[at : at + PIECE_OCTETS]
            self._air.append((begin + (at + len(piece)) * BITS_PER_OCTET / self.speed, place, piece))

    def _through_the_air(self, octets: bytes) -> bytes:
        if self.is_cut:
            return b""
        if not self.bit_errors:
            return octets
        found = bytearray(octets)
        for bit in range(8 * len(found)):
            if self._chance.random() < self.bit_errors:
                found[bit // 8] ^= 1 << bit % 8
        return bytes(found)
