"""The local socket, as the running station serves it: one JSON object a line in, one a line out, in the order asked.

It keeps: up to a bound a client may ask ahead of its answers, and ahead of reading them, beyond which we read no more;
answers that are ready together leave together. What an operation means is not asked here (`desk.py`).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from detente.errors import Fault, LocalMisuse
from detente.limits import LOCAL_REQUESTS_UNDER_WAY_MAX
from detente.station.requests import read_request

REQUEST_OCTETS_MAX = 4_194_304  # one line on the local socket: a long text, or a charter

Answer = dict[str, Any] | Fault
Perform = Callable[[str, dict[str, Any], Callable[[Answer], None]], None]

log = structlog.get_logger()
_write_answer = msgspec.json.Encoder().encode


class _Slot:
    """The place of one request in the order of answers."""

    __slots__ = ("octets",)

    def __init__(self) -> None:
        self.octets: bytes | None = None  # the answer's line, once it is known


class LocalConnection(asyncio.Protocol):
    """One client. `perform` begins an operation and calls back once, now or later, with its answer."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._slots: deque[_Slot] = deque()
        self._flushing = False
        self._has_room = True  # the client reads what we write
        self._ended = False  # the client sends no more

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Octets of requests."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._begin(line)
        if len(self._rest) > REQUEST_OCTETS_MAX:
            log.warning("a request on the local socket was too long")
            self._rest = b""
            self._end()
        self._pace()

    def eof_received(self) -> bool:
        """No more requests; those that are under way are still answered."""
        if self._rest:
            log.warning("a request on the local socket broke off")
        self._end()
        return True

    def pause_writing(self) -> None:
        """The client does not read its answers: they wait in their places, and count as under way."""
        self._has_room = False

    def resume_writing(self) -> None:
        """It reads again."""
        self._has_room = True
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone. What it asked for is done all the same."""
        del exc
        self._transport = None

    # --- inside

    def _begin(self, line: bytes) -> None:
        slot = _Slot()
        self._slots.append(slot)

        def give(answer: Answer) -> None:
            if isinstance(answer, Fault):
                said = {"fault": {"code": answer.code, "rule": answer.rule, "text": answer.text}}
            else:
                said = {"answer": answer}
            slot.octets = _write_answer(said) + b"\n"
            if not self._flushing:
                self._flushing = True
                self._loop.call_soon(self._flush)

        try:
            operation, arguments = read_request(line)
        except LocalMisuse as fault:
            give(fault)
            return
        self._perform(operation, arguments, give)

    def _flush(self) -> None:
        """Write the answers that are next in order."""
        self._flushing = False
        ready = []
        while self._has_room and self._slots and self._slots[0].octets is not None:
            ready.append(self._slots.popleft().octets or b"")
        if self._transport is not None and ready:
            self._transport.write(b"".join(ready))
        self._pace()
        if self._ended:
            self._end()

    def _pace(self) -> None:
        """Read on only while another request may be under way."""
        if self._transport is None or self._transport.is_closing():
            return
        if not self._ended and len(self._slots) < LOCAL_REQUESTS_UNDER_WAY_MAX:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _end(self) -> None:
        """Close when everything asked is answered."""
        self._ended = True
        if self._transport is not None and not self._slots:
            self._transport.close()
