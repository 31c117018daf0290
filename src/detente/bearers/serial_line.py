"""The serial bearer: one line to one station, over a terminal device of Linux (a port, a modem, a radio, a pty).

Its law: the line proves nobody and hides nothing, so what travels on it must prove itself (SERIAL-9); at most one unit
waits in the kernel, so an urgent frame waits for one unit; a device that is missing or goes away is looked for again
and again. Used from one event loop. What is said when stands in `dialogue.py`.
"""

import asyncio
import contextlib
import errno
import os
import termios
import tty
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from detente.bearers.dialogue import Dialogue, Met, Parted, Settings
from detente.bearers.units import UNIT_OCTETS_MAX
from detente.errors import BearerFault, Fault, LocalMisuse

LOOK_AGAIN_SECONDS: Final = 5.0  # for a device that is missing
READ_OCTETS: Final = 4_096
URGENT_OCTETS_MAX: Final = 16_384
SPEEDS: Final = {
    int(name[1:]): getattr(termios, name)
    for name in dir(termios)
    if name[0] == "B" and name[1:].isdigit() and name != "B0"
}


@dataclass(frozen=True, slots=True)
class Device:
    """Which device, and how it is used. Raises LocalMisuse for a speed that the system does not have."""

    path: str
    settings: Settings

    def __post_init__(self) -> None:
        """Refuse a speed that no terminal has."""
        if self.settings.speed not in SPEEDS:
            known = ", ".join(map(str, sorted(SPEEDS)))
            raise LocalMisuse(f"{self.path} has no speed of {self.settings.speed} bit/s; there are {known}")


class SerialLine:
    """The line to `peer`; `name` is what the station calls it. `run` keeps it until cancelled: it is up, or it calls.

    `on_open(line)` when both stations have met, `on_closed(line, fault)` when the meeting is over, once for each;
    `on_frames(line, frames)` with frames in order, the next ones after it returns; a Fault that it raises ends the
    meeting. `monotonic()` in seconds; `entropy(octets)`.
    """

    def __init__(
        self,
        name: str,
        peer: str,
        device: Device,
        *,
        on_open: Callable[["SerialLine"], None],
        on_frames: Callable[["SerialLine", list[bytes]], Awaitable[None]],
        on_closed: Callable[["SerialLine", Fault | None], None],
        on_failed: Callable[[Fault], None],
        monotonic: Callable[[], float],
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.name = name
        self.peer = peer
        self.device = device
        self.octets_in = 0
        self.octets_out = 0
        self.close_reason = ""
        self._dialogue = Dialogue(device.settings, entropy)
        self._on_open = on_open
        self._on_frames = on_frames
        self._on_closed = on_closed
        self._on_failed = on_failed
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._drained = asyncio.Event()
        self._told_missing = False

    @property
    def who(self) -> str:
        """Whom we speak of: the station at the other end, as the configuration says."""
        return self.peer

    @property
    def description(self) -> str:
        """For people."""
        duplex = "half" if self.device.settings.half_duplex else "full"
        return f"serial {self.device.path}, {self.device.settings.speed} bit/s, {duplex} duplex"

    @property
    def is_open(self) -> bool:
        """Whether `send_many` takes frames."""
        return self._dialogue.is_met

    @property
    def unsent_octets(self) -> int:
        """What was never sent."""
        return self._dialogue.waiting_octets

    @property
    def wants_urgent(self) -> bool:
        """Whether urgent frames may be given now. They go ahead of all others, so there is room but in a flood."""
        return self.is_open and self.unsent_octets - self._dialogue.bulk_waiting_octets < URGENT_OCTETS_MAX

    @property
    def wants_bulk(self) -> bool:
        """Whether one more frame may be given: only when the last one is nearly sent, so that others can still go first."""
        return self.is_open and self._dialogue.bulk_waiting_octets < UNIT_OCTETS_MAX

    def send_many(self, frames: Sequence[bytes], *, urgent: bool = False) -> None:
        """Frames in order, those that are urgent ahead of all others. Raises BearerFault if the line is down."""
        if not self._dialogue.is_met:
            raise BearerFault(f"the serial line to {self.peer} is down")
        for frame in frames:
            self._dialogue.submit(frame, urgent=urgent)
        self._woken.set()

    async def drained(self) -> None:
        """Return when it wants more, or is down."""
        while self.is_open and not (self.wants_bulk and self.wants_urgent):
            self._drained.clear()
            await self._drained.wait()

    def close(self, reason: str) -> None:
        """End the meeting; the line calls again. Idempotent."""
        self.close_reason = reason
        self._dialogue.part(reason)
        self._woken.set()

    async def run(self) -> None:
        """Keep the line until cancelled."""
        while True:
            try:
                descriptor = open_device(self.device)
            except BearerFault as fault:
                if not self._told_missing:
                    self._on_failed(fault)
                self._told_missing = True
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
                continue
            self._told_missing = False
            try:
                await self._speak(descriptor)
            except OSError as error:
                self._dialogue.part(f"{self.device.path} failed: {os.strerror(error.errno or errno.EIO)}")
                await self._hand_up()
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            finally:
                os.close(descriptor)

    # --- inside

    async def _speak(self, descriptor: int) -> None:
        """Read and write until the device fails (OSError)."""
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        loop.add_reader(descriptor, self._read, descriptor, failed)
        try:
            while not failed.done():
                self._woken.clear()
                await self._hand_up()
                now = self._monotonic()
                octets = self._dialogue.poll(now)
                if octets:
                    self.octets_out += len(octets)
                    _write(descriptor, octets)
                self._drained.set()
                wake = self._dialogue.wake(now)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if wake is None else max(0.0, wake - self._monotonic())):
                        await self._woken.wait()
            failed.result()
        finally:
            loop.remove_reader(descriptor)

    def _read(self, descriptor: int, failed: "asyncio.Future[None]") -> None:
        try:
            octets = os.read(descriptor, READ_OCTETS)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(descriptor, failed, error)
            return
        if not octets:
            self._fail(descriptor, failed, OSError(errno.EIO, "hung up"))
            return
        self.octets_in += len(octets)
        self._dialogue.receive(octets, self._monotonic())
        self._woken.set()

    def _fail(self, descriptor: int, failed: "asyncio.Future[None]", error: OSError) -> None:
        if not failed.done():
            failed.set_exception(error)
        asyncio.get_running_loop().remove_reader(descriptor)
        self._woken.set()

    async def _hand_up(self) -> None:
        """Tell what has happened, in order."""
        events = self._dialogue.events
        while events:
            event = events.popleft()
            match event:
                case Met():
                    self.close_reason = ""
                    self._on_open(self)
                case Parted(why):
                    self._drained.set()
                    self._on_closed(self, None if self.close_reason else BearerFault(why))
                case bytes():
                    frames = [event]
                    while events and isinstance(events[0], bytes):
                        frames.append(events.popleft())  # type: ignore[arg-type]
                    try:
                        await self._on_frames(self, frames)
                    except Fault as fault:
                        self._dialogue.part(str(fault))


def open_device(device: Device) -> int:
    """The descriptor of a terminal in raw mode, 8N1 at its speed, without flow control. Raises BearerFault."""
    try:
        descriptor = os.open(device.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise BearerFault(f"{device.path} cannot be opened: {os.strerror(error.errno or errno.EIO)}") from error
    try:
        tty.setraw(descriptor, termios.TCSANOW)  # 8 bits, no parity, no echo, nothing translated, no XON/XOFF
        attributes = termios.tcgetattr(descriptor)
        attributes[2] |= termios.CLOCAL | termios.CREAD
        attributes[2] &= ~(termios.CSTOPB | termios.CRTSCTS)
        attributes[4] = attributes[5] = SPEEDS[device.settings.speed]
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
        termios.tcflush(descriptor, termios.TCIOFLUSH)
    except termios.error as error:
        os.close(descriptor)
        raise BearerFault(f"{device.path} is no serial line: {error.args[-1]}") from error
    return descriptor


def _write(descriptor: int, octets: bytes) -> None:
    """One unit. What the kernel has no room for is lost and said again, as on any line."""
    with contextlib.suppress(BlockingIOError):
        os.write(descriptor, octets)
