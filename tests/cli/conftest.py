"""Two parties at one desk: HOMEs made once, and copied for every test that changes something."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from detente.cli.passphrases import ENVIRONMENT
from tests.cli.desks import Desk, done


@pytest.fixture(scope="session")
def passphrase_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A passphrase that the environment names."""
    path = tmp_path_factory.mktemp("passphrase") / "file"
    path.write_text("five words that nobody guesses\n")
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True, scope="session")
def environment(passphrase_file: Path) -> Iterator[None]:
    """Every command of these tests finds the passphrase."""
    before = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = str(passphrase_file)
    yield
    if before is None:
        del os.environ[ENVIRONMENT]
    else:
        os.environ[ENVIRONMENT] = before


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, environment: None) -> Path:
    """Two HOMEs, and a draft."""
    del environment
    desk = Desk(tmp_path_factory.mktemp("made"))
    for home in (desk.alfa, desk.bravo):
        done("init", home, "--party", home.name, "--role", "principal", "--name", f"en=Party {home.name.title()}")
    desk.draft(desk.charter, "--clause", "en=Nothing is agreed.", "--clause", "uk=\u041d\u0456\u0449\u043e.")
    return desk.folder


@pytest.fixture(scope="session")
def joined(tmp_path_factory: pytest.TempPathFactory, made: Path) -> Path:
    """The same after both have signed and joined."""
    desk = Desk(tmp_path_factory.mktemp("joined") / "desk")
    shutil.copytree(made, desk.folder)
    for home in (desk.alfa, desk.bravo):
        done("charter", "sign", home, desk.charter, "--yes")
    for home in (desk.alfa, desk.bravo):
        done("charter", "join", home, desk.charter)
    return desk.folder


@pytest.fixture
def drafted_desk(made: Path, tmp_path: Path) -> Desk:
    """A desk before signing, to be changed."""
    shutil.copytree(made, tmp_path / "d")
    return Desk(tmp_path / "d")


@pytest.fixture
def joined_desk(joined: Path, tmp_path: Path) -> Desk:
    """A desk after joining, to be changed."""
    shutil.copytree(joined, tmp_path / "d")
    return Desk(tmp_path / "d")
