"""Getting the stock tools that judge us: Debian's Go and age, and an npm package. What cannot be had fails the test by name."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GO_SOURCES = Path("/usr/share/gocode")
SUMDB = GO_SOURCES / "src" / "golang.org" / "x" / "mod" / "sumdb"
INSTALL_SECONDS_MAX = 400


def sumdb_program(folder: Path) -> Path:
    """The program of `sumdb/main.go`, built into `folder` with the packages that Debian ships."""
    if shutil.which("go") is None or not SUMDB.is_dir():
        install("golang-go", "golang-golang-x-mod-dev")
    program = folder / "sumdb"
    source = str(HERE / "sumdb" / "main.go")
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOFLAGS": ""}
    must_run(["go", "build", "-o", str(program), source], folder, environment)
    return program


def noble_program(folder: Path) -> list[str]:
    """The command that runs `noble/judge.mjs`, with exactly the packages of its lock file, installed into `folder`."""
    if shutil.which("npm") is None:
        install("nodejs", "npm")
    for name in ("package.json", "package-lock.json", ".npmrc", "judge.mjs"):
        shutil.copy(HERE / "noble" / name, folder)
    must_run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, dict(os.environ))
    return ["node", str(folder / "judge.mjs")]


def age_program() -> str:
    """The stock tool of the age format, from Debian."""
    if shutil.which("age") is None:
        install("age")
    found = shutil.which("age")
    assert found is not None
    return found


def install(*packages: str) -> None:
    """Install Debian packages, or fail the test and say what to do."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.fail(f"this test needs the Debian packages {', '.join(packages)}; install them and run it again")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    must_run(["apt-get", "update", "-q", *wait], HERE, environment)
    must_run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *wait, *packages], HERE, environment)


def must_run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command, or fail the test with what it said."""
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False
    )
    if done.returncode:
        pytest.fail(
            f"{' '.join(command)} failed; it must work for this test:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
