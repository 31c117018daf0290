"""What all tests share: where the real correspondence lies, and how property tests run on a small, busy machine.

Real input stands beside the project, in `../shared/data`, and is never copied into it. Where it is absent the tests
that read it are skipped, by name, and every other test still runs.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# No deadline: how long one example takes says more about what else the machine does than about the program.
# pytest-randomly seeds every test and prints the seed; `print_blob` prints what repeats a failing example.
settings.register_profile(
    "detente", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.load_profile("detente")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real input beside the project, `../shared/data`; skips the test where there is none."""
    data = ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("skipped: no ../shared/data")
    return data
