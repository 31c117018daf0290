"""The demo, for real: processes, TLS, SQLite; and a demo that sees when a store was tampered with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from detente.cli.passphrases import ENVIRONMENT

SECONDS_MAX = 100


def detente(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as a person starts it; the demo, as one whose own stations have another passphrase."""
    command = [sys.executable, "-m", "detente", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT}
    if arguments[0] == "demo":
        environment[ENVIRONMENT] = "/nowhere/passphrase"
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, env=environment)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    """Both scenarios, played once."""
    folder = tmp_path_factory.mktemp("d") / "demo"
    done = detente("demo", "--no-serve", "--json", "--dir", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


def test_every_fact_of_both_scenarios_holds(played: tuple[Path, list[dict[str, object]]]) -> None:
    """Each step of both scenarios tells at least one fact that was read back; it takes under a minute."""
    _, told = played
    steps = {(line["scenario"], line["step"]) for line in told if "step" in line}
    for scenario, step in (
        ("abu-dhabi", "amend"),
        ("abu-dhabi", "renew"),
        ("abu-dhabi", "unread"),
        ("abu-dhabi", "verify"),
        ("two-rivers", "cut"),
        ("two-rivers", "kill"),
        ("two-rivers", "unread"),
        ("two-rivers", "backup"),
        ("two-rivers", "restore"),
        ("two-rivers", "verify"),
    ):
        assert (scenario, step) in steps
    assert all(line["ok"] for line in told if "step" in line)
    assert told[-1]["done"] is True
    assert float(str(told[-1]["seconds"])) > 0


@pytest.mark.parametrize("party", ["usa", "are", "ukr", "bravo", "harbour", "meridian"])
def test_the_folder_serves_log_status_verify(played: tuple[Path, list[dict[str, object]]], party: str) -> None:
    """What the demo leaves is whole for whoever looks at it afterwards."""
    folder, _ = played
    home = str(folder / party)

    status = detente("status", home, "--json")
    assert status.returncode == 0, status.stderr
    channel = json.loads(status.stdout)["channels"][0]["channel"]
    log = detente("log", home, "--channel", channel, "--json")
    assert log.returncode == 0, log.stderr
    assert all(json.loads(line)["mode"] == "EXERCISE" for line in log.stdout.splitlines())
    verified = detente("verify", home, "--json")
    assert (verified.returncode, json.loads(verified.stdout)["sound"]) == (0, True)


def test_a_flipped_bit_in_one_store_makes_the_demo_fail(tmp_path: Path) -> None:
    """One bit of one body: exit 1, and whose store it was."""
    done = detente("demo", "--scenario", "two-rivers", "--json", "--dir", str(tmp_path / "demo"), "--tamper", "bravo")

    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["ok"]) == (1, False)
    assert "bravo" in last["fact"]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """Nothing of anybody's is written over."""
    (tmp_path / "mine").write_text("mine")

    done = detente("demo", "--dir", str(tmp_path))

    assert done.returncode == 2
    assert "not empty" in done.stderr
