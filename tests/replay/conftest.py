"""Two running stations with an EXERCISE channel between them: processes, TLS and SQLite as anywhere."""

from collections.abc import Iterator

import pytest

from detente.demo.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Alfa and bravo, both principals, each running."""
    stage = Stage(tmp_path_factory.mktemp("s"))
    for party in ("alfa", "bravo"):
        stage.make_station(party, "principal", party.upper())
    stage.found("line", "Line between ALFA and BRAVO", ["alfa:principal", "bravo:principal"])
    try:
        for party in stage.homes:
            stage.start(party)
        for party in stage.homes:
            stage.wait_running(party)
        yield stage
    finally:
        stage.stop_all()
