"""The simulated world in small: one seed is one run, whatever comes of it. `make world` runs many: see docs/WORLD.md."""

import pytest

from detente.errors import Fault
from detente.testing.observer import Broken
from detente.testing.world import run_seed


def told(seed: int) -> list[str]:
    """Every step of a seed, and how it ended."""
    trace: list[str] = []
    try:
        figures = run_seed(seed, trace.append)
        trace.append(f"{figures.steps} steps, {figures.checks} checks")
    except (Broken, Fault) as broken:
        trace.append(f"{type(broken).__name__}: {broken}")
    return trace


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_one_seed_is_one_run(seed: int) -> None:
    """The same seed does the same, step by step, and ends in the same way."""
    first = told(seed)
    assert len(first) > 100
    assert told(seed) == first
