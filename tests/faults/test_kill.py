"""`kill -9` of real stations in the midst of bursts, more than fifty times in one run of the tests (STORE-2, STORE-3)."""

import pytest

from tests.faults.ground import Ground
from tests.faults.kill import kill_rounds

ROUNDS = 12
KILLS_MIN = 26  # in each of two halves, which two workers can share; the seeds below have more


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [13, 25])
def test_nothing_told_is_lost_by_kill_9(pair: Ground, seed: int) -> None:
    """Nothing told is lost, nothing is there twice, nothing is forked; more rounds: `make kill ROUNDS=N FIRST=M`."""
    pair.run().settle()
    told = kill_rounds(pair, ROUNDS, seed)
    assert told.kills >= KILLS_MIN
    assert len(told.texts) > 1_000  # how many are answered before the kill is the machine's affair
