"""A lost link is dialled again, more and more slowly, and never while one stands."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sized
from functools import partial

import pytest

from detente.bearers.redial import DELAY_SECONDS_MAX, DELAY_SECONDS_MIN, Redialler, parse_address
from detente.errors import LocalMisuse
from tests.bearers.stations import make_station, run, two_stations, until


class Sleeps:
    """Takes the place of sleeping: keeps the delays asked for and takes almost no time."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Keep the delay."""
        self.seconds.append(seconds)
        await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running(redialler: Redialler) -> AsyncIterator[None]:
    """A redialler at work, stopped at the end."""
    task = asyncio.create_task(redialler.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def counted(things: Sized, count: int) -> bool:
    """Whether there are so many."""
    return len(things) == count


def test_a_lost_link_is_dialled_again() -> None:
    """Each time a link ends another is made, after the shortest delay if the last one brought something."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            sleeps = Sleeps()
            redialler = Redialler(
                alfa.bearer,
                "bravo",
                [("127.0.0.1", bravo.port)],
                chance=lambda: 0.0,
                sleep=sleeps,
                on_failed=lambda _address, _fault: None,
            )
            async with running(redialler):
                for count in range(1, 4):
                    await until(partial(counted, bravo.opened, count))
                    bravo.opened[-1].send(b"hello")
                    await until(partial(counted, alfa.frames, count))
                    bravo.opened[-1].close("test")
                await until(partial(counted, alfa.opened, 4))
            assert sleeps.seconds == [DELAY_SECONDS_MIN] * 3

    run(scene())


def test_delays_grow_to_their_maximum_and_addresses_take_turns() -> None:
    """Failed calls double the delay up to 30 s, chance takes up to half of it away, and each address has its turn."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            await bravo.bearer.close()
            failed: list[tuple[str, int]] = []
            sleeps = Sleeps()
            chances = itertools.cycle([0.0, 0.999_999])
            addresses = [("127.0.0.1", bravo.port), ("127.0.0.2", bravo.port)]
            redialler = Redialler(
                alfa.bearer,
                "bravo",
                addresses,
                chance=lambda: next(chances),
                sleep=sleeps,
                on_failed=lambda address, _fault: failed.append(address),
            )
            async with running(redialler):
                await until(lambda: len(sleeps.seconds) >= 12)
            assert failed[:4] == addresses * 2
            full = [min(DELAY_SECONDS_MIN * 2**count, DELAY_SECONDS_MAX) for count in range(12)]
            assert sleeps.seconds[0:12:2] == full[0::2]
            assert sleeps.seconds[1:12:2] == pytest.approx([delay / 2 for delay in full[1::2]], rel=1e-4)

    run(scene())


def test_a_listener_that_refuses_us_is_not_stormed() -> None:
    """In TLS 1.3 a refused dialler has a link for a moment; that does not make the delay start anew."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            bravo.bearer.distrust(alfa.identity.certificate)
            sleeps = Sleeps()
            redialler = Redialler(
                alfa.bearer,
                "bravo",
                [("127.0.0.1", bravo.port)],
                chance=lambda: 0.0,
                sleep=sleeps,
                on_failed=lambda _address, _fault: None,
            )
            async with running(redialler):
                await until(lambda: len(sleeps.seconds) >= 5)
            assert sleeps.seconds[:5] == [DELAY_SECONDS_MIN * 2**count for count in range(5)]

    run(scene())


def test_a_link_that_came_to_us_is_enough() -> None:
    """While the peer's own call stands, nobody is dialled; both stations redialling settle on one link."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            tasks = contextlib.AsyncExitStack()
            async with tasks:
                for caller, called in ((alfa, bravo), (bravo, alfa)):
                    redialler = Redialler(
                        caller.bearer,
                        called.name,
                        [("127.0.0.1", called.port)],
                        chance=lambda: 0.5,
                        on_failed=lambda _address, _fault: None,
                    )
                    await tasks.enter_async_context(running(redialler))
                await asyncio.sleep(0.5)
                ours, theirs = alfa.link(), bravo.link()
                await asyncio.sleep(0.3)
                assert alfa.link() is ours
                assert bravo.link() is theirs
                assert ours.dialled is not theirs.dialled
                assert len(alfa.opened) <= 2
            assert all(fault is None for _, fault in alfa.closed + bravo.closed)

    run(scene())


def test_our_own_old_certificate_stops_the_redialler() -> None:
    """What no call can mend is told at once and not tried for ever."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            old = make_station(
                alfa.identity, "alfa", {"bravo": bravo.identity.certificate}, now_s=lambda: 4_000_000_000.0
            )
            redialler = Redialler(
                old.bearer,
                "bravo",
                [("127.0.0.1", bravo.port)],
                chance=lambda: 0.5,
                on_failed=lambda _address, _fault: None,
            )
            with pytest.raises(LocalMisuse, match="ran out"):
                await redialler.run()
            with pytest.raises(LocalMisuse, match="no address"):
                Redialler(old.bearer, "bravo", [], chance=lambda: 0.5, on_failed=lambda _address, _fault: None)

    run(scene())


def test_addresses_are_read_strictly() -> None:
    """spec/3: `tls://host:port`, and nothing else."""
    assert parse_address("tls://station.example.org:7443") == ("station.example.org", 7443)
    assert parse_address("tls://[2001:db8::1]:1") == ("2001:db8::1", 1)
    for wrong in (
        "station.example.org:7443",
        "tls://h:0",
        "tls://h:65536",
        "tls://h",
        "tls://h:1/path",
        "tls://user@h:1",
        "tls://2001:db8::1:1",
        "TLS://h:1",
        "tls://h:1\n",
        "",
    ):
        with pytest.raises(LocalMisuse):
            parse_address(wrong)
