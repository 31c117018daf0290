"""Leaves and bodies: exactly the CDDL, in one encoding (BOOK-2, BOOK-11, BOOK-13 to BOOK-18)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import encode
from detente.formats.content import Content
from detente.formats.entry import (
    Adopt,
    Body,
    Closing,
    Erased,
    Head,
    Keys,
    Kind,
    Leaf,
    Open,
    Opening,
    Precedence,
    Wrap,
    decode_body,
    decode_leaf,
    encode_body,
    encode_leaf,
)
from detente.ids import Origin, PartyId
from tests.formats.values import CHANNEL, leaves, one_bit_flips

ORIGIN = Origin(f"{CHANNEL}/alfa/1")
DIGEST = bytes(range(32))
HPKE_KEY = bytes(1216)
LEAF = Leaf(Kind.SEALED, 1_900_000_000_000, Precedence.FLASH, 7, (0, (5, 6), 9), DIGEST, 240, DIGEST[::-1])

BODIES: list[tuple[Kind, Body]] = [
    (Kind.OPENING, Opening(DIGEST, "founded", (), HPKE_KEY)),
    (Kind.OPENING, Opening(DIGEST, "restored", (Head(ORIGIN, 3, DIGEST),) * 64, HPKE_KEY)),
    (Kind.KEYS, Keys((PartyId("alfa"), PartyId("bravo")), DIGEST, (Wrap(ORIGIN, 0, bytes(1168)),) * 12, None)),
    (Kind.KEYS, Keys((PartyId("alfa"),), DIGEST, (), HPKE_KEY)),
    (Kind.OPEN, Open(Content("status", fields={"kind": "held", "entry": ("alfa", 1, 7), "leaf": DIGEST}))),
    (Kind.ADOPT, Adopt("charter", 2, DIGEST)),
    (Kind.ADOPT, Adopt("book", 1, DIGEST)),
    (Kind.ERASED, Erased(2**40 - 1, "order of the court")),
    (Kind.CLOSING, Closing("replaced by book 2")),
]


@given(leaves)
def test_book_2_a_leaf_comes_back(leaf: Leaf) -> None:
    """BOOK-2: leaf to octets to leaf; the octets are those of CBOR-2."""
    octets = encode_leaf(leaf)
    assert octets == encode(tuple(leaf))
    assert decode_leaf(octets) == leaf


def test_book_2_enumerations_are_numbers() -> None:
    """BOOK-3, BOOK-6: Kind and Precedence are written as their numbers."""
    assert encode_leaf(LEAF) == encode_leaf(LEAF._replace(kind=2, precedence=3))


def test_book_11_every_flipped_bit_is_another_leaf_or_none() -> None:
    """BOOK-11: no bit of a leaf is ignored, and whatever is accepted is exactly its own encoding."""
    octets = encode_leaf(LEAF)
    accepted = 0
    for flipped in one_bit_flips(octets):
        try:
            leaf = decode_leaf(flipped)
        except Malformed:
            continue
        accepted += 1
        assert leaf != LEAF
        assert encode_leaf(leaf) == flipped
    assert accepted > 500  # the digests alone


@pytest.mark.parametrize(
    "change",
    [
        {"kind": 24},
        {"kind": -1},
        {"kind": True},
        {"kind": "2"},
        {"at": 2**48},
        {"at": -1},
        {"at": None},
        {"precedence": 4},
        {"precedence": False},
        {"epoch": 2**40},
        {"epoch": -1},
        {"seen": ()},
        {"seen": (1,)},
        {"seen": (0,) * 17},
        {"seen": (0, 2**40)},
        {"seen": (0, -1)},
        {"seen": (0, True)},
        {"seen": (0, (1,))},
        {"seen": (0, (1,) * 65)},
        {"seen": (0, (1, 2**40))},
        {"seen": (0, (1, True))},
        {"seen": (0, (1, (2, 3)))},
        {"seen": (0, None)},
        {"seen": {"a": 1, "b": 2}},
        {"view": bytes(31)},
        {"view": bytes(33)},
        {"view": "a" * 32},
        {"view": None},
        {"body_size": 0},
        {"body_size": 16_385},
        {"body_size": True},
        {"body_hash": bytes(31)},
        {"body_hash": "a" * 32},
    ],
)
def test_book_11_a_leaf_outside_the_cddl(change: dict[str, object]) -> None:
    """BOOK-11: each field is refused beyond its bounds or with another type, with that rule."""
    with pytest.raises(Malformed) as caught:
        decode_leaf(encode(tuple({**LEAF._asdict(), **change}.values())))  # type: ignore[arg-type]
    assert caught.value.rule == "BOOK-11"


@pytest.mark.parametrize("value", [(), (1,), tuple(LEAF)[:7], (*LEAF, 0), {"kind": 1}, 7, None])
def test_book_11_no_leaf_at_all(value: object) -> None:
    """BOOK-11: a leaf is an array of eight."""
    with pytest.raises(Malformed, match="BOOK-11"):
        decode_leaf(encode(value))  # type: ignore[arg-type]


def test_book_11_a_leaf_with_a_float() -> None:
    """BOOK-11: a float that equals a count is no count."""
    octets = encode_leaf(LEAF._replace(seen=(0, 0)))
    assert octets.count(b"\x82\x00\x00") == 1
    with pytest.raises(Malformed):
        decode_leaf(octets.replace(b"\x82\x00\x00", b"\x82\x00\xf9\x00\x00"))


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_book_13_to_18_bodies_come_back(kind: Kind, body: Body) -> None:
    """BOOK-13, BOOK-14, BOOK-15, BOOK-16, BOOK-17, BOOK-18: body to octets to body."""
    assert decode_body(kind, encode_body(body)) == body


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_bodies_are_read_by_their_own_kind_only(kind: Kind, body: Body) -> None:
    """BOOK-13 to BOOK-18: the label of a body is that of its kind."""
    for other in set(Kind) - {kind, Kind.SEALED}:
        with pytest.raises(Malformed):
            decode_body(other, encode_body(body))


def _bad_bodies() -> list[tuple[Kind, tuple[object, ...], str]]:
    head = (ORIGIN, 3, DIGEST)
    wrap = (ORIGIN, 0, bytes(1168))
    return [
        (Kind.OPENING, ("opening", DIGEST, "", (), HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST, "a" * 201, (), HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST, "\u20ac" * 67, (), HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST[1:], "founded", (), HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST, "founded", (head,) * 65, HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST, "founded", (head[:2],), HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST, "founded", ((ORIGIN, 2**40, DIGEST),), HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST, "founded", ((b"a", 1, DIGEST),), HPKE_KEY), "BOOK-13"),
        (Kind.OPENING, ("opening", DIGEST, "founded", (), HPKE_KEY[1:]), "KEY-4"),
        (Kind.OPENING, ("opening", DIGEST, "founded", (), None), "KEY-4"),
        (Kind.OPENING, ("opening", DIGEST, "founded", (), HPKE_KEY, 0), "BOOK-13"),
        (Kind.KEYS, ("keys", (), DIGEST, (), None), "BOOK-14"),
        (Kind.KEYS, ("keys", ("Alfa",), DIGEST, (), None), "BOOK-14"),
        (Kind.KEYS, ("keys", ("alfa\n",), DIGEST, (), None), "BOOK-14"),
        (Kind.KEYS, ("keys", ("alfa",) * 17, DIGEST, (), None), "BOOK-14"),
        (Kind.KEYS, ("keys", ("alfa",), DIGEST, (wrap,) * 13, None), "EPOCH-6"),
        (Kind.KEYS, ("keys", ("alfa",), DIGEST, ((ORIGIN, 0, bytes(1167)),), None), "EPOCH-5"),
        (Kind.KEYS, ("keys", ("alfa",), DIGEST, ((ORIGIN, True, bytes(1168)),), None), "BOOK-14"),
        (Kind.KEYS, ("keys", ("alfa",), DIGEST, (), False), "KEY-4"),
        (Kind.OPEN, ("open", ()), "READ-1"),
        (Kind.OPEN, ("open", {"form": "message", "extra": 1}), "READ-1"),
        (Kind.ADOPT, ("adopt", "party", 1, DIGEST), "BOOK-16"),
        (Kind.ADOPT, ("adopt", "charter", 0, DIGEST), "BOOK-16"),
        (Kind.ADOPT, ("adopt", "charter", 65_536, DIGEST), "BOOK-16"),
        (Kind.ADOPT, ("adopt", ("charter",), 1, DIGEST), "BOOK-16"),
        (Kind.ERASED, ("erased", 2**40, "court"), "BOOK-17"),
        (Kind.ERASED, ("erased", 1, ""), "BOOK-17"),
        (Kind.ERASED, ("erased", 1, "a" * 401), "BOOK-17"),
        (Kind.CLOSING, ("closing", 7), "BOOK-18"),
        (Kind.CLOSING, ("closed", "reason"), "BOOK-18"),
        (Kind.CLOSING, (), "BOOK-18"),
    ]


@pytest.mark.parametrize(("kind", "fields", "rule"), _bad_bodies())
def test_bodies_outside_the_cddl(kind: Kind, fields: tuple[object, ...], rule: str) -> None:
    """BOOK-13 to BOOK-18: bodies of the wrong shape are refused with their rule."""
    with pytest.raises(Malformed) as caught:
        decode_body(kind, encode(fields))  # type: ignore[arg-type]
    assert caught.value.rule == rule


@given(st.binary(min_size=1, max_size=60), st.sampled_from([kind for kind in Kind if kind != Kind.SEALED]))
def test_bodies_of_noise(data: bytes, kind: Kind) -> None:
    """BOOK-13 to BOOK-18: no octets lead to another error than Malformed, and what is read is written back alike."""
    try:
        body = decode_body(kind, data)
    except Malformed:
        return
    assert encode_body(body) == data


@pytest.mark.parametrize("kind", [Kind.SEALED, 7, 23])
def test_book_3_sealed_and_unknown_bodies_have_no_shape(kind: int) -> None:
    """BOOK-3: asking to read them is our own mistake."""
    with pytest.raises(LocalMisuse):
        decode_body(kind, b"\x80")


@pytest.mark.parametrize("data", [b"", bytes(16_385)])
def test_book_2_size_of_a_body(data: bytes) -> None:
    """BOOK-2: 1 to 16,384 octets."""
    with pytest.raises(Malformed, match="BOOK-2"):
        decode_body(Kind.CLOSING, data)


def test_book_2_a_body_too_large_is_not_written() -> None:
    """BOOK-2: an open entry larger than a body is refused before it is signed, and so is one that fits no CDDL."""
    with pytest.raises(LocalMisuse, match="BOOK-2"):
        encode_body(Open(Content("message", text="a" * 16_384)))
    with pytest.raises(LocalMisuse, match="BOOK-18"):
        encode_body(Closing(""))


def test_book_15_cbor_3_the_levels_of_an_open_content() -> None:
    """CBOR-3: the content of an open body begins at level 2, so its fields have one level less than sealed ones."""

    def nested(levels: int) -> Open:
        value: tuple[object, ...] = ()
        for _ in range(levels - 1):
            value = (value,)
        return Open(Content("status", fields={"a": value}))  # type: ignore[dict-item]

    assert decode_body(Kind.OPEN, encode_body(nested(13))) == nested(13)
    with pytest.raises(LocalMisuse, match="CBOR-3"):
        encode_body(nested(14))
