"""Small and read-only file systems for tests; where the machine does not allow a mount, the test is skipped by name."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(path: Path, octets: int) -> Iterator[Path]:
    """A file system of `octets` at `path`."""
    path.mkdir()
    with _mounted(["-t", "tmpfs", "-o", f"size={octets}", "none", str(path)], path):
        yield path


@contextmanager
def read_only(path: Path) -> Iterator[Path]:
    """The directory `path`, read-only for everybody, root included."""
    with _mounted(["--bind", str(path), str(path)], path):
        _run("mount", "-o", "remount,bind,ro", str(path))
        yield path


def fill(path: Path) -> Path:
    """Fill the file system at `path` to the last octet; the file that does it."""
    filler = path / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 65_536
        while size:
            try:
                size = size if file.write(bytes(size)) == size else size // 2
            except OSError:
                size //= 2
    return filler


@contextmanager
def _mounted(arguments: list[str], path: Path) -> Iterator[None]:
    if not _run("mount", *arguments):
        pytest.skip("skipped: this machine does not let us mount a file system")
    try:
        yield
    finally:
        _run("umount", "-l", str(path))


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
