"""Two stations on one serial line, in virtual time: every speed, bit errors, losses, restarts, and how long a FLASH takes."""

import random

import pytest

from detente.bearers.dialogue import MISSES_MAX, Met, Parted, Settings
from detente.bearers.units import UNIT_OCTETS_MAX, Data, Stream, encode_unit
from detente.errors import LocalMisuse
from tests.bearers.serial_world import SerialWorld

SPEEDS = (75, 300, 1_200, 2_400, 9_600)


def met(**settings: float) -> SerialWorld:
    """Two ends that have met; the line is silent again."""
    world = SerialWorld(**settings)  # type: ignore[arg-type]
    world.run(lambda: all(end.dialogue.is_met for end in world.ends), 100_000 / world.speed)
    for end in world.ends:
        assert end.events[-1][1] == Met()
    return world


def frames_of(seed: int, *sizes: int) -> list[bytes]:
    """Frames that are all different."""
    chance = random.Random(seed)
    return [chance.randbytes(size) for size in sizes]


@pytest.mark.parametrize("half_duplex", [True, False])
@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("bit_errors", [0.0, 1e-4, 5e-4])
def test_frames_arrive_whole_in_order_and_once(speed: int, *, half_duplex: bool, bit_errors: float) -> None:
    """SERIAL-4, SERIAL-6, SERIAL-8: both ways at once, whatever the line does to units."""
    for seed in range(3):
        world = met(speed=speed, half_duplex=half_duplex, bit_errors=bit_errors, seed=seed)
        sent = [frames_of(seed, 1, 300, 4_000, 65), frames_of(seed + 1, 900, 2, 2_000)]
        for end, frames in zip(world.ends, sent, strict=True):
            for frame in frames:
                end.dialogue.submit(frame, urgent=False)
        world.run(lambda world=world: all(end.dialogue.is_settled for end in world.ends), 40_000_000 / speed)  # type: ignore[misc]
        assert world.ends[1].frames == sent[0]
        assert world.ends[0].frames == sent[1]
        assert all(octets <= UNIT_OCTETS_MAX for end in world.ends for _, octets in end.written)


@pytest.mark.parametrize("half_duplex", [True, False])
def test_a_line_with_nothing_to_say_is_silent(*, half_duplex: bool) -> None:
    """SERIAL-6, SERIAL-8: no pings."""
    world = met(half_duplex=half_duplex)
    world.ends[0].dialogue.submit(b"frame", urgent=False)
    world.run(lambda: all(end.dialogue.is_settled for end in world.ends), 60)
    world.run(lambda: all(end.dialogue.wake(world.now) is None for end in world.ends), 60)
    assert world.ends[1].frames == [b"frame"]


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("half_duplex", [True, False])
@pytest.mark.parametrize("both_ways", [True, False])
def test_a_flash_waits_for_one_unit_and_a_turnaround(speed: int, *, half_duplex: bool, both_ways: bool) -> None:
    """SERIAL-7, invariant 13: longest unit + turnaround + its own time, whenever it comes and whichever side writes it."""
    turnaround_s = 0.1
    chance = random.Random(speed)
    flash = chance.randbytes(212)
    own = len(encode_unit(Data(Stream.URGENT, 0, b"\x40" + bytes(1) + flash), b"0000"))
    seconds = Settings(speed, half_duplex, turnaround_s, first=True).seconds
    bound = seconds(UNIT_OCTETS_MAX) + (turnaround_s if half_duplex else 0) + seconds(own)
    for author in (0, 1):
        world = met(speed=speed, half_duplex=half_duplex, turnaround_s=turnaround_s)
        for end in world.ends if both_ways else world.ends[:1]:
            end.dialogue.submit(bytes(60_000), urgent=False)
        writer, reader = world.ends[author].dialogue, world.ends[1 - author]
        for _ in range(15):
            begin = world.now + chance.uniform(3, 9) * seconds(UNIT_OCTETS_MAX)
            world.run(lambda world=world, begin=begin: world.now >= begin, 1e6)  # type: ignore[misc]
            said, count = world.now, len(reader.frames)
            writer.submit(flash, urgent=True)
            world.run(lambda reader=reader, count=count: len(reader.frames) > count, 1e6)  # type: ignore[misc]
            arrived, frame = reader.events[-1]
            assert frame == flash
            assert arrived - said <= bound + 1e-3
        assert not world.ends[0].dialogue.is_settled  # bulk was under way all the time


def test_a_flash_goes_ahead_of_a_lost_bulk_unit() -> None:
    """SERIAL-7: what is missing of the bulk stream does not hold up the urgent one."""
    world = met(half_duplex=True)
    world.ends[0].dialogue.submit(bytes(2_000), urgent=False)
    world.is_cut = True
    world.run(lambda: len(world.ends[0].written) > 3, 60)
    world.is_cut = False
    world.ends[0].dialogue.submit(b"flash", urgent=True)
    world.run(lambda: bool(world.ends[1].frames), 60)
    assert world.ends[1].frames == [b"flash"]
    world.run(lambda: len(world.ends[1].frames) == 2, 60)


def test_no_bulk_frame_overtakes_an_urgent_one_said_before() -> None:
    """SERIAL-7: so HELLO comes before what needs it, also where its unit is lost."""
    for seed in range(20):
        world = met(bit_errors=2e-3, seed=seed)
        world.ends[0].dialogue.submit(b"greeting" * 20, urgent=True)
        world.ends[0].dialogue.submit(b"bulk", urgent=False)
        world.run(lambda world=world: len(world.ends[1].frames) == 2, 600)  # type: ignore[misc]
        assert world.ends[1].frames[0] == b"greeting" * 20


@pytest.mark.parametrize("half_duplex", [True, False])
def test_both_begin_at_once_and_find_to_each_other(*, half_duplex: bool) -> None:
    """SERIAL-6: two voices at once garble each other; the first station speaks again, the second waits longer."""
    world = met(half_duplex=half_duplex)
    world.run(lambda: all(end.dialogue.wake(world.now) is None for end in world.ends), 60)
    for end in world.ends:
        end.dialogue.submit(bytes(500), urgent=False)
    world.run(lambda: all(end.dialogue.is_settled for end in world.ends), 60)


@pytest.mark.parametrize("half_duplex", [True, False])
def test_a_restart_begins_a_new_meeting(*, half_duplex: bool) -> None:
    """SERIAL-5: what one end forgot, the other one drops; both say so, and frames flow again."""
    for place in (0, 1):
        world = met(half_duplex=half_duplex)
        world.ends[0].dialogue.submit(bytes(1_000), urgent=False)
        world.run(lambda world=world: len(world.ends[0].written) > 4, 60)  # type: ignore[misc]
        world.restart(place)
        other = world.ends[1 - place]
        world.run(lambda other=other: other.events[-1][1] == Met() and len(other.events) > 2, 200)  # type: ignore[misc]
        assert [event for _, event in other.events if isinstance(event, Parted)]
        world.run(lambda world=world: all(end.dialogue.is_met for end in world.ends), 60)  # type: ignore[misc]
        world.ends[0].dialogue.submit(b"again", urgent=False)
        world.run(lambda world=world: b"again" in world.ends[1].frames, 60)  # type: ignore[misc]


@pytest.mark.parametrize("half_duplex", [True, False])
def test_a_dead_line_is_noticed_by_who_speaks_and_comes_back(*, half_duplex: bool) -> None:
    """SERIAL-5: after MISSES_MAX calls without an answer; then it calls, ever more rarely, until somebody answers."""
    world = met(half_duplex=half_duplex)
    world.is_cut = True
    world.ends[0].dialogue.submit(b"lost", urgent=True)
    world.run(lambda: not world.ends[0].dialogue.is_met, 200)
    assert isinstance(world.ends[0].events[-1][1], Parted)
    assert str(MISSES_MAX) in str(world.ends[0].events[-1][1])
    with pytest.raises(LocalMisuse):
        world.ends[0].dialogue.submit(b"x", urgent=True)
    end, count = world.now + 600, len(world.ends[0].written)
    world.run(lambda: world.now > end, 700)
    assert len(world.ends[0].written) - count < 60
    world.is_cut = False
    world.run(lambda: all(one.dialogue.is_met for one in world.ends), 120)


def test_noise_without_end_holds_nobody_up() -> None:
    """SERIAL-6: an open squelch is no voice."""
    world = met()
    end = world.ends[0].dialogue
    end.submit(b"frame", urgent=False)
    now, written = world.now, b""
    while not written:
        now += 0.01
        assert now < world.now + 60
        end.receive(b"\x55", now)
        written = end.poll(now)


def test_a_stream_that_holds_no_frames_ends_the_meeting() -> None:
    """FRAME-1: and harms nothing else."""
    world = met()
    octets = encode_unit(Data(Stream.BULK, 0, bytes(9)), world.ends[1].dialogue._meeting(ours_first=True))
    world.ends[0].dialogue.receive(octets, world.now)
    assert isinstance(world.ends[0].dialogue.events[-1], Parted)
    world.run(lambda: all(one.dialogue.is_met for one in world.ends), 60)


@pytest.mark.parametrize(("speed", "turnaround_s"), [(74, 0.1), (2_400, -1), (2_400, 61)])
def test_settings_that_no_line_has(speed: int, turnaround_s: float) -> None:
    """Named, not guessed."""
    with pytest.raises(LocalMisuse):
        Settings(speed, half_duplex=True, turnaround_s=turnaround_s, first=True)
