"""KEY-5: Ed25519 public keys of small order are refused, every encoding of them, wherever a verifier key comes about.

The list is not believed: the points are found here by the arithmetic of RFC 8032, 5.1, written for this test.
"""

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey
from detente.errors import Malformed
from detente.tlog import base64
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE, SMALL_ORDER_Y, parse_vkey, verifier_key

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]

ENCODINGS = sorted(y[:31] + bytes([y[31] | sign]) for y in SMALL_ORDER_Y for sign in (0, 0x80))


def decoded(octets: bytes) -> Point | None:
    """RFC 8032, 5.1.3, but lenient as most libraries are: y of 255 bits modulo p, and x = 0 with either sign."""
    number = int.from_bytes(octets, "little")
    sign, y = number >> 255, number % 2**255 % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return (P - x if x & 1 != sign else x) % P, y


def sum_of(one: Point, other: Point) -> Point:
    """The addition of RFC 8032, 5.1.4, in plain coordinates."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P


def order(point: Point) -> int:
    """1, 2, 4 or 8 for a point of small order; 0 for any other."""
    for found in (1, 2, 4, 8):
        if point == (0, 1):
            return found
        point = sum_of(point, point)
    return 0


def root_of(square: int) -> int | None:
    """A square root modulo p (RFC 8032, 5.1.1), None if there is none."""
    root = pow(square, (P + 3) // 8, P)
    for candidate in (root, root * pow(2, (P - 1) // 4, P) % P):
        if candidate * candidate % P == square % P:
            return candidate
    return None


def every_small_order_encoding() -> list[bytes]:
    """All 32-octet strings that decode to a point of small order.

    Eight times a point is the identity exactly for y = 1 and -1 (order 1 and 2), y = 0 (order 4), and the points whose
    double has y = 0. For those x^2 + y^2 = 0, and the curve, -x^2 + y^2 = 1 + d x^2 y^2, becomes d y^4 + 2 y^2 - 1 = 0.
    A y below 19 has a second encoding, y + p.
    """
    ys = {0, 1, P - 1}
    discriminant = root_of(1 + D)
    assert discriminant is not None
    for sign in (1, -1):
        y = root_of((sign * discriminant - 1) * pow(D, -1, P) % P)
        if y is not None:
            ys |= {y, P - y}
    written = [y + more for y in ys for more in (0, P) if y + more < 2**255]
    found = [(y | sign << 255).to_bytes(32, "little") for y in written for sign in (0, 1)]
    return sorted(one for one in found if (point := decoded(one)) is not None and order(point))


def test_key_5_the_list_is_exactly_that_of_the_points_of_small_order() -> None:
    """KEY-5: seven y with either sign bit, fourteen encodings of eight points, and no other."""
    assert len(ENCODINGS) == 14
    assert every_small_order_encoding() == ENCODINGS
    assert sorted(order(point) for point in {decoded(one) for one in ENCODINGS} if point) == [1, 2, 4, 4, 8, 8, 8, 8]


@pytest.mark.parametrize("public", ENCODINGS, ids=bytes.hex)
@pytest.mark.parametrize("kind", [ED25519, COSIGNATURE])
def test_key_5_a_key_of_small_order_is_refused(public: bytes, kind: int) -> None:
    """KEY-5: made or read, for both types of Ed25519 key."""
    with pytest.raises(Malformed) as made:
        verifier_key("alfa", kind, public)
    material = bytes([kind]) + public
    key_id = sha256(b"alfa\n" + material)[:4].hex()
    with pytest.raises(Malformed) as read:
        parse_vkey(f"alfa+{key_id}+{base64.encode(material)}")
    assert {made.value.rule, read.value.rule} == {"KEY-5"}


def test_key_5_other_keys_pass() -> None:
    """KEY-5: keys of seeds, and ML-DSA keys whose first octets look like such a point, are not refused."""
    for seed in range(50):
        assert verifier_key("alfa", ED25519, SigningKey(sha256(bytes([seed]))).public)
    assert verifier_key("alfa", PQ_COSIGNATURE, ENCODINGS[0] * 41)


def test_key_5_is_needed_because_the_library_takes_such_keys() -> None:
    """KEY-5: under the identity one signature, R = identity and s = 0, verifies for every message."""
    identity = bytes([1]) + bytes(31)
    for message in (b"we agree", b"we do not"):
        Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), message)
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes([1]) + bytes(31), b"")


def test_key_5_no_published_key_is_refused(shared_data: Path) -> None:
    """KEY-5, against the keys of Wycheproof's ed25519_test.json, none of which has small order."""
    groups = json.loads((shared_data / "badinput" / "wycheproof" / "ed25519_test.json").read_text())["testGroups"]
    keys = {bytes.fromhex(group["publicKey"]["pk"]) for group in groups}
    assert len(keys) > 10
    assert not [key for key in keys if (point := decoded(key)) is not None and order(point)]
    assert all(verifier_key("alfa", ED25519, key) for key in keys)


key_names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1, max_size=60
)


@given(
    name=key_names,
    seed=st.binary(min_size=32, max_size=32),
    kind=st.sampled_from([ED25519, COSIGNATURE]),
    data=st.data(),
)
def test_key_1_any_key_comes_back_and_any_other_letter_is_seen(
    name: str, seed: bytes, kind: int, data: st.DataObject
) -> None:
    """KEY-1: one key, one text; a text with one character exchanged is refused, whichever it is."""
    key = verifier_key(name, kind, SigningKey(seed).public)
    text = str(key)
    assert parse_vkey(text) == key
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(exclude_categories=["Cs"], exclude_characters=text[at]))
    with pytest.raises(Malformed):
        parse_vkey(text[:at] + letter + text[at + 1 :])
