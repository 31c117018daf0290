"""Frames and their framing: shapes of spec/6, one encoding, bounded memory (FRAME-1)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import encode
from detente.formats.frame import (
    BookState,
    Entries,
    EntryItem,
    ForkFrame,
    Frame,
    FrameSplitter,
    Hello,
    NoteFrame,
    ReceiptFrame,
    Subtree,
    Want,
    book_code,
    cosigner_code,
    decode_frame,
    encode_frame,
    length_prefix,
    split_book_code,
    split_cosigner_code,
)
from detente.limits import FRAME_OCTETS_MAX
from tests.formats.values import CHANNEL, counts, digests, entry_items, one_bit_flips, subtrees

signatures = st.binary(min_size=64, max_size=64)
handles = st.integers(0, 65_535)
books = st.integers(0, 1023)
sizes = st.integers(1, 2**40 - 1)
items = st.lists(entry_items(st.none() | digests) | subtrees, max_size=4).map(tuple)

frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(
        Hello,
        handle=handles,
        channel=st.just(CHANNEL),
        protocol=st.just(1),
        number=st.integers(1, 65_535),
        digest=digests,
        books=st.lists(st.builds(BookState, books, counts, counts), max_size=3).map(tuple),
    ),
    st.builds(NoteFrame, handles, st.binary(min_size=1, max_size=300)),
    st.builds(Entries, handles, books, counts, signatures, items),
    st.builds(
        ReceiptFrame,
        handle=handles,
        book=books,
        size=sizes,
        cosigner=st.integers(0, 127),
        timestamp=st.integers(0, 2**63 - 1),
        signature=signatures | st.just(bytes(2420)),
    ),
    st.builds(Want, handles, books, counts, st.booleans()),
    st.builds(
        ForkFrame,
        handle=handles,
        book=books,
        size_a=sizes,
        root_a=digests,
        signature_a=signatures,
        signature_b=signatures,
        items=st.lists(subtrees, max_size=3).map(tuple),
    ),
)


@given(frames)
def test_frame_1_a_frame_comes_back(frame: Frame) -> None:
    """FRAME-1: frame to octets to frame."""
    assert decode_frame(encode_frame(frame)) == frame


@given(frames.map(encode_frame).flatmap(lambda data: st.sampled_from(one_bit_flips(data))) | st.binary(max_size=60))
def test_frame_1_damage_is_refused_or_seen(data: bytes) -> None:
    """FRAME-1, CBOR-2: damaged octets are Malformed, or another frame with exactly those octets."""
    try:
        frame = decode_frame(data)
    except Malformed:
        return
    assert encode_frame(frame) == data


S, D = bytes(64), bytes(32)
ITEM = (2, 0, 0, 1, (0, 0), None, b"body")


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (0,),
        7,
        {"a": 1},
        (4, 1),  # CHUNK is reserved
        (4, 1, b""),
        (7, 1),
        (-1, 1),
        (True, 1, b"note"),
        ("1", 1, b"note"),
        (1, 65_536, b"note"),
        (1, -1, b"note"),
        (1, False, b"note"),
        (1, 1, b""),
        (1, 1, bytes(65_001)),
        (1, 1, "note"),
        (1, 1, b"note", 0),
        (0, 1, CHANNEL, 2, 1, D, ()),
        (0, 1, CHANNEL, 1, 0, D, ()),
        (0, 1, CHANNEL, 1, 1, D[1:], ()),
        (0, 1, "", 1, 1, D, ()),
        (0, 1, "a" * 256, 1, 1, D, ()),
        (0, 1, CHANNEL, 1, 1, D, None),
        (0, 1, CHANNEL, 1, 1, D, ((0, 0),)),
        (0, 1, CHANNEL, 1, 1, D, ((1024, 0, 0),)),
        (0, 1, CHANNEL, 1, 1, D, ((0, 2**40, 0),)),
        (0, 1, CHANNEL, 1, 1, D, ((0, 0, -1),)),
        (0, 1, CHANNEL, 1, 1, D, ((0, 0, 0),) * 1025),
        (2, 1, 1024, 0, S, ()),
        (2, 1, 0, 2**40, S, ()),
        (2, 1, 0, 0, S[1:], ()),
        (2, 1, 0, 0, S, {}),
        (2, 1, 0, 0, S, (7,)),
        (2, 1, 0, 0, S, ((41, D),)),
        (2, 1, 0, 0, S, ((0, D[1:]),)),
        (2, 1, 0, 0, S, ((0, D, 0),)),
        (2, 1, 0, 0, S, ((*ITEM, 0),)),
        (2, 1, 0, 0, S, ((24, *ITEM[1:]),)),
        (2, 1, 0, 0, S, ((*ITEM[:4], (0,), None, b"body"),)),
        (2, 1, 0, 0, S, ((*ITEM[:5], D[1:], b"body"),)),
        (2, 1, 0, 0, S, ((*ITEM[:5], False, b"body"),)),
        (2, 1, 0, 0, S, ((*ITEM[:6], b""),)),
        (2, 1, 0, 0, S, ((*ITEM[:6], bytes(16_385)),)),
        (2, 1, 0, 0, S, ((*ITEM[:6], "body"),)),
        (3, 1, 0, 0, 0, 0, S),
        (3, 1, 0, 1, 128, 0, S),
        (3, 1, 0, 1, 0, 2**63, S),
        (3, 1, 0, 1, 0, -1, S),
        (3, 1, 0, 1, 0, 0, S + b"\x00"),
        (3, 1, 0, 1, 0, 0, bytes(2419)),
        (5, 1, 0, 0, 0),
        (5, 1, 0, 0, None),
        (5, 1, 0, -1, True),
        (6, 1, 0, 0, D, S, S, ()),
        (6, 1, 0, 1, D, S, S, (ITEM,)),
        (6, 1, 0, 1, D, S, S, ((0, D[1:]),)),
        (6, 1, 0, 1, D, S, S, None),
        (6, 1, 0, 1, D, S, ()),
    ],
)
def test_frame_1_wrong_shapes(fields: object) -> None:
    """FRAME-1: kinds, counts, types and ranges outside spec/6 are Malformed."""
    with pytest.raises(Malformed):
        decode_frame(encode(fields))  # type: ignore[arg-type]


def test_frame_1_size() -> None:
    """A frame has at most 65,536 octets: a larger one is neither written nor read."""
    item = EntryItem(2, 0, 0, 1, (0, 0), None, bytes(16_384))
    frame = Entries(1, 0, 0, S, (item,) * 4)
    with pytest.raises(LocalMisuse, match="65536"):
        encode_frame(frame)
    with pytest.raises(Malformed, match="65536"):
        decode_frame(encode([2, 1, 0, 0, S, [list(item)] * 4]))


def test_frame_3_frame_6_items_may_be_missing() -> None:
    """FRAME-6: a head alone is a frame with no items."""
    frame = Entries(1, 0, 5, S, ())
    assert decode_frame(encode_frame(frame)) == frame


@given(st.integers(0, 15), st.integers(1, 64), st.integers(0, 7))
def test_numbers_in_frames(place: int, number: int, station_place: int) -> None:
    """spec/6: book = 16 (n - 1) + place; cosigner = 16 station + place; both within the CDDL, both reversible."""
    assert book_code(place, number) == 16 * (number - 1) + place <= 1023
    assert split_book_code(book_code(place, number)) == (place, number)
    assert cosigner_code(place, station_place) == 16 * station_place + place <= 127
    assert split_cosigner_code(cosigner_code(place, station_place)) == (place, station_place)


@pytest.mark.parametrize(
    ("octets", "prefix"),
    [
        (37, "25"),
        (63, "3f"),
        (64, "4040"),
        (15_293, "7bbd"),
        (16_383, "7fff"),
        (16_384, "80004000"),
        (65_536, "80010000"),
        (494_878_333, "9d7f3e7d"),
        (151_288_809_941_952_652, "c2197c5eff14e88c"),
    ],
)
def test_length_prefix(octets: int, prefix: str) -> None:
    """RFC 9000, 16 and A.1: the shortest form."""
    assert length_prefix(octets).hex() == prefix


def test_length_prefix_too_large() -> None:
    """RFC 9000 has no integer of 2^62."""
    with pytest.raises(LocalMisuse):
        length_prefix(2**62)


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=6), st.lists(st.integers(0, 1500), max_size=8))
def test_splitter_gives_the_frames_however_the_stream_is_cut(sent: list[bytes], cuts: list[int]) -> None:
    """The same frames come out whole, byte by byte, or cut anywhere; between frames nothing is kept."""
    stream = b"".join(length_prefix(len(frame)) + frame for frame in sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:stop] for start, stop in pairwise(edges)]
    for way in ([stream], [stream[at : at + 1] for at in range(len(stream))], pieces):
        splitter = FrameSplitter()
        assert [frame for piece in way for frame in splitter.feed(piece)] == sent
        assert splitter.waiting_octets == 0


@pytest.mark.parametrize("prefix", ["00", "80010001", "bfffffff", "c000000000010001", "ffffffffffffffff"])
def test_splitter_refuses_a_length_before_it_buffers(prefix: str) -> None:
    """A frame of no octets or of more than 65,536 is refused by its prefix, before any of it has arrived."""
    with pytest.raises(Malformed, match="FRAME-1"):
        FrameSplitter().feed(bytes.fromhex(prefix))


@pytest.mark.parametrize("prefix", ["4001", "403f", "80000001", "80003fff", "c000000000004000"])
def test_splitter_refuses_a_long_form(prefix: str) -> None:
    """RFC 9000 integers in their shortest form only."""
    with pytest.raises(Malformed, match="shortest"):
        FrameSplitter().feed(bytes.fromhex(prefix))


def test_splitter_on_a_narrow_bearer() -> None:
    """A bearer may allow less; the largest frame passes, one octet more does not."""
    splitter = FrameSplitter(256)
    assert splitter.feed(length_prefix(256) + bytes(256)) == [bytes(256)]
    with pytest.raises(Malformed, match="256"):
        splitter.feed(length_prefix(257))
    assert FrameSplitter().feed(length_prefix(FRAME_OCTETS_MAX) + bytes(FRAME_OCTETS_MAX)) == [bytes(FRAME_OCTETS_MAX)]


def test_splitter_keeps_a_prefix_that_is_cut() -> None:
    """A prefix of several octets may arrive in several pieces."""
    splitter = FrameSplitter()
    assert splitter.feed(b"\x80") == []
    assert splitter.feed(b"\x00\x40") == []
    assert splitter.waiting_octets == 3
    assert splitter.feed(b"\x00" + bytes(16_384) + b"\x01a") == [bytes(16_384), b"a"]


def test_items_keep_their_classes() -> None:
    """FRAME-3: entries and subtrees come back as such, in order."""
    found = decode_frame(encode_frame(Entries(1, 0, 0, S, (Subtree(3, D), EntryItem(*ITEM)))))
    assert isinstance(found, Entries)
    assert [type(item) for item in found.items] == [Subtree, EntryItem]
