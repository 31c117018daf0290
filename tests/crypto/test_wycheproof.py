"""The Wycheproof vectors against the doors of `detente.crypto`; against the library where a door fixes parameters."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from detente.crypto.hashing import hmac_sha256
from detente.crypto.sealing import aead_open, aead_seal
from detente.crypto.signing import verify_ed25519, verify_mldsa44
from detente.crypto.wrapping import MLKEM_SEED_OCTETS, WrapKey

Case = dict[str, Any]


def test_every_ed25519_case_is_judged_as_published(shared_data: Path) -> None:
    """RFC 8032: 88 signatures hold, 63 do not, among them malleated ones."""
    answers = [
        verify_ed25519(bytes.fromhex(group["publicKey"]["pk"]), octets(case, "msg"), octets(case, "sig")) == valid(case)
        for group, case in cases(shared_data, "ed25519_test.json")
    ]
    assert len(answers) == 151
    assert all(answers)


def test_every_mldsa44_case_with_an_empty_context_is_judged_as_published(shared_data: Path) -> None:
    """FIPS 204. Cases with a context are outside the door, which knows none, and must all be refused."""
    judged = 0
    for group, case in cases(shared_data, "mldsa_44_verify_test.json"):
        holds = verify_mldsa44(bytes.fromhex(group["publicKey"]), octets(case, "msg"), octets(case, "sig"))
        assert holds == (valid(case) and not case.get("ctx")), case["comment"]
        judged += 1
    assert judged == 180


def test_every_hmac_case_is_judged_as_published(shared_data: Path) -> None:
    """RFC 2104; vectors with shorter tags are compared on their length."""
    judged = 0
    for group, case in cases(shared_data, "hmac_sha256_test.json"):
        tag = hmac_sha256(octets(case, "key"), octets(case, "msg"))[: group["tagSize"] // 8]
        assert (tag == octets(case, "tag")) == valid(case), case["comment"]
        judged += 1
    assert judged == 174


def test_every_aead_case_is_judged_as_published(shared_data: Path) -> None:
    """RFC 8439 through the library: the door fixes nonce and associated data, which the vectors vary."""
    judged = 0
    for _, case in cases(shared_data, "chacha20_poly1305_test.json"):
        assert library_opens(case) == valid(case), case["comment"]
        judged += 1
    assert judged == 325


def test_the_aead_door_agrees_with_the_library_on_every_key_and_message(shared_data: Path) -> None:
    """Chapter 5: the door is RFC 8439 with a zero nonce and no associated data."""
    for _, case in cases(shared_data, "chacha20_poly1305_test.json"):
        key, message = octets(case, "key"), octets(case, "msg")
        sealed = aead_seal(key, message)
        assert sealed == ChaCha20Poly1305(key).encrypt(bytes(12), message, None)
        assert aead_open(key, sealed) == message
        assert aead_open(key, sealed[:-1]) is None


def test_every_mlkem_case_is_judged_as_published(shared_data: Path) -> None:
    """FIPS 203: decapsulation gives the published secret, and bad lengths are refused."""
    judged = 0
    for _, case in cases(shared_data, "mlkem_768_test.json"):
        try:
            secret = MLKEM768PrivateKey.from_seed_bytes(octets(case, "seed")).decapsulate(octets(case, "c"))
        except ValueError:
            assert not valid(case), case["tcId"]
        else:
            assert (secret == octets(case, "K")) == valid(case), case["tcId"]
        judged += 1
    assert judged == 193


def test_wrap_keys_begin_with_the_published_mlkem_key_of_their_seed(shared_data: Path) -> None:
    """KEY-4, against the encapsulation keys of the ML-KEM vectors."""
    compared = 0
    for _, case in cases(shared_data, "mlkem_768_test.json"):
        if valid(case) and len(octets(case, "seed")) == MLKEM_SEED_OCTETS:
            assert WrapKey(octets(case, "seed") + sha256(b"x").digest()).public[:1184] == octets(case, "ek")
            compared += 1
    assert compared == 153


def cases(shared_data: Path, name: str) -> Iterator[tuple[Case, Case]]:
    """Every (group, case) of a file."""
    path = shared_data / "badinput" / "wycheproof" / name
    if not path.exists():
        pytest.fail(f"{name} is missing from the shared data")
    for group in json.loads(path.read_text())["testGroups"]:
        for case in group["tests"]:
            yield group, case


def octets(case: Case, field: str) -> bytes:
    """A field of a case, decoded."""
    return bytes.fromhex(case[field])


def valid(case: Case) -> bool:
    """Whether the case must be accepted."""
    return bool(case["result"] == "valid")


def library_opens(case: Case) -> bool:
    """Whether the library opens the sealed message of a case to the published one."""
    sealed = octets(case, "ct") + octets(case, "tag")
    try:
        opened = ChaCha20Poly1305(octets(case, "key")).decrypt(octets(case, "iv"), sealed, octets(case, "aad"))
    except (InvalidTag, ValueError):  # ValueError: a nonce of another length
        return False
    return opened == octets(case, "msg")
