"""The stock tool `age` opens what we seal, and we open what it seals (C2SP age)."""

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from detente.errors import LocalMisuse
from detente.stores.age_file import AgeReader, AgeWriter
from tests.interop.stock import age_program

pytestmark = pytest.mark.timeout(900)  # the first run may install the tool

PASSPHRASE = "five words that nobody guesses"
SECONDS_MAX = 60
SIZES = (0, 65_536, 300_000)  # empty; exactly one chunk; the last one shorter


@pytest.fixture(scope="session")
def age() -> str:
    """The stock tool."""
    return age_program()


def at_terminal(command: list[str], answers: list[str]) -> None:
    """Run a command that asks at its terminal, and answer; it must succeed."""
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    # whoever leads a session and opens a terminal has it for its own
    shell = ["sh", "-c", 'exec "$@" 0<>"$0" 2>&0', name, *command]
    process = subprocess.Popen(shell, start_new_session=True)
    end = time.monotonic() + SECONDS_MAX
    shown = b""
    while process.poll() is None:
        assert time.monotonic() < end, shown
        if select.select([ours], [], [], 0.05)[0]:
            shown += os.read(ours, 4_096)
            if shown.rstrip().endswith(b":") and answers:
                os.write(ours, answers.pop(0).encode() + b"\n")
                shown = b""
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, shown


def plain_of(size: int) -> bytes:
    """Octets that no two chunks share."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4)))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_the_stock_tool_opens_our_files(age: str, tmp_path: Path, size: int) -> None:
    """Sealed here with the work factor of real backups."""
    with (tmp_path / "sealed.age").open("wb") as file:
        writer = AgeWriter(file, PASSPHRASE.encode())
        writer.write(plain_of(size))
        writer.finish()
    at_terminal([age, "-d", "-o", str(tmp_path / "plain"), str(tmp_path / "sealed.age")], [PASSPHRASE])
    if size:  # the stock tool makes no file for an empty one
        assert (tmp_path / "plain").read_bytes() == plain_of(size)


@pytest.mark.parametrize("size", SIZES)
def test_we_open_files_of_the_stock_tool(age: str, tmp_path: Path, size: int) -> None:
    """And not with another passphrase."""
    (tmp_path / "plain").write_bytes(plain_of(size))
    command = [age, "-p", "-o", str(tmp_path / "sealed.age"), str(tmp_path / "plain")]
    at_terminal(command, [PASSPHRASE, PASSPHRASE])
    with (tmp_path / "sealed.age").open("rb") as file:
        reader = AgeReader(file, PASSPHRASE.encode())
        found = b""
        while part := reader.read(100_000):
            found += part
    assert reader.ended
    assert found == plain_of(size)
    with (tmp_path / "sealed.age").open("rb") as file, pytest.raises(LocalMisuse):
        AgeReader(file, b"another")
