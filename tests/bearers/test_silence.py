"""A peer that vanishes without a word is noticed within the time given, without frames being sent for it."""

import asyncio
import ctypes
import socket
import struct
import time

import pytest

from detente.bearers.link import Link
from detente.errors import BearerFault
from tests.bearers.stations import run, two_stations, until

SO_ATTACH_FILTER = 26  # asm-generic/socket.h
SILENCE_SECONDS = 3


def deafen(link: Link) -> None:
    """Let the kernel drop every packet that comes for this link, as a cut cable does: a filter that returns 0."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    assert link._transport is not None
    connection: socket.socket = link._transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


@pytest.mark.parametrize("busy", [False, True])
def test_a_half_open_link_is_noticed(busy: bool) -> None:
    """Both ends end the link within SILENCE_SECONDS, idle or sending, and say that the other went silent."""

    async def scene() -> None:
        async with two_stations(silence_seconds=SILENCE_SECONDS) as (alfa, bravo):
            ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            ours.send(b"before")
            await until(lambda: bravo.frames)
            deafen(ours)
            deafen(bravo.link())
            cut_at = time.monotonic()
            if busy:
                ours.send(b"into the void")
            await until(lambda: alfa.closed and bravo.closed)
            assert 1 < time.monotonic() - cut_at <= SILENCE_SECONDS + 0.5
            for ((_, fault),) in (alfa.closed, bravo.closed):
                assert isinstance(fault, BearerFault)
                assert "has gone silent" in fault.text
            assert bravo.frames == [b"before"]

    run(scene())


def test_a_peer_whose_engine_stands_still_is_noticed() -> None:
    """A peer that takes nothing while we have more to send is given up too, although its kernel answers."""

    async def scene() -> None:
        async with two_stations(silence_seconds=2) as (alfa, bravo):
            ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            bravo.gate.clear()

            async def write_for_ever() -> None:
                while True:
                    ours.send(b"x" * 60_000)
                    await ours.drained()

            with pytest.raises(BearerFault, match="gone silent"):
                await write_for_ever()
            await ours.closed()
            bravo.gate.set()
            await until(lambda: bravo.closed)

    run(scene())


def test_a_quiet_link_stays() -> None:
    """A link without frames outlives the time of silence, because the other kernel answers; nobody sends anything."""

    async def scene() -> None:
        async with two_stations(silence_seconds=1) as (alfa, bravo):
            ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            await until(lambda: bravo.opened)
            octets = ours.octets_out, ours.octets_in
            await asyncio.sleep(2.5)
            assert ours.is_open
            assert bravo.link().is_open
            assert (ours.octets_out, ours.octets_in) == octets

    run(scene())
