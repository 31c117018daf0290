"""Deterministic CBOR: one value, one encoding, and nothing else read (CBOR-1 to CBOR-3)."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import ARRAY, BYTES, MAP, TEXT, UNSIGNED, Value, decode, encode, head
from tests.formats.values import one_bit_flips, values


@given(values)
def test_cbor_2_a_value_comes_back(value: Value) -> None:
    """CBOR-1, CBOR-2: what is encoded decodes to the same value."""
    assert decode(encode(value)) == value


@given(st.binary(max_size=40) | values.map(encode).flatmap(lambda data: st.sampled_from(one_bit_flips(data))))
def test_cbor_2_octets_have_one_value_or_none(data: bytes) -> None:
    """CBOR-2: what is accepted encodes to exactly the same octets; all else is Malformed and nothing else."""
    try:
        value = decode(data)
    except Malformed:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        ("", "CBOR-2"),
        ("0000", "CBOR-2"),  # left over
        ("1817", "CBOR-2"),  # long head
        ("190001", "CBOR-2"),
        ("5800", "CBOR-2"),
        ("980100", "CBOR-2"),
        ("9fff", "CBOR-2"),  # indefinite
        ("5f4100ff", "CBOR-2"),
        ("7f6161ff", "CBOR-2"),
        ("bfff", "CBOR-2"),
        ("a2616101616102", "CBOR-2"),  # a key twice
        ("a2616200616100", "CBOR-2"),  # keys out of order
        ("a262616100616200", "CBOR-2"),
        ("82", "CBOR-2"),  # cut off
        ("9bffffffffffffffff", "CBOR-2"),
        ("5bffffffffffffffff", "CBOR-2"),
        ("62c328", "CBOR-2"),  # not UTF-8
        ("63eda080", "CBOR-2"),  # half a surrogate pair
        ("1c", "CBOR-2"),
        ("f818", "CBOR-2"),
        ("c100", "CBOR-1"),  # tags
        ("c24101", "CBOR-1"),
        ("c249010000000000000000", "CBOR-1"),
        ("d81c81d81d00", "CBOR-1"),  # a value that holds itself
        ("d9010080", "CBOR-1"),
        ("d9d9f700", "CBOR-1"),
        ("d9ffff00", "CBOR-1"),
        ("f90000", "CBOR-1"),  # floats
        ("fb3ff8000000000000", "CBOR-1"),
        ("f97e00", "CBOR-1"),
        ("f7", "CBOR-1"),
        ("e0", "CBOR-1"),
        ("f8ff", "CBOR-1"),
        ("3b8000000000000000", "CBOR-1"),  # below -2^63
        ("81f7", "CBOR-1"),
        ("a16161f7", "CBOR-1"),
        ("a1416100", "CBOR-1"),  # a key of octets
        ("a10000", "CBOR-2"),  # cbor2 itself refuses keys that are not strings
        ("a1f600", "CBOR-2"),
        ("a18000", "CBOR-2"),
    ],
)
def test_cbor_1_cbor_2_refusals(octets: str, rule: str) -> None:
    """CBOR-1, CBOR-2: what is not allowed is refused with its rule, never with an error of the library."""
    with pytest.raises(Malformed) as caught:
        decode(bytes.fromhex(octets))
    assert caught.value.rule == rule


@pytest.mark.parametrize("levels", [16, 17, 99, 100, 101, 20_000])
@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x61\x61"])
def test_cbor_3_nesting(opening: bytes, levels: int) -> None:
    """CBOR-3: 16 levels are read, more never; depth is no way to a crash."""
    data = opening * levels + b"\x00"
    if levels <= 16:
        assert encode(decode(data)) == data
    else:
        with pytest.raises(Malformed):
            decode(data)


def test_cbor_3_nesting_of_our_own_values() -> None:
    """CBOR-3: a value nested too deep, or without end, is our own mistake."""
    deep: list[Value] = []
    for _ in range(15):
        deep = [deep]
    assert decode(encode(deep)) is not None
    endless: list[Value] = []
    endless.append(endless)
    for value in ([deep], endless):
        with pytest.raises(LocalMisuse, match="16 levels"):
            encode(value)


@pytest.mark.parametrize("value", [1.0, math.nan, 2**64, -(2**63) - 1, {1: 2}, {b"a": 1}, {1, 2}, "\ud800", object()])
def test_cbor_1_what_is_never_written(value: object) -> None:
    """CBOR-1: a value that the protocol does not have is our own mistake, found before anything is signed."""
    with pytest.raises(LocalMisuse, match="CBOR-1"):
        encode(value)  # type: ignore[arg-type]


@given(st.integers(0, 2**64 - 1))
def test_cbor_2_heads(argument: int) -> None:
    """CBOR-2: a head made by itself is the shortest one."""
    assert head(UNSIGNED, argument) == encode(argument)


def test_cbor_2_heads_of_the_other_kinds() -> None:
    """CBOR-2: heads of strings, arrays and maps are those that `encode` writes."""
    for size in (0, 1, 23, 24, 255, 256, 65_535, 65_536):
        assert encode(bytes(size)).startswith(head(BYTES, size))
        assert encode("a" * size).startswith(head(TEXT, size))
        assert encode([0] * size).startswith(head(ARRAY, size))
    assert encode({"a": 1}).startswith(head(MAP, 1))


def test_cbor_1_appendix_a(shared_data: Path) -> None:
    """CBOR-1, CBOR-2: of the examples of RFC 8949, appendix A, exactly those of allowed kinds are read."""
    cases = json.loads((shared_data / "badinput" / "cbor_appendix_a.json").read_text())
    assert len(cases) > 70
    for case in cases:
        data = bytes.fromhex(case["hex"])
        if _allowed(case):
            value = decode(data)
            assert encode(value) == data
            if "decoded" in case:
                assert _as_json(value) == case["decoded"], case["hex"]
        else:
            with pytest.raises(Malformed):
                decode(data)


def _allowed(case: dict[str, object]) -> bool:
    """By the first octet and the diagnostic notation, not by our decoder."""
    octets = bytes.fromhex(str(case["hex"]))
    major, low = octets[0] >> 5, octets[0] & 31
    if not case["roundtrip"] or low == 31 or major == 6:
        return False
    if major == 7:
        return octets in (b"\xf4", b"\xf5", b"\xf6")
    if major == 1 and octets == bytes.fromhex("3bffffffffffffffff"):
        return False
    # within arrays and maps: an indefinite part, or a key that is no text
    return octets.hex() not in ("826161bf61626163ff", "83018202039f0405ff", "a201020304")


def _as_json(value: Value) -> object:
    return json.loads(json.dumps(value, default=dict))
