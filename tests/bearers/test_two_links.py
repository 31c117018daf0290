"""Between two stations at most one link stays, and both choose the same."""

import asyncio
import itertools

import pytest

from detente.bearers import tls
from detente.crypto.certificates import certificate_fingerprint
from detente.errors import BearerFault
from tests.bearers.stations import Station, run, two_stations, until


def by_fingerprint(alfa: Station, bravo: Station) -> tuple[Station, Station]:
    """Both stations, the one with the smaller fingerprint first."""
    first, second = sorted((alfa, bravo), key=lambda station: certificate_fingerprint(station.identity.certificate))
    return first, second


@pytest.mark.parametrize("delay_ms", [0, 1, 2, 5, 20])
def test_both_dial_at_once(delay_ms: int) -> None:
    """The link dialled by the station with the smaller fingerprint stays; none ends in a fault."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            first, second = by_fingerprint(alfa, bravo)

            async def later() -> None:
                await asyncio.sleep(delay_ms / 1_000)
                await first.bearer.dial("127.0.0.1", second.port, second.name)

            await asyncio.gather(second.bearer.dial("127.0.0.1", first.port, first.name), later())
            await until(lambda: len(first.bearer._alive) == len(second.bearer._alive) == 1)
            assert first.link().dialled
            assert not second.link().dialled
            first.link().send(b"there")
            second.link().send(b"and back")
            await until(lambda: first.frames and second.frames)
            assert all(fault is None for _, fault in itertools.chain(alfa.closed, bravo.closed))
            assert alfa.refused == bravo.refused == []

    run(scene())


def test_the_link_that_goes_loses_nothing() -> None:
    """Frames that were being sent on the link that is given up arrive before it is closed."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            first, second = by_fingerprint(alfa, bravo)
            old = await second.bearer.dial("127.0.0.1", first.port, first.name)
            await until(first.bearer.links)
            frames = [bytes([number]) * 60_000 for number in range(16)]
            first.link().send_many(frames)
            old.send_many(frames)
            new = await first.bearer.dial("127.0.0.1", second.port, second.name)
            await old.closed()
            await until(lambda: first.closed)
            assert first.frames == second.frames == frames
            assert first.link() is new
            assert second.closed == [(old, None)]

    run(scene())


@pytest.mark.parametrize("turned_round", [False, True])
def test_a_station_that_dials_again_has_lost_its_link(turned_round: bool) -> None:
    """A second call of the same station replaces the first, whatever the fingerprints."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            caller, called = (bravo, alfa) if turned_round else (alfa, bravo)
            old = await caller.bearer.dial("127.0.0.1", called.port, called.name)
            await until(called.bearer.links)
            new = await caller.bearer.dial("127.0.0.1", called.port, called.name)
            assert new is not old
            await old.closed()
            await until(lambda: len(called.bearer._alive) == 1)
            assert called.link().is_open
            assert caller.closed == [(old, None)]

    run(scene())


def test_a_call_long_after_replaces_the_link_that_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that restarted unnoticed gets through at once, though the rule for two calls at once is against it."""
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS_MAX", 0.2)

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            first, second = by_fingerprint(alfa, bravo)
            old = await first.bearer.dial("127.0.0.1", second.port, second.name)
            await until(second.bearer.links)
            await asyncio.sleep(0.25)
            new = await second.bearer.dial("127.0.0.1", first.port, first.name)
            assert new.dialled
            await old.closed()
            assert second.link() is new

    run(scene())


def test_a_call_that_is_cancelled_leaves_nothing() -> None:
    """Whoever gives up waiting for `dial` leaves no half-made link behind."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            for turns in range(8):
                call = asyncio.create_task(alfa.bearer.dial("127.0.0.1", bravo.port, "bravo"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            await asyncio.sleep(0.05)
            assert len(alfa.bearer._alive) <= 1
            assert all(link.is_open for link in alfa.bearer._alive)
            assert not any(isinstance(fault, BearerFault) for _, fault in alfa.closed)

    run(scene())
