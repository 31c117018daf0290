"""The files of vectors/ as test parameters, and the one way in which a bad case is judged."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from detente.errors import PeerViolation

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "vectors"
Case = dict[str, Any]


@cache
def load(name: str) -> dict[str, Any]:
    """A file of vectors/, without its ending."""
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return found


def every(file: str, group: str) -> pytest.MarkDecorator:
    """Parametrise a test with the cases of a group, named as they are."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in load(file)[group]])


def octets_of(case: Case, field: str = "octets") -> bytes:
    """A field in hexadecimal, or the `parts` that stand for `octets`."""
    if field == "octets" and "parts" in case:
        return b"".join(bytes.fromhex(part) * times for part, times in case["parts"])
    return bytes.fromhex(case[field])


def judged(case: Case, read: Callable[[], object]) -> bool:
    """Whether the case is a good one. A bad one is read here, and must be refused by one of its rules."""
    if case["good"]:
        return True
    with pytest.raises(PeerViolation) as caught:
        read()
    assert caught.value.rule in case["rules"], str(caught.value)
    return False
