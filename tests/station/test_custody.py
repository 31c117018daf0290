"""Where private keys and epoch secrets live: durable, for their owner alone, and opened by one passphrase."""

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from detente.crypto.hashing import sha256
from detente.crypto.keyfiles import read_signing_key
from detente.crypto.signing import SigningKey
from detente.crypto.wrapping import unwrap, wrap
from detente.errors import LocalMisuse, StoreFault, StoreFull
from detente.station.custody import Custody
from detente.station.secret_journal import RECORD_OCTETS
from tests.stores.mounts import fill, small_disk

PASSPHRASE = "correct horse, \u9a6c".encode()
ROUNDS = 1_000  # stretching is not what is tested here


def seeded(seed: str) -> Callable[[int], bytes]:
    """Chance that is the same for one seed."""
    count = 0

    def entropy(octets: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed} {count}".encode()).digest(octets)

    return entropy


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    """A new custody in `tmp_path / "keys"`."""
    return Custody.create(tmp_path / "keys", PASSPHRASE, seeded("a"), ROUNDS)


def reopened(tmp_path: Path) -> Custody:
    """The same custody after a restart."""
    return Custody.open(tmp_path / "keys", PASSPHRASE, seeded("b"), ROUNDS)


def check_and_secret(number: int) -> tuple[bytes, bytes]:
    """An epoch's check and secret."""
    return sha256(b"check %d" % number), sha256(b"secret %d" % number)


def test_every_kind_of_key_survives_a_restart(custody: Custody, tmp_path: Path) -> None:
    """KEY-3: keys of all kinds, found by their public half, still sign and unwrap after reopening."""
    signing = {kind: custody.new_signing_key(kind) for kind in ("root", "book", "cosigner", "tls")}
    pq_key, wrap_key = custody.new_pq_key(), custody.new_wrap_key()
    custody = reopened(tmp_path)
    for kind, key in signing.items():
        held = custody.signing_key(kind, key.public)
        assert held is not None
        assert held.sign(b"x") == key.sign(b"x")
    held_pq = custody.pq_key(pq_key.public)
    assert held_pq is not None
    assert held_pq.seed == pq_key.seed
    held_wrap = custody.wrap_key(sha256(wrap_key.public))
    assert held_wrap is not None
    assert unwrap(wrap(b"s" * 32, wrap_key.public, b"info"), held_wrap, b"info") == b"s" * 32


def test_files_are_named_by_kind_and_digest_and_private(custody: Custody, tmp_path: Path) -> None:
    """The directory has mode 0700, each file 0600; no temporary file is left; no seed stands in any file."""
    key = custody.new_signing_key("book")
    wrap_key = custody.new_wrap_key()
    custody.keep_secret(*check_and_secret(1))
    directory = tmp_path / "keys"
    names = {f"book-{sha256(key.public)[:8].hex()}.pem", f"hpke-{sha256(wrap_key.public)[:8].hex()}.pem"}
    assert {path.name for path in directory.iterdir()} == {"station.pem", "secrets", *names}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    everything = b"".join(path.read_bytes() for path in directory.iterdir())
    assert key.seed not in everything
    assert check_and_secret(1)[1] not in everything


def test_a_wrong_passphrase_is_local_misuse(custody: Custody, tmp_path: Path) -> None:
    """And opens nothing, not even a little; an empty or unreadable one neither."""
    custody.new_signing_key("book")
    for wrong in (b"correct horse", b"", b"\xff"):
        with pytest.raises(LocalMisuse):
            Custody.open(tmp_path / "keys", wrong)
    with pytest.raises(LocalMisuse, match="passphrase is empty"):
        Custody.create(tmp_path / "other", b"")


def test_passwords_differ_and_only_root_and_station_have_the_passphrase(custody: Custody, tmp_path: Path) -> None:
    """A root's file opens elsewhere with the passphrase alone; a book's file does not, nor under another name."""
    root, book = custody.new_signing_key("root"), custody.new_signing_key("book")
    files = {path.name.split("-")[0]: path for path in (tmp_path / "keys").glob("*-*.pem")}
    text = PASSPHRASE.decode()
    assert read_signing_key(files["root"].read_bytes(), text).seed == root.seed
    with pytest.raises(LocalMisuse):
        read_signing_key(files["book"].read_bytes(), text)
    other = SigningKey.from_seed(bytes(32))
    moved = tmp_path / "keys" / f"book-{sha256(other.public)[:8].hex()}.pem"
    moved.write_bytes(files["book"].read_bytes())
    with pytest.raises(LocalMisuse):
        custody.signing_key("book", other.public)
    root_moved = tmp_path / "keys" / f"root-{sha256(other.public)[:8].hex()}.pem"
    root_moved.write_bytes(files["root"].read_bytes())
    with pytest.raises(StoreFault, match="another key than its name says"):
        custody.signing_key("root", other.public)
    held = custody.signing_key("book", book.public)
    assert held is not None
    assert held.seed == book.seed


def test_a_root_that_was_moved_away_is_asked_for_by_file(custody: Custody, tmp_path: Path) -> None:
    """Offline roots: everything else works without it, and the refusal names the file to bring."""
    root, book = custody.new_signing_key("root"), custody.new_signing_key("book")
    name = f"root-{sha256(root.public)[:8].hex()}.pem"
    (tmp_path / "keys" / name).rename(tmp_path / name)
    custody = reopened(tmp_path)
    assert custody.signing_key("book", book.public) is not None
    with pytest.raises(LocalMisuse, match=f"bring {name} to"):
        custody.signing_key("root", root.public)
    (tmp_path / name).rename(tmp_path / "keys" / name)
    held = custody.signing_key("root", root.public)
    assert held is not None
    assert held.seed == root.seed


def test_unknown_keys_are_none_and_unknown_kinds_local_misuse(custody: Custody) -> None:
    """A key that is not here is None; a kind that does not exist is our own mistake."""
    assert custody.signing_key("book", bytes(32)) is None
    assert custody.pq_key(bytes(1312)) is None
    assert custody.wrap_key(bytes(32)) is None
    assert custody.secret(bytes(32)) is None
    for action in (custody.new_signing_key, lambda kind: custody.delete(kind, b"")):
        with pytest.raises(LocalMisuse, match="no key of kind 'key'"):
            action("key")
    with pytest.raises(LocalMisuse, match="no key of kind 'hpke'"):
        custody.signing_key("hpke", bytes(32))


def test_a_deleted_key_is_gone(custody: Custody, tmp_path: Path) -> None:
    """Deleting is durable, touches no other key, and may be repeated."""
    keep, lose = custody.new_wrap_key(), custody.new_wrap_key()
    for _ in range(2):
        custody.delete("hpke", lose.public)
        assert custody.wrap_key(sha256(lose.public)) is None
    custody = reopened(tmp_path)
    assert custody.wrap_key(sha256(lose.public)) is None
    assert custody.wrap_key(sha256(keep.public)) is not None


def test_entropy_makes_everything(tmp_path: Path) -> None:
    """With one seed the same directory comes out, octet by octet; with another nothing is the same."""
    contents = []
    for name, seed in (("one", "x"), ("two", "x"), ("three", "y")):
        custody = Custody.create(tmp_path / name, PASSPHRASE, seeded(seed), ROUNDS)
        custody.new_signing_key("book")
        custody.new_wrap_key()
        custody.keep_secret(*check_and_secret(1))
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]
    assert not set(contents[0].values()) & set(contents[2].values())


def test_create_never_overwrites(custody: Custody, tmp_path: Path) -> None:
    """Neither a station key nor secrets, though their keys be elsewhere."""
    custody.keep_secret(*check_and_secret(1))
    with pytest.raises(LocalMisuse, match="holds keys already"):
        Custody.create(tmp_path / "keys", PASSPHRASE)
    (tmp_path / "keys" / "station.pem").rename(tmp_path / "station.pem")
    with pytest.raises(LocalMisuse, match="holds keys already"):
        Custody.create(tmp_path / "keys", PASSPHRASE)
    with pytest.raises(LocalMisuse, match=r"station.pem is missing"):
        reopened(tmp_path)


def test_others_must_not_read_the_directory(custody: Custody, tmp_path: Path) -> None:
    """A directory that others can read is refused, with the command that mends it."""
    custody.new_signing_key("book")
    (tmp_path / "keys").chmod(0o750)
    with pytest.raises(LocalMisuse, match="chmod 700"):
        reopened(tmp_path)


def test_keeping_a_key_again_changes_nothing(custody: Custody, tmp_path: Path) -> None:
    """A key that was made elsewhere is kept once."""
    key = SigningKey.from_seed(b"k" * 32)
    custody.keep_signing_key("cosigner", key)
    (path,) = (tmp_path / "keys").glob("cosigner-*.pem")
    before = path.read_bytes()
    custody.keep_signing_key("cosigner", key)
    assert path.read_bytes() == before


def test_a_full_disk_is_store_full_and_leaves_no_half_key(tmp_path: Path) -> None:
    """A key is there whole or not at all."""
    with small_disk(tmp_path / "disk", 200_000) as disk:
        custody = Custody.create(disk / "keys", PASSPHRASE, seeded("a"), ROUNDS)
        filler = fill(disk)
        for action in (custody.new_wrap_key, lambda: custody.new_signing_key("book")):
            with pytest.raises(StoreFull):
                action()
        assert sorted(path.name for path in (disk / "keys").iterdir()) == ["secrets", "station.pem"]
        filler.unlink()
        custody.new_wrap_key()


# --- epoch secrets


def test_secrets_survive_a_restart(custody: Custody, tmp_path: Path) -> None:
    """EPOCH-3: each secret is found by its check, by the object that kept it and by the next."""
    for number in range(40):
        custody.keep_secret(*check_and_secret(number))
        custody.keep_secret(*check_and_secret(number))
    for held in (custody, reopened(tmp_path)):
        for number in range(40):
            check, secret = check_and_secret(number)
            assert held.secret(check) == secret
    assert (tmp_path / "keys" / "secrets").stat().st_size == 41 * RECORD_OCTETS, "each is kept once"


def test_another_secret_under_one_check_is_refused(custody: Custody) -> None:
    """One record key seals one message only."""
    check, secret = check_and_secret(1)
    custody.keep_secret(check, secret)
    with pytest.raises(LocalMisuse, match="EPOCH-3"):
        custody.keep_secret(check, bytes(32))
    assert custody.secret(check) == secret
    for wrong in ((check[:31], secret), (check, secret + b"x")):
        with pytest.raises(LocalMisuse, match="32 octets"):
            custody.keep_secret(*wrong)


def test_a_torn_secret_is_tolerated_at_every_octet(custody: Custody, tmp_path: Path) -> None:
    """A record of which only a part was written was never told; the next one takes its place."""
    for number in range(3):
        custody.keep_secret(*check_and_secret(number))
    path = tmp_path / "keys" / "secrets"
    octets = path.read_bytes()
    for cut in range(RECORD_OCTETS):
        for rest in (b"", bytes(RECORD_OCTETS - cut)):
            path.write_bytes(octets[: 3 * RECORD_OCTETS + cut] + rest)
            held = reopened(tmp_path)
            assert [held.secret(check_and_secret(number)[0]) is not None for number in range(3)] == [True, True, False]
            held.keep_secret(*check_and_secret(2))
            assert path.read_bytes() == octets
    assert reopened(tmp_path).secret(check_and_secret(2)[0]) == check_and_secret(2)[1]


def test_a_damaged_secret_is_a_store_fault_and_the_others_open(custody: Custody, tmp_path: Path) -> None:
    """Damage before the last record was told to be durable; it is not taken for a missing secret."""
    for number in range(3):
        custody.keep_secret(*check_and_secret(number))
    path = tmp_path / "keys" / "secrets"
    octets = bytearray(path.read_bytes())
    octets[2 * RECORD_OCTETS - 1] ^= 1
    path.write_bytes(octets)
    held = reopened(tmp_path)
    with pytest.raises(StoreFault, match="does not open"):
        held.secret(check_and_secret(0)[0])
    assert held.secret(check_and_secret(1)[0]) == check_and_secret(1)[1]


def test_secrets_of_another_station_key_are_refused(custody: Custody, tmp_path: Path) -> None:
    """A restored file that does not belong to this station key is not written to; a missing one is said."""
    custody.keep_secret(*check_and_secret(1))
    path = tmp_path / "keys" / "secrets"
    Custody.create(tmp_path / "other", PASSPHRASE, seeded("other"), ROUNDS)
    foreign = (tmp_path / "other" / "secrets").read_bytes()
    path.write_bytes(foreign)
    with pytest.raises(StoreFault, match="does not belong to this station key"):
        reopened(tmp_path)
    assert path.read_bytes() == foreign
    path.unlink()
    with pytest.raises(StoreFault, match="is missing; restore it, or make it empty"):
        reopened(tmp_path)
    path.write_bytes(b"")
    held = reopened(tmp_path)
    held.keep_secret(*check_and_secret(2))
    assert reopened(tmp_path).secret(check_and_secret(2)[0]) == check_and_secret(2)[1]


def test_two_objects_keep_secrets_in_turn(custody: Custody, tmp_path: Path) -> None:
    """A command beside the running station overwrites nothing."""
    other = reopened(tmp_path)
    for number in range(6):
        (custody, other)[number % 2].keep_secret(*check_and_secret(number))
    held = reopened(tmp_path)
    assert all(held.secret(check_and_secret(number)[0]) == check_and_secret(number)[1] for number in range(6))


def test_a_failed_sync_is_made_good_by_the_next_one(
    custody: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that only looks written is written again, so that what is told afterwards never rests on it."""
    written: list[bytes] = []
    pwrite = os.pwrite

    def watch(descriptor: int, octets: bytes, offset: int) -> int:
        written.append(octets)
        return pwrite(descriptor, octets, offset)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(StoreFault, match="the medium may be failing"):
            custody.keep_secret(*check_and_secret(1))
    monkeypatch.setattr(os, "pwrite", watch)
    for held in (custody, reopened(tmp_path)):
        written.clear()
        held.keep_secret(*check_and_secret(1))
        assert check_and_secret(1)[0] in b"".join(written)
