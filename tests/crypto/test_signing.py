"""Signatures, hashes and labels: known answers, and what is no signature."""

import hashlib
import hmac
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.crypto import labels
from detente.crypto.hashing import hmac_sha256, sha256
from detente.crypto.signing import PqSigningKey, SigningKey, verify_ed25519, verify_mldsa44
from detente.errors import LocalMisuse

KEY = SigningKey.from_seed(bytes(range(32)))
PQ_KEY = PqSigningKey.from_seed(bytes(range(32)))
MESSAGE = b"a message"


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_hashes_are_those_of_another_implementation(key: bytes, data: bytes) -> None:
    """SHA-256 and HMAC-SHA-256 agree with the standard library of Python."""
    assert sha256(data) == hashlib.sha256(data).digest()
    assert hmac_sha256(key, data) == hmac.digest(key, data, "sha256")


def test_ed25519_gives_the_signature_of_rfc_8032() -> None:
    """RFC 8032, 7.1, test 2."""
    key = SigningKey.from_seed(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@settings(max_examples=50)
@given(st.integers(0, 64 * 8 - 1))
def test_one_changed_bit_ends_an_ed25519_signature(bit: int) -> None:
    """No bit of a signature is free."""
    signature = KEY.sign(MESSAGE)
    assert verify_ed25519(KEY.public, MESSAGE, signature)
    assert not verify_ed25519(KEY.public, MESSAGE, flip(signature, bit))


@settings(max_examples=50)
@given(st.integers(0, 2420 * 8 - 1))
def test_one_changed_bit_ends_an_mldsa44_signature(bit: int) -> None:
    """No bit of a signature is free."""
    signature = PQ_KEY.sign(MESSAGE)
    assert len(signature) == 2420
    assert verify_mldsa44(PQ_KEY.public, MESSAGE, signature)
    assert not verify_mldsa44(PQ_KEY.public, MESSAGE, flip(signature, bit))


def test_another_key_or_message_does_not_verify() -> None:
    """A signature holds for one key and one message."""
    other, pq_other = SigningKey(bytes(32)), PqSigningKey(bytes(32))
    assert not verify_ed25519(other.public, MESSAGE, KEY.sign(MESSAGE))
    assert not verify_ed25519(KEY.public, b"another", KEY.sign(MESSAGE))
    assert not verify_mldsa44(pq_other.public, MESSAGE, PQ_KEY.sign(MESSAGE))
    assert not verify_mldsa44(PQ_KEY.public, b"another", PQ_KEY.sign(MESSAGE))


def test_what_is_no_key_and_no_signature_answers_no() -> None:
    """Wrong lengths and octets that are no key are refused without an exception."""
    assert not verify_ed25519(KEY.public[:-1], MESSAGE, KEY.sign(MESSAGE))
    assert not verify_ed25519(KEY.public, MESSAGE, KEY.sign(MESSAGE) + b"\0")
    assert not verify_ed25519(b"\xff" * 32, MESSAGE, KEY.sign(MESSAGE))
    assert not verify_mldsa44(PQ_KEY.public + b"\0", MESSAGE, PQ_KEY.sign(MESSAGE))
    assert not verify_mldsa44(PQ_KEY.public, MESSAGE, b"")
    assert not verify_mldsa44(b"\xff" * 1312, MESSAGE, PQ_KEY.sign(MESSAGE))


@pytest.mark.parametrize("kind", [SigningKey, PqSigningKey])
def test_a_seed_has_32_octets_and_is_not_shown(kind: type[SigningKey] | type[PqSigningKey]) -> None:
    """A short seed is refused, and `repr` tells nothing."""
    with pytest.raises(LocalMisuse):
        kind(bytes(31))
    assert bytes(range(32)).hex() not in repr(kind(bytes(range(32))))


def test_cbor_4_the_labels_are_those_of_the_spec() -> None:
    """CBOR-4: every label of `spec/` is a constant, and no two are equal."""
    spec = Path(__file__).parents[2] / "spec"
    stated = {label for file in spec.glob("*.md") for label in re.findall(r'"(detente/1 [a-z]+)"', file.read_text())}
    assert set(labels.ALL) == stated
    assert len(set(labels.ALL)) == len(labels.ALL)


def flip(octets: bytes, bit: int) -> bytes:
    """The octets with one bit changed."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
