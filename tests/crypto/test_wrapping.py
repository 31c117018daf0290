"""EPOCH-5 and KEY-4: the wrap is HPKE with KEM 0x647A, and hostile keys and wraps are refused in order."""

from hashlib import shake_256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.crypto.hashing import sha256
from detente.crypto.sealing import aead_open, aead_seal
from detente.crypto.wrapping import WrapKey, unwrap, wrap
from detente.errors import LocalMisuse, Malformed
from tests.crypto import hpke_vector as vector

KEY = WrapKey.from_seed(bytes(range(96)))
SECRET = bytes(range(32))
INFO = b"where this wrap belongs"


def test_epoch_5_the_suite_is_that_of_the_published_vector() -> None:
    """EPOCH-5: the vector's encapsulation leads to the vector's AEAD key, so KEM, combiner, ids and KDF are those."""
    key = WrapKey(shake_256(vector.READER_KEY).digest(96))  # the vector's short private key, expanded as the draft says
    assert sha256(key.public) == vector.READER_PUBLIC_SHA256  # KEY-4: the order of the two halves
    sealed = ChaCha20Poly1305(vector.AEAD_KEY).encrypt(vector.BASE_NONCE, SECRET, None)
    assert unwrap(vector.ENCAPSULATION + sealed, key, vector.INFO) == SECRET


def test_epoch_5_a_wrap_opens_for_its_reader_and_info_only() -> None:
    """EPOCH-5: 1,168 octets; another key or another info does not open it."""
    wrapped = wrap(SECRET, KEY.public, INFO)
    assert len(wrapped) == 1168
    assert unwrap(wrapped, KEY, INFO) == SECRET
    assert unwrap(wrapped, WrapKey(bytes(96)), INFO) is None
    assert unwrap(wrapped, KEY, INFO + b"\0") is None


def test_two_wraps_of_one_secret_differ() -> None:
    """Nobody can tell from two wraps whether the secrets are equal."""
    assert wrap(SECRET, KEY.public, INFO) != wrap(SECRET, KEY.public, INFO)


@settings(max_examples=60)
@given(st.integers(0, 1168 * 8 - 1))
def test_one_changed_bit_ends_a_wrap(bit: int) -> None:
    """No bit of a wrap is free, but the top bit of the X25519 share: RFC 7748 ignores it, the combiner hashes it."""
    changed = bytearray(wrap(SECRET, KEY.public, INFO))
    changed[bit // 8] ^= 1 << bit % 8
    assert unwrap(bytes(changed), KEY, INFO) is None


@pytest.mark.parametrize("octets", [b"", bytes(1167), bytes(1168), bytes(1169), b"\xff" * 1168])
def test_what_is_no_wrap_does_not_open(octets: bytes) -> None:
    """Wrong lengths, points of small order and noise all answer None."""
    assert unwrap(octets, KEY, INFO) is None


@pytest.mark.parametrize("share", [bytes(32), b"\1" + bytes(31), (2**255 - 19).to_bytes(32, "little")])
def test_a_wrap_with_a_share_of_small_order_does_not_open(share: bytes) -> None:
    """RFC 9180, 7.1.4: an all-zero X25519 result is refused."""
    wrapped = wrap(SECRET, KEY.public, INFO)
    assert unwrap(wrapped[:1088] + share + wrapped[1120:], KEY, INFO) is None


@pytest.mark.parametrize(
    "public",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(KEY.public[:-1], id="short"),
        pytest.param(KEY.public + b"\0", id="long"),
        pytest.param(b"\xff" * 1184 + KEY.public[1184:], id="coefficients out of range"),
        pytest.param(KEY.public[:1184] + bytes(32), id="zero point"),
        pytest.param(KEY.public[:1184] + b"\1" + bytes(31), id="point of small order"),
        pytest.param(KEY.public[1184:] + KEY.public[:1184], id="halves swapped"),
    ],
)
def test_key_4_a_hostile_key_is_malformed(public: bytes) -> None:
    """KEY-4: no key, no wrap; the author leaves this reader out (EPOCH-6)."""
    with pytest.raises(Malformed) as caught:
        wrap(SECRET, public, INFO)
    assert caught.value.rule == "KEY-4"


def test_our_own_mistakes_are_local() -> None:
    """A secret or seed of another length is our caller's mistake, not the reader's."""
    with pytest.raises(LocalMisuse):
        wrap(SECRET[:-1], KEY.public, INFO)
    with pytest.raises(LocalMisuse):
        WrapKey(bytes(64))


@given(st.binary(max_size=300), st.integers(0, 100_000))
def test_one_changed_bit_ends_a_sealed_body(plaintext: bytes, place: int) -> None:
    """The AEAD door: what was sealed opens, and nothing else does."""
    key = sha256(plaintext)
    sealed = aead_seal(key, plaintext)
    assert len(sealed) == len(plaintext) + 16
    assert aead_open(key, sealed) == plaintext
    changed = bytearray(sealed)
    changed[place % len(sealed)] ^= 1
    assert aead_open(key, bytes(changed)) is None
    assert aead_open(sha256(key), sealed) is None
    assert aead_open(key, b"") is None
