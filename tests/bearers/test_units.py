"""Units of a serial line: their size, their framing, and that damaged or foreign ones are as if never sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.bearers.units import (
    ACK_OCTETS,
    PAYLOAD_OCTETS_MAX,
    UNIT_OCTETS_MAX,
    Ack,
    Data,
    Heard,
    Start,
    Stream,
    Unit,
    UnitSplitter,
    decode_unit,
    encode_unit,
    stuffed,
    unstuffed,
)

MEETING = bytes([1, 2, 3, 4])

numbers = st.integers(0, 63)
units = st.one_of(
    st.builds(Data, st.sampled_from(Stream), numbers, st.binary(min_size=1, max_size=PAYLOAD_OCTETS_MAX)),
    st.builds(
        Ack,
        st.builds(Heard, numbers, st.integers(0, 255)),
        st.builds(Heard, numbers, st.integers(0, 65_535)),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(Start, st.integers(1, 65_535), st.integers(0, 65_535), st.booleans()),
)


@given(st.binary(max_size=253))
def test_the_framing_costs_one_octet_and_leaves_no_delimiter(octets: bytes) -> None:
    """SERIAL-1: COBS, whatever the content."""
    coded = stuffed(octets)
    assert len(coded) == len(octets) + 1
    assert 0 not in coded
    assert unstuffed(coded) == octets


def test_an_ack_is_short() -> None:
    """SERIAL-7 counts on it."""
    assert len(encode_unit(Ack(Heard(63, 255), Heard(63, 65_535), over=True, asks=True), MEETING)) == ACK_OCTETS


@given(st.lists(units, min_size=1, max_size=5), st.data())
def test_units_come_back_from_a_stream_cut_anywhere(sent: list[Unit], data: st.DataObject) -> None:
    """SERIAL-1, SERIAL-2: at most 256 octets each, found again whatever pieces the line brings, after any noise."""
    octets = data.draw(st.binary(max_size=20))
    for each in sent:
        one = encode_unit(each, MEETING)
        assert len(one) <= UNIT_OCTETS_MAX
        octets += one
    splitter, found = UnitSplitter(), []
    at = 0
    while at < len(octets):
        step = data.draw(st.integers(1, 300))
        found += splitter.feed(octets[at : at + step])
        at += step
    decoded = [decode_unit(one, MEETING) for one in found]
    assert [unit for unit in decoded if unit is not None][-len(sent) :] == sent


@given(units, st.integers(0, 8 * UNIT_OCTETS_MAX))
def test_a_flipped_bit_makes_a_unit_nothing(unit: Unit, bit: int) -> None:
    """SERIAL-2: one bit, also one that makes or unmakes a delimiter."""
    octets = bytearray(encode_unit(unit, MEETING))
    bit %= 8 * (len(octets) - 2)
    octets[1 + bit // 8] ^= 1 << bit % 8
    assert [decode_unit(one, MEETING) for one in UnitSplitter().feed(bytes(octets))] in ([None], [None, None], [])


@given(units)
def test_a_unit_of_another_meeting_is_nothing(unit: Unit) -> None:
    """SERIAL-3: what was said before a restart, and our own echo, do not count; a START always does."""
    (coded,) = UnitSplitter().feed(encode_unit(unit, MEETING))
    for other in (b"", MEETING[2:] + MEETING[:2], bytes(4)):
        assert decode_unit(coded, other) == (unit if isinstance(unit, Start) else None)


@pytest.mark.parametrize("octets", [b"\x05ab", b"\x01\x00", b""])
def test_what_is_no_cobs_is_nothing(octets: bytes) -> None:
    """SERIAL-1."""
    assert unstuffed(octets) is None


def test_what_is_longer_than_a_unit_is_dropped() -> None:
    """SERIAL-1: a line that brings no delimiter fills no memory, and the next unit is found again."""
    splitter = UnitSplitter()
    unit = Data(Stream.BULK, 3, b"x")
    assert splitter.feed(b"\x01" * 100_000) == []
    (found,) = splitter.feed(b"\0" + encode_unit(unit, MEETING))
    assert decode_unit(found, MEETING) == unit
