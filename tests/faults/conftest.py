"""Grounds: two and three stations, made once for all tests and copied for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ground import PAIR, THREE, Ground


@pytest.fixture(scope="session")
def made_pair(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """HOMEs of alfa and bravo."""
    return Ground(tmp_path_factory.mktemp("pair")).make(PAIR)


@pytest.fixture(scope="session")
def made_three(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """HOMEs of alfa, bravo and the mediator meridian."""
    return Ground(tmp_path_factory.mktemp("three")).make(THREE)


@pytest.fixture
def pair(made_pair: Ground, tmp_path: Path) -> Iterator[Ground]:
    """Alfa and bravo, to be started; ended after the test."""
    ground = made_pair.copy_to(tmp_path / "g")
    yield ground
    ground.stop_all()


@pytest.fixture
def three(made_three: Ground, tmp_path: Path) -> Iterator[Ground]:
    """Alfa, bravo and meridian, to be started; ended after the test."""
    ground = made_three.copy_to(tmp_path / "g")
    yield ground
    ground.stop_all()
