"""Reading the vector files: cases, their octets, and the check that something is refused by one of the stated rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.reference.contents import Reference
from tests.reference.contents import read_reference as read_whole_reference
from tests.reference.refusal import Refusal
from tests.reference.sealing import Unopened

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference.judge import Mark

VECTORS = Path(__file__).resolve().parent.parent.parent / "vectors"
Case = dict[str, Any]


def load(file: str) -> dict[str, Any]:
    """Read one vector file; one that is not there has no groups."""
    path = VECTORS / file
    if not path.exists():
        return {}
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def cases(file: str, group: str) -> pytest.MarkDecorator:
    """Make one test for each case of a group."""
    listed: list[Case] = load(file).get(group, [])
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in listed])


def octets_of(case: Case, key: str = "octets") -> bytes:
    """Return the octets of a case: written whole, or as `parts`, each so many times."""
    if key in case:
        return bytes.fromhex(case[key])
    return b"".join(bytes.fromhex(part) * times for part, times in case["parts"])


def refused(case: Case, action: Callable[[], object]) -> None:
    """Require that the action refuses by one of the rules that the case states."""
    with pytest.raises(Refusal) as caught:
        action()
    assert caught.value.rule in case["rules"], f"refused by {caught.value}, stated are {case['rules']}"
    if "reason" in case and isinstance(caught.value, Unopened):
        assert caught.value.reason == case["reason"]


def dictionary() -> bytes:
    """Return the dictionary of coding 2."""
    return bytes.fromhex(load("padding.json")["dictionary"]["octets"])


def read_reference(stated: list[object]) -> Reference:
    """Read a reference of the vectors."""
    party, book, index = stated
    return read_whole_reference([str(party), int(str(book)), int(str(index))])


def check_marks(stated: list[Any], found: list[tuple[Reference, Mark]]) -> None:
    """Require that marks and stated marks answer each other one by one."""
    left = list(found)
    for reference, rules in stated:
        fitting = [mark for mark in left if mark[0] == read_reference(reference) and mark[1].rule in rules]
        assert fitting, f"{reference} is not marked by {rules}; marks: {left}"
        left.remove(fitting[0])
    assert not left
