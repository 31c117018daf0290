"""HOME: the folder that holds one station of one party, and the only place that knows where in it things lie.

Its law: one process at a time opens the store for writing, and one signs; everything in HOME is for its owner alone; what
`create` began and could not end never looks like a HOME, for config.toml is written last.

    config.toml           the station's settings (`config.py`)
    keys/                 private keys, encrypted (`custody.py`)
    cards/                our own cards, each for one charter
    charters/ notes/      what our root signed, and what was joined: copies for people; the store is the authority
    tls.der               the certificate that this station shows on links
    store.sqlite          the books
    anchor/journal        what was told (STORE-3), unless config.toml names another place
    lock, papers.lock     held by the process that writes the store, and by the one that signs with the root
    replay.lock           held by the one that plays a correspondence
    station.sock          of the running station
"""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from detente.crypto.certificates import certificate_public_key, make_certificate
from detente.crypto.signing import SigningKey
from detente.errors import Fault, LocalMisuse, StoreFull
from detente.ids import PartyId
from detente.limits import DISK_FREE_OCTETS_MIN
from detente.station.anchor import JournalAnchor
from detente.station.config import Config, format_config, parse_config
from detente.station.custody import Custody
from detente.station.driver import Driver
from detente.stores.files import disk_faults, write_file
from detente.stores.sqlite import SqliteStore

CONFIG_FILE = "config.toml"
FOLDERS = ("keys", "cards", "charters", "notes", "anchor")
CERTIFICATE_YEARS = 20  # a charter pins the certificate itself, so its age guards nothing; it must outlive the charter
LOCK_WAIT_SECONDS = 2.0  # a command that only writes one message has ended by then
SOCKET_PATH_OCTETS_MAX = 107  # of the operating system (sun_path)

_YEAR_SECONDS = 31_557_600
_CLOCK_DOUBT_SECONDS = 2 * 86_400  # the certificate begins earlier, for peers whose clocks are behind


class Home:
    """One station's folder. Get one from `create` or `open`; nothing is unlocked before a passphrase is given."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config

    @classmethod
    def create(cls, path: str | os.PathLike[str], config: Config, passphrase: bytes, now_s: int) -> "Home":
        """Make a new HOME with its TLS identity. `now_s`: seconds since 1970. Raises LocalMisuse, StoreFault."""
        root = Path(path).absolute()
        cls.require_new(root)
        with disk_faults(root):
            for folder in (root, *(root / name for name in FOLDERS)):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
        home = cls(root, config)
        key = Custody.create(home.keys_path, passphrase).new_signing_key("tls")
        certificate = make_certificate(
            key.seed,
            f"{config.party} {config.station}",
            now_s - _CLOCK_DOUBT_SECONDS,
            now_s + CERTIFICATE_YEARS * _YEAR_SECONDS,
            secrets.randbits(158) + 1,
        )
        home.write(home.certificate_path, certificate)
        home.write(root / CONFIG_FILE, format_config(config).encode())
        return home

    @staticmethod
    def require_new(path: str | os.PathLike[str]) -> None:
        """Raise LocalMisuse unless `path` is free for a new HOME: nothing, or an empty folder."""
        root = Path(path).absolute()
        with disk_faults(root):
            if root.exists() and (not root.is_dir() or any(root.iterdir())):
                raise LocalMisuse(f"{root} exists and is not an empty folder; give another place for the new HOME")

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Home":
        """The HOME at `path`. Raises LocalMisuse."""
        root = Path(path).absolute()
        try:
            text = (root / CONFIG_FILE).read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LocalMisuse(
                f"{root} is no HOME of a station; make one with `detente init`, or give its folder"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise LocalMisuse(f"{root / CONFIG_FILE} cannot be read: {error}") from error
        return cls(root, parse_config(text))

    # --- places

    @property
    def keys_path(self) -> Path:
        """The folder of private keys."""
        return self.path / "keys"

    @property
    def cards_path(self) -> Path:
        """The folder of our own cards."""
        return self.path / "cards"

    @property
    def charters_path(self) -> Path:
        """The folder of charters that our root signed or that were joined."""
        return self.path / "charters"

    @property
    def notes_path(self) -> Path:
        """The folder of our signed book notes."""
        return self.path / "notes"

    @property
    def certificate_path(self) -> Path:
        """The certificate of our links, DER."""
        return self.path / "tls.der"

    @property
    def store_path(self) -> Path:
        """The store."""
        return self.path / "store.sqlite"

    @property
    def anchor_path(self) -> Path:
        """The anchor's journal, best on another medium."""
        return self.path / self.config.anchor

    @property
    def passphrase_path(self) -> Path | None:
        """The file that holds the passphrase, if config.toml names one."""
        return self.path / self.config.passphrase_file if self.config.passphrase_file else None

    @property
    def socket_path(self) -> Path:
        """The running station's local socket. Raises LocalMisuse if HOME's path is too long for one."""
        path = self.path / "station.sock"
        if len(os.fsencode(path)) > SOCKET_PATH_OCTETS_MAX:
            raise LocalMisuse(
                f"the path of HOME is too long: {path} has more than {SOCKET_PATH_OCTETS_MAX} octets; move it"
            )
        return path

    # --- use

    def lock(self, holder: str = "detente") -> contextlib.AbstractContextManager[None]:
        """Be the one process that writes the store. Raises LocalMisuse that names who does when it is another.

        Waits a little first: another command is done soon, a station is not.
        """
        return self._lock(self.path / "lock", holder)

    def lock_papers(self, holder: str) -> contextlib.AbstractContextManager[None]:
        """Be the one process that signs with the root; the station may run meanwhile. Raises LocalMisuse as `lock`."""
        return self._lock(self.path / "papers.lock", holder)

    def lock_replay(self) -> contextlib.AbstractContextManager[None]:
        """Be the one process that plays a correspondence here, so that none plays a message twice. Raises as `lock`."""
        return self._lock(self.path / "replay.lock", "detente replay")

    @contextlib.contextmanager
    def _lock(self, path: Path, holder: str) -> Iterator[None]:
        with disk_faults(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + LOCK_WAIT_SECONDS
            while not _locked(descriptor):
                if time.monotonic() > end:
                    who = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
                    raise LocalMisuse(f"{self.path} is in use by {who}; stop it, or wait until it has ended")
                time.sleep(0.05)
            with disk_faults(path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{holder}, process {os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)  # releases the lock, as the end of the process does

    def open_custody(self, passphrase: bytes) -> Custody:
        """Our private keys. Raises LocalMisuse for a wrong passphrase, StoreFault."""
        return Custody.open(self.keys_path, passphrase)

    def open_driver(self, passphrase: bytes) -> Driver:
        """The station's books, opened for writing; the caller holds `lock` and closes it. Raises Fault."""
        custody = self.open_custody(passphrase)
        store = SqliteStore.open(self.store_path)
        try:
            with disk_faults(self.anchor_path):
                self.anchor_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            anchor = JournalAnchor(self.anchor_path)
        except Fault:
            store.close()
            raise
        try:
            return Driver(store, anchor, custody, PartyId(self.config.party), self.config.station)
        except Fault:
            anchor.close()
            store.close()
            raise

    def require_room(self) -> None:
        """Raise StoreFull when the store's disk is nearly full: then nothing more is accepted from this side.

        What is left is for what others say and for receipts, so that nothing is lost half-way.
        """
        with disk_faults(self.path):
            disk = os.statvfs(self.path)
        free_octets = disk.f_bavail * disk.f_frsize
        if free_octets < DISK_FREE_OCTETS_MIN:
            raise StoreFull(
                f"{self.path}: only {free_octets // 1_048_576} MiB are left; below {DISK_FREE_OCTETS_MIN // 1_048_576} MiB "
                "a station accepts nothing, so that nothing is lost: make room on this disk, then send again"
            )

    def certificate(self) -> bytes:
        """The DER certificate of our links. Raises StoreFault."""
        with disk_faults(self.certificate_path):
            return self.certificate_path.read_bytes()

    def tls_identity(self, passphrase: bytes) -> tuple[bytes, SigningKey]:
        """The DER certificate of our links, and its key. Raises LocalMisuse, StoreFault."""
        certificate = self.certificate()
        key = self.open_custody(passphrase).signing_key("tls", certificate_public_key(certificate))
        if key is None:
            raise LocalMisuse(
                f"the key of {self.certificate_path} is not in {self.keys_path}; restore both from one backup"
            )
        return certificate, key

    def write(self, path: Path, octets: bytes) -> None:
        """Put a file in HOME, whole and durable. Raises StoreFault."""
        with disk_faults(path):
            write_file(path, octets)


def _locked(descriptor: int) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
