"""Keeping a link to one station up: dial again and again, more and more slowly, while there is none.

Its law: no clock and no chance of its own; the delays are random, so that two stations that lose their link together
do not keep calling each other at the same moments, and a hundred do not all call the hub at once.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Never

from detente.bearers.link import Link
from detente.bearers.tls import PORT_MAX, TlsBearer
from detente.errors import BearerFault, LocalMisuse

DELAY_SECONDS_MIN = 0.2
DELAY_SECONDS_MAX = 30.0

_ADDRESS = re.compile(r"tls://(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):([1-9][0-9]{0,4})")


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `tls://host:port`; an IPv6 address stands in brackets. Raises LocalMisuse."""
    match = _ADDRESS.fullmatch(text)
    if not match or int(match[3]) > PORT_MAX:
        raise LocalMisuse(f"{text!a} is not an address; write tls://HOST:PORT")
    return match[1] or match[2], int(match[3])


class Redialler:
    """Dials `peer` at its `addresses`, (host, port), in turn, until `run` is cancelled.

    `chance()` gives a float in [0, 1); `sleep(seconds)` waits. `on_failed(address, fault)` is told of each call that
    came to nothing. The delay doubles from DELAY_SECONDS_MIN to DELAY_SECONDS_MAX, each time shortened by up to half
    by chance; it starts anew after a link that brought something, so that a listener that refuses us is not stormed.
    """

    def __init__(
        self,
        bearer: TlsBearer,
        peer: str,
        addresses: Sequence[tuple[str, int]],
        *,
        chance: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_failed: Callable[[tuple[str, int], BearerFault], None],
    ) -> None:
        if not addresses:
            raise LocalMisuse(f"{peer} has no address to dial; wait for its call, or add one by a charter amendment")
        self._bearer = bearer
        self._peer = peer
        self._addresses = addresses
        self._chance = chance
        self._sleep = sleep
        self._on_failed = on_failed

    async def run(self) -> Never:
        """Keep the link up. Raises LocalMisuse when no call can succeed, whatever the other side does (see `dial`)."""
        calls = 0
        delay = DELAY_SECONDS_MIN
        while True:
            link = self._bearer.link_to(self._peer) or await self._dial(self._addresses[calls % len(self._addresses)])
            calls += 1
            if link:
                await link.closed()
                if link.received_at is not None:
                    delay = DELAY_SECONDS_MIN
            if self._bearer.link_to(self._peer) is None:
                await self._sleep(delay * (1 - self._chance() / 2))
                delay = min(delay * 2, DELAY_SECONDS_MAX)

    async def _dial(self, address: tuple[str, int]) -> Link | None:
        try:
            return await self._bearer.dial(*address, self._peer)
        except BearerFault as fault:
            self._on_failed(address, fault)
            return None
