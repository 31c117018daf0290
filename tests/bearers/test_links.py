"""A link carries frames in order, both ways, bounded, and ends once."""

import asyncio

import pytest

from detente.bearers.link import ARRIVED_OCTETS_MAX, Link
from detente.errors import BearerFault, InternalFault, LocalMisuse, Malformed
from detente.limits import FRAME_OCTETS_MAX, LINK_UNSENT_OCTETS_MAX
from tests.bearers.stations import Station, run, two_stations, until


async def dialled(alfa: Station, bravo: Station) -> tuple[Link, Link]:
    """The two ends of a link that alfa dialled."""
    ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
    await until(lambda: bravo.bearer.link_to("alfa"))
    return ours, bravo.link()


@pytest.mark.parametrize("octets", [1, 1_000, 60_000, FRAME_OCTETS_MAX])
def test_a_frame_goes_there_and_back(octets: int) -> None:
    """Each size of frame arrives whole, both ways, and both ends know each other."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, theirs = await dialled(alfa, bravo)
            frame = bytes(index % 251 for index in range(octets))
            ours.send(frame)
            await until(lambda: bravo.frames)
            theirs.send(bravo.frames[0])
            await until(lambda: alfa.frames)
            assert alfa.frames == [frame]
            assert (ours.peer, ours.dialled, theirs.peer, theirs.dialled) == ("bravo", True, "alfa", False)
            assert ours.certificate == bravo.identity.certificate
            assert theirs.certificate == alfa.identity.certificate
            assert alfa.opened == [ours]
            assert ours.received_at is not None
            assert ours.cipher.startswith("TLS_")
            assert ours.octets_out == theirs.octets_in > octets
            assert ours.octets_in == theirs.octets_out > octets

    run(scene())


def test_the_key_exchange_is_named_alike_at_both_ends() -> None:
    """A link is shown as classical or hybrid by what was agreed, which the standard library does not tell."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, theirs = await dialled(alfa, bravo)
            assert (ours.group, ours.is_hybrid) == (theirs.group, theirs.is_hybrid)
            assert ours.group in ("X25519", "X25519MLKEM768")

    run(scene())


def test_five_thousand_frames_keep_their_order() -> None:
    """Frames of many sizes arrive all, once, in order."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, _ = await dialled(alfa, bravo)
            sent = [number.to_bytes(4) * (1 + number % 300) for number in range(5_000)]
            for frame in sent:
                ours.send(frame)
                await ours.drained()
            await until(lambda: len(bravo.frames) == len(sent))
            assert bravo.frames == sent

    run(scene())


def test_frames_of_one_turn_share_one_record() -> None:
    """Ten small frames sent in one turn cost one TLS record: 22 octets more than they and their lengths."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, _ = await dialled(alfa, bravo)
            before = ours.octets_out
            for _ in range(10):
                ours.send(b"x" * 50)
            await until(lambda: len(bravo.frames) == 10)
            assert ours.octets_out - before == 10 * 51 + 22

    run(scene())


def test_a_stuck_reader_stops_the_writer() -> None:
    """What waits is bounded at both ends while the other engine is stuck, and all arrives when it goes on."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, theirs = await dialled(alfa, bravo)
            bravo.gate.clear()
            frame = b"x" * 60_000
            count = 0

            async def write() -> None:
                nonlocal count
                while True:
                    await ours.drained()
                    ours.send(frame)
                    count += 1

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(write(), 1.5)
            assert 0 < ours.unsent_octets <= LINK_UNSENT_OCTETS_MAX + len(frame)
            assert sum(map(len, theirs._arrived)) <= ARRIVED_OCTETS_MAX + FRAME_OCTETS_MAX + 262_144
            while ours.unsent_octets < LINK_UNSENT_OCTETS_MAX:
                ours.send(frame)
                count += 1
            with pytest.raises(LocalMisuse, match="await drained"):
                ours.send(frame)
            bravo.gate.set()
            await until(lambda: len(bravo.frames) == count)
            await ours.drained()
            assert ours.is_open

    run(scene())


def test_a_frame_of_a_wrong_size_is_not_sent() -> None:
    """Nothing of a batch is sent if one of its frames is empty or too large."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, _ = await dialled(alfa, bravo)
            for wrong in (b"", b"x" * (FRAME_OCTETS_MAX + 1)):
                with pytest.raises(LocalMisuse):
                    ours.send_many([b"good", wrong])
            ours.send(b"after")
            await until(lambda: bravo.frames)
            assert bravo.frames == [b"after"]

    run(scene())


def test_closing_during_a_big_write_loses_nothing() -> None:
    """What was sent before `close` arrives, from both sides, and both ends see an end in good order."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, theirs = await dialled(alfa, bravo)
            big = [bytes([number]) * 60_000 for number in range(16)]
            ours.send_many(big)
            theirs.send_many(big)
            ours.close("enough")
            ours.close("again")
            await ours.closed()
            await theirs.closed()
            assert alfa.frames == bravo.frames == big
            assert alfa.closed == [(ours, None)]
            assert bravo.closed == [(theirs, None)]
            assert ours.close_reason == "enough"

    run(scene())


def test_send_after_close_is_refused() -> None:
    """A closed link takes no frames and lets nobody wait for ever, at either end."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, theirs = await dialled(alfa, bravo)
            ours.close("test")
            await theirs.closed()
            for link in (ours, theirs):
                with pytest.raises(BearerFault, match="closed"):
                    link.send(b"late")
                with pytest.raises(BearerFault, match="closed"):
                    await link.drained()
            assert alfa.bearer.link_to("bravo") is None

    run(scene())


def test_frame_1_an_oversize_frame_ends_only_its_link() -> None:
    """FRAME-1: a hostile peer that announces a frame of 65,537 octets loses its link before the frame is buffered."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, theirs = await dialled(alfa, bravo)
            ours._channel.send((0x8000_0000 | (FRAME_OCTETS_MAX + 1)).to_bytes(4) + b"x" * 100)
            ours._flush()
            await theirs.closed()
            ((_, fault),) = bravo.closed
            assert isinstance(fault, Malformed)
            await ours.closed()
            again, _ = await dialled(alfa, bravo)
            again.send(b"well formed")
            await until(lambda: bravo.frames)
            assert bravo.frames == [b"well formed"]

    run(scene())


def test_a_fault_of_the_taker_ends_the_link() -> None:
    """A rule broken in a frame ends its link with that fault; a bug of the taker is told as one, with its cause."""

    async def scene() -> None:
        for error, kind in ((Malformed("no CBOR", rule="FRAME-1"), Malformed), (KeyError("bug"), InternalFault)):
            async with two_stations() as (alfa, bravo):

                async def fail(_link: Link, _frames: list[bytes], error: Exception = error) -> None:
                    raise error

                bravo.bearer._on_frames = fail
                ours, theirs = await dialled(alfa, bravo)
                ours.send(b"anything")
                await theirs.closed()
                await ours.closed()
                ((_, fault),) = bravo.closed
                assert type(fault) is kind
                assert fault is error or fault.__cause__ is error

    run(scene())


def test_a_lost_connection_is_told_at_both_ends() -> None:
    """A connection that is cut without a goodbye is a fault; whole frames that came before are still handed up."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, theirs = await dialled(alfa, bravo)
            ours.send(b"last words")
            await until(lambda: bravo.frames)
            ours._cut()
            await theirs.closed()
            ((_, fault),) = bravo.closed
            assert isinstance(fault, BearerFault)
            assert "alfa broke off" in fault.text
            assert bravo.frames == [b"last words"]

    run(scene())


def test_closing_the_bearer_closes_all_links() -> None:
    """After `close` there are no links, and nothing more can be asked of the bearer."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours, _ = await dialled(alfa, bravo)
            ours.send(b"before the end")
            await alfa.bearer.close()
            await alfa.bearer.close()
            assert alfa.closed == [(ours, None)]
            assert alfa.bearer.links() == []
            await until(lambda: bravo.closed)
            assert bravo.frames == [b"before the end"]
            with pytest.raises(LocalMisuse, match="closed"):
                await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")

    run(scene())
