"""Key files: what is written is read back, by other tools too, and a wrong passphrase is told as such."""

import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from detente.crypto.keyfiles import (
    ENTROPY_OCTETS,
    ROUNDS,
    read_pq_signing_key,
    read_signing_key,
    read_wrap_key,
    write_key,
)
from detente.crypto.signing import PqSigningKey, SigningKey
from detente.crypto.wrapping import WrapKey
from detente.errors import LocalMisuse

Key = SigningKey | PqSigningKey | WrapKey
Reader = Callable[[bytes, str], Key]

PASSPHRASE = "correct horse, na\u00efve battery"
ENTROPY = bytes(range(ENTROPY_OCTETS))
FEW_ROUNDS = 10  # the real number has a test of its own

KINDS: list[tuple[Key, Reader]] = [
    (SigningKey(bytes(range(32))), read_signing_key),
    (PqSigningKey(bytes(range(32))), read_pq_signing_key),
    (WrapKey(bytes(range(96))), read_wrap_key),
]
every_kind = pytest.mark.parametrize(("key", "read"), KINDS, ids=["ed25519", "mldsa44", "wrap"])


@every_kind
def test_a_key_comes_back_from_its_file(key: Key, read: Reader) -> None:
    """Written and read with the full number of rounds."""
    pem = write_key(key, PASSPHRASE, ENTROPY)
    back = read(pem, PASSPHRASE)
    assert (back.seed, back.public) == (key.seed, key.public)
    assert ROUNDS >= 600_000
    assert ROUNDS.to_bytes(3) in der_of(pem)  # the file states what was done


@every_kind
def test_a_wrong_passphrase_is_said_to_be_one(key: Key, read: Reader) -> None:
    """The operator is told what may be wrong, and no more."""
    pem = write_key(key, PASSPHRASE, ENTROPY, FEW_ROUNDS)
    with pytest.raises(LocalMisuse, match="wrong passphrase or damaged key file"):
        read(pem, PASSPHRASE + ".")


@every_kind
def test_a_damaged_file_is_refused(key: Key, read: Reader) -> None:
    """Every place of the file counts: CBC alone would give another key for some changed characters."""
    pem = write_key(key, PASSPHRASE, ENTROPY, FEW_ROUNDS)
    for place in range(0, len(pem), 7):
        changed = bytearray(pem)
        changed[place] = ord("B") if changed[place] != ord("B") else ord("C")
        if type(key) is WrapKey and changed_rejection_value(bytes(changed)):
            continue
        with pytest.raises(LocalMisuse):
            read(bytes(changed), PASSPHRASE)


@every_kind
def test_a_file_of_another_kind_is_refused(key: Key, read: Reader) -> None:
    """A file is read as what it holds."""
    for other, _ in KINDS:
        if type(other) is not type(key):
            with pytest.raises(LocalMisuse, match="give another file"):
                read(write_key(other, PASSPHRASE, ENTROPY, FEW_ROUNDS), PASSPHRASE)


@pytest.mark.parametrize("octets", [b"", b"\xff", b"-----BEGIN PRIVATE KEY-----\n", b"text before\n"])
def test_what_is_no_key_file_is_refused(octets: bytes) -> None:
    """Nothing around the blocks, and no unencrypted key."""
    with pytest.raises(LocalMisuse):
        read_signing_key(octets, PASSPHRASE)
    with pytest.raises(LocalMisuse):
        read_signing_key(octets + write_key(KINDS[0][0], PASSPHRASE, ENTROPY, FEW_ROUNDS) + b"\n", PASSPHRASE)


def test_a_key_file_needs_a_passphrase_and_fresh_octets() -> None:
    """An empty passphrase or too little entropy is refused before anything is written."""
    with pytest.raises(LocalMisuse):
        write_key(KINDS[0][0], "", ENTROPY)
    with pytest.raises(LocalMisuse):
        write_key(KINDS[0][0], PASSPHRASE, ENTROPY[:-1])


def test_openssl_reads_the_envelope(tmp_path: Path) -> None:
    """RFC 8018: another implementation decrypts the file with the passphrase."""
    file = tmp_path / "key.pem"
    file.write_bytes(write_key(KINDS[0][0], "passphrase", ENTROPY, FEW_ROUNDS))
    command = ["openssl", "pkey", "-in", str(file), "-passin", "pass:passphrase", "-outform", "DER"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.endswith(KINDS[0][0].seed)


def changed_rejection_value(pem: bytes) -> bool:
    """Whether only z of ML-KEM changed (FIPS 203, 7.1): it feeds answers to altered wraps, not the public key."""
    try:
        seed = read_wrap_key(pem, PASSPHRASE).seed
    except LocalMisuse:
        return False
    whole = KINDS[2][0].seed
    return seed[:32] == whole[:32] and seed[64:] == whole[64:]


def der_of(pem: bytes) -> bytes:
    """The octets of the first block."""
    return b64decode(pem.decode().split("PRIVATE KEY-----")[1].rpartition("-----END")[0])
