"""COURIER-1 to COURIER-5: a line carried by hand, by the real commands: any order, twice, weeks late, damaged."""

import json
import random
import string
from pathlib import Path

import pytest

from detente.bearers.courier import HEADER
from tests.cli.desks import Desk, done, run
from tests.cli.test_line import Line

CHANNEL = "line.example.org/alfa-bravo"


def out(desk: Desk, home: Path, to: str, name: str, *more: str) -> Path:
    """A new file from a HOME."""
    path = desk.folder / name
    done("courier", "out", home, path, "--to", to, *more)
    return path


def read_in(home: Path, path: Path, status: int = 0) -> dict[str, object]:
    """What reading a file into a HOME reports."""
    result = run("courier", "in", home, path, "--json")
    assert result.exit_code == status, result.output
    report: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return report


def counts(report: dict[str, object]) -> dict[str, int]:
    """The counts of the one channel."""
    channels = report["channels"]
    assert isinstance(channels, list)
    (found,) = channels
    return {key: value for key, value in found.items() if key != "channel"}


def say(home: Path, to: str, text: str) -> str:
    """One message; its place."""
    words = ("--to", to, "--precedence", "routine", "--message", text, "--exercise", "--json")
    return str(json.loads(done("send", home, *words))["entries"][0])


def texts(home: Path) -> list[str]:
    """All messages in reading order."""
    entries = [json.loads(line) for line in done("log", home, "--json").splitlines()]
    return [one["text"] for one in entries if one["form"] == "message"]


def rung(home: Path, ref: str) -> str:
    """How far an own entry has come."""
    (entry,) = (one for one in map(json.loads, done("log", home, "--json").splitlines()) if one["ref"] == ref)
    return str(entry["ladder"][0]["rung"])


def acquainted(desk: Desk) -> None:
    """Both have each other's opening, by courier alone."""
    read_in(desk.bravo, out(desk, desk.alfa, "bravo", "0.courier"))
    read_in(desk.alfa, out(desk, desk.bravo, "alfa", "1.courier"))


def test_a_whole_line_by_courier(joined_desk: Desk) -> None:
    """COURIER-2, COURIER-3, LADDER-2: openings, a message, its receipt, an answer; sent, then held, with proof."""
    desk = joined_desk
    acquainted(desk)
    ref = say(desk.alfa, "bravo", "By hand.")
    assert rung(desk.alfa, ref) == "queued"
    first = out(desk, desk.alfa, "bravo/hq", "2.courier", "--channel", "line.example")
    assert rung(desk.alfa, ref) == "sent"
    assert first.read_bytes().startswith(HEADER)
    assert counts(read_in(desk.bravo, first))["entries_new"] >= 1
    assert texts(desk.bravo) == ["By hand."]
    say(desk.bravo, "alfa", "By hand as well.")
    back = out(desk, desk.bravo, "alfa", "3.courier")
    assert counts(read_in(desk.alfa, back))["receipts_new"] == 1
    assert rung(desk.alfa, ref) == "held"
    assert texts(desk.alfa) == texts(desk.bravo) == ["By hand.", "By hand as well."]
    for home in (desk.alfa, desk.bravo):
        assert done("verify", home).startswith("SOUND")


def test_any_order_twice_and_weeks_late(joined_desk: Desk) -> None:
    """COURIER-3: each file holds everything since the last proof, so the last one alone is enough and old ones change nothing."""
    desk = joined_desk
    acquainted(desk)
    files = []
    for number in range(4):
        say(desk.alfa, "bravo", f"message {number}")
        files.append(out(desk, desk.alfa, "bravo", f"{number}.courier"))
    assert counts(read_in(desk.bravo, files[2]))["entries_new"] >= 3
    assert texts(desk.bravo) == [f"message {number}" for number in range(3)]
    new = [counts(read_in(desk.bravo, files[place]))["entries_new"] for place in (0, 2, 1, 3, 3, 0)]
    assert new == [0, 0, 0, 1, 0, 0]
    assert texts(desk.bravo) == [f"message {number}" for number in range(4)]
    back = out(desk, desk.bravo, "alfa", "back.courier")
    for _ in range(2):
        read_in(desk.alfa, back)
    say(desk.alfa, "bravo", "short again")
    assert out(desk, desk.alfa, "bravo", "5.courier").stat().st_size < files[3].stat().st_size
    for home in (desk.alfa, desk.bravo):
        assert done("verify", home).startswith("SOUND")


def test_a_damaged_file_is_used_as_far_as_it_goes(joined_desk: Desk) -> None:
    """COURIER-5: each refused frame has its place, a broken end is told, nothing is half taken, nobody is accused."""
    desk = joined_desk
    acquainted(desk)
    for number in range(3):
        say(desk.alfa, "bravo", f"message {number} " + "x" * 2_000)
    path = out(desk, desk.alfa, "bravo", "whole.courier")
    whole = path.read_bytes()
    chance = random.Random(7)
    damaged = desk.folder / "damaged.courier"
    damaged.write_bytes(whole[:-7])
    report = read_in(desk.bravo, damaged, status=3)
    assert "COURIER-5" in str(report["broken_off"])
    for _ in range(12):
        octets = bytearray(whole)
        octets[chance.randrange(len(HEADER), len(octets))] ^= 1 << chance.randrange(8)
        damaged.write_bytes(octets)
        result = run("courier", "in", desk.bravo, damaged)
        assert result.exit_code in (0, 3), result.output  # a bit of a receipt's unused note may change nothing
    assert read_in(desk.bravo, path)["broken_off"] is None
    assert len(texts(desk.bravo)) == 3
    assert done("verify", desk.bravo).startswith("SOUND")
    damaged.write_bytes(b"anything else")
    assert run("courier", "in", desk.bravo, damaged).exit_code == 2


def test_what_cannot_be_done_is_said(joined_desk: Desk) -> None:
    """COURIER-1: a station that no charter names, a folder that is none, a HOME that has joined nothing."""
    desk = joined_desk
    assert "no channel of this station has a station meridian" in run(
        "courier", "out", desk.alfa, desk.folder / "x", "--to", "meridian"
    ).output  # fmt: skip
    assert run("courier", "out", desk.alfa, desk.folder, "--to", "bravo").exit_code == 2
    assert run("courier", "in", desk.alfa, desk.folder / "none").exit_code == 2
    assert not (desk.folder / "x").exists()
    path = out(desk, desk.alfa, "bravo", "1.courier")
    stranger = desk.folder / "stranger"
    done("init", stranger, "--party", "stranger", "--role", "principal", "--name", "en=Stranger")
    report = read_in(stranger, path)
    assert (report["frames_of_other_channels"] != 0, report["channels"], report["refused"]) == (True, [], [])


@pytest.mark.slow
def test_a_running_station_reads_and_writes_files(joined_desk: Desk) -> None:
    """COURIER-3, LADDER-2: by the station's own socket; a long file takes many turns and the station goes on."""
    desk = joined_desk
    acquainted(desk)
    line = Line(desk.folder)
    chance = random.Random(3)
    for _ in range(15):
        say(desk.alfa, "bravo", "".join(chance.choices(string.ascii_letters + string.digits, k=12_000)))
    path = out(desk, desk.alfa, "bravo", "long.courier")
    assert path.stat().st_size > 131_072
    line.start("bravo")
    try:
        assert counts(line.json("courier", "in", "bravo", path))["entries_new"] == 15 + 1  # and the keys
        assert counts(line.json("courier", "in", "bravo", path))["entries_new"] == 0
        made = line.json("courier", "out", "bravo", "back.courier", "--to", "alfa")
        assert made["octets"] == (desk.folder / "back.courier").stat().st_size
        read_in(desk.alfa, desk.folder / "back.courier")
        assert rung(desk.alfa, "alfa/2") == "held"
        (desk.folder / "bad.courier").write_bytes(path.read_bytes()[:5_000] + b"\x01\x05")
        line.run("courier", "in", "bravo", "bad.courier", status=3)
    finally:
        line.stop("bravo")
    assert done("verify", desk.bravo).startswith("SOUND")
