"""Private keys and epoch secrets of one station, in a directory of their own. Its law: durable before it is told.

The directory (mode 0700, best outside the store's backups) holds one file for each key, named by its kind and the
first 8 octets of the SHA-256 of its public half, and the journal `secrets` of epoch secrets by their check (EPOCH-3):

    station.pem                      a seed from which passwords are derived; signs nothing
    root-<16 hex>.pem                may be moved away and brought back for signing
    book-, cosigner-, tls-, pq-, hpke-<16 hex>.pem
    book-<16 hex>.used               this key has begun its book (STORE-3), for the day when anchor and store are lost

Root keys and the station key are encrypted with the operator's passphrase; the others with passwords derived from the
station key, which need no stretching, so that one passphrase opens hundreds of keys at once. What it cannot do: erase a
deleted key from the medium itself; what may be left there is as safe as the passphrase and the station key.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from detente.crypto.hashing import hmac_sha256, sha256
from detente.crypto.keyfiles import (
    ENTROPY_OCTETS,
    ROUNDS,
    read_pq_signing_key,
    read_signing_key,
    read_wrap_key,
    write_key,
)
from detente.crypto.signing import SEED_OCTETS, PqSigningKey, SigningKey
from detente.crypto.wrapping import SEED_OCTETS as WRAP_SEED_OCTETS
from detente.crypto.wrapping import WrapKey
from detente.errors import LocalMisuse, StoreFault
from detente.station.secret_journal import SecretJournal
from detente.stores.files import disk_faults, sync_directory, write_file

STATION_FILE: Final = "station.pem"
SECRETS_FILE: Final = "secrets"
_USED_SUFFIX: Final = ".used"
SIGNING_KINDS: Final = ("root", "book", "cosigner", "tls")
KINDS: Final = (*SIGNING_KINDS, "pq", "hpke")
DERIVED_ROUNDS: Final = 1_000  # a derived password has 256 bits, so stretching would add time and no strength

_PASSWORDS: Final = b"detente/1 custody passwords"
_SECRETS: Final = b"detente/1 custody secrets"

AnyKey = SigningKey | PqSigningKey | WrapKey


class Custody:
    """A `protocol.shelf.Keyring` in a directory. Get one from `create` or `open`; used from one thread at a time."""

    def __init__(
        self, directory: Path, passphrase: str, station: SigningKey, entropy: Callable[[int], bytes], rounds: int
    ) -> None:
        self.entropy = entropy
        self._directory = directory
        self._passphrase = passphrase
        self._rounds = rounds
        self._passwords_key = hmac_sha256(station.seed, _PASSWORDS)
        self._secrets = SecretJournal(directory / SECRETS_FILE, hmac_sha256(station.seed, _SECRETS))

    @classmethod
    def create(
        cls,
        directory: str | os.PathLike[str],
        passphrase: bytes,
        entropy: Callable[[int], bytes] = os.urandom,
        rounds: int = ROUNDS,
    ) -> "Custody":
        """Make the directory, if need be, and its station key. `passphrase` is UTF-8; `rounds` those of PBKDF2.

        Raises LocalMisuse (empty passphrase, there are keys already), StoreFault.
        """
        path = Path(directory).absolute()
        text = _text(passphrase)
        with disk_faults(path):
            path.mkdir(mode=0o700, exist_ok=True)
            path.chmod(0o700)
            sync_directory(path.parent)
            secrets = path / SECRETS_FILE
            if any(path.glob("*.pem")) or (secrets.exists() and secrets.stat().st_size > 0):
                raise LocalMisuse(f"{path} holds keys already; open it, or give an empty directory")
            station = SigningKey.from_seed(entropy(SEED_OCTETS))
            write_file(secrets, b"")
            write_file(path / STATION_FILE, write_key(station, text, entropy(ENTROPY_OCTETS), rounds))
        return cls(path, text, station, entropy, rounds)

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str],
        passphrase: bytes,
        entropy: Callable[[int], bytes] = os.urandom,
        rounds: int = ROUNDS,
    ) -> "Custody":
        """Open with the operator's passphrase; takes about a quarter of a second, on purpose (`keyfiles.ROUNDS`).

        Raises LocalMisuse (wrong passphrase, no keys there, others can read the directory), StoreFault.
        """
        path = Path(directory).absolute()
        text = _text(passphrase)
        with disk_faults(path):
            if not (path / STATION_FILE).exists():
                raise LocalMisuse(f"{path / STATION_FILE} is missing; name the right directory, or restore it")
            if path.stat().st_mode & 0o077:
                raise LocalMisuse(f"others can read {path}; make it yours alone: chmod 700 {path}")
            pem = (path / STATION_FILE).read_bytes()
        return cls(path, text, read_signing_key(pem, text), entropy, rounds)

    # --- keys

    def new_signing_key(self, kind: str) -> SigningKey:
        """A fresh Ed25519 key of a kind in SIGNING_KINDS, durable when this returns. Raises StoreFault."""
        key = SigningKey.from_seed(self.entropy(SEED_OCTETS))
        self.keep_signing_key(kind, key)
        return key

    def keep_signing_key(self, kind: str, key: SigningKey) -> None:
        """Keep a key that was made elsewhere. One that is here already is left as it is. Raises StoreFault."""
        _check_kind(kind, SIGNING_KINDS)
        self._keep(kind, key)

    def signing_key(self, kind: str, public: bytes) -> SigningKey | None:
        """The private half of `public` (32 octets), or None if it is not here.

        Raises LocalMisuse for a missing root key, which says which file to bring; StoreFault.
        """
        _check_kind(kind, SIGNING_KINDS)
        path = self._path(kind, public)
        pem = self._read(path)
        if pem is None and kind == "root":
            raise LocalMisuse(f"the root key is not here; bring {path.name} to {path.parent} for the time of signing")
        if pem is None:
            return None
        key = read_signing_key(pem, self._password(path))
        _check_same(path, key, sha256(public))
        return key

    def mark_used(self, public: bytes) -> None:
        """Remember that a `book` key has begun its book, durable when this returns (STORE-3). Raises StoreFault."""
        path = used_mark(self._directory, public)
        with disk_faults(path):
            write_file(path, b"")

    def is_used(self, public: bytes) -> bool:
        """Whether a `book` key was ever marked so. Raises StoreFault."""
        path = used_mark(self._directory, public)
        with disk_faults(path):
            return path.exists()

    def has(self, kind: str, public: bytes) -> bool:
        """Whether the private half of `public` lies here, unopened. Raises StoreFault."""
        _check_kind(kind, KINDS)
        path = self._path(kind, public)
        with disk_faults(path):
            return path.exists()

    def new_pq_key(self) -> PqSigningKey:
        """A fresh ML-DSA-44 key, durable when this returns. Raises StoreFault."""
        key = PqSigningKey.from_seed(self.entropy(SEED_OCTETS))
        self.keep_pq_key(key)
        return key

    def keep_pq_key(self, key: PqSigningKey) -> None:
        """Keep a key that was made elsewhere. One that is here already is left as it is. Raises StoreFault."""
        self._keep("pq", key)

    def pq_key(self, public: bytes) -> PqSigningKey | None:
        """The private half of `public` (1,312 octets), or None if it is not here. Raises StoreFault."""
        path = self._path("pq", public)
        pem = self._read(path)
        if pem is None:
            return None
        key = read_pq_signing_key(pem, self._password(path))
        _check_same(path, key, sha256(public))
        return key

    def new_wrap_key(self) -> WrapKey:
        """A fresh HPKE key, durable when this returns. Raises StoreFault."""
        key = WrapKey.from_seed(self.entropy(WRAP_SEED_OCTETS))
        self._keep("hpke", key)
        return key

    def wrap_key(self, digest: bytes) -> WrapKey | None:
        """The HPKE key whose public half has this SHA-256 (KEY-4), or None if it is not here. Raises StoreFault."""
        path = self._path_of_digest("hpke", digest)
        pem = self._read(path)
        if pem is None:
            return None
        key = read_wrap_key(pem, self._password(path))
        _check_same(path, key, digest)
        return key

    def delete(self, kind: str, public: bytes) -> None:
        """Delete a key for ever; durable when this returns. One that is not here counts as deleted.

        Raises StoreFault.
        """
        _check_kind(kind, KINDS)
        with disk_faults(self._directory):
            self._path(kind, public).unlink(missing_ok=True)
            sync_directory(self._directory)

    # --- epoch secrets

    def keep_secret(self, check: bytes, secret: bytes) -> None:
        """Keep an epoch secret under its check, which the caller verified (EPOCH-3). Raises StoreFault.

        Durable when this returns. Keeping it again changes nothing; another secret under one check is LocalMisuse.
        """
        self._secrets.keep(check, secret)

    def secret(self, check: bytes) -> bytes | None:
        """The secret kept under this check, or None. Raises StoreFault if the journal is damaged there."""
        return self._secrets.get(check)

    def _keep(self, kind: str, key: AnyKey) -> None:
        path = self._path(kind, key.public)
        with disk_faults(path):
            if path.exists():
                sync_directory(self._directory)  # a crash may have come between its renaming and the sync
                return
            rounds = self._rounds if kind == "root" else DERIVED_ROUNDS
            write_file(path, write_key(key, self._password(path), self.entropy(ENTROPY_OCTETS), rounds))

    def _read(self, path: Path) -> bytes | None:
        with disk_faults(path):
            return path.read_bytes() if path.exists() else None

    def _path(self, kind: str, public: bytes) -> Path:
        return self._path_of_digest(kind, sha256(public))

    def _path_of_digest(self, kind: str, digest: bytes) -> Path:
        return self._directory / f"{kind}-{digest[:8].hex()}.pem"

    def _password(self, path: Path) -> str:
        """Each file has a password of its own: one that leaks opens no other."""
        if path.name.startswith("root-"):
            return self._passphrase
        return hmac_sha256(self._passwords_key, path.name.encode()).hex()


def used_mark(directory: Path, public: bytes) -> Path:
    """Where it is marked that a `book` key has begun its book (STORE-3)."""
    return directory / f"book-{sha256(public)[:8].hex()}{_USED_SUFFIX}"


def _check_same(path: Path, key: AnyKey, digest: bytes) -> None:
    if sha256(key.public) != digest:
        raise StoreFault(f"{path} holds another key than its name says; restore it from a backup")


def _check_kind(kind: str, kinds: tuple[str, ...]) -> None:
    if kind not in kinds:
        raise LocalMisuse(f"there is no key of kind {kind!r} here; kinds are {', '.join(kinds)}")


def _text(passphrase: bytes) -> str:
    try:
        return passphrase.decode()
    except UnicodeDecodeError as error:
        raise LocalMisuse("the passphrase is not UTF-8; type it again, or convert its file") from error
