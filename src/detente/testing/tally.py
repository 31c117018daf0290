"""Many seeds of the world in several processes, counted in a file, so that a long search can be broken off and resumed.

It keeps: a seed that passed is written down and not run again; one that failed is written down too and always run again.
A failure prints what repeats exactly this run. Chance and simulated time are in `world.py`; the clock here only tells how
fast it goes.
"""

import argparse
import json
import subprocess
import sys
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import Any

from detente.testing.observer import Broken
from detente.testing.plan import Figures
from detente.testing.world import run_seed

HOUR_MS = 3_600_000
PROGRESS_SECONDS = 30
FAILURES_MAX = 20  # after so many the search stops: they are mostly the same one


def main(arguments: list[str] | None = None) -> int:
    """Run seeds, or trace one. The exit status: 0 if every seed passed."""
    parser = argparse.ArgumentParser(
        prog="python -m detente.testing.world", description="Stations, one seed, every fault."
    )
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds to run (20)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--workers", type=int, default=2, help="how many processes (2)")
    parser.add_argument(
        "--tally", type=Path, help="file to resume from and to write results to, one JSON object a line"
    )
    parser.add_argument("--trace", type=int, metavar="SEED", help="run this one seed and print every step")
    options = parser.parse_args(arguments)
    if options.trace is not None:
        say(str(run_seed(options.trace, trace=say)))
        return 0
    seeds = range(options.first, options.first + options.seeds)
    return Search(options.tally).run(seeds, options.workers)


def say(line: str) -> None:
    """A line for the person who looks on; whole lines, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def commit_id() -> str:
    """The commit of these sources, with a + if they were changed since; `unknown` outside a clone."""
    here = Path(__file__).parent
    described = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],  # noqa: S607
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


class Search:
    """One call of the command: what was passed before, and what happens now."""

    def __init__(self, tally: Path | None) -> None:
        self._tally = tally
        self._commit = commit_id()
        self._failures: list[int] = []
        self._kinds: Counter[str] = Counter()
        self._passed_count = 0
        self._simulated_ms = 0

    def run(self, seeds: range, workers: int) -> int:
        """Run those that have not passed yet; say how it went."""
        known = self._passed_before()
        todo = [seed for seed in seeds if seed not in known]
        if len(todo) < len(seeds):
            say(f"{len(seeds) - len(todo)} of these seeds passed before by {self._tally}; {len(todo)} to go")
        began = said = time.monotonic()
        for seed, future in _results(todo, workers):
            self._count(seed, future)
            now = time.monotonic()
            if now - said > PROGRESS_SECONDS:
                said = now
                self._progress(len(todo), now - began)
            if len(self._failures) >= FAILURES_MAX:
                say(f"stopped after {FAILURES_MAX} failures")
                break
        self._progress(len(todo), time.monotonic() - began)
        for kind, number in self._kinds.most_common():
            say(f"{number:6} {kind}")
        return 1 if self._failures else 0

    def _passed_before(self) -> set[int]:
        if self._tally is None or not self._tally.exists():
            return set()
        rows = [json.loads(line) for line in self._tally.read_text().splitlines()]
        return {row["seed"] for row in rows if row["passed"]}

    def _count(self, seed: int, future: "Future[Figures]") -> None:
        error = future.exception()
        row: dict[str, Any] = {"seed": seed, "passed": error is None, "commit": self._commit}
        if error is None:
            figures = future.result()
            self._passed_count += 1
            self._simulated_ms += figures.simulated_ms
            row |= asdict(figures)
        else:
            self._failures.append(seed)
            row["why"] = _kind(error)
            self._kinds[_kind(error)] += 1
            say(f"\nseed {seed} fails at commit {self._commit}: {error}")
            if not isinstance(error, Broken):
                say("".join(traceback.format_exception(error)))
            say(f"    again, with every step: python -m detente.testing.world --trace {seed}\n")
        if self._tally is not None:
            with self._tally.open("a") as file:
                file.write(json.dumps(row) + "\n")

    def _progress(self, total: int, seconds: float) -> None:
        done = self._passed_count + len(self._failures)
        hours = self._simulated_ms / HOUR_MS
        say(
            f"{done} of {total} seeds, {len(self._failures)} failed; {done / max(seconds, 0.001):.2f} seeds a second; "
            f"{hours:.0f} hours simulated, {hours / max(seconds, 0.001) * 3_600:.0f} in an hour"
        )


def _kind(error: BaseException) -> str:
    """What failures of one kind have in common."""
    return f"invariant {error.number}" if isinstance(error, Broken) else type(error).__name__


def _results(seeds: list[int], workers: int) -> Iterator[tuple[int, "Future[Figures]"]]:
    """Each seed with its outcome, as they end."""
    waiting = deque(seeds)
    with ProcessPoolExecutor(workers) as pool:
        running: dict[Future[Figures], int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * workers:
                    seed = waiting.popleft()
                    running[pool.submit(run_seed, seed)] = seed
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: running[one]):
                    yield running.pop(future), future
        finally:
            for future in running:
                future.cancel()
