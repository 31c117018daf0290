"""One run of the benchmark: what is measured, in which order, how often, against which target.

Everything is measured in one run on one machine, so that ratios mean something where absolute figures do not: the limit
above all. Rates are medians of several rounds.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from detente.bench.limit import limit
from detente.bench.million import measure_million
from detente.bench.pair import ISOLATED_SECONDS, Pair, percentile

FSYNC_OCTETS: Final = 4_096


class Figure(NamedTuple):
    """One figure: its name in JSON, what it is for people, its unit, and its target if it has one (`<= 4`, `>= 12000`)."""

    key: str
    what: str
    unit: str
    target: float | None = None
    at_least: bool = False


FIGURES: Final = (
    Figure("burst_messages_per_s", "Messages in a burst, up to the last receipt", "/s", 12_000, at_least=True),
    Figure("limit_messages_per_s", "The same cryptography, encoding and SQLite work, bare", "/s"),
    Figure("burst_to_limit", "Burst, as a part of that limit", "", 0.6, at_least=True),
    Figure("single_p50_ms", "One at a time, asking to receipt: half of them within", "ms", 4.0),
    Figure("single_p99_ms", "99 of 100 within", "ms", 10.0),
    Figure("ip_bytes_single", "Octets at IP level, message and receipt, by itself", "B", 600),
    Figure("ip_bytes_back_to_back", "The same, one following the other", "B"),
    Figure("ip_bytes_burst", "The same in a burst", "B"),
    Figure("cpu_s_per_1000", "CPU time of 1,000 messages, both stations", "s", 0.15),
    Figure("rss_mib", "Memory of the larger station after the bursts", "MiB", 120),
    Figure(
        "catch_up_entries_per_s", "Entries verified and stored by a station that was away", "/s", 30_000, at_least=True
    ),
    Figure("fsync_ms", "One fdatasync of 4 KiB on this disk (half of them within)", "ms"),
    Figure("open_million_ms", "Opening a book of a million entries", "ms", 50),
    Figure("proof_million_ms", "Cutting an inclusion proof in it (99 of 100 within)", "ms", 5),
    Figure("rss_million_mib", "Memory of a running station with it", "MiB", 120),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    bursts: int
    burst_messages: int
    limits: int
    singles: int
    isolated: int
    catch_up_entries: int
    million_entries: int  # 0: not measured


NORMAL: Final = Plan(5, 20_000, 3, 500, 30, 30_000, 0)
QUICK: Final = Plan(2, 400, 1, 20, 4, 500, 0)

Tell = Callable[[str, float], None]  # what is being done, and the part of the run that is over


def measure(folder: Path, plan: Plan, tell: Tell) -> dict[str, float]:
    """Measure all figures of the plan in an empty folder. Raises Fault if a station fails."""
    found: dict[str, float] = {}
    tell("the disk", 0.0)
    found["fsync_ms"] = _fsync_ms(folder)
    tell("founding the stations", 0.02)
    pair = Pair(folder / "pair")
    try:
        pair.start()
        _measure_pair(pair, folder, plan, found, tell)
    finally:
        pair.stop()
    if plan.million_entries:
        share = 0.4
        million = measure_million(
            folder / "million", plan.million_entries, lambda part: tell("a long book", 1 - share * (1 - part))
        )
        found["open_million_ms"] = million.open_ms
        found["proof_million_ms"] = million.proof_ms
        found["rss_million_mib"] = million.rss_mib
    tell("done", 1.0)
    return {figure.key: _rounded(found[figure.key]) for figure in FIGURES if figure.key in found}


def _measure_pair(pair: Pair, folder: Path, plan: Plan, found: dict[str, float], tell: Tell) -> None:
    span = 0.5 if plan.million_entries else 0.9
    tell("one at a time", 0.05 * span)
    pair.single(min(20, plan.singles))  # the first ones begin epochs and fill caches
    isolated = pair.single(plan.isolated, ISOLATED_SECONDS)
    found["ip_bytes_single"] = isolated.ip_octets
    single = pair.single(plan.singles)
    found["single_p50_ms"] = percentile(single.seconds, 50) * 1_000
    found["single_p99_ms"] = percentile(single.seconds, 99) * 1_000
    found["ip_bytes_back_to_back"] = single.ip_octets
    bursts = []
    for number in range(plan.bursts):
        tell(f"burst {number + 1} of {plan.bursts}", (0.2 + 0.4 * number / plan.bursts) * span)
        bursts.append(pair.burst(plan.burst_messages))
    found["burst_messages_per_s"] = statistics.median(burst.messages_per_s for burst in bursts)
    found["ip_bytes_burst"] = statistics.median(burst.ip_octets for burst in bursts)
    found["cpu_s_per_1000"] = statistics.median(burst.cpu_s for burst in bursts) * 1_000
    found["rss_mib"] = pair.rss_mib()
    limits = []
    for number in range(plan.limits):
        tell("the limit of this machine", (0.6 + 0.2 * number / plan.limits) * span)
        limits.append(limit(folder / f"limit-{number}", plan.burst_messages))
    found["limit_messages_per_s"] = statistics.median(limits)
    found["burst_to_limit"] = found["burst_messages_per_s"] / found["limit_messages_per_s"]
    tell("catching up", 0.85 * span)
    found["catch_up_entries_per_s"] = pair.catch_up(plan.catch_up_entries)


def _fsync_ms(folder: Path) -> float:
    times = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(FSYNC_OCTETS))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times)


def _rounded(value: float) -> float:
    """Three figures or more; a rate as a whole number."""
    return round(value) if value >= 1_000 else round(value, 1) if value >= 100 else round(value, 3)


def is_met(figure: Figure, value: float) -> bool | None:
    """Whether a value meets the figure's target; None where there is none."""
    if figure.target is None:
        return None
    return value >= figure.target if figure.at_least else value <= figure.target
