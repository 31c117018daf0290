"""The way to a real line, by the real command in processes of its own: from `init` to evidence that a stranger checks."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from detente.cli.passphrases import ENVIRONMENT
from detente.cli.speech import EXERCISE_LINE

WAIT_SECONDS_MAX = 30.0


class Line:
    """Commands in a folder of their own, and stations that run until the test ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, subprocess.Popen[str]] = {}
        passphrase = folder / "passphrase"
        passphrase.write_text("five words that nobody guesses\n")
        passphrase.chmod(0o600)
        self.environment = {**os.environ, ENVIRONMENT: str(passphrase)}

    def run(self, *words: object, status: int = 0, stdin: str = "") -> str:
        """The standard output of a command that ends with this status."""
        result = subprocess.run(
            [sys.executable, "-m", "detente", *map(str, words)],
            cwd=self.folder, env=self.environment, input=stdin, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert result.returncode == status, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result.stdout

    def json(self, *words: object, status: int = 0) -> dict[str, object]:
        """The one JSON object that a command answers."""
        answer: dict[str, object] = json.loads(self.run(*words, "--json", status=status))
        return answer

    def log(self, home: str) -> list[dict[str, object]]:
        """The log of the only channel."""
        return [json.loads(line) for line in self.run("log", home, "--json").splitlines()]

    def start(self, home: str) -> None:
        """Run a station; it says when it is ready."""
        process = subprocess.Popen(
            [sys.executable, "-m", "detente", "run", home],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.running[home] = process
        assert process.stdout is not None
        assert f"Station {home}/hq runs" in process.stdout.readline()

    def stop(self, home: str) -> int:
        """End a station by a signal, as an operating system does; its exit status."""
        process = self.running.pop(home)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_SECONDS_MAX)
        return process.returncode

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait, within bounds, for what the stations do by themselves."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while not holds():
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.2)

    def rung(self, ref: str) -> str:
        """How far an entry of alfa has come at bravo."""
        (entry,) = (one for one in self.log("alfa") if one["ref"] == ref)
        ladder = entry["ladder"]
        assert isinstance(ladder, list)
        return str(ladder[0]["rung"])

    def up(self, home: str) -> bool:
        """Whether the link to the other station is up."""
        return '"link": "up"' in self.run("status", home, "--json")


def ref_of(sent: dict[str, object]) -> str:
    """The one entry that a message became."""
    entries = sent["entries"]
    assert isinstance(entries, list)
    assert len(entries) == 1
    return str(entries[0])


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A folder with the HOMEs of alfa and bravo that have joined an EXERCISE channel; alfa listens, bravo dials."""
    made = Line(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    alfa = made.json(
        "init", "alfa", "--party", "alfa", "--role", "principal", "--name", "en=Party Alfa",
        "--listen", address, "--bearer", f"tls://{address}",
    )  # fmt: skip
    bravo = made.json("init", "bravo", "--party", "bravo", "--role", "principal", "--name", "en=Party Bravo")
    made.run(
        "charter", "draft", "--name", "line.example.org/alfa-bravo", "--title", "Line", "--mode", "exercise",
        "--card", alfa["card"], "--card", bravo["card"], "-o", "line.charter",
    )  # fmt: skip
    shown = made.run("charter", "sign", "alfa", "line.charter", stdin="EXERCISE\n")
    assert f"card {bravo['fingerprint']}" in shown
    made.run("charter", "verify", "line.charter", status=3)
    made.run("charter", "sign", "bravo", "line.charter", "--yes")
    made.run("charter", "verify", "line.charter")
    for home in ("alfa", "bravo"):
        assert made.json("charter", "join", home, "line.charter")["mode"] == "EXERCISE"
    try:
        yield made
    finally:
        for process in made.running.values():
            process.kill()
            process.communicate()


@pytest.mark.slow
def test_from_cards_to_evidence(line: Line) -> None:
    """Both stations meet; a FLASH is held, acknowledged and answered; its evidence is sound for a stranger."""
    line.start("alfa")
    line.start("bravo")
    line.until(lambda: line.up("alfa") and line.up("bravo"))
    line.run("send", "alfa", "--to", "bravo", "--precedence", "flash", "--message", "x", status=2)
    words = ("send", "alfa", "--channel", "line.example.org", "--to", "bravo", "--precedence", "flash", "--exercise")
    sent = line.json(*words, "--message", "Call us.\n\u0427\u0435\u043a\u0430\u0454\u043c\u043e.")
    assert sent["state"] == "sent"
    ref = ref_of(sent)
    line.until(lambda: line.rung(ref) == "held")
    shown = line.run("ack", "bravo", ref, "--by", "duty officer")
    assert (shown.splitlines()[0], shown.splitlines()[-1]) == (EXERCISE_LINE, EXERCISE_LINE)
    line.until(lambda: line.rung(ref) == "acknowledged")
    line.run("reply", "bravo", ref, "--precedence", "flash", "--text", "-", "--exercise", stdin="We call now.\n")
    line.until(lambda: line.rung(ref) == "answered")
    assert [one["text"] for one in line.log("alfa") if one["form"] == "message"][-1] == "We call now.\n"  # READ-3
    for home in ("alfa", "bravo"):
        for shown in (
            line.run("log", home),
            line.run("evidence", home, "--entry", ref, "--reveal", "-o", f"{home}.evidence"),
        ):
            lines = shown.splitlines()
            assert (lines[0], lines[-1]) == (EXERCISE_LINE, EXERCISE_LINE)
        report = line.json("verify", f"{home}.evidence")
        assert report["sound"] is True
        assert "Call us." in json.dumps(report["entries"])
    line.run("evidence", "bravo", "--all", "-o", "all.evidence")
    octets = bytearray((line.folder / "all.evidence").read_bytes())
    line.run("verify", "all.evidence")
    octets[len(octets) // 2] ^= 1
    (line.folder / "all.evidence").write_bytes(octets)
    assert "NOT SOUND" in line.run("verify", "all.evidence", status=3)
    assert line.run("verify", "alfa").startswith("SOUND")
    assert line.stop("alfa") == 0
    line.run("stop", "bravo")
    bravo = line.running.pop("bravo")
    bravo.communicate(timeout=WAIT_SECONDS_MAX)
    assert bravo.returncode == 0
    assert line.run("verify", "bravo").startswith("SOUND")


@pytest.mark.slow
def test_without_a_running_station_a_message_is_queued(line: Line) -> None:
    """It is committed, said to be queued, and goes out when the station runs; nothing is said to be held before."""
    line.start("alfa")
    line.start("bravo")
    line.until(lambda: line.up("alfa"))
    line.until(lambda: len(line.log("alfa")) >= 2)
    line.stop("alfa")
    words = ("send", "alfa", "--to", "bravo", "--precedence", "immediate", "--exercise", "--message", "Later.")
    sent = line.json(*words)
    assert (sent["running"], sent["state"]) == (False, "queued")
    assert "queued" in line.run(*words)
    ref = ref_of(sent)
    assert line.rung(ref) == "queued"
    line.start("alfa")
    line.until(lambda: line.rung(ref) == "held")


@pytest.mark.slow
def test_an_amendment_is_joined_while_stations_run(line: Line) -> None:
    """Number 2 with a new party: signed by all, joined on the fly; the new party joins with both and is met."""
    line.start("alfa")
    line.start("bravo")
    line.until(lambda: line.up("alfa"))
    harbour = line.json("init", "harbour", "--party", "harbour", "--role", "witness", "--name", "en=Harbour")
    line.run(
        "charter", "amend", "line.charter", "--card", harbour["card"], "--title", "Line of three", "-o", "2.charter"
    )
    for home in ("alfa", "bravo", "harbour"):
        line.run("charter", "sign", home, "2.charter", "--yes")
    line.run("charter", "verify", "line.charter", "2.charter")
    for home in ("alfa", "bravo"):
        joined = line.json("charter", "join", home, "2.charter")
        assert (joined["charter"], joined["running"]) == (2, True)
    line.run("charter", "join", "harbour", "2.charter", status=2)
    line.run("charter", "join", "harbour", "line.charter", "2.charter")
    line.start("harbour")
    line.until(lambda: line.up("harbour"))
    line.until(lambda: len(line.log("harbour")) > 2)
    status = line.run("status", "harbour")
    assert re.search(r"Charter number 2; we are harbour, witness\.", status)
    assert line.run("verify", "harbour").startswith("SOUND")
