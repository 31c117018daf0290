"""What the tests of the TLS bearer share: stations with real certificates, and what each of them heard."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

from detente.bearers.link import Link
from detente.bearers.tls import Identity, TlsBearer
from detente.crypto.certificates import make_certificate
from detente.crypto.signing import SigningKey
from detente.errors import Fault

DAY_SECONDS = 86_400
TEST_SECONDS_MAX = 30
_serials = itertools.count(1)


def make_identity(name: str, *, from_day: int = -1, to_day: int = 1) -> Identity:
    """A station's certificate and key, valid from and to days counted from now."""
    number = next(_serials)
    seed = number.to_bytes(32)
    now = int(time.time())
    begins, ends = now + from_day * DAY_SECONDS, now + to_day * DAY_SECONDS
    return Identity(make_certificate(seed, name, begins, ends, number), SigningKey(seed))


@dataclass
class Station:
    """A bearer and all that it told."""

    name: str
    identity: Identity
    bearer: TlsBearer
    port: int = 0
    frames: list[bytes] = field(default_factory=list)
    opened: list[Link] = field(default_factory=list)
    closed: list[tuple[Link, Fault | None]] = field(default_factory=list)
    refused: list[Fault] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # while it is clear, the engine is stuck

    def link(self) -> Link:
        """The only open link."""
        (link,) = self.bearer.links()
        return link


def make_station(
    identity: Identity,
    name: str,
    trusted: dict[str, bytes],
    *,
    take: Callable[[Link, list[bytes]], Awaitable[None]] | None = None,
    silence_seconds: int = 90,
    now_s: Callable[[], float] = time.time,
) -> Station:
    """A station that keeps the frames it gets, or hands them to `take`."""

    async def keep(link: Link, frames: list[bytes]) -> None:
        await station.gate.wait()
        station.frames += frames
        if take:
            await take(link, frames)

    opened: list[Link] = []
    bearer = TlsBearer(
        identity,
        trusted,
        on_frames=keep,
        on_open=opened.append,
        on_closed=lambda link, fault: station.closed.append((link, fault)),
        on_refused=lambda _address, fault: station.refused.append(fault),
        silence_seconds=silence_seconds,
        now_s=now_s,
    )
    station = Station(name, identity, bearer, opened=opened)
    station.gate.set()
    return station


@contextlib.asynccontextmanager
async def two_stations(*, silence_seconds: int = 90) -> AsyncIterator[tuple[Station, Station]]:
    """alfa and bravo, who trust each other and listen on the loopback."""
    alfa_identity, bravo_identity = make_identity("alfa"), make_identity("bravo")
    alfa = make_station(alfa_identity, "alfa", {"bravo": bravo_identity.certificate}, silence_seconds=silence_seconds)
    bravo = make_station(bravo_identity, "bravo", {"alfa": alfa_identity.certificate}, silence_seconds=silence_seconds)
    async with listening(alfa), listening(bravo):
        yield alfa, bravo


@contextlib.asynccontextmanager
async def listening(station: Station) -> AsyncIterator[Station]:
    """A station that listens on the loopback, closed at the end."""
    station.port = await station.bearer.listen("127.0.0.1", 0)
    try:
        yield station
    finally:
        station.gate.set()
        await station.bearer.close()


async def until(holds: Callable[[], object]) -> None:
    """Wait until `holds()` is true."""
    while not holds():  # noqa: ASYNC110 - scenes watch what any of a dozen callbacks kept
        await asyncio.sleep(0.002)


def run(scene: Coroutine[object, object, None]) -> None:
    """Play a scene, for at most TEST_SECONDS_MAX."""
    asyncio.run(asyncio.wait_for(scene, TEST_SECONDS_MAX))
