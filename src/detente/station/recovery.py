"""Putting a backup back, and the drill that does the same beside HOME and leaves it as it was.

Its law: nothing is replaced before the whole backup was decrypted and verified; what HOME has stays (keys, anchor,
settings, papers), what it lacks comes from the backup; only the store is replaced, and the old one is moved aside.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.errors import LocalMisuse
from detente.formats.book_note import parse_book_note
from detente.station.anchor import read_anchor
from detente.station.backup import PAPER_FOLDERS, STORE_FILE, keep_file, scratch, unpack
from detente.station.config import parse_config
from detente.station.custody import SECRETS_FILE, STATION_FILE, used_mark
from detente.station.home import CONFIG_FILE, FOLDERS, Home
from detente.station.prospects import Prospect, channels_lost, prospects
from detente.station.store_check import BookChecked, Progress, check_store, no_progress
from detente.stores.files import disk_faults, sync_directory, write_file
from detente.tlog.note import parse_note

_BESIDE = ("", "-wal", "-shm")  # a store of SQLite and what may lie beside it


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was put back (or, in a drill, could be), and what comes next."""

    manifest: dict[str, Any]
    books: list[BookChecked]
    prospects: list[Prospect]
    lost: list[str]  # channels to join again
    has_anchor: bool
    aside: Path | None = None  # where the old store lies now
    kept: tuple[str, ...] = ()  # papers that came from the backup


def restore(
    backup: Path,
    root: Path,
    passphrase: bytes,
    keys: Path | None = None,
    progress: Progress = no_progress,
    begun: int = 0,
) -> Restored:
    """Put the store of `backup` into the HOME at `root`; with `keys` make a new HOME there. Raises Fault.

    `begun`: the highest book of ours that the others hold, where neither anchor nor keys can tell.
    """
    root = root.absolute()
    exists = (root / CONFIG_FILE).exists() or (root / "keys").exists()
    _check_place(root, keys, exists=exists)
    if (root / CONFIG_FILE).exists():
        with Home.open(root).lock("detente restore"):
            pass  # a station that runs is noticed before the work, and again before anything changes
    with scratch(root if exists else root.parent) as folder:
        manifest = unpack(backup, passphrase, folder)
        books = check_store(folder / STORE_FILE, progress)
        home = _home_of(root, folder, manifest)
        if keys is not None:
            _make_home(root, keys)
        with home.lock("detente restore"):
            kept = tuple(_keep_papers(folder, root))
            _mark_begun(home, begun)
            aside = _put_store(folder / STORE_FILE, home.store_path)
        told = read_anchor(home.anchor_path)
        found = prospects(home.store_path, told, home.keys_path, home.config)
    return Restored(manifest, books, found, channels_lost(told, found), told is not None, aside, kept)


def drill(backup: Path, home: Home, passphrase: bytes, progress: Progress = no_progress) -> Restored:
    """What `restore` would do with `home` now, found out in a folder of its own; HOME is only read. Raises Fault."""
    told = read_anchor(home.anchor_path)
    with scratch(None) as folder:
        manifest = unpack(backup, passphrase, folder)
        _check_owner(manifest, home)
        books = check_store(folder / STORE_FILE, progress)
        found = prospects(folder / STORE_FILE, told, home.keys_path, home.config)
    return Restored(manifest, books, found, channels_lost(told, found), told is not None)


def _check_place(root: Path, keys: Path | None, *, exists: bool) -> None:
    if exists and keys is not None:
        raise LocalMisuse(f"{root} has keys of its own; leave --keys out, or give a new folder")
    if exists:
        return
    Home.require_new(root)
    if not root.parent.is_dir():
        raise LocalMisuse(f"there is no folder {root.parent}; make it first")
    if keys is None:
        raise LocalMisuse(
            f"{root} is no HOME, and a backup holds no keys: give the folder of the keys that were kept apart, --keys FOLDER"
        )
    for name in (STATION_FILE, SECRETS_FILE):
        if not (keys / name).exists():
            raise LocalMisuse(
                f"{keys / name} is missing; give the whole folder keys/ of the old HOME"
                + (
                    f" (if only {name} is lost, make it empty: peers give the secrets again)"
                    if name == SECRETS_FILE
                    else ""
                )
            )


def _home_of(root: Path, folder: Path, manifest: dict[str, Any]) -> Home:
    """The HOME with its own settings if it has any, else with those of the backup. Raises LocalMisuse."""
    own = root / CONFIG_FILE
    with disk_faults(own):
        text = (own if own.exists() else folder / CONFIG_FILE).read_text("utf-8")
    home = Home(root, parse_config(text))
    _check_owner(manifest, home)
    return home


def _check_owner(manifest: dict[str, Any], home: Home) -> None:
    theirs = (manifest.get("party"), manifest.get("station"))
    if theirs != (home.config.party, home.config.station):
        raise LocalMisuse(
            f"this is a backup of {theirs[0]}/{theirs[1]}, and {home.path} is the station "
            f"{home.config.party}/{home.config.station}; give the right file"
        )


def _make_home(root: Path, keys: Path) -> None:
    with disk_faults(root):
        for place in (root, *(root / name for name in FOLDERS)):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.chmod(0o700)
        for path in sorted(keys.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                write_file(root / "keys" / path.name, path.read_bytes())


def _keep_papers(folder: Path, root: Path) -> Iterator[str]:
    """Copy from the backup what HOME lacks; a paper that is there stays as it is (CHARTER-6, OPEN-2)."""
    with disk_faults(root):
        for name in PAPER_FOLDERS:
            (root / name).mkdir(mode=0o700, exist_ok=True)
            for path in sorted((folder / name).glob("*")):
                if keep_file(path, root / name / path.name):
                    yield f"{name}/{path.name}"
        for name in ("tls.der", CONFIG_FILE):  # config.toml last: without it this is no HOME
            if (folder / name).exists() and keep_file(folder / name, root / name):
                yield name


def _mark_begun(home: Home, begun: int) -> None:
    """STORE-3, by word of the operator: the keys of our books up to this number are used up."""
    with disk_faults(home.notes_path):
        for path in sorted(home.notes_path.glob("*.note")):
            note = parse_book_note(parse_note(path.read_bytes()).text)
            if note.book <= begun:
                write_file(used_mark(home.keys_path, note.key.public), b"")


def _put_store(new: Path, store: Path) -> Path | None:
    """Put the new store in its place; where the old one lies now. Raises StoreFault."""
    aside = None
    with disk_faults(store):
        if store.exists():
            aside = store.with_name(f"store-until-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.sqlite")
            if aside.exists():
                raise LocalMisuse(f"{aside} exists already; wait a second and begin again")
            for ending in reversed(_BESIDE):  # the log before the file that it belongs to
                old = store.with_name(store.name + ending)
                if old.exists():
                    old.rename(aside.with_name(aside.name + ending))
        new.rename(store)
        sync_directory(store.parent)
    return aside
