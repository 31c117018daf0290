"""One link: a proved TLS 1.3 connection to one station, which carries frames in order, each preceded by its length.

Its law: nothing is handed up before the other side has proved which station it is; what is buffered is bounded both
ways; a link ends once, with a reason, and says so once, after the last frame that came whole. Used from one event loop.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from detente.bearers.secure_channel import SecureChannel
from detente.bearers.wire_faults import fault_of_system
from detente.crypto.certificates import certificate_fingerprint
from detente.errors import BearerFault, Fault, InternalFault, LocalMisuse, Malformed, impossible
from detente.formats.frame import FrameSplitter, length_prefix
from detente.limits import FRAME_OCTETS_MAX, HANDSHAKE_SECONDS_MAX, LINK_UNSENT_OCTETS_MAX

GOODBYE_SECONDS_MAX = 10  # how long a closed link may still send and receive what was under way
ARRIVED_OCTETS_MAX = 262_144  # frames that wait for a slow engine; beyond this we stop reading from the wire
KERNEL_UNSENT_OCTETS_MAX = 131_072  # what the kernel queues unsent: an urgent frame shall not wait behind megabytes


class Keeper(Protocol):
    """What a link needs of the bearer that keeps it."""

    def admit(self, link: "Link", certificate: bytes) -> str | None:
        """The name of the station with this certificate; None if another link to it stays instead. Raises Fault."""

    def explain(self, link: "Link", error: ssl.SSLError) -> Fault:
        """Why the handshake failed, in words."""

    def opened(self, link: "Link") -> None:
        """The link is proved and kept."""

    async def arrived(self, link: "Link", frames: list[bytes]) -> None:
        """Frames in order. The next ones come only after this returns. A Fault ends the link."""

    def ended(self, link: "Link", fault: Fault | None) -> None:
        """Called once for each link, opened or not, as its last call. No fault: either side closed it in good order."""


class _State(Enum):
    PROVING = "proving"
    OPEN = "open"
    PARTING = "parting"  # we said goodbye; what the other side had under way is still read
    ENDED = "ended"


class Link(asyncio.Protocol):
    """A link to `peer`. Frames given to `send` leave in order, or the link ends; that they left proves no delivery.

    Public: everything up to `closed`. The methods of asyncio.Protocol below it are called by the event loop only.
    """

    def __init__(
        self,
        keeper: Keeper,
        context: ssl.SSLContext,
        *,
        dialled: bool,
        expected: str,
        address: str,
        monotonic: Callable[[], float],
        silence_seconds: int,
    ) -> None:
        self.dialled = dialled  # True: we called them
        self.expected = expected  # the station that we meant to call, or ""
        self.address = address  # "host port N", for people
        self.peer = ""  # its name, once proved
        self.certificate = b""  # its DER, once proved
        self.cipher = ""
        self.group = ""
        self.is_hybrid = False  # True: the key exchange withstands a quantum computer; False is shown as "classical"
        self.opened_at: float | None = None  # seconds of the monotonic clock given
        self.received_at: float | None = None  # when the last proved octets came; until then they may still refuse us
        self.octets_in = 0  # on the wire, with TLS, without TCP
        self.octets_out = 0
        self.close_reason = ""  # ours, if we closed it
        self.admitted = False
        self._keeper = keeper
        self._channel = SecureChannel(context, dialled=dialled)
        self._monotonic = monotonic
        self._silence_seconds = silence_seconds
        self._loop = asyncio.get_running_loop()
        self._state = _State.PROVING
        self._fault: Fault | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._carrying: asyncio.Task[None] | None = None
        self._splitter = FrameSplitter()
        self._corked: list[bytes] = []
        self._corked_octets = 0
        self._uncorking: asyncio.Handle | None = None
        self._arrived: list[bytes] = []
        self._arrived_octets = 0
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._proved: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()

    def __repr__(self) -> str:
        return f"<Link {'to' if self.dialled else 'from'} {self.peer or self.address} {self._state.value}>"

    @property
    def who(self) -> str:
        """Whom we speak of, as far as it is known: the peer, the one that we meant to call, or the address."""
        return self.peer or self.expected or self.address

    @property
    def name(self) -> str:
        """SHA-256 of its certificate, in hexadecimal, once proved: what the station calls the link."""
        return certificate_fingerprint(self.certificate).hex()

    @property
    def description(self) -> str:
        """For people, once proved."""
        return f"TLS 1.3, {'hybrid' if self.is_hybrid else 'classical'}"

    @property
    def is_open(self) -> bool:
        """Whether `send` takes frames."""
        return self._state is _State.OPEN

    @property
    def is_proving(self) -> bool:
        """Whether it is not yet known who is there."""
        return self._state is _State.PROVING

    @property
    def unsent_octets(self) -> int:
        """What waits here for the network. At most LINK_UNSENT_OCTETS_MAX and one call of `send` or `send_many`."""
        waiting = self._transport.get_write_buffer_size() if self._transport else 0
        return self._corked_octets + waiting

    def send(self, frame: bytes) -> None:
        """Send one frame of 1 to FRAME_OCTETS_MAX octets. Frames sent in one turn of the event loop share TLS records.

        Raises BearerFault if the link is not open; LocalMisuse if the size is wrong or if LINK_UNSENT_OCTETS_MAX octets
        wait already (await `drained` first). Then nothing was sent.
        """
        self.send_many((frame,))

    def send_many(self, frames: Sequence[bytes]) -> None:
        """`send` for several frames, all or none."""
        if self._state is not _State.OPEN:
            raise self._fault_of_closed()
        if self.unsent_octets >= LINK_UNSENT_OCTETS_MAX:
            raise LocalMisuse(
                f"{self.peer} takes frames more slowly than they are sent; await drained() before sending more"
            )
        for frame in frames:
            if not 0 < len(frame) <= FRAME_OCTETS_MAX:
                raise LocalMisuse(f"a frame of {len(frame)} octets; it must have 1 to {FRAME_OCTETS_MAX}")
        for frame in frames:
            prefix = length_prefix(len(frame))
            self._corked += (prefix, frame)
            self._corked_octets += len(prefix) + len(frame)
        if self._uncorking is None:
            self._uncorking = self._loop.call_soon(self._uncork)

    async def drained(self) -> None:
        """Return when at most half of LINK_UNSENT_OCTETS_MAX waits here. Raises BearerFault if the link ends first."""
        self._uncork()
        await self._room.wait()
        if self._state is not _State.OPEN:
            raise self._fault_of_closed()

    def close(self, reason: str) -> None:
        """End the link in good order: what was sent still goes out, what is under way to us still arrives. Idempotent.

        If the other side does not answer in GOODBYE_SECONDS_MAX the connection is cut; that too counts as closed.
        """
        self.close_reason = self.close_reason or reason
        if self._state is _State.PROVING:
            self._end(BearerFault(f"closed here before {self.who} had proved itself: {reason}"))
        elif self._state is _State.OPEN:
            self._part()

    async def proved(self) -> None:
        """Return when the handshake is over and the keeper has chosen; raise the Fault if the link ended before."""
        await asyncio.shield(self._proved)

    async def closed(self) -> None:
        """Return when the link has ended and all that it brought has been handed up. Never raises a Fault."""
        await asyncio.shield(self._closed)

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands; the handshake must be over in HANDSHAKE_SECONDS_MAX."""
        if not isinstance(transport, asyncio.Transport):
            impossible("A TCP connection has no transport to write to")
        self._transport = transport
        if self._state is not _State.PROVING:  # given up while TCP was connecting
            self._cut()
            return
        transport.set_write_buffer_limits(LINK_UNSENT_OCTETS_MAX // 2, LINK_UNSENT_OCTETS_MAX // 4)
        host, port = (transport.get_extra_info("peername") or ("a vanished address", 0))[:2]
        self.address = self.address or f"{host} port {port}"
        notice_silence(transport.get_extra_info("socket"), self._silence_seconds)
        self._deadline = self._loop.call_later(HANDSHAKE_SECONDS_MAX, self._prove_too_late)
        if self.dialled:
            self._channel.start()
            self._flush()

    def data_received(self, data: bytes) -> None:
        """Octets from the wire."""
        if self._state is _State.ENDED:
            return
        self.octets_in += len(data)
        was_proving = self._state is _State.PROVING
        try:
            plaintext = self._channel.receive(data)
        except ssl.SSLError as error:
            self._flush()  # the alert that tells them why
            self._end(self._keeper.explain(self, error))
            return
        self._flush()
        if was_proving and self._channel.established:
            self._prove()
        if plaintext:
            self._split(plaintext)
        if self._channel.ended:
            self._hear_goodbye()

    def eof_received(self) -> bool:
        """The other side sends no more; without a goodbye before it, the link was cut short."""
        parting = self._state is _State.PARTING
        self._end(None if parting else BearerFault(f"{self.who} broke off the connection{self._hint()}"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if self._state is _State.PARTING or exc is None:
            self._end(None)
        elif isinstance(exc, OSError):
            hint = self._hint() if isinstance(exc, ConnectionError) else ""
            self._end(BearerFault(fault_of_system(exc, self.who).text + hint))
        else:
            self._end(InternalFault(f"the transport failed with {type(exc).__name__}"))
        if self._deadline:
            self._deadline.cancel()

    def pause_writing(self) -> None:
        """Half of LINK_UNSENT_OCTETS_MAX waits."""
        self._room.clear()

    def resume_writing(self) -> None:
        """A quarter of LINK_UNSENT_OCTETS_MAX waits."""
        self._room.set()

    # --- inside

    def _prove(self) -> None:
        """The handshake is over: ask the keeper who this is."""
        if self._deadline:
            self._deadline.cancel()
        self.certificate = self._channel.peer_certificate()
        self.cipher = self._channel.cipher()
        self.group, self.is_hybrid = self._channel.group()
        self._state = _State.OPEN
        try:
            name = self._keeper.admit(self, self.certificate)
        except Fault as fault:
            self._part()
            self._end(fault)
            return
        self.admitted = name is not None
        if name is None:
            self.close("another link to this station stays")
        else:
            self.peer = name
            self.opened_at = self._monotonic()
            self._carrying = self._loop.create_task(self._carry())
            self._carrying.add_done_callback(self._carried)
        if not self._proved.done():
            self._proved.set_result(None)

    async def _carry(self) -> None:
        """Hand up what arrives until the link has ended and nothing is left."""
        self._keeper.opened(self)
        while self._arrived or self._state is not _State.ENDED:
            await self._woken.wait()
            self._woken.clear()
            frames, self._arrived, self._arrived_octets = self._arrived, [], 0
            if self._transport:
                self._transport.resume_reading()
            if frames:
                await self._keeper.arrived(self, frames)

    def _carried(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._end(None)
        else:
            fault = error
            if not isinstance(fault, Fault):
                fault = InternalFault(f"the taker of frames from {self.peer} failed with {type(error).__name__}")
                fault.__cause__ = error
            self._end(fault)
            self._fault = fault  # says more than a loss of the wire in the meantime
        self._tell_ended()

    def _split(self, plaintext: bytes) -> None:
        if not self.admitted:
            return  # the other link brings it again
        self.received_at = self._monotonic()
        try:
            frames = self._splitter.feed(plaintext)
        except Malformed as fault:
            self._end(fault)  # FRAME-1
            return
        self._arrived += frames
        self._arrived_octets += sum(map(len, frames))
        if frames:
            self._woken.set()
        if self._arrived_octets >= ARRIVED_OCTETS_MAX and self._transport:
            self._transport.pause_reading()

    def _uncork(self) -> None:
        if self._uncorking:
            self._uncorking.cancel()
            self._uncorking = None
        if self._corked and self._state is _State.OPEN:
            octets = b"".join(self._corked)
            self._corked.clear()
            self._corked_octets = 0
            self._channel.send(octets)
            self._flush()

    def _flush(self) -> None:
        octets = self._channel.outgoing()
        if octets and self._transport:
            self.octets_out += len(octets)
            self._transport.write(octets)

    def _part(self) -> None:
        """Send what is corked, say goodbye, and give the other side time to do the same."""
        self._uncork()
        self._state = _State.PARTING
        self._room.set()
        self._channel.say_goodbye()
        self._flush()
        self._deadline = self._loop.call_later(GOODBYE_SECONDS_MAX, self._cut)
        try:
            if self._transport:
                self._transport.write_eof()
        except OSError:
            self._cut()  # the other side broke off already; connection_lost follows

    def _hear_goodbye(self) -> None:
        if self._state is _State.OPEN:
            self._part()
        self._end(None)

    def _end(self, fault: Fault | None) -> None:
        """The link is over. What the transport still holds may go out for GOODBYE_SECONDS_MAX."""
        if self._state is _State.ENDED:
            return
        self._state = _State.ENDED
        self._fault = fault
        self._corked.clear()
        self._corked_octets = 0
        self._room.set()
        self._woken.set()
        if self._deadline:
            self._deadline.cancel()
        if self._transport:
            self._transport.close()
            self._deadline = self._loop.call_later(GOODBYE_SECONDS_MAX, self._cut)
        if not self._proved.done() and not self.admitted:
            self._proved.set_exception(fault or BearerFault(f"{self.who} broke off the connection"))
            self._proved.exception()  # known, even if nobody waits for it
        if self._carrying is None:
            self._tell_ended()

    def _tell_ended(self) -> None:
        if not self._closed.done():
            self._closed.set_result(None)
            self._keeper.ended(self, self._fault)

    def _cut(self) -> None:
        if self._transport:
            self._transport.abort()

    def _prove_too_late(self) -> None:
        self._end(BearerFault(f"{self.who} did not prove itself within {HANDSHAKE_SECONDS_MAX} s"))

    def _hint(self) -> str:
        """TLS 1.3 lets a dialler think that it is through before the listener has looked at its certificate."""
        if self.dialled and self.admitted and self.received_at is None:
            return " before saying anything; perhaps it does not know our certificate: compare the charters"
        return ""

    def _fault_of_closed(self) -> BearerFault:
        if isinstance(self._fault, BearerFault):
            return BearerFault(self._fault.text)
        return BearerFault(f"the link to {self.who} is closed; use the next one")


def notice_silence(connection: socket.socket, seconds: int) -> None:
    """Let the kernel end the connection when the other side's kernel has not answered for `seconds`; needs no frames.

    Keepalive probes find a peer that vanished while nothing was being sent; TCP_USER_TIMEOUT (RFC 5482) one that
    vanished while something was. It also decides when probes have failed, so one interval is taken off it.
    A peer whose kernel answers but whose engine takes nothing for that long, while we have more to send, ends likewise.
    """
    interval = max(1, seconds // 9)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, seconds // 3))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, seconds - interval) * 1000)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_UNSENT_OCTETS_MAX)
