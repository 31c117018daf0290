"""Backups: one encrypted file that holds what a station knows, and never what it could sign with.

    backup.json     what this is, of whom, from when, and how far each book goes
    store.sqlite    a copy of the store at one moment, taken beside the running station
    config.toml, tls.der, cards/, charters/, notes/

Its law: private keys and epoch secrets (keys/) and the anchor are in no backup: a stolen one signs nothing and opens no
sealed text, and an old one can be told from the present. A backup gets its name only after it was read back from the
medium, decrypted, compared with what was copied, and its books were verified to their signed heads.
"""

import contextlib
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from detente import __version__
from detente.errors import LocalMisuse, Malformed, StoreFault
from detente.station.home import CONFIG_FILE, Home
from detente.station.store_check import BookChecked, Progress, check_store, no_progress
from detente.stores.age_file import AgeReader, AgeWriter
from detente.stores.files import disk_faults, sync_directory, write_file

FORMAT = 1
MANIFEST_FILE = "backup.json"
STORE_FILE = "store.sqlite"
LAST_BACKUP_FILE = "last-backup.json"
PAPER_FOLDERS = ("cards", "charters", "notes")
PAPER_OCTETS_MAX = 1_048_576  # of one file that is not the store; a charter has at most a quarter of that
COPIED_OCTETS = 1_048_576

_NAME = re.compile(
    r"backup\.json|store\.sqlite|config\.toml|tls\.der|(?:cards|charters|notes)/[A-Za-z0-9][A-Za-z0-9._-]{0,250}"
)


@dataclass(frozen=True, slots=True)
class BackupMade:
    """A backup that was read back and verified."""

    path: Path
    octets: int
    at_ms: int
    books: list[BookChecked]


def make_backup(
    home: Home, output: Path, passphrase: bytes, now_ms: int, progress: Progress = no_progress
) -> BackupMade:
    """Write and verify a backup of `home` at `output`, which must be new. The station may run. Raises Fault."""
    output = output.absolute()
    if output.exists():
        raise LocalMisuse(f"{output} exists; give another name, so that no backup is lost")
    if not output.parent.is_dir():
        raise LocalMisuse(f"there is no folder {output.parent}; make it first")
    unfinished = output.with_name(f".{output.name}.unfinished")
    with scratch(home.path) as folder:
        copy = folder / STORE_FILE
        copy_store(home.store_path, copy)
        books = check_store(copy, progress)
        manifest = _manifest(home, books, now_ms)
        try:
            with disk_faults(unfinished):
                contents = _contents(home, copy, manifest)
                _write(unfinished, contents, passphrase)
                compare(unfinished, contents, passphrase)
                unfinished.rename(output)
                sync_directory(output.parent)
        finally:
            unfinished.unlink(missing_ok=True)
    octets = output.stat().st_size
    last = {"at": now_ms, "file": str(output), "octets": octets, "books": manifest["books"]}
    home.write(home.path / LAST_BACKUP_FILE, json.dumps(last, indent=2).encode() + b"\n")
    return BackupMade(output, octets, now_ms, books)


def copy_store(source: Path, target: Path) -> None:
    """A copy of a store at one moment, made with SQLite's online backup while others may write. Raises StoreFault."""
    if not source.exists():
        raise StoreFault(f"there is no store at {source}; start the station once, or name the right HOME")
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            contextlib.closing(sqlite3.connect(target)) as new,
        ):
            old.execute("BEGIN")  # one moment: what is committed meanwhile neither shows nor makes it begin again
            old.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            old.backup(new, pages=4_096)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    except sqlite3.Error as error:
        raise StoreFault(f"{source} could not be copied to {target.parent}: {error}; is there room?") from error


def unpack(backup: Path, passphrase: bytes, folder: Path) -> dict[str, Any]:
    """Decrypt a backup into `folder`, whole or not at all; what its backup.json says. Raises Fault."""
    if not backup.is_file():
        raise LocalMisuse(f"there is no backup {backup}; give the right file")
    with disk_faults(backup), backup.open("rb") as file:
        reader = AgeReader(file, passphrase)
        names: set[str] = set()
        try:
            with tarfile.open(fileobj=cast("BinaryIO", reader), mode="r|") as archive:
                for member in archive:
                    _check_member(member, names)
                    names.add(member.name)
                    content = archive.extractfile(member)
                    if content is not None:
                        _put(folder / member.name, content)
        except tarfile.TarError as error:
            raise Malformed(f"{backup} opens, and is no backup of Detente: {error}") from error
        reader.read_rest()  # the end must be there
    manifest = _read_manifest(folder / MANIFEST_FILE)
    if STORE_FILE not in names:
        raise Malformed(f"{backup} holds no store")
    return manifest


@contextlib.contextmanager
def scratch(parent: Path | None) -> Iterator[Path]:
    """A folder for us alone below `parent`, or where the system keeps such folders; gone at the end."""
    with disk_faults(parent or Path(tempfile.gettempdir())):
        folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def compare(backup: Path, contents: list[tuple[str, Path | bytes]], passphrase: bytes) -> None:
    """Read a backup from the medium and compare every octet with what was to be in it. Raises StoreFault, Malformed."""
    with backup.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # from the medium, not from memory
        reader = AgeReader(file, passphrase)
        with tarfile.open(fileobj=cast("BinaryIO", reader), mode="r|") as archive:
            wanted = iter(contents)
            for member in archive:
                name, source = next(wanted, ("", b""))
                content = archive.extractfile(member)
                if member.name != name or content is None or not _same(content, source):
                    raise StoreFault(
                        f"{backup}: {member.name} was not written as it is; check the medium, then try again"
                    )
            if next(wanted, None) is not None:
                raise StoreFault(f"{backup} is not complete; check the medium, then try again")
        reader.read_rest()


def _manifest(home: Home, books: list[BookChecked], now_ms: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "program": __version__,
        "at": now_ms,
        "party": home.config.party,
        "station": home.config.station,
        "books": [{"origin": b.origin, "ours": b.ours, "size": b.size, "root": b.root.hex()} for b in books],
    }


def _contents(home: Home, store: Path, manifest: dict[str, Any]) -> list[tuple[str, Path | bytes]]:
    """Name and content of every member, in their order."""
    found: list[tuple[str, Path | bytes]] = [
        (MANIFEST_FILE, json.dumps(manifest, indent=2).encode() + b"\n"),
        (CONFIG_FILE, (home.path / CONFIG_FILE).read_bytes()),
        ("tls.der", home.certificate()),
    ]
    for folder in PAPER_FOLDERS:
        paths = sorted(path for path in (home.path / folder).glob("*") if path.is_file())
        named = [(f"{folder}/{path.name}", path.read_bytes()) for path in paths]
        found += [pair for pair in named if _NAME.fullmatch(pair[0])]
    return [*found, (STORE_FILE, store)]


def _write(path: Path, contents: list[tuple[str, Path | bytes]], passphrase: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        writer = AgeWriter(file, passphrase)
        with tarfile.open(fileobj=cast("BinaryIO", writer), mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for name, source in contents:
                member = tarfile.TarInfo(name)
                member.mode = 0o600
                with _opened(source) as content:
                    member.size = content.seek(0, os.SEEK_END)
                    content.seek(0)
                    archive.addfile(member, content)
        writer.finish()
        file.flush()
        os.fsync(file.fileno())


def _opened(source: Path | bytes) -> BinaryIO:
    return source.open("rb") if isinstance(source, Path) else io.BytesIO(source)


def _same(content: Any, source: Path | bytes) -> bool:  # noqa: ANN401 - tarfile's reader
    with _opened(source) as wanted:
        while True:
            part = content.read(COPIED_OCTETS)
            if part != wanted.read(len(part) or 1):
                return False
            if not part:
                return True


def _check_member(member: tarfile.TarInfo, names: set[str]) -> None:
    """Only plain files of known names leave a backup, each once and no larger than it may be."""
    large = member.name == STORE_FILE
    if not member.isreg() or not _NAME.fullmatch(member.name) or member.name in names:
        raise Malformed(f"the backup holds {member.name!a}, which no backup of Detente holds; nothing was changed")
    if not large and member.size > PAPER_OCTETS_MAX:
        raise Malformed(f"{member.name} in the backup has {member.size} octets; nothing was changed")


def _put(path: Path, content: Any) -> None:  # noqa: ANN401 - tarfile's reader
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while part := content.read(COPIED_OCTETS):
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        fits = found["format"] == FORMAT and isinstance(found["at"], int) and isinstance(found["books"], list)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Malformed("the backup does not say what it is (backup.json)") from error
    if not fits:
        raise Malformed(f"this backup has format {found['format']}; this is Detente {__version__}, start a newer one")
    return found


def last_backup(home: Home) -> dict[str, Any] | None:
    """What the last backup of this HOME was: at, file, octets, books; None if there was none. Raises StoreFault."""
    path = home.path / LAST_BACKUP_FILE
    with disk_faults(path):
        if not path.exists():
            return None
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
        except ValueError as error:
            raise StoreFault(f"{path} is damaged; make a backup, which writes it anew") from error
    return found


def keep_file(source: Path, target: Path) -> bool:
    """Put a file where there is none; False if there is one. Raises OSError."""
    if target.exists():
        return False
    write_file(target, source.read_bytes())
    return True
