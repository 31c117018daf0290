"""HOME: made once, opened by its folder, locked by one process at a time, readable by its owner alone."""

import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from detente.crypto.certificates import certificate_public_key, certificate_validity
from detente.errors import LocalMisuse
from detente.station.config import Config
from detente.station.home import SOCKET_PATH_OCTETS_MAX, Home
from tests.cli.desks import Desk

CONFIG = Config(party="alfa", role="principal", name={"en": "Party Alfa"}, station="hq", cosign="holds")
PASSPHRASE = b"five words that nobody guesses"
NOW_S = 1_900_000_000


def test_a_new_home_is_whole_and_private(tmp_path: Path) -> None:
    """`create` makes every folder for its owner alone; `open` gives the same config, and the TLS identity belongs together."""
    home = Home.create(tmp_path / "alfa", CONFIG, PASSPHRASE, NOW_S)
    folders = [home.path, home.keys_path, home.cards_path, home.charters_path, home.notes_path]
    assert [path.stat().st_mode & 0o777 for path in folders] == [0o700] * 5
    opened = Home.open(tmp_path / "alfa")
    assert opened.config == CONFIG
    certificate, key = opened.tls_identity(PASSPHRASE)
    assert certificate_public_key(certificate) == key.public
    begins_s, ends_s = certificate_validity(certificate)
    assert begins_s < NOW_S
    assert (ends_s - NOW_S) // (365 * 86_400) == 20


def test_a_home_is_never_made_over_another_thing(tmp_path: Path) -> None:
    """A folder with anything in it, or a file, is not taken; nothing is changed there."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("mine")
    for name in ("full", "full/letter"):
        with pytest.raises(LocalMisuse, match="give another place"):
            Home.create(tmp_path / name, CONFIG, PASSPHRASE, NOW_S)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["full", "letter"]


def test_what_is_no_home_is_refused(tmp_path: Path) -> None:
    """A folder without config.toml says how to make a HOME."""
    with pytest.raises(LocalMisuse, match="detente init"):
        Home.open(tmp_path)


def test_a_home_that_was_not_finished_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """config.toml comes last, so a HOME whose making broke off cannot be opened."""

    def broken(*_arguments: object) -> bytes:
        raise LocalMisuse("broken off")

    monkeypatch.setattr("detente.station.home.make_certificate", broken)
    with pytest.raises(LocalMisuse, match="broken off"):
        Home.create(tmp_path / "alfa", CONFIG, PASSPHRASE, NOW_S)
    with pytest.raises(LocalMisuse, match="no HOME"):
        Home.open(tmp_path / "alfa")


def test_the_lock_names_who_holds_it(made: Path) -> None:
    """One process at a time; the other is told which one it is, and gets in when that has ended."""
    home = Home.open(made / "alfa")
    program = f"""
        from detente.station.home import Home
        with Home.open({str(home.path)!r}).lock("detente run"):
            print("locked", flush=True)
            input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(LocalMisuse, match=f"in use by detente run, process {other.pid};"), home.lock():
            pass
        other.communicate("\n")
    with home.lock("again"):
        assert f"again, process {os.getpid()}\n" == (home.path / "lock").read_text()


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    """The operating system bounds socket paths; that is told before anything else fails."""
    home = Home(tmp_path / ("x" * SOCKET_PATH_OCTETS_MAX), CONFIG)
    with pytest.raises(LocalMisuse, match="too long"):
        _ = home.socket_path


def test_the_anchor_may_lie_on_another_medium(joined_desk: Desk, tmp_path: Path) -> None:
    """STORE-3: an absolute path in config.toml is taken as it is; the journal is made there, not in HOME."""
    home = Home.open(joined_desk.alfa)
    elsewhere = tmp_path / "medium" / "journal"
    elsewhere.parent.mkdir()
    shutil.move(home.anchor_path, elsewhere)
    moved = Home(home.path, replace(home.config, anchor=str(elsewhere)))
    with moved.lock():
        driver = moved.open_driver(PASSPHRASE)
        try:
            assert all(not channel.writer.stopped for channel in driver.channels.values())
        finally:
            driver.close()
    assert moved.anchor_path == elsewhere
    assert not (home.path / "anchor" / "journal").exists()
