"""Disks that fill up, and disks that may not be written, under real stations: nothing told is lost, nobody else is harmed."""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from detente.errors import Fault, StoreFull
from detente.limits import DISK_FREE_OCTETS_MIN
from tests.cli.desks import run
from tests.faults.ground import Ground, message
from tests.stores.mounts import fill, read_only, small_disk

pytestmark = pytest.mark.slow

DISK_OCTETS = 100_000_000
BURST_MESSAGES = 2_000


def refusal(*words: object) -> tuple[int, str]:
    """The exit status and the only line of a command that is refused."""
    result = run(*words)
    (line,) = result.stderr.strip().split("\n")
    assert line.startswith("error: ")
    return result.exit_code, line


def test_a_disk_fills_up_in_the_midst_of_a_burst(made_three: Ground, tmp_path: Path) -> None:
    """STORE-2: acts are refused in clear words, what was told stays, the others go on; with room again all is well."""
    with small_disk(tmp_path / "d", DISK_OCTETS) as disk:
        three = made_three.copy_to(tmp_path / "g", {"alfa": disk / "alfa"})
        try:
            three.run().settle()
            play_full_disk(three, disk)
        finally:
            three.stop_all()


def play_full_disk(three: Ground, disk: Path) -> None:
    """Alfa's HOME is on this disk."""
    told: dict[str, str] = {}
    refused: list[Fault] = []

    def burst() -> None:
        texts = [f"burst {number}" for number in range(20 * BURST_MESSAGES)]
        try:
            for text, answer in zip(
                texts, three.ask_all("alfa", [message("bravo", text) for text in texts]), strict=True
            ):
                told[answer["entries"][0]] = text
        except Fault as fault:
            refused.append(fault)

    def look() -> None:
        with suppress(Fault):
            while True:
                three.books("alfa")

    sender, watcher = threading.Thread(target=burst, daemon=True), threading.Thread(target=look, daemon=True)
    sender.start()
    watcher.start()
    three.wait(lambda: len(told) > BURST_MESSAGES, "the burst is under way")
    filler = fill(disk)
    for thread in (sender, watcher):
        thread.join(60)
        assert not thread.is_alive(), "somebody who asked has got no answer"
    assert [fault.code for fault in refused] == ["store-full"]
    send = ("send", three.homes["alfa"].path, "--to", "bravo", "--precedence", "flash", "--message", "x", "--exercise")
    for words in (send, ("status", three.homes["alfa"].path), ("log", three.homes["alfa"].path)):
        status, line = refusal(*words)
        assert status == 4
        assert "the disk is full" in line
        assert "Make room" in line
    between = three.send("bravo", "meridian", "we go on", "flash")
    three.wait(lambda: between in three.texts("meridian"), "bravo and meridian go on")
    to_alfa = three.send("bravo", "alfa", "are you there?", "flash")
    assert three.rung("bravo", to_alfa) in ("queued", "sent")
    filler.unlink()
    three.settle()
    texts = three.texts("bravo")
    assert {ref: texts[ref] for ref in told} == told
    assert three.rung("bravo", to_alfa) == "held"
    three.send("alfa", "bravo", "all is well")
    three.settle()
    assert run("verify", three.homes["alfa"].path).exit_code == 0


def test_acts_are_refused_before_a_disk_is_full(made_pair: Ground, tmp_path: Path) -> None:
    """With little room left nothing more is accepted here, but what others say is still held and receipted."""
    with small_disk(tmp_path / "d", DISK_OCTETS) as disk:
        pair = made_pair.copy_to(tmp_path / "g", {"alfa": disk / "alfa"})
        try:
            pair.run().settle()
            pair.send("alfa", "bravo", "there is room")
            filler = fill(disk)
            os.truncate(filler, filler.stat().st_size - DISK_FREE_OCTETS_MIN // 2)
            with pytest.raises(StoreFull, match="make room on this disk, then send again"):
                pair.send("alfa", "bravo", "there is not")
            ref = pair.send("bravo", "alfa", "do you hold this?")
            pair.wait(lambda: pair.rung("bravo", ref) == "held", "alfa holds it")
            pair.stop_all()
            with pytest.raises(StoreFull, match="make room on this disk, then send again"):
                pair.send("alfa", "bravo", "nor is there now")
            filler.unlink()
            pair.run()
            pair.send("alfa", "bravo", "there is again")
            pair.settle()
        finally:
            pair.stop_all()


def test_a_read_only_home_starts_nothing(made_pair: Ground, tmp_path: Path) -> None:
    """Each command that needs the store says that it may not write there, changes nothing, and the other side runs on."""
    pair = made_pair.copy_to(tmp_path / "g")
    home = pair.homes["alfa"].path
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    try:
        pair.run("bravo")
        with read_only(home):
            send = ("send", home, "--to", "bravo", "--precedence", "flash", "--message", "x", "--exercise")
            for words in (("run", home), send, ("log", home), ("status", home)):
                status, line = refusal(*words)
                assert status == 4
                assert "Read-only file system" in line
                assert "let this user write the file and its directory" in line
            assert json.loads(run("log", home, "--json").stdout)["error"]["code"] == "store-fault"
        assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
        pair.run("alfa").settle()
    finally:
        pair.stop_all()


def test_a_home_becomes_read_only_under_a_running_station(pair: Ground) -> None:
    """What it needs new files for is refused in words; what it has open goes on; nothing told is lost."""
    pair.run().settle()
    pair.send("alfa", "bravo", "here")
    home = pair.homes["alfa"].path
    with read_only(home):
        ref = pair.send("alfa", "bravo", "still here")
        pair.wait(lambda: pair.rung("alfa", ref) == "held", "it is held")
        with pytest.raises(Fault, match="Read-only file system; let this user write"):
            pair.ask("alfa", "renew_keys")
        after = pair.send("alfa", "bravo", "and here")
        pair.wait(lambda: pair.rung("alfa", after) == "held", "it goes on")
    pair.ask("alfa", "renew_keys")
    pair.settle()
    assert run("verify", home).exit_code == 0
