"""Every fuzz target on changed seeds, a fixed number from a fixed seed: what `make fuzz` does for longer and guided."""

import pytest

from fuzz.mutator import chance, mutate
from fuzz.targets import TARGETS

CHANGES_MAX = 4


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # cryptography's own word on certificates that we refuse
@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_keep_the_invariant(name: str) -> None:
    """Success or the target's fault, in bounded time; what a target asserts holds."""
    target = TARGETS[name]
    below = chance(1)
    for _ in range(target.tries):
        octets = target.seeds[below(len(target.seeds))]
        for _ in range(1 + below(CHANGES_MAX)):
            octets = mutate(below, octets, target.seeds)
        target.take(octets)


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_is_taken(name: str) -> None:
    """At least one seed is right as it is, so that a target reads more than refusals."""
    target = TARGETS[name]
    assert any(_taken(name, octets) for octets in target.seeds)


def _taken(name: str, octets: bytes) -> bool:
    try:
        TARGETS[name].run(octets)
    except TARGETS[name].fault:
        return False
    return True
