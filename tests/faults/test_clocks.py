"""Clocks that are decades off, under real stations: nothing depends on them, and what they say is marked (BOOK-5).

The machine's clock is never touched: the processes of one station are given another by libfaketime.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from detente.ids import Milliseconds, origin_of
from detente.testing.line import Line
from tests.faults.ground import Ground, environment
from tests.interop.stock import install

pytestmark = pytest.mark.slow

YEAR_SECONDS = 31_557_600


@pytest.fixture(scope="session")
def library() -> str:
    """The library that gives a process another clock, from Debian's package `faketime`."""
    if shutil.which("faketime") is None:
        install("faketime")
    (found, *_) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return str(found)


@pytest.fixture
def clock(library: str, tmp_path: Path) -> Callable[[int], AbstractContextManager[None]]:
    """Processes started inside `clock(seconds)` run so far off; writing another number to `clock` changes it later."""

    def give(seconds: int) -> AbstractContextManager[None]:
        (tmp_path / "clock").write_text(f"{seconds:+d}\n")
        return environment(
            LD_PRELOAD=library, FAKETIME_TIMESTAMP_FILE=str(tmp_path / "clock"), FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )  # fmt: skip

    return give


@pytest.mark.parametrize(
    ("years", "says"),
    [(64, "our certificate ran out on"), (-56, "our certificate is valid only from")],
)
def test_a_station_whose_clock_is_far_off_does_not_start(
    pair: Ground, clock: Callable[[int], AbstractContextManager[None]], years: int, says: str
) -> None:
    """It says what its clock says, and to set it; with the clock right it starts, and nothing was changed."""
    with clock(years * YEAR_SECONDS):
        pair.start("alfa")
    pair.wait(lambda: not pair.is_alive("alfa"), "it has given up")
    assert pair.status("alfa") == 2
    (line,) = pair.said("alfa").splitlines()
    assert line.startswith(f"error: {says}")
    assert "check this machine's clock" in line
    pair.run().settle()


@pytest.mark.parametrize("years", [64, -56])
def test_a_clock_that_jumps_under_a_running_station(
    three: Ground, clock: Callable[[int], AbstractContextManager[None]], tmp_path: Path, years: int
) -> None:
    """Everything goes on: messages, receipts, the way by the mediator; a time that cannot be is marked, not refused."""
    with clock(0):
        three.run("alfa")
    three.run("bravo", "meridian").settle()
    before = three.send("alfa", "bravo", "before")
    three.wait(lambda: three.rung("alfa", before) == "held", "it is held")
    (tmp_path / "clock").write_text(f"{years * YEAR_SECONDS:+d}\n")
    time.sleep(0.5)
    after = three.send("alfa", "bravo", "after", "flash")
    answer = three.send("bravo", "alfa", "your clock is wrong", "flash")
    three.wait(lambda: three.rung("alfa", after) == three.rung("bravo", answer) == "held", "both are held")
    seen = three.log("bravo")
    assert abs(seen[after]["at"] - seen[before]["at"] - years * YEAR_SECONDS * 1_000) < 86_400_000
    assert (seen[before]["implausible"], seen[after]["implausible"]) == (False, years > 0)
    three.cut("alfa", "bravo")
    by_another_way = three.send("bravo", "alfa", "by the mediator")
    three.wait(lambda: three.rung("bravo", by_another_way) == "held", "the mediator carries it")
    (tmp_path / "clock").write_text("+0\n")
    right_again = three.send("alfa", "bravo", "right again, by the mediator")
    three.wait(lambda: three.rung("alfa", right_again) == "held", "the mediator carries it still")
    three.mend("alfa", "bravo")
    three.settle()
    assert not three.ask("bravo", "status")["channels"][0]["findings"]


def test_a_station_that_could_not_dial_dials_again_when_its_clock_is_right(
    pair: Ground, clock: Callable[[int], AbstractContextManager[None]], tmp_path: Path
) -> None:
    """While its clock is wrong it has no link and says why; when the clock is set right the link comes by itself."""
    pair.configure("alfa", dial={"bravo/hq": "127.0.0.1:1"})
    with clock(0):
        pair.run("bravo")
    pair.run("alfa").settle()
    (tmp_path / "clock").write_text(f"{64 * YEAR_SECONDS:+d}\n")
    pair.cut("bravo", "alfa")
    pair.mend("bravo", "alfa")
    pair.wait(lambda: "our certificate ran out" in pair.said("bravo"), "bravo says why it cannot dial")
    ref = pair.send("alfa", "bravo", "are you there?")
    assert pair.rung("alfa", ref) == "queued"
    (tmp_path / "clock").write_text("+0\n")
    pair.wait(lambda: pair.rung("alfa", ref) == "held", "the link is back")
    assert "no link" in pair.said("alfa"), "a call that comes to nothing is told"


def test_timers_run_on_when_the_clock_is_set_back() -> None:
    """What was due within half a second when the clock was set back 56 years is done within half a second."""
    parties = (("alfa", "principal", "holds"), ("bravo", "principal", "holds"), ("meridian", "mediator", "holds"))
    line = Line(parties, "clock set back")
    for a, b in (("alfa", "bravo"), ("alfa", "meridian"), ("bravo", "meridian")):
        line.connect(a, b)
    line.settle()
    line.cut("alfa", "bravo")
    line.say("bravo", "before", ["alfa"])
    for _ in range(2):
        line._carry_once()  # meridian has it, and is about to say so
    line.now = Milliseconds(line.now - 56 * YEAR_SECONDS * 1_000)
    ref = line.say("bravo", "after", ["alfa"])
    line.settle()
    held = line.stations["alfa"].running.channels[line.channel].ledger.books
    assert held[origin_of(line.channel, ref.party, ref.book)].size > ref.index
